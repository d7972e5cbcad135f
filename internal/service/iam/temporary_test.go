package iam_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

const expiredToken = "The security token included in the request is expired"

// A clock stands until it is moved.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return start.Add(time.Duration(c.ahead.Load())) }

func (c *clock) set(to time.Time) { c.ahead.Store(int64(to.Sub(start))) }

func clocked(t testing.TB) (*world, *clock) {
	c := new(clock)
	return worldWith(t, iam.Options{Now: c.now}), c
}

// temporary are credentials that somebody was given.
type temporary struct{ id, token string }

// issue makes temporary credentials of one hour, as STS does.
func (w *world) issue(s session.Session) temporary {
	w.t.Helper()
	s.Issued = start.Truncate(time.Second)
	if s.Expires.IsZero() {
		s.Expires = s.Issued.Add(time.Hour)
	}
	if s.Account == "" {
		s.Account = account
	}
	id := session.Draw()
	token, err := w.tokens.Seal(id, &s)
	if err != nil {
		w.t.Fatal(err)
	}
	return temporary{id, token}
}

func (w *world) lend(c temporary) *authz.Credential {
	w.t.Helper()
	lent, err := w.iam.Credential(w.t.Context(), c.id, c.token)
	if err != nil {
		w.t.Fatalf("credential of %s: %v", c.id, err)
	}
	return lent
}

// alive lends a credential that is in force.
func (w *world) alive(c temporary) *authz.Credential {
	w.t.Helper()
	lent := w.lend(c)
	if lent.Refusal != nil {
		w.t.Fatalf("credential of %s: %v", c.id, lent.Refusal)
	}
	return lent
}

// over lends a credential that is refused with a code and has no rights left.
func (w *world) over(c temporary, code fault.Code) *authz.Credential {
	w.t.Helper()
	lent := w.lend(c)
	want := fault.Fault{Code: fault.UnrecognizedClient, Message: invalidToken}
	if code == fault.ExpiredToken {
		want = fault.Fault{Code: code, Message: expiredToken}
	}
	if lent.Refusal == nil || *lent.Refusal != want {
		w.t.Fatalf("credential of %s: refusal %v, want %v", c.id, lent.Refusal, &want)
	}
	rights := *lent.Caller
	rights.Principal, rights.Via, rights.IssuedTo = principal.Principal{}, nil, ""
	if !reflect.DeepEqual(rights, authz.Caller{}) {
		w.t.Errorf("a session that is over has kept %+v", rights)
	}
	if lent.AccessKeyID != c.id || lent.Token != c.token || lent.Secret.Len() != 40 {
		w.t.Error("the signature of a refused call can't be checked")
	}
	return lent
}

// teamRole makes a role of the first account with a policy and tags.
func (w *world) teamRole(name string, tags ...iam.Tag) iam.Role {
	w.t.Helper()
	out := do[iam.CreateRoleOutput](w.t, w.root(), "CreateRole", &iam.CreateRoleInput{
		RoleName: some(name), Path: some("/team/"), AssumeRolePolicyDocument: some(trusting(account)), Tags: tags,
	})
	w.allow(name, allowAll)
	return out.Role
}

func (w *world) allow(role, document string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: some(role), PolicyName: some("p"), PolicyDocument: some(document)})
}

func (w *world) dropRole(name string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: some(name), PolicyName: some("p")})
	do[operation.None](w.t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some(name)})
}

func (w *world) status(user, id, status string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: some(user), AccessKeyID: some(id), Status: some(status)})
}

func (w *world) dropKey(user, id string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: some(user), AccessKeyID: some(id)})
}

func TestRoleSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.teamRole("Reader", tag("Team", "red"), tag("Level", "1"))
	limits := []string{statement("Allow", "kms:*", "*"), statement("Deny", "kms:Decrypt", "*")}
	issued := w.issue(session.Session{
		Kind: session.Role, ID: r.RoleID, Name: "ann@work", Policies: limits, MFA: true, SourceIdentity: "ann",
		Tags: pairs.Of(map[string]string{"team": "blue", "Cost": "7"}), Transitive: []string{"Cost"},
	})
	c := w.alive(issued)
	began := start.Truncate(time.Second)
	want := principal.Principal{
		Kind: principal.RoleSession, Partition: "aws", Account: account,
		ARN: "arn:aws:sts::111122223333:assumed-role/Reader/ann@work", ID: r.RoleID + ":ann@work",
		IssuerARN: "arn:aws:iam::111122223333:role/team/Reader", IssuerID: r.RoleID, IssuerName: "Reader",
		AccessKeyID: issued.id, Since: began, MFA: true, SourceIdentity: "ann",
	}
	if c.Caller.Principal != want {
		t.Errorf("principal is\n%+v, want\n%+v", c.Caller.Principal, want)
	}
	seen := policy.Caller{Kind: want.Kind, Partition: "aws", Account: account, ARN: want.ARN, IssuerARN: want.IssuerARN, ID: r.RoleID}
	if !reflect.DeepEqual(c.Caller.Policy, seen) {
		t.Errorf("policies see\n%+v, want\n%+v", c.Caller.Policy, seen)
	}
	if tags := pairs.Of(map[string]string{"team": "blue", "Cost": "7", "Level": "1"}); !slices.Equal(c.Caller.Tags, tags) {
		t.Errorf("tags are %v, want %v", c.Caller.Tags, tags)
	}
	if len(c.Caller.Identity) != 1 || len(c.Caller.Session) != 2 || c.Caller.Boundary != nil {
		t.Errorf("policies: %d identity, %d session, boundary %v", len(c.Caller.Identity), len(c.Caller.Session), c.Caller.Boundary)
	}
	if !slices.Equal(c.Caller.Transitive, []string{"Cost"}) || !c.Caller.Expires.Equal(began.Add(time.Hour)) || c.Caller.IssuedTo != "" || c.Caller.Via != nil {
		t.Errorf("got %+v", c.Caller)
	}
	secret := w.tokens.SecretAccessKey(issued.id)
	if c.AccessKeyID != issued.id || c.Token != issued.token || string(c.Secret.Reveal(reveal.Token{})) != string(secret.Reveal(reveal.Token{})) {
		t.Error("the credential is not the one that was issued")
	}
	plain := w.alive(w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "plain"}))
	if plain.Caller.Session != nil || len(plain.Caller.Tags) != 2 {
		t.Errorf("a session without limits and tags has %v and %v", plain.Caller.Session, plain.Caller.Tags)
	}
}

// A managed session policy counts as it is, and a session ends with it.
func TestManagedSessionPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.createPolicy("limit", statement("Allow", "iam:ListUsers", "*"))
	r := w.teamRole("Admin")
	w.allow("Admin", allowAll)
	var ids []string
	err := w.store.View(t.Context(), func(r store.Reader) (err error) {
		if _, _, missing, err := w.iam.ManagedPolicies(t.Context(), r, other, []string{admin, arn}); missing != arn || err != nil {
			t.Errorf("of another account: %q is missing (%v)", missing, err)
		}
		for _, no := range []string{"arn:aws:iam::aws:policy/None", arn + "x", "arn:aws:iam::111122223333:user/x", "arn:aws:iam::aws:policy/aws-service-role/CloudTrailServiceRolePolicy", "x"} {
			if _, _, missing, err := w.iam.ManagedPolicies(t.Context(), r, account, []string{arn, no}); missing != no || err != nil {
				t.Errorf("%q is missing, want %q (%v)", missing, no, err)
			}
		}
		ids, _, _, err = w.iam.ManagedPolicies(t.Context(), r, account, []string{arn})
		return err
	})
	if err != nil || len(ids) != 1 {
		t.Fatalf("ids %v, %v", ids, err)
	}
	issued := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "ann", Managed: ids})
	allowed := func(want bool) {
		t.Helper()
		_, err := (&actor{w: w, caller: w.alive(issued).Caller}).call("ListUsers", &iam.ListUsersInput{})
		if want && err != nil || !want && !fault.Is(err, fault.AccessDenied) {
			t.Errorf("allowed: %t, %v", want, err)
		}
	}
	allowed(true)
	w.version(arn, statement("Allow", "iam:GetUser", "*"))
	allowed(false)
	do[operation.None](t, w.root(), "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: some(arn), VersionID: some("v1")})
	allowed(true)
	do[operation.None](t, w.root(), "DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyARN: some(arn), VersionID: some("v2")})
	do[operation.None](t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(arn)})
	w.over(issued, fault.UnrecognizedClient)
	w.createPolicy("limit", allowAll) // another one
	w.over(issued, fault.UnrecognizedClient)
}

