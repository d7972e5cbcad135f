package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/app/doctor"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// takenAway are the operations of which the sample is made again on an older
// store, with the outcome that a survey foretells and the run has.
var takenAway = []string{
	"iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion",
	"iam:DeleteLoginProfile", "iam:DeleteOpenIDConnectProvider", "iam:DeleteSAMLProvider",
	"iam:DeleteServiceSpecificCredential", "iam:UpdateServiceSpecificCredential",
	"iam:DisableOrganizationsRootCredentialsManagement",
	"iam:DeleteAccessKey", "iam:DeleteGroupPolicy", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DeleteUser", "iam:DeleteUserPolicy",
	"iam:DetachGroupPolicy", "iam:DetachRolePolicy", "iam:DetachUserPolicy",
	"iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary", "iam:PutUserPolicy",
	"iam:RemoveUserFromGroup", "iam:UpdateAccessKey", "iam:UpdateAssumeRolePolicy",
	"iam:DeleteGroup", "iam:DeletePolicy", "iam:DeleteServiceLinkedRole", "iam:RemoveClientIDFromOpenIDConnectProvider", "iam:RemoveRoleFromInstanceProfile",
	"iam:TagRole", "iam:TagUser", "iam:UntagRole", "iam:UntagUser", "iam:UpdateOpenIDConnectProviderThumbprint", "iam:UpdateRole", "iam:UpdateSAMLProvider",
	"kms:DeleteAlias", "kms:DeleteCustomKeyStore", "kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:DisableKeyRotation", "kms:DisconnectCustomKeyStore",
	"kms:PutKeyPolicy", "kms:RetireGrant", "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias",
	"organizations:AttachPolicy", "organizations:CancelHandshake", "organizations:CloseAccount", "organizations:CreatePolicy",
	"organizations:DeclineHandshake", "organizations:DeletePolicy", "organizations:DeleteResourcePolicy",
	"organizations:DeregisterDelegatedAdministrator", "organizations:DisableAWSServiceAccess", "organizations:EnablePolicyType",
}

// A past is a world whose store can be put back.
type past struct {
	*world
	dir, old string
	ahead    atomic.Int64 // by how much the clock of its servers is, a time.Duration
}

// newPast makes the samples of what is taken away later, and keeps the store.
func newPast(t *testing.T, prepare func(w *world)) *past {
	p := &past{dir: t.TempDir(), old: t.TempDir()}
	p.world = newDurableWorldWith(t, p.dir, func(f *foundations) { f.now = p.now })
	prepare(p.world)
	if err := os.CopyFS(p.old, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *past) now() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) }

// putBack puts the old store under the trail of today, in a directory of its own.
func (p *past) putBack() string {
	p.t.Helper()
	dir := p.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
		p.t.Fatal(err)
	}
	for _, name := range []string{"store.db", "store.db-wal", "store.db-shm"} {
		_ = os.Remove(filepath.Join(dir, name)) // some may not be there
		b, err := os.ReadFile(filepath.Join(p.old, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return dir
}

// on returns foundations on a directory.
func (p *past) on(dir string) foundations {
	p.t.Helper()
	d, err := sqlite.Open(context.Background(), dir)
	if err != nil {
		p.t.Fatal(err)
	}
	f := p.foundations(d, dir)
	f.now = p.now
	return f
}

// assembled runs fn on a server that has not begun.
func (p *past) assembled(dir string, fn func(s *server)) {
	p.t.Helper()
	s, err := assemble(context.Background(), p.on(dir))
	if err != nil {
		p.t.Fatal(err)
	}
	fn(s)
	if err := s.close(); err != nil {
		p.t.Fatal(err)
	}
}

// serving returns a world on a directory.
func (p *past) serving(dir string) *world {
	p.t.Helper()
	s, err := newServer(context.Background(), p.on(dir))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := s.close(); err != nil {
			p.t.Error(err)
		}
	})
	w := &world{t: p.t, server: s, driver: s.driver, keyring: p.keyring, log: p.log, entrances: make(map[string]*pipeline.Entrance)}
	w.enter()
	return w
}

