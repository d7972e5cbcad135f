package iam

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/words/confidential"
	"claviger/internal/words/ident"
	"claviger/internal/words/pairs"
)

// Fill gives an account that is there users, roles and managed policies with the numbers
// from "from" to below "to", as the operations would leave them: all have tags and an inline
// policy, and a user and a role have the managed policy of their number attached. The access
// key of a user is FilledKey of its number.
func Fill(ctx context.Context, tx store.Txn, account string, from, to int, inline, managed string) error {
	for i := from; i < to; i++ {
		if err := fillOne(ctx, tx, account, i, inline, managed); err != nil {
			return err
		}
	}
	a, rev, err := getAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	filled := *a
	filled.Users += to - from
	filled.Roles += to - from
	filled.Policies += to - from
	return putCounts(ctx, tx, filled, rev)
}

// FilledKey is the id of the access key of a user that Fill made.
func FilledKey(i int) string { return fmt.Sprintf("AKIAFILLED%010d", i) }

func fillOne(ctx context.Context, tx store.Txn, account string, i int, inline, managed string) error {
	p := &managedPolicy{
		ID: ident.Unique("ANPA", 21), Account: account, Path: "/", Name: fmt.Sprint("policy", i),
		Default: 1, Last: 1, Versions: []policyVersion{{Number: 1}},
	}
	policies, tags := pairs.Of(map[string]string{"own": inline}), pairs.Of(map[string]string{"team": "blue"})
	attached := []attachment{{ID: p.ID, ARN: p.arn("aws")}}
	u := &user{
		ID: ident.Unique("AIDA", 21), Account: account, Path: "/", Name: fmt.Sprint("user", i),
		Tags: tags, Policies: policies, Attached: attached, AccessKeys: []string{FilledKey(i)},
	}
	o := &role{
		ID: ident.Unique("AROA", 21), Account: account, Path: "/", Name: fmt.Sprint("role", i), Longest: sessionDefault,
		Trust: trust{Text: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}}`},
		Tags:  tags, Policies: policies, Attached: attached,
	}
	return errors.Join(
		managedPolicies.Insert(ctx, tx, p),
		policyDocuments.Insert(ctx, tx, &policyDocument{Policy: p.ID, Number: 1, Account: account, Text: managed}),
		policyUses.Insert(ctx, tx, &policyUse{Account: account, Policy: p.ID, Attachments: 2}),
		users.Insert(ctx, tx, u),
		accessKeys.Insert(ctx, tx, &accessKey{
			ID: FilledKey(i), Account: account, User: u.ID, Status: active, Secret: secret{confidential.New([]byte("filled"))},
		}),
		roles.Insert(ctx, tx, o),
	)
}

// Cool has what was read of a user that Fill made read again: the user and the policies.
func Cool(ctx context.Context, tx store.Txn, account string, i int) error {
	u, _, err := findUser(ctx, tx, account, fmt.Sprint("user", i))
	if err != nil {
		return err
	}
	tx.Touch(userEntity(u.ID), managedPolicyEntity(u.Attached[0].ID))
	return nil
}
