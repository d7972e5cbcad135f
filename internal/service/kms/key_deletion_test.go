package kms_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// deleteDue has the service see to what is due, and demands that nothing fails.
func (w *world) deleteDue(now time.Time) int {
	w.t.Helper()
	n, err := w.service.DeleteDue(w.t.Context(), now)
	ok(w.t, err)
	return n
}

func (w *world) sweep() {
	w.t.Helper()
	ok(w.t, w.service.SweepDeleted(w.t.Context()))
}

// rows demands how many rows each table has for a key.
func (w *world) rows(key kms.KeyMetadata, want map[string]int) {
	w.t.Helper()
	got, err := kms.KeyRows(w.t.Context(), w.store, region, key.KeyID)
	ok(w.t, err)
	if !maps.Equal(got, want) {
		w.t.Errorf("of the key are stored\n     %v\nwant %v", got, want)
	}
}

// TestKeyIsDestroyed: from the commit on nothing knows the key any more.
func TestKeyIsDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann, guest := w.root(home), w.user(home, "ann", everything), w.user(abroad, "guest", everything)
	key, other := owner.createKey(delegated(abroad)), owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	owner.createAlias("alias/b", key.KeyID)
	owner.createAlias("alias/other", other.KeyID)
	blob, kept := owner.encrypt("alias/a", "x"), owner.encrypt("alias/other", "y")
	grant := owner.grant(key, ann.name(), subset("a", "1"), "Decrypt", "DescribeKey")
	named := grantOf(key, home, nil, "Encrypt")
	named.Name = str("n")
	ann.may("make a named grant", named)
	due := owner.schedule(key, 7).DeletionDate.V

	if n := w.deleteDue(due.Add(-time.Millisecond)); n != 0 {
		t.Errorf("%d keys were destroyed before their time", n)
	}
	w.rows(key, map[string]int{
		"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1, "kms_alias": 2, "kms_timer delete": 1,
		"kms_grant": 2, "kms_grant_name": 1, "kms_grantee": 2, "kms_grant_entry": 4,
	})
	owner.described("alias/b") // now in memory
	if first, again := w.deleteDue(due), w.deleteDue(due); first != 1 || again != 0 {
		t.Errorf("%d keys were destroyed, and then %d", first, again)
	}
	w.rows(key, map[string]int{"kms_timer sweep": 1, "kms_grant": 2, "kms_grant_name": 1, "kms_grantee": 2, "kms_grant_entry": 4})
	if n, err := kms.KeyCount(t.Context(), w.store, home, region); n != 1 || err != nil {
		t.Errorf("the account is counted to have %d keys, %v", n, err)
	}

	missing := "Key '" + key.ARN + "' does not exist"
	hidden := "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
	for range 2 { // before and after the sweep
		for _, in := range []any{
			describe(key), &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")},
			&kms.DecryptInput{CiphertextBlob: blob, KeyID: str(key.ARN)}, &kms.GetKeyPolicyInput{KeyID: str(key.ARN)},
			&kms.ListGrantsInput{KeyID: str(key.ARN)}, &kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)},
			&kms.ScheduleKeyDeletionInput{KeyID: str(key.KeyID)}, grantOf(key, home, nil, "Encrypt"),
			revoke(key, grant.GrantID), retire(key, grant.GrantID),
		} {
			owner.refused(in, kms.NotFound, missing)
		}
		owner.refused(retireBy(grant.GrantToken), kms.NotFound, "The grant of the grant token does not exist.")
		for _, name := range []string{"alias/a", "alias/b"} {
			owner.refused(&kms.DescribeKeyInput{KeyID: str(name)}, kms.NotFound, "Alias "+aliasARN(name)+" is not found.")
		}
		for _, a := range []*actor{owner, ann, guest} { // all of them had a right to it
			a.refused(&kms.DecryptInput{CiphertextBlob: blob}, fault.AccessDenied, hidden)
			a.refused(&kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(other.ARN)}, fault.AccessDenied, hidden)
		}
		guest.denied(describe(key), "kms:DescribeKey", key.ARN, noResource("kms:DescribeKey"))
		w.sweep()
	}
	w.rows(key, map[string]int{})
	if list := must[kms.ListKeysOutput](owner, &kms.ListKeysInput{}).Keys; len(list) != 1 || list[0].KeyID != other.KeyID {
		t.Errorf("listed are %v", list)
	}
	if got := owner.decrypt(kept); got != "y" {
		t.Errorf("under the other key %q was decrypted", got)
	}
	owner.createAlias("alias/a", other.KeyID) // the name is free
	want := []operation.Event{{
		Name: "DeleteKey", Time: due, Region: region, Account: home,
		Resources: []operation.Resource{{Type: "AWS::KMS::Key", ARN: key.ARN, Account: home}},
	}}
	if !reflect.DeepEqual(w.happened.events, want) {
		t.Errorf("events %+v", w.happened.events)
	}
}

