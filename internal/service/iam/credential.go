package iam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/tally"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/arn"
	"claviger/internal/words/confidential"
	"claviger/internal/words/principal"
)

// developmentSecret is the secret access key of development accounts.
const developmentSecret = "test"

// developmentMax bounds the development accounts that a process makes on first
// sight. They are made before a signature is verified, so that without a bound
// anybody could fill the memory with them.
const developmentMax = 1000

// Credential returns what signatures of an access key are checked against,
// with the caller that it speaks for. An access key that is unknown, inactive
// or not its owner's any more is a fault UnrecognizedClient, and so is a session
// token that is not the access key's. A session that has expired or ended is
// lent with its Refusal and without any rights, so that its calls are recorded.
//
// The result is the same pointer until something of the access key, its owner
// or the owner's policies changes, or the session expires.
func (s *Service) Credential(ctx context.Context, accessKeyID, token string) (*authz.Credential, error) {
	if known := s.snapshots.get(accessKeyID); s.looks.Look(known != nil && known.Token == token) {
		return known, nil
	}
	if token != "" {
		return s.temporary(ctx, accessKeyID, token)
	}
	development := s.development && arn.IsAccount(accessKeyID)
	if accessKeyID == "" || len(accessKeyID) > accessKeyIDMax {
		return nil, unrecognized()
	}
	var fresh *authz.Credential
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		if development {
			fresh, err = s.loadDevelopment(ctx, r, accessKeyID)
		} else {
			fresh, err = s.load(ctx, r, accessKeyID)
		}
		return err
	})
	if development && errors.Is(err, store.ErrNotFound) {
		return s.firstSight(ctx, accessKeyID)
	}
	if err != nil {
		s.snapshots.forget(accessKeyID)
		return nil, err
	}
	return s.lend(ctx, fresh)
}

// lend keeps a credential that was just read, unless it is good for nothing.
func (s *Service) lend(ctx context.Context, fresh *authz.Credential) (*authz.Credential, error) {
	if err := s.place(ctx, fresh); err != nil {
		return nil, err
	}
	if fresh.Refusal != nil {
		s.snapshots.forget(fresh.AccessKeyID)
		return fresh, nil
	}
	return s.snapshots.keep(fresh), nil
}

// Looks counts how often a credential that was asked for was in memory.
func (s *Service) Looks() *tally.Cache { return &s.looks }

func (s *Service) load(ctx context.Context, r store.Reader, accessKeyID string) (*authz.Credential, error) {
	k, caller, err := s.owner(ctx, r, accessKeyID)
	if err != nil {
		return nil, err
	}
	return &authz.Credential{AccessKeyID: k.ID, Secret: k.Secret.Bytes, Caller: caller}, nil
}

// owner returns an access key with the caller that it speaks for, which rests on
// both. The error is a fault UnrecognizedClient where the access key does not count.
func (s *Service) owner(ctx context.Context, r store.Reader, accessKeyID string) (*accessKey, *authz.Caller, error) {
	k, rev, err := accessKeys.Get(ctx, r, accessKeyKey(accessKeyID))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, unrecognized()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading access key %s: %w", accessKeyID, err)
	}
	if k.Status != active {
		return nil, nil, unrecognized()
	}
	var caller *authz.Caller
	var owned []string
	switch {
	case k.Service != "":
		caller, owned, err = s.serviceCaller(ctx, r, k.Service, k.ID)
	case k.User != "":
		caller, owned, err = s.userCaller(ctx, r, k.User, k.ID)
	default:
		caller, owned, err = s.rootCaller(ctx, r, k.Account, k.ID)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && !slices.Contains(owned, k.ID) {
		return nil, nil, unrecognized()
	}
	if err != nil {
		return nil, nil, err
	}
	rest(caller, &authz.Caller{
		Stamps:  []store.Stamp{s.store.Stamp(r, accessKeyEntity(k.ID))},
		Require: func(tx store.Txn) { accessKeys.Require(tx, accessKeyKey(k.ID), rev) },
	})
	return k, caller, nil
}

