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
	held := newHeld()
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
			held.add(u.Account, u.Attached, u.Boundary, u.Groups)
			return listed(users.Reporter(report), userKey(u.ID), u.AccessKeys, func(k *accessKey) bool { return k.User == u.ID && k.Account == u.Account })
		}),
		roles.Each(ctx, r, nil, func(o *role, _ store.Rev) error {
			numberRoles[o.Account]++
			held.add(o.Account, o.Attached, o.Boundary, nil)
			return nil
		}),
		groups.Each(ctx, r, nil, func(g *group, _ store.Rev) error {
			held.add(g.Account, g.Attached, nil, nil)
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
	if err := held.compare(ctx, r, report); err != nil {
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

// held counts what users, roles and groups hold.
type held struct {
	attachments, boundaries map[[2]string]int // by account and policy
	members                 map[string]int    // by group
}

func newHeld() *held {
	return &held{attachments: make(map[[2]string]int), boundaries: make(map[[2]string]int), members: make(map[string]int)}
}

func (h *held) add(account string, attached []attachment, boundary *attachment, groups []string) {
	for i := range attached {
		h.attachments[[2]string{account, attached[i].ID}]++
	}
	if boundary != nil {
		h.boundaries[[2]string{account, boundary.ID}]++
	}
	for _, id := range groups {
		h.members[id]++
	}
}

// compare compares the counts with the rows that keep them.
func (h *held) compare(ctx context.Context, r store.Reader, report func(store.Problem)) error {
	wrong := policyUses.Reporter(report)
	err := policyUses.Each(ctx, r, nil, func(u *policyUse, _ store.Rev) error {
		at := [2]string{u.Account, u.Policy}
		if u.Attachments != h.attachments[at] || u.Boundaries != h.boundaries[at] {
			wrong(policyUses.Key(u), "it counts %d attachments and %d boundaries, and there are %d and %d",
				u.Attachments, u.Boundaries, h.attachments[at], h.boundaries[at])
		}
		delete(h.attachments, at)
		delete(h.boundaries, at)
		return nil
	})
	if err != nil {
		return err
	}
	for _, left := range []map[[2]string]int{h.attachments, h.boundaries} {
		for at := range left {
			key := policyUseKey(at[0], at[1])
			if _, there, err := policyUses.Look(ctx, r, key); err != nil {
				return err
			} else if !there {
				wrong(key, "the row is missing, and the policy is used")
			}
		}
	}
	err = groupSizes.Each(ctx, r, nil, func(z *groupSize, _ store.Rev) error {
		if n := h.members[z.Group]; n != z.Users {
			groupSizes.Reporter(report)(groupKey(z.Group), "it counts %d users, and there are %d", z.Users, n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id := range h.members {
		if _, there, err := groups.Look(ctx, r, groupKey(id)); err != nil {
			return err
		} else if !there {
			groups.Reporter(report)(groupKey(id), "the row is missing, and users are in the group")
		}
	}
	return managedPolicies.Each(ctx, r, nil, func(p *managedPolicy, _ store.Rev) error {
		for _, v := range p.Versions {
			if _, there, err := policyDocuments.Look(ctx, r, policyDocumentKey(p.ID, v.Number)); err != nil {
				return err
			} else if !there {
				managedPolicies.Reporter(report)(managedPolicyKey(p.ID), "the document of its version %d is missing", v.Number)
			}
		}
		return nil
	})
}
