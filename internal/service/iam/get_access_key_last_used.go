package iam

import (
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetAccessKeyLastUsedInput names an access key.
type GetAccessKeyLastUsedInput struct {
	AccessKeyID optional.Of[string] `aws:"AccessKeyId" audit:"accessKeyId"`
}

// Validate checks the limits of the public API.
func (in *GetAccessKeyLastUsedInput) Validate(c *check.Checks) {
	c.HideValues()
	checkAccessKeyID(c, in.AccessKeyID)
}

// GetAccessKeyLastUsedOutput tells whose the access key is and when it last signed
// a call. UserName is absent for keys of the root user.
type GetAccessKeyLastUsedOutput struct {
	UserName          optional.Of[string] `aws:"UserName"`
	AccessKeyLastUsed AccessKeyLastUsed   `aws:"AccessKeyLastUsed"`
}

// AccessKeyLastUsed is a use. Where there was none the date is absent, and the
// others are "N/A".
type AccessKeyLastUsed struct {
	LastUsedDate optional.Of[time.Time] `aws:"LastUsedDate"`
	ServiceName  string                 `aws:"ServiceName"`
	Region       string                 `aws:"Region"`
}

// A keyTarget is an access key of the caller's account and its owner. The key is nil
// where there is none.
type keyTarget struct {
	key   *accessKey
	owner target
}

// getAccessKeyLastUsed implements GetAccessKeyLastUsed.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
func (s *Service) getAccessKeyLastUsed() operation.Operation {
	return operation.Use[GetAccessKeyLastUsedInput, GetAccessKeyLastUsedOutput, keyTarget, *GetAccessKeyLastUsedInput]{
		Name:    "GetAccessKeyLastUsed",
		Actions: []string{"iam:GetAccessKeyLastUsed"},
		Subject: func(c *operation.Call, in *GetAccessKeyLastUsedInput) (keyTarget, error) {
			return s.keyNamed(c, in.AccessKeyID.V)
		},
		Asks: func(c *operation.Call, _ *GetAccessKeyLastUsedInput, t keyTarget, asks []authz.Ask) []authz.Ask {
			if t.key == nil {
				return append(asks, ask(c, "iam:GetAccessKeyLastUsed", "*", &facts{}))
			}
			return append(asks, t.owner.ask(c, "iam:GetAccessKeyLastUsed"))
		},
		Run: func(c *operation.Call, in *GetAccessKeyLastUsedInput, t keyTarget) (*GetAccessKeyLastUsedOutput, error) {
			if t.key == nil {
				return nil, noSuchAccessKey(in.AccessKeyID.V)
			}
			out := &GetAccessKeyLastUsedOutput{UserName: t.owner.userName(), AccessKeyLastUsed: AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
			used, err := s.lastUse(c, t.key.ID)
			if err != nil || used == nil {
				return out, err
			}
			out.AccessKeyLastUsed = AccessKeyLastUsed{LastUsedDate: optional.Some(used.Time), ServiceName: used.Service, Region: used.Region}
			return out, nil
		},
	}.Operation()
}

// keyNamed finds an access key of the caller's account and its owner. One that does
// not exist is no error yet: whether the caller may know is decided first.
func (s *Service) keyNamed(c *operation.Call, id string) (t keyTarget, err error) {
	r, err := c.Reader()
	if err != nil {
		return t, err
	}
	k, _, err := accessKeys.Get(c.Context, r, accessKeyKey(id))
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && (k.Service != "" || k.Account != ownAccount(c)):
		return t, nil
	case err != nil:
		return t, fmt.Errorf("reading access key %s: %w", id, err)
	}
	c.RestOn(s.store.Stamp(r, accessKeyEntity(id)))
	if k.User == "" {
		a, rev, err := getAccount(c.Context, r, k.Account)
		return keyTarget{key: k, owner: target{root: a, rev: rev}}, err
	}
	u, rev, err := users.Get(c.Context, r, userKey(k.User))
	if err != nil {
		return t, fmt.Errorf("reading user %s: %w", k.User, err)
	}
	c.RestOn(s.store.Stamp(r, userEntity(u.ID)))
	return keyTarget{key: k, owner: target{name: u.Name, user: u, rev: rev}}, nil
}
