package iam_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

func TestGetUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("Ann")
	for _, name := range []string{"Ann", "ann", "ANN"} {
		got := do[iam.GetUserOutput](t, w.root(), "GetUser", &iam.GetUserInput{UserName: some(name)}).User
		if !reflect.DeepEqual(got, ann) {
			t.Errorf("%s: got %+v, want %+v", name, got, ann)
		}
	}
	refuse(t, w.otherRoot(), "GetUser", &iam.GetUserInput{UserName: some("Ann")}, iam.NoSuchEntity, "The user with name Ann cannot be found.")
	refuse(t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("")}, fault.Validation,
		"The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	refuse(t, w.root(), "GetUser", &iam.GetUserInput{UserName: some(strings.Repeat("a", 129))}, fault.Validation,
		"1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 128")
	refuse(t, w.root(), "GetUser", &iam.GetUserInput{UserName: some(strings.Repeat("a", 128))}, iam.NoSuchEntity,
		"The user with name "+strings.Repeat("a", 128)+" cannot be found.")
}

func TestGetUserWithoutName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", statement("Allow", "iam:GetUser", "arn:aws:iam::111122223333:user/${aws:username}"))
	got := do[iam.GetUserOutput](t, ann, "GetUser", &iam.GetUserInput{}).User
	if got.ARN != "arn:aws:iam::111122223333:user/ann" {
		t.Errorf("the caller is %+v", got)
	}

	root := do[iam.GetUserOutput](t, w.root(), "GetUser", &iam.GetUserInput{}).User
	want := iam.User{UserID: account, ARN: "arn:aws:iam::111122223333:root", CreateDate: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	if !reflect.DeepEqual(root, want) {
		t.Errorf("the root user is %+v, want %+v", root, want)
	}

	session := &actor{w: w, caller: &authz.Caller{Principal: principal.Principal{Kind: principal.RoleSession, Account: account}}}
	for name, in := range map[string]any{
		"GetUser":         &iam.GetUserInput{},
		"CreateAccessKey": &iam.CreateAccessKeyInput{},
		"ListAccessKeys":  &iam.ListAccessKeysInput{},
		"UpdateAccessKey": &iam.UpdateAccessKeyInput{AccessKeyID: some(rootKeyID), Status: some("Inactive")},
		"DeleteAccessKey": &iam.DeleteAccessKeyInput{AccessKeyID: some(rootKeyID)},
	} {
		refuse(t, session, name, in, fault.Validation, "Must specify userName when calling with non-User credentials")
	}
}

// Who may not ask learns nothing of who exists: the answer differs only in the
// path, which a policy may already depend on.
func TestGetUserMissingOrForbidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("ann"), Path: some("/team/")})
	nobody := w.actorNamed("nobody", "")
	const denied = "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111122223333:user/"
	const because = " because no identity-based policy allows the iam:GetUser action"
	refuse(t, nobody, "GetUser", &iam.GetUserInput{UserName: some("ann")}, fault.AccessDenied, denied+"team/ann"+because)
	refuse(t, nobody, "GetUser", &iam.GetUserInput{UserName: some("missing")}, fault.AccessDenied, denied+"missing"+because)

	reader := w.actorNamed("reader", statement("Allow", "iam:GetUser", "arn:aws:iam::111122223333:user/*"))
	refuse(t, reader, "GetUser", &iam.GetUserInput{UserName: some("missing")}, iam.NoSuchEntity, "The user with name missing cannot be found.")
}

func TestResourceTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("tagged"), Tags: []iam.Tag{tag("Team", "a")}})
	w.createUser("plain")
	for i, key := range []string{"aws:ResourceTag/team", "iam:ResourceTag/Team"} {
		reader := w.actorNamed("reader"+string(rune('0'+i)), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*","Condition":{"StringEquals":{"`+key+`":"a"}}}]}`)
		do[iam.GetUserOutput](t, reader, "GetUser", &iam.GetUserInput{UserName: some("tagged")})
		if _, err := reader.call("GetUser", &iam.GetUserInput{UserName: some("plain")}); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s: got %v for a user without the tag", key, err)
		}
	}
}

// A namesake of a deleted user is somebody else.
func TestRecreatedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.createUser("ann")
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
	second := w.createUser("ann")
	if first.UserID == second.UserID {
		t.Errorf("the second user has the id %s of the first", second.UserID)
	}
	if first.ARN != second.ARN {
		t.Errorf("the ARNs differ: %s, %s", first.ARN, second.ARN)
	}
}
