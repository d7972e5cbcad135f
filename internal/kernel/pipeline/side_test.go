package pipeline_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/principal"
)

const (
	owner    = "444455556666"
	stranger = "777788889999"
)

// install gives every account of the test a key.
func (w *world) install(accounts ...string) {
	w.t.Helper()
	for _, a := range accounts {
		if w.keyring.Known(a) {
			continue
		}
		wrapped, err := w.keyring.Draw(a)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := w.keyring.Install(a, wrapped); err != nil {
			w.t.Fatal(err)
		}
	}
}

// documents opens a side field and lists, by the account that may see them, the
// documents that its premises name.
func (w *world) documents(requestID string, side []byte) map[string][]string {
	w.t.Helper()
	found := make(map[string][]string)
	parts, _, err := explanation.ReadSide(side, w.keyring, requestID, func(string) bool { return true })
	if err != nil {
		w.t.Fatal(err)
	}
	for _, part := range parts {
		for _, p := range part.Explanation.Premises {
			if p.Policy != "" {
				found[part.Account] = append(found[part.Account], p.Policy)
			}
		}
	}
	return found
}

// nothing is a Grants that finds none, and perhaps fails.
type nothing struct{ err error }

func (n *nothing) Find(*authz.Judge) (bool, error) { return false, n.err }

// TestSide: the premises of a refusal are sealed for the account of who was asked
// about and for the owner of the resource, each its own.
func TestSide(t *testing.T) {
	t.Parallel()
	identity := func(t *testing.T, name string) []*policy.Policy {
		return []*policy.Policy{compile(t, policy.Identity, name, `{"Effect":"Deny","Action":"test:*","Resource":"*"}`)}
	}
	resource := compile(t, policy.KeyPolicy, "resource", `{"Effect":"Deny","Principal":"*","Action":"test:*","Resource":"*"}`)
	service := principal.Principal{Kind: principal.Service, Partition: "aws", ARN: vault, Name: vault}
	for name, test := range map[string]struct {
		service bool // the author is a service
		other   bool // and asks about its user
		owner   string
		grants  authz.Grants
		want    map[string][]string
	}{
		"own resource":                 {false, false, account, nil, map[string][]string{account: {"mine", "resource"}}},
		"resource of another":          {false, false, owner, nil, map[string][]string{account: {"mine"}, owner: {"resource"}}},
		"resource of another, grants":  {false, false, owner, &nothing{}, map[string][]string{account: {"mine"}, owner: {"resource"}}},
		"owner without a key":          {false, false, stranger, nil, map[string][]string{account: {"mine"}}},
		"service":                      {true, false, owner, nil, map[string][]string{owner: {"resource"}}},
		"service about a user":         {true, true, owner, nil, map[string][]string{account: {"mine"}, owner: {"resource"}}},
		"service about a user's own":   {true, true, account, nil, map[string][]string{account: {"mine", "resource"}}},
		"user about another principal": {false, true, account, nil, map[string][]string{account: {"mine", "resource"}}},
	} {
		w := newWorld(t)
		w.install(account, owner)
		user := w.credential.Caller
		user.Identity = identity(t, "mine")
		a := authz.Ask{Action: "test:Probe", Resource: "*", Account: test.owner, Policy: resource, CrossAccount: true, Grants: test.grants}
		author := w.credential
		switch {
		case test.service:
			author = &authz.Credential{AccessKeyID: "AKIAVAULT", Caller: &authz.Caller{
				Principal: service, Policy: policy.Caller{Kind: principal.Service, Partition: "aws", Services: []string{vault}},
			}}
		case test.other:
			other := *user
			other.Principal.Account, other.Policy.Account, other.Identity = owner, owner, identity(t, "other")
			author = &authz.Credential{AccessKeyID: "AKIAOTHER", Caller: &other}
		}
		if test.other {
			a.Caller = user
		}
		if _, err := w.doAs(author, probe([]authz.Ask{a}, false, func() {}), "a"); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
		e := w.last()
		got := w.documents(field(string(e.Record), "requestID"), e.Side)
		if !maps.EqualFunc(got, test.want, slices.Equal) || e.Account != author.Caller.Principal.Account {
			t.Errorf("%s: recorded for %q with the premises %v, want %v", name, e.Account, got, test.want)
		}
	}
}

