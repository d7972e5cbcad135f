package kms_test

import (
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// TestWhoMayRetire is scenario F: who may retire a grant, and who may not.
func TestWhoMayRetire(t *testing.T) {
	t.Parallel()
	const third = "777788889999"
	w := newWorld(t)
	w.people.ids["arn:aws:iam::"+third+":root"] = ""
	owner := w.root(home)
	// The key policy lets everybody retire grants, which has no force.
	key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":"*","Action":"kms:RetireGrant","Resource":"*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"`+abroad+`"},"Action":"kms:CreateGrant","Resource":"*"}`))
	const deny = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:RetireGrant","Resource":"*"}}`
	user := func(account string, policies ...string) *actor { return w.user(account, "u", policies...) }
	allowed := allow("kms:RetireGrant")
	cases := []struct {
		name    string
		issuer  *actor
		grantee string // name, or "self" for the caller
		retirer string
		retires bool // RetireGrant among the operations
		caller  *actor
		want    bool
	}{
		{"F1 retiring user", owner, home, "self", false, user(home), true},
		{"F1 retiring role", owner, home, "role", false, w.session(home, "R", "s"), true},
		{"F1 retiring session", owner, home, "self", false, w.session(home, "R", "s"), true},
		{"F1 retiring machine", owner, home, "self", false, w.machine(home, "i-1"), true},
		{"F1 retiring user abroad", owner, home, "self", false, user(abroad), true},
		{"F1 retiring role abroad", owner, home, "role", false, w.session(abroad, "R", "s"), true},
		{"retiring account abroad, its root", owner, home, abroad, false, w.root(abroad), true},
		{"retiring account abroad, delegated", owner, home, abroad, false, user(abroad, allowed), true},
		{"retiring account abroad, not delegated", owner, home, abroad, false, user(abroad), false},
		{"F2 grantee", owner, "self", "", true, user(home), true},
		{"F2 grantee abroad", owner, "self", "", true, user(abroad), true},
		{"F2 grantee account, delegated", owner, abroad, "", true, user(abroad, allowed), true},
		{"F2 grantee account, not delegated", owner, abroad, "", true, user(abroad), false},
		{"F3 grantee without RetireGrant", owner, "self", "", false, user(home), false},
		{"F3 grantee abroad, with its own permission", owner, "self", "", false, user(abroad, allowed), false},
		{"F4 third account", owner, home, "", true, user(third, allowed), false},
		{"F4 root of a third account", owner, home, "", true, w.root(third), false},
		{"F5 owner's account, delegated", owner, home, "", false, user(home, allowed), true},
		{"owner's account, not delegated", owner, home, "", false, user(home), false},
		{"owner's root", owner, home, "", false, owner, true},
		{"owner's root, of another issuer", w.root(abroad), home, "", false, owner, true},
		{"issuer's root", w.root(abroad), home, "", false, w.root(abroad), true},
		{"issuer's account, delegated", w.root(abroad), home, "", false, user(abroad, allowed), true},
		{"issuer's account, not delegated", w.root(abroad), home, "", false, user(abroad), false},
		{"root of an account that could issue", owner, home, "", false, w.root(abroad), false},
		{"F6 retiring principal with a Deny", owner, home, "self", false, user(home, deny), false},
		{"F6 retiring principal abroad with a Deny", owner, home, "self", false, user(abroad, deny, allowed), false},
		{"F6 owner's account with a Deny", owner, home, "", false, user(home, deny, everything), false},
		{"session of another name", owner, home, "arn:aws:sts::" + home + ":assumed-role/R/other", false, w.session(home, "R", "s"), false},
	}
	w.session(home, "R", "other")
	for _, c := range cases {
		named := func(text string) string {
			switch text {
			case "self":
				return c.caller.name()
			case "role":
				return c.caller.caller.Principal.IssuerARN
			}
			return text
		}
		for p := range map[string]bool{"token": true, "ids": true} {
			w.people.ids[c.caller.name()] = boundID(c.caller)
			in := grantOf(key, named(c.grantee), subset("a", "1"), "Encrypt")
			if c.retirer != "" {
				in.RetiringPrincipal = str(named(c.retirer))
			}
			if c.retires {
				in.Operations = append(in.Operations, "RetireGrant")
			}
			grant := must[kms.CreateGrantOutput](c.issuer, in)
			call := &kms.RetireGrantInput{KeyID: str(key.ARN), GrantID: str(grant.GrantID)}
			if p == "token" {
				call = &kms.RetireGrantInput{GrantToken: str(grant.GrantToken)}
			}
			dry := *call
			dry.DryRun = optional.Some(true)
			if c.want {
				c.caller.fails(c.name+", dry", &dry, fault.DryRunOperation)
				c.caller.may(c.name, call)
			} else {
				c.caller.mayNot(c.name+", dry", &dry)
				c.caller.mayNot(c.name, call)
			}
			if _, there := owner.grants(key)[grant.GrantID]; there == c.want {
				t.Errorf("%s, by %s: the grant is there: %t", c.name, p, there)
			}
		}
	}
	if len(cases) != 29 {
		t.Errorf("%d cases", len(cases))
	}
}

