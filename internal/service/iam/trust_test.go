package iam_test

import (
	"net/netip"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// trusts reports whether a role's trust policy alone lets a caller in.
func (w *world) trusts(role string, c policy.Caller) bool {
	w.t.Helper()
	r := w.roleAt(role)
	if r == nil {
		w.t.Fatalf("there is no role %s", role)
	}
	var judge authz.Judge
	err := judge.Allow(
		&authz.Facts{Time: start, Region: "us-east-1", Source: netip.MustParseAddr("192.0.2.1"), Secure: true},
		&authz.Caller{Principal: principal.Principal{Kind: c.Kind, Account: c.Account, ARN: c.ARN}, Policy: c},
		&authz.Ask{Action: "sts:AssumeRole", Resource: r.ARN, Account: r.Account, Rule: policy.ExplicitTrust, Policy: r.Trust, CrossAccount: true})
	if err != nil && !fault.Is(err, fault.AccessDenied) {
		w.t.Fatal(err)
	}
	return err == nil
}

// shown is the trust policy as GetRole shows it.
func (w *world) shown(name string) string {
	w.t.Helper()
	return do[iam.GetRoleOutput](w.t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some(name)}).Role.AssumeRolePolicyDocument
}

func userOf(u iam.User) policy.Caller {
	return policy.Caller{Kind: principal.User, Partition: "aws", Account: account, ARN: u.ARN, ID: u.UserID}
}

func sessionOf(r iam.Role, name string) policy.Caller {
	return policy.Caller{
		Kind: principal.RoleSession, Partition: "aws", Account: account,
		ARN: "arn:aws:sts::111122223333:assumed-role/" + r.RoleName + "/" + name, IssuerARN: r.ARN, ID: r.RoleID,
	}
}

// A user that a trust policy names is let in, and no namesake that comes later.
func TestTrustIsBoundToUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.createUser("ann"), w.createUser("bob")
	r := w.createRoleTrusting("r", ann.ARN)
	if !w.trusts(r.ARN, userOf(ann)) || w.trusts(r.ARN, userOf(bob)) {
		t.Error("the trust policy does not let in exactly whom it names")
	}
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
	if got := w.shown("r"); got != trusting(ann.UserID) {
		t.Errorf("with a user that is gone: %s", got)
	}
	namesake := w.createUser("ann")
	if w.trusts(r.ARN, userOf(namesake)) {
		t.Error("a namesake is let in")
	}
	if got := w.shown("r"); got != trusting(ann.UserID) {
		t.Errorf("with a namesake: %s", got)
	}
	listed := do[iam.ListRolesOutput](t, w.root(), "ListRoles", &iam.ListRolesInput{})
	if got := listed.Roles[0].AssumeRolePolicyDocument; got != trusting(ann.UserID) {
		t.Errorf("in a list: %s", got)
	}
	described := do[iam.UpdateRoleDescriptionOutput](t, w.root(), "UpdateRoleDescription", &iam.UpdateRoleDescriptionInput{RoleName: some("r"), Description: some("d")})
	if got := described.Role.AssumeRolePolicyDocument; got != trusting(ann.UserID) {
		t.Errorf("after an update of something else: %s", got)
	}
	if w.trusts(r.ARN, userOf(namesake)) {
		t.Error("a namesake is let in after an update of something else")
	}
	refuse(t, w.root(), "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: some("r"), PolicyDocument: some(w.shown("r"))},
		fault.MalformedPolicy, `Invalid principal in policy: "AWS":"`+ann.UserID+`"`)
	do[operation.None](t, w.root(), "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: some("r"), PolicyDocument: some(trusting(ann.ARN))})
	if !w.trusts(r.ARN, userOf(namesake)) {
		t.Error("who is named anew is not let in")
	}
}

func TestTrustIsBoundToRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.createRole("a")
	byRole := w.createRoleTrusting("by-role", first.ARN)
	bySession := w.createRoleTrusting("by-session", "arn:aws:sts::111122223333:assumed-role/a/job")
	itself := w.createRole("itself")
	do[operation.None](t, w.root(), "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: some("itself"), PolicyDocument: some(trusting(itself.ARN))})
	check := func(when string, a iam.Role, want bool) {
		t.Helper()
		if got := w.trusts(byRole.ARN, sessionOf(a, "job")); got != want {
			t.Errorf("%s: a role that is named is let in: %t", when, got)
		}
		if got := w.trusts(bySession.ARN, sessionOf(a, "job")); got != want {
			t.Errorf("%s: a session that is named is let in: %t", when, got)
		}
		if w.trusts(bySession.ARN, sessionOf(a, "other")) {
			t.Errorf("%s: another session is let in", when)
		}
	}
	check("at first", first, true)
	if !w.trusts(itself.ARN, sessionOf(itself, "job")) {
		t.Error("a role that names itself is not let in")
	}
	w.deleteRole("a")
	check("after the role is gone", w.createRole("a"), false)
	for _, name := range []string{"by-role", "by-session"} {
		if got := w.shown(name); got != trusting(first.RoleID) {
			t.Errorf("%s shows %s", name, got)
		}
	}
}

func TestTrustOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	instance := "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-1"
	r := w.createRoleTrusting("r", instance)
	if !w.trusts(r.ARN, policy.Caller{Kind: principal.RoleSession, Partition: "aws", Account: account, ARN: instance}) {
		t.Error("a session of an infrastructure role is not let in")
	}
	do[operation.None](t, w.root(), "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: some("r"), PolicyDocument: some(`{"Statement":{"Effect":"Allow","Principal":{"Service":"jobs.example.com"},"Action":"sts:AssumeRole"}}`)})
	if !w.trusts(r.ARN, policy.Caller{Kind: principal.Service, Services: []string{"jobs.example.com"}}) {
		t.Error("a service is not let in")
	}
	if w.trusts(r.ARN, policy.Caller{Kind: principal.Service, Services: []string{"other.example.com"}}) {
		t.Error("another service is let in")
	}
	if w.trusts(r.ARN, policy.Caller{Kind: principal.Root, Partition: "aws", Account: account, ARN: "arn:aws:iam::111122223333:root"}) {
		t.Error("a root user is let in that no statement names")
	}
}

func TestTrustRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	old := w.createRole("r")
	policyOf := func(statement string) string {
		return `{"Version":"2012-10-17","Statement":[` + statement + `]}`
	}
	of := func(kind, name string) string {
		return policyOf(`{"Effect":"Allow","Principal":{"` + kind + `":"` + name + `"},"Action":"sts:AssumeRole"}`)
	}
	invalid := func(kind, name string) string { return `Invalid principal in policy: "` + kind + `":"` + name + `"` }
	tests := []struct {
		document string
		message  string // "" where the policy is fine
	}{
		{of("AWS", "*"), ""},
		{of("AWS", account), ""},
		{of("AWS", "999999999999"), ""},
		{of("AWS", "arn:aws:iam::999999999999:root"), ""},
		{of("AWS", ann.ARN), ""},
		{of("AWS", old.ARN), ""},
		{of("AWS", "arn:aws:sts::111122223333:assumed-role/r/s1"), ""},
		{of("AWS", "arn:aws:sts::111122223333:federated-user/bob"), ""},
		{of("Service", "ec2.amazonaws.com"), ""},
		{policyOf(`{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`), ""},
		{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}`, ""},
		{`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`, `AssumeRolepolicy contained an invalid principal: "STAR":"*".`},
		{`{"Statement":{"Effect":"Allow","Principal":{"service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`, "Syntax error at position (1,56)"},
		{policyOf(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:*"}`), "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity"},
		{of("AWS", "arn:aws:iam::111122223333:user/missing"), invalid("AWS", "arn:aws:iam::111122223333:user/missing")},
		{of("AWS", "arn:aws:iam::111122223333:user/Ann"), invalid("AWS", "arn:aws:iam::111122223333:user/Ann")},
		{of("AWS", "arn:aws:iam::111122223333:role/team/r"), invalid("AWS", "arn:aws:iam::111122223333:role/team/r")},
		{of("AWS", "arn:aws:iam::111122223333:role/aws:ec2-infrastructure"), invalid("AWS", "arn:aws:iam::111122223333:role/aws:ec2-infrastructure")},
		{of("AWS", "arn:aws:sts::111122223333:assumed-role/missing/s1"), invalid("AWS", "arn:aws:sts::111122223333:assumed-role/missing/s1")},
		{of("AWS", "arn:aws:sts::999999999999:federated-user/bob"), invalid("AWS", "arn:aws:sts::999999999999:federated-user/bob")},
		{of("AWS", "arn:aws:iam::111122223333:group/g"), invalid("AWS", "arn:aws:iam::111122223333:group/g")},
		{of("AWS", "arn:aws:iam::111122223333:user/*"), invalid("AWS", "arn:aws:iam::111122223333:user/*")},
		{of("AWS", "arn:aws-cn:iam::111122223333:root"), invalid("AWS", "arn:aws-cn:iam::111122223333:root")},
		{of("AWS", ann.UserID), invalid("AWS", ann.UserID)},
		{of("AWS", "ann"), invalid("AWS", "ann")},
		{of("Service", "ec2"), invalid("SERVICE", "ec2")},
		{of("Federated", "cognito-identity.amazonaws.com"), ""},
		{of("Federated", "arn:aws:iam::111122223333:oidc-provider/token.example.com/x"), ""},
		{of("Federated", "arn:aws:iam::999999999999:saml-provider/p"), ""},
		{of("Federated", "token.example.com"), invalid("FEDERATED", "token.example.com")},
		{of("Federated", "arn:aws:iam::111122223333:oidc-provider/"), invalid("FEDERATED", "arn:aws:iam::111122223333:oidc-provider/")},
		{of("Federated", "arn:aws-cn:iam::111122223333:saml-provider/p"), invalid("FEDERATED", "arn:aws-cn:iam::111122223333:saml-provider/p")},
		{of("Federated", "arn:aws:iam::111122223333:role/r"), invalid("FEDERATED", "arn:aws:iam::111122223333:role/r")},
		{of("CanonicalUser", "79a5"), invalid("CANONICALUSER", "79a5")},
		{policyOf(`{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole","Resource":"*"}`), "Has prohibited field Resource."},
		{"[]", "This policy contains invalid Json"},
	}
	ran := 0
	for _, tt := range tests {
		in := &iam.UpdateAssumeRolePolicyInput{RoleName: some("r"), PolicyDocument: some(tt.document)}
		_, err := w.root().call("UpdateAssumeRolePolicy", in)
		ran++
		if tt.message != "" {
			checkFault(t, tt.document, err, fault.MalformedPolicy, tt.message)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.document, err)
		} else if got := w.shown("r"); got != tt.document {
			t.Errorf("got %s, want %s", got, tt.document)
		}
	}
	if ran != 36 {
		t.Errorf("%d cases ran, want 36", ran)
	}
}

func TestTrustQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	frame := `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	sized := func(n int) string {
		return strings.Replace(frame, `"Sid":"`, `"Sid":"`+strings.Repeat("x", n-len(frame)), 1)
	}
	put := func(document string) error {
		_, err := w.root().call("UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: some("r"), PolicyDocument: some(document)})
		return err
	}
	const exceeded = "Cannot exceed quota for ACLSizePerRole: 2048"
	if err := put(sized(2048) + strings.Repeat(" \t\r\n", 100)); err != nil {
		t.Errorf("2048 characters and white space: %v", err)
	}
	checkFault(t, "2049 characters", put(sized(2049)), fault.LimitExceeded, exceeded)
	checkFault(t, "white space without end", put(frame+strings.Repeat(" ", 16<<10)), fault.LimitExceeded, exceeded)
	refuse(t, w.root(), "CreateRole", &iam.CreateRoleInput{RoleName: some("s"), AssumeRolePolicyDocument: some(sized(2049))}, fault.LimitExceeded, exceeded)
}

// A trust policy that was damaged lets nobody in: there is no role to be judged.
func TestBrokenTrust(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.createRole("r")
	w.update(func(tx store.Txn) error { return iam.BreakTrust(t.Context(), tx, r.RoleID) })
	err := w.store.View(t.Context(), func(reader store.Reader) error {
		found, err := w.iam.Role(t.Context(), reader, r.ARN)
		if found != nil || err == nil {
			t.Errorf("got %+v, %v", found, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
