package sealed_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

func shareText(s *sealed.Share) string { return string(s.Text().Reveal(reveal.Token{})) }

func parseShare(text string) (*sealed.Share, error) {
	return sealed.ParseShare(confidential.New([]byte(text)))
}

func split(t testing.TB, root *sealed.RootKey, i sealed.Installation, n, k int) []*sealed.Share {
	t.Helper()
	shares, err := root.Split(i, n, k)
	if err != nil {
		t.Fatal(err)
	}
	return shares
}

// TestShares takes a root key apart, through what is written down, and combines
// every choice of three of five.
func TestShares(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	_, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	about, err := sealed.Describe(header)
	if err != nil {
		t.Fatal(err)
	}
	var shares []*sealed.Share
	for n, made := range split(t, root, about.Installation, 5, 3) {
		text := shareText(made)
		if !strings.HasPrefix(text, fmt.Sprintf("# Claviger root key, share %d of 5: any 3 give the key back.\n# Installation %s, set %s.\n", n+1, about.Installation, made.Set)) {
			t.Errorf("share %d says\n%s", n+1, text)
		}
		// As somebody types it who has only the letters.
		typed := strings.ToLower(strings.ReplaceAll(text[strings.Index(text, "\n\n"):], " ", "-"))
		for _, form := range []string{text, typed, strings.ReplaceAll(text, "\n", "\r\n"), strings.TrimSpace(text)} {
			read, err := parseShare(form)
			if err != nil || shareText(read) != text {
				t.Fatalf("%v: %q was read back as\n%s", err, form, shareText(read))
			}
		}
		shares = append(shares, made)
	}
	tried := 0
	for i := range 5 {
		for j := range i {
			for k := range j {
				tried++
				raw, key, err := sealed.Combine([]*sealed.Share{shares[i], shares[j], shares[k]})
				if err != nil || !key.Opens(header) || raw.Len() != 32 {
					t.Errorf("shares %d, %d, %d: %v", i, j, k, err)
				}
			}
			if _, _, err := sealed.Combine([]*sealed.Share{shares[i], shares[j]}); !errors.Is(err, sealed.ErrShare) || !strings.Contains(err.Error(), "2 are too few: 3") {
				t.Errorf("two of three: %v", err)
			}
		}
	}
	if tried != 10 {
		t.Errorf("%d choices ran", tried)
	}
	if _, key, err := sealed.Combine(shares); err != nil || !key.Opens(header) {
		t.Errorf("all of them: %v", err)
	}
}

func TestSharesRefused(t *testing.T) {
	t.Parallel()
	root, installation := newRoot(t), sealed.NewInstallation()
	shares := split(t, root, installation, 3, 2)
	others := map[string]*sealed.Share{
		"another splitting":    split(t, root, installation, 3, 2)[1],
		"another threshold":    split(t, root, installation, 3, 3)[1],
		"another installation": split(t, root, sealed.NewInstallation(), 3, 2)[1],
		"another key":          split(t, newRoot(t), installation, 3, 2)[1],
	}
	for what, other := range others {
		if _, _, err := sealed.Combine([]*sealed.Share{shares[0], other}); !errors.Is(err, sealed.ErrShare) || !strings.Contains(err.Error(), "different sets") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := sealed.Combine([]*sealed.Share{shares[0], shares[1], shares[0]}); !errors.Is(err, sealed.ErrShare) || !strings.Contains(err.Error(), "comes twice") {
		t.Errorf("one twice: %v", err)
	}
	if _, _, err := sealed.Combine(nil); !errors.Is(err, sealed.ErrShare) {
		t.Errorf("none: %v", err)
	}
	for _, c := range [][2]int{{1, 1}, {2, 1}, {2, 3}, {256, 2}, {-1, -1}} {
		if _, err := root.Split(installation, c[0], c[1]); !errors.Is(err, sealed.ErrShare) {
			t.Errorf("a threshold of %d among %d: %v", c[1], c[0], err)
		}
	}
	if len(split(t, root, installation, 255, 255)) != 255 {
		t.Error("255 of 255 were not made")
	}
}

// TestShareDamaged changes each letter: none goes unnoticed.
func TestShareDamaged(t *testing.T) {
	t.Parallel()
	text := shareText(split(t, newRoot(t), sealed.NewInstallation(), 3, 2)[0])
	letters := strings.TrimSpace(text[strings.Index(text, "\n\n"):])
	changed := 0
	for i, c := range []byte(letters) {
		if c == ' ' || c == '\n' {
			continue
		}
		changed++
		for _, other := range []byte{'A' + (c+1)%26, '1', '=', '!'} {
			b := []byte(letters)
			if b[i] = other; other == c {
				continue
			}
			if _, err := parseShare(string(b)); !errors.Is(err, sealed.ErrShare) {
				t.Errorf("letter %d as %c: %v", i, other, err)
			}
		}
	}
	if changed != 128 {
		t.Errorf("%d letters were changed", changed)
	}
	for _, other := range []string{"", "# nothing", letters[:len(letters)-1], letters + "A", strings.Repeat(" ", sealed.MaxShareText) + letters} {
		if _, err := parseShare(other); !errors.Is(err, sealed.ErrShare) {
			t.Errorf("%d bytes: %v", len(other), err)
		}
	}
}

// TestShareVectors reads shares that another implementation wrote.
func TestShareVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/shares.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		RootKey, Installation, Set string
		Threshold                  int
		Shares                     []string
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var shares []*sealed.Share
	for i, text := range file.Shares {
		s, err := parseShare(text)
		if err != nil {
			t.Fatal(err)
		}
		if s.Number != i+1 || s.Shares != len(file.Shares) || s.Threshold != file.Threshold || s.Installation.String() != file.Installation || s.Set != file.Set {
			t.Errorf("share %d is read as %+v", i+1, s)
		}
		shares = append(shares, s)
	}
	key, _, err := sealed.Combine(shares[2:])
	if err != nil || hex.EncodeToString(key.Reveal(reveal.Token{})) != file.RootKey || len(shares) != 5 {
		t.Errorf("%d shares give another key back, %v", len(shares), err)
	}
}

// FuzzShare: whatever is read is written as it was read, but for its spelling.
func FuzzShare(f *testing.F) {
	f.Add([]byte(shareText(split(f, newRoot(f), sealed.NewInstallation(), 3, 2)[0])))
	f.Add([]byte("# x\nAEBA GALD-uytn"))
	f.Add(bytes.Repeat([]byte("A"), 128))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := sealed.ParseShare(confidential.New(bytes.Clone(b)))
		if err != nil {
			if s != nil || !errors.Is(err, sealed.ErrShare) {
				t.Errorf("%v, %v", s, err)
			}
			return
		}
		again, err := parseShare(shareText(s))
		if err != nil || shareText(again) != shareText(s) {
			t.Errorf("%q is written as %q: %v", b, shareText(s), err)
		}
	})
}
