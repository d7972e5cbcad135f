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

// AddUserToGroupInput names a user who is to be in a group.
type AddUserToGroupInput struct {
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
	UserName  optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *AddUserToGroupInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkRequiredName(c, "userName", in.UserName, nameMax)
}

// addUserToGroup implements AddUserToGroup. Who is in the group already stays in it. The policies of the
// group are in force for the user once the call is answered.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html
func (s *Service) addUserToGroup() operation.Operation {
	return operation.Change[AddUserToGroupInput, operation.None, membership, *AddUserToGroupInput]{
		Name:    "AddUserToGroup",
		Actions: []string{"iam:AddUserToGroup"},
		Subject: func(c *operation.Call, in *AddUserToGroupInput) (membership, error) {
			return s.newMembership(c, in.UserName.V, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *AddUserToGroupInput, m membership, asks []authz.Ask) []authz.Ask {
			return append(asks, m.group.ask(c, "iam:AddUserToGroup"))
		},
		Run: runAddUserToGroup,
	}.Operation()
}

func runAddUserToGroup(c *operation.Call, tx store.Txn, _ *AddUserToGroupInput, m membership) (*operation.None, error) {
	if err := m.exists(); err != nil {
		return nil, err
	}
	u := *m.user.user
	if slices.Contains(u.Groups, m.group.group.ID) {
		return &operation.None{}, nil
	}
	if len(u.Groups) >= groupsOfUserMax {
		return nil, fault.New(fault.LimitExceeded, "Cannot exceed quota for GroupsPerUser: %d", groupsOfUserMax)
	}
	u.Groups = append(slices.Clone(u.Groups), m.group.group.ID)
	if err := countMember(c.Context, tx, m.group.group.ID, +1); err != nil {
		return nil, err
	}
	if err := putUser(c.Context, tx, u, m.user.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
