package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateUserInput asks for a new user without credentials or rights.
type CreateUserInput struct {
	Path                optional.Of[string] `aws:"Path" audit:"path"`
	UserName            optional.Of[string] `aws:"UserName" audit:"userName"`
	PermissionsBoundary optional.Of[string] `aws:"PermissionsBoundary" audit:"permissionsBoundary"`
	Tags                []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreateUserInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPath(c, in.Path)
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
	checkBoundary(c, in.PermissionsBoundary)
	checkTags(c, in.Tags)
}

// CreateUserOutput is the new user.
type CreateUserOutput struct {
	User User `aws:"User" audit:"user"`
}

// createUser implements CreateUser.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
func (s *Service) createUser() operation.Operation {
	return operation.Change[CreateUserInput, CreateUserOutput, bounding[target], *CreateUserInput]{
		Name:    "CreateUser",
		Actions: []string{"iam:CreateUser", "iam:TagUser"},
		Subject: func(c *operation.Call, in *CreateUserInput) (bounding[target], error) {
			return newBounding(s, c, s.named, in.UserName.V, in.PermissionsBoundary)
		},
		Asks: func(c *operation.Call, in *CreateUserInput, _ bounding[target], asks []authz.Ask) []authz.Ask {
			resource := userARN(c.Partition, ownAccount(c), in.Path.Or("/"), in.UserName.V)
			tags := tagMap(in.Tags)
			f := &facts{requestTags: tags, requestKeys: tags.Keys(), boundary: in.PermissionsBoundary.V}
			asks = append(asks, ask(c, "iam:CreateUser", resource, f))
			if len(tags) > 0 {
				asks = append(asks, ask(c, "iam:TagUser", resource, f))
			}
			return asks
		},
		Run: s.runCreateUser,
	}.Operation()
}

func (s *Service) runCreateUser(c *operation.Call, tx store.Txn, in *CreateUserInput, b bounding[target]) (*CreateUserOutput, error) {
	if b.to.user != nil {
		return nil, fault.New(EntityAlreadyExists, "User with name %s already exists.", in.UserName.V)
	}
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return nil, err
	}
	if a.Users >= usersMax {
		return nil, fault.New(fault.LimitExceeded, "Cannot exceed quota for UsersPerAccount: %d", usersMax)
	}
	boundary, err := bound(c, tx, nil, b.boundary)
	if err != nil {
		return nil, err
	}
	u := &user{
		ID:      ident.Unique("AIDA", 21),
		Account: a.ID,
		Path:    in.Path.Or("/"),
		Name:    in.UserName.V,
		Created: c.Time.Unix(),
		Tags:    tagMap(in.Tags),

		Boundary: boundary,
	}
	if err := users.Insert(c.Context, tx, u); err != nil {
		return nil, err
	}
	// Whoever creates the same name at the same time writes the account too:
	// one of both starts again, and finds the other's user.
	if err := countUser(c.Context, tx, *a, rev, +1); err != nil {
		return nil, err
	}
	return &CreateUserOutput{User: u.shownWhole(c.Partition)}, nil
}
