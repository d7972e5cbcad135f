package sigv4

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// parseStamp agrees with the standard library on everything that is one byte
// away from a time, or none.
func TestParseStamp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(rapid.StringMatching(`[0-2][0-9]{3}[01][0-9][0-3][0-9]T[0-2][0-9][0-6][0-9][0-6][0-9]Z`).Draw(t, "stamp"))
		if rapid.Bool().Draw(t, "spoiled") {
			s[rapid.IntRange(0, len(s)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		got, err := parseStamp(string(s))
		want, wantErr := time.Parse(stampLayout, string(s))
		if (err == nil) != (wantErr == nil) || err == nil && !got.Equal(want) {
			t.Fatalf("%q is %v, %v, want %v, %v", s, got, err, want, wantErr)
		}
	})
}
