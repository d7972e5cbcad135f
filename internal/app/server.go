package app

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"claviger/internal/app/metrics"
	"claviger/internal/edge/gateway"
	"claviger/internal/edge/httpfront"
	"claviger/internal/edge/message"
	"claviger/internal/ground/attestation"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/lastuse"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/iam"
	"claviger/internal/service/installation"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/service/organizations"
	"claviger/internal/service/policies"
	"claviger/internal/service/rootkey"
	"claviger/internal/service/sts"
	"claviger/internal/service/trail"
	"claviger/internal/service/xks"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
)

// foundations are what a server stands on.
type foundations struct {
	driver  driver.Driver
	keyring *sealed.Keyring
	rootKey root.Source // where the keyring's root key comes from; the zero value where it is nowhere
	// openTrail opens the trail. It runs last, so that a server that can't
	// start for another reason leaves no segment behind.
	openTrail func(audit.Options) (audit.Trail, error)
	// verify checks the trail's files; nil where the trail has none.
	verify      func(ctx context.Context, o audit.Options, head []byte) (*audit.Report, error)
	trailDir    string
	dir         string                // of the files; "" where there are none
	partition   string                // of all principals; "aws" by default
	regions     []string              // to which keys can be replicated
	attestation *attestation.Verifier // nil where Recipient is not supported
	development bool
	quotas      quotas
	log         *slog.Logger
	now         func() time.Time // time.Now by default

	proxies xksproxy.Transport        // to external key stores; nil reaches none
	reaches func(service string) bool // of VPC endpoint services; nil knows none

	clusters kms.Clusters // of CloudHSM key stores; nil where there are none
}

// trailOptions are those of the trail in files.
func (f *foundations) trailOptions(now func() time.Time) audit.Options {
	return audit.Options{
		Dir: f.trailDir, Origin: f.keyring.Installation(), Signer: f.keyring.Signer(), Now: now,
		Cipher: func(salt []byte) audit.Cipher { return f.keyring.Cipher(salt) },
	}
}

// server is the house, put together.
type server struct {
	driver       driver.Driver
	installation string
	incarnation  *incarnation
	sign         func(message []byte) []byte
	verifyTrail  func(ctx context.Context, head []byte) (*audit.Report, error)

	store     *store.Store
	trail     audit.Trail
	iam       *iam.Service
	trees     *organizations.Service
	keys      *kms.Service
	proxy     *xks.Service
	pipeline  *pipeline.Pipeline
	services  []gateway.Service
	operators map[string]*pipeline.Entrance
	rootKeys  *rootKeys
	log       *slog.Logger
	now       func() time.Time
	stop      context.CancelFunc
	lost      <-chan struct{} // closed once another process has the store; nil where none can
	dir       string          // of the files; "" where there are none

	health        health
	calls         *metrics.Calls
	tasks         map[string]*task
	requestQuotas int
	tls           atomic.Pointer[httpfront.TLS] // that is served; nil for plain HTTP

	background sync.WaitGroup
}

// tables of all services.
func tables() []store.AnyTable {
	return slices.Concat(iam.Tables(), kms.Tables(), organizations.Tables(), xks.Tables())
}

// newServer puts a server together on f, which it owns from then on: an error
// closes everything. Before it returns, the trail has the record of every
// change that the store has.
func newServer(ctx context.Context, f foundations) (*server, error) {
	s, err := assemble(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, s.trail.Close(), s.store.Close())
	}
	return s, nil
}

