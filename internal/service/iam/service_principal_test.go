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

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

const (
	rds = "rds.amazonaws.com"
	ec2 = "ec2.amazonaws.com"
)

// registration is what the operator says of a service that signs as its first label.
func registration(name string) *iam.CreateServicePrincipalInput {
	label, _, _ := strings.Cut(name, ".")
	return &iam.CreateServicePrincipalInput{
		Name:        some(name),
		SigningName: some(label),
		Actions:     []string{"kms:CreateGrant", "kms:DescribeKey"},
	}
}

// register registers a service and returns its access key id.
func (w *world) register(in *iam.CreateServicePrincipalInput) string {
	w.t.Helper()
	return do[iam.CreateServicePrincipalOutput](w.t, w.operator(), "CreateServicePrincipal", in).AccessKeyID
}

func (w *world) disable(name string) {
	w.t.Helper()
	do[iam.DisableServicePrincipalOutput](w.t, w.operator(), "DisableServicePrincipal", &iam.DisableServicePrincipalInput{Name: some(name)})
}

func (w *world) services() []iam.ServicePrincipal {
	w.t.Helper()
	return do[iam.ListServicePrincipalsOutput](w.t, w.operator(), "ListServicePrincipals", &iam.ListServicePrincipalsInput{}).ServicePrincipals
}

func TestCreateServicePrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := registration(rds)
	in.GrantsBeyondUser, in.Infrastructure = true, true
	out := do[iam.CreateServicePrincipalOutput](t, w.operator(), "CreateServicePrincipal", in)
	want := iam.ServicePrincipal{
		Name: rds, SigningName: "rds", Actions: in.Actions, GrantsBeyondUser: true, Infrastructure: true,
		Status: "Enabled", CreateDate: start.Truncate(time.Second),
	}
	if !reflect.DeepEqual(out.ServicePrincipal, want) {
		t.Errorf("got %+v, want %+v", out.ServicePrincipal, want)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(out.AccessKeyID) || out.SecretAccessKey.Len() != 40 {
		t.Errorf("access key %q with a secret of %d", out.AccessKeyID, out.SecretAccessKey.Len())
	}
	c := w.credential(out.AccessKeyID)
	if string(c.Secret.Reveal(reveal.Token{})) != string(out.SecretAccessKey.Reveal(reveal.Token{})) {
		t.Error("the secret is not the one that was shown")
	}
	if p := (principal.Principal{Kind: principal.Service, Partition: "aws", ARN: rds, Name: rds, AccessKeyID: out.AccessKeyID}); c.Caller.Principal != p {
		t.Errorf("principal is %+v, want %+v", c.Caller.Principal, p)
	}
	if p := (policy.Caller{Kind: principal.Service, Partition: "aws", Services: []string{rds}}); !reflect.DeepEqual(c.Caller.Policy, p) {
		t.Errorf("policies see %+v, want %+v", c.Caller.Policy, p)
	}
	registered := &authz.Registration{Name: rds, SigningName: "rds", Actions: in.Actions, BeyondUser: true, Infrastructure: true}
	if !reflect.DeepEqual(c.Caller.Registration, registered) {
		t.Errorf("registered %+v, want %+v", c.Caller.Registration, registered)
	}
	if c.Caller.Via != nil || c.Caller.Identity != nil || !c.Caller.Expires.IsZero() {
		t.Errorf("a service in its own name is %+v", c.Caller)
	}
	if w.credential(out.AccessKeyID) != c {
		t.Error("two look-ups differ")
	}
}

func TestServicePrincipalRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		one    = "1 validation error detected: "
		failed = "' failed to satisfy constraint: Member must "
		shape  = `satisfy regular expression pattern: [a-z0-9\-]+(\.[a-z0-9\-]+){2,}`
		call   = `satisfy regular expression pattern: [a-z0-9\-]{1,64}:[A-Za-z0-9]{1,128}`
	)
	named := func(name string) *iam.CreateServicePrincipalInput {
		in := registration(rds)
		in.Name = some(name)
		return in
	}
	signing := func(name string) *iam.CreateServicePrincipalInput {
		in := registration(rds)
		in.SigningName = some(name)
		return in
	}
	calling := func(actions ...string) *iam.CreateServicePrincipalInput {
		in := registration(rds)
		in.Actions = actions
		return in
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf("kms:Action%d", i)
	}
	long := "a.b." + strings.Repeat("c", 125)
	tests := []struct {
		in      *iam.CreateServicePrincipalInput
		code    fault.Code
		message string
	}{
		{&iam.CreateServicePrincipalInput{SigningName: some("rds"), Actions: []string{"kms:Decrypt"}}, fault.Validation, one + "Value null at 'name" + failed + "not be null"},
		{&iam.CreateServicePrincipalInput{Name: some(rds), Actions: []string{"kms:Decrypt"}}, fault.Validation, one + "Value null at 'signingName" + failed + "not be null"},
		{named("rds"), fault.Validation, one + "Value 'rds' at 'name" + failed + shape},
		{named("rds.com"), fault.Validation, one + "Value 'rds.com' at 'name" + failed + shape},
		{named("RDS.amazonaws.com"), fault.Validation, one + "Value 'RDS.amazonaws.com' at 'name" + failed + shape},
		{named("rds..com"), fault.Validation, one + "Value 'rds..com' at 'name" + failed + shape},
		{named("r_s.amazonaws.com"), fault.Validation, one + "Value 'r_s.amazonaws.com' at 'name" + failed + shape},
		{named("rds.amazonaws.com\n"), fault.Validation, one + "Value 'rds.amazonaws.com\n' at 'name" + failed + shape},
		{named(long), fault.Validation, one + "Value '" + long + "' at 'name" + failed + "have length less than or equal to 128"},
		{signing(""), fault.Validation, one + "Value '' at 'signingName" + failed + `satisfy regular expression pattern: [a-z0-9\-]{1,64}`},
		{signing("RDS"), fault.Validation, one + "Value 'RDS' at 'signingName" + failed + `satisfy regular expression pattern: [a-z0-9\-]{1,64}`},
		{signing(strings.Repeat("a", 65)), fault.Validation, one + "Value '" + strings.Repeat("a", 65) + "' at 'signingName" + failed + `satisfy regular expression pattern: [a-z0-9\-]{1,64}`},
		{calling(), fault.Validation, one + "Value at 'actions" + failed + "have length greater than or equal to 1"},
		{calling(many...), fault.Validation, one + "Value at 'actions" + failed + "have length less than or equal to 50"},
		{calling("kms:*"), fault.Validation, one + "Value 'kms:*' at 'actions" + failed + call},
		{calling("kms:Create?rant"), fault.Validation, one + "Value 'kms:Create?rant' at 'actions" + failed + call},
		{calling("*"), fault.Validation, one + "Value '*' at 'actions" + failed + call},
		{calling("kms:"), fault.Validation, one + "Value 'kms:' at 'actions" + failed + call},
		{calling("IAM:CreateUser"), fault.Validation, one + "Value 'IAM:CreateUser' at 'actions" + failed + call},
		{calling("kms:Decrypt", "iam:CreateUser"), iam.InvalidInput, "No service may call iam:CreateUser for its users."},
		{calling("sts:AssumeRole"), iam.InvalidInput, "No service may call sts:AssumeRole for its users."},
		{calling("organizations:LeaveOrganization"), iam.InvalidInput, "No service may call organizations:LeaveOrganization for its users."},
		{calling("claviger:CreateAccount"), iam.InvalidInput, "No service may call claviger:CreateAccount for its users."},
		{calling("kms:Decrypt", "kms:decrypt"), iam.InvalidInput, "The action kms:decrypt stands twice."},
		{named("kms.amazonaws.com"), iam.InvalidInput, "The name kms.amazonaws.com is reserved."},
		{named("kms.eu-west-1.amazonaws.com"), iam.InvalidInput, "The name kms.eu-west-1.amazonaws.com is reserved."},
		{named("mrk.kms.amazonaws.com"), iam.InvalidInput, "The name mrk.kms.amazonaws.com is reserved."},
		{named("sts.amazonaws.com.cn"), iam.InvalidInput, "The name sts.amazonaws.com.cn is reserved."},
		{named("claviger.example.org"), iam.InvalidInput, "The name claviger.example.org is reserved."},
		{signing("kms"), iam.InvalidInput, "The name kms is reserved."},
		{signing("secretsmanager"), iam.InvalidInput, "The name secretsmanager is reserved."},
	}
	ran := 0
	for _, tt := range tests {
		refuse(t, w.operator(), "CreateServicePrincipal", tt.in, tt.code, tt.message)
		ran++
	}
	if ran != 31 {
		t.Errorf("%d cases ran, want 31", ran)
	}
	if got := w.services(); got == nil || len(got) != 0 {
		t.Errorf("refused services are listed: %+v", got)
	}
	for _, in := range []*iam.CreateServicePrincipalInput{named("docs.events.example.org"), calling(many[:50]...)} {
		in.SigningName = some(in.Name.V[:3])
		w.register(in)
	}
}

