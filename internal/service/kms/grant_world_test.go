package kms_test

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

const (
	volumeService = "volumes.amazonaws.com"
	sourceX       = "arn:aws:volumes:" + region + ":" + home + ":volume/x"
	sourceY       = "arn:aws:volumes:" + region + ":" + home + ":volume/y"
)

// serviceCaller is a service that calls in its own name.
func (w *world) serviceCaller(name string) *actor {
	a := w.actor(principal.Principal{Kind: principal.Service, Partition: "aws", ARN: name, Name: name})
	a.caller.Policy.Services = []string{name}
	return a
}

// on is the same service calling for a resource of an account.
func (a *actor) on(source, account string) *actor {
	on := *a
	on.source, on.account = source, account
	return &on
}

// via is the same caller with a service acting for it.
func (a *actor) via(service string, beyondUser bool) *actor {
	caller := *a.caller
	caller.Principal.InvokedBy = service
	caller.Via = &authz.Via{
		Registration: &authz.Registration{Name: service, BeyondUser: beyondUser},
		Services:     []string{service},
		Region:       region,
	}
	via := *a
	via.caller = &caller
	return &via
}

// session makes a session of a role, and the role where it is new.
func (w *world) session(account, role, name string, policies ...string) *actor {
	roleARN := "arn:aws:iam::" + account + ":role/" + role
	id := w.people.ids[roleARN]
	if id == "" {
		id = ident.Unique("AROA", 21)
		w.people.ids[roleARN] = id
	}
	p := principal.Principal{
		Kind: principal.RoleSession, Partition: "aws", Account: account, Since: w.now,
		ARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name, ID: id + ":" + name,
		IssuerARN: roleARN, IssuerID: id, IssuerName: role,
	}
	w.people.ids[p.ARN] = id
	a := w.actor(p, policies...)
	a.caller.Policy.IssuerARN, a.caller.Policy.ID = roleARN, id
	return a
}

// machine makes a session of a role that exists by convention.
func (w *world) machine(account, name string) *actor {
	const role = "aws:ec2-infrastructure"
	p := principal.Principal{
		Kind: principal.RoleSession, Partition: "aws", Account: account, Since: w.now,
		ARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name, ID: account + ":" + role + ":" + name,
		IssuerARN: "arn:aws:iam::" + account + ":role/" + role, IssuerID: account + ":" + role, IssuerName: role,
	}
	w.people.ids[p.ARN] = ""
	a := w.actor(p)
	a.caller.Policy.IssuerARN, a.caller.Policy.ID = p.IssuerARN, p.IssuerID
	return a
}

// name is the ARN of the actor, as a grant names it.
func (a *actor) name() string { return a.caller.Principal.ARN }

// grant makes a grant for a grantee.
func (a *actor) grant(key kms.KeyMetadata, grantee string, limits *kms.GrantConstraints, operations ...string) *kms.CreateGrantOutput {
	a.w.t.Helper()
	return must[kms.CreateGrantOutput](a, grantOf(key, grantee, limits, operations...))
}

func grantOf(key kms.KeyMetadata, grantee string, limits *kms.GrantConstraints, operations ...string) *kms.CreateGrantInput {
	return &kms.CreateGrantInput{KeyID: str(key.ARN), GranteePrincipal: str(grantee), Constraints: limits, Operations: operations}
}

// subset and equals make constraints of names and values in turn.
func subset(list ...string) *kms.GrantConstraints {
	return &kms.GrantConstraints{EncryptionContextSubset: contextOf(list...)}
}

func equals(list ...string) *kms.GrantConstraints {
	return &kms.GrantConstraints{EncryptionContextEquals: contextOf(list...)}
}

// from adds a source ARN to a constraint, or makes one of it alone.
func from(k *kms.GrantConstraints, source string) *kms.GrantConstraints {
	if k == nil {
		k = &kms.GrantConstraints{}
	}
	k.SourceARN = str(source)
	return k
}

func contextOf(list ...string) pairs.Map {
	m := make(map[string]string)
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return pairs.Of(m)
}

// dataKey asks for a data key under a context of names and values in turn.
func dataKey(key kms.KeyMetadata, context ...string) any {
	return &kms.GenerateDataKeyInput{KeyID: str(key.ARN), KeySpec: str("AES_256"), EncryptionContext: contextOf(context...)}
}

func encryptUnder(key kms.KeyMetadata, context ...string) any {
	return &kms.EncryptInput{KeyID: str(key.ARN), Plaintext: secret("x"), EncryptionContext: contextOf(context...)}
}

func describe(key kms.KeyMetadata) any { return &kms.DescribeKeyInput{KeyID: str(key.ARN)} }

func retire(key kms.KeyMetadata, grant string) any {
	return &kms.RetireGrantInput{KeyID: str(key.ARN), GrantID: str(grant)}
}

func retireBy(token string) any { return &kms.RetireGrantInput{GrantToken: str(token)} }

func revoke(key kms.KeyMetadata, grant string) any {
	return &kms.RevokeGrantInput{KeyID: str(key.ARN), GrantID: str(grant)}
}

// may and mayNot make calls that are allowed, and that are not.
func (a *actor) may(what string, in any) {
	a.w.t.Helper()
	if _, err := a.do(in); err != nil {
		a.w.t.Errorf("%s: %s: %v", a.name(), what, err)
	}
}

func (a *actor) mayNot(what string, in any) {
	a.w.t.Helper()
	a.fails(what, in, fault.AccessDenied)
}

// fails makes a call that is refused with a code.
func (a *actor) fails(what string, in any, code fault.Code) {
	a.w.t.Helper()
	if out, err := a.do(in); !fault.Is(err, code) {
		a.w.t.Errorf("%s: %s: got %+v and %v, want %s", a.name(), what, out, err, code)
	}
}

// grants lists all grants of a key, by id.
func (a *actor) grants(key kms.KeyMetadata) map[string]kms.GrantListEntry {
	a.w.t.Helper()
	all := make(map[string]kms.GrantListEntry)
	in := &kms.ListGrantsInput{KeyID: str(key.ARN), Limit: optional.Some(100)}
	for {
		out := must[kms.ListGrantsOutput](a, in)
		for _, g := range out.Grants {
			if _, twice := all[g.GrantID]; twice {
				a.w.t.Errorf("grant %s is listed twice", g.GrantID)
			}
			all[g.GrantID] = g
		}
		if !out.Truncated {
			return all
		}
		in.Marker = out.NextMarker
	}
}

// delegated is the default key policy with a statement that lets roles and users
// of another account in, as far as their own policies say.
func delegated(account string) string {
	return keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"}`)
}

// kindsOfConstraint are all ways to limit the same pair.
func kindsOfConstraint() map[string]*kms.GrantConstraints {
	return map[string]*kms.GrantConstraints{
		"none":   nil,
		"subset": subset("a", "1"),
		"equals": equals("a", "1"),
		"source": from(nil, sourceX),
	}
}
