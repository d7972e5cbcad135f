package iam_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// createPolicy makes a managed policy of the first account and returns its ARN.
func (w *world) createPolicy(name, document string) string {
	w.t.Helper()
	return do[iam.CreatePolicyOutput](w.t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some(name), PolicyDocument: some(document)}).Policy.ARN
}

// attach attaches a managed policy to a user of the first account.
func (w *world) attach(user, policy string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: some(user), PolicyARN: some(policy)})
}

func (w *world) detach(user, policy string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "DetachUserPolicy", &iam.DetachUserPolicyInput{UserName: some(user), PolicyARN: some(policy)})
}

// version makes another version of a policy, which is in force at once, and returns its id.
func (w *world) version(policy, document string) string {
	w.t.Helper()
	return do[iam.CreatePolicyVersionOutput](w.t, w.root(), "CreatePolicyVersion", &iam.CreatePolicyVersionInput{
		PolicyARN: some(policy), PolicyDocument: some(document), SetAsDefault: optional.Some(true),
	}).PolicyVersion.VersionID
}

func (w *world) policy(arn string) iam.Policy {
	w.t.Helper()
	return do[iam.GetPolicyOutput](w.t, w.root(), "GetPolicy", &iam.GetPolicyInput{PolicyARN: some(arn)}).Policy
}

func TestCreatePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &iam.CreatePolicyInput{
		PolicyName: some("Readers"), Path: some("/team/red/"), PolicyDocument: some(allowAll), Description: some("for readers"),
		Tags: []iam.Tag{{Key: some("team"), Value: some("red")}},
	}
	made := do[iam.CreatePolicyOutput](t, w.root(), "CreatePolicy", in).Policy
	if len(made.PolicyID) != 21 || !strings.HasPrefix(made.PolicyID, "ANPA") {
		t.Errorf("id %q", made.PolicyID)
	}
	if made.Description.Set {
		t.Errorf("CreatePolicy repeats the description %q", made.Description.V)
	}
	want := iam.Policy{
		PolicyName: "Readers", PolicyID: made.PolicyID, ARN: "arn:aws:iam::111122223333:policy/team/red/Readers", Path: "/team/red/",
		DefaultVersionID: "v1", IsAttachable: true, CreateDate: start.Truncate(time.Second), UpdateDate: start.Truncate(time.Second),
	}
	got := w.policy(made.ARN)
	if !slices.Equal(got.Tags, in.Tags) || !slices.Equal(made.Tags, in.Tags) || got.Description != in.Description {
		t.Errorf("got %+v", got)
	}
	got.Tags, got.Description, made.Tags = nil, optional.Of[string]{}, nil
	if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nmade %+v\nwant %+v", got, made, want)
	}
	version := do[iam.GetPolicyVersionOutput](t, w.root(), "GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyARN: some(made.ARN), VersionID: some("v1")}).PolicyVersion
	if version.Document != some(allowAll) || !version.IsDefaultVersion || version.VersionID != "v1" || !version.CreateDate.Equal(want.CreateDate) {
		t.Errorf("got %+v", version)
	}

	refuse(t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("readers"), PolicyDocument: some(allowAll)},
		iam.EntityAlreadyExists, "A policy called readers already exists. Duplicate names are not allowed.")
	refuse(t, w.root(), "GetPolicy", &iam.GetPolicyInput{PolicyARN: some("arn:aws:iam::111122223333:policy/Readers")},
		iam.NoSuchEntity, "Policy arn:aws:iam::111122223333:policy/Readers was not found.")
	do[iam.CreatePolicyOutput](t, w.otherRoot(), "CreatePolicy", in)
}

func TestCreatePolicyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := func(document string) *iam.CreatePolicyInput {
		return &iam.CreatePolicyInput{PolicyName: some("p"), PolicyDocument: some(document)}
	}
	refuse(t, w.root(), "CreatePolicy", create("{"), fault.MalformedPolicy, "Syntax errors in policy.")
	refuse(t, w.root(), "CreatePolicy", create(sized(t, 6145)), fault.LimitExceeded, "Cannot exceed quota for PolicySize: 6144")
	refuse(t, w.root(), "CreatePolicy", create(allowAll+strings.Repeat(" ", 64<<10)), fault.LimitExceeded, "Cannot exceed quota for PolicySize: 6144")
	do[iam.CreatePolicyOutput](t, w.root(), "CreatePolicy", create(sized(t, 6144)+strings.Repeat("\n", 1000)))
	for _, path := range []string{"", "x", "/x", "x/", "//", "/a b/"} {
		in := create(allowAll)
		in.Path = some(path)
		refuse(t, w.root(), "CreatePolicy", in, fault.Validation, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	w.update(func(tx store.Txn) error { return iam.SetPolicies(t.Context(), tx, account, 1499) })
	do[iam.CreatePolicyOutput](t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("last"), PolicyDocument: some(allowAll)})
	refuse(t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("more"), PolicyDocument: some(allowAll)}, fault.LimitExceeded, "Cannot exceed quota for PoliciesPerAccount: 1500")
}

func TestPolicyVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.createPolicy("p", allowAll)
	create := &iam.CreatePolicyVersionInput{PolicyARN: some(arn), PolicyDocument: some(statement("Deny", "*", "*"))}
	for n := 2; n <= 5; n++ {
		v := do[iam.CreatePolicyVersionOutput](t, w.root(), "CreatePolicyVersion", create).PolicyVersion
		if v.VersionID != fmt.Sprintf("v%d", n) || v.IsDefaultVersion || v.Document.Set {
			t.Errorf("version %d is %+v", n, v)
		}
	}
	refuse(t, w.root(), "CreatePolicyVersion", create, fault.LimitExceeded,
		"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	remove := func(id string) *iam.DeletePolicyVersionInput {
		return &iam.DeletePolicyVersionInput{PolicyARN: some(arn), VersionID: some(id)}
	}
	refuse(t, w.root(), "DeletePolicyVersion", remove("v1"), iam.DeleteConflict, "Cannot delete the default version of a policy.")
	refuse(t, w.root(), "DeletePolicyVersion", remove("v6"), iam.NoSuchEntity, "Policy "+arn+" version v6 does not exist or is not attachable.")
	refuse(t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)}, iam.DeleteConflict,
		"This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	do[operation.None](t, w.root(), "DeletePolicyVersion", remove("v5"))
	if id := w.version(arn, allowAll); id != "v6" {
		t.Errorf("the number of a deleted version is given again: %s", id)
	}
	if p := w.policy(arn); p.DefaultVersionID != "v6" {
		t.Errorf("the default is %s", p.DefaultVersionID)
	}
	do[operation.None](t, w.root(), "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v2")})
	refuse(t, w.root(), "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v5")},
		iam.NoSuchEntity, "Policy "+arn+" version v5 does not exist or is not attachable.")

	var ids []string
	list := &iam.ListPolicyVersionsInput{PolicyARN: some(arn), MaxItems: optional.Some(2)}
	for pages := 0; ; pages++ {
		out := do[iam.ListPolicyVersionsOutput](t, w.root(), "ListPolicyVersions", list)
		for _, v := range out.Versions {
			if v.IsDefaultVersion != (v.VersionID == "v2") || v.Document.Set {
				t.Errorf("listed: %+v", v)
			}
			ids = append(ids, v.VersionID)
		}
		if out.IsTruncated != out.Marker.Set || pages > 3 {
			t.Fatalf("page %d is %+v", pages, out)
		}
		if !out.IsTruncated {
			break
		}
		list.Marker = out.Marker
	}
	if want := []string{"v6", "v4", "v3", "v2", "v1"}; !slices.Equal(ids, want) {
		t.Errorf("versions %v, want %v", ids, want)
	}

	for _, id := range []string{"v1", "v3", "v4", "v6"} {
		do[operation.None](t, w.root(), "DeletePolicyVersion", remove(id))
	}
	do[operation.None](t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)})
	refuse(t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)}, iam.NoSuchEntity, "Policy "+arn+" was not found.")
	refuse(t, w.root(), "GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v2")}, iam.NoSuchEntity, "Policy "+arn+" was not found.")
	for _, id := range []string{"", "v", "v0", "V1", "1", "v1 "} {
		in := remove(id)
		_, err := w.root().call("DeletePolicyVersion", in)
		if !fault.Is(err, fault.Validation) || !strings.Contains(err.Error(), "'versionId' failed to satisfy constraint") {
			t.Errorf("version id %q: %v", id, err)
		}
	}
}

