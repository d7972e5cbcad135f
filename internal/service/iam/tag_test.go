package iam_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// A tagged is what has tags, with the operations on them.
type tagged struct {
	kind     string // such as "User", as in TagUser
	resource string // such as "user/x"
	tag      func(tags ...iam.Tag) any
	untag    func(keys ...string) any
	list     func(max optional.Of[int], marker optional.Of[string]) any
	listed   func(out any) iam.ListUserTagsOutput
	shown    func() []iam.Tag // by what shows the thing itself; nil where nothing shows its tags
}

// allTagged makes one of everything that has tags, named "x".
func allTagged(w *world) []tagged {
	w.createUser("x")
	w.createRole("x")
	serial := some(w.createDevice("x").serial)
	w.createProfile("x")
	oidc, saml := some(w.createOIDCProvider("x")), some(w.createSAMLProvider("x"))
	x := some("X") // names are found in any case
	return []tagged{
		{
			kind: "User", resource: "user/x",
			tag:   func(tags ...iam.Tag) any { return &iam.TagUserInput{UserName: x, Tags: tags} },
			untag: func(keys ...string) any { return &iam.UntagUserInput{UserName: x, TagKeys: keys} },
			list: func(max optional.Of[int], marker optional.Of[string]) any {
				return &iam.ListUserTagsInput{UserName: x, MaxItems: max, Marker: marker}
			},
			listed: func(out any) iam.ListUserTagsOutput { return *out.(*iam.ListUserTagsOutput) },
			shown: func() []iam.Tag {
				return do[iam.GetUserOutput](w.t, w.root(), "GetUser", &iam.GetUserInput{UserName: x}).User.Tags
			},
		},
		{
			kind: "Role", resource: "role/x",
			tag:   func(tags ...iam.Tag) any { return &iam.TagRoleInput{RoleName: x, Tags: tags} },
			untag: func(keys ...string) any { return &iam.UntagRoleInput{RoleName: x, TagKeys: keys} },
			list: func(max optional.Of[int], marker optional.Of[string]) any {
				return &iam.ListRoleTagsInput{RoleName: x, MaxItems: max, Marker: marker}
			},
			listed: func(out any) iam.ListUserTagsOutput { return iam.ListUserTagsOutput(*out.(*iam.ListRoleTagsOutput)) },
			shown: func() []iam.Tag {
				return do[iam.GetRoleOutput](w.t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: x}).Role.Tags
			},
		},
		{
			kind: "MFADevice", resource: "mfa/x",
			tag:   func(tags ...iam.Tag) any { return &iam.TagMFADeviceInput{SerialNumber: serial, Tags: tags} },
			untag: func(keys ...string) any { return &iam.UntagMFADeviceInput{SerialNumber: serial, TagKeys: keys} },
			list: func(max optional.Of[int], marker optional.Of[string]) any {
				return &iam.ListMFADeviceTagsInput{SerialNumber: serial, MaxItems: max, Marker: marker}
			},
			listed: func(out any) iam.ListUserTagsOutput {
				return iam.ListUserTagsOutput(*out.(*iam.ListMFADeviceTagsOutput))
			},
		},
		{
			kind: "InstanceProfile", resource: "instance-profile/x",
			tag: func(tags ...iam.Tag) any { return &iam.TagInstanceProfileInput{InstanceProfileName: x, Tags: tags} },
			untag: func(keys ...string) any {
				return &iam.UntagInstanceProfileInput{InstanceProfileName: x, TagKeys: keys}
			},
			list: func(max optional.Of[int], marker optional.Of[string]) any {
				return &iam.ListInstanceProfileTagsInput{InstanceProfileName: x, MaxItems: max, Marker: marker}
			},
			listed: func(out any) iam.ListUserTagsOutput {
				return iam.ListUserTagsOutput(*out.(*iam.ListInstanceProfileTagsOutput))
			},
			shown: func() []iam.Tag { return w.profile("x").Tags },
		},
		{
			kind: "OpenIDConnectProvider", resource: "oidc-provider/x",
			tag: func(tags ...iam.Tag) any {
				return &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderARN: oidc, Tags: tags}
			},
			untag: func(keys ...string) any {
				return &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderARN: oidc, TagKeys: keys}
			},
			list: func(max optional.Of[int], marker optional.Of[string]) any {
				return &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderARN: oidc, MaxItems: max, Marker: marker}
			},
			listed: func(out any) iam.ListUserTagsOutput {
				return iam.ListUserTagsOutput(*out.(*iam.ListOpenIDConnectProviderTagsOutput))
			},
			shown: func() []iam.Tag {
				return do[iam.GetOpenIDConnectProviderOutput](w.t, w.root(), "GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderARN: oidc}).Tags
			},
		},
		{
			kind: "SAMLProvider", resource: "saml-provider/x",
			tag: func(tags ...iam.Tag) any { return &iam.TagSAMLProviderInput{SAMLProviderARN: saml, Tags: tags} },
			untag: func(keys ...string) any {
				return &iam.UntagSAMLProviderInput{SAMLProviderARN: saml, TagKeys: keys}
			},
			list: func(max optional.Of[int], marker optional.Of[string]) any {
				return &iam.ListSAMLProviderTagsInput{SAMLProviderARN: saml, MaxItems: max, Marker: marker}
			},
			listed: func(out any) iam.ListUserTagsOutput {
				return iam.ListUserTagsOutput(*out.(*iam.ListSAMLProviderTagsOutput))
			},
			shown: func() []iam.Tag {
				return do[iam.GetSAMLProviderOutput](w.t, w.root(), "GetSAMLProvider", &iam.GetSAMLProviderInput{SAMLProviderARN: saml}).Tags
			},
		},
	}
}

