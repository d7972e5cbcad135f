package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateGroupInput asks for a new group without users or policies.
type CreateGroupInput struct {
	Path      optional.Of[string] `aws:"Path" audit:"path"`
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
}

// Validate checks the limits of the public API.
func (in *CreateGroupInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPath(c, in.Path)
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
}

// CreateGroupOutput is the new group.
type CreateGroupOutput struct {
	Group Group `aws:"Group" audit:"group"`
}

// createGroup implements CreateGroup.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html
func (s *Service) createGroup() operation.Operation {
	return operation.Change[CreateGroupInput, CreateGroupOutput, groupTarget, *CreateGroupInput]{
		Name:    "CreateGroup",
		Actions: []string{"iam:CreateGroup"},
		Subject: func(c *operation.Call, in *CreateGroupInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, in *CreateGroupInput, _ groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:CreateGroup", groupARN(c.Partition, ownAccount(c), in.Path.Or("/"), in.GroupName.V), &facts{}))
		},
		Run: runCreateGroup,
	}.Operation()
}

func runCreateGroup(c *operation.Call, tx store.Txn, in *CreateGroupInput, t groupTarget) (*CreateGroupOutput, error) {
	if t.group != nil {
		return nil, fault.New(EntityAlreadyExists, "Group with name %s already exists.", in.GroupName.V)
	}
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return nil, err
	}
	if a.Groups >= groupsMax {
		return nil, fault.New(fault.LimitExceeded, "Cannot exceed quota for GroupsPerAccount: %d", groupsMax)
	}
	g := &group{ID: ident.Unique("AGPA", 21), Account: a.ID, Path: in.Path.Or("/"), Name: in.GroupName.V, Created: c.Time.Unix()}
	if err := groups.Insert(c.Context, tx, g); err != nil {
		return nil, fmt.Errorf("making group %s: %w", g.ID, err)
	}
	if err := groupSizes.Insert(c.Context, tx, &groupSize{Group: g.ID, Account: g.Account}); err != nil {
		return nil, fmt.Errorf("making the size of group %s: %w", g.ID, err)
	}
	// Whoever creates the same name at the same time writes the account too:
	// one of both starts again, and finds the other's group.
	if err := countGroup(c.Context, tx, *a, rev, +1); err != nil {
		return nil, err
	}
	return &CreateGroupOutput{Group: g.shown(c.Partition)}, nil
}
