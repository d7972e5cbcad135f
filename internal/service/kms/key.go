package kms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/ident"
	"claviger/internal/words/pairs"
)

// Values of KeyMetadata.KeyManager.
const (
	managerCustomer = "CUSTOMER"
	managerAWS      = "AWS"
)

// Values of KeyMetadata.Origin.
const (
	originKMS      = "AWS_KMS"
	originExternal = "EXTERNAL"
	originCloudHSM = "AWS_CLOUDHSM"
	originXKS      = "EXTERNAL_KEY_STORE"
)

// Values of MultiRegionConfiguration.MultiRegionKeyType.
const (
	multiRegionPrimary = "PRIMARY"
	multiRegionReplica = "REPLICA"
)

// keyRecord is a key as stored. It lists everything that belongs to the key and
// may deny, so that a row missing elsewhere is noticed. Any change of the
// key's policy, state, tags, aliases or material writes this record too: who
// rests on its revision rests on all of them.
type keyRecord struct {
	Region      string    `json:"region"`
	ID          string    `json:"id"`
	Account     string    `json:"account"`
	Partition   string    `json:"partition"`
	Created     time.Time `json:"created"`
	Description string    `json:"description,omitempty"`
	Spec        string    `json:"spec"`
	Usage       string    `json:"usage"`
	Origin      string    `json:"origin"`
	State       keyState  `json:"state"`
	Manager     string    `json:"manager"`
	MultiRegion string    `json:"multiRegion,omitempty"` // PRIMARY or REPLICA; empty for a single-Region key

	// Of a key that is pending deletion: how many days it is to wait, and when it
	// will be destroyed, which a timer says too.
	Window   int       `json:"window,omitempty"`
	Deletion time.Time `json:"deletion,omitzero"`

	// PublicKey is the public half of an asymmetric key as SubjectPublicKeyInfo in
	// DER, at most 2,614 bytes (ML-DSA-87). It stays when imported material goes, and
	// is absent until material is there.
	PublicKey []byte `json:"publicKey,omitempty"`

	Material  string   `json:"material,omitempty"`  // id of the current material
	Materials []string `json:"materials,omitempty"` // ids of all whose rows exist

	// History has an entry for every material that the key ever had or is to have,
	// the oldest first. It is empty before the first rotation of a key whose
	// material was made with it.
	History []materialEntry `json:"history,omitempty"`

	// Rotation is the schedule of automatic rotation while it is enabled.
	Rotation *rotation `json:"rotation,omitempty"`

	// Of a multi-Region key: the Region of the primary key and those of its
	// replicas, sorted. Each related key's record has them. A primary key that
	// never had a replica has neither.
	PrimaryRegion  string   `json:"primaryRegion,omitempty"`
	ReplicaRegions []string `json:"replicaRegions,omitempty"`

	// FirstCreated is when the first of the related keys was made, to which their
	// material is bound; zero for the first one itself.
	FirstCreated time.Time `json:"firstCreated,omitzero"`

	// Of a key in a custom key store.
	CustomKeyStore string `json:"customKeyStore,omitempty"` // id
	XksKey         string `json:"xksKey,omitempty"`         // id of the external key
	ClusterKey     string `json:"clusterKey,omitempty"`     // label of the key in a cluster

	Tags    pairs.Map `json:"tags,omitempty"`
	Aliases []string  `json:"aliases,omitempty"` // names, sorted

	// Grantees has a bit for each form of principal that a grant on the key ever
	// named, so that decisions about others look for no grants.
	Grantees uint8 `json:"grantees,omitempty"`
}

var keyTable = &store.Table[keyRecord]{
	Schema: driver.Schema{
		Name:       "kms_key",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}},
		Indexed:    []driver.Column{{Name: "account"}},
		Indexes:    []driver.IndexSchema{{Name: "account", Columns: []string{"account", "region", "key_id"}}},
	},
	Version: 1,
	Key:     func(r *keyRecord) store.Key { return keyKey(r.Region, r.ID) },
	Indexed: func(r *keyRecord) store.Key { return store.Key{store.S(r.Account)} },
	Account: func(r *keyRecord) string { return r.Account },
}

func keyKey(region, id string) store.Key { return store.Key{store.S(region), store.S(id)} }

// materialRecord is one wrapped key material.
type materialRecord struct {
	Region  string    `json:"region"`
	KeyID   string    `json:"keyId"`
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Created time.Time `json:"created"`
	Wrapped []byte    `json:"wrapped"`
}

