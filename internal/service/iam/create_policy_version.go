package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreatePolicyVersionInput has another version of a managed policy, which is in
// force at once if it is set as the default.
type CreatePolicyVersionInput struct {
	PolicyARN      optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	PolicyDocument optional.Of[string] `aws:"PolicyDocument" audit:"policyDocument"`
	SetAsDefault   optional.Of[bool]   `aws:"SetAsDefault" audit:"setAsDefault"`
}

// Validate checks the limits of the public API.
func (in *CreatePolicyVersionInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	checkDocument(c, "policyDocument", in.PolicyDocument)
}

// CreatePolicyVersionOutput is the new version, without its document.
type CreatePolicyVersionOutput struct {
	PolicyVersion PolicyVersion `aws:"PolicyVersion" audit:"policyVersion"`
}

// createPolicyVersion implements CreatePolicyVersion.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html
func (s *Service) createPolicyVersion() operation.Operation {
	return operation.Change[CreatePolicyVersionInput, CreatePolicyVersionOutput, policyTarget, *CreatePolicyVersionInput]{
		Name:    "CreatePolicyVersion",
		Actions: []string{"iam:CreatePolicyVersion"},
		Subject: func(c *operation.Call, in *CreatePolicyVersionInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *CreatePolicyVersionInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askWith(c, "iam:CreatePolicyVersion", &facts{}))
		},
		Run: runCreatePolicyVersion,
	}.Operation()
}

func runCreatePolicyVersion(c *operation.Call, tx store.Txn, in *CreatePolicyVersionInput, t policyTarget) (*CreatePolicyVersionOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	p := *t.policy
	if err := checkManaged(p.Name, in.PolicyDocument.V); err != nil {
		return nil, err
	}
	if len(p.Versions) >= versionsMax {
		return nil, fault.New(fault.LimitExceeded, "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", versionsMax)
	}
	p.Last++
	p.Updated = c.Time.Unix()
	v := policyVersion{Number: p.Last, Created: p.Updated}
	p.Versions = append(slices.Clone(p.Versions), v)
	if in.SetAsDefault.V {
		p.Default = v.Number
	}
	if err := insertDocument(c, tx, &p, v.Number, in.PolicyDocument.V); err != nil {
		return nil, err
	}
	if err := putManagedPolicy(c.Context, tx, p, t.rev); err != nil {
		return nil, err
	}
	return &CreatePolicyVersionOutput{PolicyVersion: p.shownVersion(&v)}, nil
}
