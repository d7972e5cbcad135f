package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteInstanceProfileInput names an instance profile.
type DeleteInstanceProfileInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
}

// Validate checks the limits of the public API.
func (in *DeleteInstanceProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
}

// deleteInstanceProfile implements DeleteInstanceProfile. A profile must have lost
// its role before.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteInstanceProfile.html
func (s *Service) deleteInstanceProfile() operation.Operation {
	return operation.Change[DeleteInstanceProfileInput, operation.None, profileTarget, *DeleteInstanceProfileInput]{
		Name:    "DeleteInstanceProfile",
		Actions: []string{"iam:DeleteInstanceProfile"},
		Subject: func(c *operation.Call, in *DeleteInstanceProfileInput) (profileTarget, error) {
			return s.profileNamed(c, in.InstanceProfileName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteInstanceProfileInput, t profileTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteInstanceProfile", &facts{}))
		},
		Run: runDeleteInstanceProfile,
	}.Operation()
}

func runDeleteInstanceProfile(c *operation.Call, tx store.Txn, _ *DeleteInstanceProfileInput, t profileTarget) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	if t.profile.Role != "" {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must remove roles from instance profile first.")
	}
	if err := instanceProfiles.Delete(c.Context, tx, instanceProfileKey(t.profile.ID), t.rev); err != nil {
		return nil, fmt.Errorf("deleting instance profile %s: %w", t.profile.ID, err)
	}
	tx.Touch(instanceProfileEntity(t.profile.ID))
	if err := countDown(c, tx, instanceProfileCount); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
