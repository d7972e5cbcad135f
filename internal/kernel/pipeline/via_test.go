package pipeline_test

import (
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

const vault = "vault.amazonaws.com"

// through is who, with a service acting for them.
func through(who *authz.Credential, actions ...string) *authz.Credential {
	caller := *who.Caller
	caller.Principal.InvokedBy = vault
	caller.Via = &authz.Via{
		Registration: &authz.Registration{Name: vault, SigningName: "vault", Actions: actions},
		Services:     []string{vault},
	}
	return &authz.Credential{AccessKeyID: who.AccessKeyID, Caller: &caller}
}

func compile(t *testing.T, kind policy.Kind, name, statement string) *policy.Policy {
	t.Helper()
	p, err := policy.Compile(kind, name, []byte(`{"Version":"2012-10-17","Statement":`+statement+`}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestVia: a service calls for its users what the operator registered for it, as
// far as the user may, and nothing else.
func TestVia(t *testing.T) {
	t.Parallel()
	const gate = "because " + vault + " may not call it for its users"
	const user = "because no identity-based policy allows"
	ask := func(action string) authz.Ask {
		return authz.Ask{Action: action, Resource: "*", Account: account, Rule: policy.IdentityOnly}
	}
	ofUser := func(action string) authz.Ask {
		a := ask(action)
		a.OfUser = true
		return a
	}
	registered := []string{"test:One", "test:Two", "other:Forbidden", "iam:GetUser", "sts:AssumeRole", "organizations:ListRoots", "claviger:CreateAccount"}
	for name, test := range map[string]struct {
		asks    []authz.Ask
		refusal string // "" where the call passes
	}{
		"registered":                     {[]authz.Ask{ask("test:One")}, ""},
		"registered in another case":     {[]authz.Ask{ask("TEST:one")}, ""},
		"two registered":                 {[]authz.Ask{ask("test:One"), ask("test:Two")}, ""},
		"not registered":                 {[]authz.Ask{ask("test:Three")}, "perform: test:Three " + gate},
		"one of two":                     {[]authz.Ask{ask("test:One"), ask("test:Three")}, "perform: test:Three " + gate},
		"one of two, the other first":    {[]authz.Ask{ask("test:Three"), ask("test:One")}, "perform: test:Three " + gate},
		"pattern":                        {[]authz.Ask{ask("test:*")}, "perform: test:* " + gate},
		"user's beside registered":       {[]authz.Ask{ask("test:One"), ofUser("test:Three")}, ""},
		"user's before registered":       {[]authz.Ask{ofUser("test:Three"), ask("test:One")}, ""},
		"user's beside not registered":   {[]authz.Ask{ofUser("test:One"), ask("test:Three")}, "perform: test:Three " + gate},
		"user's alone":                   {[]authz.Ask{ofUser("test:One")}, "perform: Probe " + gate},
		"user's that the user may not":   {[]authz.Ask{ask("test:One"), ofUser("other:Thing")}, user + " the other:Thing"},
		"registered, the user may not":   {[]authz.Ask{ask("other:Forbidden")}, user + " the other:Forbidden"},
		"registered of IAM":              {[]authz.Ask{ask("iam:GetUser")}, gate},
		"registered of STS":              {[]authz.Ask{ask("sts:AssumeRole")}, gate},
		"registered of Organizations":    {[]authz.Ask{ask("organizations:ListRoots")}, gate},
		"registered of the operator":     {[]authz.Ask{ask("claviger:CreateAccount")}, "is not authorized to perform: claviger:CreateAccount"},
		"nothing, and is declared so":    {nil, "perform: Probe " + gate},
		"user's and one of IAM, as both": {[]authz.Ask{ofUser("test:One"), ask("iam:GetUser")}, gate},
	} {
		for _, writes := range []bool{false, true} {
			if writes && test.asks == nil {
				continue // a Change always asks
			}
			w := newWorld(t)
			w.credential.Caller.Identity = []*policy.Policy{compile(t, policy.Identity, "most", `{"Effect":"Allow","Action":["test:*","iam:*","sts:*","organizations:*","claviger:*"],"Resource":"*"}`)}
			ran := false
			_, err := w.doAs(through(w.credential, registered...), probe(test.asks, writes, func() { ran = true }), "a")
			if test.refusal == "" {
				if err != nil || !ran {
					t.Errorf("%s, writing %t: %v", name, writes, err)
				}
				w.want("Probe")
				continue
			}
			if !fault.Is(err, fault.AccessDenied) || !strings.Contains(err.Error(), test.refusal) || ran {
				t.Errorf("%s, writing %t: ran %t, %v", name, writes, ran, err)
			}
			w.want("Probe AccessDenied")
			if test.asks == nil {
				continue
			}
			// Without the service the gate is not there.
			if _, err := w.do(probe(test.asks, writes, func() {}), "a"); err != nil && strings.Contains(err.Error(), gate) {
				t.Errorf("%s, writing %t, by the user: %v", name, writes, err)
			}
		}
	}
}

// probe is an operation that asks asks.
func probe(list []authz.Ask, writes bool, run func()) operation.Operation {
	asks := func(_ *operation.Call, _ *in, _ struct{}, a []authz.Ask) []authz.Ask { return append(a, list...) }
	work := func(*operation.Call, *in, struct{}) (*out, error) {
		run()
		return &out{1}, nil
	}
	if writes {
		return operation.Change[in, out, struct{}, *in]{
			Name: "Probe", Actions: []string{"test:Probe"}, Asks: asks,
			Run: func(c *operation.Call, _ store.Txn, i *in, s struct{}) (*out, error) { return work(c, i, s) },
		}.Operation()
	}
	if list == nil {
		return operation.Use[in, out, struct{}, *in]{Name: "Probe", AsksNothing: true, Run: work}.Operation()
	}
	return operation.Use[in, out, struct{}, *in]{Name: "Probe", Actions: []string{"test:Probe"}, Asks: asks, Run: work}.Operation()
}
