package iam

import (
	"context"
	"errors"
	"slices"

	"claviger/internal/ground/store"
)

// Consistency reports where rows of a snapshot of store.Verify contradict each
// other: access keys that their owners do not list or that are not there, and
// the counts of users and roles.
func (s *Service) Consistency(ctx context.Context, r store.Reader, report func(store.Problem)) error {
	numberUsers, numberRoles := make(map[string]int), make(map[string]int)
	owned := make(map[string]bool)
	listed := func(wrong func(store.Key, string, ...any), key store.Key, ids []string, mine func(*accessKey) bool) error {
		for _, id := range ids {
			owned[id] = true
			k, there, err := accessKeys.Look(ctx, r, accessKeyKey(id))
			if err != nil {
				return err
			}
			if !there || k != nil && !mine(k) {
				wrong(key, "its access key %s is missing or another's", id)
			}
		}
		return nil
	}
	err := errors.Join(
		users.Each(ctx, r, nil, func(u *user, _ store.Rev) error {
			numberUsers[u.Account]++
			return listed(users.Reporter(report), userKey(u.ID), u.AccessKeys, func(k *accessKey) bool { return k.User == u.ID && k.Account == u.Account })
		}),
		roles.Each(ctx, r, nil, func(o *role, _ store.Rev) error {
			numberRoles[o.Account]++
			return nil
		}),
		servicePrincipals.Each(ctx, r, nil, func(p *servicePrincipal, _ store.Rev) error {
			return listed(servicePrincipals.Reporter(report), servicePrincipalKey(p.Name), p.AccessKeys, func(k *accessKey) bool { return k.Service == p.Name })
		}),
	)
	if err != nil {
		return err
	}
	wrong := accounts.Reporter(report)
	err = accounts.Each(ctx, r, nil, func(a *account, _ store.Rev) error {
		if n := numberUsers[a.ID]; n != a.Users {
			wrong(accountKey(a.ID), "it counts %d users, and there are %d", a.Users, n)
		}
		if n := numberRoles[a.ID]; n != a.Roles {
			wrong(accountKey(a.ID), "it counts %d roles, and there are %d", a.Roles, n)
		}
		delete(numberUsers, a.ID)
		delete(numberRoles, a.ID)
		return listed(wrong, accountKey(a.ID), a.AccessKeys, func(k *accessKey) bool { return k.User == "" && k.Account == a.ID })
	})
	if err != nil {
		return err
	}
	var without []string
	for id := range numberUsers {
		without = append(without, id)
	}
	for id := range numberRoles {
		without = append(without, id)
	}
	slices.Sort(without)
	for _, id := range slices.Compact(without) {
		if _, there, err := accounts.Look(ctx, r, accountKey(id)); err != nil {
			return err
		} else if !there {
			wrong(accountKey(id), "the row is missing, and the account has users or roles")
		}
	}
	return accessKeys.Each(ctx, r, nil, func(k *accessKey, _ store.Rev) error {
		if !owned[k.ID] {
			accessKeys.Reporter(report)(accessKeyKey(k.ID), "no owner lists it")
		}
		return nil
	})
}