// The same pointer is lent until something of the session changes.
func TestTemporaryCredentialIsKept(t *testing.T) {
	t.Parallel()
	drawnAnew(t, endedTemporaryCredentials)
}

func endedTemporaryCredentials(t *testing.T) (needless []string) {
	w := newWorld(t)
	ann := w.createUser("ann")
	key := w.createKey("ann").AccessKeyID
	service := w.register(registration(rds))
	r := w.teamRole("Reader")
	sessions := map[string]temporary{
		"role":    w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one"}),
		"user":    w.issue(session.Session{Kind: session.User, ID: ann.UserID, IssuedWith: key}),
		"forward": w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: service, AccessKeyID: key}),
	}
	changes := []struct {
		about string
		do    func()
		ends  []string
	}{
		{"policy of the role", func() { w.allow("Reader", statement("Allow", "kms:*", "*")) }, []string{"role"}},
		{"policy of the user", func() { w.put("ann", "p", allowAll) }, []string{"user", "forward"}},
		{"key of the user", func() { w.status("ann", key, "Active") }, []string{"user", "forward"}},
		{"another service", func() { w.register(registration("ec2.amazonaws.com")) }, nil},
		{"another user", func() { w.createUser("bob") }, nil},
	}
	kept := make(map[string]*authz.Credential)
	for name, c := range sessions {
		kept[name] = w.alive(c)
	}
	for _, tt := range changes {
		tt.do()
		for name, c := range sessions {
			now := w.alive(c)
			switch same, ends := now == kept[name], slices.Contains(tt.ends, name); {
			case same && ends:
				t.Errorf("%s: the credential of %s is the same", tt.about, name)
			case !same && !ends:
				needless = append(needless, tt.about)
			}
			if w.alive(c) != now {
				t.Errorf("%s: two look-ups of %s differ", tt.about, name)
			}
			kept[name] = now
		}
	}
	return needless
}

func TestUserSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	w.put("ann", "p", allowAll)
	key := w.createKey("ann").AccessKeyID
	issued := w.issue(session.Session{Kind: session.User, ID: ann.UserID, IssuedWith: key, MFA: true})
	c := w.alive(issued).Caller
	began := start.Truncate(time.Second)
	want := principal.Principal{
		Kind: principal.User, Partition: "aws", Account: account, ARN: ann.ARN, ID: ann.UserID, Name: "ann",
		AccessKeyID: issued.id, Since: began, MFA: true,
	}
	if c.Principal != want || c.Policy.ID != ann.UserID || len(c.Identity) != 1 || !c.Expires.Equal(began.Add(time.Hour)) {
		t.Errorf("got %+v, want %+v", c, want)
	}
	root := w.issue(session.Session{Kind: session.User, ID: account, IssuedWith: rootKeyID})
	if p := w.alive(root).Caller.Principal; p.Kind != principal.Root || p.ARN != "arn:aws:iam::111122223333:root" || p.AccessKeyID != root.id || !p.Temporary() {
		t.Errorf("a session of the root user is %+v", p)
	}
	for about, s := range map[string]session.Session{
		"without a key":            {ID: ann.UserID},
		"with an unknown key":      {ID: ann.UserID, IssuedWith: "AKIAUNKNOWNUNKNOWNUN"},
		"with another user's key":  {ID: ann.UserID, IssuedWith: w.createKeyOf("bob")},
		"with the root user's key": {ID: ann.UserID, IssuedWith: rootKeyID},
		"with a service's key":     {ID: ann.UserID, IssuedWith: w.register(registration(rds))},
		"of nobody":                {IssuedWith: key},
		"of another account":       {ID: ann.UserID, IssuedWith: key, Account: other},
		"of another root user":     {ID: account, IssuedWith: otherKeyID},
	} {
		s.Kind = session.User
		t.Log(about)
		w.over(w.issue(s), fault.UnrecognizedClient)
	}
}

func TestForwardSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.put("ann", "p", allowAll)
	key := w.createKey("ann").AccessKeyID
	in := registration(rds)
	in.GrantsBeyondUser = true
	service := w.register(in)
	issued := w.issue(session.Session{
		Kind: session.Forward, IssuedTo: rds, IssuedWith: service, AccessKeyID: key,
		Region: "eu-west-1", Address: "192.0.2.7", UserAgent: "app/1",
	})
	lent := w.alive(issued)
	own := w.credential(key).Caller
	c := *lent.Caller
	want := own.Principal
	want.InvokedBy = rds
	if c.Principal != want || lent.AccessKeyID != issued.id {
		t.Errorf("principal is\n%+v, want\n%+v", c.Principal, want)
	}
	via := &authz.Via{
		Registration: &authz.Registration{Name: rds, SigningName: "rds", Actions: in.Actions, BeyondUser: true},
		Services:     []string{rds}, Region: "eu-west-1", Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "app/1",
	}
	if !reflect.DeepEqual(c.Via, via) {
		t.Errorf("via is %+v, want %+v", c.Via, via)
	}
	if !c.Expires.Equal(start.Truncate(time.Second).Add(time.Hour)) || c.Registration != nil || !reflect.DeepEqual(c.Policy, own.Policy) || !slices.Equal(c.Identity, own.Identity) {
		t.Errorf("got %+v", c)
	}
	if own.Via != nil || own.Principal.InvokedBy != "" || len(own.Stamps) >= len(c.Stamps) {
		t.Error("the user's own caller was changed")
	}

	r := w.teamRole("Reader")
	mine := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one", IssuedTo: rds, IssuedWith: service, Expires: start.Add(time.Minute).Truncate(time.Second)})
	if got := w.alive(mine).Caller.IssuedTo; got != rds {
		t.Errorf("the session is issued to %q", got)
	}
	back := w.alive(w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: service, AccessKeyID: mine.id, Token: mine.token})).Caller
	if back.Principal.InvokedBy != "" || back.Via == nil || back.Principal.AccessKeyID != mine.id || !back.Expires.Equal(start.Add(time.Minute).Truncate(time.Second)) {
		t.Errorf("the session of a service that assumed the role itself is %+v", back)
	}
	compute := w.register(registration(ec2))
	through := w.alive(w.issue(session.Session{Kind: session.Forward, IssuedTo: ec2, IssuedWith: compute, AccessKeyID: mine.id, Token: mine.token})).Caller
	if through.Principal.InvokedBy != ec2 || through.IssuedTo != rds {
		t.Errorf("another service acts for it as %+v", through)
	}

	namesake := w.createKeyOf(rds) // users may have the name of a service
	forward := session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: service}
	for about, change := range map[string]func(*session.Session){
		"of another account":      func(s *session.Session) { s.AccessKeyID, s.Account = key, other },
		"of a service":            func(s *session.Session) { s.AccessKeyID, s.Account = compute, "" },
		"of nobody":               func(*session.Session) {},
		"chained":                 func(s *session.Session) { s.AccessKeyID, s.Token = issued.id, issued.token },
		"with an altered token":   func(s *session.Session) { s.AccessKeyID, s.Token = mine.id, issued.token },
		"without its token":       func(s *session.Session) { s.AccessKeyID = mine.id },
		"of another service":      func(s *session.Session) { s.AccessKeyID, s.IssuedWith = key, compute },
		"with a user's key":       func(s *session.Session) { s.AccessKeyID, s.IssuedWith = key, key },
		"with a namesake's key":   func(s *session.Session) { s.AccessKeyID, s.IssuedWith = key, namesake },
		"without the service":     func(s *session.Session) { s.AccessKeyID, s.IssuedTo = key, "" },
		"without a service's key": func(s *session.Session) { s.AccessKeyID, s.IssuedWith = key, "" },
	} {
		s := forward
		change(&s)
		t.Log(about)
		w.over(w.issue(s), fault.UnrecognizedClient)
	}
}

func TestInfrastructureSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := registration(ec2)
	in.Infrastructure = true
	key := w.register(in)
	plain := w.register(registration(rds))
	s := session.Session{Kind: session.Role, Role: "aws:ec2-infrastructure", Name: "i-123", IssuedTo: ec2, IssuedWith: key}
	issued := w.issue(s)
	c := w.alive(issued).Caller
	want := principal.Principal{
		Kind: principal.RoleSession, Partition: "aws", Account: account,
		ARN: "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-123", ID: "111122223333:aws:ec2-infrastructure:i-123",
		IssuerARN: "arn:aws:iam::111122223333:role/aws:ec2-infrastructure", IssuerID: "111122223333:aws:ec2-infrastructure", IssuerName: "aws:ec2-infrastructure",
		AccessKeyID: issued.id, Since: start.Truncate(time.Second),
	}
	if c.Principal != want || c.IssuedTo != ec2 {
		t.Errorf("principal is\n%+v, want\n%+v", c.Principal, want)
	}
	seen := policy.Caller{Kind: want.Kind, Partition: "aws", Account: account, ARN: want.ARN, IssuerARN: want.IssuerARN, ID: want.IssuerID}
	if !reflect.DeepEqual(c.Policy, seen) || c.Identity != nil || c.Session != nil || c.Tags != nil {
		t.Errorf("got %+v", c)
	}
	for about, change := range map[string]func(*session.Session){
		"of an unknown account":     func(s *session.Session) { s.Account = "999999999999" },
		"of another's role":         func(s *session.Session) { s.Role = "aws:rds-infrastructure" },
		"of a service without one":  func(s *session.Session) { s.Role, s.IssuedTo, s.IssuedWith = "aws:rds-infrastructure", rds, plain },
		"of another service":        func(s *session.Session) { s.IssuedTo, s.IssuedWith = rds, plain },
		"of nobody":                 func(s *session.Session) { s.IssuedTo, s.IssuedWith = "", "" },
		"of the root user":          func(s *session.Session) { s.IssuedTo, s.IssuedWith = "", rootKeyID },
		"without its access key":    func(s *session.Session) { s.IssuedWith = "" },
		"of the account's root key": func(s *session.Session) { s.IssuedWith = rootKeyID },
	} {
		other := s
		change(&other)
		t.Log(about)
		w.over(w.issue(other), fault.UnrecognizedClient)
	}
	w.disable(ec2)
	w.over(issued, fault.UnrecognizedClient)
	in.Infrastructure = false
	s.IssuedWith = w.register(in)
	w.over(w.issue(s), fault.UnrecognizedClient)
	w.over(issued, fault.UnrecognizedClient)
}

