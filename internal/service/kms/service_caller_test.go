package kms_test

import (
	"slices"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// TestNamesOfServices: bare ids and names of aliases belong to the account for
// which a service calls; without one they name nothing. All accounts are foreign
// to a service: where nothing lets it in it learns nothing.
func TestNamesOfServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	other := owner.createKey()
	owner.createAlias("alias/other", other.KeyID)
	must[kms.CreateGrantOutput](owner.via(volumeService, true), grantOf(key, volumeService, nil, "DescribeKey"))
	service := w.serviceCaller(volumeService)
	ours := service.on(sourceX, home)
	ask := func(name string) any { return &kms.DescribeKeyInput{KeyID: str(name)} }
	for _, name := range []string{key.KeyID, key.ARN, "alias/a", aliasARN("alias/a")} {
		ours.may(name, ask(name))
		w.recorded(`{"keyId":"`+name+`"}`, `null`, `{}`, ofKey(key))
		switch {
		case strings.HasPrefix(name, "arn:"):
			service.may(name, ask(name))
			service.on("", abroad).may(name, ask(name))
		case strings.HasPrefix(name, "alias/"):
			service.refused(ask(name), kms.NotFound, "Invalid keyId '"+name+"'")
			service.on("", abroad).mayNot(name, ask(name))
		default:
			service.refused(ask(name), kms.NotFound, "Invalid keyId '"+name+"'")
			service.on("", abroad).mayNot(name, ask(name))
		}
	}
	const reason = "because no resource-based policy allows the kms:DescribeKey action"
	for _, id := range []string{other.KeyID, nowhere} {
		ours.denied(ask(id), "kms:DescribeKey", keyARN(home, id), reason)
		w.recorded(`{"keyId":"`+id+`"}`, `null`, `{}`, "AWS::KMS::Key "+keyARN(home, id)+" "+home)
		service.denied(ask(keyARN(home, id)), "kms:DescribeKey", keyARN(home, id), reason)
	}
	for _, alias := range []string{"alias/other", "alias/none"} {
		ours.denied(ask(alias), "kms:DescribeKey", aliasARN(alias), reason)
		w.recorded(`{"keyId":"`+alias+`"}`, `null`, `{}`)
		service.denied(ask(aliasARN(alias)), "kms:DescribeKey", aliasARN(alias), reason)
	}
}

// TestWhatServicesMayNot: nothing but policies of keys and grants lets a service
// in. What only policies of identities allow is not for services.
func TestWhatServicesMayNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	fixture, key := prepared(w, owner)
	fixture.Signature, fixture.ImportToken, fixture.Wrapped = []byte("signature"), []byte("token"), []byte("wrapped")
	byARN := fixture
	byARN.Key, byARN.Other = key.ARN, keyARN(home, fixture.Other)
	samples := kmstest.Samples()
	service := w.serviceCaller(volumeService)
	cases := 0
	for name, sample := range samples {
		for _, a := range []*actor{service, service.on(sourceX, home), service.on("", abroad)} {
			for _, f := range []kmstest.Fixture{fixture, byARN} {
				_, err := a.do(sample(f))
				if !fault.Is(err, fault.AccessDenied) && !fault.Is(err, kms.NotFound) {
					t.Errorf("%s by a service: %v", name, err)
				}
				cases++
			}
		}
	}
	if cases != 6*len(samples) || len(samples) < 27 {
		t.Errorf("%d cases, %d samples", cases, len(samples))
	}
	for _, account := range []string{home, ""} {
		service.on("", account).refused(&kms.DeleteAliasInput{AliasName: str("alias/sample")}, kms.NotFound,
			"Alias "+strings.Replace(aliasARN("alias/sample"), home, account, 1)+" is not found.")
	}
}

// TestKeyPolicyOfServices: a key policy lets services in by their names.
func TestKeyPolicyOfServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"Service":"` + volumeService + `"},"Action":["kms:CreateGrant","kms:RevokeGrant","kms:ListGrants","kms:DescribeKey"],"Resource":"*"}`))
	service := w.serviceCaller(volumeService)
	service.may("describe", describe(key))
	grant := must[kms.CreateGrantOutput](service, grantOf(key, home, nil, "Encrypt"))
	out := must[kms.ListGrantsOutput](service, &kms.ListGrantsInput{KeyID: str(key.ARN), Limit: optional.Some(1)})
	if !slices.ContainsFunc(out.Grants, func(g kms.GrantListEntry) bool { return g.GrantID == grant.GrantID }) {
		t.Errorf("listed %+v", out)
	}
	service.done(revoke(key, grant.GrantID))
	w.serviceCaller("other.amazonaws.com").mayNot("describe", describe(key))
}
