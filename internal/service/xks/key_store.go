package xks

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// A keyStoreRecord is a key store as stored. It belongs to the installation.
type keyStoreRecord struct {
	Prefix      string             `json:"prefix"`
	ID          string             `json:"id"`      // UUID, which no other key store ever has
	Created     int64              `json:"created"` // seconds since 1970
	Credentials []credentialRecord `json:"credentials"`
	Limits      Limits             `json:"limits,omitzero"`
	Keys        int                `json:"keys,omitempty"` // how many external keys it has
}

// A credentialRecord is an access key. Its secret is derived from the
// installation's own, see Service.secret.
type credentialRecord struct {
	ID      string `json:"id"`
	Created int64  `json:"created"` // seconds since 1970
}

var keyStoreTable = &store.Table[keyStoreRecord]{
	Schema:  driver.Schema{Name: "xks_key_store", PrimaryKey: []driver.Column{{Name: "prefix"}}},
	Version: 1,
	Key:     func(r *keyStoreRecord) store.Key { return keyStoreKey(r.Prefix) },
}

func keyStoreKey(prefix string) store.Key { return store.Key{store.S(prefix)} }

// keyStoreEntity is what everything that was read of a key store rests on.
func keyStoreEntity(prefix string) string { return "xs:" + prefix }

// credentialsMax is how many credentials a key store may have: one in use, and
// one that is about to replace it.
const credentialsMax = 2

// A keyStore is a key store as read at one moment. It is safe for concurrent use.
type keyStore struct {
	*keyStoreRecord
	credentials map[string]*authz.Credential
	policy      *policy.Policy // lets the key store's callers ask for its health
	probe       *sealed.External
	stamp       store.Stamp

	healthy atomic.Int64 // when the probe last succeeded, nanoseconds since 1970
}

func (k *keyStore) current() bool { return k.stamp.Current() }

// callerName is the name of whoever calls with a credential of a key store.
func callerName(prefix string) string { return signingName + "/" + prefix }

// keyStoreARN names a key store in records and policies.
func keyStoreARN(prefix string) string {
	return arn.ARN{Partition: "aws", Service: signingName, Resource: "key-store/" + prefix}.String()
}

// getKeyStore reads a key store. Without one the error is store.ErrNotFound.
func getKeyStore(ctx context.Context, r store.Reader, prefix string) (*keyStoreRecord, store.Rev, error) {
	rec, rev, err := keyStoreTable.Get(ctx, r, keyStoreKey(prefix))
	if err != nil {
		return nil, 0, fmt.Errorf("reading key store %s: %w", prefix, err)
	}
	return rec, rev, nil
}

// keyStoreToUse returns the snapshot of a key store, from memory where it is at
// hand. Without one the error is store.ErrNotFound.
func (s *Service) keyStoreToUse(ctx context.Context, prefix string, reader func() (store.Reader, error)) (*keyStore, error) {
	if k, ok := s.stores.get(prefix); ok {
		return k, nil
	}
	r, err := reader()
	if err != nil {
		return nil, err
	}
	rec, _, err := getKeyStore(ctx, r, prefix)
	if err != nil {
		return nil, err
	}
	k := &keyStore{
		keyStoreRecord: rec,
		credentials:    make(map[string]*authz.Credential, len(rec.Credentials)),
		probe:          s.keyring.ProbeExternal(rec.ID),
		stamp:          s.store.Stamp(r, keyStoreEntity(prefix)),
	}
	if k.policy, err = compile(keyStoreARN(prefix), allow(prefix, nil, getHealthStatusAction)); err != nil {
		return nil, err
	}
	for _, c := range rec.Credentials {
		k.credentials[c.ID] = s.credential(k, c.ID)
	}
	return s.stores.keep(prefix, k), nil
}

// credential makes a credential of a key store.
func (s *Service) credential(k *keyStore, id string) *authz.Credential {
	name := callerName(k.Prefix)
	return &authz.Credential{
		AccessKeyID: id,
		Secret:      s.secret(k.ID, id),
		Caller: &authz.Caller{
			Principal: principal.Principal{Kind: principal.KeyStore, Partition: "aws", ARN: name, ID: name, Name: name, AccessKeyID: id},
			Policy:    policy.Caller{Kind: principal.Service, Partition: "aws", Services: []string{name}},
			Stamps:    []store.Stamp{k.stamp},
		},
	}
}

// secret derives the secret access key of a credential: 43 characters, 256 bits.
// It stands nowhere, and says nothing of that of another credential.
func (s *Service) secret(keyStore, id string) confidential.Bytes {
	sum := s.secrets.Hash([]byte(keyStore + "/" + id))
	defer clear(sum[:])
	return confidential.New(base64.RawStdEncoding.AppendEncode(nil, sum[:]))
}

// drawCredential draws an access key. Its id has a form of its own, so that it is
// not taken for one of IAM's.
func drawCredential(now time.Time) credentialRecord {
	return credentialRecord{ID: ident.Unique("XKSA", 26), Created: now.Unix()}
}

