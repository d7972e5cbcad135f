package iam_test

import (
	"context"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// trusting is a trust policy that lets principals of type AWS assume the role.
func trusting(names ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["` + strings.Join(names, `","`) + `"]},"Action":"sts:AssumeRole"}]}`
}

// createRole makes a role of the first account that everybody there may assume.
func (w *world) createRole(name string) iam.Role {
	w.t.Helper()
	return w.createRoleTrusting(name, account)
}

func (w *world) createRoleTrusting(name string, names ...string) iam.Role {
	w.t.Helper()
	return do[iam.CreateRoleOutput](w.t, w.root(), "CreateRole", &iam.CreateRoleInput{
		RoleName: some(name), AssumeRolePolicyDocument: some(trusting(names...)),
	}).Role
}

func (w *world) deleteRole(name string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some(name)})
}

// roleAt looks a role up as STS does.
func (w *world) roleAt(name string) *authz.Role {
	ctx := context.Background()
	var found *authz.Role
	err := w.store.View(ctx, func(r store.Reader) (err error) {
		found, err = w.iam.Role(ctx, r, name)
		return err
	})
	if err != nil {
		w.t.Fatalf("Role(%s): %v", name, err)
	}
	return found
}

func TestCreateRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	document := " " + trusting(account) + "\n"
	got := do[iam.CreateRoleOutput](t, w.root(), "CreateRole", &iam.CreateRoleInput{
		Path:                     some("/team/a/"),
		RoleName:                 some("Reader"),
		AssumeRolePolicyDocument: some(document),
		Description:              some("reads"),
		MaxSessionDuration:       optional.Some(7200),
		Tags:                     []iam.Tag{tag("stage", "test"), tag("empty", "")},
	}).Role
	if !regexp.MustCompile(`^AROA[A-Z2-7]{17}$`).MatchString(got.RoleID) {
		t.Errorf("RoleId is %q", got.RoleID)
	}
	want := iam.Role{
		Path:                     "/team/a/",
		RoleName:                 "Reader",
		RoleID:                   got.RoleID,
		ARN:                      "arn:aws:iam::111122223333:role/team/a/Reader",
		CreateDate:               time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		AssumeRolePolicyDocument: document,
		Tags:                     []iam.Tag{tag("empty", ""), tag("stage", "test")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	want.Description, want.MaxSessionDuration = some("reads"), optional.Some(7200)
	want.RoleLastUsed = &iam.RoleLastUsed{}
	for _, name := range []string{"Reader", "reader"} {
		if again := do[iam.GetRoleOutput](t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some(name)}).Role; !reflect.DeepEqual(again, want) {
			t.Errorf("GetRole %s: got  %+v\nwant %+v", name, again, want)
		}
	}
	w.createRole("plain")
	plain := do[iam.GetRoleOutput](t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some("plain")}).Role
	if plain.Path != "/" || plain.ARN != "arn:aws:iam::111122223333:role/plain" || plain.Tags != nil || plain.Description.Set || plain.MaxSessionDuration != optional.Some(3600) {
		t.Errorf("a role without options: %+v", plain)
	}
	refuse(t, w.otherRoot(), "GetRole", &iam.GetRoleInput{RoleName: some("Reader")}, iam.NoSuchEntity, "The role with name Reader cannot be found.")
}

func TestRoleNamesAreUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("reader") // a user and a role may share a name
	w.createRole("Reader")
	for _, name := range []string{"Reader", "reader", "READER"} {
		refuse(t, w.root(), "CreateRole", &iam.CreateRoleInput{RoleName: some(name), Path: some("/elsewhere/"), AssumeRolePolicyDocument: some(trusting(account))},
			iam.EntityAlreadyExists, "Role with name "+name+" already exists.")
	}
	elsewhere := do[iam.CreateRoleOutput](t, w.otherRoot(), "CreateRole", &iam.CreateRoleInput{RoleName: some("reader"), AssumeRolePolicyDocument: some(trusting(account))}).Role
	if elsewhere.ARN != "arn:aws:iam::444455556666:role/reader" {
		t.Errorf("the same name in another account: %+v", elsewhere)
	}
}

func TestCreateRoleAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = w.root().call("CreateRole", &iam.CreateRoleInput{RoleName: some("r"), AssumeRolePolicyDocument: some(trusting(account))})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		checkFault(t, "CreateRole", err, iam.EntityAlreadyExists, "Role with name r already exists.")
	}
	if made != 1 {
		t.Errorf("%d calls made the role, want 1", made)
	}
}

func TestCreateRoleQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.update(func(tx store.Txn) error { return iam.SetRoles(t.Context(), tx, account, iam.RolesMax-1) })
	w.createRole("last")
	in := &iam.CreateRoleInput{RoleName: some("one-more"), AssumeRolePolicyDocument: some(trusting(account))}
	refuse(t, w.root(), "CreateRole", in, fault.LimitExceeded, "Cannot exceed quota for RolesPerAccount: 1000")
	w.createUser("ann") // users have a quota of their own
	w.deleteRole("last")
	do[iam.CreateRoleOutput](t, w.root(), "CreateRole", in)
	err := w.store.View(t.Context(), func(r store.Reader) error {
		n, err := iam.Roles(context.Background(), r, account)
		if n != iam.RolesMax {
			t.Errorf("the guard record counts %d roles, want %d", n, iam.RolesMax)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateRoleRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		name     = "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
		path     = "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
		one      = "1 validation error detected: "
		atMost   = "failed to satisfy constraint: Member must have length less than or equal to "
		null     = "failed to satisfy constraint: Member must not be null"
		boundary = "arn:aws:iam::111122223333:policy/limit"
	)
	long := func(n int) string { return strings.Repeat("a", n) }
	trust := some(trusting(account))
	tests := []struct {
		about   string
		in      iam.CreateRoleInput
		code    fault.Code // "" where the call must succeed
		message string
	}{
		{"nothing", iam.CreateRoleInput{}, fault.Validation, "2 validation errors detected: Value null at 'roleName' " + null + "; Value null at 'assumeRolePolicyDocument' " + null},
		{"empty name", iam.CreateRoleInput{RoleName: some(""), AssumeRolePolicyDocument: trust}, fault.Validation, name},
		{"name of a role that exists by convention", iam.CreateRoleInput{RoleName: some("aws:ec2-infrastructure"), AssumeRolePolicyDocument: trust}, fault.Validation, name},
		{"every kind of character in name", iam.CreateRoleInput{RoleName: some("aZ09_+=,.@-"), AssumeRolePolicyDocument: trust}, "", ""},
		{"name of 64", iam.CreateRoleInput{RoleName: some(long(64)), AssumeRolePolicyDocument: trust}, "", ""},
		{"name of 65", iam.CreateRoleInput{RoleName: some(long(65)), AssumeRolePolicyDocument: trust}, fault.Validation, one + "Value at 'roleName' " + atMost + "64"},
		{"path without slashes", iam.CreateRoleInput{RoleName: some("r1"), AssumeRolePolicyDocument: trust, Path: some("p")}, fault.Validation, path},
		{"path of service-linked roles", iam.CreateRoleInput{RoleName: some("r1"), AssumeRolePolicyDocument: trust, Path: some("/aws-service-role/x.amazonaws.com/")}, iam.InvalidInput, "Path prefix '/aws-service-role/' can only be used for AWS Service linked Roles"},
		{"path of service roles", iam.CreateRoleInput{RoleName: some("r2"), AssumeRolePolicyDocument: trust, Path: some("/service-role/")}, "", ""},
		{"description of 1000", iam.CreateRoleInput{RoleName: some("r3"), AssumeRolePolicyDocument: trust, Description: some("\t\n\r" + strings.Repeat("é", 997))}, "", ""},
		{"description of 1001", iam.CreateRoleInput{RoleName: some("r4"), AssumeRolePolicyDocument: trust, Description: some(long(1001))}, fault.Validation, one + "Value at 'description' " + atMost + "1000"},
		{"control character in description", iam.CreateRoleInput{RoleName: some("r4"), AssumeRolePolicyDocument: trust, Description: some("\x7f")}, fault.Validation, one + `Value at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`},
		{"sessions of 3599 s", iam.CreateRoleInput{RoleName: some("r4"), AssumeRolePolicyDocument: trust, MaxSessionDuration: optional.Some(3599)}, fault.Validation, one + "Value at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600"},
		{"sessions of 3600 s", iam.CreateRoleInput{RoleName: some("r5"), AssumeRolePolicyDocument: trust, MaxSessionDuration: optional.Some(3600)}, "", ""},
		{"sessions of 43200 s", iam.CreateRoleInput{RoleName: some("r6"), AssumeRolePolicyDocument: trust, MaxSessionDuration: optional.Some(43200)}, "", ""},
		{"sessions of 43201 s", iam.CreateRoleInput{RoleName: some("r7"), AssumeRolePolicyDocument: trust, MaxSessionDuration: optional.Some(43201)}, fault.Validation, one + "Value at 'maxSessionDuration' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"tag keys that differ in case", iam.CreateRoleInput{RoleName: some("r7"), AssumeRolePolicyDocument: trust, Tags: []iam.Tag{tag("a", ""), tag("A", "")}}, iam.InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"boundary", iam.CreateRoleInput{RoleName: some("r7"), AssumeRolePolicyDocument: trust, PermissionsBoundary: some(boundary)}, iam.NoSuchEntity, "Scope ARN: " + boundary + " does not exist or is not attachable."},
		{"empty trust policy", iam.CreateRoleInput{RoleName: some("r7"), AssumeRolePolicyDocument: some("")}, fault.Validation, one + "Value at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"letter beyond Latin-1 in trust policy", iam.CreateRoleInput{RoleName: some("r7"), AssumeRolePolicyDocument: some("\u0100")}, fault.Validation, "The specified value for assumeRolePolicyDocument is invalid. It must contain only printable ASCII characters."},
		{"malformed trust policy", iam.CreateRoleInput{RoleName: some("r7"), AssumeRolePolicyDocument: some("{")}, fault.MalformedPolicy, "This policy contains invalid Json"},
		{"trust policy of no elements", iam.CreateRoleInput{RoleName: some("r7"), AssumeRolePolicyDocument: some("{}")}, fault.MalformedPolicy, "Syntax error at position (1,3)"},
	}
	ran := 0
	for _, tt := range tests {
		_, err := w.root().call("CreateRole", &tt.in)
		ran++
		if tt.code != "" {
			checkFault(t, tt.about, err, tt.code, tt.message)
		} else if err != nil {
			t.Errorf("%s: %v", tt.about, err)
		}
	}
	if ran != 22 {
		t.Errorf("%d cases ran, want 22", ran)
	}
	for _, refused := range []string{"r1", "r4", "r7"} {
		refuse(t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some(refused)}, iam.NoSuchEntity, "The role with name "+refused+" cannot be found.")
	}
}

func TestCreateRoleAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const denied = "because no identity-based policy allows the "
	in := &iam.CreateRoleInput{RoleName: some("new"), Path: some("/team/"), AssumeRolePolicyDocument: some(trusting(account)), Tags: []iam.Tag{tag("Stage", "test")}}
	who := "User: arn:aws:iam::111122223333:user/"
	what := " on resource: arn:aws:iam::111122223333:role/team/new "

	creator := w.actorNamed("creator", statement("Allow", "iam:CreateRole", "arn:aws:iam::*:role/team/*"))
	refuse(t, creator, "CreateRole", in, fault.AccessDenied,
		who+"creator is not authorized to perform: iam:TagRole"+what+denied+"iam:TagRole action")
	conditional := w.actorNamed("conditional", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"*",
		"Condition":{"StringEquals":{"aws:RequestTag/stage":"test"},"ForAllValues:StringEquals":{"aws:TagKeys":["Stage","team"]}}}]}`)
	refuse(t, conditional, "CreateRole", &iam.CreateRoleInput{RoleName: some("new"), Path: some("/team/"), AssumeRolePolicyDocument: some(trusting(account)), Tags: []iam.Tag{tag("Stage", "prod")}}, fault.AccessDenied,
		who+"conditional is not authorized to perform: iam:CreateRole"+what+denied+"iam:CreateRole action")
	do[iam.CreateRoleOutput](t, conditional, "CreateRole", in)

	bounded := w.root()
	if _, err := bounded.call("CreateRole", &iam.CreateRoleInput{RoleName: some("bounded"), AssumeRolePolicyDocument: some(trusting(account)), PermissionsBoundary: some("arn:aws:iam::111122223333:policy/limit")}); err == nil {
		t.Error("a permissions boundary was accepted")
	}
	value := bounded.asks[0].Context.Lookup(&policy.Key{Name: "iam:permissionsboundary"})
	if !value.Present || value.One != "arn:aws:iam::111122223333:policy/limit" {
		t.Errorf("iam:PermissionsBoundary is %+v", value)
	}
}