// rest makes c end with everything that other rests on.
func rest(c, other *authz.Caller) {
	c.Stamps = slices.Concat(c.Stamps, other.Stamps)
	switch own, more := c.Require, other.Require; {
	case own == nil:
		c.Require = more
	case more != nil:
		c.Require = func(tx store.Txn) {
			own(tx)
			more(tx)
		}
	}
}

// rootCaller returns the root user of an account, with the ids of its access keys.
func (s *Service) rootCaller(ctx context.Context, r store.Reader, id, accessKeyID string) (*authz.Caller, []string, error) {
	a, _, err := getAccount(ctx, r, id)
	if err != nil {
		return nil, nil, err
	}
	p := principal.Principal{
		Kind:        principal.Root,
		Partition:   s.partition,
		Account:     a.ID,
		ARN:         arn.Root(s.partition, a.ID),
		ID:          a.ID,
		AccessKeyID: accessKeyID,
	}
	return &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN},
		Stamps:    []store.Stamp{s.store.Stamp(r, accountEntity(a.ID))},
	}, a.AccessKeys, nil
}

// userCaller returns a user with its compiled policies, and the ids of its access keys.
func (s *Service) userCaller(ctx context.Context, r store.Reader, id, accessKeyID string) (*authz.Caller, []string, error) {
	u, rev, err := users.Get(ctx, r, userKey(id))
	if err != nil {
		return nil, nil, fmt.Errorf("reading user %s: %w", id, err)
	}
	if _, _, err := getAccount(ctx, r, u.Account); err != nil {
		return nil, nil, err
	}
	p := principal.Principal{
		Kind:        principal.User,
		Partition:   s.partition,
		Account:     u.Account,
		ARN:         u.arn(s.partition),
		ID:          u.ID,
		Name:        u.Name,
		AccessKeyID: accessKeyID,
	}
	caller := &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN, ID: p.ID},
		Tags:      u.Tags,
		Stamps: []store.Stamp{
			s.store.Stamp(r, userEntity(u.ID)),
			s.store.Stamp(r, accountEntity(u.Account)),
		},
		Require: func(tx store.Txn) { users.Require(tx, userKey(u.ID), rev) },
	}
	return caller, u.AccessKeys, s.endow(ctx, r, caller, u.holding())
}

// loadDevelopment returns the root user of a development account. The error
// wraps store.ErrNotFound where there is no such account yet.
func (s *Service) loadDevelopment(ctx context.Context, r store.Reader, id string) (*authz.Credential, error) {
	caller, _, err := s.rootCaller(ctx, r, id, id)
	if err != nil {
		return nil, err
	}
	return &authz.Credential{AccessKeyID: id, Secret: confidential.New([]byte(developmentSecret)), Caller: caller}, nil
}

// firstSight returns the root user of a development account that was not there
// a moment ago. The account is made unless there are enough of them: whoever
// asks may be anybody, since no signature has been verified yet.
func (s *Service) firstSight(ctx context.Context, id string) (*authz.Credential, error) {
	if err := s.makeDevelopment(ctx, id); err != nil {
		return nil, err
	}
	var fresh *authz.Credential
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		fresh, err = s.loadDevelopment(ctx, r, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, unrecognized()
	}
	if err != nil {
		return nil, err
	}
	return s.lend(ctx, fresh)
}

// makeDevelopment makes a development account, unless this process has made
// developmentMax of them or another call was first.
func (s *Service) makeDevelopment(ctx context.Context, id string) error {
	s.making.Lock()
	defer s.making.Unlock()
	if s.made >= developmentMax {
		return nil
	}
	var op store.OpID
	_, _ = rand.Read(op[:]) // never fails: crypto/rand ends the program instead
	_, err := s.store.Update(ctx, op, func(tx store.Txn) error {
		return s.CreateAccount(ctx, tx, id, "", confidential.Bytes{}, s.now())
	})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making development account: %w", err)
	}
	s.made++
	return nil
}
