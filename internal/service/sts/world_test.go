package sts_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/service/sts"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

const (
	account = "111122223333"
	other   = "444455556666"
)

// now is the time of every call.
var now = time.Date(2026, 3, 4, 5, 6, 7, 890, time.UTC)

// position is how far the store of a world is said to be.
const position = 1 << 33

// A world is the service with a corridor as short as can be. It is itself who
// knows the roles and the device, and whose signature evidence has.
type world struct {
	t      testing.TB
	store  *store.Store
	tokens *session.Tokens
	ops    map[string]operation.Operation

	messages *explanation.Messages
	roles    map[string]*authz.Role

	usedUp bool // the code of the device

	// What Verify answers, and what it was asked.
	by       *authz.Credential
	service  string
	region   string
	failure  error
	verified []*sts.SignedRequest

	last operation.Call // of the last call
	asks []authz.Ask
}

func newWorld(t testing.TB) *world {
	t.Helper()
	root, err := sealed.NewRootKey(confidential.New(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	keyring, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, tokens: session.NewTokens(keyring), messages: explanation.NewMessages(keyring), ops: make(map[string]operation.Operation), roles: make(map[string]*authz.Role)}
	if w.store, err = store.Open(t.Context(), drivertest.Open(t), store.Options{Sealer: keyring}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	for _, op := range sts.New(sts.Options{Keyring: keyring, Roles: w, AccessKeys: w, Devices: w, Policies: w, Signatures: w, Position: func() uint64 { return position }}).Operations() {
		w.ops[op.Name] = op
	}
	return w
}

// Role implements sts.Roles.
func (w *world) Role(_ context.Context, r store.Reader, roleARN string) (*authz.Role, error) {
	if r == nil {
		w.t.Error("a role was looked for without a reader")
	}
	return w.roles[roleARN], nil
}

// AccountOfAccessKey implements sts.AccessKeys: a key has its account in its name.
func (w *world) AccountOfAccessKey(_ context.Context, r store.Reader, id string) (string, error) {
	if r == nil {
		w.t.Error("an access key was looked for without a reader")
	}
	account, ok := strings.CutPrefix(id, "AKIA")
	if !ok {
		return "", nil
	}
	return account, nil
}

// ManagedPolicies implements sts.Policies: the id of a policy is ANPA and its name. Policies
// called No… do not exist, and neither do those of other accounts.
func (w *world) ManagedPolicies(_ context.Context, r store.Reader, account string, arns []string) (ids []string, _ []store.Stamp, missing string, _ error) {
	if r == nil {
		w.t.Error("a policy was looked for without a reader")
	}
	for _, name := range arns {
		of, rest, ok := strings.Cut(strings.TrimPrefix(name, "arn:aws:iam::"), ":policy/")
		if !ok || of != "aws" && of != account || strings.HasPrefix(rest, "No") {
			return nil, nil, name, nil
		}
		ids = append(ids, "ANPA"+rest)
	}
	return ids, nil, "", nil
}

// The one device there is, and its code.
const (
	serial     = "GAHT12345678"
	deviceCode = "654321"
)

var errCode = fault.New(fault.AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")

// CheckCode implements sts.Devices.
func (w *world) CheckCode(_ context.Context, r store.Reader, p *principal.Principal, of string, code confidential.Bytes, at time.Time) error {
	if r == nil || p.Kind != principal.User || !at.Equal(now) {
		w.t.Errorf("a code was checked for %v, at %v", p, at)
	}
	if w.usedUp || of != serial || string(code.Reveal(reveal.Token{})) != deviceCode {
		return errCode
	}
	return nil
}

// UseCode implements sts.Devices.
func (w *world) UseCode(_ context.Context, _ *principal.Principal, of string, code confidential.Bytes, _ time.Time) error {
	if w.usedUp || of != serial || string(code.Reveal(reveal.Token{})) != deviceCode {
		return errCode
	}
	w.usedUp = true
	return nil
}

// Verify implements sts.Signatures.
func (w *world) Verify(_ context.Context, r *sts.SignedRequest, at time.Time) (*authz.Credential, string, string, error) {
	if !at.Equal(now) {
		w.t.Errorf("evidence was verified at %v", at)
	}
	w.verified = append(w.verified, r)
	return w.by, w.service, w.region, w.failure
}

// addRole makes a role with the given trust policy statements.
func (w *world) addRole(account, name, statements string) *authz.Role {
	w.t.Helper()
	trust, err := policy.Compile(policy.Trust, name, []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	role := &authz.Role{
		Account: account, Name: name, ARN: "arn:aws:iam::" + account + ":role/p/" + name, ID: "AROA" + name,
		Longest: 2 * time.Hour, Trust: trust, Tags: pairs.Of(map[string]string{"Kind": "x"}),
	}
	w.roles[role.ARN] = role
	return role
}

// trust is a statement of a trust policy.
func trust(principal, action, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":` + action + condition + `}`
}

const anything = `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`

// caller makes a caller with one identity policy, or none.
func (w *world) caller(p principal.Principal, actions string) *authz.Caller {
	w.t.Helper()
	p.Partition = "aws"
	c := &authz.Caller{Principal: p, Policy: policy.Caller{
		Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN, ID: p.ID, IssuerARN: p.IssuerARN,
	}}
	if p.IssuerID != "" {
		c.Policy.ID = p.IssuerID
	}
	if actions != "" {
		identity, err := policy.Compile(policy.Identity, "own", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":`+actions+`,"Resource":"*"}}`), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		c.Identity = []*policy.Policy{identity}
	}
	return c
}

func (w *world) user(account, name, actions string) *authz.Caller {
	return w.caller(principal.Principal{
		Kind: principal.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name, ID: "AIDA" + name, Name: name, AccessKeyID: "AKIA" + name,
	}, actions)
}

func (w *world) root() *authz.Caller {
	return w.caller(principal.Principal{
		Kind: principal.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account, AccessKeyID: "AKIAROOT",
	}, "")
}

// roleSession makes a session of role R.
func (w *world) roleSession(actions string) *authz.Caller {
	c := w.caller(principal.Principal{
		Kind: principal.RoleSession, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/R/s", ID: "AROAR:s", AccessKeyID: "ASIAR",
		IssuerARN: "arn:aws:iam::" + account + ":role/p/R", IssuerID: "AROAR", IssuerName: "R", Since: now.Add(-time.Minute),
	}, actions)
	c.Expires = now.Truncate(time.Second).Add(time.Hour)
	return c
}

func (w *world) serviceCaller(name string) *authz.Caller {
	c := w.caller(principal.Principal{Kind: principal.Service, ARN: name, Name: name, AccessKeyID: "AKIASERVICE"}, "")
	c.Policy.Services = []string{name}
	c.Registration = &authz.Registration{Name: name, SigningName: "documents", Actions: []string{"kms:CreateGrant"}}
	return c
}

// call walks an operation: validation, subject, decision, work.
func (w *world) call(as *authz.Caller, name string, in any) (any, error) {
	w.t.Helper()
	op, ok := w.ops[name]
	if !ok {
		w.t.Fatalf("no operation %s", name)
	}
	w.last, w.asks = operation.Call{
		Context: w.t.Context(), Time: now, Region: "eu-west-1", Partition: "aws", Caller: as,
		Facts: &authz.Facts{Time: now, Region: "eu-west-1", Source: netip.MustParseAddr("192.0.2.1"), UserAgent: "service/1"},
	}, nil
	if err := op.Validate(in); err != nil {
		return nil, err
	}
	var open store.Snapshot
	w.last.Begin(func() (store.Reader, error) {
		var err error
		if open == nil {
			open, err = w.store.Snapshot(w.t.Context())
		}
		return open, err
	})
	defer func() {
		if open != nil {
			_ = open.Close()
		}
	}()
	out, err := w.walk(&op, as, in)
	if errors.Is(err, operation.ErrApart) {
		if err := w.last.Make(); err != nil {
			return nil, err
		}
		out, err = w.walk(&op, as, in)
	}
	return out, err
}

func (w *world) walk(op *operation.Operation, as *authz.Caller, in any) (any, error) {
	var judge authz.Judge
	return op.Walk(&w.last, nil, in, func(asks []authz.Ask) error {
		w.asks = asks
		if len(asks) == 0 && !op.AsksNothing {
			return errors.New("the operation asks nothing")
		}
		for i := range asks {
			if err := judge.Allow(w.last.Facts, as, &asks[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// stamp is that of an entity as it is now.
func (w *world) stamp(entity string) store.Stamp {
	w.t.Helper()
	snapshot, err := w.store.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer snapshot.Close()
	return w.store.Stamp(snapshot, entity)
}

// touch commits a change of an entity.
func (w *world) touch(entity string) {
	w.t.Helper()
	if _, err := w.store.Update(w.t.Context(), ident.Bytes(), func(tx store.Txn) error {
		tx.Touch(entity)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// asked lists the actions that the last call asked for.
func (w *world) asked() []string {
	list := []string{}
	for i := range w.asks {
		list = append(list, w.asks[i].Action)
	}
	return list
}

// do makes a call that must succeed.
func do[Out any](t testing.TB, w *world, as *authz.Caller, name string, in any) *Out {
	t.Helper()
	out, err := w.call(as, name, in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out.(*Out)
}

// refuse makes a call that must be refused with a code and a text.
func (w *world) refuse(as *authz.Caller, name string, in any, code fault.Code, message string) {
	w.t.Helper()
	_, err := w.call(as, name, in)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Code != code || f.Message != message {
		w.t.Errorf("%s:\ngot  %v\nwant %s: %s", name, err, code, message)
	}
}

// open reads the token of credentials, whose secret must be the token's.
func (w *world) open(c *sts.Credentials) *session.Session {
	w.t.Helper()
	plain := func(b confidential.Bytes) string { return string(b.Reveal(reveal.Token{})) }
	s, err := w.tokens.Open(c.AccessKeyID, plain(c.SessionToken))
	if err != nil {
		w.t.Fatal(err)
	}
	if plain(c.SecretAccessKey) != plain(w.tokens.SecretAccessKey(c.AccessKeyID)) {
		w.t.Error("the secret is another's")
	}
	if !c.Expiration.Equal(s.Expires) || !s.Issued.Equal(now.Truncate(time.Second)) {
		w.t.Errorf("the token lasts from %v to %v, the answer says %v", s.Issued, s.Expires, c.Expiration)
	}
	return s
}

func some(s string) optional.Of[string] { return optional.Some(s) }

func seconds(n int) optional.Of[int] { return optional.Some(n) }
