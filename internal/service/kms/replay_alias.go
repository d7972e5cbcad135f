package kms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

func aboutAlias(l *operation.Lost) string {
	if l.Members["aliasName"] == "" {
		return ""
	}
	return "alias/" + l.Account + "/" + l.Region + "/" + l.Members["aliasName"]
}

// presentAlias returns the alias that a change was about with its key, nil where it
// is not there.
func presentAlias(ctx context.Context, tx store.Txn, l *operation.Lost) (*alias, *Key, error) {
	rec, rev, err := aliasTable.Get(ctx, tx, aliasKey(l.Account, l.Region, l.Members["aliasName"]))
	if errors.Is(err, store.ErrNotFound) || err == nil && rec.Created.After(l.Time) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading alias %s: %w", l.Members["aliasName"], err)
	}
	key, keyRev, err := keyTable.Get(ctx, tx, keyKey(rec.Region, rec.KeyID))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key of alias %s: %w", rec.Name, damaged(err))
	}
	return &alias{aliasRecord: *rec, rev: rev}, &Key{keyRecord: *key, ARN: key.arn(), rev: keyRev}, nil
}

// errAliasMoved keeps an alias where it is, rather than nowhere.
var errAliasMoved = fmt.Errorf("the alias names an older key again, as the newer one is not here or can't be used: %w", operation.ErrNotAgain)

// moveAliasAgain has an alias that is there name the key that it was given last. One
// that is not there is not made.
func (s *Service) moveAliasAgain(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	a, from, err := presentAlias(ctx, tx, l)
	if err != nil || a == nil || from.ARN == l.Members["keyId"] {
		return nil, err
	}
	to, err := presentKey(ctx, tx, l.Members["keyId"])
	if err != nil {
		return nil, err
	}
	if to == nil || to.ready(toLabel) != nil || to.Account != a.Account || to.Region != a.Region || len(to.Aliases) >= s.quotas.Aliases {
		return nil, errAliasMoved
	}
	if err := a.move(ctx, tx, from, to, now.UTC().Truncate(time.Millisecond), s.quotas.Aliases); err != nil {
		return nil, err
	}
	return l.Again(now, "aliasName", "keyId"), nil
}

func (s *Service) deleteAliasAgain(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	a, k, err := presentAlias(ctx, tx, l)
	if err != nil || a == nil {
		return nil, err
	}
	if err := a.delete(ctx, tx, k); err != nil {
		return nil, err
	}
	return l.Again(now, "aliasName"), nil
}
