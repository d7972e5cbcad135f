package iam

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
)

// An accountTarget is the caller's account, where a call is about that. It is nil
// for a service, which has none, and which no policy lets in.
type accountTarget struct {
	account *account
	rev     store.Rev
}

// ownRecord finds the caller's account.
func (s *Service) ownRecord(c *operation.Call) (accountTarget, error) {
	r, err := c.Reader()
	if err != nil {
		return accountTarget{}, err
	}
	a, rev, err := getAccount(c.Context, r, ownAccount(c))
	if errors.Is(err, store.ErrNotFound) {
		return accountTarget{}, nil
	}
	if err != nil {
		return accountTarget{}, err
	}
	c.RestOn(s.store.Stamp(r, accountEntity(a.ID)))
	return accountTarget{account: a, rev: rev}, nil
}

// asksOfAccount makes the Asks of an operation that is about the account as a
// whole, and so about no resource.
func asksOfAccount[In any](action string) func(*operation.Call, *In, accountTarget, []authz.Ask) []authz.Ask {
	return func(c *operation.Call, _ *In, _ accountTarget, asks []authz.Ask) []authz.Ask {
		return append(asks, ask(c, action, "*", &facts{}))
	}
}

// exists refuses a caller without an account.
func (t *accountTarget) exists() error {
	if t.account == nil {
		return unrecognized()
	}
	return nil
}

// put writes the account with something of it changed. What rests on it ends with
// this commit.
func (t *accountTarget) put(ctx context.Context, tx store.Txn, change func(*account)) error {
	a := *t.account
	change(&a)
	if err := accounts.Put(ctx, tx, &a, t.rev); err != nil {
		return fmt.Errorf("writing account %s: %w", a.ID, err)
	}
	tx.Touch(accountEntity(a.ID))
	return nil
}