// TestGrantsOfPendingKeys is scenario F12 of grants, and what can be seen of them meanwhile.
func TestGrantsOfPendingKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	key := owner.createKey()
	in := grantOf(key, ann.name(), nil, "Decrypt", "DescribeKey")
	in.RetiringPrincipal = str(ann.name())
	retired, revoked := must[kms.CreateGrantOutput](owner, in), must[kms.CreateGrantOutput](owner, in)
	owner.schedule(key, 7)
	ann.may("describe", describe(key))
	ann.fails("use", &kms.DecryptInput{CiphertextBlob: []byte("x"), KeyID: str(key.ARN)}, kms.InvalidState)
	owner.refused(in, kms.InvalidState, key.ARN+" is pending deletion.")
	if n := len(owner.grants(key)); n != 2 {
		t.Errorf("%d grants are listed", n)
	}
	list := must[kms.ListRetirableGrantsOutput](owner, &kms.ListRetirableGrantsInput{RetiringPrincipal: str(ann.name())})
	if len(list.Grants) != 2 {
		t.Errorf("%d retirable grants are listed", len(list.Grants))
	}
	ann.may("retire", retire(key, retired.GrantID))
	owner.done(revoke(key, revoked.GrantID))
	ann.mayNot("describe", describe(key))
}

// TestDueInOrder: keys that can't be destroyed don't keep others from it, and
// what a timer says alone is not believed.
func TestDueInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	lying, healthy, bare, later := owner.createKey(), owner.createKey(), owner.createKey(), owner.createKey()
	owner.schedule(later, 8)
	due := owner.schedule(healthy, 7).DeletionDate.V
	owner.schedule(bare, 7)
	ok(t, kms.Lose(t.Context(), w.store, region, bare.KeyID, true))  // its material
	ok(t, kms.Lose(t.Context(), w.store, region, bare.KeyID, false)) // and its policy are gone already
	ok(t, kms.SetTimer(t.Context(), w.store, region, lying.KeyID, "delete", due.Add(-time.Hour)))
	ok(t, kms.SetTimer(t.Context(), w.store, region, nowhere, "delete", due.Add(-time.Hour)))
	ok(t, kms.SetTimer(t.Context(), w.store, region, lying.KeyID, "sweep", due))
	owner.grant(lying, home, nil, "Encrypt")
	n, err := w.service.DeleteDue(t.Context(), due)
	if n != 2 || !errors.Is(err, errDamaged) {
		t.Errorf("%d keys were destroyed: %v", n, err)
	}
	if err := w.service.SweepDeleted(t.Context()); !errors.Is(err, errDamaged) {
		t.Errorf("swept: %v", err)
	}
	w.rows(healthy, map[string]int{})
	w.rows(bare, map[string]int{})
	owner.encrypt(lying.KeyID, "x")
	if n := len(owner.grants(lying)); n != 1 {
		t.Errorf("%d grants are left of a key that exists", n)
	}
	if m := owner.described(later.KeyID); m.KeyState != "PendingDeletion" {
		t.Errorf("a key that is not due is %s", m.KeyState)
	}
}

