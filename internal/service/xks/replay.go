package xks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// What took uses away is made again on a store that was put back as it was
// earlier, from the records of the trail; see package kms, which does the same.

// replays lists what is made again, with the members of the record that name what
// it was about. EnableExternalKey takes nothing away; a change before it no
// longer counts.
var replays = map[string][]string{
	"DisableExternalKey":               {"keyStore", "externalKeyId"},
	"EnableExternalKey":                {"keyStore", "externalKeyId"},
	"DeleteExternalKey":                {"keyStore", "externalKeyId"},
	"DeleteExternalKeyStoreCredential": {"prefix", "accessKeyId"},
}

// Trace says what a change was about, for Replay.
func (s *Service) Trace(l *operation.Lost) operation.Trace {
	names, known := replays[l.Name]
	if !known || l.Source != "claviger" {
		return operation.Trace{}
	}
	subject := "external/"
	switch l.Name {
	case "DeleteExternalKey":
		subject = "external-key/"
	case "DeleteExternalKeyStoreCredential":
		subject = "credential/"
	}
	for _, name := range names {
		subject += l.Members[name] + "/"
	}
	return operation.Trace{Subject: subject, Gives: l.Name == "EnableExternalKey"}
}

// Replay makes a change again that the trail has and the store may not have. It
// returns what its record shall say, nil where there is nothing to do: because
// the store is as the change left it, or what it was about is not there.
func (s *Service) Replay(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	var done bool
	var err error
	switch l.Name {
	case "DisableExternalKey":
		done, err = disableAgain(ctx, tx, l)
	case "DeleteExternalKey":
		done, err = deleteAgain(ctx, tx, l)
	case "DeleteExternalKeyStoreCredential":
		done, err = deleteCredentialAgain(ctx, tx, l)
	}
	if err != nil || !done {
		return nil, err
	}
	e := &operation.Event{Name: l.Name, Time: now, Region: l.Region}
	for _, name := range replays[l.Name] {
		e.Details = append(e.Details, operation.Member{Name: name, Value: l.Members[name]})
	}
	return e, nil
}

// lostExternalKey returns the external key that a change was about, nil where
// there is none, or one that was made since.
func lostExternalKey(ctx context.Context, tx store.Txn, l *operation.Lost) (*externalKeyRecord, store.Rev, error) {
	rec, rev, err := getExternalKey(ctx, tx, l.Members["keyStore"], l.Members["externalKeyId"])
	if errors.Is(err, store.ErrNotFound) || err == nil && time.Unix(rec.Created, 0).After(l.Time) {
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
