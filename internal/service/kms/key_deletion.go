package kms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/ident"
)

// A key is destroyed in three steps, between which anything may happen:
//
//  1. One commit takes away its material, its policy, its aliases and the key
//     itself. From there on nothing can be decrypted or decided with it.
//  2. The store's files are cleared of what that commit deleted.
//  3. Its grants are removed, by many commits where there are many. Without
//     their key they let nobody in.
//
// A timer says what is still to be done: the first step sets it anew, for the
// others, and the last one removes it.

// DeleteDue destroys keys whose deletion date has come by now, the most overdue
// first and not more than a thousand, and returns how many it has destroyed. Each
// leaves a DeleteKey record. A key that can't be destroyed does not keep others
// from it, a hundred of them do. Without an error the material of the keys is in none of the store's
// files any more; with one, SweepDeleted sees to that. Several may do this at the
// same time.
func (s *Service) DeleteDue(ctx context.Context, now time.Time) (n int, err error) {
	n, err = s.due(ctx, taskDelete, now, s.destroy)
	if n > 0 {
		err = errors.Join(err, s.shred(ctx))
	}
	return n, err
}

// shred clears the store's files of material that was destroyed.
func (s *Service) shred(ctx context.Context) error {
	if err := s.store.Truncate(ctx); err != nil {
		return fmt.Errorf("clearing the store's files of destroyed material: %w", err)
	}
	return nil
}

// destroy destroys the key of a timer. It reports false where the deletion was
// cancelled meanwhile, or somebody else was faster.
func (s *Service) destroy(ctx context.Context, t *timerRecord, now time.Time) (done bool, err error) {
	err = s.carryOut(ctx, func(tx store.Txn) (*operation.Event, error) {
		done = false
		k, err := s.ripe(ctx, tx, t)
		if k == nil || err != nil {
			return nil, err
		}
		if err := k.erase(ctx, tx, k.rev); err != nil {
			return nil, err
		}
		if err := k.leaveRelated(ctx, tx, now); err != nil {
			return nil, err
		}
		done = true
		return k.event("DeleteKey", now), nil
	})
	s.keys.get(keyName{t.Region, t.KeyID}) // drops a snapshot that has ended, so that its material is wiped
	if err != nil {
		return false, fmt.Errorf("destroying key %s: %w", t.KeyID, err)
	}
	return done, nil
}

// erase takes away the key and all that belongs to it, but for grants. What is
// missing already makes no difference.
func (r *keyRecord) erase(ctx context.Context, tx store.Txn, rev store.Rev) error {
	at := keyKey(r.Region, r.ID)
	// All of its material, not only what the record lists.
	if _, err := clearRows(ctx, tx, materialTable, at, driver.MaxWrites); err != nil {
		return err
	}
	if _, err := clearRows(ctx, tx, policyTable, at, 1); err != nil {
		return err
	}
	if _, err := clearRows(ctx, tx, lastUseTable, at, 1); err != nil {
		return err
	}
	if _, err := clearRows(ctx, tx, grantCountTable, at, 1); err != nil {
		return err
	}
	for _, name := range r.Aliases {
		if _, err := clearRows(ctx, tx, aliasTable, aliasKey(r.Account, r.Region, name), 1); err != nil {
			return err
		}
		tx.Touch(aliasEntity(r.Account, r.Region, name))
	}
	if r.CustomKeyStore != "" {
		if _, err := clearRows(ctx, tx, storedKeyTable, storedKeyTable.Key(r.place()), 1); err != nil {
			return err
		}
	}
	if err := resetTimers(ctx, tx, r, nil); err != nil {
		return err
	}
	if err := r.timer(taskSweep, r.Deletion).start(ctx, tx); err != nil {
		return err
	}
	if err := uncountKey(ctx, tx, r.Account, r.Region); err != nil {
		return err
	}
	if err := keyTable.Delete(ctx, tx, at, rev); err != nil {
		return fmt.Errorf("deleting the key's record: %w", err)
	}
	tx.Touch(keyEntity(r.Region, r.ID))
	return nil
}

// clearRows deletes the rows of a table whose keys begin with prefix, at most
// max of them, and returns how many it has deleted.
func clearRows[R any](ctx context.Context, tx store.Txn, t *store.Table[R], prefix store.Key, max int) (n int, err error) {
	return clearEach(ctx, tx, t, prefix, max, func(*R) {})
}

// clearEach is clearRows, and shows each row to end before it is deleted.
func clearEach[R any](ctx context.Context, tx store.Txn, t *store.Table[R], prefix store.Key, max int, end func(*R)) (n int, err error) {
	err = t.Scan(ctx, tx, "", prefix, nil, max, func(rec *R, rev store.Rev) error {
		n++
		end(rec)
		return t.Delete(ctx, tx, t.Key(rec), rev)
	})
	if err != nil {
		return 0, fmt.Errorf("clearing %s: %w", t.Schema.Name, err)
	}
	return n, nil
}

// SweepDeleted finishes what DeleteDue has begun: it removes the grants of
// destroyed keys. It takes as long as there are grants; after an interruption
// the next call goes on. Several may do this at the same time.
func (s *Service) SweepDeleted(ctx context.Context) error {
	var failed []error
	var last *timerRecord
	for {
		page, err := s.timers(ctx, taskSweep, last)
		if err != nil || len(page) == 0 {
			return errors.Join(append(failed, err)...)
		}
		// A timer may go only after its key's material went out of the files, of
		// which DeleteDue may have been kept.
		if err := s.shred(ctx); err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, last = range page {
			if err := s.sweep(ctx, last); err != nil {
				failed = append(failed, fmt.Errorf("removing the grants of destroyed key %s: %w", last.KeyID, err))
			}
		}
	}
}

// sweptAtOnce is how many rows a commit of a sweep removes: few enough to let
// other commits pass.
const sweptAtOnce = 200

// sweep removes what is left of a destroyed key, and in the end its timer. A
// replica key can be made anew with the same id in the same Region: no decision
// about that may rest on what was read of the grants of the destroyed one.
func (s *Service) sweep(ctx context.Context, t *timerRecord) error {
	at := keyKey(t.Region, t.KeyID)
	for _, clear := range []func(tx store.Txn) (int, error){
		func(tx store.Txn) (int, error) { return clearRows(ctx, tx, grantTable, at, sweptAtOnce) },
		func(tx store.Txn) (int, error) { return clearRows(ctx, tx, nameTable, at, sweptAtOnce) },
		func(tx store.Txn) (int, error) {
			return clearEach(ctx, tx, granteeTable, at, sweptAtOnce, func(g *granteeRecord) {
				tx.Touch(granteeEntity(g.Region, g.KeyID, g.Grantee))
			})
		},
		func(tx store.Txn) (int, error) {
			return clearEach(ctx, tx, entryTable, at, sweptAtOnce, func(e *entryRecord) {
				tx.Touch(entryEntity(e.Region, e.KeyID, e.Grantee, e.Entry))
			})
		},
		func(tx store.Txn) (int, error) { return clearRows(ctx, tx, timerTable, timerTable.Key(t), 1) },
	} {
		for n := sweptAtOnce; n == sweptAtOnce; {
			_, err := s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) (err error) {
				if err := gone(ctx, tx, at); err != nil {
					return err
				}
				n, err = clear(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// gone makes sure that a key is. What belongs to a key that exists is not left
// over, whatever a timer says.
func gone(ctx context.Context, r store.Reader, key store.Key) error {
	_, _, err := keyTable.Get(ctx, r, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("the key exists: %w", store.ErrDamaged)
}
