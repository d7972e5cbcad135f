package authz_test

import (
	"fmt"
	"slices"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/principal"
)

// A situation is one combination of everything that can speak for or against a call on a key. A
// judge is asked about it as the pipeline asks, and reference answers it.
type situation struct {
	caller   string // user, session, linked (a session of a service-linked role), federated, root, service
	relation string // same, other: whose account owns the key
	key      string // its policy: none, self, issuer, account, everyone, deny
	identity string // none, allow, deny
	boundary string // absent, nothing, allow, deny
	session  string // absent, nothing, allow, deny
	scp      string // of the unit between the caller's root and account: absent, nothing, allow, deny
	rcp      string // of that between the owner's: absent, elsewhere (denies another action), deny
	grant    string // that the owner made: none, self, issuer, account
}

// reference is the evaluation logic as it is documented, as short as can be.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
// https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
func (s situation) reference() (allowed, explicit bool) {
	switch s.caller { // whom organizations don't limit
	case "linked":
		s.scp, s.rcp = "absent", "absent"
	case "service":
		s.scp = "absent"
	}
	if slices.Contains([]string{s.key, s.identity, s.boundary, s.session, s.scp, s.rcp}, "deny") {
		return false, true
	}
	if s.scp == "nothing" {
		return false, false
	}
	limited := s.boundary == "nothing" || s.session == "nothing"
	bare := s.caller == "federated" && s.session == "absent" // has nothing of its user's
	identity := s.identity == "allow" && !bare
	for _, named := range []string{s.key, s.grant} {
		direct := named == "self" || named == "everyone"
		issuer := named == "issuer" && s.caller != "user" && s.caller != "root" && !bare
		account := named == "account"
		switch {
		case s.caller == "service":
			allowed = allowed || direct
		case s.caller == "root": // what its account or itself is given, within the limits of its session
			allowed = allowed || (direct || account) && !limited
		case s.relation == "other": // both sides must allow
			allowed = allowed || (direct || issuer || account) && identity && !limited
		default:
			allowed = allowed || direct || issuer && !limited || account && identity && !limited
		}
	}
	return allowed, false
}

// matrixCaller makes a caller with the name under which policies know it, and that of its issuer.
func matrixCaller(kind string) (c *authz.Caller, self, issuer string) {
	switch kind {
	case "user":
		c = user()
	case "root":
		c = root()
	case "service":
		return service(), `{"Service":"` + vault + `"}`, `{"Service":"other.amazonaws.com"}`
	case "session":
		c = session()
	case "linked":
		c = session()
		c.Principal.IssuerARN = "arn:aws:iam::" + account + ":role/aws-service-role/vault.amazonaws.com/Worker"
		c.Policy.IssuerARN = c.Principal.IssuerARN
	case "federated":
		p := principal.Principal{
			Kind: principal.FederatedUser, Partition: "aws", Account: account, ARN: "arn:aws:sts::" + account + ":federated-user/bob",
			ID: account + ":bob", IssuerARN: user().Principal.ARN, IssuerID: "AIDAANN", IssuerName: "ann", Since: noon,
		}
		c = &authz.Caller{Principal: p, Policy: policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: account, ARN: p.ARN, IssuerARN: p.IssuerARN, ID: p.IssuerID}}
	}
	if issuer = c.Principal.IssuerARN; issuer == "" {
		issuer = "arn:aws:iam::" + account + ":role/nobody"
	}
	return c, fmt.Sprintf(`{"AWS":%q}`, c.Principal.ARN), fmt.Sprintf(`{"AWS":%q}`, issuer)
}

