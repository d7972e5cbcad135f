package policy_test

import (
	"fmt"
	"testing"

	"claviger/internal/ground/policy"
)

// A situation is one case of the matrix, in words of the evaluation logic and
// not of the code: TestMatrix builds an Input from it, and reference answers it.
type situation struct {
	caller   string // user, session, federated, root, service
	rule     policy.Rule
	relation string // same: the caller's account owns the resource; other: another does; closed: so, and the action stays inside accounts
	resource string // resource policy: none, self, issuer, account, everyone, stranger, unmet (self, under a condition that fails), deny
	identity string // none, allow, unmet, deny
	boundary string // absent, nothing, allow, deny
	session  string // absent, nothing, allow, deny
	scp      string // absent, nothing, allow, deny
	grant    string // none, direct, issuer, account
	issuer   string // who issued the grant: owner, caller
}

// reference is the evaluation logic as the documentation has it, as short as can be.
func (s situation) reference() (allowed, explicit bool) {
	service, root := s.caller == "service", s.caller == "root"
	if s.identity == "deny" || s.boundary == "deny" || s.session == "deny" || s.resource == "deny" || s.scp == "deny" && !service {
		return false, true
	}
	if s.scp == "nothing" && !service {
		return false, false
	}

	// How the resource's side lets the caller in.
	way := map[string]string{"self": "direct", "everyone": "direct", "account": "account", "issuer": "limited"}[s.resource]
	if s.resource == "account" && root {
		way = "direct"
	}
	if s.resource == "account" && service || s.resource == "issuer" && s.caller != "session" && s.caller != "federated" {
		way = ""
	}
	grant := map[string]string{"direct": "direct", "issuer": "limited", "account": "account"}[s.grant]
	if s.rule == policy.IdentityOnly {
		way, grant = "", ""
	}
	if service {
		return way == "direct" || grant == "direct", false
	}

	// What the caller's side says.
	limits := (s.boundary == "absent" || s.boundary == "allow") && (s.session == "absent" || s.session == "allow")
	identity := s.identity == "allow" || root
	issuer := limits // what the issuer of the session is let in to
	if s.caller == "federated" && s.session == "absent" {
		identity, issuer = false, false
	}

	if s.relation != "same" {
		if s.relation == "closed" || s.rule == policy.IdentityOnly || !limits {
			return false, false
		}
		return way != "" && identity || grant != "" && (identity || s.issuer == "caller" && (grant == "direct" || grant == "limited" && issuer)), false
	}
	for _, w := range []string{way, grant} {
		switch {
		case w == "direct" && (!root || limits),
			w == "limited" && issuer,
			w == "account" && identity && limits:
			return true, false
		}
	}
	return s.rule != policy.ExplicitTrust && identity && limits, false
}

// documents are the compiled policies of the matrix.
type documents struct {
	statement map[string][]*policy.Policy // nothing, allow, unmet, deny as policies of the caller
	resource  map[string]*policy.Policy   // by caller and form
}

func newDocuments(t *testing.T) *documents {
	identity := func(effect, condition string) []*policy.Policy {
		return []*policy.Policy{compile(t, policy.Identity, modern(fmt.Sprintf(
			`{"Effect":%q,"Action":"kms:Enc*","Resource":"arn:aws:kms:*:*:key/*","Condition":{"StringEquals":{"fact":%q}}},
			{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}`, effect, condition)))}
	}
	d := &documents{
		statement: map[string][]*policy.Policy{
			"absent": nil, "none": nil, "nothing": {}, "allow": identity("Allow", "true"), "unmet": identity("Allow", "false"), "deny": identity("Deny", "true"),
		},
		resource: map[string]*policy.Policy{"none": nil},
	}
	for name, c := range matrixCallers() {
		self, issuer := fmt.Sprintf(`{"AWS":%q}`, c.ARN), fmt.Sprintf(`{"AWS":%q}`, roleARN)
		switch name {
		case "service":
			self = `{"Service":"logs.amazonaws.com"}`
		case "federated":
			issuer = fmt.Sprintf(`{"AWS":%q}`, userARN)
		}
		for form, element := range map[string]string{
			"self": self, "issuer": issuer, "unmet": self, "account": `{"AWS":"111122223333"}`, "everyone": `"*"`, "deny": `"*"`,
			"stranger": `{"AWS":"arn:aws:iam::111122223333:user/mallory"}`,
		} {
			effect, fact := "Allow", "true"
			switch form {
			case "unmet":
				fact = "false"
			case "deny":
				effect = "Deny"
			}
			d.resource[name+form] = compile(t, policy.KeyPolicy, modern(fmt.Sprintf(
				`{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"},
				{"Effect":%q,"Principal":%s,"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"fact":%q}}}`, effect, element, fact)))
		}
	}
	return d
}

