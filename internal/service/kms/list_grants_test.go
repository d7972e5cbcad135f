package kms_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// TestListGrants: filters, alone and together.
func TestListGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann, bob := w.root(home), w.user(home, "ann"), w.user(home, "bob")
	key, other := owner.createKey(delegated(abroad)), owner.createKey()
	ids := make(map[string]string)
	for name, grantee := range map[string]string{"ann 1": ann.name(), "ann 2": ann.name(), "bob": bob.name(), "id": home, "root": arn.Root("aws", home)} {
		ids[name] = owner.grant(key, grantee, nil, "Encrypt").GrantID
	}
	owner.grant(other, ann.name(), nil, "Encrypt")
	list := func(a *actor, change func(in *kms.ListGrantsInput)) []string {
		in := &kms.ListGrantsInput{KeyID: str(key.ARN)}
		change(in)
		out := must[kms.ListGrantsOutput](a, in)
		var got []string
		for _, g := range out.Grants {
			for name, id := range ids {
				if id == g.GrantID {
					got = append(got, name)
				}
			}
		}
		if len(got) != len(out.Grants) || out.Truncated || out.NextMarker.Set {
			t.Errorf("%+v", out)
		}
		slices.Sort(got)
		return got
	}
	same := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	all := slices.Sorted(maps.Keys(ids))
	same("no filter", list(owner, func(*kms.ListGrantsInput) {}), all...)
	w.recorded(`{"keyId":"`+key.ARN+`"}`, `null`, `{}`, ofKey(key))
	same("no filter, by another account", list(w.user(abroad, "u", allow("kms:ListGrants")), func(*kms.ListGrantsInput) {}), all...)
	same("ann", list(owner, func(in *kms.ListGrantsInput) { in.GranteePrincipal = str(ann.name()) }), "ann 1", "ann 2")
	w.recorded(`{"keyId":"`+key.ARN+`","granteePrincipal":"`+ann.name()+`"}`, `null`, `{}`, ofKey(key))
	same("the account's id", list(owner, func(in *kms.ListGrantsInput) { in.GranteePrincipal = str(home) }), "id")
	same("nobody", list(owner, func(in *kms.ListGrantsInput) { in.GranteePrincipal = str("nobody") }))
	same("a grant", list(owner, func(in *kms.ListGrantsInput) { in.GrantID = str(ids["ann 2"]) }), "ann 2")
	w.recorded(`{"keyId":"`+key.ARN+`","grantId":"`+ids["ann 2"]+`"}`, `null`, `{}`, ofKey(key))
	same("a grant of ann", list(owner, func(in *kms.ListGrantsInput) { in.GrantID, in.GranteePrincipal = str(ids["ann 2"]), str(ann.name()) }), "ann 2")
	same("a grant of bob", list(owner, func(in *kms.ListGrantsInput) { in.GrantID, in.GranteePrincipal = str(ids["ann 2"]), str(bob.name()) }))
	same("no grant", list(owner, func(in *kms.ListGrantsInput) { in.GrantID = str(strings.Repeat("0", 64)) }))
	ann.denied(&kms.ListGrantsInput{KeyID: str(key.ARN)}, "kms:ListGrants", key.ARN, noIdentity("kms:ListGrants"))

	both := &kms.ListGrantsInput{KeyID: str(key.ARN), GranteePrincipal: str(home), GranteeServicePrincipal: str(volumeService)}
	owner.refused(both, fault.Validation, "Only one of GranteePrincipal and GranteeServicePrincipal can be specified.")
	both.GranteePrincipal = optional.Of[string]{}
	owner.refused(both, fault.Validation, "GranteeServicePrincipal can only be used by service principals.")
	owner.via(volumeService, true).fails("through a service", both, fault.Validation)
}

// Without a limit a page has 50.
func TestGrantPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	for range 51 {
		in := grantOf(key, home, nil, "Encrypt")
		in.RetiringPrincipal = str(home)
		must[kms.CreateGrantOutput](owner, in)
	}
	out := must[kms.ListGrantsOutput](owner, &kms.ListGrantsInput{KeyID: str(key.ARN)})
	retirable := must[kms.ListRetirableGrantsOutput](owner, &kms.ListRetirableGrantsInput{RetiringPrincipal: str(home)})
	if len(out.Grants) != 50 || !out.Truncated || len(retirable.Grants) != 50 || !retirable.Truncated {
		t.Errorf("pages of %d and %d", len(out.Grants), len(retirable.Grants))
	}
	if n := len(owner.grants(key)); n != 51 {
		t.Errorf("%d grants", n)
	}
}

