package pipeline_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/principal"
)

const account = "111122223333"

// counter is a record of the service under test.
type counter struct {
	Name string
	N    int
}

var counters = &store.Table[counter]{
	Schema:  driver.Schema{Name: "test_counter", PrimaryKey: []driver.Column{{Name: "name"}}},
	Version: 1,
	Key:     func(c *counter) store.Key { return store.Key{store.S(c.Name)} },
	Account: func(*counter) string { return account },
}

type in struct {
	Name string `aws:"Name" audit:"name"`
}

func (i *in) Validate(c *check.Checks) { c.Required("name", i.Name != "") }

type out struct {
	N int `aws:"N" audit:"n"`
}

// world is a pipeline over a service with two operations.
type world struct {
	t          *testing.T
	store      *store.Store
	trail      *brittle
	pipeline   *pipeline.Pipeline
	credential *authz.Credential
	keyring    *sealed.Keyring
	inactive   atomic.Bool
	reports    atomic.Int64
	beforeRun  func() // called by Get and Add before they work
}

// brittle is a trail whose disk fails on demand.
type brittle struct {
	audit.Trail
	mu   sync.Mutex
	fail bool
	held int // reservations
	most int // that were held at the same time

	before func() // called before the record of a commit is appended; may be nil
	asked  func() // called when Drain has been told how far the trail got; may be nil
}

func (b *brittle) broken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fail
}

func (b *brittle) breakIt(fail bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = fail
}

func (b *brittle) Append(e []audit.Entry, valid func() bool) (audit.Ticket, error) {
	if b.broken() {
		return audit.Ticket{}, audit.ErrUnavailable
	}
	return b.Trail.Append(e, valid)
}

func (b *brittle) AppendOutbox(position uint64, e []audit.Entry) (audit.Ticket, error) {
	if b.broken() {
		return audit.Ticket{}, audit.ErrUnavailable
	}
	if b.before != nil {
		b.before()
	}
	return b.Trail.AppendOutbox(position, e)
}

func (b *brittle) Outbox() uint64 {
	reached := b.Trail.Outbox()
	if b.asked != nil {
		b.asked()
	}
	return reached
}

func (b *brittle) Reserve(n int) (release func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held++
	b.most = max(b.most, b.held)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.held--
	}, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, drivertest.Open(t))
}

