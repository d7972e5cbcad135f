package iam_test

import (
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

// A role or user that exists is in nothing and has nothing attached: clients
// ask before they delete it, and want an empty list.
func TestNothingIsAttached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	w.createUser("ann")
	role, user := some("R"), some("Ann")
	attached := do[iam.ListAttachedRolePoliciesOutput](t, w.root(), "ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: role, PathPrefix: some("/service-role/")})
	if attached.AttachedPolicies == nil || len(attached.AttachedPolicies) != 0 || attached.IsTruncated || attached.Marker.Set {
		t.Errorf("policies of the role: %+v", attached)
	}
	owned := do[iam.ListAttachedUserPoliciesOutput](t, w.root(), "ListAttachedUserPolicies", &iam.ListAttachedUserPoliciesInput{UserName: user, PathPrefix: some("/")})
	if owned.AttachedPolicies == nil || len(owned.AttachedPolicies) != 0 || owned.IsTruncated || owned.Marker.Set {
		t.Errorf("policies of the user: %+v", owned)
	}
	profiles := do[iam.ListInstanceProfilesForRoleOutput](t, w.root(), "ListInstanceProfilesForRole", &iam.ListInstanceProfilesForRoleInput{RoleName: role})
	if profiles.InstanceProfiles == nil || len(profiles.InstanceProfiles) != 0 || profiles.IsTruncated || profiles.Marker.Set {
		t.Errorf("instance profiles: %+v", profiles)
	}
	groups := do[iam.ListGroupsForUserOutput](t, w.root(), "ListGroupsForUser", &iam.ListGroupsForUserInput{UserName: user})
	if groups.Groups == nil || len(groups.Groups) != 0 || groups.IsTruncated || groups.Marker.Set {
		t.Errorf("groups: %+v", groups)
	}
}

// attachedTo has, by operation, the inputs that tell what a role or user has
// attached, or is in.
var attachedTo = map[string]func(name, marker string) any{
	"ListAttachedRolePolicies": func(name, marker string) any {
		return &iam.ListAttachedRolePoliciesInput{RoleName: some(name), Marker: some(marker)}
	},
	"ListAttachedUserPolicies": func(name, marker string) any {
		return &iam.ListAttachedUserPoliciesInput{UserName: some(name), Marker: some(marker)}
	},
	"ListGroupsForUser": func(name, marker string) any {
		return &iam.ListGroupsForUserInput{UserName: some(name), Marker: some(marker)}
	},
	"ListInstanceProfilesForRole": func(name, marker string) any {
		return &iam.ListInstanceProfilesForRoleInput{RoleName: some(name), Marker: some(marker)}
	},
}

func TestNothingIsAttachedRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("x")
	w.createUser("x")
	nobody := w.actorNamed("nobody", "")
	ran := 0
	for name, in := range attachedTo {
		refuse(t, w.root(), name, in("x", "from another list"), fault.Validation, "Invalid Marker.")
		kind := "role"
		if name == "ListAttachedUserPolicies" || name == "ListGroupsForUser" {
			kind = "user"
		}
		refuse(t, w.root(), name, in("missing", "m"), iam.NoSuchEntity, "The "+kind+" with name missing cannot be found.")
		refuse(t, w.otherRoot(), name, in("x", "m"), iam.NoSuchEntity, "The "+kind+" with name x cannot be found.")
		refuse(t, nobody, name, in("x", "m"), fault.AccessDenied, "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:"+name+
			" on resource: arn:aws:iam::111122223333:"+kind+"/x because no identity-based policy allows the iam:"+name+" action")
		ran++
	}
	if ran != 4 {
		t.Errorf("%d operations ran, want 4", ran)
	}
	const prefix = "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters."
	prefixes := []string{"", "service-role/", "/service-role", "//", "/a b/"}
	for _, p := range prefixes {
		refuse(t, w.root(), "ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: some("x"), PathPrefix: some(p)}, fault.Validation, prefix)
		refuse(t, w.root(), "ListAttachedUserPolicies", &iam.ListAttachedUserPoliciesInput{UserName: some("x"), PathPrefix: some(p)}, fault.Validation, prefix)
	}
}