func (p *past) accept(dir string, c *storeAcceptRestoreCommand) (report *restoreReport, err error) {
	p.t.Helper()
	p.assembled(dir, func(s *server) { report, err = c.accept(p.t.Context(), s, false) })
	return report, err
}

// sound fails the test where the store does not verify.
func sound(t *testing.T, s *server) {
	t.Helper()
	v, err := s.verifyStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range v.Problems {
		t.Errorf("problem: %s", p)
	}
}

func outcomes(r *restoreReport) map[string]string {
	m := make(map[string]string)
	for _, c := range r.Changes {
		m[c.Name] = c.Outcome
	}
	return m
}

// TestAcceptRestore: whatever takes something away is made again on an older
// store, wherever an earlier run was interrupted.
func TestAcceptRestore(t *testing.T) {
	t.Parallel()
	inputs := make(map[string]any)
	p := newPast(t, func(w *world) {
		for _, name := range takenAway {
			inputs[name] = samples[name](w)
		}
		sound(t, w.server)
	})
	for _, name := range takenAway {
		p.must(p.author(name), name, inputs[name])
	}
	made := p.key() // is lost
	sound(t, p.server)

	dir := p.putBack()
	if s, err := newServer(context.Background(), p.on(dir)); err == nil || !strings.Contains(err.Error(), "rolled back") || !strings.Contains(err.Error(), goOn) {
		t.Fatalf("a server on an older store: %v, %v", s, err)
	}
	p.assembled(dir, func(s *server) {
		v, err := s.verifyStore(t.Context())
		if err != nil || len(v.Problems) == 0 {
			t.Errorf("an older store verifies: %v", err)
		}
	})
	foretold, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true, DryRun: true})
	if err != nil || foretold.Accepted {
		t.Fatal(err)
	}
	want := map[string]string{"CreateKey": gone}
	for _, name := range takenAway {
		_, name, _ := strings.Cut(name, ":")
		want[name] = toBeMade
	}
	// Their samples put what is there already.
	for _, name := range []string{"PutRolePolicy", "UntagRole", "UntagUser", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateSAMLProvider"} {
		want[name] = asItWas
	}
	if got := outcomes(foretold); !maps.Equal(got, want) {
		t.Errorf("foretold\n%v\nwant\n%v", got, want)
	}

	// Interrupted after each change, and before any.
	p.assembled(dir, func(s *server) {
		plan, report, err := (&storeAcceptRestoreCommand{Replay: true, By: "first"}).survey(t.Context(), s, false)
		if err != nil || report.Resumed {
			t.Fatal(err)
		}
		if err := s.fix(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
	})
	for range 4 {
		p.assembled(dir, func(s *server) {
			if err := s.checkNotRolledBack(t.Context()); err == nil || !strings.Contains(err.Error(), goOn) {
				t.Errorf("an interrupted run: %v", err)
			}
			a := s.incarnation.Accepting
			if err := s.pipeline.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			shown, counting, err := s.lostChanges(t.Context(), a.Gap, nil, a.Last)
			if err != nil {
				t.Fatal(err)
			}
			due := slices.DeleteFunc(counting, func(st *step) bool {
				return indexed(shown)[st.lost.Sequence].Outcome == gone
			})
			if err := s.makeAgain(t.Context(), due[:min(3, len(due))], shown); err != nil {
				t.Fatal(err)
			}
		})
	}
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true, By: "second"})
	if err != nil || !report.Accepted || !report.Resumed {
		t.Fatalf("%+v: %v", report, err)
	}
	if n := count(report.Changes, failed); n > 0 {
		t.Errorf("%d failed", n)
	}
	if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err == nil {
		t.Error("accepted a second time")
	}

	w := p.serving(dir)
	sound(t, w.server)
	root := w.caller(owner)
	for name, in := range map[string]struct {
		in   any
		code fault.Code
	}{
		"kms:RevokeGrant": {inputs["kms:RevokeGrant"], kms.NotFound},
		"kms:RetireGrant": {inputs["kms:RetireGrant"], kms.NotFound},
		"iam:DeleteUser":  {inputs["iam:DeleteUser"], "NoSuchEntity"},
		"iam:DeleteRole":  {inputs["iam:DeleteRole"], "NoSuchEntity"},
		"kms:Encrypt":     {&kms.EncryptInput{KeyID: inputs["kms:DisableKey"].(*kms.DisableKeyInput).KeyID, Plaintext: canary()}, kms.Disabled},
		"kms:EnableKey":   {&kms.EnableKeyInput{KeyID: inputs["kms:ScheduleKeyDeletion"].(*kms.ScheduleKeyDeletionInput).KeyID}, kms.InvalidState},
		"kms:DescribeKey": {&kms.DescribeKeyInput{KeyID: optional.Some(made)}, kms.NotFound},
	} {
		if _, err := w.call(root, name, in.in); !fault.Is(err, in.code) {
			t.Errorf("%s: %v, want %s", name, err, in.code)
		}
	}
	records, _ := w.records(1)
	accepted := 0
	for _, e := range records {
		if text := string(e.Record); strings.Contains(text, `"eventName":"AcceptRestore"`) {
			accepted++
			if !strings.Contains(text, `"acceptedBy":"first"`) || !strings.Contains(text, w.server.incarnation.ID) {
				t.Errorf("the record says %s", text)
			}
		}
	}
	if accepted != 1 {
		t.Errorf("%d records of what was accepted", accepted)
	}
}