// Every way in which a session ends before its time, and who it is then in the
// record of the refused call.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	ended := []struct {
		about string
		end   func(w *world, key, service string)
		ends  string // kinds, in the order of the map below
	}{
		{"key deactivated", func(w *world, key, _ string) { w.status("ann", key, "Inactive") }, "user forward of-user"},
		{"key deleted", func(w *world, key, _ string) { w.dropKey("ann", key) }, "user forward of-user"},
		{"key forgotten by its owner", func(w *world, _, _ string) {
			id := do[iam.GetUserOutput](w.t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("ann")}).User.UserID
			w.update(func(tx store.Txn) error { return iam.ForgetAccessKeys(w.t.Context(), tx, id) })
		}, "user forward of-user"},
		{"user deleted", func(w *world, key, _ string) {
			w.dropKey("ann", key)
			do[operation.None](w.t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
		}, "user forward of-user"},
		{"user made anew", func(w *world, key, _ string) {
			w.dropKey("ann", key)
			do[operation.None](w.t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
			w.createUser("ann")
			w.createKey("ann")
		}, "user forward of-user"},
		{"role deleted", func(w *world, _, _ string) { w.dropRole("Reader") }, "role passed of-role"},
		{"role made anew", func(w *world, _, _ string) {
			w.dropRole("Reader")
			w.teamRole("Reader")
		}, "role passed of-role"},
		{"service disabled", func(w *world, _, _ string) { w.disable(rds) }, "forward of-user of-role passed"},
		{"service registered anew", func(w *world, _, _ string) {
			w.disable(rds)
			w.register(registration(rds))
		}, "forward of-user of-role passed"},
		{"nothing", func(*world, string, string) {}, ""},
	}
	ran := 0
	for _, tt := range ended {
		w := newWorld(t)
		ann := w.createUser("ann")
		key := w.createKey("ann").AccessKeyID
		registered := w.register(registration(rds))
		r := w.teamRole("Reader")
		user := w.issue(session.Session{Kind: session.User, ID: ann.UserID, ARN: ann.ARN, IssuedWith: key})
		role := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, ARN: r.ARN, Name: "one"})
		forward := func(of temporary, id, arn string) temporary {
			return w.issue(session.Session{Kind: session.Forward, ID: id, ARN: arn, IssuedTo: rds, IssuedWith: registered, AccessKeyID: of.id, Token: of.token})
		}
		all := map[string]temporary{
			"user":    user,
			"role":    role,
			"passed":  w.issue(session.Session{Kind: session.Role, ID: r.RoleID, ARN: r.ARN, Name: "two", IssuedTo: rds, IssuedWith: registered}),
			"forward": forward(temporary{id: key}, ann.UserID, ann.ARN),
			"of-user": forward(user, ann.UserID, ann.ARN),
			"of-role": forward(role, r.RoleID, r.ARN),
		}
		before := make(map[string]principal.Principal)
		for name, c := range all {
			before[name] = w.alive(c).Caller.Principal
		}
		kept := w.iam.Kept()
		tt.end(w, key, registered)
		dead := strings.Fields(tt.ends)
		for name, c := range all {
			if !slices.Contains(dead, name) {
				w.alive(c)
				continue
			}
			t.Logf("%s: %s", tt.about, name)
			if now := w.over(c, fault.UnrecognizedClient).Caller.Principal; now != before[name] {
				t.Errorf("%s: the session %s is remembered as\n%+v, was\n%+v", tt.about, name, now, before[name])
			}
			w.over(c, fault.UnrecognizedClient) // and stays so
			ran++
		}
		if now := w.iam.Kept(); len(dead) > 0 && now > kept {
			t.Errorf("%s: sessions that are over are kept", tt.about)
		}
	}
	if ran != 29 {
		t.Errorf("%d sessions ended, want 29", ran)
	}
}

// A key that is activated again lets the sessions that rest on it live again.
func TestSessionRevives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	key := w.createKey("ann").AccessKeyID
	issued := w.issue(session.Session{Kind: session.User, ID: ann.UserID, IssuedWith: key})
	for range 2 {
		w.alive(issued)
		w.status("ann", key, "Inactive")
		w.over(issued, fault.UnrecognizedClient)
		w.status("ann", key, "Active")
	}
	w.alive(issued)
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	w, clock := clocked(t)
	ann := w.createUser("ann")
	key := w.createKey("ann").AccessKeyID
	service := w.register(registration(rds))
	r := w.teamRole("Reader")
	began := start.Truncate(time.Second)
	user := w.issue(session.Session{Kind: session.User, ID: ann.UserID, ARN: ann.ARN, IssuedWith: key, Expires: began.Add(10 * time.Minute)})
	role := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, ARN: r.ARN, Name: "one", Expires: began.Add(20 * time.Minute)})
	forward := w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: service, AccessKeyID: user.id, Token: user.token, Expires: began.Add(time.Hour)})
	short := w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: service, AccessKeyID: role.id, Token: role.token, Expires: began.Add(5 * time.Minute)})
	steps := []struct {
		at   time.Duration
		over []temporary
	}{
		{0, nil},
		{5*time.Minute - time.Second, nil},
		{5 * time.Minute, []temporary{short}},
		{10*time.Minute - time.Second, []temporary{short}},
		{10 * time.Minute, []temporary{short, user, forward}},
		{20 * time.Minute, []temporary{short, user, forward, role}},
	}
	before := make(map[string]principal.Principal)
	for _, tt := range steps {
		clock.set(began.Add(tt.at))
		for _, c := range []temporary{user, role, forward, short} {
			if !slices.Contains(tt.over, c) {
				before[c.id] = w.alive(c).Caller.Principal
				continue
			}
			if now := w.over(c, fault.ExpiredToken).Caller.Principal; now != before[c.id] {
				t.Errorf("after %v the session is remembered as\n%+v, was\n%+v", tt.at, now, before[c.id])
			}
		}
	}
	// What has expired and ended besides has expired.
	w.dropRole("Reader")
	w.over(role, fault.ExpiredToken)
	// A day later nobody is remembered, so that no record is made of the call.
	for _, c := range []temporary{role, user, short} {
		s, err := w.tokens.Open(c.id, c.token)
		if err != nil {
			t.Fatal(err)
		}
		clock.set(s.Expires.Add(24*time.Hour - time.Second))
		w.over(c, fault.ExpiredToken)
		clock.set(s.Expires.Add(24 * time.Hour))
		if lent, err := w.iam.Credential(t.Context(), c.id, c.token); lent != nil || !fault.Is(err, fault.UnrecognizedClient) {
			t.Errorf("a day after its end a session is %+v, %v", lent, err)
		}
	}
}

