package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// UpdateUserInput has a new name or path for a user.
type UpdateUserInput struct {
	UserName    optional.Of[string] `aws:"UserName" audit:"userName"`
	NewPath     optional.Of[string] `aws:"NewPath" audit:"newPath"`
	NewUserName optional.Of[string] `aws:"NewUserName" audit:"newUserName"`
}

// Validate checks the limits of the public API.
func (in *UpdateUserInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkNewPath(c, in.NewPath)
	checkName(c, "newUserName", in.NewUserName, newUserNameMax)
}

// updateUser implements UpdateUser. The caller needs leave for the user as it is called, and as
// it will be called. The unique id stays, and with it access keys, groups and policies,
// and what names the user as a principal or holds grants for it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html
func (s *Service) updateUser() operation.Operation {
	return operation.Change[UpdateUserInput, operation.None, target, *UpdateUserInput]{
		Name:    "UpdateUser",
		Actions: []string{"iam:UpdateUser"},
		Subject: func(c *operation.Call, in *UpdateUserInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, in *UpdateUserInput, t target, asks []authz.Ask) []authz.Ask {
			asks = append(asks, t.ask(c, "iam:UpdateUser"))
			if t.user != nil {
				f := &facts{resourceTags: t.user.Tags}
				asks = append(asks, ask(c, "iam:UpdateUser", userARN(c.Partition, ownAccount(c), in.NewPath.Or(t.user.Path), in.NewUserName.Or(t.user.Name)), f))
			}
			return asks
		},
		Run: runUpdateUser,
	}.Operation()
}

func runUpdateUser(c *operation.Call, tx store.Txn, in *UpdateUserInput, t target) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	u := *t.user
	u.Path, u.Name = in.NewPath.Or(u.Path), in.NewUserName.Or(u.Name)
	other, _, err := findUser(c.Context, tx, u.Account, u.Name)
	if err != nil {
		return nil, err
	}
	if other != nil && other.ID != u.ID {
		return nil, fault.New(EntityAlreadyExists, "User with name %s already exists.", u.Name)
	}
	if err := putUser(c.Context, tx, u, t.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, renamed(c, tx)
}

// renamed writes the account of the caller. Whoever takes the same name at the same time
// writes it too: one of both starts again, and finds the other.
func renamed(c *operation.Call, tx store.Txn) error {
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return err
	}
	return putCounts(c.Context, tx, *a, rev)
}