func newWorldOn(t *testing.T, d driver.Driver) *world {
	t.Helper()
	w := &world{t: t, beforeRun: func() {}}
	key, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	keyring, _, err := sealed.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	w.keyring = keyring
	w.store, err = store.Open(t.Context(), d, store.Options{
		Tables: []store.AnyTable{counters}, Sealer: keyring,
		Committed: func(c store.Commit) { w.pipeline.Committed(c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.trail = &brittle{Trail: audit.NewRing(1000)}
	t.Cleanup(func() { _ = w.trail.Close() })
	allow, err := policy.Compile(policy.Identity, "all", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"test:*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	me := principal.Principal{Kind: principal.User, Partition: "aws", Account: account, ARN: "arn:aws:iam::" + account + ":user/me", ID: "AIDAME", Name: "me", AccessKeyID: "AKIAME"}
	w.credential = &authz.Credential{AccessKeyID: "AKIAME", Caller: &authz.Caller{
		Principal: me,
		Policy:    policy.Caller{Kind: me.Kind, Partition: "aws", Account: account, ARN: me.ARN, ID: me.ID},
		Identity:  []*policy.Policy{allow},
	}}
	w.pipeline = pipeline.New(pipeline.Options{
		Store: w.store, Trail: w.trail, Credentials: w, Sealer: keyring, Now: time.Now,
		Messages: explanation.NewMessages(keyring),
		Report:   func(string, error) { w.reports.Add(1) },
	})
	return w
}

func (w *world) trailOptions() audit.Options {
	return audit.Options{
		Origin: w.keyring.Installation(), Signer: w.keyring.Signer(), Now: time.Now,
		Cipher: func(salt []byte) audit.Cipher { return w.keyring.Cipher(salt) },
	}
}

// orphan commits a record for which nobody waits, and returns the commit's position.
func (w *world) orphan(name string) (position uint64, err error) {
	commit, err := w.store.Update(w.t.Context(), ident.Bytes(), func(tx store.Txn) error {
		tx.Emit(audit.EncodeEntries([]audit.Entry{{Account: account, Time: time.Now(), Record: []byte(`{"eventName":"` + name + `"}`)}}))
		return nil
	})
	return commit.Position, err
}

// openLog replaces the trail in memory, before the first call, by one in dir, which
// asks for the time before each write.
func (w *world) openLog(dir string, now func() time.Time) {
	w.t.Helper()
	o := w.trailOptions()
	o.Dir, o.SegmentBytes, o.Now = dir, 1<<20, now
	log, err := audit.Open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = log.Close() })
	w.trail.Trail = log
}

// Credential lends the one credential of the world while it is active.
func (w *world) Credential(_ context.Context, id, token string) (*authz.Credential, error) {
	if w.inactive.Load() || id != w.credential.AccessKeyID || token != w.credential.Token {
		return nil, fault.New(fault.UnrecognizedClient, "inactive")
	}
	return w.credential, nil
}

func asks(action string) func(*operation.Call, *in, struct{}, []authz.Ask) []authz.Ask {
	return func(_ *operation.Call, _ *in, _ struct{}, a []authz.Ask) []authz.Ask {
		return append(a, authz.Ask{Action: action, Resource: "*", Account: account, Rule: policy.IdentityOnly})
	}
}

func read(c *operation.Call, name string) (*counter, store.Rev, store.Reader, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, 0, nil, err
	}
	found, rev, err := counters.Get(c.Context, r, store.Key{store.S(name)})
	if errors.Is(err, store.ErrNotFound) {
		return &counter{Name: name}, 0, r, nil
	}
	return found, rev, r, err
}

// get reads a counter and rests on it.
func (w *world) get() operation.Operation {
	return operation.Use[in, out, struct{}, *in]{
		Name: "Get", Actions: []string{"test:Get"}, Asks: asks("test:Get"),
		Run: func(c *operation.Call, i *in, _ struct{}) (*out, error) {
			found, _, r, err := read(c, i.Name)
			if err != nil {
				return nil, err
			}
			c.RestOn(w.store.Stamp(r, "counter:"+i.Name))
			w.beforeRun()
			return &out{found.N}, nil
		},
	}.Operation()
}

// add counts one up.
func (w *world) add() operation.Operation {
	return operation.Change[in, out, struct{}, *in]{
		Name: "Add", Actions: []string{"test:Add"}, Asks: asks("test:Add"),
		Run: func(c *operation.Call, tx store.Txn, i *in, _ struct{}) (*out, error) {
			found, rev, _, err := read(c, i.Name)
			if err != nil {
				return nil, err
			}
			w.beforeRun()
			found.N++
			tx.Touch("counter:" + i.Name)
			if rev == 0 {
				return &out{found.N}, counters.Insert(c.Context, tx, found)
			}
			return &out{found.N}, counters.Put(c.Context, tx, found, rev)
		},
	}.Operation()
}

func (w *world) do(op operation.Operation, name string) (int, error) {
	return w.doAs(w.credential, op, name)
}

func (w *world) doAs(who *authz.Credential, op operation.Operation, name string) (int, error) {
	result, err := w.pipeline.Do(w.t.Context(), w.request(who, op, name))
	if err != nil {
		return 0, err
	}
	return result.(*out).N, nil
}

func (w *world) request(who *authz.Credential, op operation.Operation, name string) *pipeline.Request {
	return &pipeline.Request{
		Entrance: pipeline.Open("test.amazonaws.com", op), Credential: who,
		Facts: authz.Facts{Region: "us-east-1"}, ID: ident.UUID(), Partition: "aws",
		Decode: func(to any) error {
			to.(*in).Name = name
			return nil
		},
		Spell: func(c fault.Code) string { return string(c) },
	}
}

// records returns "operation code" of every record.
func (w *world) records() []string {
	w.t.Helper()
	var list []string
	err := w.trail.Read(w.t.Context(), 1, func(_ uint64, e audit.Entry) error {
		text := string(e.Record)
		list = append(list, strings.TrimSpace(field(text, "eventName")+" "+field(text, "errorCode")))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func field(record, name string) string {
	_, rest, found := strings.Cut(record, `"`+name+`":"`)
	if !found {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func (w *world) want(records ...string) {
	w.t.Helper()
	if got := w.records(); strings.Join(got, ", ") != strings.Join(records, ", ") {
		w.t.Errorf("the trail has %q, want %q", got, records)
	}
}

func TestCallsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if n, err := w.do(w.add(), "a"); n != 1 || err != nil {
		t.Fatalf("Add: %d, %v", n, err)
	}
	if n, err := w.do(w.get(), "a"); n != 1 || err != nil {
		t.Fatalf("Get: %d, %v", n, err)
	}
	if _, err := w.do(w.get(), ""); !fault.Is(err, fault.Validation) {
		t.Errorf("Get of nothing: %v", err)
	}
	w.want("Add", "Get", "Get Validation")
}

// TestUseIsDecidedAgain: a premise that ends before the record takes its number
// sends the call through the corridor again, and only the last walk is recorded.
func TestUseIsDecidedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var walks int
	w.beforeRun = func() {
		if walks++; walks <= 2 {
			w.beforeRun = func() {}
			if _, err := w.do(w.add(), "a"); err != nil {
				t.Error(err)
			}
			w.beforeRun = func() { walks++ }
		}
	}
	n, err := w.do(w.get(), "a")
	if n != 1 || err != nil || walks != 2 {
		t.Errorf("Get answers %d, %v after %d walks; want 1 after 2", n, err, walks)
	}
	w.want("Add", "Get")
}

// TestRevocationIsInForce: a caller that is shut out while its call is on its
// way is refused, for a Use and for a Change.
func TestRevocationIsInForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.store.View(t.Context(), func(r store.Reader) error {
		w.credential.Caller.Stamps = []store.Stamp{w.store.Stamp(r, "me")}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.beforeRun = func() {
		w.inactive.Store(true)
		if _, err := w.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error { tx.Touch("me"); return nil }); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.do(w.get(), "a"); !fault.Is(err, fault.UnrecognizedClient) {
		t.Errorf("Get: %v", err)
	}
	if _, err := w.do(w.add(), "a"); !fault.Is(err, fault.UnrecognizedClient) {
		t.Errorf("Add: %v", err)
	}
	w.want("Get UnrecognizedClient", "Add UnrecognizedClient")
}

// TestNothingIsAnsweredWithoutTheTrail: a Use whose record can't be appended is
// not answered, and neither is its refusal.
func TestNothingIsAnsweredWithoutTheTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.trail.breakIt(true)
	if _, err := w.do(w.get(), "a"); !fault.Is(err, fault.InternalFailure) {
		t.Errorf("Get: %v", err)
	}
	if _, err := w.do(w.get(), ""); !fault.Is(err, fault.InternalFailure) {
		t.Errorf("a refusal: %v", err)
	}
	w.trail.breakIt(false)
	if _, err := w.do(w.get(), "a"); err != nil {
		t.Errorf("Get afterwards: %v", err)
	}
	w.want("Get")
}

// TestLag: a change that was committed and could not be recorded is answered as
// an internal failure; nothing is answered until Drain has recorded it, once.
func TestLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.beforeRun = func() { w.trail.breakIt(true) } // after the reservation, before the commit
	if _, err := w.do(w.add(), "a"); !fault.Is(err, fault.InternalFailure) {
		t.Fatalf("Add: %v", err)
	}
	w.beforeRun = func() {}
	if !w.pipeline.Lagging() {
		t.Fatal("the trail lacks a change, and the pipeline does not say so")
	}
	if err := w.pipeline.Drain(t.Context()); err == nil {
		t.Fatal("drained into a broken trail")
	}
	w.trail.breakIt(false)
	if _, err := w.do(w.get(), "a"); !fault.Is(err, fault.InternalFailure) {
		t.Errorf("a call was answered while the trail lacks a change: %v", err)
	}
	for range 2 {
		if err := w.pipeline.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.do(w.get(), "a"); n != 1 || err != nil {
		t.Errorf("Get after Drain: %d, %v", n, err)
	}
	w.want("Add", "Get")
}

// TestConcurrentChanges: every change has its effect and its record once.
func TestConcurrentChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				if _, err := w.do(w.add(), "a"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n, err := w.do(w.get(), "a"); n != 80 || err != nil {
		t.Errorf("80 changes counted to %d (%v)", n, err)
	}
	if n := len(w.records()); n != 81 {
		t.Errorf("81 calls left %d records", n)
	}
}

// TestWhatHappensInACall: what a change brings about beside its answer has a
// record of its own, once, however often the change was tried, and none where
// it failed.
func TestWhatHappensInACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failure := errors.New("no")
	tries := 0
	op := operation.Change[in, out, struct{}, *in]{
		Name: "Turn", Actions: []string{"test:Turn"}, Asks: asks("test:Turn"),
		Run: func(c *operation.Call, _ store.Txn, i *in, _ struct{}) (*out, error) {
			c.Happened(&operation.Event{Name: "Turned", Account: account})
			if tries++; tries == 1 {
				return nil, store.ErrConflict
			}
			if i.Name == "b" {
				return nil, failure
			}
			return &out{1}, nil
		},
	}.Operation()
	if _, err := w.do(op, "a"); err != nil || tries != 2 {
		t.Fatalf("after %d tries: %v", tries, err)
	}
	if _, err := w.do(op, "b"); err == nil {
		t.Error("the second did not fail")
	}
	w.want("Turn", "Turned", "Turn InternalFailure")
}

// TestCrowdOfChanges: of many changes at the same time so many as have room
// in the trail are on their way, the others wait, and none is refused.
func TestCrowdOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begun, goOn := make(chan struct{}, 10*pipeline.ChangesMax), make(chan struct{})
	w.beforeRun = func() {
		begun <- struct{}{}
		<-goOn
	}
	var group sync.WaitGroup
	for i := range 4 * pipeline.ChangesMax {
		group.Go(func() {
			if _, err := w.do(w.add(), "counter"+strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		})
	}
	for range pipeline.ChangesMax {
		<-begun
	}
	close(goOn)
	group.Wait()
	if w.trail.most != pipeline.ChangesMax {
		t.Errorf("%d changes were on their way at the same time, want %d", w.trail.most, pipeline.ChangesMax)
	}
	if n := len(w.records()); n != 4*pipeline.ChangesMax {
		t.Errorf("%d records of %d changes", n, 4*pipeline.ChangesMax)
	}
}

// TestPanic: a bug in an operation is answered, recorded and reported, and
// tells the caller nothing.
func TestPanic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.beforeRun = func() { panic("inner workings") }
	for _, op := range []operation.Operation{w.get(), w.add()} {
		if _, err := w.do(op, "a"); !fault.Is(err, fault.InternalFailure) || strings.Contains(err.Error(), "inner") {
			t.Errorf("%s: %v", op.Name, err)
		}
	}
	if n := w.reports.Load(); n != 2 {
		t.Errorf("%d reports, want 2", n)
	}
	w.beforeRun = func() {}
	if _, err := w.do(w.add(), "a"); err != nil {
		t.Errorf("Add afterwards: %v", err)
	}
	w.want("Get InternalFailure", "Add InternalFailure", "Add")
}

// TestMustAsk: an operation that asks nothing is refused unless it is declared so.
func TestMustAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	silent := operation.Use[in, out, struct{}, *in]{
		Name: "Silent", Actions: []string{"test:Silent"},
		Asks: func(_ *operation.Call, _ *in, _ struct{}, a []authz.Ask) []authz.Ask { return a },
		Run:  func(*operation.Call, *in, struct{}) (*out, error) { return &out{1}, nil },
	}
	if _, err := w.do(silent.Operation(), "a"); !fault.Is(err, fault.InternalFailure) {
		t.Errorf("an operation that asks nothing: %v", err)
	}
	silent.Asks, silent.Actions, silent.AsksNothing = nil, nil, true
	if _, err := w.do(silent.Operation(), "a"); err != nil {
		t.Errorf("an operation declared to ask nothing: %v", err)
	}
}

// TestOperators: what is the operator's is nobody else's, whatever policies
// say, and the operator may do nothing else.
func TestOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator := &authz.Credential{Caller: &authz.Caller{Principal: principal.Principal{Kind: principal.Operator, ID: "operator", ARN: "operator"}}}
	get := func(action string) operation.Operation {
		return operation.Use[in, out, struct{}, *in]{
			Name: "Get", Actions: []string{action}, Asks: asks(action),
			Run: func(*operation.Call, *in, struct{}) (*out, error) { return &out{1}, nil },
		}.Operation()
	}
	all, err := policy.Compile(policy.Identity, "all", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.credential.Caller.Identity = []*policy.Policy{all}
	for _, test := range []struct {
		who     *authz.Credential
		action  string
		allowed bool
	}{
		{w.credential, "claviger:CreateAccount", false},
		{w.credential, "test:Get", true},
		{operator, "claviger:CreateAccount", true},
		{operator, "test:Get", false},
	} {
		_, err := w.doAs(test.who, get(test.action), "a")
		if (err == nil) != test.allowed || err != nil && !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s asking %s: %v", test.who.Caller.Principal.ARN, test.action, err)
		}
	}
}
