package iam_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

const invalidToken = "The security token included in the request is invalid."

func (w *world) credential(id string) *authz.Credential {
	w.t.Helper()
	c, err := w.iam.Credential(w.t.Context(), id, "")
	if err != nil {
		w.t.Fatalf("credential of %s: %v", id, err)
	}
	return c
}

func (w *world) unknown(id string) {
	w.t.Helper()
	_, err := w.iam.Credential(w.t.Context(), id, "")
	checkFault(w.t, "credential of "+id, err, fault.UnrecognizedClient, invalidToken)
}

func TestCredentialOfUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("Ann"), Path: some("/team/"), Tags: []iam.Tag{tag("Team", "a")}}).User
	w.put("Ann", "p", allowAll)
	k := w.createKey("Ann")
	c := w.credential(k.AccessKeyID)
	want := principal.Principal{
		Kind: principal.User, Partition: "aws", Account: account, ARN: "arn:aws:iam::111122223333:user/team/Ann",
		ID: u.UserID, Name: "Ann", AccessKeyID: k.AccessKeyID,
	}
	if c.Caller.Principal != want {
		t.Errorf("principal is %+v, want %+v", c.Caller.Principal, want)
	}
	p := c.Caller.Policy
	if p.Kind != want.Kind || p.Partition != "aws" || p.Account != account || p.ARN != want.ARN || p.ID != u.UserID {
		t.Errorf("policies see %+v", p)
	}
	if len(c.Caller.Identity) != 1 || c.Caller.Boundary != nil || c.Caller.Session != nil {
		t.Errorf("policies: %d identity, boundary %v, session %v", len(c.Caller.Identity), c.Caller.Boundary, c.Caller.Session)
	}
	if v, ok := c.Caller.Tags.Get("Team"); !ok || v != "a" {
		t.Errorf("tags are %v", c.Caller.Tags)
	}
	if !bytes.Equal(c.Secret.Reveal(reveal.Token{}), k.SecretAccessKey.Reveal(reveal.Token{})) {
		t.Error("the secret is not the one that was shown")
	}
}

func TestCredentialOfRoot(t *testing.T) {
	t.Parallel()
	w := worldWith(t, iam.Options{Partition: "aws-cn"})
	c := w.credential(rootKeyID)
	want := principal.Principal{
		Kind: principal.Root, Partition: "aws-cn", Account: account, ARN: "arn:aws-cn:iam::111122223333:root",
		ID: account, AccessKeyID: rootKeyID,
	}
	if c.Caller.Principal != want {
		t.Errorf("principal is %+v, want %+v", c.Caller.Principal, want)
	}
	if string(c.Secret.Reveal(reveal.Token{})) != rootSecret {
		t.Error("the secret is not the one that was given")
	}
}

// The same pointer is lent until something of the caller changes, and never after.
func TestCredentialIsKept(t *testing.T) {
	t.Parallel()
	drawnAnew(t, endedCredentials)
}