// TestWhatWasCancelled: of changes to one thing the last one counts, and nothing
// is destroyed that was kept.
func TestWhatWasCancelled(t *testing.T) {
	t.Parallel()
	var again, kept, scheduled, deactivated string
	var user optional.Of[string]
	id := func(key string) optional.Of[string] { return optional.Some(key) }
	p := newPast(t, func(w *world) {
		again, kept, scheduled = w.key(), w.key(), w.key()
		w.must(w.caller(owner), "kms:ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyID: id(kept)})
		var key optional.Of[string]
		user, key = w.accessKey()
		deactivated = key.V
	})
	root := p.caller(owner)
	p.must(root, "kms:DisableKey", &kms.DisableKeyInput{KeyID: id(again)})
	p.must(root, "kms:EnableKey", &kms.EnableKeyInput{KeyID: id(again)})
	p.must(root, "kms:CancelKeyDeletion", &kms.CancelKeyDeletionInput{KeyID: id(kept)})
	p.must(root, "kms:EnableKey", &kms.EnableKeyInput{KeyID: id(kept)})
	p.must(root, "kms:ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyID: id(scheduled)})
	p.must(root, "kms:CancelKeyDeletion", &kms.CancelKeyDeletionInput{KeyID: id(scheduled)})
	for _, status := range []string{"Inactive", "Active"} {
		p.must(root, "iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: user, AccessKeyID: id(deactivated), Status: optional.Some(status)})
	}
	dir := p.putBack()
	if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
		t.Fatal(err)
	}
	w := p.serving(dir)
	sound(t, w.server)
	for key, want := range map[string]string{again: "Enabled", kept: "Disabled", scheduled: "Disabled"} {
		out := w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: id(key)}).(*kms.DescribeKeyOutput)
		if out.KeyMetadata.KeyState != want {
			t.Errorf("a key is %s, want %s", out.KeyMetadata.KeyState, want)
		}
	}
	w.caller(deactivated) // still opens
}

