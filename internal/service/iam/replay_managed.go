package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// releaseHeld counts off what a user or role held that is about to go.
func releaseHeld(ctx context.Context, tx store.Txn, account string, attached []attachment, boundary *attachment, groups []string) error {
	for i := range attached {
		if err := countPolicyUse(ctx, tx, account, attached[i].ID, -1, 0); err != nil {
			return err
		}
	}
	if boundary != nil {
		if err := countPolicyUse(ctx, tx, account, boundary.ID, 0, -1); err != nil {
			return err
		}
	}
	for _, id := range groups {
		if err := countMember(ctx, tx, id, -1); err != nil {
			return err
		}
	}
	return nil
}

// releaseSignIn takes the password of a user that is about to go, and its devices.
func releaseSignIn(ctx context.Context, tx store.Txn, u *user) error {
	if u.Login {
		if err := releasePassword(ctx, tx, u); err != nil {
			return err
		}
	}
	for _, id := range u.MFADevices {
		d, rev, err := mfaDevices.Get(ctx, tx, mfaDeviceKey(u.Account, id))
		if err != nil {
			return fmt.Errorf("reading MFA device %s: %w", id, err)
		}
		d.User, d.Enabled = "", 0
		if err := putDevice(ctx, tx, *d, rev); err != nil {
			return err
		}
	}
	return nil
}

func releasePassword(ctx context.Context, tx store.Txn, u *user) error {
	_, rev, err := logins.Get(ctx, tx, loginKey(u.ID))
	if err == nil {
		err = logins.Delete(ctx, tx, loginKey(u.ID), rev)
	}
	if err != nil {
		return fmt.Errorf("deleting the password of user %s: %w", u.ID, err)
	}
	return nil
}

// releaseProfiles takes a role that is about to go out of its instance profiles.
func releaseProfiles(ctx context.Context, tx store.Txn, o *role) error {
	for _, id := range o.Profiles {
		p, rev, err := instanceProfiles.Get(ctx, tx, instanceProfileKey(id))
		if err != nil {
			return fmt.Errorf("reading instance profile %s: %w", id, err)
		}
		p.Role = ""
		if err := putInstanceProfile(ctx, tx, *p, rev); err != nil {
			return err
		}
	}
	return nil
}

// managedDenies reports whether the version in force of a managed policy denies
// anything.
func managedDenies(ctx context.Context, r store.Reader, id string) (bool, error) {
	if p, ok := awsPolicies().byID[id]; ok {
		return denies(p.document), nil
	}
	p, _, err := managedPolicies.Get(ctx, r, managedPolicyKey(id))
	if err != nil {
		return false, fmt.Errorf("reading policy %s: %w", id, err)
	}
	text, err := p.document(ctx, r, p.Default)
	return denies(text), err
}

// detachAgain takes the policy of a change out of a list, if it is there and
// denies nothing: taking away what denies would give rights.
func detachAgain(ctx context.Context, tx store.Txn, l *operation.Lost, list []attachment) ([]attachment, bool, error) {
	at := slices.IndexFunc(list, func(a attachment) bool { return a.ARN == l.Members["policyArn"] })
	if at < 0 {
		return nil, false, nil
	}
	switch denies, err := managedDenies(ctx, tx, list[at].ID); {
	case err != nil:
		return nil, false, err
	case denies:
		return nil, false, errDenies
	}
	if err := countPolicyUse(ctx, tx, l.Account, list[at].ID, -1, 0); err != nil {
		return nil, false, err
	}
	return slices.Delete(slices.Clone(list), at, at+1), true, nil
}

func (s *Service) detachUserPolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	changed := *u
	if changed.Attached, done, err = detachAgain(ctx, tx, l, u.Attached); err != nil || !done {
		return false, err
	}
	return true, putUser(ctx, tx, changed, rev)
}

func (s *Service) detachRolePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	changed := *o
	if changed.Attached, done, err = detachAgain(ctx, tx, l, o.Attached); err != nil || !done {
		return false, err
	}
	return true, putRole(ctx, tx, changed, rev)
}

// lostGroup returns the group that a change was about, nil where there is none.
func lostGroup(ctx context.Context, tx store.Txn, l *operation.Lost) (*group, store.Rev, error) {
	g, rev, err := findGroup(ctx, tx, l.Account, l.Members["groupName"])
	if err != nil || g == nil || !l.About("groupName", g.ID) {
		return nil, 0, err
	}
	return g, rev, nil
}

func (s *Service) detachGroupPolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	g, rev, err := lostGroup(ctx, tx, l)
	if err != nil || g == nil {
		return false, err
	}
	changed := *g
	if changed.Attached, done, err = detachAgain(ctx, tx, l, g.Attached); err != nil || !done {
		return false, err
	}
	return true, putGroup(ctx, tx, changed, rev)
}

func (s *Service) putGroupPolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	g, rev, err := lostGroup(ctx, tx, l)
	if err != nil || g == nil {
		return false, err
	}
	changed := *g
	if changed.Policies, done, err = withPolicy(g.Policies, l); err != nil || !done {
		return false, err
	}
	return true, putGroup(ctx, tx, changed, rev)
}

func (s *Service) deleteGroupPolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	g, rev, err := lostGroup(ctx, tx, l)
	if err != nil || g == nil {
		return false, err
	}
	if there, err := removable(g.Policies, l); err != nil || !there {
		return false, err
	}
	changed := *g
	changed.Policies = g.Policies.Without(l.Members["policyName"])
	return true, putGroup(ctx, tx, changed, rev)
}

