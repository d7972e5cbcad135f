package iam

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A policyUse counts how often an account uses a managed policy. It is a row of its own:
// who counts ends no snapshot that rests on the policy. Whoever attaches a policy
// writes this row, and whoever deletes the policy deletes it, so that nothing
// stays attached that is gone.
type policyUse struct {
	Account     string `json:"account"`
	Policy      string `json:"policy"`                // unique id
	Attachments int    `json:"attachments,omitempty"` // users, groups and roles that have it attached
	Boundaries  int    `json:"boundaries,omitempty"`  // users and roles whose boundary it is
}

var policyUses = &store.Table[policyUse]{
	Schema: driver.Schema{
		Name:       "iam_policy_use",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "policy"}},
	},
	Version: 1,
	Key:     func(u *policyUse) store.Key { return policyUseKey(u.Account, u.Policy) },
	Account: func(u *policyUse) string { return u.Account },
}

func policyUseKey(account, policy string) store.Key {
	return store.Key{store.S(account), store.S(policy)}
}

// getPolicyUse reads how an account uses a policy. The revision is zero where there is no row,
// as there is none of a policy of AWS that the account never used.
func getPolicyUse(ctx context.Context, r store.Reader, account, policy string) (*policyUse, store.Rev, error) {
	u, rev, err := policyUses.Get(ctx, r, policyUseKey(account, policy))
	if errors.Is(err, store.ErrNotFound) {
		return &policyUse{Account: account, Policy: policy}, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the use of policy %s: %w", policy, err)
	}
	return u, rev, nil
}

// policyUsesOf reads how an account uses policies, by their ids. One that it never used
// is absent. Quotas bound the number.
func policyUsesOf(ctx context.Context, r store.Reader, account string) (map[string]*policyUse, error) {
	uses := make(map[string]*policyUse)
	const batch = 100
	for seen, after := batch, store.Key(nil); seen == batch; {
		seen = 0
		err := policyUses.Scan(ctx, r, "", store.Key{store.S(account)}, after, batch, func(u *policyUse, _ store.Rev) error {
			seen++
			uses[u.Policy], after = u, policyUseKey(account, u.Policy)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("listing the use of policies by account %s: %w", account, err)
		}
	}
	return uses, nil
}

// countPolicyUse adds to what an account uses of a policy.
func countPolicyUse(ctx context.Context, tx store.Txn, account, policy string, attachments, boundaries int) error {
	u, rev, err := getPolicyUse(ctx, tx, account, policy)
	if err != nil {
		return err
	}
	u.Attachments += attachments
	u.Boundaries += boundaries
	if u.Attachments < 0 || u.Boundaries < 0 {
		return fmt.Errorf("counting the use of policy %s: fewer than none: %w", policy, store.ErrDamaged)
	}
	if rev == 0 {
		err = policyUses.Insert(ctx, tx, u)
	} else {
		err = policyUses.Put(ctx, tx, u, rev)
	}
	if err != nil {
		return fmt.Errorf("counting the use of policy %s: %w", policy, err)
	}
	return nil
}
