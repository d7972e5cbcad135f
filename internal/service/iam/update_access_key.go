package iam

import (
	"fmt"
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateAccessKeyInput asks for an access key to be activated or deactivated.
type UpdateAccessKeyInput struct {
	UserName    optional.Of[string] `aws:"UserName" audit:"userName"`
	AccessKeyID optional.Of[string] `aws:"AccessKeyId" audit:"accessKeyId"`
	Status      optional.Of[string] `aws:"Status" audit:"status"`
}

// Validate checks the limits of the public API.
func (in *UpdateAccessKeyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
	checkAccessKeyID(c, in.AccessKeyID)
	if c.Required("status", in.Status.Set) {
		c.Enum("status", in.Status, active, inactive)
	}
}

// updateAccessKey implements UpdateAccessKey. No signature of a deactivated
// key is accepted once the call is answered.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
func (s *Service) updateAccessKey() operation.Operation {
	return operation.Change[UpdateAccessKeyInput, operation.None, target, *UpdateAccessKeyInput]{
		Name:    "UpdateAccessKey",
		Actions: []string{"iam:UpdateAccessKey"},
		Subject: func(c *operation.Call, in *UpdateAccessKeyInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *UpdateAccessKeyInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateAccessKey"))
		},
		Run: s.runUpdateAccessKey,
	}.Operation()
}

func (s *Service) runUpdateAccessKey(c *operation.Call, tx store.Txn, in *UpdateAccessKeyInput, t target) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	id := in.AccessKeyID.V
	if !slices.Contains(t.accessKeys(), id) {
		return nil, noSuchAccessKey(id)
	}
	k, rev, err := getAccessKey(c.Context, tx, id)
	if err != nil {
		return nil, err
	}
	t.require(tx)
	k.Status = in.Status.V
	if err := accessKeys.Put(c.Context, tx, k, rev); err != nil {
		return nil, fmt.Errorf("writing access key %s: %w", id, err)
	}
	tx.Touch(accessKeyEntity(id))
	return &operation.None{}, nil
}
