package iam

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// lostManaged returns the customer managed policy that a change was about, nil
// where there is none, or one that was made since.
func (s *Service) lostManaged(ctx context.Context, tx store.Txn, l *operation.Lost) (*managedPolicy, store.Rev, error) {
	name := l.Members["policyArn"]
	a, ok := s.policyARN(name)
	if !ok || a.Account != l.Account {
		return nil, 0, nil
	}
	p, rev, err := s.policyAt(ctx, tx, a, name)
	if err != nil || p == nil || seconds(p.Created).After(l.Time) {
		return nil, 0, err
	}
	return p, rev, nil
}

var (
	errNoVersion = fmt.Errorf("the version of the policy is not here: %w", operation.ErrNotAgain)
	errVersions  = fmt.Errorf("the policy has as many versions as it can have: %w", operation.ErrNotAgain)
	errInForce   = fmt.Errorf("the version of the policy is in force: %w", operation.ErrNotAgain)
)

// createVersionAgain makes a version under the number that it had. The document
// that was in force then may allow more than the one before it as well as less.
func (s *Service) createVersionAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := s.lostManaged(ctx, tx, l)
	if err != nil || p == nil {
		return false, err
	}
	id, text := l.Members["versionId"], l.Members["policyDocument"]
	changed := *p
	if p.version(id) == nil {
		number, err := strconv.Atoi(strings.TrimPrefix(id, "v"))
		switch {
		case err != nil || text == "" || number <= p.Last:
			return false, errNoVersion
		case len(p.Versions) >= versionsMax:
			return false, errVersions
		}
		if err := checkManaged(p.Name, text); err != nil {
			return false, fmt.Errorf("the policy of record %d: %w", l.Sequence, err)
		}
		changed.Last, changed.Updated = number, l.Time.Unix()
		changed.Versions = append(slices.Clone(p.Versions), policyVersion{Number: number, Created: changed.Updated})
		if err := insertDocument(&operation.Call{Context: ctx}, tx, &changed, number, text); err != nil {
			return false, err
		}
	}
	if l.Members["setAsDefault"] == "true" {
		changed.Default = changed.version(id).Number
	}
	if changed.Last == p.Last && changed.Default == p.Default {
		return false, nil
	}
	return true, putManagedPolicy(ctx, tx, changed, rev)
}

// lostVersion returns the policy of a change with the version that it names; either
// is nil where it is not there.
func (s *Service) lostVersion(ctx context.Context, tx store.Txn, l *operation.Lost) (*managedPolicy, *policyVersion, store.Rev, error) {
	p, rev, err := s.lostManaged(ctx, tx, l)
	if err != nil || p == nil {
		return nil, nil, 0, err
	}
	return p, p.version(l.Members["versionId"]), rev, nil
}

// setDefaultAgain puts the version in force that was, whatever it allows.
func (s *Service) setDefaultAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, v, rev, err := s.lostVersion(ctx, tx, l)
	switch {
	case err != nil || p == nil:
		return false, err
	case v == nil:
		return false, errNoVersion
	case v.Number == p.Default:
		return false, nil
	}
	changed := *p
	changed.Default = v.Number
	return true, putManagedPolicy(ctx, tx, changed, rev)
}

func (s *Service) deleteVersionAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, v, rev, err := s.lostVersion(ctx, tx, l)
	switch {
	case err != nil || v == nil:
		return false, err
	case v.Number == p.Default:
		return false, errInForce
	}
	if err := deleteDocument(&operation.Call{Context: ctx}, tx, p.ID, v.Number); err != nil {
		return false, err
	}
	changed := *p
	changed.Versions = slices.DeleteFunc(slices.Clone(p.Versions), func(o policyVersion) bool { return o.Number == v.Number })
	return true, putManagedPolicy(ctx, tx, changed, rev)
}
