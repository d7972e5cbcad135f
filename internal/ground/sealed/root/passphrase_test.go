package root

import (
	"errors"
	"strings"
	"testing"
)

func TestTrim(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"correct horse":                  "correct horse",
		"correct horse\n":                "correct horse",
		"correct horse\r\n":              "correct horse",
		"correct horse\n\n":              "correct horse\n",
		" correct horse ":                " correct horse ",
		"\ncorrect horse":                "\ncorrect horse",
		strings.Repeat("x", 4095) + "\n": strings.Repeat("x", 4095),
	} {
		if got, err := trim([]byte(in)); string(got) != want || err != nil {
			t.Errorf("%q became %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "\n", "\r\n"} {
		if _, err := trim([]byte(in)); !errors.Is(err, ErrMissing) {
			t.Errorf("%q: %v", in, err)
		}
	}
	long := []byte(strings.Repeat("x", 4097))
	if _, err := trim(long); err == nil || long[0] != 0 {
		t.Errorf("4097 bytes: %v", err)
	}
}
