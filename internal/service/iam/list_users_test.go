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

// pages lists users page by page.
func pages(t *testing.T, a *actor, in iam.ListUsersInput) [][]string {
	t.Helper()
	var all [][]string
	for {
		out := do[iam.ListUsersOutput](t, a, "ListUsers", &in)
		if out.Users == nil {
			t.Fatal("Users is absent")
		}
		var names []string
		for _, u := range out.Users {
			names = append(names, u.UserName.V)
			if u.Tags != nil {
				t.Errorf("a list shows the tags of %s", u.UserName.V)
			}
			if want := "arn:aws:iam::111122223333:user" + u.Path.V + u.UserName.V; u.ARN != want {
				t.Errorf("ARN is %s, want %s", u.ARN, want)
			}
		}
		all = append(all, names)
		if out.IsTruncated != out.Marker.Set {
			t.Fatalf("IsTruncated is %t, Marker is %+v", out.IsTruncated, out.Marker)
		}
		if !out.IsTruncated {
			return all
		}
		if len(out.Marker.V) > 320 {
			t.Errorf("a marker of %d characters is longer than a request may hold", len(out.Marker.V))
		}
		in.Marker = out.Marker
	}
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	longName, longPath := strings.Repeat("z", 64), "/"+strings.Repeat("p", 510)+"/"
	for _, u := range []struct{ path, name string }{
		{"/", "Bea"}, {"/team/", "ann"}, {"/team/sub/", "carl"}, {"/teams/", "dora"}, {"/", "eve"}, {longPath, longName}, {"/team/", "zed"},
	} {
		do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{Path: some(u.path), UserName: some(u.name), Tags: []iam.Tag{tag("k", "v")}})
	}
	do[iam.CreateUserOutput](t, w.otherRoot(), "CreateUser", &iam.CreateUserInput{UserName: some("stranger")})

	everybody := []string{"ann", "Bea", "carl", "dora", "eve", "zed", longName}
	tests := []struct {
		about  string
		prefix optional.Of[string]
		max    optional.Of[int]
		want   [][]string
	}{
		{"all", optional.Of[string]{}, optional.Of[int]{}, [][]string{everybody}},
		{"all, by slash", some("/"), optional.Some(1000), [][]string{everybody}},
		{"three a page", some("/"), optional.Some(3), [][]string{everybody[:3], everybody[3:6], everybody[6:]}},
		{"one a page", some("/"), optional.Some(1), [][]string{everybody[:1], everybody[1:2], everybody[2:3], everybody[3:4], everybody[4:5], everybody[5:6], everybody[6:]}},
		{"exactly one page", some("/"), optional.Some(7), [][]string{everybody}},
		{"a path", some("/team/"), optional.Some(100), [][]string{{"ann", "carl", "zed"}}},
		{"a path, one a page", some("/team/"), optional.Some(1), [][]string{{"ann"}, {"carl"}, {"zed"}}},
		{"a path, two a page", some("/team/"), optional.Some(2), [][]string{{"ann", "carl"}, {"zed"}}},
		{"the beginning of a path", some("/team"), optional.Some(100), [][]string{{"ann", "carl", "dora", "zed"}}},
		{"a path of nobody", some("/nobody/"), optional.Some(1), [][]string{nil}},
		{"a long path", some(longPath), optional.Some(1), [][]string{{longName}}},
	}
	for _, tt := range tests {
		got := pages(t, w.root(), iam.ListUsersInput{PathPrefix: tt.prefix, MaxItems: tt.max})
		if !slices.EqualFunc(got, tt.want, slices.Equal) {
			t.Errorf("%s: got %v, want %v", tt.about, got, tt.want)
		}
	}
}

func TestListUsersDefaultPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 101 {
		w.createUser("u" + strings.Repeat("x", i%10) + string(rune('a'+i/10)))
	}
	if got := pages(t, w.root(), iam.ListUsersInput{}); len(got) != 2 || len(got[0]) != 100 || len(got[1]) != 1 {
		t.Errorf("pages of %d users: %v", 101, got)
	}
}