// TestManyAreDue: one call destroys all that are due, in more than one page.
func TestManyAreDue(t *testing.T) {
	t.Parallel()
	const keys = 105
	w := newWorld(t)
	owner := w.root(home)
	var due time.Time
	for range keys {
		due = owner.schedule(owner.createKey(), 7).DeletionDate.V
	}
	var sum atomic.Int64
	var group sync.WaitGroup
	for range 3 { // that do the same at once
		group.Go(func() {
			n, err := w.service.DeleteDue(t.Context(), due)
			if err != nil {
				t.Error(err)
			}
			sum.Add(int64(n))
			if err := w.service.SweepDeleted(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if sum.Load() != keys || len(w.happened.events) != keys {
		t.Errorf("%d keys were destroyed, with %d events", sum.Load(), len(w.happened.events))
	}
	if n, err := kms.KeyCount(t.Context(), w.store, home, region); n != 0 || err != nil {
		t.Errorf("the account is counted to have %d keys, %v", n, err)
	}
}

// TestCancelAgainstDelete: of the two exactly one wins, and the key is as it says.
func TestCancelAgainstDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	kept, destroyed := 0, 0
	for round := range 60 {
		key := owner.createKey()
		due := owner.schedule(key, 7).DeletionDate.V
		a := owner.aside()
		a.w.now = due.Add(-time.Millisecond) // when the call began
		var cancelled error
		var n int
		var group sync.WaitGroup
		cancel := func() { _, cancelled = a.do(&kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)}) }
		destroy := func() { n, _ = w.service.DeleteDue(t.Context(), due) }
		if round%2 == 0 {
			cancel, destroy = destroy, cancel
		}
		group.Go(cancel)
		group.Go(destroy)
		group.Wait()
		switch {
		case cancelled == nil && n == 0:
			kept++
			if m := owner.described(key.KeyID); m.KeyState != "Disabled" {
				t.Errorf("a key that was kept is %s", m.KeyState)
			}
		case fault.Is(cancelled, kms.NotFound) && n == 1:
			destroyed++
			owner.refused(describe(key), kms.NotFound, "Key '"+key.ARN+"' does not exist")
		default:
			t.Errorf("cancelled: %v, destroyed: %d", cancelled, n)
		}
	}
	if kept+destroyed != 60 || destroyed != len(w.happened.events) {
		t.Errorf("%d were kept, %d destroyed, with %d events", kept, destroyed, len(w.happened.events))
	}
}

// TestMaterialLeavesMemory: nothing holds the material of a destroyed key.
func TestMaterialLeavesMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	due := owner.schedule(key, 7).DeletionDate.V
	owner.described(key.KeyID)
	held := w.service.HeldMaterial(region, key.KeyID)
	if held.Value() == nil {
		t.Fatal("the material is not in memory before")
	}
	w.deleteDue(due)
	owner.described(other.KeyID) // the world keeps what its last call was about
	for range 10 {
		runtime.GC()
	}
	if held.Value() != nil {
		t.Error("the material is still in memory")
	}
	runtime.KeepAlive(w)
}