func matrixCallers() map[string]*policy.Caller {
	return map[string]*policy.Caller{"user": user(), "session": session(), "federated": federated(), "root": root(), "service": service()}
}

func (s situation) input(d *documents, c *policy.Caller) policy.Input {
	in := policy.Input{
		Request:         policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: c, Context: facts{"fact": one("true")}},
		Rule:            s.rule,
		ResourceAccount: home,
		CrossAccount:    s.relation != "closed",
		ResourcePolicy:  d.resource[s.caller+s.resource],
		Identity:        d.statement[s.identity],
		Boundary:        d.statement[s.boundary],
		Session:         d.statement[s.session],
		Grant:           map[string]policy.Grade{"none": policy.None, "direct": policy.Direct, "issuer": policy.Role, "account": policy.Account}[s.grant],
		GrantIssuer:     home,
	}
	if s.relation != "same" {
		in.ResourceAccount = abroad
	}
	if s.issuer == "owner" {
		in.GrantIssuer = in.ResourceAccount
	}
	if s.scp != "absent" {
		in.Service = [][]*policy.Policy{d.statement["allow"], d.statement[s.scp]}
	}
	return in
}

// TestMatrix compares every combination with the reference.
func TestMatrix(t *testing.T) {
	t.Parallel()
	d := newDocuments(t)
	cases, allowed := 0, 0
	run := func(s situation, c *policy.Caller) {
		cases++
		in := s.input(d, c)
		v := policy.Decide(&in)
		want, explicit := s.reference()
		if v.Allowed {
			allowed++
		}
		if v.Allowed != want || v.Explicit != explicit {
			t.Errorf("%+v: got %+v, want allowed %v, explicit %v", s, v, want, explicit)
		}
		if v.Allowed != (v.Reason("kms:Encrypt") == "") {
			t.Errorf("%+v: reason %q", s, v.Reason("kms:Encrypt"))
		}
	}
	for name, c := range matrixCallers() {
		limits, identities := []string{"absent", "nothing", "allow", "deny"}, []string{"none", "allow", "unmet", "deny"}
		relations := []string{"same", "other", "closed"}
		if name == "service" { // has no account, and no policies of its own
			limits, identities, relations = limits[:1], identities[:1], relations[1:]
		}
		for _, rule := range []policy.Rule{policy.Standard, policy.ExplicitTrust, policy.IdentityOnly} {
			for _, relation := range relations {
				for _, resource := range []string{"none", "self", "issuer", "account", "everyone", "stranger", "unmet", "deny"} {
					for _, identity := range identities {
						for _, boundary := range limits {
							for _, session := range limits {
								s := situation{name, rule, relation, resource, identity, boundary, session, "absent", "none", "owner"}
								run(s, c)
								for _, s.scp = range []string{"nothing", "allow", "deny"} {
									if boundary == session {
										run(s, c)
									}
								}
								s.scp = "absent"
								for _, s.grant = range []string{"direct", "issuer", "account"} {
									run(s, c)
									if s.issuer = "caller"; relation != "same" {
										run(s, c)
									}
									s.issuer = "owner"
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d cases, %d allowed", cases, allowed)
	if cases != 124_896 {
		t.Errorf("%d cases", cases)
	}
	if allowed < cases/20 || allowed > cases/2 {
		t.Errorf("%d of %d cases allowed: the matrix is lopsided", allowed, cases)
	}
}