// A page goes on behind the last name of the page before, whether or not its
// user is still there.
func TestListUsersWhileTheyChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		w.createUser(name)
	}
	first := do[iam.ListUsersOutput](t, w.root(), "ListUsers", &iam.ListUsersInput{MaxItems: optional.Some(2)})
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("b")})
	w.createUser("aa")
	w.createUser("bb")
	got := pages(t, w.root(), iam.ListUsersInput{MaxItems: optional.Some(2), Marker: first.Marker})
	if want := [][]string{{"bb", "c"}, {"d"}}; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestListUsersRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.createUser("bob")
	for _, name := range []string{"carl", "dora"} {
		do[iam.CreateUserOutput](t, w.otherRoot(), "CreateUser", &iam.CreateUserInput{UserName: some(name)})
	}
	one := optional.Some(1)
	marker := do[iam.ListUsersOutput](t, w.root(), "ListUsers", &iam.ListUsersInput{MaxItems: one}).Marker
	foreign := do[iam.ListUsersOutput](t, w.otherRoot(), "ListUsers", &iam.ListUsersInput{MaxItems: one}).Marker
	w.put("ann", "p", allowAll)
	w.put("ann", "q", allowAll)
	policies := do[iam.ListUserPoliciesOutput](t, w.root(), "ListUserPolicies", &iam.ListUserPoliciesInput{UserName: some("ann"), MaxItems: one}).Marker

	const prefix = "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters."
	long := "/" + strings.Repeat("a", 512)
	tests := []struct {
		about   string
		in      iam.ListUsersInput
		message string
	}{
		{"prefix without slash", iam.ListUsersInput{PathPrefix: some("team/")}, prefix},
		{"empty prefix", iam.ListUsersInput{PathPrefix: some("")}, prefix},
		{"line end in prefix", iam.ListUsersInput{PathPrefix: some("/team\n")}, prefix},
		{"prefix of 513", iam.ListUsersInput{PathPrefix: some(long)}, "1 validation error detected: Value at 'pathPrefix' failed to satisfy constraint: Member must have length less than or equal to 512"},
		{"no items", iam.ListUsersInput{MaxItems: optional.Some(0)}, "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"1001 items", iam.ListUsersInput{MaxItems: optional.Some(1001)}, "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{"empty marker", iam.ListUsersInput{Marker: some("")}, `2 validation errors detected: Value at 'marker' failed to satisfy constraint: Member must have length greater than or equal to 1; Value at 'marker' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0020-\u00FF]+`},
		{"marker of 321", iam.ListUsersInput{Marker: some(strings.Repeat("m", 321))}, "1 validation error detected: Value at 'marker' failed to satisfy constraint: Member must have length less than or equal to 320"},
		{"made up marker", iam.ListUsersInput{Marker: some("ann")}, "Invalid Marker."},
		{"altered marker", iam.ListUsersInput{Marker: some("x" + marker.V[1:])}, "Invalid Marker."},
		{"marker of another prefix", iam.ListUsersInput{Marker: marker, PathPrefix: some("/team/")}, "Invalid Marker."},
		{"marker of another account", iam.ListUsersInput{Marker: foreign}, "Invalid Marker."},
		{"marker of another list", iam.ListUsersInput{Marker: policies}, "Invalid Marker."},
	}
	ran := 0
	for _, tt := range tests {
		_, err := w.root().call("ListUsers", &tt.in)
		checkFault(t, tt.about, err, fault.Validation, tt.message)
		ran++
	}
	if ran != 13 {
		t.Errorf("%d cases ran, want 13", ran)
	}

	reader := w.actorNamed("reader", statement("Allow", "iam:ListUsers", "arn:aws:iam::111122223333:user/team/*"))
	do[iam.ListUsersOutput](t, reader, "ListUsers", &iam.ListUsersInput{PathPrefix: some("/team/")})
	refuse(t, reader, "ListUsers", &iam.ListUsersInput{}, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/reader is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action")
}
