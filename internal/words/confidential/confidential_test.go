package confidential_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"strings"
	"testing"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

const canary = "canary42"

// holders are the places where a confidential value may stand.
func holders() map[string]any {
	b := confidential.New([]byte(canary))
	type exported struct{ B confidential.Bytes }
	type hidden struct{ b confidential.Bytes }
	type embedded struct{ confidential.Bytes }
	return map[string]any{
		"itself":         b,
		"pointer":        &b,
		"field":          exported{b},
		"hidden field":   hidden{b},
		"pointer inside": struct{ p *exported }{&exported{b}},
		"embedded":       embedded{b},
		"slice":          []confidential.Bytes{b},
		"array":          [1]confidential.Bytes{b},
		"map":            map[string]confidential.Bytes{"k": b},
		"interface":      []any{hidden{b}},
		"deep":           map[string][]hidden{"k": {{b}}},
	}
}

// shows reports in which spelling s holds the canary.
func shows(s string) string {
	for _, spelled := range []string{
		canary,
		hex.EncodeToString([]byte(canary)),
		strings.ToUpper(hex.EncodeToString([]byte(canary))),
		base64.StdEncoding.EncodeToString([]byte(canary))[:8],
		strings.Trim(fmt.Sprint([]byte(canary)), "[]"),
		"0x63, 0x61",
		strings.Trim(fmt.Sprintf("%b", []byte(canary)), "[]"),
		strings.Trim(fmt.Sprintf("%o", []byte(canary)), "[]"),
	} {
		if strings.Contains(s, spelled) {
			return spelled
		}
	}
	return ""
}

func TestPrinting(t *testing.T) {
	t.Parallel()
	n := 0
	for what, h := range holders() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%b", "%o", "%c", "%U", "%t", "%p", "%T", "%10.3s", "%w"} {
			if as := shows(fmt.Sprintf(verb, h)); as != "" {
				t.Errorf("%s is printed by %s as %s", what, verb, as)
			}
			n++
		}
		if as := shows(fmt.Sprint(h) + fmt.Sprintln(h) + fmt.Errorf("%v", h).Error()); as != "" {
			t.Errorf("%s is printed as %s", what, as)
		}
	}
	if n != 11*18 {
		t.Errorf("%d cases ran", n)
	}
}

func TestLogging(t *testing.T) {
	t.Parallel()
	for what, h := range holders() {
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "h", h)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "h", h)
		log.New(&out, "", 0).Println(h)
		if as := shows(out.String()); as != "" {
			t.Errorf("%s is logged as %s", what, as)
		}
		if !strings.Contains(out.String(), "text") || !strings.Contains(out.String(), "json") {
			t.Errorf("%s was not logged", what)
		}
	}
}

func TestEncoding(t *testing.T) {
	t.Parallel()
	for what, h := range holders() {
		var out bytes.Buffer
		_ = json.NewEncoder(&out).Encode(h)
		_ = xml.NewEncoder(&out).Encode(h)
		_ = gob.NewEncoder(&out).Encode(h)
		_ = template.Must(template.New("").Parse("{{.}}")).Execute(&out, h)
		if as := shows(out.String()); as != "" {
			t.Errorf("%s is encoded as %s", what, as)
		}
	}
	text, err := json.Marshal(confidential.New([]byte(canary)))
	if err != nil || string(text) != `"[confidential]"` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		b    confidential.Bytes
		set  bool
		want string
	}{
		"value":  {confidential.New([]byte(canary)), true, canary},
		"empty":  {confidential.New([]byte{}), true, ""},
		"nil":    {confidential.New(nil), false, ""},
		"absent": {confidential.Bytes{}, false, ""},
	} {
		got := c.b.Reveal(reveal.Token{})
		if string(got) != c.want || c.b.Len() != len(c.want) || c.b.IsSet() != c.set || (got != nil) != c.set {
			t.Errorf("%s: %q, %d bytes, set %v", what, got, c.b.Len(), c.b.IsSet())
		}
	}
}

// TestOwnership: Reveal gives the bytes themselves, so that they can be wiped.
func TestOwnership(t *testing.T) {
	t.Parallel()
	raw := []byte(canary)
	b := confidential.New(raw)
	clear(b.Reveal(reveal.Token{}))
	if !bytes.Equal(raw, make([]byte, len(canary))) {
		t.Error("a copy was revealed")
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, "aab": true, "abc": false, "a\x00": false, "\xff": false} {
		if got := confidential.New([]byte(text)).Within("ab"); got != want {
			t.Errorf("%q is within ab: %v", text, got)
		}
	}
	if (confidential.Bytes{}).Within("") != true {
		t.Error("an absent value has bytes")
	}
}
