package xks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// An externalKeyRecord is an external key as stored: AES-256, with a version for
// each time that it was rotated.
type externalKeyRecord struct {
	KeyStore string `json:"keyStore"` // prefix
	ID       string `json:"id"`
	Created  int64  `json:"created"` // microseconds since 1970
	Encrypts bool   `json:"encrypts,omitempty"`
	Decrypts bool   `json:"decrypts,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`

	// KMSKeys are the ARNs of the KMS keys that may use it. Where there are none,
	// Any lets all; else the first that uses it is put here.
	KMSKeys []string `json:"kmsKeys,omitempty"`
	Any     bool     `json:"any,omitempty"`

	Versions []versionRecord `json:"versions"` // the last one encrypts
}

// A versionRecord is wrapped material. Versions count from 1.
type versionRecord struct {
	Number  uint32 `json:"number"`
	Created int64  `json:"created"` // seconds since 1970
	Wrapped []byte `json:"wrapped"`
}

// versionsMax bounds how often an external key can be rotated, as all versions
// stand in one row. There is no need to rotate for the sake of a count of
// messages: each has a key of its own.
const versionsMax = 100

var externalKeyTable = &store.Table[externalKeyRecord]{
	Schema: driver.Schema{
		Name:       "xks_external_key",
		PrimaryKey: []driver.Column{{Name: "prefix"}, {Name: "key_id"}},
	},
	Version: 1,
	Key:     func(r *externalKeyRecord) store.Key { return externalKeyKey(r.KeyStore, r.ID) },
}

func externalKeyKey(prefix, id string) store.Key { return store.Key{store.S(prefix), store.S(id)} }

// externalKeyEntity is what everything that was read of an external key rests on.
func externalKeyEntity(prefix, id string) string { return "xk:" + prefix + "/" + id }

// keyName is the primary key of an external key.
type keyName struct{ prefix, id string }

// An externalKey is an external key as read at one moment, with all that a
// decision or a use needs. It is immutable and safe for concurrent use.
type externalKey struct {
	*externalKeyRecord
	arn      string
	policy   *policy.Policy
	versions map[uint32]*sealed.External
	store    *keyStore
	stamp    store.Stamp
}

func (k *externalKey) current() bool { return k.stamp.Current() && k.store.current() }

// newest is the version that encrypts.
func (r *externalKeyRecord) newest() *versionRecord { return &r.Versions[len(r.Versions)-1] }

// Resource types of records.
const (
	keyResource    = "Claviger::XKS::ExternalKey"
	kmsKeyResource = "AWS::KMS::Key"
)

func externalKeyARN(prefix, id string) string {
	return arn.ARN{Partition: "aws", Service: signingName, Resource: "key-store/" + prefix + "/key/" + id}.String()
}

// binding is what the material of a version is bound to.
func (r *externalKeyRecord) binding(keyStore string, version uint32) sealed.ExternalBinding {
	return sealed.ExternalBinding{KeyStore: keyStore, KeyID: r.ID, Version: version, Created: r.Created}
}

// getExternalKey reads an external key. Without one the error is store.ErrNotFound.
func getExternalKey(ctx context.Context, r store.Reader, prefix, id string) (*externalKeyRecord, store.Rev, error) {
	rec, rev, err := externalKeyTable.Get(ctx, r, externalKeyKey(prefix, id))
	if err != nil {
		return nil, 0, fmt.Errorf("reading external key %s of key store %s: %w", id, prefix, err)
	}
	if len(rec.Versions) == 0 {
		return nil, 0, fmt.Errorf("external key %s of key store %s has no material: %w", id, prefix, store.ErrDamaged)
	}
	return rec, rev, nil
}

// keyToUse returns the snapshot of an external key, from memory where it is at
// hand, and rests the call on it.
func (s *Service) keyToUse(c *operation.Call, prefix, id string) (*externalKey, error) {
	k, ok := s.keys.get(keyName{prefix, id})
	if !ok {
		var err error
		if k, err = s.readKey(c, prefix, id); errors.Is(err, store.ErrNotFound) {
			return nil, errKeyNotFound
		} else if err != nil {
			return nil, err
		}
	}
	c.RestOn(k.stamp, k.store.stamp)
	c.Concerns(keyResource, k.arn, "")
	return k, nil
}