// None of the operations is anybody's but the operator's.
func TestServicePrincipalsAreTheOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.register(registration(rds))
	callers := []*actor{w.actorNamed("nobody", ""), w.as(key)}
	for name, in := range map[string]any{
		"CreateServicePrincipal":  registration(ec2),
		"ListServicePrincipals":   &iam.ListServicePrincipalsInput{},
		"DisableServicePrincipal": &iam.DisableServicePrincipalInput{Name: some(rds)},
	} {
		for _, a := range callers {
			if _, err := a.call(name, in); !fault.Is(err, fault.AccessDenied) {
				t.Errorf("%s as %s: %v", name, a.keyID, err)
			}
			if len(a.asks) != 1 || a.asks[0].Action != "claviger:"+name || a.asks[0].Resource != "*" {
				t.Errorf("%s asks %+v", name, a.asks)
			}
		}
	}
}

func TestListServicePrincipals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := []string{rds, ec2, "vault.example.org", "a-a.b.c.d"}
	for _, name := range names {
		w.register(registration(name))
	}
	w.disable(rds)
	slices.Sort(names)
	listed := w.services()
	var got []string
	for _, p := range listed {
		got = append(got, p.Name)
		want := "Enabled"
		if p.Name == rds {
			want = "Disabled"
		}
		if p.Status != want || len(p.Actions) != 2 || p.CreateDate.IsZero() {
			t.Errorf("listed %+v", p)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("listed %v, want %v", got, names)
	}
}

// More than the batch in which they are read.
func TestListManyServicePrincipals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many = 501
	for i := range many {
		w.register(registration(fmt.Sprintf("s%d.example.org", i)))
	}
	if got := len(w.services()); got != many {
		t.Errorf("listed %d, want %d", got, many)
	}
}

func TestDisableServicePrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, other := w.register(registration(rds)), w.register(registration(ec2))
	kept := w.credential(other)
	w.credential(key)
	w.disable(rds)
	w.unknown(key)
	if w.credential(other) != kept {
		t.Error("another service's credential changed")
	}
	out := do[iam.DisableServicePrincipalOutput](t, w.operator(), "DisableServicePrincipal", &iam.DisableServicePrincipalInput{Name: some(rds)})
	if out.ServicePrincipal.Status != "Disabled" {
		t.Errorf("disabled twice: %+v", out.ServicePrincipal)
	}
	refuse(t, w.operator(), "DisableServicePrincipal", &iam.DisableServicePrincipalInput{Name: some("nobody.example.org")}, iam.NoSuchEntity, "The service principal with name nobody.example.org cannot be found.")
	refuse(t, w.operator(), "DisableServicePrincipal", &iam.DisableServicePrincipalInput{}, fault.Validation, "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")

	again := registration(rds)
	again.Actions, again.SigningName = []string{"kms:RetireGrant"}, some("rds-2")
	fresh := w.register(again)
	w.unknown(key)
	if got := w.credential(fresh).Caller.Registration; got.SigningName != "rds-2" || !slices.Equal(got.Actions, again.Actions) {
		t.Errorf("registered anew as %+v", got)
	}
	refuse(t, w.operator(), "CreateServicePrincipal", again, iam.EntityAlreadyExists, "Service principal with name rds.amazonaws.com already exists.")
	if n := len(w.services()); n != 2 {
		t.Errorf("%d services are listed, want 2", n)
	}
}