// TestServiceGrants: grants to a service stand in the members that they were
// made with, and services find their own.
func TestServiceGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"Service":"` + volumeService + `"},"Action":"kms:ListGrants","Resource":"*"}`))
	through := owner.via(volumeService, true)
	service := w.serviceCaller(volumeService)
	made := must[kms.CreateGrantOutput](through, &kms.CreateGrantInput{
		KeyID: str(key.ARN), Operations: []string{"Encrypt", "DescribeKey"}, Constraints: from(subset("a", "1"), sourceX),
		GranteeServicePrincipal: str(volumeService), RetiringServicePrincipal: str(volumeService),
	}).GrantID
	w.recorded(`{"keyId":"`+key.ARN+`","granteeServicePrincipal":"`+volumeService+`","retiringServicePrincipal":"`+volumeService+`",
		"operations":["Encrypt","DescribeKey"],"constraints":{"encryptionContextSubset":{"a":"1"},"sourceArn":"`+sourceX+`"}}`,
		`{"grantId":"`+made+`","keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	plain := must[kms.CreateGrantOutput](through, grantOf(key, volumeService, nil, "Decrypt")).GrantID
	ids := make(map[string]bool)
	for range 2 { // the member counts where a name is repeated
		in := grantOf(key, home, from(nil, sourceX), "Decrypt")
		in.Name, in.RetiringPrincipal = str("n"), str(volumeService)
		ids[must[kms.CreateGrantOutput](through, in).GrantID] = true
		in.RetiringPrincipal, in.RetiringServicePrincipal = optional.Of[string]{}, str(volumeService)
		ids[must[kms.CreateGrantOutput](through, in).GrantID] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d grants of a name", len(ids))
	}

	got := owner.grants(key)[made]
	if got.GranteePrincipal.Set || got.RetiringPrincipal.Set || got.GranteeServicePrincipal.V != volumeService || got.RetiringServicePrincipal.V != volumeService {
		t.Errorf("listed as %+v", got)
	}
	if got := owner.grants(key)[plain]; got.GranteePrincipal.V != volumeService || got.GranteeServicePrincipal.Set || got.RetiringPrincipal.Set {
		t.Errorf("listed as %+v", got)
	}
	for _, filter := range []struct {
		in   kms.ListGrantsInput
		want string
	}{
		{kms.ListGrantsInput{GranteeServicePrincipal: str(volumeService)}, made},
		{kms.ListGrantsInput{GranteePrincipal: str(volumeService)}, plain},
	} {
		filter.in.KeyID = str(key.ARN)
		if out := must[kms.ListGrantsOutput](service, &filter.in); len(out.Grants) != 1 || out.Grants[0].GrantID != filter.want {
			t.Errorf("%+v: %+v", filter.in, out)
		}
	}

	// Scenario G: the grant holds for one resource, under its context.
	service.on(sourceX, home).may("G3", encryptUnder(key, "a", "1"))
	service.on(sourceX, "").may("G3", encryptUnder(key, "a", "1", "b", "2"))
	service.on(sourceY, home).mayNot("G4", encryptUnder(key, "a", "1"))
	service.mayNot("G4", encryptUnder(key, "a", "1"))
	service.on(sourceX, home).mayNot("G5", encryptUnder(key))
	w.serviceCaller("other.amazonaws.com").on(sourceX, home).mayNot("another service", encryptUnder(key, "a", "1"))
}

