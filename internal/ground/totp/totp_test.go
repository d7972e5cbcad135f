package totp_test

import (
	"testing"
	"time"

	"claviger/internal/ground/totp"
)

// rfcKey is the key of the vectors of both RFCs.
var rfcKey = []byte("12345678901234567890")

// TestHOTP has the vectors of RFC 4226, appendix D.
func TestHOTP(t *testing.T) {
	t.Parallel()
	want := []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"}
	for step, code := range want {
		if got := totp.Code(rfcKey, int64(step)); string(got[:]) != code {
			t.Errorf("counter %d: got %s, want %s", step, got, code)
		}
	}
}

// TestTOTP has the vectors of RFC 6238, appendix B, for SHA-1. They have eight
// digits, of which codes of six are the last.
func TestTOTP(t *testing.T) {
	t.Parallel()
	for unix, code := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := totp.Code(rfcKey, totp.Step(time.Unix(unix, 0))); string(got[:]) != code[2:] {
			t.Errorf("time %d: got %s, want %s", unix, got, code[2:])
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	codes := func(steps ...int64) (list [][]byte) {
		for _, s := range steps {
			code := totp.Code(rfcKey, s)
			list = append(list, code[:])
		}
		return list
	}
	for _, tt := range []struct {
		about       string
		first, last int64
		codes       [][]byte
		step        int64
		found       bool
	}{
		{"the first step", 5, 7, codes(5), 5, true},
		{"the last step", 5, 7, codes(7), 7, true},
		{"before", 5, 7, codes(4), 0, false},
		{"after", 5, 7, codes(8), 0, false},
		{"two in a row", 0, 9, codes(6, 7), 6, true},
		{"two that are not", 0, 9, codes(6, 8), 0, false},
		{"two in the wrong order", 0, 9, codes(7, 6), 0, false},
		{"twice the same", 0, 9, codes(6, 6), 0, false},
		{"too short", 0, 9, [][]byte{[]byte("28708")}, 0, false},
		{"no steps", 5, 4, codes(5), 0, false},
	} {
		if step, found := totp.Find(rfcKey, tt.first, tt.last, tt.codes...); found != tt.found || step != tt.step {
			t.Errorf("%s: got %d, %t, want %d, %t", tt.about, step, found, tt.step, tt.found)
		}
	}
}