// boundID is what the name of an actor is bound to.
func boundID(a *actor) string {
	id, _, _ := strings.Cut(a.caller.Principal.ID, ":")
	if !strings.HasPrefix(id, "A") {
		return ""
	}
	return id
}

// Services retire grants in their own name, and their users through them.
func TestServicesRetire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	service, other := w.serviceCaller(volumeService), w.serviceCaller("other.amazonaws.com")
	make := func() *kms.CreateGrantOutput {
		in := grantOf(key, volumeService, nil, "Encrypt")
		in.RetiringPrincipal = str("volumes." + region + ".amazonaws.com")
		return must[kms.CreateGrantOutput](owner.via(volumeService, true), in)
	}
	grant := make()
	service.may("encrypt", encryptUnder(key))
	other.mayNot("retire", retire(key, grant.GrantID))
	other.mayNot("retire", retireBy(grant.GrantToken))
	service.done(retire(key, grant.GrantID))
	w.recorded(`null`, `{"keyId":"`+key.ARN+`"}`, `{"grantId":"`+grant.GrantID+`"}`, ofKey(key))
	service.mayNot("encrypt", encryptUnder(key))
	service.refused(retire(key, grant.GrantID), kms.NotFound, "Grant ID "+grant.GrantID+" not found")
	service.done(retireBy(make().GrantToken))
	owner.via(volumeService, false).done(retire(key, make().GrantID))
}

// TestRetireRecords: what the record shows, and to whom.
func TestRetireRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, retirer := w.root(home), w.user(abroad, "retirer")
	stranger := w.user(abroad, "stranger", everything)
	key := owner.createKey()
	make := func() *kms.CreateGrantOutput {
		in := grantOf(key, home, nil, "Encrypt")
		in.RetiringPrincipal = str(retirer.name())
		return must[kms.CreateGrantOutput](owner, in)
	}
	shown := func(grant *kms.CreateGrantOutput) string { return `{"grantId":"` + grant.GrantID + `"}` }
	grant := make()
	const reason = "because no resource-based policy allows the kms:RetireGrant action"
	stranger.denied(retire(key, grant.GrantID), "kms:RetireGrant", key.ARN, reason)
	w.recorded(`null`, `null`, shown(grant), ofKey(key))
	stranger.denied(retireBy(grant.GrantToken), "kms:RetireGrant", "*", reason)
	w.recorded(`null`, `null`, `{}`)
	dry := retireBy(grant.GrantToken).(*kms.RetireGrantInput)
	dry.DryRun = optional.Some(true)
	retirer.fails("dry", dry, fault.DryRunOperation)
	w.recorded(`null`, `null`, shown(grant), ofKey(key))
	retirer.done(retireBy(grant.GrantToken))
	w.recorded(`null`, `{"keyId":"`+key.ARN+`"}`, shown(grant), ofKey(key))
	grant = make()
	retirer.done(retire(key, grant.GrantID))
	w.recorded(`null`, `{"keyId":"`+key.ARN+`"}`, shown(grant), ofKey(key))
	grant = make()
	owner.done(&kms.RetireGrantInput{KeyID: str(key.KeyID), GrantID: str(grant.GrantID)})
	w.recorded(`null`, `{"keyId":"`+key.ARN+`"}`, shown(grant), ofKey(key))
}

// TestMissingGrants: in the account of the key, and to services, a grant that is
// missing is not found; nobody else can tell it from one that is there.
func TestMissingGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	there, gone := owner.grant(key, home, nil, "Encrypt"), owner.grant(key, home, nil, "Encrypt")
	owner.done(revoke(key, gone.GrantID))
	never := strings.Repeat("0", 64)
	missing := func(id string) string { return "Grant ID " + id + " not found" }
	for _, a := range []*actor{owner, w.user(home, "nobody"), w.serviceCaller(volumeService)} {
		a.refused(retire(key, gone.GrantID), kms.NotFound, missing(gone.GrantID))
		a.refused(retire(key, never), kms.NotFound, missing(never))
		a.refused(retireBy(gone.GrantToken), kms.NotFound, missing(gone.GrantID))
	}
	// A service can't tell a key without the grant from one that does not exist.
	w.serviceCaller(volumeService).refused(&kms.RetireGrantInput{KeyID: str(keyARN(home, nowhere)), GrantID: str(never)}, kms.NotFound, missing(never))
	owner.refused(revoke(key, gone.GrantID), kms.NotFound, missing(gone.GrantID))
	w.user(home, "nobody").mayNot("revoke what is missing", revoke(key, gone.GrantID))
	spying := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:RetireGrant","Resource":"*","Condition":{"Null":{"kms:GrantConstraintType":"true"}}}}`
	const reason = "because no resource-based policy allows the kms:RetireGrant action"
	for _, a := range []*actor{w.root(abroad), w.user(abroad, "u", everything), w.user(abroad, "spy", spying)} {
		for _, grant := range []*kms.CreateGrantOutput{there, gone} {
			a.denied(retire(key, grant.GrantID), "kms:RetireGrant", key.ARN, reason)
			w.recorded(`null`, `null`, `{"grantId":"`+grant.GrantID+`"}`, ofKey(key))
			a.denied(retireBy(grant.GrantToken), "kms:RetireGrant", "*", reason)
			w.recorded(`null`, `null`, `{}`)
		}
	}
}