// KeyStore reports whether there is a key store of that prefix.
func (s *Service) KeyStore(ctx context.Context, prefix string) (bool, error) {
	k, err := s.lookUp(ctx, prefix)
	return k != nil, err
}

// KeyStoreCredential returns what signatures of an access key of that key store
// are checked against. Any other is a fault UnrecognizedClient, and so is a
// session token, which nobody has here. The result is the same pointer until
// something of the key store changes.
func (s *Service) KeyStoreCredential(ctx context.Context, prefix, accessKeyID, token string) (*authz.Credential, error) {
	k, err := s.lookUp(ctx, prefix)
	if err != nil {
		return nil, err
	}
	if k != nil && token == "" {
		if c := k.credentials[accessKeyID]; c != nil {
			return c, nil
		}
	}
	return nil, fault.New(fault.UnrecognizedClient, "The security token included in the request is invalid.")
}

// lookUp returns a key store, nil where there is none.
func (s *Service) lookUp(ctx context.Context, prefix string) (k *keyStore, err error) {
	if k, ok := s.stores.get(prefix); ok {
		return k, nil
	}
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		k, err = s.keyStoreToUse(ctx, prefix, func() (store.Reader, error) { return r, nil })
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return k, err
}

// changeKeyStore has change alter a key store, which must exist, and writes it.
func changeKeyStore(c *operation.Call, tx store.Txn, prefix string, change func(*keyStoreRecord) error) (*keyStoreRecord, error) {
	rec, rev, err := getKeyStore(c.Context, tx, prefix)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noSuchKeyStore(prefix)
	}
	if err != nil {
		return nil, err
	}
	if err := change(rec); err != nil {
		return nil, err
	}
	if err := keyStoreTable.Put(c.Context, tx, rec, rev); err != nil {
		return nil, fmt.Errorf("writing key store %s: %w", prefix, err)
	}
	tx.Touch(keyStoreEntity(prefix))
	return rec, nil
}

// Limits of a key store's prefix: what the path that AWS KMS is told has beside
// its ending. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateCustomKeyStore.html
const (
	uriPathEnd  = "/kms/xks/v1"
	prefixMax   = 116
	prefixShown = `[A-Za-z0-9_\-]+(/[A-Za-z0-9_\-]+)*`
)

var prefixPattern = regexp.MustCompile(`^` + prefixShown + `$`)

func checkPrefix(c *check.Checks, prefix optional.Of[string]) {
	if !c.Required("prefix", prefix.Set) {
		return
	}
	c.Length("prefix", prefix, 1, prefixMax)
	c.Pattern("prefix", prefix, prefixPattern, prefixShown)
	if strings.Contains("/"+prefix.V+"/", uriPathEnd+"/") {
		c.Refuse(fault.New(fault.Validation, "A prefix can't contain %s, which ends it.", uriPathEnd))
	}
}

// A Credential of a key store, as it can be known after it was made.
type Credential struct {
	AccessKeyID string    `aws:"AccessKeyId" audit:"accessKeyId"`
	CreateDate  time.Time `aws:"CreateDate" audit:"createDate"`
}

// An ExternalKeyStore as outputs show it.
type ExternalKeyStore struct {
	Prefix       string       `aws:"Prefix" audit:"prefix"`
	Limits       Limits       `aws:"Limits" audit:"limits"`
	Credentials  []Credential `aws:"Credentials" audit:"credentials"`
	ExternalKeys int          `aws:"ExternalKeys" audit:"externalKeys"`
	CreateDate   time.Time    `aws:"CreateDate" audit:"createDate"`
}

func (r *keyStoreRecord) shown() ExternalKeyStore {
	out := ExternalKeyStore{
		Prefix: r.Prefix, Limits: r.Limits, ExternalKeys: r.Keys,
		CreateDate: time.Unix(r.Created, 0).UTC(), Credentials: []Credential{},
	}
	for _, c := range r.Credentials {
		out.Credentials = append(out.Credentials, Credential{AccessKeyID: c.ID, CreateDate: time.Unix(c.Created, 0).UTC()})
	}
	return out
}

// A ProxyCredential is what AWS KMS signs with. The secret is shown when the
// credential is made and never again.
type ProxyCredential struct {
	AccessKeyID        string             `aws:"AccessKeyId" audit:"accessKeyId"`
	RawSecretAccessKey confidential.Bytes `aws:"RawSecretAccessKey,text"`
}

// A ProxyConfiguration is what AWS KMS has to be told of a key store, in the form
// of the file that its console takes.
type ProxyConfiguration struct {
	URIPath    string          `aws:"XksProxyUriPath" audit:"xksProxyUriPath"`
	Credential ProxyCredential `aws:"XksProxyAuthenticationCredential" audit:"xksProxyAuthenticationCredential"`
}

func (s *Service) configuration(r *keyStoreRecord, id string) ProxyConfiguration {
	return ProxyConfiguration{
		URIPath:    "/" + r.Prefix + uriPathEnd,
		Credential: ProxyCredential{AccessKeyID: id, RawSecretAccessKey: s.secret(r.ID, id)},
	}
}