// Tokens that don't open are nobody's, and leave nothing behind.
func TestForeignTokens(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	r := w.teamRole("Reader")
	one := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one"})
	two := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "two"})
	first := w.alive(one)
	stranger := newWorld(t).issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one"})
	flipped := []byte(one.token)
	flipped[len(flipped)/2] ^= 1
	kept := w.iam.Kept()
	for _, c := range []temporary{
		{one.id, ""}, {one.id, two.token}, {two.id, one.token}, {one.id, string(flipped)}, {one.id, one.token + "A"},
		{one.id, one.token[:len(one.token)-1]}, {one.id, one.token + "\n"}, {"", one.token}, {rootKeyID, one.token},
		{stranger.id, stranger.token}, {one.id, strings.Repeat("A", session.TokenMax+1)}, {strings.ToLower(one.id), one.token},
	} {
		if _, err := w.iam.Credential(t.Context(), c.id, c.token); !fault.Is(err, fault.UnrecognizedClient) {
			t.Errorf("%s with another token: %v", c.id, err)
		}
	}
	if w.alive(one) != first || w.iam.Kept() != kept {
		t.Error("foreign tokens changed what is kept")
	}
	for _, kind := range []session.Kind{0, 4, 255} {
		w.over(w.issue(session.Session{Kind: kind, ID: r.RoleID, Name: "one"}), fault.UnrecognizedClient)
	}
}

// A role or a limit that can't be read is no right, and no end either.
func TestTemporaryFailsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.teamRole("Reader")
	limited := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one", Policies: []string{"{"}})
	if _, err := w.iam.Credential(t.Context(), limited.id, limited.token); err == nil || fault.From(err).Code != fault.InternalFailure {
		t.Errorf("a session policy that does not compile: %v", err)
	}
	foreign := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one", Account: other})
	w.over(foreign, fault.UnrecognizedClient)
}

// A transaction does not commit for a caller who ended meanwhile, even where
// its stamps were looked at before.
func TestSessionIsRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	key := w.createKey("ann").AccessKeyID
	registered := w.register(registration(rds))
	r := w.teamRole("Reader")
	passed := func() temporary {
		return w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one", IssuedTo: rds, IssuedWith: registered})
	}
	forward := func() temporary {
		return w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: registered, AccessKeyID: key})
	}
	user := func() temporary { return w.issue(session.Session{Kind: session.User, ID: ann.UserID, IssuedWith: key}) }
	again := func() {
		w.disable(rds)
		registered = w.register(registration(rds))
	}
	tests := []struct {
		about string
		of    func() temporary
		end   func()
	}{
		{"policy of a role", passed, func() { w.allow("Reader", statement("Deny", "*", "*")) }},
		{"policy of a user", user, func() { w.put("ann", "p", statement("Deny", "*", "*")) }},
		{"key of a user", user, func() { w.status("ann", key, "Active") }},
		{"policy of the user of a service", forward, func() { w.put("ann", "p", allowAll) }},
		{"key of the user of a service", forward, func() { w.status("ann", key, "Active") }},
		{"service of a role", passed, again},
		{"service of a user", forward, again},
	}
	for _, tt := range tests {
		caller := w.alive(tt.of()).Caller
		tries := 0
		_, err := w.store.Update(t.Context(), opID(), func(tx store.Txn) error {
			if tries++; tries > 1 {
				return errStopped
			}
			tt.end()
			caller.Require(tx)
			tx.Touch("something")
			return nil
		})
		if !errors.Is(err, errStopped) {
			t.Errorf("%s: the transaction ended with %v after %d tries", tt.about, err, tries)
		}
	}
}

