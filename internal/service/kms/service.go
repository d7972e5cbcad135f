// Package kms is the key management service: keys, their policies, aliases and
// tags, and the cryptographic operations that use them.
//
// An operation is a file, named after it. Operations that change something read
// and write through their transaction; operations that use a key decide from
// immutable snapshots of keys, which are valid while no commit has touched the
// key, so that a cryptographic call reads no store when the snapshot is at hand.
// https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
package kms

import (
	"context"

	"claviger/internal/ground/attestation"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/lastuse"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/words/ident"
)

// Principals knows the users and roles of all accounts. The service of
// identities implements it.
type Principals interface {
	// Principal tells whether the principal that an ARN names exists, as r sees
	// it, and which unique id its name is to be bound to, if any.
	Principal(ctx context.Context, r store.Reader, arn string) (id string, exists bool, err error)

	// Renamed returns the ARN of the user that has a unique id; "" where there is none.
	Renamed(ctx context.Context, r store.Reader, id string) (arn string, err error)
}

// Options are what the service needs from others.
type Options struct {
	Keyring    *sealed.Keyring
	Principals Principals

	// Regions are those that exist, to which a key can be replicated.
	Regions []string

	// Stamp returns the stamp of an entity as read by r; see store.Store.
	Stamp func(r store.Reader, entity string) store.Stamp

	// Store is what the service reads and writes by itself, see DeleteDue.
	Store *store.Store

	// CarryOut makes a change that no call asked for and records the event that
	// change returns, if any; see pipeline.Pipeline.
	CarryOut func(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error

	// Glance returns a reader of single rows; see store.Store. Without it grants
	// are read through the call's own reader.
	Glance func() store.Reader

	Quotas Quotas

	// Attestation verifies the documents of attested environments. Without it
	// nothing is answered to one.
	Attestation *attestation.Verifier

	// Proxies carries requests to the proxies of external key stores. Without it
	// none can be reached.
	Proxies xksproxy.Transport

	// Reaches reports whether the operator has said where a VPC endpoint service
	// is. Without it there are no such services.
	Reaches func(service string) bool

	// Lost reports whether a position of the store is of a future that was lost,
	// because the store was put back as it was earlier. Without it none is.
	Lost func(position uint64) bool

	// Clusters are what CloudHSM key stores are made on. Without it there are none.
	Clusters Clusters

	// CachedKeys bounds the snapshots of keys, and those of aliases, that are
	// kept in memory; 0 stands for 10,000 of each.
	CachedKeys int

	// CachedGrants bounds the snapshots of grantees, and those of constraints,
	// that are kept in memory; 0 stands for 10,000 of each.
	CachedGrants int
}

// EventSource is the event source of all that is done with keys.
const EventSource = "kms.amazonaws.com"

// Service is the key management service. It is safe for concurrent use.
type Service struct {
	keyring    *sealed.Keyring
	principals Principals
	regions    []string
	stamp      func(r store.Reader, entity string) store.Stamp
	store      *store.Store
	carryOut   func(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error
	lost       func(position uint64) bool
	documents  *attestation.Verifier
	markers    *sealed.Secret
	glance     func() store.Reader
	tokens     *sealed.Secret // of grants
	grantHash  *sealed.Secret
	managedIDs *sealed.Secret // of AWS managed keys
	keys       *cache[keyName, *Key]
	aliases    *cache[aliasName, *aliasTarget]
	grantees   *cache[granteeName, *granteeShapes]
	entries    *cache[entryName, *grantEntry]
	lastUses   *lastUses
	quotas     Quotas
	started    string // tells this service from those of other starts

	proxies      xksproxy.Transport
	reaches      func(service string) bool
	clusters     Clusters
	storeSecrets *sealed.Secret // seals the secrets of custom key stores
	connects     connects
}

const cachedDefault = 10_000

// New returns the service. Its Tables must be open in the store that its calls read.
func New(o Options) *Service {
	if o.CachedKeys == 0 {
		o.CachedKeys = cachedDefault
	}
	if o.CachedGrants == 0 {
		o.CachedGrants = cachedDefault
	}
	if o.Proxies == nil {
		o.Proxies = func(context.Context, *xksproxy.Request) (int, []byte, error) { return 0, nil, xksproxy.ErrUnreachable }
	}
	if o.Reaches == nil {
		o.Reaches = func(string) bool { return false }
	}
	if o.Clusters == nil {
		o.Clusters = noClusters{}
	}
	return &Service{
		keyring:    o.Keyring,
		principals: o.Principals,
		regions:    o.Regions,
		stamp:      o.Stamp,
		store:      o.Store,
		carryOut:   o.CarryOut,
		lost:       o.Lost,
		documents:  o.Attestation,
		glance:     o.Glance,
		markers:    o.Keyring.Secret("kms/marker"),
		tokens:     o.Keyring.Secret("kms/grant-token"),
		grantHash:  o.Keyring.Secret("kms/grant-index"),
		managedIDs: o.Keyring.Secret("kms/managed-key"),
		keys:       newCache[keyName, *Key](o.CachedKeys),
		aliases:    newCache[aliasName, *aliasTarget](o.CachedKeys),
		grantees:   newCache[granteeName, *granteeShapes](o.CachedGrants),
		entries:    newCache[entryName, *grantEntry](o.CachedGrants),
		quotas:     o.Quotas.orDefault(),
		started:    ident.UUID(),
		lastUses:   lastuse.New(o.Store, trackingTable, keepUse),

		proxies:      o.Proxies,
		reaches:      o.Reaches,
		clusters:     o.Clusters,
		storeSecrets: o.Keyring.Secret("kms/custom-key-store"),
	}
}

// Operations lists the API, in the order of the public reference.
func (s *Service) Operations() []operation.Operation {
	return []operation.Operation{
		s.cancelKeyDeletion(),
		s.connectCustomKeyStore(),
		s.createAlias(),
		s.createCustomKeyStore(),
		s.createGrant(),
		s.createKey(),
		s.decapsulate(),
		s.decrypt(),
		s.deleteAlias(),
		s.deleteCustomKeyStore(),
		s.deleteImportedKeyMaterial(),
		s.deriveSharedSecret(),
		s.describeCustomKeyStores(),
		s.describeKey(),
		s.disableKey(),
		s.disableKeyRotation(),
		s.disconnectCustomKeyStore(),
		s.enableKey(),
		s.enableKeyRotation(),
		s.encapsulate(),
		s.encrypt(),
		s.generateDataKey(),
		s.generateDataKeyPair(),
		s.generateDataKeyPairWithoutPlaintext(),
		s.generateDataKeyWithoutPlaintext(),
		s.generateMac(),
		s.generateRandom(),
		s.getKeyLastUsage(),
		s.getKeyPolicy(),
		s.getKeyRotationStatus(),
		s.getParametersForImport(),
		s.getPublicKey(),
		s.importKeyMaterial(),
		s.listAliases(),
		s.listGrants(),
		s.listKeyPolicies(),
		s.listKeyRotations(),
		s.listKeys(),
		s.listResourceTags(),
		s.listRetirableGrants(),
		s.putKeyPolicy(),
		s.reEncrypt(),
		s.replicateKey(),
		s.retireGrant(),
		s.revokeGrant(),
		s.rotateKeyOnDemand(),
		s.scheduleKeyDeletion(),
		s.sign(),
		s.tagResource(),
		s.untagResource(),
		s.updateAlias(),
		s.updateCustomKeyStore(),
		s.updateKeyDescription(),
		s.updatePrimaryRegion(),
		s.verify(),
		s.verifyMac(),
	}
}

// Tables lists the tables that the service keeps its records in.
func Tables() []store.AnyTable {
	return []store.AnyTable{keyTable, policyTable, materialTable, aliasTable, quotaTable, timerTable, grantTable, nameTable, granteeTable, entryTable, lastUseTable, trackingTable, grantCountTable, keyStoreTable, storedKeyTable}
}