var materialTable = &store.Table[materialRecord]{
	Schema: driver.Schema{
		Name:       "kms_key_material",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}, {Name: "material_id"}},
	},
	Version: 1,
	Key:     func(r *materialRecord) store.Key { return materialKey(r.Region, r.KeyID, r.ID) },
	Account: func(r *materialRecord) string { return r.Account },
}

func materialKey(region, keyID, id string) store.Key {
	return store.Key{store.S(region), store.S(keyID), store.S(id)}
}

// insertMaterial stores wrapped material of the key.
func (r *keyRecord) insertMaterial(ctx context.Context, tx store.Txn, id string, created time.Time, wrapped []byte) error {
	return materialTable.Insert(ctx, tx, &materialRecord{
		Region:  r.Region,
		KeyID:   r.ID,
		ID:      id,
		Account: r.Account,
		Created: created,
		Wrapped: wrapped,
	})
}

// keyName is the primary key of a key.
type keyName struct{ region, id string }

// A Key is a key with everything that a decision or a use of it needs, as read
// at one moment. It is immutable and safe for concurrent use.
type Key struct {
	keyRecord
	ARN string

	rev       store.Rev
	policy    *policy.Policy
	lapse     time.Time                   // when material expires; zero for never
	materials map[string]*sealed.Material // nil where only a decision was wanted
	keyStore  *keyStore                   // the custom key store that it is in, if any

	// unapproved says that there is material that FIPS 140-3 mode leaves out.
	unapproved bool

	stamp store.Stamp

	unmade *policyRecord // of an AWS managed key that does not exist yet
}

func (k *Key) current() bool {
	return k.stamp.Current() && (k.keyStore == nil || k.keyStore.stamp.Current())
}

// supports rests the call on the key as it was read.
func (k *Key) supports(c *operation.Call) {
	c.RestOn(k.stamp)
	if k.keyStore != nil {
		c.RestOn(k.keyStore.stamp)
	}
}

// keyEntity is what commits touch when they change a key or anything listed in its record.
func keyEntity(region, id string) string { return "key:" + region + "/" + id }

func (r *keyRecord) arn() string { return keyARN(r.Partition, r.Region, r.Account, r.ID) }

func keyARN(partition, region, account, id string) string {
	return arn.ARN{Partition: partition, Service: "kms", Region: region, Account: account, Resource: "key/" + id}.String()
}

// isKeyID reports whether s has the form of a key id.
func isKeyID(s string) bool { return ident.IsUUID(s) || ident.IsMultiRegionKeyID(s) }

// keyToUse returns the snapshot of a key, from memory where it is at hand, and
// rests the call on it. Without such a key the error is store.ErrNotFound.
func (s *Service) keyToUse(c *operation.Call, id string) (*Key, error) {
	if k, ok := s.keys.get(keyName{c.Region, id}); ok {
		k.supports(c)
		return k.at(c.Time), nil
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	k, err := s.readKey(c.Context, r, c.Region, id)
	if err != nil {
		return nil, err
	}
	if err := s.unwrap(c.Context, r, k); err != nil {
		return nil, err
	}
	if _, writes := r.(store.Txn); !writes { // what is not committed yet is nobody else's to see
		s.keys.put(keyName{c.Region, id}, k)
	}
	k.supports(c)
	return k.at(c.Time), nil
}

// keyToChange reads a key through the call's transaction, without its material.
// Without such a key the error is store.ErrNotFound.
func (s *Service) keyToChange(c *operation.Call, id string) (*Key, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	k, err := s.readKey(c.Context, r, c.Region, id)
	if err != nil {
		return nil, err
	}
	return k.at(c.Time), nil
}

// readKey reads what a decision about a key needs. A key without its policy is
// an error: nobody may be let in, or told that nothing is wrong.
func (s *Service) readKey(ctx context.Context, r store.Reader, region, id string) (*Key, error) {
	rec, rev, err := keyTable.Get(ctx, r, keyKey(region, id))
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", id, err)
	}
	k := &Key{keyRecord: *rec, ARN: rec.arn(), rev: rev, lapse: rec.lapses()}
	p, err := readPolicy(ctx, r, region, id)
	if err != nil {
		return nil, err
	}
	if k.policy, err = policy.Compile(policy.KeyPolicy, k.ARN, []byte(p.Text), p.Bound); err != nil {
		return nil, fmt.Errorf("compiling the stored policy of key %s: %w", id, err)
	}
	k.stamp = s.stamp(r, keyEntity(region, id))
	if rec.CustomKeyStore != "" {
		if k.keyStore, err = s.readKeyStore(ctx, r, rec.Account, region, rec.CustomKeyStore); err != nil {
			return nil, fmt.Errorf("reading key %s: %w", id, damaged(err))
		}
	}
	return k, nil
}

