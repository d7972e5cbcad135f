package iam_test

import (
	"slices"
	"strings"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func (w *world) putRolePolicy(name, policyName, document string) error {
	_, err := w.root().call("PutRolePolicy", &iam.PutRolePolicyInput{
		RoleName: some(name), PolicyName: some(policyName), PolicyDocument: some(document),
	})
	return err
}

func TestRolePolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	document := " \n" + allowAll + "\t"
	for _, name := range []string{"b", "a", strings.Repeat("p", 128)} {
		if err := w.putRolePolicy("R", name, document); err != nil {
			t.Fatal(err)
		}
	}
	got := do[iam.GetRolePolicyOutput](t, w.root(), "GetRolePolicy", &iam.GetRolePolicyInput{RoleName: some("R"), PolicyName: some("a")})
	if want := (iam.GetRolePolicyOutput{RoleName: "r", PolicyName: "a", PolicyDocument: document}); *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}

	in := &iam.ListRolePoliciesInput{RoleName: some("r"), MaxItems: optional.Some(2)}
	first := do[iam.ListRolePoliciesOutput](t, w.root(), "ListRolePolicies", in)
	if !slices.Equal(first.PolicyNames, []string{"a", "b"}) || !first.IsTruncated || len(first.Marker.V) > 320 {
		t.Errorf("the first page is %+v", first)
	}
	in.Marker = first.Marker
	second := do[iam.ListRolePoliciesOutput](t, w.root(), "ListRolePolicies", in)
	if !slices.Equal(second.PolicyNames, []string{strings.Repeat("p", 128)}) || second.IsTruncated || second.Marker.Set {
		t.Errorf("the second page is %+v", second)
	}
	w.createRole("s")
	refuse(t, w.root(), "ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: some("s"), Marker: first.Marker}, fault.Validation, "Invalid Marker.")
	if none := do[iam.ListRolePoliciesOutput](t, w.root(), "ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: some("s")}); none.PolicyNames == nil || len(none.PolicyNames) != 0 {
		t.Errorf("a role without policies: %+v", none)
	}

	const missing = "The role policy with name a cannot be found."
	remove := &iam.DeleteRolePolicyInput{RoleName: some("r"), PolicyName: some("a")}
	do[operation.None](t, w.root(), "DeleteRolePolicy", remove)
	refuse(t, w.root(), "DeleteRolePolicy", remove, iam.NoSuchEntity, missing)
	refuse(t, w.root(), "GetRolePolicy", &iam.GetRolePolicyInput{RoleName: some("r"), PolicyName: some("a")}, iam.NoSuchEntity, missing)
}

func TestPutRolePolicyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	const principals = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	tests := []struct {
		name, document string
		code           fault.Code
		message        string
	}{
		{"a/b", allowAll, fault.Validation, "The specified value for policyName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{strings.Repeat("p", 129), allowAll, fault.Validation, "1 validation error detected: Value at 'policyName' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"p", "{\x00}", fault.Validation, "The specified value for policyDocument is invalid. It must contain only printable ASCII characters."},
		{"p", "{", fault.MalformedPolicy, "Syntax errors in policy."},
		{"p", principals, fault.MalformedPolicy, "Policy document should not specify a principal."},
		{"p", sized(t, 10241), fault.LimitExceeded, "Maximum policy size of 10240 bytes exceeded for role r"},
	}
	ran := 0
	for _, tt := range tests {
		checkFault(t, tt.name, w.putRolePolicy("r", tt.name, tt.document), tt.code, tt.message)
		ran++
	}
	if ran != 6 {
		t.Errorf("%d cases ran, want 6", ran)
	}
	if listed := do[iam.ListRolePoliciesOutput](t, w.root(), "ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: some("r")}); len(listed.PolicyNames) != 0 {
		t.Errorf("refused policies were put: %v", listed.PolicyNames)
	}
}

func TestPutRolePolicyQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	const exceeded = "Maximum policy size of 10240 bytes exceeded for role r"
	if err := w.putRolePolicy("r", "a", sized(t, 10240)+strings.Repeat(" \t\r\n", 100)); err != nil {
		t.Errorf("10240 characters and white space: %v", err)
	}
	checkFault(t, "a second policy", w.putRolePolicy("r", "b", sized(t, 100)), fault.LimitExceeded, exceeded)
	if err := w.putRolePolicy("r", "a", sized(t, 10140)); err != nil {
		t.Errorf("a smaller policy in place of the first: %v", err)
	}
	if err := w.putRolePolicy("r", "b", sized(t, 100)); err != nil {
		t.Errorf("10240 characters in two policies: %v", err)
	}
	checkFault(t, "one character more", w.putRolePolicy("r", "b", sized(t, 101)), fault.LimitExceeded, exceeded)

	// White space counts nothing, and is bounded all the same.
	w.createRole("wide")
	var refused error
	for i := 0; i < 20 && refused == nil; i++ {
		refused = w.putRolePolicy("wide", "p"+strings.Repeat("x", i), allowAll+strings.Repeat(" ", 131072-len(allowAll)))
	}
	checkFault(t, "white space without end", refused, fault.LimitExceeded, "Maximum policy size of 10240 bytes exceeded for role wide")
}
