package iam_test

import (
	"slices"
	"strings"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

// A user that is called otherwise keeps its id, its access keys, its groups and its rights, and
// is who policies meant that name it as a principal.
func TestUpdateUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", allowAll)
	before := do[iam.GetUserOutput](t, ann, "GetUser", &iam.GetUserInput{}).User
	w.createGroup("red")
	w.join("ann", "red")
	w.createRoleTrusting("r", before.ARN)
	do[operation.None](t, w.root(), "UpdateUser", &iam.UpdateUserInput{UserName: some("Ann"), NewUserName: some("Eve"), NewPath: some("/team/")})
	after := do[iam.GetUserOutput](t, ann, "GetUser", &iam.GetUserInput{}).User
	if after.UserID != before.UserID || after.UserName != some("Eve") || after.Path != some("/team/") || after.ARN != "arn:aws:iam::111122223333:user/team/Eve" {
		t.Errorf("renamed: %+v", after)
	}
	if c := w.credential(ann.keyID).Caller; c.Principal.ARN != after.ARN || c.Principal.Name != "Eve" || c.Policy.ARN != after.ARN {
		t.Errorf("calls as %+v", c.Principal)
	}
	refuse(t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("ann")}, iam.NoSuchEntity, "The user with name ann cannot be found.")
	groups := do[iam.ListGroupsForUserOutput](t, w.root(), "ListGroupsForUser", &iam.ListGroupsForUserInput{UserName: some("eve")}).Groups
	if len(groups) != 1 || groups[0].GroupName != "red" {
		t.Errorf("in %+v", groups)
	}
	trusted := func() string {
		return do[iam.GetRoleOutput](t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some("r")}).Role.AssumeRolePolicyDocument
	}
	if got := trusted(); !strings.Contains(got, after.ARN) || strings.Contains(got, before.ARN) {
		t.Errorf("the role trusts %s", got)
	}
	w.createUser("ann") // another one
	if got := trusted(); !strings.Contains(got, after.ARN) {
		t.Errorf("the role trusts %s", got)
	}

	refuse(t, w.root(), "UpdateUser", &iam.UpdateUserInput{UserName: some("ann"), NewUserName: some("EVE")}, iam.EntityAlreadyExists, "User with name EVE already exists.")
	refuse(t, w.root(), "UpdateUser", &iam.UpdateUserInput{UserName: some("none"), NewUserName: some("x")}, iam.NoSuchEntity, "The user with name none cannot be found.")
	refuse(t, w.root(), "UpdateUser", &iam.UpdateUserInput{UserName: some("ann"), NewPath: some("x")}, fault.Validation, "The specified value for newPath is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	refuse(t, w.root(), "UpdateUser", &iam.UpdateUserInput{UserName: some("ann"), NewUserName: some("a b")}, fault.Validation, "The specified value for newUserName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	do[operation.None](t, w.root(), "UpdateUser", &iam.UpdateUserInput{UserName: some("ann"), NewUserName: some("ANN")}) // its own name
	do[operation.None](t, w.root(), "UpdateUser", &iam.UpdateUserInput{UserName: some("ann")})
	if u := do[iam.GetUserOutput](t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("ann")}).User; u.UserName != some("ANN") || u.Path != some("/") {
		t.Errorf("got %+v", u)
	}
	w.as(ann.keyID) // still eve's
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
}

// Both the old and the new name must be the caller's to change.
func TestRenamingAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.createGroup("red")
	lead := w.actorNamed("lead", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:Update*","Resource":["arn:aws:iam::*:user/ann","arn:aws:iam::*:user/team/*","arn:aws:iam::*:group/red","arn:aws:iam::*:group/team/*"]}]}`)
	resources := func() (names []string) {
		for _, a := range lead.asks {
			names = append(names, a.Resource)
		}
		return names
	}
	for _, c := range []struct {
		name string
		in   any
		want []string
	}{
		{"UpdateUser", &iam.UpdateUserInput{UserName: some("ann"), NewUserName: some("eve")}, []string{"arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/eve"}},
		{"UpdateGroup", &iam.UpdateGroupInput{GroupName: some("red"), NewGroupName: some("blue")}, []string{"arn:aws:iam::111122223333:group/red", "arn:aws:iam::111122223333:group/blue"}},
	} {
		if _, err := lead.call(c.name, c.in); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := resources(); !slices.Equal(got, c.want) {
			t.Errorf("%s asks about %v, want %v", c.name, got, c.want)
		}
	}
	do[operation.None](t, lead, "UpdateUser", &iam.UpdateUserInput{UserName: some("ann"), NewUserName: some("eve"), NewPath: some("/team/")})
	do[operation.None](t, lead, "UpdateGroup", &iam.UpdateGroupInput{GroupName: some("red"), NewGroupName: some("blue"), NewPath: some("/team/")})
	w.createGroup("red")
	refuse(t, w.root(), "UpdateGroup", &iam.UpdateGroupInput{GroupName: some("red"), NewGroupName: some("BLUE")}, iam.EntityAlreadyExists, "Group with name BLUE already exists.")
}

// Of two who take the same name at the same time one is refused.
func TestRenameAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.createUser("bob")
	refused := make(chan error, 2)
	for _, name := range []string{"ann", "bob"} {
		go func() {
			_, err := w.root().call("UpdateUser", &iam.UpdateUserInput{UserName: some(name), NewUserName: some("eve")})
			refused <- err
		}()
	}
	a, b := <-refused, <-refused
	if a == nil {
		a, b = b, a
	}
	if b != nil || !fault.Is(a, iam.EntityAlreadyExists) {
		t.Errorf("got %v and %v", a, b)
	}
}
