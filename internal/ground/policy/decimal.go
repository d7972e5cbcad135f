package policy

import (
	"cmp"
	"strings"
)

// A decimal is a number of any size, kept as the digits that were written, so
// that nothing is rounded: 0.1 is 0.10, and 10 is 1e1.
type decimal struct {
	negative bool
	whole    string // digits before the point, or after it where those are all zero
	fraction string // digits after whole
	point    int    // the value is 0.wholefraction × 10^point
}

// maxExponent bounds the digits of an exponent, so that a point never overflows.
const maxExponent = 6

// parseDecimal reads [+-]digits[.digits][e[+-]digits], and nothing else.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	s, d.negative = cutSign(s)
	var ok bool
	if d.whole, s, ok = cutDigits(s); !ok {
		return decimal{}, false
	}
	if rest, found := strings.CutPrefix(s, "."); found {
		if d.fraction, s, ok = cutDigits(rest); !ok {
			return decimal{}, false
		}
	}
	exponent := 0
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		rest, negative := cutSign(s[1:])
		var digits string
		if digits, s, ok = cutDigits(rest); !ok || len(digits) > maxExponent {
			return decimal{}, false
		}
		exponent = atoi(digits)
		if negative {
			exponent = -exponent
		}
	}
	d.normalise(exponent)
	return d, s == ""
}

// normalise drops the zeros that don't count.
func (d *decimal) normalise(exponent int) {
	d.whole = strings.TrimLeft(d.whole, "0")
	d.fraction = strings.TrimRight(d.fraction, "0")
	d.point = len(d.whole) + exponent
	if d.whole == "" {
		trimmed := strings.TrimLeft(d.fraction, "0")
		d.point -= len(d.fraction) - len(trimmed)
		d.whole, d.fraction = trimmed, ""
	}
	if d.fraction == "" {
		d.whole = strings.TrimRight(d.whole, "0")
	}
	if d.whole == "" {
		*d = decimal{} // zero has no sign
	}
}

// compare orders a and b as cmp.Compare does.
func (a decimal) compare(b decimal) int {
	if x := cmp.Compare(a.sign(), b.sign()); x != 0 {
		return x
	}
	if a.negative {
		a, b = b, a
	}
	if x := cmp.Compare(a.point, b.point); x != 0 {
		return x
	}
	for i := range max(a.len(), b.len()) {
		if x := cmp.Compare(a.digit(i), b.digit(i)); x != 0 {
			return x
		}
	}
	return 0
}

func (a decimal) sign() int {
	switch {
	case a.whole == "":
		return 0
	case a.negative:
		return -1
	}
	return 1
}

// steps is what it may take to compare a.
func (a decimal) steps() int { return 1 + a.len() }

func (a decimal) len() int { return len(a.whole) + len(a.fraction) }

// digit returns the digit at place i after the point of 0.wholefraction.
func (a decimal) digit(i int) byte {
	if i < len(a.whole) {
		return a.whole[i]
	}
	if i -= len(a.whole); i < len(a.fraction) {
		return a.fraction[i]
	}
	return '0'
}

func cutSign(s string) (rest string, negative bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:], s[0] == '-'
	}
	return s, false
}

// cutDigits cuts the decimal digits that s begins with, at least one.
func cutDigits(s string) (digits, rest string, ok bool) {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n], s[n:], n > 0
}

// atoi reads digits, of which the caller has made sure that they fit.
func atoi(digits string) int {
	n := 0
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}
