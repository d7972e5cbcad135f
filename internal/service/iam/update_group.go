package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// UpdateGroupInput has a new name or path for a group.
type UpdateGroupInput struct {
	GroupName    optional.Of[string] `aws:"GroupName" audit:"groupName"`
	NewPath      optional.Of[string] `aws:"NewPath" audit:"newPath"`
	NewGroupName optional.Of[string] `aws:"NewGroupName" audit:"newGroupName"`
}

// Validate checks the limits of the public API.
func (in *UpdateGroupInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkNewPath(c, in.NewPath)
	checkName(c, "newGroupName", in.NewGroupName, nameMax)
}

// updateGroup implements UpdateGroup. The caller needs leave for the group as it is called, and
// as it will be called. Its users and policies stay.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html
func (s *Service) updateGroup() operation.Operation {
	return operation.Change[UpdateGroupInput, operation.None, groupTarget, *UpdateGroupInput]{
		Name:    "UpdateGroup",
		Actions: []string{"iam:UpdateGroup"},
		Subject: func(c *operation.Call, in *UpdateGroupInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, in *UpdateGroupInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			asks = append(asks, t.ask(c, "iam:UpdateGroup"))
			if t.group != nil {
				asks = append(asks, ask(c, "iam:UpdateGroup", groupARN(c.Partition, ownAccount(c), in.NewPath.Or(t.group.Path), in.NewGroupName.Or(t.group.Name)), &facts{}))
			}
			return asks
		},
		Run: runUpdateGroup,
	}.Operation()
}

func runUpdateGroup(c *operation.Call, tx store.Txn, in *UpdateGroupInput, t groupTarget) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	g := *t.group
	g.Path, g.Name = in.NewPath.Or(g.Path), in.NewGroupName.Or(g.Name)
	other, _, err := findGroup(c.Context, tx, g.Account, g.Name)
	if err != nil {
		return nil, err
	}
	if other != nil && other.ID != g.ID {
		return nil, fault.New(EntityAlreadyExists, "Group with name %s already exists.", g.Name)
	}
	if err := putGroup(c.Context, tx, g, t.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, renamed(c, tx)
}
