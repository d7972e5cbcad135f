package app

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// A behind is a trail that takes no record of a change while it is told not to.
type behind struct {
	*audit.Log
	refuse atomic.Bool
}

func (b *behind) AppendOutbox(position uint64, entries []audit.Entry) (audit.Ticket, error) {
	if b.refuse.Load() {
		return audit.Ticket{}, audit.ErrUnavailable
	}
	return b.Log.AppendOutbox(position, entries)
}

// open opens the log that is beneath.
func (b *behind) open(o audit.Options) (audit.Trail, error) {
	var err error
	b.Log, err = audit.Open(o)
	return b, err
}

// TestTrailBehind: that the record of a change is yet to come is no row that was put
// back, neither to a verification beside the server, nor after it was killed just
// then, nor to the restore of a backup from that moment.
func TestTrailBehind(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	trail := new(behind)
	w := &world{t: t, entrances: make(map[string]*pipeline.Entrance)}
	w.server = serverOf(t, l, func(f *foundations) {
		f.development = true
		f.openTrail = trail.open
	})
	defer w.server.mustClose(t)
	w.enter()
	key := optional.Some(w.key())
	w.must(w.caller(owner), "kms:DisableKey", &kms.DisableKeyInput{KeyID: key})
	trail.refuse.Store(true)
	if _, err := w.call(w.caller(owner), "kms:EnableKey", &kms.EnableKeyInput{KeyID: key}); err == nil {
		t.Fatal("answered without a record")
	}
	sound(t, w.server)

	killed := *l
	killed.Data = filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(killed.Data, os.DirFS(l.Data)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(killed.Data, rootKeyFile), 0o400); err != nil { // which CopyFS gives to others
		t.Fatal(err)
	}
	env := &environment{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}
	if err := (&storeVerifyCommand{where{location: killed}}).Run(env); err != nil {
		t.Errorf("after it was killed: %v\n%s", err, env.stdout)
	}

	var written bytes.Buffer
	carrier, err := store.CarrierOf(w.server.driver)
	if err == nil {
		err = w.server.writeBackup(t.Context(), carrier, &written)
	}
	if err != nil {
		t.Fatal(err)
	}
	file, restored := filepath.Join(t.TempDir(), "one.backup"), filepath.Join(t.TempDir(), "restored")
	if err := os.WriteFile(file, written.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	c := restoreCommand{location: location{Data: restored, Store: "sqlite:", RootKey: "file:" + filepath.Join(l.Data, rootKeyFile)}, From: file}
	if err := c.Run(env); err != nil {
		t.Errorf("restoring: %v", err)
	}

	trail.refuse.Store(false)
	if err := w.server.pipeline.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	sound(t, w.server)
}

// TestVerifyBesideChanges: changes that come after the snapshot of a verification are
// not held against it, whatever had another name before.
func TestVerifyBesideChanges(t *testing.T) {
	t.Parallel()
	w := newDurableWorld(t, t.TempDir())
	root, policy := w.caller(owner), optional.Some("policy")
	was, is := optional.Some("was"), optional.Some("is")
	w.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: was})
	w.must(root, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: was, PolicyName: policy, PolicyDocument: optional.Some(document(`{"Effect":"Allow","Action":"kms:*","Resource":"*"}`))})
	w.must(root, "iam:UpdateUser", &iam.UpdateUserInput{UserName: was, NewUserName: is})
	v, err := w.server.store.Verify(t.Context(), tables(), func(r store.Reader, report func(store.Problem)) error {
		w.must(root, "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: is, PolicyName: policy})
		w.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: is})
		return w.server.compareTrail(t.Context(), r, report)
	})
	if err != nil || len(v.Problems) > 0 {
		t.Errorf("%v, %v", v, err)
	}
	sound(t, w.server)
}

// TestVerifyNamesGivenAgain: who has the name of somebody that was deleted is not that one,
// also where one of them had another name before.
func TestVerifyNamesGivenAgain(t *testing.T) {
	t.Parallel()
	w := newDurableWorld(t, t.TempDir())
	do := func(what, name string) {
		t.Helper()
		user := optional.Some(name)
		var in any
		switch what {
		case "CreateUser":
			in = &iam.CreateUserInput{UserName: user}
		case "DeleteUser":
			in = &iam.DeleteUserInput{UserName: user}
		default:
			what, in = "UpdateUser", &iam.UpdateUserInput{UserName: user, NewUserName: optional.Some(what)}
		}
		w.must(w.caller(owner), "iam:"+what, in)
		sound(t, w.server)
	}
	for _, step := range [][2]string{
		{"CreateUser", "a"}, {"b", "a"}, {"DeleteUser", "b"}, {"CreateUser", "b"}, {"DeleteUser", "b"}, {"CreateUser", "b"}, // renamed before it was deleted
		{"CreateUser", "c"}, {"DeleteUser", "c"}, {"c", "b"}, // renamed to the name of another
		{"C", "c"}, {"a", "C"}, {"DeleteUser", "a"},
	} {
		do(step[0], step[1])
	}
}