// assemble puts a server together that does nothing yet: neither is it known
// whether store and trail fit together, nor does anything go on by itself.
func assemble(ctx context.Context, f foundations) (*server, error) {
	s := &server{
		log: f.log, now: f.now, dir: f.dir, tasks: newTasks(), requestQuotas: len(f.quotas.requests),
		driver: f.driver, installation: f.keyring.Installation(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	var corridor *pipeline.Pipeline // made below; no commit comes before it
	opened, err := store.Open(ctx, f.driver, store.Options{
		Tables:    tables(),
		Sealer:    f.keyring,
		Committed: func(c store.Commit) { corridor.Committed(c) },
		Now:       s.now,
	})
	if err != nil {
		return nil, err // the driver is closed already
	}
	s.store = opened
	if s.incarnation, err = readIncarnation(ctx, f.driver); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	if t, ok := f.driver.(driver.Tenant); ok {
		s.lost = t.Lost()
	}
	s.iam, s.trees = accountServices(s.store, &f, s.now, s.incarnation.lost)
	s.keys = kms.New(kms.Options{
		Keyring:    f.keyring,
		Principals: s.iam,
		Regions:    f.regions,
		Stamp:      s.store.Stamp,
		Store:      s.store,
		CarryOut: func(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error {
			return corridor.CarryOut(ctx, keySource, change)
		},
		Glance:      s.store.Glance,
		Quotas:      f.quotas.resources,
		Attestation: f.attestation,
		Proxies:     f.proxies,
		Reaches:     f.reaches,
		Clusters:    f.clusters,
		Lost:        s.incarnation.lost,
	})

	options := f.trailOptions(s.now)
	// What the trail gets before the keys have caught up with it is read again then.
	options.Observe = s.recorded
	if s.trail, err = f.openTrail(options); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the trail: %w", err), s.store.Close())
	}

	corridor = pipeline.New(pipeline.Options{
		Store:       s.store,
		Trail:       s.trail,
		Credentials: s.iam,
		Places:      s.trees,
		Sealer:      f.keyring,
		Messages:    explanation.NewMessages(f.keyring),
		Now:         s.now,
		Admit:       f.quotas.admission(),
		Report: func(requestID string, err error) {
			f.log.Error("internal failure", "request_id", requestID, "cause", err)
		},
	})
	s.pipeline = corridor

	s.proxy = xks.New(xks.Options{
		Keyring: f.keyring,
		Store:   s.store,
		CarryOut: func(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error {
			return corridor.CarryOut(ctx, proxySource, change)
		},
	})
	tokens := sts.New(sts.Options{
		Keyring: f.keyring, Roles: s.iam, Devices: s.iam, AccessKeys: s.iam, Policies: s.iam, Roots: s.iam, Signatures: newEvidence(s.iam),
		Position: func() uint64 { return s.store.Glance().Position() },
	})
	s.services = services(s.iam, s.keys, s.trees, tokens, s.proxy)
	records := trail.New(trail.Options{
		Verify: func(ctx context.Context, head []byte) (*audit.Report, error) {
			if f.verify == nil {
				return nil, fault.New(fault.UnsupportedOperation, "The trail of a development server is in memory only; there is nothing to verify.")
			}
			return s.verifyWholeTrail(ctx, head)
		},
		Read: s.trail.Read,
		Keys: f.keyring,
	})
	s.sign = f.keyring.Signer().Sign
	s.verifyTrail = func(ctx context.Context, head []byte) (*audit.Report, error) { return f.verify(ctx, options, head) }
	said := policies.New(policies.Options{Identities: s.iam, Keys: s.keys, Organizations: s.trees})
	s.operators = operators(s.iam.OperatorOperations(), s.proxy.OperatorOperations(), records.OperatorOperations(), rootkey.OperatorOperations(),
		installation.OperatorOperations(), said.OperatorOperations())
	s.rootKeys = &rootKeys{
		store: s.store, keyring: f.keyring, now: s.now, source: f.rootKey, wake: make(chan struct{}, 1),
		record: func(ctx context.Context, e *operation.Event) error {
			return corridor.CarryOut(ctx, operatorSource, func(store.Txn) (*operation.Event, error) { return e, nil })
		},
	}
	s.calls = metrics.NewCalls(s.operationNames())
	return s, nil
}

// begin makes sure that store and trail belong together, brings the trail up to
// the store, and starts what goes on by itself.
func (s *server) begin(ctx context.Context) error {
	if err := s.checkNotRolledBack(ctx); err != nil {
		return err
	}
	if err := s.store.Sound(); err != nil {
		return fmt.Errorf("%w; %s", err, lookAtRows)
	}
	if err := s.cutOff(ctx); err != nil {
		return fmt.Errorf("%w; put the right trail in place, or %s --trail-lost", err, goOn)
	}
	if err := s.pipeline.Drain(ctx); err != nil {
		return fmt.Errorf("bringing the trail up to the store: %w", err)
	}
	behind, err := lastuse.CatchUp(ctx, s.readTrail, s.keys.FollowLastUses(s.now()), s.iam.FollowLastUses())
	if err != nil {
		return err
	}
	if err := s.rootKeys.tidy(ctx); err != nil {
		s.log.Error("removing what an interrupted rotation of the root key left", "cause", err)
	}
	// Asked once before the first call, so that an idle server reads no store for it.
	if _, err := s.keys.ConnectsDue(ctx); err != nil {
		return err
	}
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.doDue(ctx)
	s.background.Go(func() { s.keepUp(background) })
	s.background.Go(func() { s.keepDates(background) })
	s.background.Go(func() { fillPools(background) })
	s.background.Go(func() { s.storeLastUses(background, behind) })
	s.background.Go(func() { s.connectStores(background) })
	s.background.Go(func() { s.settleRootKey(background) })
	s.background.Go(func() { s.watchHealth(background) })
	return nil
}

// checkNotRolledBack refuses a store that is older than the trail: its changes
// would take positions that the trail has seen, and go unrecorded. It also
// refuses one that was restored, whatever the trail knows.
func (s *server) checkNotRolledBack(ctx context.Context) error {
	return s.store.View(ctx, func(r store.Reader) error {
		switch have, recorded := r.Position(), s.trail.Outbox(); {
		case s.incarnation.Accepting != nil:
			return fmt.Errorf("the store was put back, and accepting that was interrupted: %s", goOn)
		case have < recorded:
			return fmt.Errorf("the store was rolled back: it ends at change %d, the trail has change %d; "+
				"if that is what you want, %s", have, recorded, goOn)
		case s.incarnation.Restored != nil:
			return fmt.Errorf("the store was restored from a backup, and nobody has accepted yet what is lost by that: %s", goOn)
		}
		return nil
	})
}

// goOn is what the operator is told to do with a store that was put back.
const goOn = "run claviger store accept-restore"

// lookAtRows is what the operator is told to do with a store that does not hold
// what was last written.
const lookAtRows = "see what claviger store verify says, and restore a backup, or accept what is there with claviger store accept-restore --accept-rows"

// keySource is the event source of what is done with keys.
const keySource = kms.EventSource

// proxySource is the event source of what is done with external keys.
const proxySource = "kms-xks-proxy"

// services is the list of every API that the binary offers.
func services(identities *iam.Service, keys *kms.Service, trees *organizations.Service, tokens *sts.Service, proxy *xks.Service) []gateway.Service {
	return []gateway.Service{
		{
			Name: "kms", Source: keySource, Protocol: gateway.JSON, Target: "TrentService",
			Skew: 5 * time.Minute, Internal: "KMSInternalException", Operations: keys.Operations(),
		},
		{
			Name: "iam", Source: "iam.amazonaws.com", Protocol: gateway.Query,
			Version: "2010-05-08", Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
			Skew: 15 * time.Minute, Internal: "ServiceFailure", Global: true, Operations: identities.Operations(),
		},
		{
			Name: "organizations", Source: organizations.EventSource, Protocol: gateway.JSON, Target: "AWSOrganizationsV20161128", Capital: true,
			Skew: 5 * time.Minute, Internal: "ServiceException", Global: true, Operations: trees.Operations(),
		},
		{
			Name: "sts", Source: "sts.amazonaws.com", Protocol: gateway.Query,
			Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
			Skew: 15 * time.Minute, Operations: tokens.Operations(),
		},
		{Name: "kms-xks-proxy", Source: proxySource, Protocol: gateway.XKS, Operations: proxy.Operations()},
	}
}

// operatorSource is the event source of what the operator does.
const operatorSource = "claviger"

func operators(lists ...[]operation.Operation) map[string]*pipeline.Entrance {
	entrances := make(map[string]*pipeline.Entrance)
	for _, list := range lists {
		for _, op := range list {
			entrances[op.Name] = pipeline.Open(operatorSource, op)
		}
	}
	return entrances
}

// operationNames lists all operations by their service.
func (s *server) operationNames() map[string][]string {
	names := make(map[string][]string)
	for _, a := range s.services {
		for i := range a.Operations {
			names[a.Name] = append(names[a.Name], a.Operations[i].Name)
		}
	}
	names[operatorSource] = slices.Collect(maps.Keys(s.operators))
	return names
}

// gateway returns the edge of the server, with every API.
func (s *server) gateway(c *common) *gateway.Gateway { return s.gatewayOf(c, s.services) }

// gatewayOf returns an edge of the server that serves some of its APIs.
func (s *server) gatewayOf(c *common, offered []gateway.Service) *gateway.Gateway {
	return gateway.New(s.gatewayOptions(c, offered))
}

func (s *server) gatewayOptions(c *common, offered []gateway.Service) gateway.Options {
	refusals := newSampler(s.log, "more requests refused at the door")
	return gateway.Options{
		Services:    offered,
		Pipeline:    s.pipeline,
		Credentials: s.iam,
		KeyStores:   s.proxy,
		Regions:     c.Regions,
		Region:      c.Region,
		Now:         s.now,
		FIPS:        fips140.Enabled(),
		Refused:     func(r *message.Request, id string, err error) { refusals.refused(r, id, err) },
		Meter:       s.calls,
	}
}

// keepUp drains the outbox whenever the trail has fallen behind the store,
// until it succeeds: no call is answered meanwhile.
func (s *server) keepUp(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for behind := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		behind = s.catchUp(ctx, behind)
	}
}

// catchUp drains the outbox if that is needed, and returns whether it has failed. It is
// logged where that begins and ends: a disk that is full has no room for a line each time.
func (s *server) catchUp(ctx context.Context, behind bool) bool {
	if !s.pipeline.Lagging() {
		return false
	}
	err := s.ran(taskDrain, s.pipeline.Drain(ctx))
	switch {
	case err == nil:
		s.log.Info("the trail has caught up with the store")
	case !behind && ctx.Err() == nil:
		s.log.Error("the trail is behind the store; no call is answered until it has caught up", "cause", err)
	}
	return err != nil
}

// close ends the server after the last call: what was answered is durable already.
func (s *server) close() error {
	if s.stop == nil { // it never began
		return errors.Join(s.trail.Close(), s.store.Close())
	}
	s.stop()
	s.background.Wait()
	// Of a database that is away nobody waits for the answer: the trail has the uses.
	if s.health.of(partStore) == nil {
		s.keepLastUses(context.Background())
	}
	return errors.Join(s.trail.Close(), s.store.Close())
}

// addAccount makes an account with the given root credentials.
func (s *server) addAccount(ctx context.Context, id string, c rootCredentials) error {
	_, err := s.store.Update(ctx, newOpID(), func(tx store.Txn) error {
		return s.iam.CreateAccount(ctx, tx, id, c.accessKeyID, confidential.New([]byte(strings.Clone(c.secret))), s.now())
	})
	if err != nil {
		return fmt.Errorf("making account %s: %w", id, err)
	}
	return nil
}
