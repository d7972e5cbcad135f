package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteAccessKeyInput names an access key of a user, or of the caller.
type DeleteAccessKeyInput struct {
	UserName    optional.Of[string] `aws:"UserName" audit:"userName"`
	AccessKeyID optional.Of[string] `aws:"AccessKeyId" audit:"accessKeyId"`
}

// Validate checks the limits of the public API.
func (in *DeleteAccessKeyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
	checkAccessKeyID(c, in.AccessKeyID)
}

// deleteAccessKey implements DeleteAccessKey.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
func (s *Service) deleteAccessKey() operation.Operation {
	return operation.Change[DeleteAccessKeyInput, operation.None, target, *DeleteAccessKeyInput]{
		Name:    "DeleteAccessKey",
		Actions: []string{"iam:DeleteAccessKey"},
		Subject: func(c *operation.Call, in *DeleteAccessKeyInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *DeleteAccessKeyInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteAccessKey"))
		},
		Run: s.runDeleteAccessKey,
	}.Operation()
}

func (s *Service) runDeleteAccessKey(c *operation.Call, tx store.Txn, in *DeleteAccessKeyInput, t target) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	id := in.AccessKeyID.V
	i := slices.Index(t.accessKeys(), id)
	if i < 0 {
		return nil, noSuchAccessKey(id)
	}
	if err := dropAccessKey(c.Context, tx, id); err != nil {
		return nil, err
	}
	if err := forgetUse(c.Context, tx, id); err != nil {
		return nil, err
	}
	if err := t.putAccessKeys(c.Context, tx, slices.Delete(slices.Clone(t.accessKeys()), i, i+1)); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