// TestStepsOfUnknown: of somebody that the trail has not made nobody knows the id. What
// that one takes the name of is not held against it.
func TestStepsOfUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	steps := newSteps(true)
	add := func(name string, members map[string]string) {
		st := w.server.trace(&operation.Lost{Source: "iam.amazonaws.com", Name: name, Account: owner, Sequence: uint64(len(steps.last)), Members: members})
		steps.add(&st)
	}
	add("DeleteUser", map[string]string{"userName": "a"})
	add("DeleteUser", map[string]string{"userName": "other"})
	add("UpdateUser", map[string]string{"userName": "unknown", "newUserName": "A"})
	var left []string
	for _, st := range steps.list() {
		left = append(left, st.lost.Name+" "+st.lost.Members["userName"])
	}
	if !slices.Equal(left, []string{"DeleteUser other", "UpdateUser A"}) {
		t.Errorf("what is left is %q", left)
	}
}

// TestNameOfAnother: what was given to somebody new is not given to who had the name
// before and bears another one since, and what was taken from that one is taken again.
func TestNameOfAnother(t *testing.T) {
	t.Parallel()
	user, moved, passing, name := optional.Some("user"), optional.Some("moved"), optional.Some("passing"), optional.Some("policy")
	put := func(w *world, user optional.Of[string], action string) {
		document := document(`{"Effect":"Allow","Action":"` + action + `","Resource":"*"}`)
		w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: user, PolicyName: name, PolicyDocument: optional.Some(document)})
	}
	p := newPast(t, func(w *world) {
		w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: user})
		put(w, user, "kms:ListKeys")
	})
	root := p.caller(owner)
	p.must(root, "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: user, PolicyName: name})
	p.must(root, "iam:UpdateUser", &iam.UpdateUserInput{UserName: user, NewUserName: moved})
	p.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: passing})
	p.must(root, "iam:UpdateUser", &iam.UpdateUserInput{UserName: passing, NewUserName: user})
	p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: user})
	p.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: user})
	put(p.world, user, "*")
	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, report, []string{
		"DeleteUserPolicy made again", "UpdateUser lost", "CreateUser lost", "UpdateUser lost", "DeleteUser nothing to do", "CreateUser lost", "PutUserPolicy nothing to do",
	})
	w := p.serving(dir)
	sound(t, w.server)
	if _, err := w.call(w.caller(owner), "iam:GetUserPolicy", &iam.GetUserPolicyInput{UserName: user, PolicyName: name}); !fault.Is(err, "NoSuchEntity") {
		t.Errorf("the policy: %v", err)
	}
}

// A held is a trail whose writer can be held, so that all that it is given meanwhile
// becomes one batch.
type held struct {
	*audit.Log
	hold     atomic.Bool
	holds    chan struct{} // sent to when it does
	goOn     chan struct{}
	appended chan struct{} // sent to for each change
}

func newHeld() *held {
	return &held{holds: make(chan struct{}), goOn: make(chan struct{}), appended: make(chan struct{}, 64)}
}

func (h *held) open(o audit.Options) (audit.Trail, error) {
	observe := o.Observe
	o.Observe = func(first uint64, entries []audit.Entry) {
		if h.hold.CompareAndSwap(true, false) {
			h.holds <- struct{}{}
			<-h.goOn
		}
		observe(first, entries)
	}
	var err error
	h.Log, err = audit.Open(o)
	return h, err
}

func (h *held) AppendOutbox(position uint64, entries []audit.Entry) (audit.Ticket, error) {
	ticket, err := h.Log.AppendOutbox(position, entries)
	h.appended <- struct{}{}
	return ticket, err
}

