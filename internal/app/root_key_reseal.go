package app

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// progress is how far rows are sealed anew, by this process.
type progress struct {
	pass           atomic.Int64 // from 1; 0 while nothing goes on
	looked, sealed atomic.Int64 // rows: in this pass, and in all
}

// reseal gives every account a key under the newest master key and seals every row
// anew that an earlier key sealed. Each row says which key sealed it, so that what
// was interrupted anywhere is begun again and finds the rest.
func (k *rootKeys) reseal(ctx context.Context, r *resealing) error {
	defer k.progress.pass.Store(0)
	if err := k.store.RenewKeys(ctx); err != nil {
		return fmt.Errorf("giving accounts new keys: %w", err)
	}
	// The last pass finds nothing: so it is known, and not concluded, that nothing is left.
	for found := true; found; {
		var err error
		if found, err = k.resealAll(ctx); err != nil {
			return err
		}
	}
	if err := k.store.Truncate(ctx); err != nil {
		return fmt.Errorf("clearing the store's files of what was sealed before: %w", err)
	}
	err := k.record(ctx, &operation.Event{Name: "RowsResealed", Time: k.now(), Details: []operation.Member{
		{Name: "rotationId", Value: r.ID}, {Name: "masterKeyVersion", Value: strconv.Itoa(r.Master)},
	}})
	if err != nil {
		return fmt.Errorf("recording that all rows are sealed anew: %w", err)
	}
	return k.endReseal(ctx, r)
}

// endReseal takes back the note: a crash before it has the rows looked at once more,
// and the event recorded a second time, with the same rotationId.
func (k *rootKeys) endReseal(ctx context.Context, r *resealing) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	note, err := k.note(ctx)
	if err != nil || note.Reseal == nil || note.Reseal.ID != r.ID {
		return err
	}
	note.Reseal = nil
	if err := k.store.PutMeta(ctx, map[string][]byte{metaRootKey: note.encode()}); err != nil {
		return fmt.Errorf("noting that all rows are sealed anew: %w", err)
	}
	return nil
}

// resealAll passes all rows once, and reports whether any was sealed by an earlier key.
// It takes at most half of the time for itself: the rest is for calls.
func (k *rootKeys) resealAll(ctx context.Context) (found bool, err error) {
	k.progress.pass.Add(1)
	k.progress.looked.Store(0)
	var place store.Place
	for done := false; !done; {
		began := time.Now()
		var looked, sealed int
		if place, looked, sealed, done, err = k.store.Reseal(ctx, tables(), place); err != nil {
			return found, err
		}
		found = found || sealed > 0
		k.progress.looked.Add(int64(looked))
		k.progress.sealed.Add(int64(sealed))
		if sealed == 0 {
			continue
		}
		pause := time.NewTimer(time.Since(began))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return found, ctx.Err()
		}
	}
	return found, nil
}