// Each change of what is attached, and of what it says, is in force for all when its
// call is answered.
func TestAttachedPoliciesAreInForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := []*actor{w.actorNamed("ann", ""), w.actorNamed("bob", "")}
	list := &iam.ListUsersInput{}
	const denied = " is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::111122223333:user/ "
	const nothing = "because no identity-based policy allows the iam:ListUsers action"
	const explicit = "with an explicit deny in an identity-based policy"
	arn := w.createPolicy("p", statement("Allow", "iam:List*", "*"))
	everybody := func(because string) {
		t.Helper()
		for i, name := range []string{"ann", "bob"} {
			if because == "" {
				do[iam.ListUsersOutput](t, users[i], "ListUsers", list)
			} else {
				refuse(t, users[i], "ListUsers", list, fault.AccessDenied, "User: arn:aws:iam::111122223333:user/"+name+denied+because)
			}
		}
	}
	everybody(nothing)
	w.attach("ann", arn)
	w.attach("bob", arn)
	everybody("")
	w.version(arn, statement("Deny", "iam:List*", "*"))
	everybody(explicit)
	w.put("ann", "own", allowAll)
	w.put("bob", "own", allowAll)
	everybody(explicit)
	do[operation.None](t, w.root(), "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v1")})
	everybody("")
	do[operation.None](t, w.root(), "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v2")})
	everybody(explicit)
	w.detach("ann", arn)
	w.detach("bob", arn)
	everybody("")

	// What is not the default may say what it likes.
	w.attach("ann", arn)
	refuse(t, users[0], "ListUsers", list, fault.AccessDenied, "User: arn:aws:iam::111122223333:user/ann"+denied+explicit)
	w.version(arn, statement("Allow", "iam:GetUser", "*"))
	do[iam.ListUsersOutput](t, users[0], "ListUsers", list)
}

// Roles have managed policies as users have, and their sessions with them.
func TestAttachedPoliciesOfRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.createRole("r")
	arn := w.createPolicy("p", statement("Allow", "iam:ListUsers", "*"))
	identity := func() int {
		t.Helper()
		var n int
		err := w.store.View(t.Context(), func(r store.Reader) error {
			caller, err := w.iam.RoleCaller(t.Context(), r, role.RoleID)
			if err == nil {
				n = len(caller.Identity)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	attach := &iam.AttachRolePolicyInput{RoleName: some("R"), PolicyARN: some(arn)}
	do[operation.None](t, w.root(), "AttachRolePolicy", attach)
	do[operation.None](t, w.root(), "AttachRolePolicy", attach)
	if n := identity(); n != 1 {
		t.Errorf("the role has %d policies", n)
	}
	if p := w.policy(arn); p.AttachmentCount != 1 {
		t.Errorf("attached %d times", p.AttachmentCount)
	}
	refuse(t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("r")}, iam.DeleteConflict, "Cannot delete entity, must detach all policies first.")
	refuse(t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)}, iam.DeleteConflict, "Cannot delete a policy attached to entities.")
	listed := do[iam.ListAttachedRolePoliciesOutput](t, w.root(), "ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: some("r")})
	if want := []iam.AttachedPolicy{{PolicyName: "p", PolicyARN: arn}}; !slices.Equal(listed.AttachedPolicies, want) {
		t.Errorf("attached: %+v", listed)
	}
	detach := &iam.DetachRolePolicyInput{RoleName: some("r"), PolicyARN: some(arn)}
	do[operation.None](t, w.root(), "DetachRolePolicy", detach)
	refuse(t, w.root(), "DetachRolePolicy", detach, iam.NoSuchEntity, "Policy "+arn+" was not found.")
	if n := identity(); n != 0 {
		t.Errorf("the role has %d policies", n)
	}
	do[operation.None](t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)})
	do[operation.None](t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("r")})
}

func TestAttachUserPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	var arns []string
	for i := range 11 {
		arns = append(arns, w.createPolicy(fmt.Sprintf("p%02d", i), allowAll))
	}
	for i := 9; i >= 0; i-- {
		w.attach("ann", arns[i])
	}
	w.attach("ann", arns[3])
	refuse(t, w.root(), "AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: some("ann"), PolicyARN: some(arns[10])}, fault.LimitExceeded, "Cannot exceed quota for PoliciesPerUser: 10")
	if p := w.policy(arns[10]); p.AttachmentCount != 0 {
		t.Errorf("a refused attachment counts")
	}
	refuse(t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")}, iam.DeleteConflict, "Cannot delete entity, must detach all policies first.")

	var got []string
	list := &iam.ListAttachedUserPoliciesInput{UserName: some("Ann"), PathPrefix: some("/"), MaxItems: optional.Some(4)}
	for _, want := range []int{4, 4, 2} {
		out := do[iam.ListAttachedUserPoliciesOutput](t, w.root(), "ListAttachedUserPolicies", list)
		if len(out.AttachedPolicies) != want || out.IsTruncated != out.Marker.Set || out.IsTruncated != (want == 4) {
			t.Fatalf("a page is %+v", out)
		}
		for _, a := range out.AttachedPolicies {
			got = append(got, a.PolicyARN)
		}
		list.Marker = out.Marker
	}
	if !slices.Equal(got, arns[:10]) {
		t.Errorf("attached in the order %v", got)
	}
	list = &iam.ListAttachedUserPoliciesInput{UserName: some("ann"), PathPrefix: some("/team/")}
	if out := do[iam.ListAttachedUserPoliciesOutput](t, w.root(), "ListAttachedUserPolicies", list); len(out.AttachedPolicies) != 0 {
		t.Errorf("under another path: %+v", out)
	}
	for _, arn := range arns[:10] {
		w.detach("ann", arn)
	}
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
}

func TestPolicyTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	nobody := w.actorNamed("nobody", "")
	admin := w.actorNamed("admin", allowAll)
	theirs := do[iam.CreatePolicyOutput](t, w.otherRoot(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("p"), PolicyDocument: some(allowAll)}).Policy.ARN
	attach := func(arn string) *iam.AttachUserPolicyInput {
		return &iam.AttachUserPolicyInput{UserName: some("ann"), PolicyARN: some(arn)}
	}
	refuse(t, w.root(), "AttachUserPolicy", attach("longpolicynamebutnoarn"), fault.Validation, "Invalid ARN:  Could not be parsed!")
	for _, arn := range []string{
		"arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:policy/", "arn:aws:iam::1111:policy/p", "arn:aws-cn:iam::aws:policy/AdministratorAccess",
		"arn:aws:iam:us-east-1:111122223333:policy/p", "arn:aws:kms::111122223333:policy/p",
	} {
		refuse(t, w.root(), "AttachUserPolicy", attach(arn), iam.InvalidInput, "ARN "+arn+" is not valid.")
	}
	for _, arn := range []string{"arn:aws:iam::111122223333:policy/none", theirs, "arn:aws:iam::aws:policy/None", "arn:aws:iam::aws:policy/Billing"} {
		refuse(t, w.root(), "AttachUserPolicy", attach(arn), iam.NoSuchEntity, "Policy "+arn+" does not exist or is not attachable.")
		refuse(t, w.root(), "DetachUserPolicy", &iam.DetachUserPolicyInput{UserName: some("ann"), PolicyARN: some(arn)}, iam.NoSuchEntity, "Policy "+arn+" was not found.")
	}
	refuse(t, w.root(), "AttachUserPolicy", attach("arn:aws:iam::aws:policy/aws-service-role/CloudTrailServiceRolePolicy"), iam.PolicyNotAttachable, "Cannot attach a Service Role Policy to a Customer Role.")
	refuse(t, w.root(), "AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: some("none"), PolicyARN: some(theirs)}, iam.NoSuchEntity, "The user with name none cannot be found.")

	// What belongs to another account, or to AWS, is nobody's to change, and another
	// account's is nobody's to see.
	const administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
	for arn, reads := range map[string]bool{theirs: false, administrator: true} {
		for name, in := range map[string]any{
			"CreatePolicyVersion":     &iam.CreatePolicyVersionInput{PolicyARN: some(arn), PolicyDocument: some(allowAll)},
			"DeletePolicy":            &iam.DeletePolicyInput{PolicyARN: some(arn)},
			"DeletePolicyVersion":     &iam.DeletePolicyVersionInput{PolicyARN: some(arn), VersionID: some("v1")},
			"SetDefaultPolicyVersion": &iam.SetDefaultPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v1")},
			"TagPolicy":               &iam.TagPolicyInput{PolicyARN: some(arn), Tags: []iam.Tag{}},
			"UntagPolicy":             &iam.UntagPolicyInput{PolicyARN: some(arn), TagKeys: []string{}},
		} {
			for _, a := range []*actor{admin, w.root(), nobody} {
				if _, err := a.call(name, in); !fault.Is(err, fault.AccessDenied) {
					t.Errorf("%s of %s: %v", name, arn, err)
				}
			}
		}
		for name, in := range map[string]any{
			"GetPolicy":          &iam.GetPolicyInput{PolicyARN: some(arn)},
			"GetPolicyVersion":   &iam.GetPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v1")},
			"ListPolicyTags":     &iam.ListPolicyTagsInput{PolicyARN: some(arn)},
			"ListPolicyVersions": &iam.ListPolicyVersionsInput{PolicyARN: some(arn)},
		} {
			if _, err := admin.call(name, in); (err == nil) != reads || err != nil && !fault.Is(err, fault.AccessDenied) {
				t.Errorf("%s of %s: %v", name, arn, err)
			}
			if _, err := nobody.call(name, in); !fault.Is(err, fault.AccessDenied) {
				t.Errorf("%s of %s by nobody: %v", name, arn, err)
			}
		}
	}
}

// Operations on policies ask for leave on the policy, those on attachments on the user or role.
func TestPolicyConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	red := do[iam.CreatePolicyOutput](t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{
		PolicyName: some("red"), PolicyDocument: some(allowAll), Tags: []iam.Tag{{Key: some("team"), Value: some("red")}},
	}).Policy.ARN
	blue := w.createPolicy("blue", allowAll)
	lead := w.actorNamed("lead", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"arn:aws:iam::111122223333:user/ann","Condition":{"ArnEquals":{"iam:PolicyARN":"`+red+`"}}},
		{"Effect":"Allow","Action":"iam:GetPolicy","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}},
		{"Effect":"Allow","Action":"iam:CreatePolicy","Resource":"*"},
		{"Effect":"Allow","Action":"iam:TagPolicy","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"red"},"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}}]}`)
	do[operation.None](t, lead, "AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: some("ann"), PolicyARN: some(red)})
	if _, err := lead.call("AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: some("ann"), PolicyARN: some(blue)}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("attaching another policy: %v", err)
	}
	do[iam.GetPolicyOutput](t, lead, "GetPolicy", &iam.GetPolicyInput{PolicyARN: some(red)})
	if _, err := lead.call("GetPolicy", &iam.GetPolicyInput{PolicyARN: some(blue)}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("reading another policy: %v", err)
	}
	create := &iam.CreatePolicyInput{PolicyName: some("new"), PolicyDocument: some(allowAll), Tags: []iam.Tag{{Key: some("team"), Value: some("blue")}}}
	if _, err := lead.call("CreatePolicy", create); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("making a policy with another tag: %v", err)
	}
	create.Tags[0].Value = some("red")
	do[iam.CreatePolicyOutput](t, lead, "CreatePolicy", create)
	do[operation.None](t, w.root(), "UntagPolicy", &iam.UntagPolicyInput{PolicyARN: some(red), TagKeys: []string{"TEAM"}})
	if _, err := lead.call("GetPolicy", &iam.GetPolicyInput{PolicyARN: some(red)}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("reading a policy without its tag: %v", err)
	}
	do[operation.None](t, w.root(), "TagPolicy", &iam.TagPolicyInput{PolicyARN: some(red), Tags: []iam.Tag{{Key: some("Team"), Value: some("red")}}})
	do[iam.GetPolicyOutput](t, lead, "GetPolicy", &iam.GetPolicyInput{PolicyARN: some(red)})
	tags := do[iam.ListPolicyTagsOutput](t, w.root(), "ListPolicyTags", &iam.ListPolicyTagsInput{PolicyARN: some(red)})
	if want := []iam.Tag{{Key: some("Team"), Value: some("red")}}; !slices.Equal(tags.Tags, want) || tags.IsTruncated {
		t.Errorf("tags %+v", tags)
	}
}

func TestListPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	aardvark := w.createPolicy("aardvark", allowAll)
	zebra := do[iam.CreatePolicyOutput](t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("Zebra"), Path: some("/team/"), PolicyDocument: some(allowAll)}).Policy.ARN
	const administrator, billing = "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/job-function/Billing"
	w.attach("ann", zebra)
	w.attach("ann", billing)
	list := func(in iam.ListPoliciesInput) (arns []string) {
		t.Helper()
		for pages := 0; pages < 1000; pages++ {
			out := do[iam.ListPoliciesOutput](t, w.root(), "ListPolicies", &in)
			if out.IsTruncated != out.Marker.Set || len(out.Marker.V) > 320 || len(out.Policies) > in.MaxItems.Or(100) {
				t.Fatalf("a page is %+v", out)
			}
			for _, p := range out.Policies {
				if p.AttachmentCount != map[string]int{zebra: 1, billing: 1}[p.ARN] || p.Description.Set || p.Tags != nil {
					t.Errorf("listed: %+v", p)
				}
				arns = append(arns, p.ARN)
			}
			if !out.IsTruncated {
				return arns
			}
			in.Marker = out.Marker
		}
		t.Fatal("the list does not end")
		return nil
	}
	all := list(iam.ListPoliciesInput{})
	if len(all) < 1500 || !slices.Equal(all[:2], []string{aardvark, zebra}) || !slices.Contains(all, administrator) {
		t.Errorf("all: %v", all)
	}
	for _, max := range []int{97, 300, 999, 1000} {
		if paged := list(iam.ListPoliciesInput{MaxItems: optional.Some(max)}); !slices.Equal(paged, all) {
			t.Errorf("in pages of %d: %v", max, paged)
		}
	}
	for _, c := range []struct {
		in   iam.ListPoliciesInput
		want []string
	}{
		{iam.ListPoliciesInput{Scope: some("AWS")}, all[2:]},
		{iam.ListPoliciesInput{Scope: some("Local")}, all[:2]},
		{iam.ListPoliciesInput{Scope: some("All"), OnlyAttached: optional.Some(true)}, []string{zebra, billing}},
		{iam.ListPoliciesInput{Scope: some("All"), OnlyAttached: optional.Some(true), MaxItems: optional.Some(1)}, []string{zebra, billing}},
		{iam.ListPoliciesInput{Scope: some("AWS"), PolicyUsageFilter: some("PermissionsPolicy")}, []string{billing}},
		{iam.ListPoliciesInput{PolicyUsageFilter: some("PermissionsBoundary")}, nil},
		{iam.ListPoliciesInput{PathPrefix: some("/team/")}, []string{zebra}},
		{iam.ListPoliciesInput{PathPrefix: some("/"), Scope: some("Local")}, all[:2]},
	} {
		if got := list(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.in, got, c.want)
		}
	}
	if !slices.IsSortedFunc(all[2:], func(a, b string) int {
		return strings.Compare(strings.ToLower(a[strings.LastIndex(a, "/"):]), strings.ToLower(b[strings.LastIndex(b, "/"):]))
	}) {
		t.Errorf("the policies of AWS are not in order: %v", all[2:])
	}
	first := do[iam.ListPoliciesOutput](t, w.root(), "ListPolicies", &iam.ListPoliciesInput{MaxItems: optional.Some(1)})
	refuse(t, w.root(), "ListPolicies", &iam.ListPoliciesInput{Scope: some("Local"), Marker: first.Marker}, fault.Validation, "Invalid Marker.")
}

// A policy is compiled once for all that have it, and again when it has changed.
func TestPoliciesAreShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.actorNamed("ann", ""), w.actorNamed("bob", "")
	arn := w.createPolicy("p", allowAll)
	for _, user := range []string{"ann", "bob"} {
		w.attach(user, arn)
		w.attach(user, "arn:aws:iam::aws:policy/AWSDenyAll")
	}
	a, b := w.credential(ann.keyID).Caller.Identity, w.credential(bob.keyID).Caller.Identity
	if len(a) != 2 || len(b) != 2 || a[0] != b[0] || a[1] != b[1] {
		t.Errorf("ann has %v, bob %v", a, b)
	}
	w.version(arn, statement("Deny", "*", "*"))
	if now := w.credential(ann.keyID).Caller.Identity; now[1] == a[1] && now[0] == a[0] {
		t.Error("a new version is not compiled")
	}
}

// A policy that is missing might deny: who has it attached can do nothing.
func TestMissingPolicyFailsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", allowAll)
	arn := w.createPolicy("p", statement("Deny", "iam:ListUsers", "*"))
	w.attach("ann", arn)
	role := w.createRole("r")
	do[operation.None](t, w.root(), "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: some("r"), PolicyARN: some(arn)})
	id := w.policy(arn).PolicyID
	for _, lose := range []func(store.Txn) error{
		func(tx store.Txn) error { return iam.LosePolicyDocument(t.Context(), tx, id, 1) },
		func(tx store.Txn) error { return iam.LosePolicy(t.Context(), tx, id) },
	} {
		w.update(lose)
		if _, err := ann.call("ListUsers", &iam.ListUsersInput{}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("of a user: %v", err)
		}
		err := w.store.View(t.Context(), func(r store.Reader) error {
			_, err := w.iam.RoleCaller(t.Context(), r, role.RoleID)
			return err
		})
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("of a role: %v", err)
		}
	}
}

// A policy is not deleted while it is being attached: of both one is refused.
func TestAttachWhileDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	for range 20 {
		arn := w.createPolicy("p", allowAll)
		refused := make(chan error, 2)
		go func() {
			_, err := w.root().call("AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: some("ann"), PolicyARN: some(arn)})
			refused <- err
		}()
		go func() {
			_, err := w.root().call("DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)})
			refused <- err
		}()
		if a, b := <-refused, <-refused; (a == nil) == (b == nil) {
			t.Fatalf("one must be refused: %v, %v", a, b)
		}
		attached := do[iam.ListAttachedUserPoliciesOutput](t, w.root(), "ListAttachedUserPolicies", &iam.ListAttachedUserPoliciesInput{UserName: some("ann")})
		for _, a := range attached.AttachedPolicies {
			w.policy(a.PolicyARN)
			w.detach("ann", a.PolicyARN)
			do[operation.None](t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)})
		}
	}
}

// With ten policies of ten statements a warm decision that allows allocates nothing.
func TestAttachedPoliciesAllocateNothing(t *testing.T) {
	w := newWorld(t)
	ann := w.actorNamed("ann", "")
	var others []string
	for i := range 9 {
		others = append(others, fmt.Sprintf(`{"Effect":"Deny","Action":"s3:Get%d*","Resource":"arn:aws:s3:::bucket%d/*"}`, i, i))
	}
	document := `{"Version":"2012-10-17","Statement":[` + strings.Join(others, ",") + `,{"Effect":"Allow","Action":"kms:Describe*","Resource":"*"}]}`
	for i := range 10 {
		w.attach("ann", w.createPolicy(fmt.Sprintf("p%d", i), document))
	}
	facts := &authz.Facts{Time: start, Region: "us-east-1"}
	ask := authz.Ask{Action: "kms:DescribeKey", Resource: "arn:aws:kms:us-east-1:111122223333:key/k", Account: account}
	var judge authz.Judge
	decide := func() {
		credential, err := w.iam.Credential(t.Context(), ann.keyID, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := judge.Allow(facts, credential.Caller, &ask); err != nil {
			t.Fatal(err)
		}
	}
	decide()
	if n := testing.AllocsPerRun(100, decide); n != 0 {
		t.Errorf("a decision allocates %v times", n)
	}
}

// FuzzManagedPolicies looks for policies under any name: only the whole ARN of one finds it.
func FuzzManagedPolicies(f *testing.F) {
	w := newWorld(f)
	made := w.createPolicy("p", allowAll)
	id := w.policy(made).PolicyID
	for _, seed := range []string{made, admin, "arn:aws:iam::aws:policy/job-function/Billing", "arn:aws:iam::111122223333:policy//p", "arn:aws:iam::111122223333:policy/P", "arn:aws:iam::aws:policy/", "arn:aws:iam::111122223333:policy", ":", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := w.store.View(t.Context(), func(r store.Reader) error {
			ids, _, missing, err := w.iam.ManagedPolicies(t.Context(), r, account, []string{name})
			switch {
			case len(ids) == 0 && (missing != name || name == made || name == admin):
				t.Errorf("of %q %q is missing", name, missing)
			case len(ids) == 1 && ids[0] == id && name != made:
				t.Errorf("%q is %s", name, made)
			case len(ids) == 1 && ids[0] != id && !strings.HasPrefix(name, "arn:aws:iam::aws:policy/"):
				t.Errorf("%q is a policy of AWS", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
