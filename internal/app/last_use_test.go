package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// lastUse asks for the last use of a key of the owner's.
func (w *world) lastUse(key string) *kms.GetKeyLastUsageOutput {
	w.t.Helper()
	return w.must(w.caller(owner), "kms:GetKeyLastUsage", &kms.GetKeyLastUsageInput{KeyID: optional.Some(key)}).(*kms.GetKeyLastUsageOutput)
}

// wantLastUse demands that the last use of a key is what the newest record
// of an operation for the key's account says.
func (w *world) wantLastUse(key, operation string) {
	w.t.Helper()
	var newest struct {
		EventName, EventID, RequestID string
		EventTime                     time.Time
	}
	records, _ := w.records(1)
	for _, e := range records {
		r := newest
		if err := json.Unmarshal(e.Record, &r); err != nil {
			w.t.Fatal(err)
		}
		if e.Account == owner && r.EventName == operation {
			newest = r
		}
	}
	want := kms.KeyLastUsageData{
		Operation: optional.Some(operation), Timestamp: optional.Some(newest.EventTime),
		CloudTrailEventID: optional.Some(newest.EventID), KMSRequestID: optional.Some(newest.RequestID),
	}
	if got := w.lastUse(key).KeyLastUsage; got != want {
		w.t.Errorf("after %s:\n got %+v\nwant %+v", operation, got, want)
	}
}

// TestLastUse: an answer shows every use that was answered before it, and
// nothing but uses.
func TestLastUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := optional.Some(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}`)
	id := func(out any) string { return out.(*kms.CreateKeyOutput).KeyMetadata.KeyID }
	root, guest := w.caller(owner), w.caller(stranger)
	key := id(w.must(root, "kms:CreateKey", &kms.CreateKeyInput{Policy: open}))
	unused := w.lastUse(key)
	if unused.KeyLastUsage != (kms.KeyLastUsageData{}) || unused.KeyID != key || !unused.TrackingStartDate.Equal(unused.KeyCreationDate) {
		t.Errorf("of a new key: %+v", unused)
	}
	blob := w.blob(key)
	w.wantLastUse(key, "Encrypt")
	before := w.lastUse(key).KeyLastUsage
	for name, in := range map[string]any{ // what is no use, or fails
		"kms:DescribeKey":     &kms.DescribeKeyInput{KeyID: optional.Some(key)},
		"kms:GetKeyPolicy":    &kms.GetKeyPolicyInput{KeyID: optional.Some(key)},
		"kms:Encrypt":         &kms.EncryptInput{KeyID: optional.Some(key), Plaintext: canary(), DryRun: optional.Some(true)},
		"kms:Decrypt":         &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: pairs.Of(map[string]string{"a": "b"})},
		"kms:GenerateRandom":  &kms.GenerateRandomInput{NumberOfBytes: optional.Some(1)},
		"kms:TagResource":     &kms.TagResourceInput{KeyID: optional.Some(key), Tags: tags()},
		"kms:GenerateDataKey": &kms.GenerateDataKeyInput{KeyID: optional.Some(key)},
	} {
		_, _ = w.call(root, name, in)
		if got := w.lastUse(key).KeyLastUsage; got != before {
			t.Errorf("%s counts as a use: %+v", name, got)
		}
	}
	other := w.key()
	w.must(root, "kms:ReEncrypt", &kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: optional.Some(other)})
	w.wantLastUse(key, "ReEncrypt")
	w.wantLastUse(other, "ReEncrypt")

	// Somebody else's use is known by the record of the key's owner.
	foreign := optional.Some("arn:aws:kms:us-east-1:" + owner + ":key/" + key)
	w.must(guest, "kms:GenerateDataKey", &kms.GenerateDataKeyInput{KeyID: foreign, KeySpec: optional.Some("AES_128")})
	w.wantLastUse(key, "GenerateDataKey")
	w.wantLastUse(other, "ReEncrypt")
	if _, err := w.call(guest, "kms:GetKeyLastUsage", &kms.GetKeyLastUsageInput{KeyID: foreign}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("asked across accounts: %v", err)
	}
	w.must(root, "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob})
	for range 2 { // also when it is stored
		w.wantLastUse(key, "Decrypt")
		if err := w.server.keys.StoreLastUses(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLastUseWithoutStore: a server that stops while the database is away does not wait
// for it, and what was used is known after the next start all the same.
func TestLastUseWithoutStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	key := w.key()
	w.blob(key)
	want := w.lastUse(key).KeyLastUsage
	known := func() uint64 {
		n, err := kms.KnownRecord(t.Context(), w.server.store)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := known()
	w.server.stop()
	w.server.background.Wait() // nobody looks after the database any more
	w.server.health.set(partStore, errors.New("away"))
	w.restarted(dir, nil)
	if after := known(); after != before {
		t.Errorf("record %d is stored behind %d", after, before)
	}
	if got := w.lastUse(key).KeyLastUsage; got != want {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// TestLastUseAfterCrash: what the trail has is known after a crash, whether or
// not it was stored, and so it is after each restart.
func TestLastUseAfterCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	stored, both, late := w.key(), w.key(), w.key()
	w.blob(stored)
	w.blob(both)
	if err := w.server.keys.StoreLastUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.blob(both)
	blob := w.blob(late)
	w.must(w.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob})
	want := [3]kms.KeyLastUsageData{w.lastUse(stored).KeyLastUsage, w.lastUse(both).KeyLastUsage, w.lastUse(late).KeyLastUsage}

	// A copy of what is on the disk is what a crash leaves.
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	d, err := sqlite.Open(context.Background(), crashed)
	if err != nil {
		t.Fatal(err)
	}
	after := &world{t: t, driver: d, keyring: w.keyring, log: w.log, entrances: make(map[string]*pipeline.Entrance)}
	if after.server, err = newServer(context.Background(), w.foundations(d, crashed)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = after.server.close() })
	for range 3 {
		after.enter()
		if got := [3]kms.KeyLastUsageData{after.lastUse(stored).KeyLastUsage, after.lastUse(both).KeyLastUsage, after.lastUse(late).KeyLastUsage}; got != want {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
		if since := after.lastUse(late); since.TrackingStartDate.After(since.KeyCreationDate) {
			t.Errorf("uses are known since %v of a key made at %v", since.TrackingStartDate, since.KeyCreationDate)
		}
		after.restarted(crashed, nil)
	}
}
