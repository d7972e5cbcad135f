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

// DeletePolicyVersionInput names a version of a managed policy to be deleted.
type DeletePolicyVersionInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	VersionID optional.Of[string] `aws:"VersionId" audit:"versionId"`
}

// Validate checks the limits of the public API.
func (in *DeletePolicyVersionInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	checkVersionID(c, in.VersionID)
}

// deletePolicyVersion implements DeletePolicyVersion. The version that is in force
// goes with the policy only.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html
func (s *Service) deletePolicyVersion() operation.Operation {
	return operation.Change[DeletePolicyVersionInput, operation.None, policyTarget, *DeletePolicyVersionInput]{
		Name:    "DeletePolicyVersion",
		Actions: []string{"iam:DeletePolicyVersion"},
		Subject: func(c *operation.Call, in *DeletePolicyVersionInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *DeletePolicyVersionInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askWith(c, "iam:DeletePolicyVersion", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *DeletePolicyVersionInput, t policyTarget) (*operation.None, error) {
			v, err := t.version(in.VersionID.V)
			if err != nil {
				return nil, err
			}
			p := *t.policy
			if v.Number == p.Default {
				return nil, fault.New(DeleteConflict, "Cannot delete the default version of a policy.")
			}
			if err := deleteDocument(c, tx, p.ID, v.Number); err != nil {
				return nil, err
			}
			p.Versions = slices.DeleteFunc(slices.Clone(p.Versions), func(o policyVersion) bool { return o.Number == v.Number })
			if err := putManagedPolicy(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