// TestListRetirableGrants: whose grants are listed, to whom.
func TestListRetirableGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, foreigner := w.root(home), w.root(abroad)
	ann, role := w.user(abroad, "ann"), w.session(abroad, "R", "s")
	key, other := owner.createKey(), foreigner.createKey()
	make := func(by *actor, key kms.KeyMetadata, retirer string) string {
		in := grantOf(key, by.caller.Principal.Account, nil, "Encrypt")
		in.RetiringPrincipal = str(retirer)
		return must[kms.CreateGrantOutput](by, in).GrantID
	}
	roleARN := role.caller.Principal.IssuerARN
	want := map[string][]string{
		ann.name():  {make(owner, key, ann.name()), make(foreigner, other, ann.name())},
		roleARN:     {make(owner, key, roleARN)},
		role.name(): {make(owner, key, role.name())},
		abroad:      {make(owner, key, abroad), make(owner, key, arn.Root("aws", abroad))},
	}
	want[arn.Root("aws", abroad)] = want[abroad]
	owner.grant(key, abroad, nil, "Encrypt")
	for retirer, ids := range want {
		in := &kms.ListRetirableGrantsInput{RetiringPrincipal: str(retirer)}
		out := must[kms.ListRetirableGrantsOutput](foreigner, in)
		w.recorded(`{"retiringPrincipal":"`+retirer+`"}`, `null`, `{}`)
		var got []string
		for _, g := range out.Grants {
			if g.KeyID != key.ARN && g.KeyID != other.ARN || !g.RetiringPrincipal.Set {
				t.Errorf("listed %+v", g)
			}
			got = append(got, g.GrantID)
		}
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			t.Errorf("of %s: %q, want %q", retirer, got, ids)
		}
		resource := retirer
		if retirer == abroad {
			resource = arn.Root("aws", abroad)
		}
		owner.denied(in, "kms:ListRetirableGrants", resource, noResource("kms:ListRetirableGrants"))
		ann.denied(in, "kms:ListRetirableGrants", resource, noIdentity("kms:ListRetirableGrants"))
		onlyThis := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:ListRetirableGrants","Resource":"` + resource + `"}}`
		w.user(abroad, "reader", onlyThis).may("by its resource", in)
	}
	foreigner.refused(&kms.ListRetirableGrantsInput{RetiringPrincipal: str("arn:aws:iam::" + abroad + ":user/none")},
		kms.InvalidARN, "Invalid principal: arn:aws:iam::"+abroad+":user/none")
	foreigner.refused(&kms.ListRetirableGrantsInput{RetiringPrincipal: str("ann")}, kms.InvalidARN, "Invalid principal: ann")
	const one = "Exactly one of RetiringPrincipal and RetiringServicePrincipal is required."
	foreigner.refused(&kms.ListRetirableGrantsInput{}, fault.Validation, one)
	foreigner.refused(&kms.ListRetirableGrantsInput{RetiringPrincipal: str(abroad), RetiringServicePrincipal: str(volumeService)}, fault.Validation, one)

	// A namesake has nothing to retire.
	w.user(abroad, "ann")
	if out := must[kms.ListRetirableGrantsOutput](foreigner, &kms.ListRetirableGrantsInput{RetiringPrincipal: str(ann.name())}); len(out.Grants) != 0 {
		t.Errorf("a namesake could retire %+v", out.Grants)
	}
}

// Services list what they may retire themselves, and nobody else lists that.
func TestServicesListRetirableGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	service, other := w.serviceCaller(volumeService), w.serviceCaller("other.amazonaws.com")
	in := grantOf(key, home, nil, "Encrypt")
	in.RetiringPrincipal = str(volumeService)
	plain := must[kms.CreateGrantOutput](owner.via(volumeService, true), in).GrantID
	in.RetiringPrincipal, in.RetiringServicePrincipal = optional.Of[string]{}, str("volumes."+region+".amazonaws.com")
	special := must[kms.CreateGrantOutput](owner.via(volumeService, true), in).GrantID
	want := []string{plain, special}
	slices.Sort(want)
	for _, name := range []string{volumeService, "volumes." + region + ".amazonaws.com"} {
		ask := &kms.ListRetirableGrantsInput{RetiringServicePrincipal: str(name)}
		out := must[kms.ListRetirableGrantsOutput](service, ask)
		if len(out.Grants) != 2 || out.Grants[0].GrantID != want[0] || out.Grants[1].GrantID != want[1] {
			t.Errorf("%+v, want %q", out.Grants, want)
		}
		other.mayNot("list", ask)
		owner.refused(ask, fault.Validation, "RetiringServicePrincipal can only be used by service principals.")
	}
	for _, a := range []*actor{service, service.on(sourceX, home)} {
		a.mayNot("list those of an account", &kms.ListRetirableGrantsInput{RetiringPrincipal: str(home)})
	}
	owner.refused(&kms.ListRetirableGrantsInput{RetiringPrincipal: str(volumeService)}, kms.InvalidARN, "Invalid principal: "+volumeService)
}
