package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// Material of the origin EXTERNAL comes from outside and can go again: when it is
// deleted, or at a time that was set with it. The key's record remembers it, so
// that the same material can be brought again, and no other in its place. A key
// is usable while all material that it ever used is there.
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html

// validityMax is how far the time may be off at which material expires.
const validityMax = 365 * 24 * time.Hour

// imported refuses a key whose material does not come from outside.
func (k *Key) imported() error {
	if k.Origin != originExternal {
		return fault.New(fault.UnsupportedOperation, "%s origin is %s which is not valid for this operation.", k.ARN, k.Origin)
	}
	return nil
}

// importable reports whether material of a spec can come from outside.
func importable(spec string) bool {
	s := specNamed(spec)
	return s.algorithms[usageEncapsulateDecapsulate] == nil && !slices.Contains(s.algorithms[usageSignVerify], mlDSA)
}

// lapses returns when the first of the key's materials expires, zero for never.
// Material that is gone no longer expires.
func (r *keyRecord) lapses() (first time.Time) {
	for i := range r.History {
		if at := r.History[i].ValidTo; !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// at returns the key as it is at a time: material that has expired by then is
// gone, although no timer may have been seen to yet.
func (k *Key) at(now time.Time) *Key {
	if k.lapse.IsZero() || k.lapse.After(now) {
		return k
	}
	lapsed := *k
	lapsed.History = slices.Clone(k.History)
	for i := range lapsed.History {
		if e := &lapsed.History[i]; e.lapsed(now) {
			e.Gone = true
		}
	}
	lapsed.settle()
	return &lapsed
}

func (e *materialEntry) lapsed(now time.Time) bool {
	return !e.ValidTo.IsZero() && !e.ValidTo.After(now)
}

// complete reports whether all material is there that the key has ever used.
func (r *keyRecord) complete() bool {
	return r.Origin != originExternal || r.Material != "" &&
		!slices.ContainsFunc(r.History, func(e materialEntry) bool { return e.Gone && !e.Pending })
}

// settle has the key's state say whether its material is complete, in the states
// that it can be used from.
func (r *keyRecord) settle() {
	switch usable := r.State == stateEnabled || r.State == stateDisabled; {
	case usable && !r.complete():
		r.State = statePendingImport
	case r.State == statePendingImport && r.complete():
		r.State = stateEnabled
	}
}

// entry returns the place of a material in the history, -1 where there is none,
// and whether the key knows it: material that expired before it was ever used may
// still have a place, but counts no longer.
func (r *keyRecord) entry(id string) (i int, known bool) {
	i = slices.IndexFunc(r.History, func(e materialEntry) bool { return e.ID == id })
	return i, i >= 0 && !(r.History[i].Gone && r.forgets(&r.History[i]))
}

// forgets reports whether the key, when it loses a material, has nothing more to
// do with it: when the material was never used. A replica has to get such material
// again, as long as its primary key knows it.
func (r *keyRecord) forgets(e *materialEntry) bool {
	return e.Pending && r.MultiRegion != multiRegionReplica
}

// forget takes a material from the history, and so from that of all related keys.
func (r *keyRecord) forget(id string) {
	r.History = slices.DeleteFunc(slices.Clone(r.History), func(e materialEntry) bool { return e.ID == id })
}

// pending returns the material that waits to become current, nil for none.
func (r *keyRecord) pending() *materialEntry {
	i := slices.IndexFunc(r.History, func(e materialEntry) bool { return e.Pending && !e.Gone })
	if i < 0 {
		return nil
	}
	return &r.History[i]
}

// expiration is the expiration model of the material that the key has ever used,
// as far as it is there, and when the first of it expires.
func (r *keyRecord) expiration() (model string, validTo time.Time) {
	for i := range r.History {
		e := &r.History[i]
		if e.Pending || e.Gone {
			continue
		}
		if model == "" {
			model = materialLasts
		}
		if at := e.ValidTo; !at.IsZero() && (validTo.IsZero() || at.Before(validTo)) {
			model, validTo = materialExpires, at
		}
	}
	return model, validTo
}

// remove takes away a material whose row exists. What the key has used it
// remembers. The store's files are cleared of it by ShredRemoved.
func (r *keyRecord) remove(ctx context.Context, tx store.Txn, id string) error {
	if err := r.drop(ctx, tx, id); err != nil {
		return err
	}
	r.History = slices.Clone(r.History)
	i := slices.IndexFunc(r.History, func(e materialEntry) bool { return e.ID == id })
	switch e := &r.History[i]; {
	case r.forgets(e):
		r.forget(id)
	case e.Pending:
		e.Gone, e.ValidTo, e.Awaits = false, time.Time{}, withRegion(e.Awaits, r.Region)
	default:
		e.Gone, e.ValidTo = true, time.Time{}
	}
	r.settle()
	return nil
}

// drop deletes the row of a material.
func (r *keyRecord) drop(ctx context.Context, tx store.Txn, id string) error {
	n, err := clearRows(ctx, tx, materialTable, materialKey(r.Region, r.ID, id), 1)
	if err == nil && n == 0 {
		err = store.ErrDamaged
	}
	if err != nil {
		return fmt.Errorf("deleting material %s of key %s: %w", id, r.ID, err)
	}
	r.Materials = slices.DeleteFunc(slices.Clone(r.Materials), func(m string) bool { return m == id })
	return r.shredLater(ctx, tx)
}

// shredLater has ShredRemoved clear the store's files of what the transaction
// deletes.
func (r *keyRecord) shredLater(ctx context.Context, tx store.Txn) error {
	t := r.timer(taskShred, time.Time{})
	_, rev, err := timerTable.Get(ctx, tx, timerTable.Key(t))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return t.start(ctx, tx)
	case err != nil:
		return fmt.Errorf("reading the timer of key %s: %w", r.ID, err)
	}
	// Whoever clears the files just now began too early for this material: the
	// timer is no longer the one that they are going to stop.
	if err := timerTable.Put(ctx, tx, t, rev); err != nil {
		return fmt.Errorf("renewing the timer of key %s: %w", r.ID, err)
	}
	return nil
}

// ShredRemoved clears the store's files of imported material that was deleted or
// has expired. Without an error it is in none of them any more. Several may do
// this at the same time.
func (s *Service) ShredRemoved(ctx context.Context) error {
	type waiting struct {
		timer *timerRecord
		rev   store.Rev
	}
	var list []waiting
	err := s.store.View(ctx, func(r store.Reader) error {
		return timerTable.Scan(ctx, r, "", store.Key{store.S(string(taskShred))}, nil, timersRead, func(t *timerRecord, rev store.Rev) error {
			list = append(list, waiting{t, rev})
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("reading timers: %w", err)
	}
	if len(list) == 0 {
		return nil
	}
	if err := s.shred(ctx); err != nil {
		return err
	}
	_, err = s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		for _, w := range list {
			at := timerTable.Key(w.timer)
			switch _, rev, err := timerTable.Get(ctx, tx, at); {
			case errors.Is(err, store.ErrNotFound) || err == nil && rev != w.rev: // stopped, or renewed meanwhile
			case err != nil:
				return err
			default:
				if err := timerTable.Delete(ctx, tx, at, rev); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("stopping timers of removed material: %w", err)
	}
	return nil
}

// ExpireDue removes imported material that has expired by now, the most overdue
// first, of not more than a thousand keys, and returns of how many it has removed
// some. Each material leaves a DeleteExpiredKeyMaterial record. A key of which
// that fails does not keep others from it, a hundred of them do. Without an error
// the material is in none of the store's files any more; with one, ShredRemoved
// sees to that. Several may do this at the same time.
func (s *Service) ExpireDue(ctx context.Context, now time.Time) (n int, err error) {
	n, err = s.due(ctx, taskExpire, now, s.expire)
	if n > 0 {
		err = errors.Join(err, s.ShredRemoved(ctx))
	}
	return n, err
}

// expire removes the material that a timer is for. It reports false where the
// material was brought anew meanwhile, or somebody else was faster.
func (s *Service) expire(ctx context.Context, t *timerRecord, now time.Time) (done bool, err error) {
	// Materials that expire at one time have one timer, and a record each.
	for more := true; more; {
		err := s.carryOut(ctx, func(tx store.Txn) (*operation.Event, error) {
			more = false
			k, err := s.ripe(ctx, tx, t)
			if k == nil || err != nil {
				return nil, err
			}
			rec := k.keyRecord
			i := slices.IndexFunc(k.History, func(e materialEntry) bool { return e.lapsed(now) })
			id := k.History[i].ID
			if err := rec.remove(ctx, tx, id); err != nil {
				return nil, err
			}
			if err := k.put(ctx, tx, &rec); err != nil {
				return nil, err
			}
			more, done = true, true
			event := k.event("DeleteExpiredKeyMaterial", now)
			event.Details = []operation.Member{{Name: "keyId", Value: k.ID}, {Name: "keyMaterialId", Value: id}}
			return event, nil
		})
		if err != nil {
			return done, fmt.Errorf("removing expired material of key %s: %w", t.KeyID, err)
		}
	}
	s.keys.get(keyName{t.Region, t.KeyID}) // drops a snapshot that has ended, so that its material is wiped
	return done, nil
}