// TestWhatAlsoDenies: a policy that was taken away and also denies is not taken
// away again, which would give rights. That it is back is told, and not hidden.
func TestWhatAlsoDenies(t *testing.T) {
	t.Parallel()
	const both = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"},{"Effect":"Deny","Action":"kms:CreateKey","Resource":"*"}]}`
	user, group, name := optional.Some("also"), optional.Some("those"), optional.Some("both")
	p := newPast(t, func(w *world) {
		root := w.caller(owner)
		w.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: user})
		w.must(root, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: user, PolicyName: name, PolicyDocument: optional.Some(both)})
		w.must(root, "iam:CreateGroup", &iam.CreateGroupInput{GroupName: group})
		w.must(root, "iam:PutGroupPolicy", &iam.PutGroupPolicyInput{GroupName: group, PolicyName: name, PolicyDocument: optional.Some(both)})
		w.must(root, "iam:AddUserToGroup", &iam.AddUserToGroupInput{GroupName: group, UserName: user})
	})
	root := p.caller(owner)
	p.must(root, "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: user, PolicyName: name})
	p.must(root, "iam:RemoveUserFromGroup", &iam.RemoveUserFromGroupInput{GroupName: group, UserName: user})
	dir := p.putBack()
	for _, dry := range []bool{true, false} {
		report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true, DryRun: dry})
		if err != nil || len(report.Changes) != 2 {
			t.Fatalf("%+v: %v", report, err)
		}
		for _, c := range report.Changes {
			if c.Outcome != byHand || !strings.Contains(c.Reason, "also denies") {
				t.Errorf("%s: %s, %q", c.Name, c.Outcome, c.Reason)
			}
		}
	}
}

