package iam_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func TestCreateAccessKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	form := regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`)
	seen := make(map[string]bool)
	for range 2 {
		k := w.createKey("ann")
		plain := string(k.SecretAccessKey.Reveal(reveal.Token{}))
		if !form.MatchString(plain) {
			t.Errorf("a secret of %d characters has another form", len(plain))
		}
		if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(k.AccessKeyID) {
			t.Errorf("AccessKeyId is %q", k.AccessKeyID)
		}
		if seen[k.AccessKeyID] || seen[plain] {
			t.Error("two access keys have the same id or secret")
		}
		seen[k.AccessKeyID], seen[plain] = true, true
		k.AccessKeyID, k.SecretAccessKey = "", text("")
		if k.UserName != some("ann") || k.Status != "Active" || !k.CreateDate.Equal(start.Truncate(time.Second)) {
			t.Errorf("got %+v", k)
		}
	}
	refuse(t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: some("ann")}, fault.LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2")
	refuse(t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: some("missing")}, iam.NoSuchEntity, "The user with name missing cannot be found.")
	refuse(t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: some("a b")}, fault.Validation,
		"The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	nobody := w.actorNamed("nobody", "")
	refuse(t, nobody, "CreateAccessKey", &iam.CreateAccessKeyInput{}, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:CreateAccessKey on resource: arn:aws:iam::111122223333:user/nobody because no identity-based policy allows the iam:CreateAccessKey action")
}

// No spelling of an output shows its secret.
func TestSecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	out := do[iam.CreateAccessKeyOutput](t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: some("ann")})
	plain := string(out.AccessKey.SecretAccessKey.Reveal(reveal.Token{}))
	credential, err := w.iam.Credential(t.Context(), out.AccessKey.AccessKeyID, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		for _, v := range []any{out, *out, credential, *credential} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, plain) || strings.Contains(s, fmt.Sprintf("%x", plain)) {
				t.Errorf("%s of %T shows the secret", verb, v)
			}
		}
	}
	field, _ := reflect.TypeFor[iam.AccessKey]().FieldByName("SecretAccessKey")
	if field.Tag.Get("audit") != "" {
		t.Error("records show the secret")
	}
}

// Two calls at the same time never make a third access key.
func TestCreateAccessKeyAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	for _, owner := range []*iam.CreateAccessKeyInput{{UserName: some("ann")}, {}} {
		made := make(chan struct{}, 8)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := w.root().call("CreateAccessKey", owner); err == nil {
					made <- struct{}{}
				} else {
					checkFault(t, "CreateAccessKey", err, fault.LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2")
				}
			})
		}
		wg.Wait()
		want := 2
		if !owner.UserName.Set {
			want = 1 // the root user has one already
		}
		if len(made) != want {
			t.Errorf("owner %+v: %d access keys were made, want %d", owner, len(made), want)
		}
		listed := do[iam.ListAccessKeysOutput](t, w.root(), "ListAccessKeys", &iam.ListAccessKeysInput{UserName: owner.UserName})
		if len(listed.AccessKeyMetadata) != 2 {
			t.Errorf("owner %+v has %d access keys, want 2", owner, len(listed.AccessKeyMetadata))
		}
	}
}

func TestAccessKeysOfCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", statement("Allow", "iam:*AccessKey*", "arn:aws:iam::111122223333:user/${aws:username}"))
	bob := w.createKeyOf("bob")
	second := do[iam.CreateAccessKeyOutput](t, ann, "CreateAccessKey", &iam.CreateAccessKeyInput{}).AccessKey
	listed := do[iam.ListAccessKeysOutput](t, ann, "ListAccessKeys", &iam.ListAccessKeysInput{})
	want := []iam.AccessKeyMetadata{
		{UserName: some("ann"), AccessKeyID: ann.keyID, Status: "Active", CreateDate: start.Truncate(time.Second)},
		{UserName: some("ann"), AccessKeyID: second.AccessKeyID, Status: "Active", CreateDate: start.Truncate(time.Second)},
	}
	slices.SortFunc(want, func(a, b iam.AccessKeyMetadata) int { return strings.Compare(a.AccessKeyID, b.AccessKeyID) })
	if !reflect.DeepEqual(listed.AccessKeyMetadata, want) || listed.IsTruncated {
		t.Errorf("got %+v, want %+v", listed, want)
	}

	// An access key of somebody else is not found, whoever asks.
	for _, a := range []*actor{ann, w.root()} {
		refuse(t, a, "UpdateAccessKey", &iam.UpdateAccessKeyInput{AccessKeyID: some(bob), Status: some("Inactive")}, iam.NoSuchEntity, "The Access Key with id "+bob+" cannot be found")
		refuse(t, a, "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(bob)}, iam.NoSuchEntity, "The Access Key with id "+bob+" cannot be found")
	}
	do[operation.None](t, ann, "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(second.AccessKeyID)})
	do[operation.None](t, ann, "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(ann.keyID)})
	refuse(t, ann, "ListAccessKeys", &iam.ListAccessKeysInput{}, fault.UnrecognizedClient, "The security token included in the request is invalid.")
}

// createKeyOf makes a user with an access key and returns the key's id.
func (w *world) createKeyOf(name string) string {
	w.createUser(name)
	return w.createKey(name).AccessKeyID
}

func TestAccessKeysOfRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := do[iam.CreateAccessKeyOutput](t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{}).AccessKey
	if k.UserName.Set {
		t.Errorf("an access key of the root user has the name %q", k.UserName.V)
	}
	second := w.as(k.AccessKeyID)
	if got := do[iam.GetUserOutput](t, second, "GetUser", &iam.GetUserInput{}).User; got.ARN != "arn:aws:iam::111122223333:root" {
		t.Errorf("the second key is of %s", got.ARN)
	}
	do[operation.None](t, second, "UpdateAccessKey", &iam.UpdateAccessKeyInput{AccessKeyID: some(rootKeyID), Status: some("Inactive")})
	refuse(t, w.root(), "GetUser", &iam.GetUserInput{}, fault.UnrecognizedClient, "The security token included in the request is invalid.")
	listed := do[iam.ListAccessKeysOutput](t, second, "ListAccessKeys", &iam.ListAccessKeysInput{})
	status := make(map[string]string)
	for _, m := range listed.AccessKeyMetadata {
		status[m.AccessKeyID] = m.Status
	}
	if want := map[string]string{rootKeyID: "Inactive", k.AccessKeyID: "Active"}; !reflect.DeepEqual(status, want) {
		t.Errorf("got %v, want %v", status, want)
	}
	do[operation.None](t, second, "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(rootKeyID)})
	refuse(t, second, "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(rootKeyID)}, iam.NoSuchEntity, "The Access Key with id "+rootKeyID+" cannot be found")
}

func TestListAccessKeysPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.createUser("bob")
	ids := []string{w.createKey("ann").AccessKeyID, w.createKey("ann").AccessKeyID}
	slices.Sort(ids)
	in := &iam.ListAccessKeysInput{UserName: some("ann"), MaxItems: optional.Some(1)}
	first := do[iam.ListAccessKeysOutput](t, w.root(), "ListAccessKeys", in)
	if len(first.AccessKeyMetadata) != 1 || first.AccessKeyMetadata[0].AccessKeyID != ids[0] || !first.IsTruncated || !first.Marker.Set {
		t.Fatalf("the first page is %+v", first)
	}
	in.Marker = first.Marker
	second := do[iam.ListAccessKeysOutput](t, w.root(), "ListAccessKeys", in)
	if len(second.AccessKeyMetadata) != 1 || second.AccessKeyMetadata[0].AccessKeyID != ids[1] || second.IsTruncated || second.Marker.Set {
		t.Fatalf("the second page is %+v", second)
	}
	in.UserName = some("bob")
	refuse(t, w.root(), "ListAccessKeys", in, fault.Validation, "Invalid Marker.")
	in.Marker = optional.Of[string]{}
	if none := do[iam.ListAccessKeysOutput](t, w.root(), "ListAccessKeys", in); none.AccessKeyMetadata == nil || len(none.AccessKeyMetadata) != 0 {
		t.Errorf("a user without access keys: %+v", none)
	}
	in.MaxItems = optional.Some(1001)
	refuse(t, w.root(), "ListAccessKeys", in, fault.Validation,
		"1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000")
	refuse(t, w.root(), "ListAccessKeys", &iam.ListAccessKeysInput{UserName: some("missing")}, iam.NoSuchEntity, "The user with name missing cannot be found.")
}

func TestAccessKeyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	const (
		one     = "1 validation error detected: "
		id      = " at 'accessKeyId' failed to satisfy constraint: Member must "
		unknown = "AKIAUNKNOWNUNKNOWNUN"
	)
	long := strings.Repeat("A", 129)
	tests := []struct {
		about   string
		name    string
		in      any
		code    fault.Code
		message string
	}{
		{"no id", "DeleteAccessKey", &iam.DeleteAccessKeyInput{}, fault.Validation, one + "Value null" + id + "not be null"},
		{"id of 15", "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(long[:15])}, fault.Validation, one + "Value" + id + "have length greater than or equal to 16"},
		{"id of 16", "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(long[:16])}, iam.NoSuchEntity, "The Access Key with id " + long[:16] + " cannot be found"},
		{"id of 128", "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(long[:128])}, iam.NoSuchEntity, "The Access Key with id " + long[:128] + " cannot be found"},
		{"id of 129", "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(long)}, fault.Validation, one + "Value" + id + "have length less than or equal to 128"},
		{"hyphen in id", "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some("AKIA-NKNOWNUNKNOWNUN")}, fault.Validation, "The specified value for accessKeyId is invalid. It must contain only alphanumeric characters."},
		{"unknown id", "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: some("ann"), AccessKeyID: some(unknown)}, iam.NoSuchEntity, "The Access Key with id " + unknown + " cannot be found"},
		{"unknown user", "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: some("missing"), AccessKeyID: some(unknown)}, iam.NoSuchEntity, "The user with name missing cannot be found."},
		{"update unknown id", "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: some("ann"), AccessKeyID: some(unknown), Status: some("Active")}, iam.NoSuchEntity, "The Access Key with id " + unknown + " cannot be found"},
		{"update unknown user", "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: some("missing"), AccessKeyID: some(unknown), Status: some("Active")}, iam.NoSuchEntity, "The user with name missing cannot be found."},
		{"no status", "UpdateAccessKey", &iam.UpdateAccessKeyInput{AccessKeyID: some(unknown)}, fault.Validation, one + "Value null at 'status' failed to satisfy constraint: Member must not be null"},
		{"status in lower case", "UpdateAccessKey", &iam.UpdateAccessKeyInput{AccessKeyID: some(unknown), Status: some("active")}, fault.Validation, one + "Value at 'status' failed to satisfy constraint: Member must satisfy enum value set"},
		{"no status and no id", "UpdateAccessKey", &iam.UpdateAccessKeyInput{}, fault.Validation, "2 validation errors detected: Value null" + id + "not be null; Value null at 'status' failed to satisfy constraint: Member must not be null"},
	}
	ran := 0
	for _, tt := range tests {
		_, err := w.root().call(tt.name, tt.in)
		checkFault(t, tt.about, err, tt.code, tt.message)
		ran++
	}
	if ran != 13 {
		t.Errorf("%d cases ran, want 13", ran)
	}
	nobody := w.actorNamed("nobody", "")
	for name, in := range map[string]any{
		"ListAccessKeys":  &iam.ListAccessKeysInput{UserName: some("ann")},
		"UpdateAccessKey": &iam.UpdateAccessKeyInput{UserName: some("ann"), AccessKeyID: some(unknown), Status: some("Active")},
		"DeleteAccessKey": &iam.DeleteAccessKeyInput{UserName: some("ann"), AccessKeyID: some(unknown)},
	} {
		refuse(t, nobody, name, in, fault.AccessDenied,
			"User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:"+name+" on resource: arn:aws:iam::111122223333:user/ann because no identity-based policy allows the iam:"+name+" action")
	}
}