// TestNothingIsLeftInFiles: after a key was destroyed, its wrapped material is in
// none of the store's files, neither as it was wrapped nor as its row was sealed.
func TestNothingIsLeftInFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := sqlite.Open(t.Context(), dir)
	ok(t, err)
	w := newWorldOn(t, d)
	owner := w.root(home)
	var keys []kms.KeyMetadata
	for range 12 { // enough to split a page of the table
		keys = append(keys, owner.createKey())
	}
	traces := make(map[string][][]byte)
	for _, key := range keys {
		wrapped, err := kms.WrappedMaterial(t.Context(), w.store, region, key.KeyID)
		ok(t, err)
		traces[key.KeyID] = append(pieces(wrapped), pieces(sealedMaterial(t, d, key.KeyID))...)
	}
	var due time.Time
	for _, key := range keys[:3] {
		due = owner.schedule(key, 7).DeletionDate.V
	}
	if n := found(t, dir, traces[keys[0].KeyID]); n == 0 {
		t.Fatal("the search finds nothing before the deletion either")
	}
	if n := w.deleteDue(due); n != 3 {
		t.Fatalf("%d keys were destroyed", n)
	}
	w.sweep()
	for i, key := range keys {
		n := found(t, dir, traces[key.KeyID])
		if i < 3 && n > 0 {
			t.Errorf("%d pieces of the material of a destroyed key are in the files", n)
		}
		if i >= 3 && n == 0 {
			t.Error("the material of another key is not found any more")
		}
	}
}

// pieces cuts b so that also a part of it is found.
func pieces(b []byte) [][]byte {
	const size = 12
	var list [][]byte
	for ; len(b) >= size; b = b[size:] {
		list = append(list, b[:size])
	}
	return list
}

// sealedMaterial returns the body of the row of a key's material, as it is on disk.
func sealedMaterial(t *testing.T, d driver.Driver, keyID string) (body []byte) {
	t.Helper()
	s, err := d.Snapshot(t.Context())
	ok(t, err)
	ok(t, s.Scan(t.Context(), kms.MaterialSchema, "", driver.Key{{S: region}, {S: keyID}}, nil, 1, func(r driver.Row) error {
		body = bytes.Clone(r.Body[2+len(home):]) // without the account, which all rows show
		return nil
	}))
	ok(t, s.Close())
	return body
}

// found counts the pieces that are somewhere in the files of a directory.
func found(t *testing.T, dir string, pieces [][]byte) (n int) {
	t.Helper()
	var all [][]byte
	ok(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, content)
		return err
	}))
	for _, piece := range pieces {
		for _, content := range all {
			if bytes.Contains(content, piece) {
				n++
			}
		}
	}
	return n
}

// TestDeletionEndsWithItsContext: who stops it leaves the rest for the next time.
func TestDeletionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	due := owner.schedule(key, 7).DeletionDate.V
	ended, end := context.WithCancel(t.Context())
	end()
	if n, err := w.service.DeleteDue(ended, due); n != 0 || err == nil {
		t.Errorf("%d keys were destroyed: %v", n, err)
	}
	w.deleteDue(due)
	if err := w.service.SweepDeleted(ended); err == nil {
		t.Error("swept to its end")
	}
	w.rows(key, map[string]int{"kms_timer sweep": 1})
	w.sweep()
	w.rows(key, map[string]int{})
}

// TestGrantsOfDestroyedKeysAreNotListed: what is still to be swept is nobody's to retire.
func TestGrantsOfDestroyedKeysAreNotListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann", allow("kms:ListRetirableGrants"))
	var keys []kms.KeyMetadata
	for range 2 {
		key := owner.createKey()
		for range 3 {
			in := grantOf(key, home, nil, "Encrypt")
			in.RetiringPrincipal = str(ann.name())
			must[kms.CreateGrantOutput](owner, in)
		}
		keys = append(keys, key)
	}
	w.deleteDue(owner.schedule(keys[0], 7).DeletionDate.V)
	for range 2 { // before and after the sweep
		in := &kms.ListRetirableGrantsInput{RetiringPrincipal: str(ann.name()), Limit: optional.Some(2)}
		listed := 0
		for more := true; more; {
			out := must[kms.ListRetirableGrantsOutput](ann, in)
			for _, g := range out.Grants {
				if listed++; g.KeyID != keys[1].ARN {
					t.Errorf("a grant on %s is listed", g.KeyID)
				}
			}
			more, in.Marker = out.Truncated, out.NextMarker
		}
		if listed != 3 {
			t.Errorf("%d grants are listed", listed)
		}
		w.sweep()
	}
}