// TestMatrix has a judge answer every combination, and compares with the reference.
func TestMatrix(t *testing.T) {
	t.Parallel()
	statement := func(kind policy.Kind, effect, who, action string) *policy.Policy {
		return compile(t, kind, `{"Effect":"`+effect+`",`+who+`"Action":"`+action+`","Resource":"*"}`)
	}
	own := map[string][]*policy.Policy{
		"nothing": {statement(policy.Identity, "Allow", "", "kms:Decrypt")},
		"allow":   {statement(policy.Identity, "Allow", "", "kms:Enc*")},
		"deny":    {statement(policy.Identity, "Allow", "", "*"), statement(policy.Identity, "Deny", "", "kms:Encrypt")},
	}
	control := func(kind policy.Kind, who, effect, action string) [][]*policy.Policy {
		all := []*policy.Policy{statement(policy.ServiceControl, "Allow", "", "*")}
		if kind == policy.ResourceControl { // the one that allows all is not kept
			all = nil
		}
		return [][]*policy.Policy{all, append(slices.Clone(all), statement(kind, effect, who, action)), all}
	}
	services := map[string][][]*policy.Policy{
		"allow":   control(policy.ServiceControl, "", "Deny", "kms:Decrypt"),
		"deny":    control(policy.ServiceControl, "", "Deny", "kms:*"),
		"nothing": {{statement(policy.ServiceControl, "Allow", "", "*")}, own["nothing"], {statement(policy.ServiceControl, "Allow", "", "*")}},
	}
	resources := map[string][][]*policy.Policy{
		"elsewhere": control(policy.ResourceControl, `"Principal":"*",`, "Deny", "kms:Decrypt"),
		"deny":      control(policy.ResourceControl, `"Principal":"*",`, "Deny", "kms:*"),
	}
	limits := []string{"absent", "nothing", "allow", "deny"}
	cases, allowed := 0, 0
	var judge authz.Judge
	facts := &authz.Facts{Time: noon, Region: "eu-west-1"}
	run := func(s situation, c *authz.Caller, ask *authz.Ask, grades map[string]policy.Grade) {
		c.Identity, c.Boundary, c.Session = own[s.identity], own[s.boundary], own[s.session]
		c.Place, ask.Place = at(services[s.scp], nil), at(nil, resources[s.rcp])
		ask.Grants = authz.Admission{Grade: grades[s.grant], Issuer: ask.Account}
		err := judge.Allow(facts, c, ask)
		want, explicit := s.reference()
		if got := judge.Verdict(); (err == nil) != want || got.Allowed != want || got.Explicit != explicit {
			t.Errorf("%+v: %v (%+v), want allowed %v, explicit %v", s, err, got, want, explicit)
		}
		if cases++; want {
			allowed++
		}
	}
	for _, caller := range []string{"user", "session", "linked", "federated", "root", "service"} {
		c, self, issuer := matrixCaller(caller)
		grades := map[string]policy.Grade{"self": policy.Direct, "account": policy.Account}
		if c.Principal.IssuerARN != "" {
			grades["issuer"] = policy.Role
		}
		limited, identities := limits, []string{"none", "allow", "deny"}
		if caller == "service" { // has no policies of its own, and no account to be delegated to
			limited, identities = limits[:1], identities[:1]
			delete(grades, "account")
		}
		for key, who := range map[string]string{"none": `{"AWS":"777788889999"}`, "self": self, "issuer": issuer, "account": `{"AWS":"` + account + `"}`, "everyone": `"*"`, "deny": `"*"`} {
			effect := "Allow"
			if key == "deny" {
				effect = "Deny"
			}
			ask := &authz.Ask{
				Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:" + account + ":key/k", Rule: policy.ExplicitTrust, CrossAccount: true,
				Policy: statement(policy.KeyPolicy, effect, `"Principal":`+who+`,`, "kms:Encrypt"),
			}
			s := situation{caller: caller, key: key}
			for s.relation, ask.Account = range map[string]string{"same": account, "other": owner} {
				for _, s.identity = range identities {
					for _, s.boundary = range limited {
						for _, s.session = range limited {
							for _, s.scp = range limits {
								for _, s.rcp = range []string{"absent", "elsewhere", "deny"} {
									for _, s.grant = range []string{"none", "self", "issuer", "account"} {
										run(s, c, ask, grades)
									}
								}
							}
						}
					}
				}
			}
		}
	}
	if cases != 138_816 || allowed < cases/20 || allowed > cases/2 {
		t.Errorf("%d cases, %d allowed", cases, allowed)
	}
}
