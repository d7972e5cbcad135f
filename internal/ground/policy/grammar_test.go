package policy_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
)

var kinds = map[string]policy.Kind{
	"identity":        policy.Identity,
	"key":             policy.KeyPolicy,
	"resource":        policy.Resource,
	"trust":           policy.Trust,
	"servicecontrol":  policy.ServiceControl,
	"resourcecontrol": policy.ResourceControl,
}

// TestGrammar compiles each document of testdata/grammar.txt. A document begins
// with "=== kind: name", then stands what becomes of it.
func TestGrammar(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/grammar.txt")
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, section := range strings.Split("\n"+string(file), "\n=== ")[1:] {
		title, rest, _ := strings.Cut(section, "\n")
		outcome, document, _ := strings.Cut(rest, "\n")
		kindName, _, _ := strings.Cut(title, ": ")
		kind, ok := kinds[kindName]
		if !ok {
			t.Fatalf("%s: unknown kind", title)
		}
		ran[kindName]++
		p, err := policy.Compile(kind, title, []byte(document), nil)
		var malformed *policy.Malformed
		switch text, refused := strings.CutPrefix(outcome, "refused: "); {
		case !refused && outcome != "accepted":
			t.Errorf("%s: unknown outcome %q", title, outcome)
		case !refused && (err != nil || p == nil):
			t.Errorf("%s: refused: %v", title, err)
		case refused && err == nil:
			t.Errorf("%s: accepted, want %q", title, text)
		case refused && (!errors.As(err, &malformed) || malformed.Message != text || p != nil):
			t.Errorf("%s:\n got %q\nwant %q", title, err, text)
		}
	}
	total := 0
	for kind := range kinds {
		if ran[kind] < 5 {
			t.Errorf("%d documents of kind %s", ran[kind], kind)
		}
		total += ran[kind]
	}
	if total < 250 {
		t.Errorf("only %d documents", total)
	}
}

// TestGrammarBytes has the documents that a text file can't hold.
func TestGrammarBytes(t *testing.T) {
	t.Parallel()
	const document = `{"Version":"2012-10-17","Id":"ID","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`
	if _, err := policy.Compile(policy.Identity, "", []byte(document), nil); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]string{
		"invalid UTF-8":     "\xff",
		"overlong UTF-8":    "\xc0\xaf",
		"encoded surrogate": "\xed\xa0\x80",
		"cut UTF-8":         "\xe2\x82",
		"NUL":               "\x00",
	} {
		_, err := policy.Compile(policy.Identity, "", []byte(strings.Replace(document, "ID", id, 1)), nil)
		if err == nil || err.Error() != "Syntax errors in policy." {
			t.Errorf("%s: %v", name, err)
		}
	}
	deep := strings.Repeat("[", 100_000)
	if _, err := policy.Compile(policy.Identity, "", []byte(deep), nil); err == nil {
		t.Error("a deep document was accepted")
	}
	long := strings.Replace(document, "ID", strings.Repeat("x", 256<<10), 1)
	if _, err := policy.Compile(policy.Identity, "", []byte(long), nil); err == nil {
		t.Error("a document above 256 KiB was accepted")
	}
	if _, err := policy.Compile(policy.Identity, "", nil, nil); err == nil {
		t.Error("no document was accepted")
	}
}
