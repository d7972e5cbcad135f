package xks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// Whole stories are told in package app, over the wire. Here is what can't be
// seen from there.

func newService(t *testing.T) *Service {
	t.Helper()
	key, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	keyring, _, err := sealed.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := store.Open(t.Context(), drivertest.Open(t), store.Options{Tables: Tables(), Sealer: keyring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rows.Close() })
	return New(Options{Keyring: keyring, Store: rows})
}

// put writes a key store.
func (s *Service) put(t *testing.T, rec *keyStoreRecord) {
	t.Helper()
	_, err := s.store.Update(t.Context(), store.OpID{1}, func(tx store.Txn) error {
		tx.Touch(keyStoreEntity(rec.Prefix))
		return keyStoreTable.Insert(t.Context(), tx, rec)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHealth: a good probe counts for a minute, and a bad one for nothing.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put(t, &keyStoreRecord{Prefix: "a", ID: "one"})
	k, err := s.lookUp(t.Context(), "a")
	if err != nil || k == nil {
		t.Fatal(k, err)
	}
	broken := func() (store.Reader, error) { return nil, errors.New("the store is gone") }
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	fares := func(after time.Duration, reader func() (store.Reader, error)) bool {
		c := &operation.Call{Context: context.Background(), Time: start.Add(after)}
		c.Begin(reader)
		return k.fares(c)
	}
	if fares(0, broken) {
		t.Error("fares well without a store")
	}
	err = s.store.View(t.Context(), func(r store.Reader) error {
		if !fares(time.Second, func() (store.Reader, error) { return r, nil }) {
			t.Error("does not fare well")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{0: false, time.Second: true, 61*time.Second - 1: true, 61 * time.Second: false} {
		if fares(after, broken) != want {
			t.Errorf("after %v it fares well: %v", after, !want)
		}
	}
}

// TestSnapshots: what is kept is current, and what is not current is let go.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put(t, &keyStoreRecord{Prefix: "a", ID: "one", Credentials: []credentialRecord{{ID: "XKSA1"}}})
	first, err := s.KeyStoreCredential(t.Context(), "a", "XKSA1", "")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.KeyStoreCredential(t.Context(), "a", "XKSA1", ""); err != nil || again != first {
		t.Errorf("another pointer, %v", err)
	}
	for _, other := range [][3]string{{"a", "XKSA2", ""}, {"a", "XKSA1", "token"}, {"b", "XKSA1", ""}, {"a", "", ""}} {
		if c, err := s.KeyStoreCredential(t.Context(), other[0], other[1], other[2]); err == nil {
			t.Errorf("%v is lent %v", other, c.AccessKeyID)
		}
	}
	if _, ok := s.stores.get("a"); !ok {
		t.Error("the key store is not kept")
	}
	_, err = s.store.Update(t.Context(), store.OpID{2}, func(tx store.Txn) error {
		tx.Touch(keyStoreEntity("a"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.stores.get("a"); ok {
		t.Error("what has ended is found")
	}
	if err := s.Settle(t.Context(), true); err != nil {
		t.Error(err)
	}
	s.stores.kept.Range(func(name, _ any) bool {
		t.Errorf("%v is kept for nothing", name)
		return true
	})
	if fresh, err := s.KeyStoreCredential(t.Context(), "a", "XKSA1", ""); err != nil || fresh == first || fresh.Secret.Len() != 43 {
		t.Errorf("%v, %v", fresh, err)
	}
	if ok, err := s.KeyStore(t.Context(), "b"); ok || err != nil {
		t.Errorf("b: %v, %v", ok, err)
	}
}

// TestConditionKeys: of what is no ARN, account and Region are there and empty.
func TestConditionKeys(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]string{
		"arn:aws:kms:us-east-2:123456789012:key/1":  {"arn:aws:kms:us-east-2:123456789012:key/1", "123456789012", "us-east-2"},
		"arn:aws:kms:us-east-2:123456789012:/key/1": {"arn:aws:kms:us-east-2:123456789012:/key/1", "123456789012", "us-east-2"},
		"arn:aws:kms::123456789012":                 {"arn:aws:kms::123456789012", "", ""},
		"*":                                         {"*", "", ""},
	} {
		m := &RequestMetadata{KMSKeyARN: optional.Some(name)}
		for i, key := range []string{kmsKeyARNCondition, kmsKeyAccountCondition, kmsKeyRegionCondition} {
			got := m.Lookup(&policy.Key{Name: policy.Fold(key)})
			if !got.Present || got.One != want[i] {
				t.Errorf("%s of %s: %+v", key, name, got)
			}
			if none := new(RequestMetadata).Lookup(&policy.Key{Name: policy.Fold(key)}); none.Present {
				t.Errorf("%s of nothing: %+v", key, none)
			}
		}
		if got := m.Lookup(&policy.Key{Name: "kms-xks-proxy:other"}); got.Present {
			t.Errorf("another key: %+v", got)
		}
	}
}

// TestPolicy: whatever stands in an ARN, the policy of an external key compiles.
func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"${", "${aws:username}", `"\` + "\x01\u2028<&>", "*?", strings.Repeat("x", metadataMax)} {
		r := &externalKeyRecord{KeyStore: "a/b", KMSKeys: []string{name}}
		limits := &Limits{Accounts: []string{name}, Regions: []string{name}, Principals: []string{name}, VPCs: []string{name}}
		if _, err := compile("name", r.statements(limits)...); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestKMSKeys(t *testing.T) {
	t.Parallel()
	list := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = "arn:aws:kms:us-east-2:123456789012:key/1"
		}
		return out
	}
	for _, c := range []struct {
		list []string
		ok   bool
	}{
		{nil, true}, {[]string{"*"}, true}, {list(1), true}, {list(100), true}, {list(101), false}, {[]string{"*", "*"}, false},
		{[]string{"arn:aws:kms:us-east-2:123456789012:alias/1"}, false}, {[]string{"arn:aws:s3:us-east-2:123456789012:key/1"}, false},
		{[]string{"arn:aws:kms:us-east-2:1:key/1"}, false}, {[]string{""}, false},
		{[]string{list(1)[0] + strings.Repeat("1", 256-len(list(1)[0]))}, true}, {[]string{list(1)[0] + strings.Repeat("1", 257-len(list(1)[0]))}, false},
	} {
		var checks check.Checks
		checkKMSKeys(&checks, c.list)
		if err := checks.Err(); (err == nil) != c.ok {
			t.Errorf("%.60v: %v", c.list, err)
		}
	}
}
