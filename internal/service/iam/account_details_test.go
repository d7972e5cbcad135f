package iam_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// populate makes users, groups, roles and policies that have to do with each other.
func (w *world) populate() (policy, limit string) {
	w.t.Helper()
	policy, limit = w.createPolicy("policy", statement("Allow", "kms:*", "*")), w.createPolicy("limit", allowAll)
	for _, name := range []string{"ann", "Bob"} {
		w.createUser(name)
		w.createRole(name)
		w.createGroup(name)
		w.attach(name, policy)
		do[operation.None](w.t, w.root(), "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: some(name), PolicyARN: some(policy)})
		do[operation.None](w.t, w.root(), "AttachGroupPolicy", &iam.AttachGroupPolicyInput{GroupName: some(name), PolicyARN: some(policy)})
	}
	w.createUser("cid")
	w.bound("cid", limit)
	w.bound("ann", policy)
	do[operation.None](w.t, w.root(), "PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: some("ann"), PermissionsBoundary: some(limit)})
	w.attach("ann", admin)
	w.join("ann", "Bob")
	w.join("ann", "ann")
	w.put("ann", "own", statement("Deny", "s3:*", "*"))
	w.putGroup("ann", "own", allowAll)
	w.allow("ann", allowAll)
	do[iam.CreateInstanceProfileOutput](w.t, w.root(), "CreateInstanceProfile", &iam.CreateInstanceProfileInput{InstanceProfileName: some("host")})
	do[operation.None](w.t, w.root(), "AddRoleToInstanceProfile", &iam.AddRoleToInstanceProfileInput{InstanceProfileName: some("host"), RoleName: some("ann")})
	return policy, limit
}

func TestListEntitiesForPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	policy, limit := w.populate()
	list := func(in iam.ListEntitiesForPolicyInput) string {
		t.Helper()
		var found []string
		for pages := 0; ; pages++ {
			out := do[iam.ListEntitiesForPolicyOutput](t, w.root(), "ListEntitiesForPolicy", &in)
			if out.IsTruncated != out.Marker.Set || pages > 10 || len(out.PolicyGroups)+len(out.PolicyUsers)+len(out.PolicyRoles) > in.MaxItems.Or(100) {
				t.Fatalf("page %d is %+v", pages, out)
			}
			for _, g := range out.PolicyGroups {
				found = append(found, "g:"+g.GroupName+g.GroupID[:4])
			}
			for _, u := range out.PolicyUsers {
				found = append(found, "u:"+u.UserName+u.UserID[:4])
			}
			for _, r := range out.PolicyRoles {
				found = append(found, "r:"+r.RoleName+r.RoleID[:4])
			}
			if !out.IsTruncated {
				return strings.Join(found, " ")
			}
			in.Marker = out.Marker
		}
	}
	const all = "g:annAGPA g:BobAGPA u:annAIDA u:BobAIDA r:annAROA r:BobAROA"
	for _, c := range []struct {
		in   iam.ListEntitiesForPolicyInput
		want string
	}{
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy)}, all},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), MaxItems: optional.Some(1)}, all},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), MaxItems: optional.Some(2)}, all},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), MaxItems: optional.Some(5), PathPrefix: some("/")}, all},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), PathPrefix: some("/x/")}, ""},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), EntityFilter: some("User")}, "u:annAIDA u:BobAIDA"},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), EntityFilter: some("Role"), MaxItems: optional.Some(1)}, "r:annAROA r:BobAROA"},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), EntityFilter: some("Group")}, "g:annAGPA g:BobAGPA"},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), EntityFilter: some("LocalManagedPolicy")}, ""},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), PolicyUsageFilter: some("PermissionsBoundary")}, "u:annAIDA"},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(limit)}, "u:cidAIDA r:annAROA"},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(limit), PolicyUsageFilter: some("PermissionsPolicy")}, ""},
		{iam.ListEntitiesForPolicyInput{PolicyARN: some(admin)}, "u:annAIDA"},
	} {
		if got := list(c.in); got != c.want {
			t.Errorf("%+v: %s, want %s", c.in, got, c.want)
		}
	}
	missing := "arn:aws:iam::111122223333:policy/none"
	refuse(t, w.root(), "ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyARN: some(missing)}, iam.NoSuchEntity, "Policy "+missing+" was not found.")
	refuse(t, w.root(), "ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), PathPrefix: some("/x")}, fault.Validation,
		"The specified value for pathPrefix is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	first := do[iam.ListEntitiesForPolicyOutput](t, w.root(), "ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyARN: some(policy), MaxItems: optional.Some(1)})
	refuse(t, w.root(), "ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyARN: some(limit), Marker: first.Marker}, fault.Validation, "Invalid Marker.")
	if _, err := w.otherRoot().call("ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyARN: some(policy)}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("of another account: %v", err)
	}
	if out := do[iam.ListEntitiesForPolicyOutput](t, w.otherRoot(), "ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyARN: some(admin)}); len(out.PolicyUsers) != 0 {
		t.Errorf("another account sees %+v", out)
	}
}

