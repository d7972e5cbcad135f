package app

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/store/sqlite"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// restarted is the world with a server that was stopped and started again, at
// another time.
func (w *world) restarted(dir string, now func() time.Time) {
	w.t.Helper()
	if err := w.server.close(); err != nil {
		w.t.Fatal(err)
	}
	d, err := sqlite.Open(context.Background(), dir)
	if err != nil {
		w.t.Fatal(err)
	}
	f := w.foundations(d, dir)
	f.now = now
	again, err := newServer(context.Background(), f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.driver, w.server = d, again
	w.enter()
}

// TestKeysAreDestroyedOnTime: a server that starts destroys what has become due
// meanwhile before it answers, and leaves one record of it, however often it is
// started.
func TestKeysAreDestroyedOnTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	key, kept := optional.Some(w.key()), optional.Some(w.key())
	blob := w.blob(key.V)
	w.must(w.caller(owner), "kms:ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyID: key, PendingWindowInDays: optional.Some(7)})
	w.must(w.caller(owner), "kms:ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyID: kept, PendingWindowInDays: optional.Some(9)})
	for range 2 {
		w.restarted(dir, func() time.Time { return time.Now().AddDate(0, 0, 8) })
		if _, err := w.call(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: key}); !fault.Is(err, kms.NotFound) {
			t.Errorf("the key is described: %v", err)
		}
		if _, err := w.call(w.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob}); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("the key decrypts: %v", err)
		}
		w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: kept})
	}
	var found []string
	records, _ := w.records(1)
	for _, e := range records {
		if bytes.Contains(e.Record, []byte(`"eventName":"DeleteKey"`)) && e.Account == owner {
			found = append(found, string(e.Record))
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d records of the deletion", len(found))
	}
	for _, part := range []string{
		`"userIdentity":{"accountId":"` + owner + `","invokedBy":"AWS Internal"}`, `"eventSource":"kms.amazonaws.com"`,
		`"eventType":"AwsServiceEvent"`, `"ARN":"arn:aws:kms:us-east-1:` + owner + `:key/` + key.V + `"`,
	} {
		if !strings.Contains(found[0], part) {
			t.Errorf("%s is not in %s", part, found[0])
		}
	}
	if err := w.server.keys.SweepDeleted(t.Context()); err != nil {
		t.Error(err)
	}
	if strings.Contains(w.dump(), key.V) {
		t.Error("a row of the key is left")
	}
}

// TestKeysAreRotatedOnTime: a server that starts rotates what has become due
// meanwhile before it answers, once, and leaves a record of it.
func TestKeysAreRotatedOnTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	key := optional.Some(w.key())
	blob := w.blob(key.V)
	w.must(w.caller(owner), "kms:EnableKeyRotation", &kms.EnableKeyRotationInput{KeyID: key, RotationPeriodInDays: optional.Some(90)})
	for range 2 {
		w.restarted(dir, func() time.Time { return time.Now().AddDate(0, 0, 91) })
		w.must(w.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob})
		list := w.must(w.caller(owner), "kms:ListKeyRotations", &kms.ListKeyRotationsInput{KeyID: key}).(*kms.ListKeyRotationsOutput)
		if len(list.Rotations) != 1 || list.Rotations[0].RotationType.V != "AUTOMATIC" {
			t.Errorf("rotations %+v", list.Rotations)
		}
	}
	w.must(w.caller(owner), "kms:RotateKeyOnDemand", &kms.RotateKeyOnDemandInput{KeyID: key})
	var found []string
	records, _ := w.records(1)
	for _, e := range records {
		if bytes.Contains(e.Record, []byte(`"eventName":"RotateKey"`)) && e.Account == owner {
			found = append(found, string(e.Record))
		}
	}
	if len(found) != 2 {
		t.Fatalf("%d records of rotations", len(found))
	}
	for i, kind := range []string{"AUTOMATIC", "ON_DEMAND"} {
		for _, part := range []string{
			`"userIdentity":{"accountId":"` + owner + `","invokedBy":"AWS Internal"}`, `"eventSource":"kms.amazonaws.com"`,
			`"serviceEventDetails":{"rotationType":"` + kind + `","keyId":"` + key.V + `","keyOrigin":"AWS_KMS","previousKeyMaterialId":"`,
		} {
			if !strings.Contains(found[i], part) {
				t.Errorf("%s is not in %s", part, found[i])
			}
		}
	}
}

// TestMaterialExpiresOnTime: a server that starts removes what has expired
// meanwhile, and leaves one record of it, however often it is started.
func TestMaterialExpiresOnTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	key := w.external()
	in := w.importing(key)
	in.ExpirationModel, in.ValidTo = optional.Of[string]{}, optional.Some(time.Now().Add(time.Hour))
	w.must(w.caller(owner), "kms:ImportKeyMaterial", in)
	blob := w.blob(key.V)
	for range 2 {
		w.restarted(dir, func() time.Time { return time.Now().Add(2 * time.Hour) })
		if _, err := w.call(w.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob}); !fault.Is(err, kms.InvalidState) {
			t.Errorf("expired material decrypts: %v", err)
		}
	}
	found := 0
	records, _ := w.records(1)
	for _, e := range records {
		if bytes.Contains(e.Record, []byte(`"eventName":"DeleteExpiredKeyMaterial"`)) && e.Account == owner {
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d records of the expiry", found)
	}
}
