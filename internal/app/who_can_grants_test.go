package app

import (
	"strings"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/policies"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// TestWhoCanByGrants: grants to principals of every form let in whom they name, and
// no namesake.
func TestWhoCanByGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.caller(owner)
	w.caller(stranger)
	role := func(name string) {
		w.must(root, "iam:CreateRole", &iam.CreateRoleInput{RoleName: optional.Some(name), AssumeRolePolicyDocument: optional.Some(sampleTrust)})
	}
	role("worker")
	role("helper")
	w.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some("gone")})
	w.must(w.caller(stranger), "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some("far")})
	id := w.key()
	key := "arn:aws:kms:us-east-1:" + owner + ":key/" + id
	w.must(root, "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: optional.Some(id), Policy: optional.Some(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + owner + `"},"NotAction":"kms:Decrypt","Resource":"*"}}`)})
	for _, to := range []string{
		"arn:aws:iam::" + owner + ":role/worker",
		"arn:aws:sts::" + owner + ":assumed-role/helper/night",
		"arn:aws:iam::" + owner + ":user/gone",
		"arn:aws:iam::" + stranger + ":root",
	} {
		w.must(root, "kms:CreateGrant", &kms.CreateGrantInput{KeyID: optional.Some(id), GranteePrincipal: optional.Some(to), Operations: []string{"Decrypt"}})
	}
	w.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: optional.Some("gone")})
	w.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some("gone")})
	var got []string
	for _, h := range operated[policies.WhoCanOutput](t, w, "WhoCan", policies.WhoCanInput{Action: "kms:Decrypt", Resource: key}).Holders {
		got = append(got, h.Kind+" "+h.Principal)
		if len(h.Through) != 1 || !strings.HasPrefix(h.Through[0], "grant ") || len(h.If)+len(h.Unless) > 0 {
			t.Errorf("%+v", h)
		}
	}
	want := "role arn:aws:iam::111122223333:role/worker, session arn:aws:sts::111122223333:assumed-role/helper/night, root arn:aws:iam::444455556666:root"
	for _, one := range strings.Split(want, ", ") {
		if !strings.Contains(strings.Join(got, ", "), one) {
			t.Errorf("%s is not among %v", one, got)
		}
	}
	if len(got) != 3 {
		t.Errorf("got %v", got)
	}
	w.must(root, "kms:CreateAlias", &kms.CreateAliasInput{AliasName: optional.Some("alias/work"), TargetKeyID: optional.Some(id)})
	alias := "arn:aws:kms:us-east-1:" + owner + ":alias/work"
	if n := len(operated[policies.WhoCanOutput](t, w, "WhoCan", policies.WhoCanInput{Action: "kms:Decrypt", Resource: alias}).Holders); n != 3 {
		t.Errorf("%d by the alias", n)
	}
	if n := len(operated[policies.WhoCanOutput](t, w, "WhoCan", policies.WhoCanInput{Action: "kms:DeleteAlias", Resource: alias}).Holders); n != 1 {
		t.Errorf("%d could delete the alias, and not the root user alone", n)
	}
	if holders := operated[policies.WhoCanOutput](t, w, "WhoCan", policies.WhoCanInput{Action: "sts:AssumeRole", Resource: "arn:aws:iam::" + owner + ":role/worker"}).Holders; len(holders) == 0 {
		t.Error("nobody can assume the role")
	}
}

// TestGrantsThatPrintAlike: two constraints that would read the same without quotes
// give different things.
func TestGrantsThatPrintAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root, id := w.caller(owner), w.key()
	for _, context := range []pairs.Map{{{Key: "a b", Value: "c"}}, {{Key: "a", Value: "b c"}}} {
		w.must(root, "kms:CreateGrant", &kms.CreateGrantInput{
			KeyID: optional.Some(id), GranteePrincipal: optional.Some("arn:aws:iam::" + stranger + ":root"), Operations: []string{"Decrypt"},
			Constraints: &kms.GrantConstraints{EncryptionContextEquals: context},
		})
	}
	for _, f := range operated[policies.LintPoliciesOutput](t, w, "LintPolicies", policies.LintPoliciesInput{}).Found {
		if f.Code == "duplicate-grant" {
			t.Errorf("%+v", f)
		}
	}
	if n := len(operated[policies.WhoCanOutput](t, w, "WhoCan", policies.WhoCanInput{Action: "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:" + owner + ":key/" + id}).Holders); n == 0 {
		t.Error("nobody is let in by either")
	}
}