func (s *Service) readKey(c *operation.Call, prefix, id string) (*externalKey, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	of, err := s.keyStoreToUse(c.Context, prefix, c.Reader)
	if err != nil {
		return nil, err
	}
	rec, _, err := getExternalKey(c.Context, r, prefix, id)
	if err != nil {
		return nil, err
	}
	k := &externalKey{
		externalKeyRecord: rec,
		arn:               externalKeyARN(prefix, id),
		versions:          make(map[uint32]*sealed.External, len(rec.Versions)),
		store:             of,
		stamp:             s.store.Stamp(r, externalKeyEntity(prefix, id)),
	}
	if k.policy, err = compile(k.arn, rec.statements(&of.Limits)...); err != nil {
		return nil, err
	}
	for _, v := range rec.Versions {
		if k.versions[v.Number], err = s.keyring.UnwrapExternal(rec.binding(of.ID, v.Number), v.Wrapped); err != nil {
			return nil, fmt.Errorf("unwrapping version %d of external key %s: %w", v.Number, id, err)
		}
	}
	return s.keys.keep(keyName{prefix, id}, k), nil
}

// asks appends the permission that a call about an external key needs.
func (k *externalKey) asks(action string, m *RequestMetadata, asks []authz.Ask) []authz.Ask {
	return append(asks, ask(action, k.arn, k.policy, m, errForbidden))
}

// ready refuses a key that is disabled or not made for a use.
func (k *externalKey) ready(usable bool) error {
	switch {
	case k.Disabled:
		return errDisabled
	case !usable:
		return errUsage
	}
	return nil
}

