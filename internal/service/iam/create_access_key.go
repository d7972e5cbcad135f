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

// CreateAccessKeyInput names the user who is to get an access key, or nobody
// for the caller.
type CreateAccessKeyInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *CreateAccessKeyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
}

// CreateAccessKeyOutput is the new access key. Its secret is shown here and
// never again.
type CreateAccessKeyOutput struct {
	AccessKey AccessKey `aws:"AccessKey" audit:"accessKey"`
}

// createAccessKey implements CreateAccessKey.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
func (s *Service) createAccessKey() operation.Operation {
	return operation.Change[CreateAccessKeyInput, CreateAccessKeyOutput, target, *CreateAccessKeyInput]{
		Name:    "CreateAccessKey",
		Actions: []string{"iam:CreateAccessKey"},
		Subject: func(c *operation.Call, in *CreateAccessKeyInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *CreateAccessKeyInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:CreateAccessKey"))
		},
		Run: s.runCreateAccessKey,
	}.Operation()
}

func (s *Service) runCreateAccessKey(c *operation.Call, tx store.Txn, _ *CreateAccessKeyInput, t target) (*CreateAccessKeyOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	owned := t.accessKeys()
	if len(owned) >= accessKeysMax {
		return nil, fault.New(fault.LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: %d", accessKeysMax)
	}
	id, plain := DrawAccessKey()
	k := &accessKey{
		ID:      id,
		Account: ownAccount(c),
		User:    t.id(),
		Status:  active,
		Created: c.Time.Unix(),
		Secret:  secret{plain},
	}
	if err := insertAccessKey(c.Context, tx, k); err != nil {
		return nil, err
	}
	// The owner's record is the guard of the quota: of two calls at the same
	// time one starts again, and counts the other's key.
	if err := t.putAccessKeys(c.Context, tx, append(slices.Clone(owned), id)); err != nil {
		return nil, err
	}
	return &CreateAccessKeyOutput{AccessKey: AccessKey{
		UserName:        t.userName(),
		AccessKeyID:     id,
		Status:          k.Status,
		SecretAccessKey: plain,
		CreateDate:      seconds(k.Created),
	}}, nil
}
