package pairs_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"claviger/internal/words/pairs"
)

func TestNew(t *testing.T) {
	t.Parallel()
	// Sorted by bytes: capitals first, then letters, then what UTF-8 encodes in more bytes.
	names := []string{"\U0001f511", "b", "\uff5e", "", "a", "B", "\u00e9", "aa"}
	var entries []pairs.Pair
	for _, name := range names {
		entries = append(entries, pairs.Pair{Key: name, Value: name + "!"})
	}
	m, ok := pairs.New(entries)
	if !ok {
		t.Fatal("refused")
	}
	var got []string
	for _, p := range m {
		got = append(got, p.Key)
	}
	if want := []string{"", "B", "a", "aa", "b", "\u00e9", "\uff5e", "\U0001f511"}; !slices.Equal(got, want) {
		t.Errorf("order %q", got)
	}
	if m, ok := pairs.New(nil); !ok || len(m) != 0 {
		t.Errorf("nothing became %v, %v", m, ok)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, entries := range [][]pairs.Pair{
		{{Key: "a", Value: "1"}, {Key: "a", Value: "1"}},
		{{Key: "a", Value: "1"}, {Key: "b"}, {Key: "a", Value: "2"}},
		{{}, {}},
	} {
		if m, ok := pairs.New(entries); ok || m != nil {
			t.Errorf("%v was accepted", m)
		}
	}
	if _, ok := pairs.New([]pairs.Pair{{Key: "a"}, {Key: "A"}}); !ok {
		t.Error("names that differ in case were taken for one")
	}
}

// names are few, so that they meet.
var names = rapid.StringMatching(`[aAb\x{e9}]{0,2}`)

// TestModel compares Map with a map of Go.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		model := rapid.MapOf(names, rapid.String()).Draw(t, "model")
		m := pairs.Of(model)
		before := slices.Clone(m)
		sorted(t, m)
		name, value := names.Draw(t, "name"), rapid.String().Draw(t, "value")

		got, ok := m.Get(name)
		if want, there := model[name]; got != want || ok != there {
			t.Fatalf("Get(%q) is %q, %v", name, got, ok)
		}
		with := maps.Clone(model)
		with[name] = value
		sorted(t, m.With(name, value))
		if !slices.Equal(m.With(name, value), pairs.Of(with)) {
			t.Fatalf("With(%q) is %v", name, m.With(name, value))
		}
		without := maps.Clone(model)
		delete(without, name)
		sorted(t, m.Without(name))
		if !slices.Equal(m.Without(name), pairs.Of(without)) {
			t.Fatalf("Without(%q) is %v", name, m.Without(name))
		}
		if !slices.Equal(m, before) {
			t.Fatal("the map itself was changed")
		}
	})
}

func sorted(t *rapid.T, m pairs.Map) {
	for i := 1; i < len(m); i++ {
		if strings.Compare(m[i-1].Key, m[i].Key) >= 0 {
			t.Fatalf("%v is out of order", m)
		}
	}
}

// TestCopies: results share no memory with the map that they came from.
func TestCopies(t *testing.T) {
	t.Parallel()
	m := append(make(pairs.Map, 0, 10), pairs.Pair{Key: "a", Value: "1"}, pairs.Pair{Key: "b", Value: "2"})
	for what, other := range map[string]pairs.Map{"replaced": m.With("a", "3"), "added": m.With("c", "3"), "removed": m.Without("b"), "kept": m.Without("c")} {
		for i := range other {
			other[i].Value = "changed"
		}
		if v, _ := m.Get("a"); v != "1" || len(m) != 2 {
			t.Errorf("%s: the map is %v", what, m)
		}
	}
	if c := m[:cap(m)][2]; c != (pairs.Pair{}) {
		t.Errorf("With wrote behind the map: %v", c)
	}
}

func TestZero(t *testing.T) {
	t.Parallel()
	var m pairs.Map
	if _, ok := m.Get(""); ok || len(m.Without("")) != 0 || len(m.With("", "")) != 1 {
		t.Error("the zero map is not empty")
	}
	if pairs.Of(nil) != nil || pairs.Of(map[string]string{}) != nil {
		t.Error("an empty map is not nil")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	if got := pairs.Of(map[string]string{"b": "1", "a": "2"}).Keys(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("keys %v", got)
	}
	if got := (pairs.Map{}).Keys(); got != nil {
		t.Errorf("keys of nothing are %v, want nil", got)
	}
}