// bind reserves an external key that no KMS key has used yet, and for which the
// operator named none, for the KMS key of this call. So two owners of KMS keys
// who are told of the same external key can't use each other's.
//
// It is a change of its own, with a record of its own. The call that caused it
// is walked again when it has been made, and judged by it.
func (s *Service) bind(c *operation.Call, k *externalKey, m *RequestMetadata) error {
	if k.Any || len(k.KMSKeys) > 0 {
		return nil
	}
	err := s.carryOut(c.Context, func(tx store.Txn) (*operation.Event, error) {
		rec, rev, err := getExternalKey(c.Context, tx, k.KeyStore, k.ID)
		if err != nil {
			return nil, err
		}
		switch {
		case rec.Any || slices.Contains(rec.KMSKeys, m.KMSKeyARN.V):
			return nil, nil // somebody was faster
		case len(rec.KMSKeys) > 0:
			return nil, errForbidden
		}
		rec.KMSKeys = []string{m.KMSKeyARN.V}
		if err := externalKeyTable.Put(c.Context, tx, rec, rev); err != nil {
			return nil, fmt.Errorf("writing external key %s: %w", k.ID, err)
		}
		tx.Touch(externalKeyEntity(k.KeyStore, k.ID))
		return &operation.Event{
			Name: "BindExternalKey", Time: c.Time, Region: c.Region,
			Resources: []operation.Resource{{Type: keyResource, ARN: k.arn}, {Type: kmsKeyResource, ARN: m.KMSKeyARN.V}},
		}, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return errKeyNotFound
	}
	return err
}

// changeKey has change alter an external key, which must exist, and writes it.
func changeKey(c *operation.Call, tx store.Txn, prefix, id string, change func(*externalKeyRecord) error) (*externalKeyRecord, error) {
	rec, rev, err := getExternalKey(c.Context, tx, prefix, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noSuchKey(prefix, id)
	}
	if err != nil {
		return nil, err
	}
	if err := change(rec); err != nil {
		return nil, err
	}
	if err := externalKeyTable.Put(c.Context, tx, rec, rev); err != nil {
		return nil, fmt.Errorf("writing external key %s: %w", id, err)
	}
	tx.Touch(externalKeyEntity(prefix, id))
	return rec, nil
}

// Limits of an external key's id, and of what may be listed of KMS keys. What is
// listed fits into a policy.
const (
	keyIDMax    = 128
	keyIDShown  = `[A-Za-z0-9\-._]+`
	kmsKeysMax  = 100
	kmsKeyMax   = 256 // characters of an ARN
	anyKMSKey   = "*"
	kmsKeyShown = `arn:partition:kms:region:account:key/id`
)

var (
	keyIDPattern = regexp.MustCompile(`^` + keyIDShown + `$`)
)

func checkKeyID(c *check.Checks, id optional.Of[string]) {
	c.Length("externalKeyId", id, 1, keyIDMax)
	c.Pattern("externalKeyId", id, keyIDPattern, keyIDShown)
	if id.V == "." || id.V == ".." {
		c.Refuse(fault.New(fault.Validation, "%s is no id: a path would lead elsewhere.", id.V))
	}
}

// checkKMSKeys demands ARNs of KMS keys, or * alone.
func checkKMSKeys(c *check.Checks, list []string) {
	c.Items("kmsKeys", true, len(list), 0, kmsKeysMax)
	if slices.Equal(list, []string{anyKMSKey}) {
		return
	}
	for _, text := range list {
		name, ok := arn.Parse(text)
		if !ok || len(text) > kmsKeyMax || name.Service != "kms" || !arn.IsAccount(name.Account) || !strings.HasPrefix(name.Resource, "key/") {
			c.Refuse(fault.New(fault.Validation, "%s is not the ARN of a KMS key, which has the form %s.", text, kmsKeyShown))
		}
	}
}

// allow sets which KMS keys may use the external key.
func (r *externalKeyRecord) allow(list []string) {
	r.Any = slices.Equal(list, []string{anyKMSKey})
	if r.KMSKeys = list; r.Any {
		r.KMSKeys = nil
	}
}

// An ExternalKey as outputs show it. KMSKeys is * alone where all KMS keys may
// use it, and empty where it waits for the first.
type ExternalKey struct {
	KeyStore   string    `aws:"KeyStore" audit:"keyStore"`
	ID         string    `aws:"ExternalKeyId" audit:"externalKeyId"`
	Status     string    `aws:"KeyStatus" audit:"keyStatus"`
	Usage      []string  `aws:"KeyUsage" audit:"keyUsage"`
	KMSKeys    []string  `aws:"KmsKeys" audit:"kmsKeys"`
	Version    int       `aws:"Version" audit:"version"` // that encrypts
	CreateDate time.Time `aws:"CreateDate" audit:"createDate"`
}

// States and usages of an external key, as the interface spells them.
const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
	encrypts = "ENCRYPT"
	decrypts = "DECRYPT"
)

func (r *externalKeyRecord) status() string {
	if r.Disabled {
		return disabled
	}
	return enabled
}

func (r *externalKeyRecord) usage() []string {
	list := []string{}
	if r.Encrypts {
		list = append(list, encrypts)
	}
	if r.Decrypts {
		list = append(list, decrypts)
	}
	return list
}

func (r *externalKeyRecord) shown() ExternalKey {
	out := ExternalKey{
		KeyStore: r.KeyStore, ID: r.ID, Status: r.status(), Usage: r.usage(), KMSKeys: slices.Concat([]string{}, r.KMSKeys),
		Version: int(r.newest().Number), CreateDate: time.UnixMicro(r.Created).UTC().Truncate(time.Second),
	}
	if r.Any {
		out.KMSKeys = []string{anyKMSKey}
	}
	return out
}

// addVersion draws material that encrypts from now on.
func (s *Service) addVersion(rec *externalKeyRecord, of *keyStoreRecord, now time.Time) error {
	if len(rec.Versions) >= versionsMax {
		return fault.New(fault.LimitExceeded, "The external key %s has %d versions, which is the most.", rec.ID, versionsMax)
	}
	v := versionRecord{Number: 1, Created: now.Unix()}
	if len(rec.Versions) > 0 {
		v.Number = rec.newest().Number + 1
	}
	var err error
	if v.Wrapped, err = s.keyring.GenerateExternal(rec.binding(of.ID, v.Number)); err != nil {
		return fmt.Errorf("drawing material for external key %s: %w", rec.ID, err)
	}
	rec.Versions = append(rec.Versions, v)
	return nil
}
