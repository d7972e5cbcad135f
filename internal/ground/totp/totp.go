// Package totp computes time-based one-time passwords, as RFC 6238 has them: the
// HMAC-SHA-1 of the number of a time step of 30 seconds, cut down to six digits.
//
// These are the parameters of virtual MFA devices, and the only ones that all
// authenticator programs know. HMAC does not rest on collisions, which is what
// is broken of SHA-1.
package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"time"
)

// Digits is the length of a code.
const Digits = 6

// period is how long a code counts: the time step X of RFC 6238, in seconds.
const period = 30

// Step is the number of the time step in which t lies.
func Step(t time.Time) int64 { return t.Unix() / period }

// Code is the code of a time step under a key (RFC 4226, section 5.3).
func Code(key []byte, step int64) [Digits]byte {
	mac := hmac.New(sha1.New, key)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	var code [Digits]byte
	for i := Digits - 1; i >= 0; i-- {
		code[i] = '0' + byte(n%10)
		n /= 10
	}
	return code
}

// Find returns the last of the steps from first to last whose codes are the
// given ones, one after the other. How long it takes tells nothing but how many
// steps there are.
func Find(key []byte, first, last int64, codes ...[]byte) (step int64, found bool) {
	matched := 0
	for s := first; s <= last; s++ {
		all := 1
		for i, given := range codes {
			code := Code(key, s+int64(i))
			all &= subtle.ConstantTimeCompare(code[:], given)
		}
		// s is kept by arithmetic, so that no branch tells which step it was.
		step ^= int64(-all) & (step ^ s)
		matched |= all
	}
	return step, matched == 1
}
