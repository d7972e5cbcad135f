package app

import (
	"os"
	"testing"

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
		{[]string{older, lost, oldest}, [3]string{"Enabled", "Disabled", "Disabled"}},
	} {
		p.dir = latest
		for _, p.old = range test.states {
			p.dir = p.putBack()
			if _, err := p.accept(p.dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
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