func TestGetAccountAuthorizationDetails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	policy, limit := w.populate()
	w.version(policy, statement("Deny", "kms:*", "*"))
	whole := do[iam.GetAccountAuthorizationDetailsOutput](t, w.root(), "GetAccountAuthorizationDetails", &iam.GetAccountAuthorizationDetailsInput{})
	if whole.IsTruncated || whole.Marker.Set || len(whole.UserDetailList) != 3 || len(whole.GroupDetailList) != 2 || len(whole.RoleDetailList) != 2 || len(whole.Policies) != 3 {
		t.Fatalf("got %+v", whole)
	}
	ann := whole.UserDetailList[0]
	if ann.UserName != "ann" || ann.ARN != "arn:aws:iam::111122223333:user/ann" || !slices.Equal(ann.GroupList, []string{"ann", "Bob"}) ||
		!slices.Equal(ann.UserPolicyList, []iam.PolicyDetail{{PolicyName: "own", PolicyDocument: statement("Deny", "s3:*", "*")}}) ||
		!slices.Equal(ann.AttachedManagedPolicies, []iam.AttachedPolicy{{PolicyName: "AdministratorAccess", PolicyARN: admin}, {PolicyName: "policy", PolicyARN: policy}}) ||
		ann.PermissionsBoundary == nil || ann.PermissionsBoundary.PermissionsBoundaryARN != policy {
		t.Errorf("ann is %+v", ann)
	}
	if bob := whole.UserDetailList[1]; bob.GroupList == nil || bob.UserPolicyList != nil || bob.Tags == nil || bob.AttachedManagedPolicies == nil || bob.PermissionsBoundary != nil {
		t.Errorf("bob is %+v", bob)
	}
	if g := whole.GroupDetailList[0]; g.GroupName != "ann" || len(g.GroupPolicyList) != 1 || len(g.AttachedManagedPolicies) != 1 {
		t.Errorf("the group is %+v", g)
	}
	if r := whole.RoleDetailList[0]; r.RoleName != "ann" || r.AssumeRolePolicyDocument == "" || len(r.RolePolicyList) != 1 || len(r.InstanceProfileList) != 1 || r.InstanceProfileList[0].InstanceProfileName != "host" || len(r.InstanceProfileList[0].Roles) != 1 || r.PermissionsBoundary.PermissionsBoundaryARN != limit {
		t.Errorf("the role is %+v", r)
	}
	if p := whole.Policies[1]; p.ARN != policy || p.DefaultVersionID != "v2" || p.AttachmentCount != 6 || p.PermissionsBoundaryUsageCount != 1 || len(p.PolicyVersionList) != 2 ||
		p.PolicyVersionList[0].VersionID != "v2" || p.PolicyVersionList[0].Document != some(statement("Deny", "kms:*", "*")) || !p.PolicyVersionList[0].IsDefaultVersion {
		t.Errorf("the policy is %+v", p)
	}
	if p := whole.Policies[2]; p.ARN != admin || p.AttachmentCount != 1 || !p.Description.Set || len(p.PolicyVersionList) != 1 {
		t.Errorf("the policy of AWS is %+v", p)
	}

	names := func(out *iam.GetAccountAuthorizationDetailsOutput) (names []string) {
		for _, u := range out.UserDetailList {
			names = append(names, u.ARN)
		}
		for _, g := range out.GroupDetailList {
			names = append(names, g.ARN)
		}
		for _, r := range out.RoleDetailList {
			names = append(names, r.ARN)
		}
		for _, p := range out.Policies {
			names = append(names, p.ARN)
		}
		return names
	}
	for _, max := range []int{1, 2, 3, 9} {
		var got []string
		in := &iam.GetAccountAuthorizationDetailsInput{MaxItems: optional.Some(max)}
		for {
			out := do[iam.GetAccountAuthorizationDetailsOutput](t, w.root(), "GetAccountAuthorizationDetails", in)
			if out.IsTruncated != out.Marker.Set || len(names(out)) > max {
				t.Fatalf("a page of %d is %+v", max, out)
			}
			got = append(got, names(out)...)
			if !out.IsTruncated {
				break
			}
			in.Marker = out.Marker
		}
		if !slices.Equal(got, names(whole)) {
			t.Errorf("in pages of %d: %v, want %v", max, got, names(whole))
		}
	}
	some := do[iam.GetAccountAuthorizationDetailsOutput](t, w.root(), "GetAccountAuthorizationDetails", &iam.GetAccountAuthorizationDetailsInput{Filter: []string{"AWSManagedPolicy", "Group", "Group"}})
	if len(some.UserDetailList) != 0 || len(some.GroupDetailList) != 2 || len(some.RoleDetailList) != 0 || len(some.Policies) != 1 {
		t.Errorf("filtered: %+v", some)
	}
	if _, err := w.root().call("GetAccountAuthorizationDetails", &iam.GetAccountAuthorizationDetailsInput{Filter: []string{"Server"}}); !fault.Is(err, fault.Validation) {
		t.Errorf("another filter: %v", err)
	}
	nobody := w.actorNamed("nobody", "")
	if _, err := nobody.call("GetAccountAuthorizationDetails", &iam.GetAccountAuthorizationDetailsInput{}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("nobody: %v", err)
	}
}

func TestListPoliciesGrantingServiceAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	policy, _ := w.populate()
	w.put("Bob", "but", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["s3:*","KMS:Decrypt"],"Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`)
	of := func(arn string, services ...string) map[string]string {
		t.Helper()
		out := do[iam.ListPoliciesGrantingServiceAccessOutput](t, w.root(), "ListPoliciesGrantingServiceAccess", &iam.ListPoliciesGrantingServiceAccessInput{ARN: some(arn), ServiceNamespaces: services})
		found := make(map[string]string)
		for i, e := range out.PoliciesGrantingServiceAccess {
			if e.ServiceNamespace != services[i] || e.Policies == nil {
				t.Errorf("entry %d is %+v", i, e)
			}
			var names []string
			for _, p := range e.Policies {
				name := p.PolicyType + " " + p.PolicyName
				if p.PolicyType == "INLINE" {
					name += " of " + p.EntityType.V + " " + p.EntityName.V
				}
				if p.PolicyARN.Set != (p.PolicyType == "MANAGED") || p.EntityType.Set == p.PolicyARN.Set {
					t.Errorf("got %+v", p)
				}
				names = append(names, name)
			}
			found[e.ServiceNamespace] = strings.Join(names, ", ")
		}
		return found
	}
	const user = "arn:aws:iam::111122223333:user/"
	for _, c := range []struct {
		arn  string
		want map[string]string
	}{
		{user + "ann", map[string]string{"kms": "MANAGED AdministratorAccess, MANAGED policy, INLINE own of GROUP ann", "s3": "MANAGED AdministratorAccess, INLINE own of GROUP ann"}},
		{user + "Bob", map[string]string{"KMS": "INLINE but of USER Bob, MANAGED policy", "s3": "", "sts": "INLINE but of USER Bob"}},
		{user + "cid", map[string]string{"kms": ""}},
		{"arn:aws:iam::111122223333:group/ann", map[string]string{"kms": "INLINE own of GROUP ann, MANAGED policy", "ec2": "INLINE own of GROUP ann"}},
		{"arn:aws:iam::111122223333:role/Bob", map[string]string{"kms": "MANAGED policy", "ec2": ""}},
	} {
		if got := of(c.arn, slices.Sorted(maps.Keys(c.want))...); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.arn, got, c.want)
		}
	}
	ask := func(arn string) *iam.ListPoliciesGrantingServiceAccessInput {
		return &iam.ListPoliciesGrantingServiceAccessInput{ARN: some(arn), ServiceNamespaces: []string{"kms"}}
	}
	refuse(t, w.root(), "ListPoliciesGrantingServiceAccess", ask(policy), iam.InvalidInput, "ARN "+policy+" is not valid.")
	refuse(t, w.root(), "ListPoliciesGrantingServiceAccess", ask(user+"dan"), iam.NoSuchEntity, "The user with name dan cannot be found.")
	refuse(t, w.root(), "ListPoliciesGrantingServiceAccess", ask(user+"ANN"), iam.NoSuchEntity, "The user with name ANN cannot be found.")
	refuse(t, w.root(), "ListPoliciesGrantingServiceAccess", ask("arn:aws:iam::111122223333:group/x/ann"), iam.NoSuchEntity, "The group with name ann cannot be found.")
	refuse(t, w.root(), "ListPoliciesGrantingServiceAccess", ask("arn:aws:iam::111122223333:role/none"), iam.NoSuchEntity, "The role with name none cannot be found.")
	in := ask(user + "ann")
	in.Marker = some("m")
	refuse(t, w.root(), "ListPoliciesGrantingServiceAccess", in, fault.Validation, "Invalid Marker.")
	for _, a := range []*actor{w.otherRoot(), w.actorNamed("nobody", "")} {
		if _, err := a.call("ListPoliciesGrantingServiceAccess", ask(user+"ann")); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("a stranger: %v", err)
		}
	}
	for _, n := range []int{0, 201} {
		in := &iam.ListPoliciesGrantingServiceAccessInput{ARN: some(user + "ann"), ServiceNamespaces: make([]string, n)}
		for i := range n {
			in.ServiceNamespaces[i] = "kms"
		}
		if _, err := w.root().call("ListPoliciesGrantingServiceAccess", in); !fault.Is(err, fault.Validation) {
			t.Errorf("%d services: %v", n, err)
		}
	}
}

// A page has no more than about a megabyte of documents.
func TestDetailsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := allowAll + strings.Repeat(" ", 100<<10)
	for i := range 16 {
		name := fmt.Sprintf("u%02d", i)
		w.createUser(name)
		w.put(name, "long", long)
	}
	in := &iam.GetAccountAuthorizationDetailsInput{Filter: []string{"User"}}
	var seen int
	for pages := 0; ; pages++ {
		out := do[iam.GetAccountAuthorizationDetailsOutput](t, w.root(), "GetAccountAuthorizationDetails", in)
		seen += len(out.UserDetailList)
		if n := len(out.UserDetailList); n*len(long) > 5<<18 || n == 0 || pages > 2 {
			t.Fatalf("page %d has %d users", pages, n)
		}
		if !out.IsTruncated {
			break
		}
		in.Marker = out.Marker
	}
	if seen != 16 {
		t.Errorf("%d users were seen", seen)
	}
}
