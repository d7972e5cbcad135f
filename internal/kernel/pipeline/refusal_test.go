package pipeline_test

import (
	"strings"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// refused is the world's credential, good for nothing any more.
func (w *world) refused() *authz.Credential {
	c := *w.credential
	c.Refusal = fault.New(fault.AccessDenied, "It is over.")
	return &c
}

// last returns the newest record.
func (w *world) last() audit.Entry {
	w.t.Helper()
	var last audit.Entry
	if err := w.trail.Read(w.t.Context(), 1, func(_ uint64, e audit.Entry) error {
		last = e
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return last
}

// TestRefusedCredential: a caller that may do nothing any more is refused before
// anything of its request is read, and the call is recorded as its own.
func TestRefusedCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.beforeRun = func() { t.Error("the operation ran") }
	open := func(op operation.Operation) *pipeline.Entrance { return pipeline.Open("test.amazonaws.com", op) }
	for name, entrance := range map[string]*pipeline.Entrance{
		"Get": open(w.get()), "Add": open(w.add()), "Probe": open(probe(nil, false, w.beforeRun)), "Unknown": nil,
	} {
		before := len(w.records())
		r := &pipeline.Request{
			Entrance: entrance, Credential: w.refused(),
			Source: "test.amazonaws.com", Name: "Unknown", Refusal: fault.New(fault.UnknownOperation, "what?"),
			Facts: authz.Facts{Region: "us-east-1"}, ID: ident.UUID(), Partition: "aws",
			Decode: func(any) error {
				t.Errorf("%s: the request was read", name)
				return nil
			},
			Spell: func(c fault.Code) string { return string(c) },
		}
		out, err := w.pipeline.Do(t.Context(), r)
		if out != nil || !fault.Is(err, fault.AccessDenied) || !strings.Contains(err.Error(), "It is over.") {
			t.Errorf("%s: %v, %v", name, out, err)
		}
		if n := len(w.records()); n != before+1 {
			t.Errorf("%s: %d records", name, n-before)
		}
		e := w.last()
		for _, part := range []string{`"eventName":"` + name + `"`, `"userName":"me"`, `"errorMessage":"It is over."`, `"requestParameters":null`} {
			if !strings.Contains(string(e.Record), part) {
				t.Errorf("%s: recorded without %s: %s", name, part, e.Record)
			}
		}
		if e.Account != account || e.Side != nil {
			t.Errorf("%s: recorded for %q with premises %q", name, e.Account, e.Side)
		}
	}
}

// TestRefusedMeanwhile: a session that ends while its call is on its way ends
// the call, which is recorded once.
func TestRefusedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Get", "Add"} {
		w := newWorld(t)
		w.credential.Token = "token"
		if err := w.store.View(t.Context(), func(r store.Reader) error {
			w.credential.Caller.Stamps = []store.Stamp{w.store.Stamp(r, "me")}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		lent := w.credential
		runs := 0
		w.beforeRun = func() {
			runs++
			w.credential = w.refused()
			if _, err := w.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error { tx.Touch("me"); return nil }); err != nil {
				t.Error(err)
			}
		}
		op := w.get()
		if name == "Add" {
			op = w.add()
		}
		if _, err := w.doAs(lent, op, "a"); !fault.Is(err, fault.AccessDenied) || !strings.Contains(err.Error(), "It is over.") {
			t.Errorf("%s: %v", name, err)
		}
		if runs != 1 {
			t.Errorf("%s ran %d times", name, runs)
		}
		w.want(name + " AccessDenied")
	}
}

// TestAskedMeanwhile: what is known of somebody about whom an operation asks is a
// premise as what is known of its author is.
func TestAskedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := *w.credential.Caller
	runs := 0
	op := operation.Use[in, out, *authz.Caller, *in]{
		Name: "Probe", Actions: []string{"test:Probe"},
		Subject: func(c *operation.Call, _ *in) (*authz.Caller, error) {
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			fresh := user
			fresh.Stamps = []store.Stamp{w.store.Stamp(r, "user")}
			return &fresh, nil
		},
		Asks: func(_ *operation.Call, _ *in, about *authz.Caller, a []authz.Ask) []authz.Ask {
			return append(a, authz.Ask{Action: "test:Probe", Resource: "*", Account: account, Rule: policy.IdentityOnly, Caller: about})
		},
		Run: func(*operation.Call, *in, *authz.Caller) (*out, error) {
			if runs++; runs > 1 {
				return &out{runs}, nil
			}
			user.Identity = nil // the user may not any more
			_, err := w.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error { tx.Touch("user"); return nil })
			return &out{runs}, err
		},
	}.Operation()
	if _, err := w.do(op, "a"); !fault.Is(err, fault.AccessDenied) || runs != 1 {
		t.Errorf("after %d runs: %v", runs, err)
	}
	w.want("Probe AccessDenied")
}