// Whoever may do nothing learns nothing of a role, nor whether it exists.
func TestRoleOperationsAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	do[operation.None](t, w.root(), "TagRole", &iam.TagRoleInput{RoleName: some("r"), Tags: []iam.Tag{tag("team", "red")}})
	nobody := w.actorNamed("nobody", "")
	red := w.actorNamed("red", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::111122223333:role/r","Condition":{"StringEquals":{"iam:ResourceTag/Team":"red","aws:ResourceTag/team":"red"}}}]}`)
	calls := func(name string) map[string]any {
		return map[string]any{
			"GetRole":                     &iam.GetRoleInput{RoleName: some(name)},
			"UpdateRole":                  &iam.UpdateRoleInput{RoleName: some(name)},
			"UpdateRoleDescription":       &iam.UpdateRoleDescriptionInput{RoleName: some(name), Description: some("d")},
			"UpdateAssumeRolePolicy":      &iam.UpdateAssumeRolePolicyInput{RoleName: some(name), PolicyDocument: some(trusting(account))},
			"PutRolePolicy":               &iam.PutRolePolicyInput{RoleName: some(name), PolicyName: some("p"), PolicyDocument: some(allowAll)},
			"GetRolePolicy":               &iam.GetRolePolicyInput{RoleName: some(name), PolicyName: some("kept")},
			"DeleteRolePolicy":            &iam.DeleteRolePolicyInput{RoleName: some(name), PolicyName: some("p")},
			"ListAttachedRolePolicies":    &iam.ListAttachedRolePoliciesInput{RoleName: some(name)},
			"ListInstanceProfilesForRole": &iam.ListInstanceProfilesForRoleInput{RoleName: some(name)},
			"ListRolePolicies":            &iam.ListRolePoliciesInput{RoleName: some(name)},
			"ListRoleTags":                &iam.ListRoleTagsInput{RoleName: some(name)},
			"TagRole":                     &iam.TagRoleInput{RoleName: some(name), Tags: []iam.Tag{tag("k", "v")}},
			"UntagRole":                   &iam.UntagRoleInput{RoleName: some(name), TagKeys: []string{"k"}},
			"DeleteRole":                  &iam.DeleteRoleInput{RoleName: some(name)},
		}
	}
	for _, name := range []string{"r", "missing"} {
		for call, in := range calls(name) {
			refuse(t, nobody, call, in, fault.AccessDenied, "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:"+call+
				" on resource: arn:aws:iam::111122223333:role/"+name+" because no identity-based policy allows the iam:"+call+" action")
		}
	}
	for call, in := range calls("missing") {
		refuse(t, w.root(), call, in, iam.NoSuchEntity, "The role with name missing cannot be found.")
	}
	do[operation.None](t, w.root(), "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: some("r"), PolicyName: some("kept"), PolicyDocument: some(allowAll)})
	for call, in := range calls("r") {
		_, err := red.call(call, in)
		if fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s is refused to whoever may by the role's tags: %v", call, err)
		}
	}
	prefix := &iam.ListRolesInput{PathPrefix: some("/team/")}
	refuse(t, nobody, "ListRoles", prefix, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::111122223333:role/team/ because no identity-based policy allows the iam:ListRoles action")
}

func TestRoleOperationsNeedAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const null = " failed to satisfy constraint: Member must not be null"
	for name, members := range map[string][]string{
		"GetRole":                     {"roleName"},
		"DeleteRole":                  {"roleName"},
		"UpdateRole":                  {"roleName"},
		"UpdateRoleDescription":       {"roleName", "description"},
		"UpdateAssumeRolePolicy":      {"roleName", "policyDocument"},
		"PutRolePolicy":               {"roleName", "policyName", "policyDocument"},
		"GetRolePolicy":               {"roleName", "policyName"},
		"DeleteRolePolicy":            {"roleName", "policyName"},
		"ListAttachedRolePolicies":    {"roleName"},
		"ListAttachedUserPolicies":    {"userName"},
		"ListGroupsForUser":           {"userName"},
		"ListInstanceProfilesForRole": {"roleName"},
		"ListRolePolicies":            {"roleName"},
		"ListRoleTags":                {"roleName"},
		"TagRole":                     {"roleName", "tags"},
		"UntagRole":                   {"roleName", "tagKeys"},
		"ListUserTags":                {"userName"},
		"TagUser":                     {"userName", "tags"},
		"UntagUser":                   {"userName", "tagKeys"},
	} {
		_, err := w.root().call(name, w.ops[name].NewIn())
		for _, member := range members {
			if !fault.Is(err, fault.Validation) || !strings.Contains(err.Error(), "Value null at '"+member+"'"+null) {
				t.Errorf("%s without %s: %v", name, member, err)
			}
		}
	}
}

func TestDeleteRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.createRole("r")
	do[operation.None](t, w.root(), "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: some("r"), PolicyName: some("p"), PolicyDocument: some(allowAll)})
	refuse(t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("R")}, iam.DeleteConflict, "Cannot delete entity, must delete policies first.")
	do[operation.None](t, w.root(), "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: some("r"), PolicyName: some("p")})
	before := w.roleAt(first.ARN)
	w.deleteRole("R")
	if before.Stamp.Current() {
		t.Error("what rested on the role outlives it")
	}
	refuse(t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("r")}, iam.NoSuchEntity, "The role with name r cannot be found.")
	if second := w.createRole("r"); second.RoleID == first.RoleID {
		t.Error("a namesake has the id of the role that was deleted")
	}
}

func TestUpdateRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	tests := []struct {
		in          iam.UpdateRoleInput
		description optional.Of[string]
		longest     int
	}{
		{iam.UpdateRoleInput{Description: some("d"), MaxSessionDuration: optional.Some(7200)}, some("d"), 7200},
		{iam.UpdateRoleInput{MaxSessionDuration: optional.Some(43200)}, some("d"), 43200},
		{iam.UpdateRoleInput{Description: some("e")}, some("e"), 3600},
		{iam.UpdateRoleInput{Description: some("")}, optional.Of[string]{}, 3600},
	}
	ran := 0
	for _, tt := range tests {
		tt.in.RoleName = some("R")
		do[iam.UpdateRoleOutput](t, w.root(), "UpdateRole", &tt.in)
		got := do[iam.GetRoleOutput](t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some("r")}).Role
		if got.Description != tt.description || got.MaxSessionDuration != optional.Some(tt.longest) {
			t.Errorf("%+v: got %v and %v", tt.in, got.Description, got.MaxSessionDuration)
		}
		if longest := w.roleAt(got.ARN).Longest; longest != time.Duration(tt.longest)*time.Second {
			t.Errorf("%+v: sessions may last %v", tt.in, longest)
		}
		ran++
	}
	if ran != 4 {
		t.Errorf("%d cases ran, want 4", ran)
	}
	refuse(t, w.root(), "UpdateRole", &iam.UpdateRoleInput{RoleName: some("r"), MaxSessionDuration: optional.Some(3599)}, fault.Validation,
		"1 validation error detected: Value at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600")

	described := do[iam.UpdateRoleDescriptionOutput](t, w.root(), "UpdateRoleDescription", &iam.UpdateRoleDescriptionInput{RoleName: some("r"), Description: some("f")}).Role
	described.RoleLastUsed = &iam.RoleLastUsed{} // which GetRole alone shows
	if got := do[iam.GetRoleOutput](t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some("r")}).Role; !reflect.DeepEqual(got, described) || got.Description != some("f") {
		t.Errorf("got %+v, and was answered %+v", got, described)
	}
	refuse(t, w.root(), "UpdateRoleDescription", &iam.UpdateRoleDescriptionInput{RoleName: some("r"), Description: some("\x80")}, fault.Validation,
		`1 validation error detected: Value at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`)
}

func TestListRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann") // no role
	for _, r := range []struct{ path, name string }{{"/", "Bea"}, {"/team/", "ann"}, {"/team/sub/", "carl"}, {"/teams/", "dora"}, {"/", strings.Repeat("z", 64)}} {
		do[iam.CreateRoleOutput](t, w.root(), "CreateRole", &iam.CreateRoleInput{
			Path: some(r.path), RoleName: some(r.name), AssumeRolePolicyDocument: some(trusting(account)), Description: some("d"), Tags: []iam.Tag{tag("k", "v")},
		})
	}
	do[iam.CreateRoleOutput](t, w.otherRoot(), "CreateRole", &iam.CreateRoleInput{RoleName: some("stranger"), AssumeRolePolicyDocument: some(trusting(account))})
	everybody := []string{"ann", "Bea", "carl", "dora", strings.Repeat("z", 64)}
	tests := []struct {
		prefix optional.Of[string]
		max    optional.Of[int]
		want   [][]string
	}{
		{optional.Of[string]{}, optional.Of[int]{}, [][]string{everybody}},
		{some("/"), optional.Some(2), [][]string{everybody[:2], everybody[2:4], everybody[4:]}},
		{some("/team/"), optional.Some(1), [][]string{{"ann"}, {"carl"}}},
		{some("/team"), optional.Some(100), [][]string{{"ann", "carl", "dora"}}},
		{some("/nobody/"), optional.Some(1), [][]string{nil}},
	}
	for _, tt := range tests {
		var got [][]string
		in := iam.ListRolesInput{PathPrefix: tt.prefix, MaxItems: tt.max}
		for more := true; more; {
			out := do[iam.ListRolesOutput](t, w.root(), "ListRoles", &in)
			var names []string
			for _, r := range out.Roles {
				names = append(names, r.RoleName)
				if r.Tags != nil || r.Description != some("d") || r.AssumeRolePolicyDocument != trusting(account) || r.ARN != "arn:aws:iam::111122223333:role"+r.Path+r.RoleName {
					t.Errorf("a list shows %+v", r)
				}
			}
			if out.Roles == nil || out.IsTruncated != out.Marker.Set || len(out.Marker.V) > 320 {
				t.Fatalf("a page is %+v", out)
			}
			got = append(got, names)
			more, in.Marker = out.IsTruncated, out.Marker
		}
		if !slices.EqualFunc(got, tt.want, slices.Equal) {
			t.Errorf("%v by %v: got %v, want %v", tt.prefix, tt.max, got, tt.want)
		}
	}
	users := do[iam.ListUsersOutput](t, w.root(), "ListUsers", &iam.ListUsersInput{MaxItems: optional.Some(1)})
	if len(users.Users) != 1 || users.IsTruncated {
		t.Errorf("roles stand among the users: %+v", users)
	}
	one := do[iam.ListRolesOutput](t, w.root(), "ListRoles", &iam.ListRolesInput{MaxItems: optional.Some(1)})
	refuse(t, w.root(), "ListRoles", &iam.ListRolesInput{Marker: one.Marker, PathPrefix: some("/team/")}, fault.Validation, "Invalid Marker.")
	refuse(t, w.root(), "ListUsers", &iam.ListUsersInput{Marker: one.Marker}, fault.Validation, "Invalid Marker.")
	refuse(t, w.root(), "ListRoles", &iam.ListRolesInput{PathPrefix: some("team/")}, fault.Validation,
		"The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters.")
}