// removeFromGroupAgain takes a user out of a group none of whose policies denies
// anything.
func (s *Service) removeFromGroupAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	g, _, err := lostGroup(ctx, tx, l)
	if err != nil || g == nil || !slices.Contains(u.Groups, g.ID) {
		return false, err
	}
	for _, p := range g.Policies {
		if denies(p.Value) {
			return false, errDenies
		}
	}
	for i := range g.Attached {
		switch denies, err := managedDenies(ctx, tx, g.Attached[i].ID); {
		case err != nil:
			return false, err
		case denies:
			return false, errDenies
		}
	}
	if err := countMember(ctx, tx, g.ID, -1); err != nil {
		return false, err
	}
	changed := *u
	changed.Groups = slices.DeleteFunc(slices.Clone(u.Groups), func(id string) bool { return id == g.ID })
	return true, putUser(ctx, tx, changed, rev)
}

// errBoundary stops what would leave somebody with more rights than it had.
var errBoundary = errors.New("the permissions boundary is a policy that is not here")

// boundAgain sets the permissions boundary of a change in place of an old one.
func boundAgain(ctx context.Context, tx store.Txn, l *operation.Lost, old *attachment) (*attachment, bool, error) {
	arn := l.Members["permissionsBoundary"]
	if old != nil && old.ARN == arn {
		return nil, false, nil
	}
	next := &attachment{ARN: arn}
	if _, path, ok := strings.Cut(arn, ":iam::aws:policy"); ok && awsPolicies().byPath[path] != nil {
		next.ID = awsPolicies().byPath[path].ID
	} else {
		p, _, err := findManagedPolicy(ctx, tx, l.Account, next.name())
		if err != nil {
			return nil, false, err
		}
		if p == nil || !strings.HasSuffix(arn, ":policy"+p.Path+p.Name) {
			return nil, false, fmt.Errorf("%s: %w", arn, errBoundary)
		}
		next.ID = p.ID
	}
	if err := countPolicyUse(ctx, tx, l.Account, next.ID, 0, +1); err != nil {
		return nil, false, err
	}
	if old != nil {
		if err := countPolicyUse(ctx, tx, l.Account, old.ID, 0, -1); err != nil {
			return nil, false, err
		}
	}
	return next, true, nil
}

func (s *Service) boundUserAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	changed := *u
	if changed.Boundary, done, err = boundAgain(ctx, tx, l, u.Boundary); err != nil || !done {
		return false, err
	}
	return true, putUser(ctx, tx, changed, rev)
}

func (s *Service) boundRoleAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	changed := *o
	if changed.Boundary, done, err = boundAgain(ctx, tx, l, o.Boundary); err != nil || !done {
		return false, err
	}
	return true, putRole(ctx, tx, changed, rev)
}

// limitSessionsAgain has the sessions of a role last as long as they last could.
func (s *Service) limitSessionsAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil || o.linked() {
		return false, err
	}
	longest, err := strconv.Atoi(l.Members["maxSessionDuration"])
	if err != nil || longest < sessionDefault || longest > sessionMax {
		return false, fmt.Errorf("record %d has no duration for the sessions of role %s", l.Sequence, o.ID)
	}
	if longest == o.Longest {
		return false, nil
	}
	changed := *o
	changed.Longest = longest
	return true, putRole(ctx, tx, changed, rev)
}

// leaveProfileAgain takes a role out of an instance profile.
func (s *Service) leaveProfileAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	var p *instanceProfile
	var at store.Rev
	err = instanceProfiles.Scan(ctx, tx, "name", nameKey(l.Account, l.Members["instanceProfileName"]), nil, 1, func(found *instanceProfile, rev store.Rev) error {
		p, at = found, rev
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("looking up instance profile %s: %w", l.Members["instanceProfileName"], err)
	}
	if p == nil || p.Role != o.ID {
		return false, nil
	}
	left := *p
	left.Role = ""
	if err := putInstanceProfile(ctx, tx, left, at); err != nil {
		return false, err
	}
	changed := *o
	changed.Profiles = slices.DeleteFunc(slices.Clone(o.Profiles), func(id string) bool { return id == p.ID })
	return true, putRole(ctx, tx, changed, rev)
}

// errInUse keeps what somebody has again.
var errInUse = fmt.Errorf("it is in use again: %w", operation.ErrNotAgain)

func (s *Service) deleteGroupAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	g, rev, err := lostGroup(ctx, tx, l)
	if err != nil || g == nil {
		return false, err
	}
	size, sized, err := getGroupSize(ctx, tx, g.ID)
	if err != nil {
		return false, err
	}
	if size.Users > 0 || len(g.Attached) > 0 || len(g.Policies) > 0 {
		return false, errInUse
	}
	if err := groupSizes.Delete(ctx, tx, groupKey(g.ID), sized); err != nil {
		return false, fmt.Errorf("deleting the size of group %s: %w", g.ID, err)
	}
	if err := groups.Delete(ctx, tx, groupKey(g.ID), rev); err != nil {
		return false, fmt.Errorf("deleting group %s: %w", g.ID, err)
	}
	tx.Touch(groupEntity(g.ID))
	a, rev, err := getAccount(ctx, tx, g.Account)
	if err != nil {
		return false, err
	}
	return true, countGroup(ctx, tx, *a, rev, -1)
}

// deletePolicyAgain deletes a policy that nobody has, with all its versions.
func (s *Service) deletePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := s.lostManaged(ctx, tx, l)
	if err != nil || p == nil {
		return false, err
	}
	u, used, err := getPolicyUse(ctx, tx, p.Account, p.ID)
	if err != nil {
		return false, err
	}
	if u.Attachments > 0 || u.Boundaries > 0 {
		return false, errInUse
	}
	for _, v := range p.Versions {
		if err := deleteDocument(&operation.Call{Context: ctx}, tx, p.ID, v.Number); err != nil {
			return false, err
		}
	}
	return true, p.delete(ctx, tx, rev, u, used)
}