// page lists tags.
func (o *tagged) page(t *testing.T, w *world, max optional.Of[int], marker optional.Of[string]) iam.ListUserTagsOutput {
	t.Helper()
	out, err := w.root().call("List"+o.kind+"Tags", o.list(max, marker))
	if err != nil {
		t.Fatal(err)
	}
	return o.listed(out)
}

// all lists all tags, and checks that the thing itself shows the same.
func (o *tagged) all(t *testing.T, w *world) []iam.Tag {
	t.Helper()
	out := o.page(t, w, optional.Of[int]{}, optional.Of[string]{})
	if out.Tags == nil || out.IsTruncated || out.Marker.Set {
		t.Errorf("all tags are %+v", out)
	}
	if o.shown == nil {
		return out.Tags
	}
	if shown := o.shown(); len(shown) != len(out.Tags) || len(shown) > 0 && !reflect.DeepEqual(shown, out.Tags) {
		t.Errorf("shown are %v, and listed %v", shown, out.Tags)
	}
	return out.Tags
}

func TestTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ran := 0
	for _, o := range allTagged(w) {
		check := func(about string, want ...iam.Tag) {
			t.Helper()
			if got := o.all(t, w); len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: got %v, want %v", o.kind, about, got, want)
			}
			ran++
		}
		check("at first")
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag(tag("b", "1"), tag("Team", "red")))
		check("after two", tag("Team", "red"), tag("b", "1"))
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag(tag("a", ""), tag("b", "2")))
		check("after one that was there", tag("Team", "red"), tag("a", ""), tag("b", "2"))
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag(tag("team", "blue")))
		check("after one that differs in case", tag("a", ""), tag("b", "2"), tag("team", "blue"))
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag([]iam.Tag{}...))
		do[operation.None](t, w.root(), "Untag"+o.kind, o.untag("A", "missing", "missing"))
		check("after one was taken", tag("b", "2"), tag("team", "blue"))
		do[operation.None](t, w.root(), "Untag"+o.kind, o.untag("b", "team"))
		check("after all were taken")
	}
	if ran < 12 {
		t.Errorf("%d cases ran", ran)
	}
}

func TestTagQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, o := range allTagged(w) {
		var tags []iam.Tag
		for i := range 50 {
			tags = append(tags, tag("k"+strconv.Itoa(i), ""))
		}
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag(tags[:49]...))
		refuse(t, w.root(), "Tag"+o.kind, o.tag(tag("x", ""), tag("y", "")), fault.LimitExceeded, "The number of tags has reached the maximum limit.")
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag(tags[49]))
		refuse(t, w.root(), "Tag"+o.kind, o.tag(tag("x", "")), fault.LimitExceeded, "The number of tags has reached the maximum limit.")
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag(tag("K7", "in place of another")))
		if n := len(o.all(t, w)); n != 50 {
			t.Errorf("%s has %d tags", o.kind, n)
		}
	}
}

func TestTagRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const one = "1 validation error detected: Value at '"
	long := func(n int) string { return strings.Repeat("a", n) }
	many := func(n int) (tags []iam.Tag, keys []string) {
		for i := range n {
			keys = append(keys, "k"+strconv.Itoa(i))
			tags = append(tags, tag(keys[i], ""))
		}
		return tags, keys
	}
	tags51, keys51 := many(51)
	const each = "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, " +
		`Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+]`
	ran := 0
	for _, o := range allTagged(w) {
		tests := []struct {
			name    string
			in      any
			code    fault.Code
			message string
		}{
			{"Tag", o.tag(tags51...), fault.Validation, one + "tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
			{"Tag", o.tag(tag(long(129), "")), fault.Validation, one + "tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"},
			{"Tag", o.tag(tag("k", "*")), fault.Validation, one + `tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`},
			{"Tag", o.tag(tag("k", ""), tag("K", "")), iam.InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
			{"Tag", o.tag(tag("aws:k", "")), iam.InvalidInput, "aws: prefixed tag key names are not allowed for external use."},
			{"Untag", o.untag(keys51...), fault.Validation, one + "tagKeys' failed to satisfy constraint: Member must have length less than or equal to 50"},
			{"Untag", o.untag("k", long(129)), fault.Validation, one + "tagKeys' failed to satisfy constraint: " + each},
			{"Untag", o.untag("*"), fault.Validation, one + "tagKeys' failed to satisfy constraint: " + each},
		}
		for _, tt := range tests {
			refuse(t, w.root(), tt.name+o.kind, tt.in, tt.code, tt.message)
			ran++
		}
		if got := o.all(t, w); len(got) != 0 {
			t.Errorf("refused tags were put: %v", got)
		}
	}
	if ran < 16 {
		t.Errorf("%d cases ran", ran)
	}
}

func TestListTagsPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := allTagged(w)
	var markers []optional.Of[string]
	for _, o := range all {
		// Keys longer than a marker may be.
		want := []iam.Tag{tag("a", "1"), tag("b", "2"), tag("c", "3"), tag(strings.Repeat("𝒦", 127)+"1", ""), tag(strings.Repeat("𝒦", 127)+"2", "")}
		do[operation.None](t, w.root(), "Tag"+o.kind, o.tag(want...))
		for max := 1; max <= 6; max++ {
			var got []iam.Tag
			var marker optional.Of[string]
			for more := true; more; more = marker.Set {
				out := o.page(t, w, optional.Some(max), marker)
				if len(out.Tags) > max || len(out.Tags) == 0 || out.IsTruncated != out.Marker.Set || len(out.Marker.V) > 320 {
					t.Fatalf("%s: a page of %d is %+v", o.kind, max, out)
				}
				got, marker = append(got, out.Tags...), out.Marker
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s by %d: got %v, want %v", o.kind, max, got, want)
			}
		}
		marker := o.page(t, w, optional.Some(4), optional.Of[string]{}).Marker
		markers = append(markers, marker)
		do[operation.None](t, w.root(), "Untag"+o.kind, o.untag("a", "b"))
		if rest := o.page(t, w, optional.Some(4), marker); len(rest.Tags) != 0 || rest.Tags == nil || rest.IsTruncated {
			t.Errorf("%s: behind tags that were taken: %+v", o.kind, rest)
		}
	}
	refuse(t, w.root(), "ListUserTags", all[0].list(optional.Some(4), markers[1]), fault.Validation, "Invalid Marker.")
	refuse(t, w.root(), "ListRoleTags", all[1].list(optional.Some(4), markers[0]), fault.Validation, "Invalid Marker.")
}

// Tags of the request and of the resource count in conditions, at once.
func TestTagsInConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ran := 0
	for _, o := range allTagged(w) {
		resource := "arn:aws:iam::111122223333:" + o.resource
		keeper := w.actorNamed("keeper-of-"+o.kind, `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"iam:Tag`+o.kind+`","Resource":"`+resource+`","Condition":{"StringEquals":{"aws:RequestTag/Stage":["test","prod"]},"ForAllValues:StringEquals":{"aws:TagKeys":["stage","team"]}}},
			{"Effect":"Allow","Action":"iam:Untag`+o.kind+`","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/stage":"test","aws:ResourceTag/stage":"test"},"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}}]}`)
		steps := []struct {
			name    string
			in      any
			allowed bool
		}{
			{"Tag", o.tag(tag("team", "red")), false},
			{"Tag", o.tag(tag("stage", "test"), tag("other", "")), false},
			{"Untag", o.untag("team"), false},
			{"Tag", o.tag(tag("stage", "test"), tag("team", "red")), true},
			{"Untag", o.untag("team", "stage"), false},
			{"Untag", o.untag("team"), true},
			{"Tag", o.tag(tag("stage", "prod")), true},
			{"Untag", o.untag("team"), false},
		}
		for i, step := range steps {
			_, err := keeper.call(step.name+o.kind, step.in)
			if step.allowed && err != nil || !step.allowed && !fault.Is(err, fault.AccessDenied) {
				t.Errorf("%s%s, step %d: %v", step.name, o.kind, i, err)
			}
			ran++
		}
		if keeper.asks[0].Resource != resource {
			t.Errorf("asked about %s", keeper.asks[0].Resource)
		}
		if v := keeper.asks[0].Context.Lookup(&policy.Key{Name: "iam:resourcetag/stage"}); v.One != "prod" {
			t.Errorf("iam:ResourceTag/stage is %+v", v)
		}
	}
	if ran < 16 {
		t.Errorf("%d cases ran", ran)
	}
}

// A user's new tags count in its own calls.
func TestPrincipalTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"red"}}}]}`)
	get := &iam.GetUserInput{UserName: some("ann")}
	for _, value := range []string{"blue", "red", "green"} {
		do[operation.None](t, w.root(), "TagUser", &iam.TagUserInput{UserName: some("ann"), Tags: []iam.Tag{tag("team", value)}})
		if _, err := ann.call("GetUser", get); (err == nil) != (value == "red") {
			t.Errorf("with %s: %v", value, err)
		}
	}
}