// What all sessions of a role have in common.
func TestRoleCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := do[iam.CreateRoleOutput](t, w.root(), "CreateRole", &iam.CreateRoleInput{
		Path: some("/team/"), RoleName: some("Reader"), AssumeRolePolicyDocument: some(trusting(account)), Tags: []iam.Tag{tag("team", "red")},
	}).Role
	put := func(document string) {
		do[operation.None](t, w.root(), "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: some("reader"), PolicyName: some("p"), PolicyDocument: some(document)})
	}
	caller := func(id string) (c *authz.Caller, err error) {
		viewed := w.store.View(t.Context(), func(r store.Reader) error {
			c, err = w.iam.RoleCaller(context.Background(), r, id)
			return nil
		})
		return c, errors.Join(viewed, err)
	}
	put(statement("Allow", "iam:GetRole", "*"))
	got, err := caller(made.RoleID)
	if err != nil {
		t.Fatal(err)
	}
	want := principal.Principal{
		Kind: principal.RoleSession, Partition: "aws", Account: account,
		IssuerARN: "arn:aws:iam::111122223333:role/team/Reader", IssuerID: made.RoleID, IssuerName: "Reader",
	}
	if got.Principal != want {
		t.Errorf("got  %+v\nwant %+v", got.Principal, want)
	}
	matched := policy.Caller{Kind: principal.RoleSession, Partition: "aws", Account: account, IssuerARN: want.IssuerARN, ID: made.RoleID}
	if !reflect.DeepEqual(got.Policy, matched) {
		t.Errorf("got  %+v\nwant %+v", got.Policy, matched)
	}
	if !slices.Equal(got.Tags, pairs.Map{{Key: "team", Value: "red"}}) || len(got.Identity) != 1 || got.Boundary != nil || got.Session != nil {
		t.Errorf("got %+v", got)
	}
	session := &actor{w: w, caller: got}
	do[iam.GetRoleOutput](t, session, "GetRole", &iam.GetRoleInput{RoleName: some("Reader")})
	if _, err := session.call("ListRoles", &iam.ListRolesInput{}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("a session may do more than its role: %v", err)
	}

	put(statement("Deny", "*", "*"))
	if got.Stamps[0].Current() {
		t.Error("a caller outlives a change of the policies")
	}
	conflicts := 0
	_, err = w.store.Update(t.Context(), opID(), func(tx store.Txn) error {
		if conflicts++; conflicts == 1 {
			got.Require(tx)
		}
		return nil
	})
	if err != nil || conflicts != 2 {
		t.Errorf("a transaction that requires the role of before was tried %d times: %v", conflicts, err)
	}
	w.update(func(tx store.Txn) error { return iam.BreakRolePolicy(t.Context(), tx, made.RoleID) })
	if _, err := caller(made.RoleID); err == nil {
		t.Error("a role with a policy that does not compile has callers")
	}
	for _, name := range []string{"p", "broken"} {
		do[operation.None](t, w.root(), "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: some("reader"), PolicyName: some(name)})
	}
	w.deleteRole("reader")
	w.createRole("Reader")
	if _, err := caller(made.RoleID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a role that is gone: %v", err)
	}
}

func TestRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := do[iam.CreateRoleOutput](t, w.root(), "CreateRole", &iam.CreateRoleInput{
		Path: some("/team/"), RoleName: some("Reader"), AssumeRolePolicyDocument: some(trusting(account)), MaxSessionDuration: optional.Some(7200), Tags: []iam.Tag{tag("team", "red")},
	}).Role
	w.createUser("Reader")
	got := w.roleAt(made.ARN)
	if got == nil || got.Trust == nil {
		t.Fatalf("got %+v", got)
	}
	want := authz.Role{
		Account: account, Name: "Reader", ARN: made.ARN, ID: made.RoleID, Longest: 2 * time.Hour,
		Trust: got.Trust, Tags: pairs.Map{{Key: "team", Value: "red"}}, Stamp: got.Stamp,
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	do[operation.None](t, w.root(), "TagRole", &iam.TagRoleInput{RoleName: some("Reader"), Tags: []iam.Tag{tag("k", "v")}})
	if got.Stamp.Current() {
		t.Error("what was read of the role outlives a change")
	}

	nobody := []string{
		"arn:aws:iam::111122223333:role/Reader", "arn:aws:iam::111122223333:role/team/reader", "arn:aws:iam::111122223333:role/Team/Reader",
		"arn:aws:iam::111122223333:role/team/", "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role",
		"arn:aws:iam::444455556666:role/team/Reader", "arn:aws-cn:iam::111122223333:role/team/Reader",
		"arn:aws:sts::111122223333:role/team/Reader", "arn:aws:iam:us-east-1:111122223333:role/team/Reader",
		"arn:aws:iam::111122223333:user/Reader", "arn:aws:iam::111122223333:root", "arn:aws:iam::1111:role/team/Reader",
		"Reader", "", made.RoleID,
		"arn:aws:iam::999999999999:role/aws:ec2-infrastructure", "arn:aws-cn:iam::111122223333:role/aws:ec2-infrastructure",
		"arn:aws:iam::111122223333:role/team/aws:ec2-infrastructure", "arn:aws:iam::111122223333:role/aws:EC2-infrastructure",
		"arn:aws:iam::111122223333:role/aws:-infrastructure", "arn:aws:iam::111122223333:role/aws:ec2", "arn:aws:iam::111122223333:role/ec2-infrastructure",
	}
	for _, name := range nobody {
		if r := w.roleAt(name); r != nil {
			t.Errorf("%s is %+v", name, r)
		}
	}
	infrastructure := w.roleAt("arn:aws:iam::444455556666:role/aws:ec2-infrastructure")
	if infrastructure == nil {
		t.Fatal("an account has no infrastructure role")
	}
	if want := (authz.Role{Account: other, Name: "aws:ec2-infrastructure", ARN: "arn:aws:iam::444455556666:role/aws:ec2-infrastructure", Longest: 12 * time.Hour, Stamp: infrastructure.Stamp}); !reflect.DeepEqual(*infrastructure, want) {
		t.Errorf("got  %+v\nwant %+v", *infrastructure, want)
	}
}

func FuzzRole(f *testing.F) {
	w := newWorld(f)
	made := w.createRole("r")
	for _, seed := range []string{made.ARN, "arn:aws:iam::111122223333:role/aws:ec2-infrastructure", "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:user/r", ":", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r := w.roleAt(name)
		switch {
		case r == nil && name == made.ARN:
			t.Error("the role is gone")
		case r != nil && r.ARN != name:
			t.Errorf("%q is %s", name, r.ARN)
		case r != nil && (r.ID == "") != (r.Trust == nil):
			t.Errorf("%q is half a role: %+v", name, r)
		}
	})
}
