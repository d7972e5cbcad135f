package policy_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestGlobAgainstNaive draws short texts of few letters, so that many match.
func TestGlobAgainstNaive(t *testing.T) {
	t.Parallel()
	matched := 0
	pattern := rapid.StringOfN(rapid.RuneFrom([]rune("abé*?")), 0, 7, -1)
	text := rapid.StringOfN(rapid.RuneFrom([]rune("abé")), 0, 7, -1)
	rapid.Check(t, func(t *rapid.T) {
		p := pattern.Draw(t, "pattern")
		for range 20 {
			s := text.Draw(t, "text")
			want := naive([]rune(p), []rune(s))
			if want {
				matched++
			}
			if got := metRapid(t, `{"StringLike":{"k":"`+p+`"}}`, facts{"k": one(s)}); got != want {
				t.Fatalf("%q of %q: %v, want %v", p, s, got, want)
			}
		}
	})
	if matched < 20 {
		t.Errorf("only %d matches", matched)
	}
}

// TestARNAgainstNaive draws patterns, and values made from them, some of which
// have a part replaced.
func TestARNAgainstNaive(t *testing.T) {
	t.Parallel()
	matched, unmatched := 0, 0
	part := rapid.SampledFrom([]string{"*", "*", "?", "a*", "*a", "a", "", "*a*b*", "??"})
	filling := rapid.SampledFrom([]string{"", "a", "ab", "b:a", "aab"})
	rapid.Check(t, func(t *rapid.T) {
		parts := []string{"arn"}
		for range 4 + rapid.IntRange(1, 3).Draw(t, "last parts") {
			parts = append(parts, part.Draw(t, "part"))
		}
		p := strings.Join(parts, ":")
		values := slices.Clone(parts)
		for i := range values {
			values[i] = strings.ReplaceAll(strings.ReplaceAll(values[i], "?", "a"), "*", filling.Draw(t, "filling"))
		}
		if rapid.Bool().Draw(t, "change") {
			values[rapid.IntRange(1, len(values)-1).Draw(t, "place")] = filling.Draw(t, "filling")
		}
		s := strings.Join(values, ":")
		want := naiveARN(p, s)
		if want {
			matched++
		} else {
			unmatched++
		}
		if got := metRapid(t, `{"ArnLike":{"k":"`+p+`"}}`, facts{"k": one(s)}); got != want {
			t.Fatalf("%q of %q: %v, want %v", p, s, got, want)
		}
	})
	if matched < 5 || unmatched < 5 {
		t.Errorf("%d matched, %d did not", matched, unmatched)
	}
}

// TestGlobIsLinear has patterns on which a matcher that tries everything never
// ends.
func TestGlobIsLinear(t *testing.T) {
	t.Parallel()
	pattern, text := strings.Repeat("*a", 500)+"*b", strings.Repeat("a", 20_000)
	f := facts{"k": one(text), "v": one("a")}
	if met(t, "2012-10-17", `{"StringLike":{"k":"`+pattern+`"}}`, f) {
		t.Error("matched without a b")
	}
	f["k"] = one(text + "b")
	if !met(t, "2012-10-17", `{"StringLike":{"k":"`+pattern+`"}}`, f) {
		t.Error("didn't match")
	}
	if !met(t, "2012-10-17", `{"StringLike":{"k":"`+strings.Repeat("*${v}", 500)+`*b"}}`, f) {
		t.Error("didn't match with variables")
	}
}