var errStopped = errors.New("tried again")

// Readers and changes at the same time: what was answered is in force.
func TestSessionsWhileTheyChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	key := w.createKey("ann").AccessKeyID
	registered := w.register(registration(rds))
	user := w.issue(session.Session{Kind: session.User, ID: ann.UserID, IssuedWith: key})
	all := []temporary{user, w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: registered, AccessKeyID: user.id, Token: user.token})}
	reading := newReaders(4, func(i int) bool {
		c := all[i%2]
		lent, err := w.iam.Credential(t.Context(), c.id, c.token)
		if err != nil || lent.AccessKeyID != c.id || lent.Token != c.token {
			t.Errorf("credential of %s: %v", c.id, err)
			return false
		}
		return true
	})
	among := func(change func()) {
		reading.wake()
		change()
		reading.wake()
	}
	for range 100 {
		among(func() { w.status("ann", key, "Inactive") })
		for _, c := range all {
			w.over(c, fault.UnrecognizedClient)
		}
		among(func() { w.status("ann", key, "Active") })
		for _, c := range all {
			w.alive(c)
		}
	}
	for range 20 {
		among(func() { w.disable(rds) })
		w.over(all[1], fault.UnrecognizedClient)
		var fresh string
		among(func() { fresh = w.register(registration(rds)) })
		w.over(all[1], fault.UnrecognizedClient)
		w.alive(w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: fresh, AccessKeyID: user.id, Token: user.token}))
	}
	reading.end()
}

// A session of a development account's root user was asked for with a key that
// has no record.
func TestSessionOfDevelopmentAccount(t *testing.T) {
	t.Parallel()
	w := worldWith(t, iam.Options{Development: true})
	const fresh = "000000000042"
	unseen := w.issue(session.Session{Kind: session.User, ID: fresh, Account: fresh, IssuedWith: fresh})
	w.over(unseen, fault.UnrecognizedClient)
	w.credential(fresh)
	if p := w.alive(unseen).Caller.Principal; p.Kind != principal.Root || p.Account != fresh || p.AccessKeyID != unseen.id {
		t.Errorf("got %+v", p)
	}
	service := w.register(registration(rds))
	forward := w.issue(session.Session{Kind: session.Forward, Account: fresh, IssuedTo: rds, IssuedWith: service, AccessKeyID: fresh})
	if p := w.alive(forward).Caller.Principal; p.Account != fresh || p.InvokedBy != rds {
		t.Errorf("got %+v", p)
	}
}

// It counts allocations, so it runs alone.
func TestWarmSessionAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	key := w.createKeyOf("ann")
	service := w.register(registration(rds))
	forward := w.issue(session.Session{Kind: session.Forward, IssuedTo: rds, IssuedWith: service, AccessKeyID: key})
	w.alive(forward)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = w.iam.Credential(ctx, forward.id, forward.token) }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

func FuzzCredential(f *testing.F) {
	w := newWorld(f)
	r := w.teamRole("Reader")
	issued := w.issue(session.Session{Kind: session.Role, ID: r.RoleID, Name: "one"})
	f.Add(issued.id, issued.token)
	f.Add(issued.id, issued.token[1:])
	f.Add(rootKeyID, issued.token)
	f.Add(rootKeyID, "")
	f.Add(account, "AQ")
	f.Fuzz(func(t *testing.T, id, token string) {
		lent, err := w.iam.Credential(t.Context(), id, token)
		switch {
		case err != nil && !fault.Is(err, fault.UnrecognizedClient):
			t.Errorf("%q, %q: %v", id, token, err)
		case err != nil:
		case lent.AccessKeyID != id || lent.Token != token || lent.Secret.Len() == 0:
			t.Errorf("%q, %q: lent that of %q", id, token, lent.AccessKeyID)
		case token != "" && (temporary{id, token}) != issued:
			t.Errorf("%q: another token opens", id)
		}
	})
}