// TestFailureHasNoPremises: what ends in an internal failure explains nothing.
func TestFailureHasNoPremises(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.install(account)
	a := authz.Ask{Action: "test:Probe", Resource: "*", Account: account, Rule: policy.ExplicitTrust, Grants: &nothing{errors.New("disk on fire")}}
	if _, err := w.do(probe([]authz.Ask{a}, false, func() { t.Error("ran") }), "a"); !fault.Is(err, fault.InternalFailure) {
		t.Errorf("%v", err)
	}
	if e := w.last(); e.Side != nil || w.reports.Load() != 1 {
		t.Errorf("premises %q, %d reports", e.Side, w.reports.Load())
	}
}

// TestPremisesOfTheLastTry: a call that a policy refused, and that is refused for
// another reason once it is walked again, is not explained by the policy.
func TestPremisesOfTheLastTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.install(account)
	w.credential.Caller.Identity = nil
	tries := 0
	op := operation.Use[in, out, struct{}, *in]{
		Name: "Probe", Actions: []string{"test:Probe"}, Asks: asks("test:Probe"),
		Subject: func(c *operation.Call, _ *in) (struct{}, error) {
			if tries++; tries > 1 {
				return struct{}{}, fault.New(fault.Validation, "no such thing")
			}
			r, err := c.Reader()
			if err != nil {
				return struct{}{}, err
			}
			c.RestOn(w.store.Stamp(r, "thing")) // which ends at once
			_, err = w.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error { tx.Touch("thing"); return nil })
			return struct{}{}, err
		},
		Run: func(*operation.Call, *in, struct{}) (*out, error) { return &out{1}, nil },
	}.Operation()
	if _, err := w.do(op, "a"); !fault.Is(err, fault.Validation) || tries != 2 {
		t.Errorf("%d tries: %v", tries, err)
	}
	if e := w.last(); e.Side != nil {
		t.Errorf("explained with %v", w.documents(field(string(e.Record), "requestID"), e.Side))
	}
}

// TestReasons: the record of a call that was allowed keeps what allowed it, and
// that of another account's copy does not.
func TestReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.install(account)
	resource := compile(t, policy.KeyPolicy, "resource", `{"Effect":"Allow","Principal":{"AWS":"`+w.credential.Caller.Principal.ARN+`"},"Action":"test:*","Resource":"*"}`)
	list := []authz.Ask{
		{Action: "test:Probe", Resource: "*", Account: account},
		{Action: "test:Probe", Resource: "*", Account: account, Policy: resource, Rule: policy.ExplicitTrust},
	}
	if _, err := w.do(probe(list, false, func() {}), "a"); err != nil {
		t.Fatal(err)
	}
	e := w.last()
	_, reasons, err := explanation.ReadSide(e.Side, w.keyring, field(string(e.Record), "requestID"), func(string) bool { return true })
	want := []explanation.Reason{
		{Action: "test:Probe", Gate: policy.ByIdentity, Policy: "all"},
		{Action: "test:Probe", Gate: policy.ByResource},
	}
	if err != nil || !slices.Equal(reasons, want) {
		t.Errorf("allowed by %+v, %v", reasons, err)
	}
}

// TestMessage: who is refused takes a message away, unless the refusal hides more.
func TestMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	messages := explanation.NewMessages(w.keyring)
	w.credential.Caller.Identity = nil
	ask := authz.Ask{Action: "test:Probe", Resource: "*", Account: account}
	hidden := ask
	hidden.Refusal = fault.New(fault.AccessDenied, "no more than this")
	other := *w.credential.Caller
	other.Principal.Account, other.Policy.Account = owner, owner
	about := ask
	about.Caller = &other
	for what, test := range map[string]struct {
		ask  authz.Ask
		want bool
	}{"plain": {ask, true}, "with words of its own": {hidden, false}, "about another's user": {about, false}} {
		r := w.request(w.credential, probe([]authz.Ask{test.ask}, false, func() {}), "a")
		r.Message = "of an earlier call"
		if _, err := w.pipeline.Do(t.Context(), r); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s: %v", what, err)
		}
		decoded, err := messages.Decode(account, r.Message, time.Now())
		if (err == nil) != test.want || test.want && !strings.Contains(decoded, `"action":"test:Probe"`) || !test.want && r.Message != "" {
			t.Errorf("%s: message %q says %s, %v", what, r.Message, decoded, err)
		}
	}
}
