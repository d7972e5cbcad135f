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

// DeleteGroupInput names the group to be deleted.
type DeleteGroupInput struct {
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
}

// Validate checks the limits of the public API.
func (in *DeleteGroupInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
}

// deleteGroup implements DeleteGroup. A group must have lost its users and
// policies before.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html
func (s *Service) deleteGroup() operation.Operation {
	return operation.Change[DeleteGroupInput, operation.None, groupTarget, *DeleteGroupInput]{
		Name:    "DeleteGroup",
		Actions: []string{"iam:DeleteGroup"},
		Subject: func(c *operation.Call, in *DeleteGroupInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteGroupInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteGroup"))
		},
		Run: runDeleteGroup,
	}.Operation()
}

func runDeleteGroup(c *operation.Call, tx store.Txn, _ *DeleteGroupInput, t groupTarget) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	size, sized, err := getGroupSize(c.Context, tx, t.group.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case size.Users > 0:
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must remove users from group first.")
	case len(t.group.Attached) > 0:
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must detach all policies first.")
	case len(t.group.Policies) > 0:
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must delete policies first.")
	}
	if err := groupSizes.Delete(c.Context, tx, groupKey(t.group.ID), sized); err != nil {
		return nil, fmt.Errorf("deleting the size of group %s: %w", t.group.ID, err)
	}
	if err := groups.Delete(c.Context, tx, groupKey(t.group.ID), t.rev); err != nil {
		return nil, fmt.Errorf("deleting group %s: %w", t.group.ID, err)
	}
	tx.Touch(groupEntity(t.group.ID))
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return nil, err
	}
	if err := countGroup(c.Context, tx, *a, rev, -1); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
