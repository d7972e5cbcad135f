package kms

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/memory"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// A shelf is a key that lets nobody in but by grants.
type shelf struct {
	t       testing.TB
	service *Service
	store   *store.Store
	reads   *readCounter
	keyring *sealed.Keyring
	region  string
	keyID   string
}

const (
	shelfOwner    = "111122223333"
	shelfStranger = "444455556666"
)

// readCounter counts the rows that are looked up.
type readCounter struct {
	driver.Driver
	gets atomic.Int64
}

func (d *readCounter) Snapshot(ctx context.Context) (driver.Snapshot, error) {
	s, err := d.Driver.Snapshot(ctx)
	return &countedSnapshot{s, &d.gets}, err
}

// Glance counts one look-up, whether the driver has a short way to it or not.
func (d *readCounter) Glance(ctx context.Context, table *driver.Schema, key driver.Key) (driver.Row, error) {
	if g, ok := d.Driver.(driver.Glancer); ok {
		d.gets.Add(1)
		return g.Glance(ctx, table, key)
	}
	s, err := d.Snapshot(ctx)
	if err != nil {
		return driver.Row{}, err
	}
	defer s.Close()
	return s.Get(ctx, table, key)
}

type countedSnapshot struct {
	driver.Snapshot
	gets *atomic.Int64
}

func (s *countedSnapshot) Get(ctx context.Context, table *driver.Schema, key driver.Key) (driver.Row, error) {
	s.gets.Add(1)
	return s.Snapshot.Get(ctx, table, key)
}

