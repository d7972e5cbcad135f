package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// SetDefaultPolicyVersionInput names the version of a managed policy that is to be in force.
type SetDefaultPolicyVersionInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	VersionID optional.Of[string] `aws:"VersionId" audit:"versionId"`
}

// Validate checks the limits of the public API.
func (in *SetDefaultPolicyVersionInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	checkVersionID(c, in.VersionID)
}

// setDefaultPolicyVersion implements SetDefaultPolicyVersion. Once the call is answered
// the version is in force for all that have the policy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html
func (s *Service) setDefaultPolicyVersion() operation.Operation {
	return operation.Change[SetDefaultPolicyVersionInput, operation.None, policyTarget, *SetDefaultPolicyVersionInput]{
		Name:    "SetDefaultPolicyVersion",
		Actions: []string{"iam:SetDefaultPolicyVersion"},
		Subject: func(c *operation.Call, in *SetDefaultPolicyVersionInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *SetDefaultPolicyVersionInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askWith(c, "iam:SetDefaultPolicyVersion", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *SetDefaultPolicyVersionInput, t policyTarget) (*operation.None, error) {
			v, err := t.version(in.VersionID.V)
			if err != nil {
				return nil, err
			}
			p := *t.policy
			p.Default = v.Number
			if err := putManagedPolicy(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
