package app

import (
	"os"
	"strings"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// TestLostBefore: what an earlier restore lost never came between what a later one, to
// an older state, makes again, unless the store was put back into that very future.
func TestLostBefore(t *testing.T) {
	t.Parallel()
	var keys [3]optional.Of[string]
	p := newPast(t, func(w *world) {
		for i := range keys {
			keys[i] = optional.Some(w.key())
		}
	})
	disable := func(key int) { p.must(p.caller(owner), "kms:DisableKey", &kms.DisableKeyInput{KeyID: keys[key]}) }
	enable := func(key int) { p.must(p.caller(owner), "kms:EnableKey", &kms.EnableKeyInput{KeyID: keys[key]}) }
	state := func() string {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	oldest, latest := p.old, p.dir
	disable(0)
	disable(2)
	older := state()
	enable(0)
	disable(1)
	enable(2)
	lost := state()
	disable(2)
	for _, test := range []struct {
		states []string
		want   [3]string // of the keys in the end
	}{
		{[]string{older, oldest}, [3]string{"Disabled", "Disabled", "Disabled"}},
		{[]string{older, lost, lost, oldest}, [3]string{"Enabled", "Disabled", "Disabled"}},
	} {
		p.dir = latest
		for i, old := range test.states {
			p.old = old
			p.dir = p.putBack()
			r, err := p.accept(p.dir, &storeAcceptRestoreCommand{Replay: true})
			if given := i == 1 && old == lost; r == nil || r.GivenUp != given || given != (err != nil && strings.Contains(err.Error(), "gave up")) {
				t.Fatalf("%+v: %v", r, err)
			}
			if err != nil {
				_, err = p.accept(p.dir, &storeAcceptRestoreCommand{Replay: true, TrailLost: true})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		w := p.serving(p.dir)
		sound(t, w.server)
		for i, key := range keys {
			out := w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: key}).(*kms.DescribeKeyOutput)
			if got := out.KeyMetadata.KeyState; got != test.want[i] {
				t.Errorf("key %d is %s behind %d restores, want %s", i, got, len(test.states), test.want[i])
			}
		}
	}
}

// TestPutBackWhileAccepting: a store that is put back as it was while a restore was being
// accepted has lost also what came after that.
func TestPutBackWhileAccepting(t *testing.T) {
	t.Parallel()
	var keys [2]optional.Of[string]
	p := newPast(t, func(w *world) { keys = [2]optional.Of[string]{optional.Some(w.key()), optional.Some(w.key())} })
	p.must(p.caller(owner), "kms:DisableKey", &kms.DisableKeyInput{KeyID: keys[0]})
	oldest, dir := p.old, p.putBack()
	p.assembled(dir, func(s *server) { // as a run leaves it that is interrupted in the end
		plan, _, err := (&storeAcceptRestoreCommand{Replay: true, By: "first"}).survey(t.Context(), s, false)
		if err == nil {
			err = s.fix(t.Context(), plan)
		}
		if err == nil {
			err = s.pipeline.Drain(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		shown, counting, err := s.lostChanges(t.Context(), plan.Gap, nil, plan.Last)
		if err == nil {
			err = s.makeAgain(t.Context(), counting, shown)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	p.old = t.TempDir()
	if err := os.CopyFS(p.old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
		t.Fatal(err)
	}
	w := p.serving(dir)
	w.must(w.caller(owner), "kms:DisableKey", &kms.DisableKeyInput{KeyID: keys[1]})
	if err := w.server.close(); err != nil {
		t.Fatal(err)
	}
	p.dir = dir
	dir = p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil || report.Resumed {
		t.Fatalf("%+v: %v", report, err)
	}
	wantOutcomes(t, report, []string{"DisableKey nothing to do", "AcceptRestore lost", "DisableKey made again"})
	sound(t, p.serving(dir).server)

	// What the store had by then counts also for a restore to an older state.
	p.dir, p.old = dir, oldest
	dir = p.putBack()
	if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
		t.Fatal(err)
	}
	w = p.serving(dir)
	sound(t, w.server)
	for i, key := range keys {
		out := w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: key}).(*kms.DescribeKeyOutput)
		if got := out.KeyMetadata.KeyState; got != "Disabled" {
			t.Errorf("key %d is %s", i, got)
		}
	}
}

// TestNamesLostBefore: what names an earlier restore lost is nothing to go by for a
// verification behind a later one.
func TestNamesLostBefore(t *testing.T) {
	t.Parallel()
	ann, bob, eve, policy := optional.Some("ann"), optional.Some("bob"), optional.Some("eve"), optional.Some("policy")
	p := newPast(t, func(w *world) {
		for _, user := range []optional.Of[string]{ann, bob} {
			w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: user})
			w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: user, PolicyName: policy, PolicyDocument: optional.Some(sampleDocument)})
		}
	})
	oldest := p.old
	p.key()
	p.old = t.TempDir()
	if err := os.CopyFS(p.old, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	p.must(p.caller(owner), "iam:UpdateUser", &iam.UpdateUserInput{UserName: bob, NewUserName: eve})
	p.must(p.caller(owner), "iam:UpdateUser", &iam.UpdateUserInput{UserName: ann, NewUserName: bob})
	p.dir = p.putBack()
	if _, err := p.accept(p.dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
		t.Fatal(err)
	}
	w := p.serving(p.dir)
	w.must(w.caller(owner), "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: bob, PolicyName: policy})

	p.old = oldest
	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, report, []string{"CreateKey lost", "AcceptRestore lost", "DeleteUserPolicy made again"})
	sound(t, p.serving(dir).server)
}