// TestNamingAGrant: what does not name one grant in one way is refused.
func TestNamingAGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	grant := owner.grant(key, home, nil, "Encrypt")
	none := optional.Of[string]{}
	const either = "Specify either a grant token or both a key ID and a grant ID."
	cases := 0
	for _, token := range []optional.Of[string]{none, str(grant.GrantToken)} {
		for _, k := range []optional.Of[string]{none, str(key.KeyID)} {
			for _, id := range []optional.Of[string]{none, str(grant.GrantID)} {
				if token.Set && !k.Set && !id.Set || !token.Set && k.Set && id.Set {
					continue
				}
				owner.refused(&kms.RetireGrantInput{GrantToken: token, KeyID: k, GrantID: id}, fault.Validation, either)
				cases++
			}
		}
	}
	if cases != 6 {
		t.Errorf("%d cases", cases)
	}
	for _, id := range []string{"g", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.ToUpper(grant.GrantID[:63] + "a"), grant.GrantID[:63] + "g"} {
		owner.refused(retire(key, id), kms.InvalidGrantID, "Invalid grantId '"+id+"'")
		owner.refused(revoke(key, id), kms.InvalidGrantID, "Invalid grantId '"+id+"'")
		owner.refused(&kms.ListGrantsInput{KeyID: str(key.KeyID), GrantID: str(id)}, kms.InvalidGrantID, "Invalid grantId '"+id+"'")
	}
	long := strings.Repeat("0", 129)
	owner.fails("too long for the model", revoke(key, long), fault.Validation)
	owner.refused(&kms.RevokeGrantInput{}, fault.Validation, "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: "+
		"Member must not be null; Value null at 'grantId' failed to satisfy constraint: Member must not be null")
	owner.refused(retireBy("garbage"), kms.InvalidGrantToken, "The grant token is not valid.")
	elsewhere := newWorld(t).root(home)
	elsewhere.refused(retireBy(grant.GrantToken), kms.InvalidGrantToken, "The grant token is not valid.")
	const nothing = "The grant of the grant token does not exist."
	owner.refused(retireBy(w.service.TokenOf("us-east-1", key.KeyID, grant.GrantID)), kms.NotFound, nothing)
	owner.refused(retireBy(w.service.TokenOf(region, nowhere, grant.GrantID)), kms.NotFound, nothing)
	w.state(key.KeyID, "PendingDeletion")
	owner.done(revoke(key, grant.GrantID))
}

// TestRevoke: who may revoke, by which key, and what the record shows.
func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	key, other := owner.createKey(delegated(abroad)), owner.createKey()
	grant := owner.grant(key, ann.name(), nil, "Encrypt", "RetireGrant")
	ann.denied(revoke(key, grant.GrantID), "kms:RevokeGrant", key.ARN, noIdentity("kms:RevokeGrant"))
	owner.refused(revoke(other, grant.GrantID), kms.NotFound, "Grant ID "+grant.GrantID+" not found")
	dry := revoke(key, grant.GrantID).(*kms.RevokeGrantInput)
	dry.DryRun = optional.Some(true)
	owner.refused(dry, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	w.recorded(`{"keyId":"`+key.ARN+`","grantId":"`+grant.GrantID+`","dryRun":true}`, `null`, `{}`, ofKey(key))
	ann.mayNot("dry", dry)
	ann.may("still encrypt", encryptUnder(key))
	w.user(home, "admin", allow("kms:RevokeGrant")).done(&kms.RevokeGrantInput{KeyID: str(key.KeyID), GrantID: str(grant.GrantID)})
	w.recorded(`{"keyId":"`+key.KeyID+`","grantId":"`+grant.GrantID+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	ann.mayNot("encrypt", encryptUnder(key))
	grant = owner.grant(key, ann.name(), nil, "Encrypt")
	w.user(abroad, "admin", allow("kms:RevokeGrant")).done(revoke(key, grant.GrantID))
}

// No text but a token of ours opens.
func FuzzGrantToken(f *testing.F) {
	w := newWorld(f)
	owner := w.root(home)
	key := owner.createKey()
	token := owner.grant(key, home, nil, "Encrypt").GrantToken
	for _, seed := range []string{"", "A", token, token[:len(token)-1], token + "A", strings.ToLower(token), token + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		owner := owner.within(t)
		_, err := owner.do(&kms.DescribeKeyInput{KeyID: str(key.KeyID), GrantTokens: []string{text}})
		if known := text == token; known != (err == nil) || !known && !fault.Is(err, kms.InvalidGrantToken) && !fault.Is(err, fault.Validation) {
			t.Errorf("token %q: %v", text, err)
		}
	})
}
