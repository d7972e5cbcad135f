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

func TestUserPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", "")
	get := &iam.GetUserInput{UserName: some("ann")}
	const denied = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111122223333:user/ann "
	refuse(t, ann, "GetUser", get, fault.AccessDenied, denied+"because no identity-based policy allows the iam:GetUser action")

	// Each change is in force when its call is answered.
	document := " \n" + statement("Allow", "iam:GetUser", "*") + "\t"
	w.put("ann", "allow", document)
	do[iam.GetUserOutput](t, ann, "GetUser", get)
	w.put("ann", "deny", statement("Deny", "iam:Get*", "*"))
	refuse(t, ann, "GetUser", get, fault.AccessDenied, denied+"with an explicit deny in an identity-based policy")
	w.put("ann", "deny", statement("Deny", "iam:List*", "*"))
	do[iam.GetUserOutput](t, ann, "GetUser", get)

	got := do[iam.GetUserPolicyOutput](t, w.root(), "GetUserPolicy", &iam.GetUserPolicyInput{UserName: some("ANN"), PolicyName: some("allow")})
	if want := (iam.GetUserPolicyOutput{UserName: "ann", PolicyName: "allow", PolicyDocument: document}); *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	listed := do[iam.ListUserPoliciesOutput](t, w.root(), "ListUserPolicies", &iam.ListUserPoliciesInput{UserName: some("ann")})
	if !slices.Equal(listed.PolicyNames, []string{"allow", "deny"}) || listed.IsTruncated || listed.Marker.Set {
		t.Errorf("got %+v", listed)
	}

	remove := &iam.DeleteUserPolicyInput{UserName: some("ann"), PolicyName: some("allow")}
	do[operation.None](t, w.root(), "DeleteUserPolicy", remove)
	refuse(t, ann, "GetUser", get, fault.AccessDenied, denied+"because no identity-based policy allows the iam:GetUser action")
	refuse(t, w.root(), "DeleteUserPolicy", remove, iam.NoSuchEntity, "The user policy with name allow cannot be found.")
	refuse(t, w.root(), "GetUserPolicy", &iam.GetUserPolicyInput{UserName: some("ann"), PolicyName: some("allow")}, iam.NoSuchEntity, "The user policy with name allow cannot be found.")
}

func TestListUserPoliciesPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	long := strings.Repeat("p", 128)
	names := []string{"a", "b", "c", "d", long}
	for _, name := range names {
		w.put("ann", name, allowAll)
	}
	var got []string
	in := &iam.ListUserPoliciesInput{UserName: some("ann"), MaxItems: optional.Some(2)}
	for _, want := range []int{2, 2, 1} {
		out := do[iam.ListUserPoliciesOutput](t, w.root(), "ListUserPolicies", in)
		if len(out.PolicyNames) != want || out.IsTruncated != out.Marker.Set || out.IsTruncated != (want == 2) {
			t.Fatalf("a page is %+v, want %d names", out, want)
		}
		got = append(got, out.PolicyNames...)
		in.Marker = out.Marker
	}
	if !slices.Equal(got, names) {
		t.Errorf("got %v, want %v", got, names)
	}
	in = &iam.ListUserPoliciesInput{UserName: some("ann"), MaxItems: optional.Some(4)}
	full := do[iam.ListUserPoliciesOutput](t, w.root(), "ListUserPolicies", in)
	do[operation.None](t, w.root(), "DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: some("ann"), PolicyName: some("d")})
	in.Marker = full.Marker
	if out := do[iam.ListUserPoliciesOutput](t, w.root(), "ListUserPolicies", in); !slices.Equal(out.PolicyNames, []string{long}) {
		t.Errorf("behind a deleted name: %v", out.PolicyNames)
	}
	w.put("ann", strings.Repeat("n", 128), allowAll)
	in.MaxItems = optional.Some(4)
	in.Marker = optional.Of[string]{}
	if out := do[iam.ListUserPoliciesOutput](t, w.root(), "ListUserPolicies", in); len(out.Marker.V) > 320 {
		t.Errorf("a marker of %d characters is longer than a request may hold", len(out.Marker.V))
	}
	w.createUser("bob")
	if none := do[iam.ListUserPoliciesOutput](t, w.root(), "ListUserPolicies", &iam.ListUserPoliciesInput{UserName: some("bob")}); none.PolicyNames == nil || len(none.PolicyNames) != 0 {
		t.Errorf("a user without policies: %+v", none)
	}
}

func TestPutUserPolicyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	const (
		one     = "1 validation error detected: "
		null    = " failed to satisfy constraint: Member must not be null"
		letters = " is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
	)
	ann, p := some("ann"), some("p")
	long := strings.Repeat("p", 129)
	tests := []struct {
		about   string
		in      iam.PutUserPolicyInput
		code    fault.Code
		message string
	}{
		{"nothing", iam.PutUserPolicyInput{}, fault.Validation, "3 validation errors detected: Value null at 'userName'" + null + "; Value null at 'policyName'" + null + "; Value null at 'policyDocument'" + null},
		{"slash in policy name", iam.PutUserPolicyInput{UserName: ann, PolicyName: some("a/b"), PolicyDocument: some(allowAll)}, fault.Validation, "The specified value for policyName" + letters},
		{"policy name of 129", iam.PutUserPolicyInput{UserName: ann, PolicyName: some(long), PolicyDocument: some(allowAll)}, fault.Validation, one + "Value at 'policyName' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"empty document", iam.PutUserPolicyInput{UserName: ann, PolicyName: p, PolicyDocument: some("")}, fault.Validation, one + "Value at 'policyDocument' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"control character in document", iam.PutUserPolicyInput{UserName: ann, PolicyName: p, PolicyDocument: some("{\x00}")}, fault.Validation, "The specified value for policyDocument is invalid. It must contain only printable ASCII characters."},
		{"letter beyond Latin-1 in document", iam.PutUserPolicyInput{UserName: ann, PolicyName: p, PolicyDocument: some("\u0100")}, fault.Validation, "The specified value for policyDocument is invalid. It must contain only printable ASCII characters."},
		{"no JSON", iam.PutUserPolicyInput{UserName: ann, PolicyName: p, PolicyDocument: some("{")}, fault.MalformedPolicy, "Syntax errors in policy."},
		{"a principal", iam.PutUserPolicyInput{UserName: ann, PolicyName: p, PolicyDocument: some(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`)}, fault.MalformedPolicy, "Policy document should not specify a principal."},
		{"an unknown user, before a malformed document", iam.PutUserPolicyInput{UserName: some("missing"), PolicyName: p, PolicyDocument: some("{")}, iam.NoSuchEntity, "The user with name missing cannot be found."},
	}
	ran := 0
	for _, tt := range tests {
		_, err := w.root().call("PutUserPolicy", &tt.in)
		checkFault(t, tt.about, err, tt.code, tt.message)
		ran++
	}
	if ran != 9 {
		t.Errorf("%d cases ran, want 9", ran)
	}
	tooLong := strings.Repeat("x", 131073)
	_, err := w.root().call("PutUserPolicy", &iam.PutUserPolicyInput{UserName: ann, PolicyName: p, PolicyDocument: some(tooLong)})
	if !fault.Is(err, fault.Validation) || !strings.HasSuffix(err.Error(), "at 'policyDocument' failed to satisfy constraint: Member must have length less than or equal to 131072") {
		t.Errorf("a document of 131073 characters: %.200v", err)
	}
	nobody := w.actorNamed("nobody", "")
	refuse(t, nobody, "PutUserPolicy", &iam.PutUserPolicyInput{UserName: some("nobody"), PolicyName: p, PolicyDocument: some(allowAll)}, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:PutUserPolicy on resource: arn:aws:iam::111122223333:user/nobody because no identity-based policy allows the iam:PutUserPolicy action")
}

func TestOtherUserPolicyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const null = " failed to satisfy constraint: Member must not be null"
	both := "2 validation errors detected: Value null at 'userName'" + null + "; Value null at 'policyName'" + null
	refuse(t, w.root(), "GetUserPolicy", &iam.GetUserPolicyInput{}, fault.Validation, both)
	refuse(t, w.root(), "DeleteUserPolicy", &iam.DeleteUserPolicyInput{}, fault.Validation, both)
	refuse(t, w.root(), "ListUserPolicies", &iam.ListUserPoliciesInput{}, fault.Validation, "1 validation error detected: Value null at 'userName'"+null)
	missing := "The user with name missing cannot be found."
	nobody := w.actorNamed("nobody", "")
	for name, in := range map[string]any{
		"GetUserPolicy":    &iam.GetUserPolicyInput{UserName: some("missing"), PolicyName: some("p")},
		"DeleteUserPolicy": &iam.DeleteUserPolicyInput{UserName: some("missing"), PolicyName: some("p")},
		"ListUserPolicies": &iam.ListUserPoliciesInput{UserName: some("missing")},
	} {
		refuse(t, w.root(), name, in, iam.NoSuchEntity, missing)
		refuse(t, nobody, name, in, fault.AccessDenied,
			"User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:"+name+" on resource: arn:aws:iam::111122223333:user/missing because no identity-based policy allows the iam:"+name+" action")
	}
}

// sized is a well-formed document of n characters that are no white space.
func sized(t *testing.T, n int) string {
	t.Helper()
	const frame = `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"}]}`
	if n < len(frame) {
		t.Fatalf("no document has %d characters", n)
	}
	return strings.Replace(frame, `"Sid":"`, `"Sid":"`+strings.Repeat("x", n-len(frame)), 1)
}

func TestPutUserPolicyQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	put := func(name, document string) error {
		_, err := w.root().call("PutUserPolicy", &iam.PutUserPolicyInput{UserName: some("ann"), PolicyName: some(name), PolicyDocument: some(document)})
		return err
	}
	const exceeded = "Maximum policy size of 2048 bytes exceeded for user ann"
	checkFault(t, "2049 characters", put("a", sized(t, 2049)), fault.LimitExceeded, exceeded)
	if err := put("a", sized(t, 2048)+strings.Repeat(" \t\r\n", 100)); err != nil {
		t.Errorf("2048 characters and white space: %v", err)
	}
	checkFault(t, "a second policy", put("b", sized(t, 100)), fault.LimitExceeded, exceeded)
	if err := put("a", sized(t, 1948)); err != nil {
		t.Errorf("a smaller policy in place of the first: %v", err)
	}
	if err := put("b", sized(t, 100)); err != nil {
		t.Errorf("2048 characters in two policies: %v", err)
	}
	checkFault(t, "one character more", put("b", sized(t, 101)), fault.LimitExceeded, exceeded)

	// White space counts nothing, and is bounded all the same.
	w.createUser("bob")
	var refused error
	for i := range 20 {
		name := "p" + strings.Repeat("x", i)
		_, err := w.root().call("PutUserPolicy", &iam.PutUserPolicyInput{UserName: some("bob"), PolicyName: some(name), PolicyDocument: some(allowAll + strings.Repeat(" ", 131072-len(allowAll)))})
		if err != nil {
			refused = err
			if i < 2 {
				t.Errorf("%d documents with much white space are refused", i+1)
			}
			break
		}
	}
	checkFault(t, "white space without end", refused, fault.LimitExceeded, "Maximum policy size of 2048 bytes exceeded for user bob")
}