// A signing name and a role of an infrastructure are one service's, whether it
// is disabled or not.
func TestServicePrincipalsShareNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := registration(ec2)
	first.Infrastructure = true
	w.register(first)
	const taken = "Service principal ec2.amazonaws.com has the same signing name or infrastructure."
	sameSigning := registration("compute.example.org")
	sameSigning.SigningName = some("ec2")
	sameRole := registration("ec2.example.org")
	sameRole.SigningName, sameRole.Infrastructure = some("other"), true
	for range 2 {
		refuse(t, w.operator(), "CreateServicePrincipal", sameSigning, iam.EntityAlreadyExists, taken)
		refuse(t, w.operator(), "CreateServicePrincipal", sameRole, iam.EntityAlreadyExists, taken)
		w.disable(ec2)
	}
	sameRole.Infrastructure = false
	w.register(sameRole)
	first.Infrastructure = false
	w.register(first) // gives the role back
	w.disable("ec2.example.org")
	sameRole.Infrastructure = true
	w.register(sameRole)
}

// Of several calls at the same time one registers a name, and one a signing name.
func TestRegisterAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sameName := func(int) *iam.CreateServicePrincipalInput { return registration(rds) }
	sameSigning := func(i int) *iam.CreateServicePrincipalInput {
		in := registration(fmt.Sprintf("s%d.example.org", i))
		in.SigningName = some("shared")
		return in
	}
	for about, in := range map[string]func(int) *iam.CreateServicePrincipalInput{"name": sameName, "signing name": sameSigning} {
		made := make(chan string, 8)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				out, err := w.operator().call("CreateServicePrincipal", in(i))
				if err == nil {
					made <- out.(*iam.CreateServicePrincipalOutput).AccessKeyID
				} else if !fault.Is(err, iam.EntityAlreadyExists) {
					t.Errorf("%s: %v", about, err)
				}
			})
		}
		wg.Wait()
		if len(made) != 1 {
			t.Fatalf("%s: %d were registered, want 1", about, len(made))
		}
		w.credential(<-made)
	}
}

// Somebody else's key is nobody's business: a user can't touch a service's.
func TestAccessKeyOfServiceIsNoUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.register(registration(rds))
	refuse(t, w.root(), "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: some(key)}, iam.NoSuchEntity, "The Access Key with id "+key+" cannot be found")
	refuse(t, w.as(key), "ListAccessKeys", &iam.ListAccessKeysInput{MaxItems: optional.Some(1)}, fault.Validation, "Must specify userName when calling with non-User credentials")
	w.credential(key)
}

// TestServicesSeeNoIdentities: to a service nobody exists, also not in the account
// that it says it calls for.
func TestServicesSeeNoIdentities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("Ann"), Path: some("/board/")})
	do[iam.CreateRoleOutput](t, w.root(), "CreateRole", &iam.CreateRoleInput{
		RoleName: some("Ann"), Path: some("/board/"), AssumeRolePolicyDocument: some(trusting(account)),
	})
	service := w.as(w.register(registration(rds)))
	cases := 0
	for _, name := range []string{"Ann", "ann", "nobody"} {
		for operation, in := range map[string]any{
			"GetUser":        &iam.GetUserInput{UserName: some(name)},
			"DeleteUser":     &iam.DeleteUserInput{UserName: some(name)},
			"ListAccessKeys": &iam.ListAccessKeysInput{UserName: some(name)},
			"CreateUser":     &iam.CreateUserInput{UserName: some(name)},
			"GetRole":        &iam.GetRoleInput{RoleName: some(name)},
			"DeleteRole":     &iam.DeleteRoleInput{RoleName: some(name)},
		} {
			kind := "user"
			if strings.HasSuffix(operation, "Role") {
				kind = "role"
			}
			refuse(t, service, operation, in, fault.AccessDenied, "User: "+rds+" is not authorized to perform: iam:"+operation+
				" on resource: arn:aws:iam:::"+kind+"/"+name+" because no resource-based policy allows the iam:"+operation+" action")
			cases++
		}
	}
	if cases != 18 {
		t.Errorf("%d cases ran", cases)
	}
}
