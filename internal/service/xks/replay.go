package xks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
)

// What took uses away is made again on a store that was put back as it was
// earlier, from the records of the trail; see package kms, which does the same.

// A replay makes a change again. It reports false where there is nothing to do.
type replay struct {
	about string
	names []string // members of the record that name what it was about
	gives bool
	make  func(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error)
}

var (
	ofStore = []string{"prefix"}
	ofKey   = []string{"keyStore", "externalKeyId"}
)

// replays lists what is made again. EnableExternalKey takes nothing away; a change
// before it no longer counts. A new credential takes the place of an older one where
// there are two.
var replays = map[string]replay{
	"AllowExternalKey":                 {"allowed", ofKey, false, allowAgain},
	"BindExternalKey":                  {"allowed", ofKey, false, allowAgain},
	"CreateExternalKeyStoreCredential": {"credentials", ofStore, true, dropCredentialsAgain},
	"DeleteExternalKey":                {"external-key", ofKey, false, deleteAgain},
	"DeleteExternalKeyStore":           {"key-store", ofStore, false, deleteStoreAgain},
	"DeleteExternalKeyStoreCredential": {"credential", []string{"prefix", "accessKeyId"}, false, deleteCredentialAgain},
	"DisableExternalKey":               {"external", ofKey, false, disableAgain},
	"EnableExternalKey":                {"external", ofKey, true, nothingAgain},
	"LimitExternalKeyStore":            {"limits", ofStore, false, limitAgain},
	"RotateExternalKeyStoreCredential": {"credentials", ofStore, true, dropCredentialsAgain},
}

func nothingAgain(context.Context, store.Txn, *operation.Lost) (bool, error) { return false, nil }

// Trace says what a change was about, for Replay.
func (s *Service) Trace(l *operation.Lost) operation.Trace {
	r, known := replays[l.Name]
	if !known || l.Source != "claviger" && l.Source != signingName {
		return operation.Trace{}
	}
	if l.Name == "BindExternalKey" {
		spellBinding(l)
	}
	subject := r.about + "/"
	for _, name := range r.names {
		if l.Members[name] == "" {
			return operation.Trace{}
		}
		subject += l.Members[name] + "/"
	}
	return operation.Trace{Subject: subject, Gives: r.gives}
}

// spellBinding says of which keys a BindExternalKey was, as AllowExternalKey says it.
func spellBinding(l *operation.Lost) {
	for _, r := range l.Resources {
		a, _ := arn.Parse(r.ARN)
		prefix, id, ok := strings.Cut(strings.TrimPrefix(a.Resource, "key-store/"), "/key/")
		switch {
		case r.Type == kmsKeyResource:
			l.Members["kmsKeys.0"] = r.ARN
		case r.Type == keyResource && ok:
			l.Members["keyStore"], l.Members["externalKeyId"] = prefix, id
		}
	}
}

// Replay makes a change again that the trail has and the store may not have. It
// returns what its record shall say, nil where there is nothing to do: because
// the store is as the change left it, or what it was about is not there.
func (s *Service) Replay(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	r := replays[l.Name]
	done, err := r.make(ctx, tx, l)
	if err != nil || !done {
		return nil, err
	}
	e := &operation.Event{Name: l.Name, Time: now, Region: l.Region, Resources: l.Resources}
	for _, name := range r.names {
		e.Details = append(e.Details, operation.Member{Name: name, Value: l.Members[name]})
	}
	for _, name := range []string{"kmsKeys", "limits", "externalKeyStore.credentials"} {
		if m := l.Pairs(name); m != nil {
			e.Details = append(e.Details, operation.Member{Name: name, Pairs: m})
		}
	}
	return e, nil
}

// lostExternalKey returns the external key that a change was about, nil where
// there is none, or one that was made since.
func lostExternalKey(ctx context.Context, tx store.Txn, l *operation.Lost) (*externalKeyRecord, store.Rev, error) {
	rec, rev, err := getExternalKey(ctx, tx, l.Members["keyStore"], l.Members["externalKeyId"])
	if errors.Is(err, store.ErrNotFound) || err == nil && time.UnixMicro(rec.Created).Truncate(time.Second).After(l.Time) {
		return nil, 0, nil
	}
	return rec, rev, err
}

func disableAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	rec, _, err := lostExternalKey(ctx, tx, l)
	if err != nil || rec == nil || rec.Disabled {
		return false, err
	}
	_, err = changeKey(&operation.Call{Context: ctx}, tx, rec.KeyStore, rec.ID, func(rec *externalKeyRecord) error {
		rec.Disabled = true
		return nil
	})
	return err == nil, err
}

func deleteAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	rec, rev, err := lostExternalKey(ctx, tx, l)
	if err != nil || rec == nil {
		return false, err
	}
	_, err = changeKeyStore(&operation.Call{Context: ctx}, tx, rec.KeyStore, func(of *keyStoreRecord) error {
		of.Keys--
		return nil
	})
	if err != nil {
		return false, err
	}
	if err := externalKeyTable.Delete(ctx, tx, externalKeyKey(rec.KeyStore, rec.ID), rev); err != nil {
		return false, fmt.Errorf("deleting external key %s: %w", rec.ID, err)
	}
	tx.Touch(externalKeyEntity(rec.KeyStore, rec.ID))
	return true, nil
}

func deleteCredentialAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	is := func(c credentialRecord) bool { return c.ID == l.Members["accessKeyId"] }
	rec, _, err := getKeyStore(ctx, tx, l.Members["prefix"])
	if errors.Is(err, store.ErrNotFound) || err == nil && !slices.ContainsFunc(rec.Credentials, is) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = changeKeyStore(&operation.Call{Context: ctx}, tx, rec.Prefix, func(rec *keyStoreRecord) error {
		rec.Credentials = slices.DeleteFunc(slices.Clone(rec.Credentials), is)
		return nil
	})
	return err == nil, err
}

// lostKeyStore returns the key store that a change was about, nil where there is
// none, or one that was made since.
func lostKeyStore(ctx context.Context, tx store.Txn, l *operation.Lost) (*keyStoreRecord, store.Rev, error) {
	rec, rev, err := getKeyStore(ctx, tx, l.Members["prefix"])
	if errors.Is(err, store.ErrNotFound) || err == nil && time.Unix(rec.Created, 0).After(l.Time) {
		return nil, 0, nil
	}
	return rec, rev, err
}

// limitAgain puts the limits that were put last, whatever they let in.
func limitAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	rec, _, err := lostKeyStore(ctx, tx, l)
	if err != nil || rec == nil {
		return false, err
	}
	limits := Limits{
		Accounts: l.List("limits.accounts"), Regions: l.List("limits.regions"), Principals: l.List("limits.principals"),
		Operations: l.List("limits.operations"), ViaServices: l.List("limits.viaServices"), VPCs: l.List("limits.vpcs"),
	}
	if limits.equal(&rec.Limits) {
		return false, nil
	}
	_, err = changeKeyStore(&operation.Call{Context: ctx}, tx, rec.Prefix, func(rec *keyStoreRecord) error {
		rec.Limits = limits
		return nil
	})
	return err == nil, err
}

func (l *Limits) equal(other *Limits) bool {
	return slices.Equal(l.Accounts, other.Accounts) && slices.Equal(l.Regions, other.Regions) && slices.Equal(l.Principals, other.Principals) &&
		slices.Equal(l.Operations, other.Operations) && slices.Equal(l.ViaServices, other.ViaServices) && slices.Equal(l.VPCs, other.VPCs)
}

// dropCredentialsAgain takes the credentials that the key store no longer had. Those
// that it had got since are lost.
func dropCredentialsAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	rec, _, err := lostKeyStore(ctx, tx, l)
	if err != nil || rec == nil {
		return false, err
	}
	left := make(map[string]bool)
	for _, p := range l.Pairs("externalKeyStore.credentials") {
		left[p.Value] = true // also times, which are no ids
	}
	dropped := func(c credentialRecord) bool { return !left[c.ID] && !time.Unix(c.Created, 0).After(l.Time) }
	if len(left) == 0 || !slices.ContainsFunc(rec.Credentials, dropped) {
		return false, nil
	}
	_, err = changeKeyStore(&operation.Call{Context: ctx}, tx, rec.Prefix, func(rec *keyStoreRecord) error {
		rec.Credentials = slices.DeleteFunc(slices.Clone(rec.Credentials), dropped)
		return nil
	})
	return err == nil, err
}

// errHasKeys keeps a key store with its external keys.
var errHasKeys = fmt.Errorf("the key store has external keys: %w", operation.ErrNotAgain)

func deleteStoreAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	rec, rev, err := lostKeyStore(ctx, tx, l)
	switch {
	case err != nil || rec == nil:
		return false, err
	case rec.Keys > 0:
		return false, errHasKeys
	}
	if err := keyStoreTable.Delete(ctx, tx, keyStoreKey(rec.Prefix), rev); err != nil {
		return false, fmt.Errorf("deleting key store %s: %w", rec.Prefix, err)
	}
	tx.Touch(keyStoreEntity(rec.Prefix))
	return true, nil
}

// allowAgain lets those KMS keys use an external key that were let last.
func allowAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	rec, _, err := lostExternalKey(ctx, tx, l)
	if err != nil || rec == nil {
		return false, err
	}
	var allowed externalKeyRecord
	if allowed.allow(l.List("kmsKeys")); allowed.Any == rec.Any && slices.Equal(allowed.KMSKeys, rec.KMSKeys) {
		return false, nil
	}
	_, err = changeKey(&operation.Call{Context: ctx}, tx, rec.KeyStore, rec.ID, func(rec *externalKeyRecord) error {
		rec.Any, rec.KMSKeys = allowed.Any, allowed.KMSKeys
		return nil
	})
	return err == nil, err
}
