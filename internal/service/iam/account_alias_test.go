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

func TestAccountAlias(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list := func(a *actor) []string {
		t.Helper()
		return do[iam.ListAccountAliasesOutput](t, a, "ListAccountAliases", &iam.ListAccountAliasesInput{}).AccountAliases
	}
	create := func(name string) *iam.CreateAccountAliasInput {
		return &iam.CreateAccountAliasInput{AccountAlias: some(name)}
	}
	remove := func(name string) *iam.DeleteAccountAliasInput {
		return &iam.DeleteAccountAliasInput{AccountAlias: some(name)}
	}
	if got := list(w.root()); got == nil || len(got) != 0 {
		t.Errorf("at first: %v", got)
	}
	do[operation.None](t, w.root(), "CreateAccountAlias", create("first"))
	refuse(t, w.root(), "CreateAccountAlias", create("first"), iam.EntityAlreadyExists, "The account alias first already exists.")
	refuse(t, w.otherRoot(), "CreateAccountAlias", create("first"), iam.EntityAlreadyExists, "The account alias first already exists.")
	do[operation.None](t, w.root(), "CreateAccountAlias", create("second"))
	if got := list(w.root()); !slices.Equal(got, []string{"second"}) {
		t.Errorf("replaced: %v", got)
	}
	do[operation.None](t, w.otherRoot(), "CreateAccountAlias", create("first"))
	refuse(t, w.root(), "DeleteAccountAlias", remove("first"), iam.NoSuchEntity, "The account alias with name first cannot be found.")
	do[operation.None](t, w.root(), "DeleteAccountAlias", remove("second"))
	if got := list(w.root()); len(got) != 0 {
		t.Errorf("deleted: %v", got)
	}
	for _, name := range []string{"abc", strings.Repeat("a", 63), "a-b-c"} {
		do[operation.None](t, w.root(), "CreateAccountAlias", create(name))
	}
	for _, name := range []string{"Abc", "-ab", "ab-", "a--b", "a.b", "ab", strings.Repeat("a", 64)} {
		if _, err := w.root().call("CreateAccountAlias", create(name)); !fault.Is(err, fault.Validation) {
			t.Errorf("%q: %v", name, err)
		}
	}
	refuse(t, w.root(), "ListAccountAliases", &iam.ListAccountAliasesInput{Marker: some("x")}, fault.Validation, "Invalid Marker.")
}

// The summary counts what there is.
func TestAccountSummary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", "")
	refuse(t, ann, "GetAccountSummary", &iam.GetAccountSummaryInput{}, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:GetAccountSummary on resource: * because no identity-based policy allows the iam:GetAccountSummary action")
	get := func(name string) string {
		t.Helper()
		value, ok := do[iam.GetAccountSummaryOutput](t, w.root(), "GetAccountSummary", &iam.GetAccountSummaryInput{}).SummaryMap.Get(name)
		if !ok {
			t.Errorf("no %s", name)
		}
		return value
	}
	w.createRole("r")
	w.createProfile("p")
	w.createDevice("spare")
	do[operation.None](t, w.root(), "EnableMFADevice", w.createDevice("phone").enable("ann"))
	w.createOIDCProvider("token.example.com")
	w.createSAMLProvider("idp")
	do[iam.CreateGroupOutput](t, w.root(), "CreateGroup", &iam.CreateGroupInput{GroupName: some("g")})
	do[iam.CreatePolicyOutput](t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("p"), PolicyDocument: some(allowAll)})
	do[operation.None](t, w.root(), "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: some("r"), PolicyARN: some("arn:aws:iam::111122223333:policy/p")})
	for name, want := range map[string]string{
		"Users": "1", "Roles": "1", "Groups": "1", "Policies": "1", "InstanceProfiles": "1", "MFADevices": "2", "MFADevicesInUse": "1", "Providers": "2",
		"PolicyVersionsInUse": "1", "AccountAccessKeysPresent": "1", "AccountMFAEnabled": "0", "UsersQuota": "5000", "RolesQuota": "1000", "AccessKeysPerUserQuota": "2",
	} {
		if got := get(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// What nobody can have here is listed as nothing, to those who may ask.
func TestNobodyHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("x")
	nobody := w.actorNamed("nobody", "")
	lists := map[string]func(name string, marker optional.Of[string]) any{
		"ListSSHPublicKeys": func(name string, marker optional.Of[string]) any {
			return &iam.ListSSHPublicKeysInput{UserName: some(name), Marker: marker}
		},
		"ListSigningCertificates": func(name string, marker optional.Of[string]) any {
			return &iam.ListSigningCertificatesInput{UserName: some(name), Marker: marker}
		},
	}
	none := optional.Of[string]{}
	for name, in := range lists {
		if _, err := w.root().call(name, in("X", none)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		refuse(t, w.root(), name, in("x", some("from another list")), fault.Validation, "Invalid Marker.")
		refuse(t, w.root(), name, in("missing", none), iam.NoSuchEntity, "The user with name missing cannot be found.")
		if _, err := nobody.call(name, in("x", none)); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s, of somebody who may not: %v", name, err)
		}
	}
	if out := do[iam.ListServerCertificatesOutput](t, w.root(), "ListServerCertificates", &iam.ListServerCertificatesInput{}); out.ServerCertificateMetadataList == nil || len(out.ServerCertificateMetadataList) != 0 {
		t.Errorf("%+v", out)
	}
	refuse(t, w.root(), "ListServerCertificates", &iam.ListServerCertificatesInput{Marker: some("x")}, fault.Validation, "Invalid Marker.")
}
