package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/arn"
	"claviger/internal/words/confidential"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// accessKeysMax is the quota of access keys of a user, and of a root user.
const accessKeysMax = 2

const (
	accessKeyIDMin = 16
	accessKeyIDMax = 128
)

// States of an access key.
const (
	active   = "Active"
	inactive = "Inactive"
)

// An accessKey counts only while its owner's record names it. The owner is a
// service, a user, or the root user of the account.
type accessKey struct {
	ID      string `json:"id"`
	Account string `json:"account"`           // empty where a service owns it
	User    string `json:"user,omitempty"`    // unique id; empty for the root user
	Service string `json:"service,omitempty"` // name of a service principal
	Status  string `json:"status"`
	Created int64  `json:"created"` // seconds since 1970
	Secret  secret `json:"secret"`
}

var accessKeys = &store.Table[accessKey]{
	Schema: driver.Schema{
		Name:       "iam_access_key",
		PrimaryKey: []driver.Column{{Name: "id"}},
	},
	Version: 1,
	Key:     func(k *accessKey) store.Key { return accessKeyKey(k.ID) },
	Account: func(k *accessKey) string { return k.Account },
}

func accessKeyKey(id string) store.Key { return store.Key{store.S(id)} }

// accessKeyEntity is what the snapshot of a credential rests on.
func accessKeyEntity(id string) string { return "ak:" + id }

// getAccessKey reads an access key that its owner's record names.
func getAccessKey(ctx context.Context, r store.Reader, id string) (*accessKey, store.Rev, error) {
	k, rev, err := accessKeys.Get(ctx, r, accessKeyKey(id))
	if err != nil {
		return nil, 0, fmt.Errorf("reading access key %s: %w", id, err)
	}
	return k, rev, nil
}

// insertAccessKey writes an access key, which its owner's record is to name.
func insertAccessKey(ctx context.Context, tx store.Txn, k *accessKey) error {
	if err := accessKeys.Insert(ctx, tx, k); err != nil {
		return fmt.Errorf("writing access key %s: %w", k.ID, err)
	}
	tx.Touch(accessKeyEntity(k.ID))
	return nil
}

// dropAccessKey deletes an access key, which its owner's record is to name no longer.
func dropAccessKey(ctx context.Context, tx store.Txn, id string) error {
	_, rev, err := getAccessKey(ctx, tx, id)
	if err == nil {
		err = accessKeys.Delete(ctx, tx, accessKeyKey(id), rev)
	}
	if err != nil {
		return fmt.Errorf("deleting access key %s: %w", id, err)
	}
	tx.Touch(accessKeyEntity(id))
	return nil
}

// AccountOfAccessKey returns the account of a user's or root user's access key in
// whatever state, as r sees it; "" where there is no such key.
func (s *Service) AccountOfAccessKey(ctx context.Context, r store.Reader, id string) (string, error) {
	k, _, err := getAccessKey(ctx, r, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return k.Account, nil
}

// DrawAccessKey draws an access key: an id that begins with AKIA and has 20
// characters, and a secret of 40.
func DrawAccessKey() (id string, secret confidential.Bytes) {
	return ident.Unique("AKIA", 20), drawSecret()
}

// usable reports why an access key that the operator chose can't be used. It
// may be shorter than those that the API can name.
func (s *Service) usable(id string, secret confidential.Bytes) error {
	switch {
	case len(id) > accessKeyIDMax || !wordPattern.MatchString(id):
		return errors.New("an access key id has 1 to 128 letters, digits or underscores")
	case s.development && arn.IsAccount(id):
		return errors.New("twelve digits are the access key id of a development account")
	case secret.Len() == 0:
		return errors.New("a secret access key must not be empty")
	}
	return nil
}

// An AccessKey as it is shown once, when it is made. UserName is absent for
// keys of the root user.
type AccessKey struct {
	UserName        optional.Of[string] `aws:"UserName" audit:"userName"`
	AccessKeyID     string              `aws:"AccessKeyId" audit:"accessKeyId"`
	Status          string              `aws:"Status" audit:"status"`
	SecretAccessKey confidential.Bytes  `aws:"SecretAccessKey,text"`
	CreateDate      time.Time           `aws:"CreateDate" audit:"createDate"`
}

// AccessKeyMetadata is what can be known of an access key afterwards.
type AccessKeyMetadata struct {
	UserName    optional.Of[string] `aws:"UserName"`
	AccessKeyID string              `aws:"AccessKeyId"`
	Status      string              `aws:"Status"`
	CreateDate  time.Time           `aws:"CreateDate"`
}