// TestAcceptRows: nobody serves on a store of which a value was changed past it,
// until somebody has accepted what is there.
func TestAcceptRows(t *testing.T) {
	t.Parallel()
	p := newPast(t, func(w *world) { w.key() })
	p.assembled(p.old, func(s *server) {
		if err := s.driver.PutMeta(t.Context(), map[string][]byte{"one more": nil}, driver.Roll{}); err != nil {
			t.Fatal(err)
		}
	})
	p.assembled(p.old, func(s *server) {
		f := present(t.Context(), s.driver, p.keyring, 0)
		if f.Status != doctor.Problem || f.Remedy != lookAtRows {
			t.Errorf("the doctor says %+v", f)
		}
	})
	if s, err := newServer(t.Context(), p.on(p.old)); err == nil || !strings.Contains(err.Error(), lookAtRows) {
		t.Errorf("a server began: %v, %v", s, err)
	}
	for _, c := range []storeAcceptRestoreCommand{{}, {Replay: true}, {TrailLost: true}} {
		if _, err := p.accept(p.old, &c); err == nil || !strings.Contains(err.Error(), lookAtRows) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	report, err := p.accept(p.old, &storeAcceptRestoreCommand{AcceptRows: true, Replay: true, By: "tester"})
	if err != nil || !report.Accepted || report.Next == "first" {
		t.Fatalf("%+v, %v", report, err)
	}
	w := p.serving(p.old)
	sound(t, w.server)
	records, _ := w.records(1)
	if text := string(records[len(records)-1].Record); !strings.Contains(text, `"rowsAccepted":"true"`) || !strings.Contains(text, `"acceptedBy":"tester"`) {
		t.Errorf("the record says %s", text)
	}
}

// TestBackupWhileAccepting: a backup of a store in the middle of being accepted would
// come back as one of which everything lost later counts for nothing.
func TestBackupWhileAccepting(t *testing.T) {
	t.Parallel()
	p := newPast(t, func(w *world) { w.key() })
	p.key()
	dir := p.putBack()
	p.assembled(dir, func(s *server) {
		if out, code := ask(t, s, "/backup", struct{}{}); code != http.StatusOK {
			t.Errorf("before: %d %.100s", code, out)
		}
		plan, _, err := (&storeAcceptRestoreCommand{Replay: true}).survey(t.Context(), s, false)
		if err == nil {
			err = s.fix(t.Context(), plan)
		}
		if err != nil {
			t.Fatal(err)
		}
		if out, code := ask(t, s, "/backup", struct{}{}); code == http.StatusOK || !strings.Contains(out, goOn) {
			t.Errorf("while it is accepted: %d %.100s", code, out)
		}
	})
}

// TestDoctorOfThePast: the doctor names what keeps a server from starting on a
// store that was put back.
func TestDoctorOfThePast(t *testing.T) {
	t.Parallel()
	p := newPast(t, func(w *world) { w.key() })
	p.key()
	says := func(dir string, status doctor.Status, text string) {
		t.Helper()
		p.assembled(dir, func(s *server) {
			trail, err := s.verifyTrail(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := present(t.Context(), s.driver, p.keyring, trail.Outbox); f.Status != status || !strings.Contains(f.Message, text) {
				t.Errorf("%+v, want %s %q", f, status, text)
			}
		})
	}
	dir := p.putBack()
	says(dir, doctor.Problem, "rolled back")
	if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
		t.Fatal(err)
	}
	says(dir, doctor.OK, "every change")
	p.assembled(dir, func(s *server) {
		s.incarnation.Restored = &restored{}
		if err := s.store.PutMeta(t.Context(), map[string][]byte{metaIncarnation: s.incarnation.encode()}); err != nil {
			t.Fatal(err)
		}
	})
	says(dir, doctor.Problem, "nobody has accepted")
	for err, want := range map[error]string{store.ErrUnfinished: "restore", store.ErrLocked: "has it open", store.ErrNotFound: "--root-key"} {
		if f := unopened(err); f.Status != doctor.Problem || !strings.Contains(f.Remedy, want) {
			t.Errorf("%v: %+v", err, f)
		}
	}
}

// takeOut takes the last batch but one out of a segment of a trail, and leaves
// the frames around it whole.
func takeOut(t *testing.T, segment string) {
	t.Helper()
	b, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	var batches [][2]int // where they begin and end
	for at := 512; at+16 <= len(b) && string(b[at:at+4]) == "CLVF"; {
		end := at + (16+int(binary.BigEndian.Uint32(b[at+8:]))+7)&^7
		if b[at+4] == 1 {
			batches = append(batches, [2]int{at, end})
		}
		at = end
	}
	if len(batches) < 2 {
		t.Fatalf("%d batches in %s", len(batches), segment)
	}
	gone := batches[len(batches)-2]
	rest := append(bytes.Clone(b[gone[1]:]), make([]byte, gone[1]-gone[0])...)
	if err := os.WriteFile(segment, append(b[:gone[0]:gone[0]], rest...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEditedTrail: a revocation whose record somebody took out of the trail is
// not forgotten silently, and what is left of the trail is made again.
func TestEditedTrail(t *testing.T) {
	t.Parallel()
	var key, other string
	p := newPast(t, func(w *world) { key, other = w.key(), w.key() })
	root := p.caller(owner)
	p.must(root, "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(key)})
	p.must(root, "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(other)})
	dir := p.putBack()
	p.assembled(dir, func(*server) {}) // begins a segment, so that the edited one is not the newest
	segments, err := filepath.Glob(filepath.Join(dir, trailDir, "*.trail"))
	if err != nil || len(segments) < 2 {
		t.Fatalf("segments %v: %v", segments, err)
	}
	takeOut(t, segments[len(segments)-2])

	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err == nil || !strings.Contains(err.Error(), "--trail-lost") || report.Accepted || len(report.Problems) == 0 {
		t.Fatalf("%+v: %v", report, err)
	}
	p.assembled(dir, func(s *server) {
		v, err := s.verifyStore(t.Context())
		if err != nil || len(v.Problems) == 0 {
			t.Errorf("the store is held against an edited trail: %v, %v", v, err)
		}
	})
	report, err = p.accept(dir, &storeAcceptRestoreCommand{Replay: true, TrailLost: true})
	if err != nil || !report.Unknown || count(report.Changes, madeAgain) != 1 {
		t.Fatalf("%+v: %v", report, err)
	}
	w := p.serving(dir)
	for id, want := range map[string]string{key: "Enabled", other: "Disabled"} {
		out := w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: optional.Some(id)}).(*kms.DescribeKeyOutput)
		if out.KeyMetadata.KeyState != want {
			t.Errorf("a key is %s, want %s", out.KeyMetadata.KeyState, want)
		}
	}
}

// TestCutTrail: a head that was kept elsewhere shows that the end of the trail
// is missing, and with it what was revoked.
func TestCutTrail(t *testing.T) {
	t.Parallel()
	var key string
	p := newPast(t, func(w *world) { key = w.key() })
	root := p.caller(owner)
	p.must(root, "kms:CreateKey", &kms.CreateKeyInput{})
	cut := p.putBack()
	p.must(root, "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(key)})
	p.must(root, "kms:CreateKey", &kms.CreateKeyInput{}) // the head of a live trail leaves the newest record out
	whole := p.putBack()
	trail, err := p.server.verifyTrail(t.Context(), nil)
	if err != nil || trail.Head == nil {
		t.Fatal(err)
	}
	head := filepath.Join(t.TempDir(), "head.txt")
	if err := os.WriteFile(head, trail.Head, 0o600); err != nil {
		t.Fatal(err)
	}
	if report, err := p.accept(cut, &storeAcceptRestoreCommand{Replay: true, Head: head}); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("a trail that was cut: %+v, %v", report, err)
	}
	if report, err := p.accept(whole, &storeAcceptRestoreCommand{Replay: true, Head: head}); err != nil || !report.Accepted {
		t.Errorf("the whole trail: %+v, %v", report, err)
	}
}

// TestLostFuture: what came from a future that was lost means nothing any more,
// and what came before it still does.
func TestLostFuture(t *testing.T) {
	t.Parallel()
	var before, during *kms.CreateGrantOutput
	var key optional.Of[string]
	var role, user string
	var early *authz.Credential
	grant := func(w *world) *kms.CreateGrantOutput {
		return w.must(w.caller(owner), "kms:CreateGrant", &kms.CreateGrantInput{
			KeyID: key, GranteePrincipal: optional.Some(owner), RetiringPrincipal: optional.Some(owner), Operations: []string{"Encrypt"},
		}).(*kms.CreateGrantOutput)
	}
	p := newPast(t, func(w *world) {
		key = optional.Some(w.key())
		user = w.userWith("assumes", `"sts:AssumeRole"`).AccessKeyID
		role = w.newRole(owner, "assumed", ofUser("assumes"), `"kms:ListKeys"`)
		before = grant(w)
		early = w.assume(w.caller(user), assuming(role))
	})
	during = grant(p.world)
	session := p.assume(p.caller(user), assuming(role))
	p.must(session, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{})
	// Wherever the clock stands on the machine on which the store was restored, and
	// whether it is set right after that.
	for name, clock := range map[string]struct{ accepting, serving time.Duration }{
		"right": {}, "behind": {-30 * time.Minute, -30 * time.Minute}, "ahead": {30 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := p.putBack()
			p.ahead.Store(int64(clock.accepting))
			if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
				t.Fatal(err)
			}
			p.ahead.Store(int64(clock.serving))
			w := p.serving(dir)
			w.t = t
			root := w.caller(owner)
			retire := func(token string) error {
				_, err := w.call(root, "kms:RetireGrant", &kms.RetireGrantInput{GrantToken: optional.Some(token)})
				return err
			}
			if again, err := w.again(session); err != nil || again.Refusal == nil || !fault.Is(again.Refusal, fault.UnrecognizedClient) {
				t.Errorf("a session of the lost future: %v, %v", again.Refusal, err)
			}
			for what, session := range map[string]*authz.Credential{"before it": early, "now": w.assume(w.caller(user), assuming(role))} {
				if again, err := w.again(session); err != nil || again.Refusal != nil {
					t.Errorf("a session from %s: %v, %v", what, again.Refusal, err)
				}
			}
			if err := retire(during.GrantToken); !fault.Is(err, kms.InvalidGrantToken) {
				t.Errorf("a token of the lost future: %v", err)
			}
			if err := retire(before.GrantToken); err != nil {
				t.Errorf("a token from before it: %v", err)
			}
			if err := retire(grant(w).GrantToken); err != nil {
				t.Errorf("a token of now: %v", err)
			}
		})
	}
}

// TestOldRow: a row of an older state opens, wherever it came from. That it is
// back is named by what it contradicts: the trail, or other rows.
func TestOldRow(t *testing.T) {
	t.Parallel()
	inputs := make(map[string]any)
	names := []string{"kms:DisableKey", "kms:RevokeGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "iam:UpdateAccessKey", "iam:DeleteUser", "iam:DeleteUserPolicy"}
	p := newPast(t, func(w *world) {
		for _, name := range names {
			inputs[name] = samples[name](w)
		}
	})
	for _, name := range names {
		p.must(p.author(name), name, inputs[name])
	}
	for table, want := range map[string][]string{
		"kms_key":        {"DisableKey of record", "ScheduleKeyDeletion of record", "rows of an older state were put back", "kms_timer (", "or says otherwise"},
		"kms_grant":      {"RevokeGrant of record", "the index of the grants on the key does not count what its grants call for"},
		"kms_key_policy": {"PutKeyPolicy of record"},
		"iam_access_key": {"UpdateAccessKey of record"},
		"iam_user":       {"DeleteUser of record", "DeleteUserPolicy of record", "it counts"},
	} {
		t.Run(table, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
				t.Fatal(err)
			}
			putRowsBack(t, p.old, dir, table)
			p.assembled(dir, func(s *server) {
				v, err := s.verifyStore(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var said []string
				for _, p := range v.Problems {
					said = append(said, p.String())
				}
				for _, w := range want {
					if !strings.Contains(strings.Join(said, "\n"), w) {
						t.Errorf("it does not say %q:\n%s", w, strings.Join(said, "\n"))
					}
				}
			})
		})
	}
}

// putRowsBack puts the rows that a table had into it, past the store.
func putRowsBack(t *testing.T, from, to, table string) {
	t.Helper()
	open := func(dir string) (driver.Driver, driver.Whole) {
		d, err := sqlite.Open(t.Context(), dir)
		if err == nil {
			err = d.Migrate(t.Context(), store.SchemaVersion, store.Schemas(tables()))
		}
		if err != nil {
			t.Fatal(err)
		}
		w, err := d.(driver.Carrier).Whole(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d, w
	}
	old, then := open(from)
	today, now := open(to)
	b := new(driver.Batch)
	for _, schema := range store.Schemas(tables()) {
		if schema.Name != table {
			continue
		}
		err := then.Rows(t.Context(), schema, nil, func(r driver.Row) error {
			is, err := now.Get(t.Context(), schema, r.Key)
			switch {
			case errors.Is(err, store.ErrNotFound):
				b.Writes = append(b.Writes, driver.Write{Kind: driver.Insert, Table: schema, Row: r})
			case err != nil:
				return err
			case is.Rev != r.Rev:
				b.Writes = append(b.Writes, driver.Write{Kind: driver.Put, Table: schema, Row: r, Old: is.Rev})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(b.Writes) == 0 {
		t.Fatalf("%s has no old rows", table)
	}
	if err := errors.Join(then.Close(), now.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := today.Commit(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(old.Close(), today.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestRenamed: who has another name is the same all the same, and who got a name
// that was free is not.
func TestRenamed(t *testing.T) {
	t.Parallel()
	var user, other optional.Of[string]
	put := func(w *world, user optional.Of[string], name string) {
		w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: user, PolicyName: optional.Some(name), PolicyDocument: optional.Some(sampleDocument)})
	}
	rename := func(w *world, user optional.Of[string], to string) {
		w.must(w.caller(owner), "iam:UpdateUser", &iam.UpdateUserInput{UserName: user, NewUserName: optional.Some(to)})
	}
	policies := func(w *world, user optional.Of[string]) []string {
		return w.must(w.caller(owner), "iam:ListUserPolicies", &iam.ListUserPoliciesInput{UserName: user}).(*iam.ListUserPoliciesOutput).PolicyNames
	}
	p := newPast(t, func(w *world) {
		user, other = w.userPolicy(), w.userPolicy()
		put(w, user, "kept")
	})
	root := p.caller(owner)
	rename(p.world, user, "renamed")
	p.must(root, "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: optional.Some("renamed"), PolicyName: optional.Some("sample")})
	rename(p.world, other, user.V) // takes the name that is free
	put(p.world, user, "added")
	p.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: other})
	sound(t, p.server)

	dir := p.putBack()
	if report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil || count(report.Changes, failed) > 0 {
		t.Fatalf("%v: %+v", err, report)
	}
	w := p.serving(dir)
	sound(t, w.server)
	if got := policies(w, user); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("the renamed user has %v", got)
	}
	if got := policies(w, other); !slices.Equal(got, []string{"added", "sample"}) {
		t.Errorf("the other has %v", got)
	}
}

// TestSamplesVerify: whatever operations do, the store verifies, and so does the
// trail's word against it.
func TestSamplesVerify(t *testing.T) {
	t.Parallel()
	w := newDurableWorld(t, t.TempDir())
	done := 0
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		if _, err := w.call(w.author(name), name, samples[name](w)); err == nil {
			done++
		}
	}
	if done < len(samples)*2/3 { // in one world not all samples succeed: some names are taken
		t.Errorf("only %d of %d samples succeeded", done, len(samples))
	}
	sound(t, w.server)
}

// TestDeletedWithAll: a user or role that was stripped and deleted since is
// deleted with all that it has again.
func TestDeletedWithAll(t *testing.T) {
	t.Parallel()
	var signsIn, device, serial, role, profile optional.Of[string]
	p := newPast(t, func(w *world) {
		signsIn = w.loginUser()
		device, serial, _ = w.mfaUser()
		role = w.bareRole()
		profile = w.profile(role)
	})
	root := p.caller(owner)
	p.must(root, "iam:DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: signsIn})
	p.must(root, "iam:DeactivateMFADevice", &iam.DeactivateMFADeviceInput{UserName: device, SerialNumber: serial})
	p.must(root, "iam:RemoveRoleFromInstanceProfile", &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: profile, RoleName: role})
	for _, user := range []optional.Of[string]{signsIn, device} {
		p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: user})
	}
	p.must(root, "iam:DeleteRole", &iam.DeleteRoleInput{RoleName: role})
	dir := p.putBack()
	if report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil || count(report.Changes, failed) > 0 {
		t.Fatalf("%v: %+v", err, report)
	}
	w := p.serving(dir)
	sound(t, w.server)
	w.must(w.caller(owner), "iam:DeleteVirtualMFADevice", &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	w.must(w.caller(owner), "iam:DeleteInstanceProfile", &iam.DeleteInstanceProfileInput{InstanceProfileName: profile})
	for _, user := range []optional.Of[string]{signsIn, device} {
		w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: user})
	}
}

// TestNothingAgain: who has nothing made again is told what there is to do.
func TestNothingAgain(t *testing.T) {
	t.Parallel()
	var key string
	p := newPast(t, func(w *world) { key = w.key() })
	root := p.caller(owner)
	p.must(root, "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(key)})
	made := p.key()
	p.must(root, "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(made)})
	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{})
	if err != nil || !report.Accepted {
		t.Fatalf("%v: %+v", err, report)
	}
	wantOutcomes(t, report, []string{"DisableKey to do by hand", "CreateKey lost", "DisableKey nothing to do"})
	var text strings.Builder
	if err := (&storeAcceptRestoreCommand{}).print(&text, report); err != nil || strings.Count(text.String(), "to do by hand") != 2 || !strings.Contains(text.String(), "1 of them took something away") {
		t.Errorf("it says %v\n%s", err, text.String())
	}
	w := p.serving(dir)
	w.must(w.caller(owner), "kms:Encrypt", &kms.EncryptInput{KeyID: optional.Some(key), Plaintext: canary()})
	records, _ := w.records(1)
	if !slices.ContainsFunc(records, func(e audit.Entry) bool { return strings.Contains(string(e.Record), `"toDoByHand":"1"`) }) {
		t.Error("no record says how much there is to do")
	}
}

// wantOutcomes fails the test where a report does not list changes with outcomes,
// in this order.
func wantOutcomes(t *testing.T, report *restoreReport, want []string) {
	t.Helper()
	for i, c := range report.Changes {
		got := c.Name + " " + c.Outcome
		if i >= len(want) || got != want[i] {
			t.Errorf("change %d: %s (%s), want %q", i, got, c.Reason, want[min(i, len(want)-1)])
		}
	}
	if len(report.Changes) != len(want) {
		t.Errorf("%d changes, want %d", len(report.Changes), len(want))
	}
}
