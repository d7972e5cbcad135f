package kms_test

import (
	"context"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/lastuse"
	"claviger/internal/kernel/record"
	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// A ledger is a trail as the service reads it.
type ledger struct {
	w       *world
	entries []audit.Entry
	asked   uint64 // from where it was read last
}

// note records the last call of the world, which was answered.
func (l *ledger) note(operation string) {
	l.w.t.Helper()
	f := record.Frame{Source: kms.EventSource, Name: operation, Call: &l.w.last, Caller: l.w.last.Caller, Facts: l.w.last.Facts, Cryptographic: true}
	for _, e := range f.Entries() {
		l.entries = append(l.entries, e)
		l.w.service.Recorded(uint64(len(l.entries)), e.Account, e.Time, e.Note.(*record.Brief))
	}
}

func (l *ledger) read(_ context.Context, from uint64, fn func(uint64, string, time.Time, *record.Brief) error) error {
	l.asked = from
	for i := int(from) - 1; i < len(l.entries); i++ {
		b, err := record.ReadBrief(l.entries[i].Record)
		if err == nil {
			err = fn(uint64(i)+1, l.entries[i].Account, l.entries[i].Time, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// catchUp has the world's service start anew.
func (l *ledger) catchUp() {
	l.w.t.Helper()
	l.w.restart()
	_, err := lastuse.CatchUp(l.w.t.Context(), l.read, l.w.service.FollowLastUses(l.w.now))
	ok(l.w.t, err)
}

// changes returns how many changes the store has seen.
func (w *world) changes() (at uint64) {
	w.t.Helper()
	ok(w.t, w.store.View(w.t.Context(), func(r store.Reader) error {
		at = r.Position()
		return nil
	}))
	return at
}

// lastUse returns the last use of a key.
func (w *world) lastUse(key kms.KeyMetadata) kms.GetKeyLastUsageOutput {
	w.t.Helper()
	return *must[kms.GetKeyLastUsageOutput](w.root(home), &kms.GetKeyLastUsageInput{KeyID: str(key.ARN)})
}

// TestLastUsesAreStored: what was stored is not read again, what was not is, and
// a key that is gone leaves nothing.
func TestLastUsesAreStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, l := w.root(home), &ledger{w: w}
	begun := w.now
	l.catchUp()
	const many = 230 // more than one commit stores
	keys := make([]kms.KeyMetadata, many)
	want := make([]kms.GetKeyLastUsageOutput, many)
	for i := range keys {
		keys[i] = owner.createKey()
		owner.encrypt(keys[i].KeyID, "x")
		l.note("Encrypt")
		want[i] = w.lastUse(keys[i])
	}
	gone := owner.createKey()
	owner.encrypt(gone.KeyID, "x")
	l.note("Encrypt")
	stored := map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1}
	w.rows(keys[0], stored)
	ok(t, w.service.StoreLastUses(t.Context()))
	stored["kms_last_use"] = 1
	w.rows(keys[0], stored)
	w.rows(gone, stored)
	due := owner.schedule(gone, 7).DeletionDate
	if w.deleteDue(due.V) != 1 {
		t.Error("the key was not destroyed")
	}
	w.sweep()
	w.rows(gone, map[string]int{})
	owner.encrypt(keys[0].KeyID, "x")
	w.now = w.now.Add(time.Hour)
	owner.encrypt(keys[1].KeyID, "x")
	l.note("Encrypt")
	want[1] = w.lastUse(keys[1])
	l.w.last.Record.Resources[0].ARN = gone.ARN // used before it was destroyed, and not stored
	l.note("Decrypt")

	before := w.changes()
	l.catchUp()
	if got := w.changes(); got != before {
		t.Errorf("a start made %d commits for last uses", got-before)
	}
	if l.asked != many+1 {
		t.Errorf("the trail was read from %d", l.asked)
	}
	for i := range keys {
		if got := w.lastUse(keys[i]); got != want[i] || !got.KeyLastUsage.Timestamp.Set {
			t.Fatalf("key %d:\n got %+v\nwant %+v", i, got, want[i])
		}
	}
	ok(t, w.service.StoreLastUses(t.Context()))
	w.rows(gone, map[string]int{})

	// Another trail: nothing of what was before it is known any more, but for
	// what was stored.
	l.entries = nil
	owner.decrypt(owner.encrypt(keys[2].KeyID, "x"))
	l.note("Decrypt")
	want[2] = w.lastUse(keys[2])
	w.now = w.now.Add(time.Hour)
	l.catchUp()
	for i := range 4 {
		got := w.lastUse(keys[i])
		if got.KeyLastUsage != want[i].KeyLastUsage {
			t.Errorf("key %d in another trail:\n got %+v\nwant %+v", i, got, want[i])
		}
		if !got.TrackingStartDate.Equal(w.last.Time.Add(-time.Hour).Truncate(time.Millisecond)) || got.KeyCreationDate.Sub(begun) > time.Millisecond {
			t.Errorf("uses are known since %v of a key made at %v", got.TrackingStartDate, got.KeyCreationDate)
		}
	}
}

// TestTrailingDays: a policy keeps keys that are in use from being disabled and
// destroyed. A key without any use counts from when its uses are known.
func TestTrailingDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, l := w.root(home), &ledger{w: w}
	key := owner.createKey(keyPolicy(`{"Effect":"Deny","Principal":"*","Action":["kms:DisableKey","kms:ScheduleKeyDeletion","kms:EnableKey"],"Resource":"*",` +
		`"Condition":{"NumericLessThanEquals":{"kms:TrailingDaysWithoutKeyUsage":"2"}}}`))
	const day = 24 * time.Hour
	disable, enable := &kms.DisableKeyInput{KeyID: str(key.KeyID)}, &kms.EnableKeyInput{KeyID: str(key.KeyID)}
	destroy := &kms.ScheduleKeyDeletionInput{KeyID: str(key.KeyID), PendingWindowInDays: optional.Some(7)}
	refused := func() {
		t.Helper()
		for action, in := range map[string]any{"kms:DisableKey": disable, "kms:ScheduleKeyDeletion": destroy} {
			owner.denied(in, action, key.ARN, "with an explicit deny in a resource-based policy")
		}
		owner.done(enable) // the condition key is not there
	}
	refused()
	w.now = key.CreationDate.Add(3*day - time.Nanosecond)
	refused()
	w.now = key.CreationDate.Add(3 * day)
	owner.done(disable)
	owner.done(enable)

	owner.encrypt(key.KeyID, "x")
	l.note("Encrypt")
	refused()
	used := w.lastUse(key).KeyLastUsage.Timestamp.V
	w.now = used.Add(3*day - time.Nanosecond)
	refused()
	w.now = used.Add(3 * day)
	owner.done(disable)
	owner.done(enable)

	// Uses that are known since today only are no reason to think it idle.
	l.entries = nil
	l.catchUp()
	refused()
	w.now = w.now.Add(3 * day)
	must[kms.ScheduleKeyDeletionOutput](owner, destroy)
}
