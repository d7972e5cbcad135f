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

// RemoveUserFromGroupInput names a user who is to be in a group no more.
type RemoveUserFromGroupInput struct {
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
	UserName  optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *RemoveUserFromGroupInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkRequiredName(c, "userName", in.UserName, nameMax)
}

// removeUserFromGroup implements RemoveUserFromGroup. The policies of the group allow
// and deny the user nothing any more once the call is answered.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html
func (s *Service) removeUserFromGroup() operation.Operation {
	return operation.Change[RemoveUserFromGroupInput, operation.None, membership, *RemoveUserFromGroupInput]{
		Name:    "RemoveUserFromGroup",
		Actions: []string{"iam:RemoveUserFromGroup"},
		Subject: func(c *operation.Call, in *RemoveUserFromGroupInput) (membership, error) {
			return s.newMembership(c, in.UserName.V, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *RemoveUserFromGroupInput, m membership, asks []authz.Ask) []authz.Ask {
			return append(asks, m.group.ask(c, "iam:RemoveUserFromGroup"))
		},
		Run: runRemoveUserFromGroup,
	}.Operation()
}

func runRemoveUserFromGroup(c *operation.Call, tx store.Txn, _ *RemoveUserFromGroupInput, m membership) (*operation.None, error) {
	if err := m.exists(); err != nil {
		return nil, err
	}
	u := *m.user.user
	at := slices.Index(u.Groups, m.group.group.ID)
	if at < 0 {
		return nil, fault.New(NoSuchEntity, "User %s not in group %s", u.Name, m.group.group.Name)
	}
	u.Groups = slices.Delete(slices.Clone(u.Groups), at, at+1)
	if err := countMember(c.Context, tx, m.group.group.ID, -1); err != nil {
		return nil, err
	}
	if err := putUser(c.Context, tx, u, m.user.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