func endedCredentials(t *testing.T) (needless []string) {
	w := newWorld(t)
	w.createUser("ann")
	w.createUser("bob")
	ann, bob := w.createKey("ann").AccessKeyID, w.createKey("bob").AccessKeyID
	kept := map[string]*authz.Credential{}
	for _, id := range []string{ann, bob, rootKeyID, otherKeyID} {
		kept[id] = w.credential(id)
	}
	changes := []struct {
		about string
		name  string
		in    any
		ends  []string
	}{
		{"policy of ann", "PutUserPolicy", &iam.PutUserPolicyInput{UserName: some("ann"), PolicyName: some("p"), PolicyDocument: some(allowAll)}, []string{ann}},
		{"no policy of ann", "DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: some("ann"), PolicyName: some("p")}, []string{ann}},
		{"status of bob's key", "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: some("bob"), AccessKeyID: some(bob), Status: some("Active")}, []string{bob}},
		{"another user", "CreateUser", &iam.CreateUserInput{UserName: some("carl")}, nil},
		{"another user gone", "DeleteUser", &iam.DeleteUserInput{UserName: some("carl")}, nil},
		{"another root key", "CreateAccessKey", &iam.CreateAccessKeyInput{}, []string{rootKeyID, ann, bob}},
		{"a read", "GetUser", &iam.GetUserInput{UserName: some("ann")}, nil},
	}
	for _, tt := range changes {
		if _, err := w.root().call(tt.name, tt.in); err != nil {
			t.Fatalf("%s: %v", tt.about, err)
		}
		ended := make(map[string]bool)
		for _, id := range tt.ends {
			ended[id] = true
		}
		for id, before := range kept {
			now := w.credential(id)
			switch same := now == before; {
			case same && ended[id]:
				t.Errorf("%s: credential of %s is the same", tt.about, id)
			case !same && !ended[id]:
				needless = append(needless, tt.about)
			}
			if w.credential(id) != now {
				t.Errorf("%s: two look-ups of %s differ", tt.about, id)
			}
			kept[id] = now
		}
	}
	do[operation.None](t, w.root(), "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: some("ann"), AccessKeyID: some(ann), Status: some("Inactive")})
	before := w.iam.Kept()
	w.unknown(ann)
	if now := w.iam.Kept(); now != before-1 {
		t.Errorf("%d credentials were kept, %d are after one was refused", before, now)
	}
	do[operation.None](t, w.root(), "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: some("ann"), AccessKeyID: some(ann), Status: some("Active")})
	w.credential(ann)
	do[operation.None](t, w.root(), "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: some("ann"), AccessKeyID: some(ann)})
	w.unknown(ann)
	return needless
}

func TestCredentialUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.iam.Kept()
	for _, id := range []string{"", "x", "AKIAUNKNOWNUNKNOWNUN", account, other, strings.Repeat("A", 128), strings.Repeat("A", 129), "AKIA\x00", rootKeyID + "A", strings.ToLower(rootKeyID)} {
		w.unknown(id)
	}
	if now := w.iam.Kept(); now != before {
		t.Errorf("unknown access keys left %d credentials behind", now-before)
	}
}

// A missing row can only take rights away.
func TestCredentialFailsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := w.createUser("lost")
	lostKey := w.createKey("lost").AccessKeyID
	forgotten := w.createUser("forgotten")
	forgottenKey := w.createKey("forgotten").AccessKeyID
	broken := w.createUser("broken")
	brokenKey := w.createKey("broken").AccessKeyID
	w.update(func(tx store.Txn) error {
		return errors.Join(
			iam.LoseUser(t.Context(), tx, lost.UserID),
			iam.ForgetAccessKeys(t.Context(), tx, forgotten.UserID),
			iam.BreakPolicy(t.Context(), tx, broken.UserID))
	})
	w.unknown(lostKey)
	w.unknown(forgottenKey)
	if _, err := w.iam.Credential(t.Context(), brokenKey, ""); err == nil || fault.From(err).Code != fault.InternalFailure {
		t.Errorf("a caller with a damaged policy: %v", err)
	}
}

// Readers read at the same time, some hundred times each whenever they are woken. They
// rest in between: a process whose threads are all busy looks for the answers of a
// database every ten milliseconds only.
type readers struct {
	all   sync.WaitGroup
	turns []chan struct{}
}

// newReaders makes so many readers; read is told which one it is for, and whether to go on
// is what it returns.
func newReaders(n int, read func(i int) bool) *readers {
	r := &readers{turns: make([]chan struct{}, n)}
	for i := range r.turns {
		r.turns[i] = make(chan struct{}, 1)
		r.all.Go(func() {
			for range r.turns[i] {
				for range 300 {
					if !read(i) {
						return
					}
				}
			}
		})
	}
	return r
}

// wake lets each reader begin, or go on for another turn.
func (r *readers) wake() {
	for _, turn := range r.turns {
		select {
		case turn <- struct{}{}:
		default:
		}
	}
}

// end ends all readers and waits for that.
func (r *readers) end() {
	for _, turn := range r.turns {
		close(turn)
	}
	r.all.Wait()
}

// Readers and changes at the same time: what was answered is in force.
func TestCredentialWhileItChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	id := w.createKey("ann").AccessKeyID
	reading := newReaders(4, func(int) bool {
		c, err := w.iam.Credential(t.Context(), id, "")
		if err != nil && !fault.Is(err, fault.UnrecognizedClient) {
			t.Errorf("credential: %v", err)
			return false
		}
		if err == nil && c.AccessKeyID != id {
			t.Errorf("credential of %s, want %s", c.AccessKeyID, id)
			return false
		}
		return true
	})
	set := func(status string) {
		reading.wake()
		do[operation.None](t, w.root(), "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: some("ann"), AccessKeyID: some(id), Status: some(status)})
		reading.wake()
	}
	for range 100 {
		set("Inactive")
		w.unknown(id)
		set("Active")
		w.credential(id)
	}
	reading.end()

	var wg sync.WaitGroup
	lent := make([]*authz.Credential, 16)
	for i := range lent {
		wg.Go(func() { lent[i] = w.credential(id) })
	}
	wg.Wait()
	for _, c := range lent {
		if c != lent[0] {
			t.Error("readers at the same time were lent different credentials")
		}
	}
}

func TestDevelopmentAccounts(t *testing.T) {
	t.Parallel()
	w := worldWith(t, iam.Options{Development: true, Now: func() time.Time { return start }})
	const fresh = "000000000042"
	var wg sync.WaitGroup
	lent := make([]*authz.Credential, 8)
	for i := range lent {
		wg.Go(func() { lent[i] = w.credential(fresh) })
	}
	wg.Wait()
	for _, c := range lent {
		if c != lent[0] {
			t.Error("two first calls were lent different credentials")
		}
	}
	c := lent[0]
	if c.Caller.Principal.Kind != principal.Root || c.Caller.Principal.ARN != "arn:aws:iam::000000000042:root" || string(c.Secret.Reveal(reveal.Token{})) != "test" {
		t.Errorf("got %+v", c.Caller.Principal)
	}
	root := w.as(fresh)
	do[iam.CreateUserOutput](t, root, "CreateUser", &iam.CreateUserInput{UserName: some("ann")})
	if got := do[iam.GetUserOutput](t, root, "GetUser", &iam.GetUserInput{}).User; !got.CreateDate.Equal(start.Truncate(time.Second)) {
		t.Errorf("the account was made at %v", got.CreateDate)
	}
	if got := do[iam.ListAccessKeysOutput](t, root, "ListAccessKeys", &iam.ListAccessKeysInput{}); len(got.AccessKeyMetadata) != 0 {
		t.Errorf("the account lists access keys %+v", got.AccessKeyMetadata)
	}
	// An account that was made otherwise keeps its own credentials beside.
	if got := w.credential(account).Caller.Principal.ARN; got != "arn:aws:iam::111122223333:root" {
		t.Errorf("the root user of an existing account is %s", got)
	}
	if string(w.credential(rootKeyID).Secret.Reveal(reveal.Token{})) != rootSecret {
		t.Error("the root access key of an existing account changed")
	}
	w.unknown("00000000004")
	w.unknown("0000000000042")
	w.unknown("00000000004x")
}

// Look-ups come before signatures are verified: they make a bounded number of
// accounts, and none of those beyond it leaves anything behind.
func TestDevelopmentAccountsAreBounded(t *testing.T) {
	t.Parallel()
	w := worldWith(t, iam.Options{Development: true, Now: func() time.Time { return start }})
	id := func(i int) string { return fmt.Sprintf("%012d", i) }
	w.credential(account) // is there already, and does not count
	for i := range iam.DevelopmentMax {
		w.credential(id(i))
	}
	before := w.iam.Kept()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { w.unknown(id(iam.DevelopmentMax + i)) })
	}
	wg.Wait()
	if now := w.iam.Kept(); now > before {
		t.Errorf("accounts beyond the bound left %d credentials behind", now-before)
	}
	ids, err := w.iam.Accounts(t.Context())
	if err != nil || len(ids) != 2+iam.DevelopmentMax {
		t.Errorf("there are %d accounts, %v", len(ids), err)
	}
	// Those that were made work on, and the operator can make more.
	do[iam.CreateUserOutput](t, w.as(id(0)), "CreateUser", &iam.CreateUserInput{UserName: some("ann")})
	w.credential(id(iam.DevelopmentMax - 1))
	late := id(iam.DevelopmentMax)
	do[iam.CreateAccountOutput](t, w.operator(), "CreateAccount", &iam.CreateAccountInput{AccountID: some(late)})
	if got := w.credential(late).Caller.Principal.Account; got != late {
		t.Errorf("an account of the operator's has the root user of %s", got)
	}
}
