package iam_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

const (
	account = "111122223333"
	other   = "444455556666"

	rootKeyID  = "AKIAROOTROOTROOTROOT"
	otherKeyID = "AKIAOTHEROTHEROTHERO"
	rootSecret = "root-secret"
)

// start is the time of the first calls.
var start = time.Date(2026, 3, 4, 5, 6, 7, 890, time.UTC)

// A world is a store with two accounts, the service over it, and a corridor as
// short as can be.
type world struct {
	t      testing.TB
	store  *store.Store
	iam    *iam.Service
	tokens *session.Tokens // as STS has them
	ops    map[string]operation.Operation
	later  time.Duration // how long after start calls are made

	meanwhile func() // what happens while the next call has work done apart
}

func newWorld(t testing.TB) *world { return worldWith(t, iam.Options{}) }

func worldWith(t testing.TB, o iam.Options) *world { return worldOn(t, o, nil) }

// worldOn is a world whose store is read through d, if it is not nil.
func worldOn(t testing.TB, o iam.Options, d *countingDriver) *world {
	t.Helper()
	var under driver.Driver = drivertest.Open(t)
	if d != nil {
		d.Driver, under = cmp.Or(d.Driver, under), d
	}
	root, err := sealed.NewRootKey(confidential.New(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if o.Keyring, _, err = sealed.Create(root); err != nil {
		t.Fatal(err)
	}
	o.Store, err = store.Open(t.Context(), under, store.Options{Tables: iam.Tables(), Sealer: o.Keyring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	if o.Now == nil {
		o.Now = func() time.Time { return start }
	}
	w := &world{t: t, store: o.Store, iam: iam.New(o), tokens: session.NewTokens(o.Keyring), ops: make(map[string]operation.Operation)}
	for _, op := range append(w.iam.Operations(), w.iam.OperatorOperations()...) {
		w.ops[op.Name] = op
	}
	w.update(func(tx store.Txn) error {
		return errors.Join(
			w.iam.CreateAccount(t.Context(), tx, account, rootKeyID, text(rootSecret), start),
			w.iam.CreateAccount(t.Context(), tx, other, otherKeyID, text(rootSecret), start))
	})
	return w
}

func text(s string) confidential.Bytes { return confidential.New([]byte(s)) }

func some(s string) optional.Of[string] { return optional.Some(s) }

// update changes the store behind the service's back.
func (w *world) update(fn func(store.Txn) error) {
	w.t.Helper()
	if _, err := w.store.Update(context.Background(), opID(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func opID() (id store.OpID) {
	_, _ = rand.Read(id[:])
	return id
}

// An actor makes calls: one that signs with an access key, or one that is
// given as it is.
type actor struct {
	w      *world
	keyID  string
	caller *authz.Caller

	mu   sync.Mutex
	asks []authz.Ask // of the last call
}

func (w *world) as(keyID string) *actor { return &actor{w: w, keyID: keyID} }

func (w *world) root() *actor { return w.as(rootKeyID) }

func (w *world) otherRoot() *actor { return w.as(otherKeyID) }

// call walks an operation: credential, validation, decision, work.
func (a *actor) call(name string, in any) (any, error) {
	op, ok := a.w.ops[name]
	if !ok {
		a.w.t.Fatalf("no operation %s", name)
	}
	if err := op.Validate(in); err != nil {
		return nil, err
	}
	ctx, now := context.Background(), start.Add(a.w.later)
	c := &operation.Call{
		Context:   ctx,
		Time:      now,
		Region:    "us-east-1",
		Partition: "aws",
		Facts:     &authz.Facts{Time: now, Region: "us-east-1", Source: netip.MustParseAddr("192.0.2.1"), Secure: true},
	}
	if !op.Writes {
		snapshot, err := a.w.store.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		defer snapshot.Close()
		return a.walk(&op, c, snapshot, nil, in)
	}
	out, err := a.change(&op, c, in)
	if errors.Is(err, operation.ErrApart) {
		if err := c.Make(); err != nil {
			return nil, err
		}
		if a.w.meanwhile != nil {
			a.w.meanwhile()
		}
		out, err = a.change(&op, c, in)
	}
	return out, err
}

func (a *actor) change(op *operation.Operation, c *operation.Call, in any) (out any, err error) {
	_, err = a.w.store.Update(c.Context, opID(), func(tx store.Txn) error {
		if out, err = a.walk(op, c, tx, tx, in); err != nil {
			return err
		}
		if !c.Current() {
			return store.ErrConflict
		}
		return nil
	})
	return out, err
}

func (a *actor) walk(op *operation.Operation, c *operation.Call, r store.Reader, tx store.Txn, in any) (any, error) {
	c.Caller = a.caller
	if c.Caller == nil {
		credential, err := a.w.iam.Credential(c.Context, a.keyID, "")
		if err != nil {
			return nil, err
		}
		c.Caller = credential.Caller
	}
	if c.Caller.Principal.Kind == principal.Service {
		c.Facts.SourceAccount = account // services name whom they like
	}
	c.Begin(func() (store.Reader, error) { return r, nil })
	var judge authz.Judge
	return op.Walk(c, tx, in, func(asks []authz.Ask) error {
		a.mu.Lock()
		a.asks = append(a.asks[:0], asks...)
		a.mu.Unlock()
		if len(asks) == 0 {
			return errors.New("the operation asks nothing")
		}
		for i := range asks {
			if strings.HasPrefix(asks[i].Action, "claviger:") && c.Caller.Principal.Kind == principal.Operator {
				continue
			}
			if err := judge.Allow(c.Facts, c.Caller, &asks[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// do makes a call that must succeed.
func do[Out any](t testing.TB, a *actor, name string, in any) *Out {
	t.Helper()
	out, err := a.call(name, in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out.(*Out)
}

// refuse makes a call that must be refused with a code and a text.
func refuse(t testing.TB, a *actor, name string, in any, code fault.Code, message string) {
	t.Helper()
	_, err := a.call(name, in)
	checkFault(t, name, err, code, message)
}

func checkFault(t testing.TB, what string, err error, code fault.Code, message string) {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Errorf("%s: got error %v, want fault %s: %s", what, err, code, message)
		return
	}
	if f.Code != code || f.Message != message {
		t.Errorf("%s:\ngot  %s: %s\nwant %s: %s", what, f.Code, f.Message, code, message)
	}
}

// createUser makes a user of the first account.
func (w *world) createUser(name string) iam.User {
	w.t.Helper()
	return do[iam.CreateUserOutput](w.t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some(name)}).User
}

// createKey makes an access key of a user of the first account.
func (w *world) createKey(name string) iam.AccessKey {
	w.t.Helper()
	return do[iam.CreateAccessKeyOutput](w.t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: some(name)}).AccessKey
}

// put gives a user of the first account an inline policy.
func (w *world) put(name, policyName, document string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "PutUserPolicy", &iam.PutUserPolicyInput{
		UserName: some(name), PolicyName: some(policyName), PolicyDocument: some(document),
	})
}

// actorNamed makes a user with an access key and, unless document is empty, a policy.
func (w *world) actorNamed(name, document string) *actor {
	w.t.Helper()
	w.createUser(name)
	if document != "" {
		w.put(name, "test", document)
	}
	return w.as(w.createKey(name).AccessKeyID)
}

// statement is a policy document of one statement.
func statement(effect, action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// drawnAnew fails if a test that makes a world finds something that ended without
// need in three of them. In one it may: entities share the slots of stamps, and
// each world draws anew which do.
func drawnAnew(t *testing.T, find func(*testing.T) (needless []string)) {
	t.Helper()
	var needless []string
	for range 3 {
		if needless = find(t); len(needless) == 0 {
			return
		}
	}
	t.Errorf("ended without need: %q", needless)
}