// TestBatchAcrossTheEnd: of the batch in whose midst a store ends, what the store has
// does not count as lost, and the rest is made again, whatever got another name in it.
func TestBatchAcrossTheEnd(t *testing.T) {
	t.Parallel()
	trail := newHeld()
	p := &past{dir: t.TempDir(), old: t.TempDir()}
	p.world = newDurableWorldWith(t, p.dir, func(f *foundations) { f.now, f.openTrail = p.now, trail.open })
	root, key := p.caller(owner), optional.Some(p.key())
	was, is, again, policy := optional.Some("was"), optional.Some("is"), optional.Some("again"), optional.Some("policy")
	p.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: again})
	p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: again})
	p.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: was})
	p.must(root, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: was, PolicyName: policy, PolicyDocument: optional.Some(document(`{"Effect":"Allow","Action":"kms:*","Resource":"*"}`))})
	access := optional.Some(p.must(root, "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: was}).(*iam.CreateAccessKeyOutput).AccessKey.AccessKeyID)
	oldest := t.TempDir()
	if err := os.CopyFS(oldest, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}

	var calls sync.WaitGroup
	begin := func(name string, in any) {
		for len(trail.appended) > 0 {
			<-trail.appended
		}
		calls.Go(func() {
			if _, err := p.call(root, name, in); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		<-trail.appended
	}
	trail.hold.Store(true)
	begin("iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some("other")})
	<-trail.holds
	begin("kms:DisableKey", &kms.DisableKeyInput{KeyID: key})
	begin("kms:EnableKey", &kms.EnableKeyInput{KeyID: key})
	begin("iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: was, AccessKeyID: access, Status: optional.Some("Inactive")})
	begin("iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: was, AccessKeyID: access, Status: optional.Some("Active")})
	begin("iam:CreateUser", &iam.CreateUserInput{UserName: again})
	begin("iam:UpdateUser", &iam.UpdateUserInput{UserName: was, NewUserName: is})
	if err := os.CopyFS(p.old, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	begin("iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: is, PolicyName: policy})
	close(trail.goOn)
	calls.Wait()

	dir := p.putBack()
	p.assembled(dir, func(s *server) { // as an interrupted run leaves it
		plan, _, err := (&storeAcceptRestoreCommand{Replay: true, By: "first"}).survey(t.Context(), s, false)
		if err == nil {
			err = s.fix(t.Context(), plan)
		}
		if err == nil {
			err = s.pipeline.Drain(t.Context())
		}
		if err == nil {
			err = s.store.PutMeta(t.Context(), map[string][]byte{metaIncarnation: s.incarnation.encode()}) // deletes the events
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true, By: "second"})
	if err != nil || !report.Resumed {
		t.Fatalf("%+v: %v", report, err)
	}
	wantOutcomes(t, report, []string{"DeleteUserPolicy made again"})
	w := p.serving(dir)
	sound(t, w.server)
	if _, err := w.call(w.caller(owner), "iam:GetUserPolicy", &iam.GetUserPolicyInput{UserName: is, PolicyName: policy}); !fault.Is(err, "NoSuchEntity") {
		t.Errorf("the policy: %v", err)
	}

	// What the first restore kept of the batch counts for another one, to before the batch.
	p.dir, p.old = dir, oldest
	dir = p.putBack()
	if report, err = p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, report, []string{
		"CreateUser lost", "DisableKey superseded", "EnableKey lost", "UpdateAccessKey superseded", "UpdateAccessKey lost", "CreateUser lost", "UpdateUser lost",
		"DeleteUserPolicy made again", "AcceptRestore lost",
	})
	w = p.serving(dir)
	sound(t, w.server)
	if _, err := w.call(w.caller(owner), "iam:GetUserPolicy", &iam.GetUserPolicyInput{UserName: was, PolicyName: policy}); !fault.Is(err, "NoSuchEntity") {
		t.Errorf("the policy of before: %v", err)
	}
}

// TestDeletedInLostFuture: who was made and deleted in a future that was lost is not who
// has the name.
func TestDeletedInLostFuture(t *testing.T) {
	t.Parallel()
	user, moved, policy := optional.Some("user"), optional.Some("moved"), optional.Some("policy")
	put := func(w *world) {
		w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: user, PolicyName: policy, PolicyDocument: optional.Some(document(`{"Effect":"Allow","Action":"kms:*","Resource":"*"}`))})
	}
	p := newPast(t, func(w *world) {
		w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: user})
		put(w)
	})
	root := p.caller(owner)
	p.must(root, "iam:UpdateUser", &iam.UpdateUserInput{UserName: user, NewUserName: moved})
	p.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: user})
	put(p.world)
	p.must(root, "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: user, PolicyName: policy})
	p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: user})
	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, report, []string{"UpdateUser lost", "CreateUser lost", "PutUserPolicy superseded", "DeleteUserPolicy nothing to do", "DeleteUser nothing to do"})
	sound(t, p.serving(dir).server)
}

// TestDeletedTwice: that somebody new had the name and was deleted, too, keeps nobody.
func TestDeletedTwice(t *testing.T) {
	t.Parallel()
	user := optional.Some("user")
	p := newPast(t, func(w *world) { w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: user}) })
	root := p.caller(owner)
	p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: user})
	p.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: user})
	p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: user})
	dir := p.putBack()
	p.assembled(dir, func(s *server) {
		s.incarnation.Restored = &restored{} // so that nothing else is said of it
		v, err := s.verifyStore(t.Context())
		if err != nil || len(v.Problems) > 0 {
			t.Errorf("what came after is held against it: %v, %v", v, err)
		}
	})
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, report, []string{"DeleteUser made again", "CreateUser lost", "DeleteUser nothing to do"})
	w := p.serving(dir)
	sound(t, w.server)
	if _, err := w.call(w.caller(owner), "iam:GetUser", &iam.GetUserInput{UserName: user}); !fault.Is(err, "NoSuchEntity") {
		t.Errorf("the user is back: %v", err)
	}
}