// unwrap opens all material that the key's record lists.
func (s *Service) unwrap(ctx context.Context, r store.Reader, k *Key) error {
	k.materials = make(map[string]*sealed.Material, len(k.Materials))
	for _, id := range k.Materials {
		rec, _, err := materialTable.Get(ctx, r, materialKey(k.Region, k.ID, id))
		if err != nil {
			return fmt.Errorf("reading material %s of key %s: %w", id, k.ID, damaged(err))
		}
		m, err := s.keyring.Unwrap(k.binding(), rec.Wrapped)
		if errors.Is(err, sealed.ErrNotApproved) { // there is more to a key than its use
			k.unapproved = true
			continue
		}
		if err != nil {
			return fmt.Errorf("unwrapping material %s of key %s: %w", id, k.ID, err)
		}
		k.materials[id] = m
	}
	return nil
}

// damaged keeps a row that must exist, but does not, from being taken for a key
// that does not exist.
func damaged(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrDamaged
	}
	return err
}

// binding is what the key's material is bound to. Material of a multi-Region
// key is shared by all Regions.
func (r *keyRecord) binding() sealed.Binding {
	b := sealed.Binding{
		Partition: r.Partition,
		Account:   r.Account,
		Region:    r.Region,
		KeyID:     r.ID,
		Spec:      r.Spec,
		Usage:     r.Usage,
		Origin:    r.Origin,
		Created:   r.firstCreated().UnixMicro(),
	}
	if r.MultiRegion != "" {
		b.Region = ""
	}
	return b
}

// material returns the material that encrypts.
func (k *Key) material() (*sealed.Material, error) {
	m := k.materials[k.Material]
	if m == nil && k.unapproved {
		return nil, notApproved("Keys such as " + k.ARN + " of the spec " + k.Spec + " are")
	}
	if m == nil {
		return nil, fmt.Errorf("key %s is without its current material %q: %w", k.ID, k.Material, store.ErrDamaged)
	}
	return m, nil
}

// event says what the service did to the key by itself.
func (r *keyRecord) event(name string, at time.Time) *operation.Event {
	return &operation.Event{
		Name:      name,
		Time:      at,
		Region:    r.Region,
		Account:   r.Account,
		Resources: []operation.Resource{{Type: keyResource, ARN: r.arn(), Account: r.Account}},
	}
}

// put replaces the key's record by rec, which began as a copy of it, sets the
// key's timers to what it says, and ends all snapshots of the key. Where it is
// related to others, they follow.
func (k *Key) put(ctx context.Context, tx store.Txn, rec *keyRecord) error {
	if err := k.write(ctx, tx, rec); err != nil {
		return err
	}
	return k.share(ctx, tx, rec)
}

// write is put for this key alone.
func (k *Key) write(ctx context.Context, tx store.Txn, rec *keyRecord) error {
	if err := keyTable.Put(ctx, tx, rec, k.rev); err != nil {
		return fmt.Errorf("writing key %s: %w", k.ID, err)
	}
	if err := resetTimers(ctx, tx, &k.keyRecord, rec); err != nil {
		return err
	}
	tx.Touch(keyEntity(k.Region, k.ID))
	return nil
}

// unchanged rests the transaction on the key as it was read.
func (k *Key) unchanged(tx store.Txn) { keyTable.Require(tx, keyKey(k.Region, k.ID), k.rev) }

// change ends an operation that leaves the key as rec says, and has the record
// of the call name the key. Where nothing changed, nothing is written.
func (k *Key) change(c *operation.Call, tx store.Txn, rec *keyRecord, changed bool) (*operation.None, error) {
	if changed {
		if err := k.put(c.Context, tx, rec); err != nil {
			return nil, err
		}
	} else {
		k.unchanged(tx)
	}
	c.ShowResponse("keyId", k.ARN)
	return &operation.None{}, nil
}