func newShelf(t testing.TB, d driver.Driver, cached int) *shelf {
	t.Helper()
	rootKey, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	ring, _, err := sealed.Create(rootKey)
	if err != nil {
		t.Fatal(err)
	}
	reads := &readCounter{Driver: d}
	st, err := store.Open(t.Context(), reads, store.Options{Tables: Tables(), Sealer: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	s := &shelf{
		t: t, store: st, reads: reads, keyring: ring, region: "eu-west-1", keyID: ident.UUID(),
		service: New(Options{Keyring: ring, Stamp: st.Stamp, Glance: st.Glance, CachedKeys: 10, CachedGrants: cached}),
	}
	s.update(func(tx store.Txn) error {
		rec := &keyRecord{
			Region: s.region, ID: s.keyID, Account: shelfOwner, Partition: "aws", Created: time.Unix(1, 0).UTC(),
			Spec: symmetricDefault, Usage: usageEncryptDecrypt, Origin: originKMS, State: stateEnabled, Manager: managerCustomer,
		}
		closed := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"kms:*","Resource":"*"}]}`
		if err := policyTable.Insert(t.Context(), tx, &policyRecord{Region: s.region, KeyID: s.keyID, Account: shelfOwner, Text: closed}); err != nil {
			return err
		}
		return keyTable.Insert(t.Context(), tx, rec)
	})
	return s
}

func (s *shelf) update(fn func(tx store.Txn) error) {
	s.t.Helper()
	if _, err := s.store.Update(s.t.Context(), ident.Bytes(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// grant completes g and stores it.
func (s *shelf) grant(ctx context.Context, tx store.Txn, g *grantRecord) error {
	k, err := s.service.readKey(ctx, tx, s.region, s.keyID)
	if err != nil {
		return err
	}
	return s.grantOn(ctx, tx, k, g)
}

func (s *shelf) grantOn(ctx context.Context, tx store.Txn, k *Key, g *grantRecord) error {
	var random [32]byte
	_, _ = rand.Read(random[:])
	g.Region, g.KeyID, g.Account, g.ID, g.Created = s.region, s.keyID, shelfOwner, grantID(random), time.Unix(2, 0).UTC()
	if g.Issuer == "" {
		g.Issuer = shelfOwner
	}
	return s.service.putGrant(ctx, tx, k, g)
}

// put stores a grant in a transaction of its own.
func (s *shelf) put(g *grantRecord) {
	s.t.Helper()
	s.update(func(tx store.Txn) error { return s.grant(s.t.Context(), tx, g) })
}

// drop deletes a grant.
func (s *shelf) drop(g *grantRecord) {
	s.t.Helper()
	s.update(func(tx store.Txn) error {
		rec, rev, err := readGrant(s.t.Context(), tx, g.Region, g.KeyID, g.ID)
		if err != nil {
			return err
		}
		return s.service.deleteGrant(s.t.Context(), tx, rec, rev)
	})
}

// A wish is what a caller wants of the key.
type wish struct {
	caller  *authz.Caller
	need    operationSet
	context pairs.Map
	child   *constraint
	source  string
}

// question puts w into a call. done closes what the call has read.
func (s *shelf) question(w wish) (c *operation.Call, ask *authz.Ask, done func()) {
	s.t.Helper()
	c = &operation.Call{Context: s.t.Context(), Region: s.region, Partition: "aws", Caller: w.caller, Facts: &authz.Facts{SourceARN: w.source}}
	var snapshot store.Snapshot
	c.Begin(func() (store.Reader, error) {
		if snapshot == nil {
			var err error
			if snapshot, err = s.store.Snapshot(s.t.Context()); err != nil {
				return nil, err
			}
		}
		return snapshot, nil
	})
	var key *Key
	if err := s.store.View(s.t.Context(), func(r store.Reader) (err error) {
		key, err = s.service.readKey(s.t.Context(), r, s.region, s.keyID)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	ask = &authz.Ask{
		Action: "kms:Something", Resource: key.ARN, Account: shelfOwner, Rule: policy.ExplicitTrust, CrossAccount: true, Policy: key.policy,
		Grants: &grantSearch{s: s.service, c: c, key: key, need: w.need, context: w.context, child: w.child},
	}
	return c, ask, func() {
		if snapshot != nil {
			_ = snapshot.Close()
		}
	}
}

// allowed asks the index, and counts the rows that it looked up.
func (s *shelf) allowed(w wish) (yes bool, gets int64) {
	s.t.Helper()
	c, ask, done := s.question(w)
	defer done()
	var judge authz.Judge
	before := s.reads.gets.Load()
	err := judge.Allow(c.Facts, c.Caller, ask)
	gets = s.reads.gets.Load() - before
	if err != nil && !fault.Is(err, fault.AccessDenied) {
		s.t.Fatal(err)
	}
	return err == nil, gets
}

// people who may be grantees, with and without rights of their own.
func people(t testing.TB) []*authz.Caller {
	identity, err := policy.Compile(policy.Identity, "all", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	boundary, err := policy.Compile(policy.Identity, "none", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []*authz.Caller
	for _, account := range []string{shelfOwner, shelfStranger} {
		user := principal.Principal{Kind: principal.User, Partition: "aws", Account: account, ARN: "arn:aws:iam::" + account + ":user/ann", ID: "AIDA" + account, Name: "ann"}
		session := func(name string) principal.Principal {
			return principal.Principal{
				Kind: principal.RoleSession, Partition: "aws", Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/R/" + name,
				ID: "AROA" + account + ":" + name, IssuerID: "AROA" + account, IssuerARN: "arn:aws:iam::" + account + ":role/R",
			}
		}
		machine := principal.Principal{
			Kind: principal.RoleSession, Partition: "aws", Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/aws:ec2-infrastructure/i-1",
			ID: account + ":aws:ec2-infrastructure:i-1", IssuerID: account + ":aws:ec2-infrastructure", IssuerARN: "arn:aws:iam::" + account + ":role/aws:ec2-infrastructure",
		}
		root := principal.Principal{Kind: principal.Root, Partition: "aws", Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
		for _, p := range []principal.Principal{user, session("one"), session("two"), machine, root} {
			id := p.ID
			if p.Kind == principal.RoleSession {
				id = p.IssuerID
			}
			caller := authz.Caller{Principal: p, Policy: policy.Caller{Kind: p.Kind, Partition: "aws", Account: account, ARN: p.ARN, IssuerARN: p.IssuerARN, ID: id}}
			plain, trusted, bounded := caller, caller, caller
			trusted.Identity = []*policy.Policy{identity}
			bounded.Boundary = []*policy.Policy{boundary}
			list = append(list, &plain, &trusted, &bounded)
		}
	}
	service := principal.Principal{Kind: principal.Service, Partition: "aws", ARN: "rds.amazonaws.com", Name: "rds.amazonaws.com"}
	return append(list, &authz.Caller{Principal: service, Policy: policy.Caller{Kind: principal.Service, Partition: "aws", Services: []string{"rds.amazonaws.com"}}})
}

// TestIndexAgreesWithAScan: whatever grants come and go, the index answers what
// reading every grant answers.
func TestIndexAgreesWithAScan(t *testing.T) {
	t.Parallel()
	callers := people(t)
	questions, yes := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := newShelf(t, memory.New(), rapid.SampledFrom([]int{1, 3, 1000}).Draw(rt, "cached"))
		var live []*grantRecord
		steps := rapid.IntRange(1, 25).Draw(rt, "steps")
		for range steps {
			if len(live) > 0 && rapid.IntRange(0, 3).Draw(rt, "drop") == 0 {
				i := rapid.IntRange(0, len(live)-1).Draw(rt, "which")
				s.drop(live[i])
				live = slices.Delete(live, i, i+1)
			} else {
				g := drawGrant(rt, callers)
				s.put(g)
				live = append(live, g)
			}
			for range 4 {
				w := drawWish(rt, callers, live)
				got, _ := s.allowed(w)
				want := byScan(s, w, live)
				questions++
				if want {
					yes++
				}
				if got != want {
					rt.Fatalf("%s wants %v with %v from %q, child %v: the index says %t; grants:\n%s",
						w.caller.Principal.ARN, w.need.names(), w.context, w.source, w.child, got, describe(live))
				}
			}
		}
	})
	if questions < 1000 || yes < questions/20 || yes > questions*19/20 {
		t.Errorf("%d of %d questions were answered with yes", yes, questions)
	}
}

func describe(grants []*grantRecord) string {
	var b strings.Builder
	for _, g := range grants {
		fmt.Fprintf(&b, "%v may %v under %+v, issued by %s\n", g.Grantee.Bound, g.Operations.names(), g.Constraint, g.Issuer)
	}
	return b.String()
}

var (
	drawnNames   = []string{"a", "A", "b", "c"}
	drawnSources = []string{"", "", "", "arn:aws:rds:eu-west-1:111122223333:db:x", "arn:aws:rds:eu-west-1:111122223333:db:y"}
	drawnNeeds   = []string{"Decrypt", "Encrypt", "DescribeKey", "CreateGrant", "GetPublicKey"}
)

func drawContext(rt *rapid.T, label string) pairs.Map {
	m := make(map[string]string)
	for range rapid.IntRange(0, 3).Draw(rt, label) {
		m[rapid.SampledFrom(drawnNames).Draw(rt, "name")] = rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "value")
	}
	return pairs.Of(m)
}

func drawConstraint(rt *rapid.T) constraint {
	k := constraint{SourceARN: rapid.SampledFrom(drawnSources).Draw(rt, "source")}
	context := drawContext(rt, "pairs")
	if _, whole := foldContext(context); len(context) > 0 && whole {
		k.Kind, k.Pairs = rapid.SampledFrom([]constraintKind{equalContext, subsetContext}).Draw(rt, "kind"), context
	}
	return k
}

func drawGrant(rt *rapid.T, callers []*authz.Caller) *grantRecord {
	var room [facesMax]face
	fs := faces(room[:0], rapid.SampledFrom(callers).Draw(rt, "grantee"))
	return &grantRecord{
		Issuer:     rapid.SampledFrom([]string{shelfOwner, shelfStranger}).Draw(rt, "issuer"),
		Grantee:    party{Bound: rapid.SampledFrom(fs).Draw(rt, "face").grantee},
		Operations: setOf(rapid.SliceOfNDistinct(rapid.SampledFrom(drawnNeeds), 1, 4, rapid.ID).Draw(rt, "operations")...),
		Constraint: drawConstraint(rt),
	}
}

// drawWish draws a question, mostly one that comes near to a live grant.
func drawWish(rt *rapid.T, callers []*authz.Caller, live []*grantRecord) wish {
	w := wish{
		caller:  rapid.SampledFrom(callers).Draw(rt, "caller"),
		need:    setOf(rapid.SampledFrom(drawnNeeds).Draw(rt, "need")),
		context: drawContext(rt, "context"),
		source:  rapid.SampledFrom(drawnSources).Draw(rt, "from"),
	}
	if len(live) > 0 && rapid.Bool().Draw(rt, "near") {
		g := rapid.SampledFrom(live).Draw(rt, "grant")
		near := slices.DeleteFunc(slices.Clone(callers), func(c *authz.Caller) bool { return gradeOf(g.Grantee.Bound, c) == policy.None })
		w.caller = rapid.SampledFrom(near).Draw(rt, "its caller")
		w.need = setOf(rapid.SampledFrom(g.Operations.names()).Draw(rt, "its operation"))
		w.context, w.source = g.Constraint.Pairs, g.Constraint.SourceARN
		if rapid.Bool().Draw(rt, "more") {
			w.context = w.context.With("c", "1")
		}
	}
	if w.need == createsGrants {
		w.need |= setOf(rapid.SampledFrom(drawnNeeds).Draw(rt, "passes on"))
		child := drawConstraint(rt)
		if rapid.Bool().Draw(rt, "near child") {
			if _, whole := foldContext(w.context); whole {
				child = constraint{SourceARN: w.source}
				if len(w.context) > 0 {
					child.Kind, child.Pairs = rapid.SampledFrom([]constraintKind{equalContext, subsetContext}).Draw(rt, "child kind"), w.context
				}
			}
		}
		w.child = &child
	}
	return w
}

// byScan answers w from the list of all grants, in the words of the specification.
func byScan(s *shelf, w wish, live []*grantRecord) bool {
	_, ask, done := s.question(w)
	defer done()
	var judge authz.Judge
	for _, g := range live {
		grade := gradeOf(g.Grantee.Bound, w.caller)
		if grade == policy.None || !g.Operations.has(w.need) {
			continue
		}
		var covered bool
		switch {
		case w.child != nil:
			covered = asStrict(&g.Constraint, w.child) && fromSource(&g.Constraint, w.source)
		case w.need&heedless != 0:
			covered = w.source == "" || fromSource(&g.Constraint, w.source)
		default:
			covered = within(&g.Constraint, w.context) && fromSource(&g.Constraint, w.source)
		}
		if !covered {
			continue
		}
		ask.Grants = one{grade, g.Issuer}
		if judge.Allow(&authz.Facts{SourceARN: w.source}, w.caller, ask) == nil {
			return true
		}
	}
	return false
}

// one is a single grant.
type one struct {
	grade  policy.Grade
	issuer string
}

func (o one) Find(j *authz.Judge) (bool, error) { return j.Admits(o.grade, o.issuer), nil }

func fromSource(k *constraint, source string) bool { return k.SourceARN == "" || k.SourceARN == source }

// within is the rule for contexts, pair by pair: each pair of the constraint must
// be there, by a name that folds to its own and is the only one that does.
func within(k *constraint, context pairs.Map) bool {
	for _, want := range k.Pairs {
		matching := 0
		for _, have := range context {
			if strings.EqualFold(have.Key, want.Key) {
				if have.Value != want.Value {
					return false
				}
				matching++
			}
		}
		if matching != 1 {
			return false
		}
	}
	return k.Kind != equalContext || len(context) == len(k.Pairs)
}

// asStrict is the table of parents and children.
func asStrict(parent, child *constraint) bool {
	if parent.SourceARN != "" && parent.SourceARN != child.SourceARN {
		return false
	}
	switch parent.Kind {
	case equalContext:
		return child.Kind == equalContext && within(parent, child.Pairs)
	case subsetContext:
		return child.Kind != anyContext && within(parent, child.Pairs)
	}
	return true
}
