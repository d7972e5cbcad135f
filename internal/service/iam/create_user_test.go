package iam_test

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

func tag(key, value string) iam.Tag { return iam.Tag{Key: some(key), Value: some(value)} }

func TestCreateUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{
		Path:     some("/team/a/"),
		UserName: some("Ann"),
		Tags:     []iam.Tag{tag("stage", "test"), tag("empty", "")},
	}).User
	if !regexp.MustCompile(`^AIDA[A-Z2-7]{17}$`).MatchString(got.UserID) {
		t.Errorf("UserId is %q", got.UserID)
	}
	want := iam.User{
		Path:       some("/team/a/"),
		UserName:   some("Ann"),
		UserID:     got.UserID,
		ARN:        "arn:aws:iam::111122223333:user/team/a/Ann",
		CreateDate: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Tags:       []iam.Tag{tag("empty", ""), tag("stage", "test")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if again := do[iam.GetUserOutput](t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("Ann")}).User; !reflect.DeepEqual(again, want) {
		t.Errorf("GetUser: got  %+v\nwant %+v", again, want)
	}
	plain := w.createUser("bob")
	if plain.Path != some("/") || plain.ARN != "arn:aws:iam::111122223333:user/bob" || plain.Tags != nil {
		t.Errorf("a user without path and tags: %+v", plain)
	}
}

func TestCreateUserNamesAreUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("Ann")
	for _, name := range []string{"Ann", "ann", "ANN"} {
		refuse(t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some(name), Path: some("/elsewhere/")},
			iam.EntityAlreadyExists, "User with name "+name+" already exists.")
	}
	elsewhere := do[iam.CreateUserOutput](t, w.otherRoot(), "CreateUser", &iam.CreateUserInput{UserName: some("ann")}).User
	if elsewhere.ARN != "arn:aws:iam::444455556666:user/ann" {
		t.Errorf("the same name in another account: %+v", elsewhere)
	}
}

func TestCreateUserAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = w.root().call("CreateUser", &iam.CreateUserInput{UserName: some("ann")})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		checkFault(t, "CreateUser", err, iam.EntityAlreadyExists, "User with name ann already exists.")
	}
	if made != 1 {
		t.Errorf("%d calls made the user, want 1", made)
	}
}

func TestCreateUserQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	setUsers := func(n int) {
		w.update(func(tx store.Txn) error { return iam.SetUsers(t.Context(), tx, account, n) })
	}
	setUsers(iam.UsersMax - 1)
	w.createUser("last")
	refuse(t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("one-more")},
		fault.LimitExceeded, "Cannot exceed quota for UsersPerAccount: 5000")
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("last")})
	w.createUser("one-more")
	err := w.store.View(t.Context(), func(r store.Reader) error {
		n, err := iam.Users(context.Background(), r, account)
		if n != iam.UsersMax {
			t.Errorf("the guard record counts %d users, want %d", n, iam.UsersMax)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateUserRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		name     = "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
		path     = "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
		one      = "1 validation error detected: "
		atMost   = "failed to satisfy constraint: Member must have length less than or equal to "
		tagKey   = `failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`
		tagValue = `failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`
		null     = "failed to satisfy constraint: Member must not be null"
		boundary = "arn:aws:iam::111122223333:policy/limit"
	)
	long := func(n int) string { return strings.Repeat("a", n) }
	tags := func(n int) []iam.Tag {
		list := make([]iam.Tag, n)
		for i := range list {
			list[i] = tag("k"+long(i+1), "")
		}
		return list
	}
	tests := []struct {
		about   string
		in      iam.CreateUserInput
		code    fault.Code // "" where the call must succeed
		message string
	}{
		{"no name", iam.CreateUserInput{}, fault.Validation, one + "Value null at 'userName' " + null},
		{"empty name", iam.CreateUserInput{UserName: some("")}, fault.Validation, name},
		{"slash in name", iam.CreateUserInput{UserName: some("a/b")}, fault.Validation, name},
		{"letter beyond ASCII in name", iam.CreateUserInput{UserName: some("é")}, fault.Validation, name},
		{"line end after name", iam.CreateUserInput{UserName: some("a\n")}, fault.Validation, name},
		{"every kind of character in name", iam.CreateUserInput{UserName: some("aZ09_+=,.@-")}, "", ""},
		{"name of 64", iam.CreateUserInput{UserName: some(long(64))}, "", ""},
		{"name of 65", iam.CreateUserInput{UserName: some(long(65))}, fault.Validation, one + "Value at 'userName' " + atMost + "64"},
		{"path without slashes", iam.CreateUserInput{UserName: some("u1"), Path: some("p")}, fault.Validation, path},
		{"path without last slash", iam.CreateUserInput{UserName: some("u1"), Path: some("/p")}, fault.Validation, path},
		{"empty path", iam.CreateUserInput{UserName: some("u1"), Path: some("")}, fault.Validation, path},
		{"space in path", iam.CreateUserInput{UserName: some("u1"), Path: some("/a b/")}, fault.Validation, path},
		{"path of 512", iam.CreateUserInput{UserName: some("u2"), Path: some("/" + long(510) + "/")}, "", ""},
		{"path of 513", iam.CreateUserInput{UserName: some("u3"), Path: some("/" + long(511) + "/")}, fault.Validation, one + "Value at 'path' " + atMost + "512"},
		{"50 tags", iam.CreateUserInput{UserName: some("u4"), Tags: tags(50)}, "", ""},
		{"51 tags", iam.CreateUserInput{UserName: some("u5"), Tags: tags(51)}, fault.Validation, one + "Value at 'tags' " + atMost + "50"},
		{"tag without key", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{{Value: some("v")}}}, fault.Validation, one + "Value null at 'tags.1.member.key' " + null},
		{"tag without value", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{tag("a", ""), {Key: some("k")}}}, fault.Validation, one + "Value null at 'tags.2.member.value' " + null},
		{"star in tag key", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{tag("a*", "")}}, fault.Validation, one + "Value at 'tags.1.member.key' " + tagKey},
		{"star in tag value", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{tag("a", "*")}}, fault.Validation, one + "Value at 'tags.1.member.value' " + tagValue},
		{"tag key of 128 and value of 256", iam.CreateUserInput{UserName: some("u6"), Tags: []iam.Tag{tag(long(128), long(256))}}, "", ""},
		{"tag key of 129", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{tag(long(129), "")}}, fault.Validation, one + "Value at 'tags.1.member.key' " + atMost + "128"},
		{"tag value of 257", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{tag("a", long(257))}}, fault.Validation, one + "Value at 'tags.1.member.value' " + atMost + "256"},
		{"tag keys that differ in case", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{tag("a", ""), tag("A", "")}}, iam.InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"reserved tag key", iam.CreateUserInput{UserName: some("u5"), Tags: []iam.Tag{tag("AWS:a", "")}}, iam.InvalidInput, "aws: prefixed tag key names are not allowed for external use."},
		{"boundary of 19", iam.CreateUserInput{UserName: some("u5"), PermissionsBoundary: some(long(19))}, fault.Validation, one + "Value at 'permissionsBoundary' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"boundary", iam.CreateUserInput{UserName: some("u5"), PermissionsBoundary: some(boundary)}, iam.NoSuchEntity, "Scope ARN: " + boundary + " does not exist or is not attachable."},
		{"two violations", iam.CreateUserInput{UserName: some(long(65)), Path: some("/" + long(511) + "/")}, fault.Validation,
			"2 validation errors detected: Value at 'path' " + atMost + "512; Value at 'userName' " + atMost + "64"},
	}
	ran := 0
	for _, tt := range tests {
		_, err := w.root().call("CreateUser", &tt.in)
		ran++
		if tt.code != "" {
			checkFault(t, tt.about, err, tt.code, tt.message)
		} else if err != nil {
			t.Errorf("%s: %v", tt.about, err)
		}
	}
	if ran != 28 {
		t.Errorf("%d cases ran, want 28", ran)
	}
	refuse(t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("u5")}, iam.NoSuchEntity, "The user with name u5 cannot be found.")
}

func TestCreateUserAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const denied = "because no identity-based policy allows the "
	in := &iam.CreateUserInput{UserName: some("new"), Path: some("/team/"), Tags: []iam.Tag{tag("Stage", "test")}}
	who := "User: arn:aws:iam::111122223333:user/"
	what := " on resource: arn:aws:iam::111122223333:user/team/new "

	nobody := w.actorNamed("nobody", "")
	refuse(t, nobody, "CreateUser", in, fault.AccessDenied,
		who+"nobody is not authorized to perform: iam:CreateUser"+what+denied+"iam:CreateUser action")

	creator := w.actorNamed("creator", statement("Allow", "iam:CreateUser", "arn:aws:iam::*:user/team/*"))
	refuse(t, creator, "CreateUser", in, fault.AccessDenied,
		who+"creator is not authorized to perform: iam:TagUser"+what+denied+"iam:TagUser action")
	do[iam.CreateUserOutput](t, creator, "CreateUser", &iam.CreateUserInput{UserName: some("untagged"), Path: some("/team/")})

	conditional := w.actorNamed("conditional", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:CreateUser","iam:TagUser"],"Resource":"*",
		"Condition":{"StringEquals":{"aws:RequestTag/stage":"test"},"ForAllValues:StringEquals":{"aws:TagKeys":["Stage","team"]}}}]}`)
	refuse(t, conditional, "CreateUser", &iam.CreateUserInput{UserName: some("new"), Path: some("/team/"), Tags: []iam.Tag{tag("Stage", "test"), tag("other", "")}}, fault.AccessDenied,
		who+"conditional is not authorized to perform: iam:CreateUser"+what+denied+"iam:CreateUser action")
	do[iam.CreateUserOutput](t, conditional, "CreateUser", in)

	bounded := w.root()
	_, err := bounded.call("CreateUser", &iam.CreateUserInput{UserName: some("bounded"), PermissionsBoundary: some("arn:aws:iam::111122223333:policy/limit")})
	if err == nil {
		t.Error("a permissions boundary was accepted")
	}
	value := bounded.asks[0].Context.Lookup(&policy.Key{Name: "iam:permissionsboundary"})
	if !value.Present || value.One != "arn:aws:iam::111122223333:policy/limit" {
		t.Errorf("iam:PermissionsBoundary is %+v", value)
	}
}
