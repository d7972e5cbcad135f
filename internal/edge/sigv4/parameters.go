package sigv4

import (
	"slices"
	"strings"
)

// parametersMax is how many parameters a query may have.
const parametersMax = 1000

// A parameter of a query, plain and as the canonical query has it.
type parameter struct {
	name, value                   string
	canonicalName, canonicalValue string
}

type parameters []parameter

// parseQuery decodes a raw query. A name without "=" has an empty value, and a
// plus is a space, as in a form: the decoders of the protocols read it so, and
// what is signed must be what is understood.
func parseQuery(raw string) (parameters, error) {
	if raw == "" {
		return nil, nil
	}
	if strings.Count(raw, "&") >= parametersMax {
		return nil, incomplete("The query has too many parameters.")
	}
	var list parameters
	for piece := range strings.SplitSeq(raw, "&") {
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		p, ok := parameter{}, [2]bool{}
		p.name, ok[0] = unescape(name)
		p.value, ok[1] = unescape(value)
		if !ok[0] || !ok[1] {
			return nil, incomplete("The query is not a valid percent-encoded string.")
		}
		p.canonicalName, p.canonicalValue = string(appendEscaped(nil, p.name)), string(appendEscaped(nil, p.value))
		list = append(list, p)
	}
	return list, nil
}

func (list parameters) has(name string) bool {
	_, n := list.only(name)
	return n > 0
}

// only returns the first value of a parameter and how many there are.
func (list parameters) only(name string) (value string, n int) {
	for i := range list {
		if list[i].name == name {
			if n == 0 {
				value = list[i].value
			}
			n++
		}
	}
	return value, n
}

// appendCanonical appends all parameters but the signature itself, sorted by
// encoded name and then by encoded value. It sorts list in place.
func (list parameters) appendCanonical(dst []byte) []byte {
	slices.SortFunc(list, func(a, b parameter) int {
		if c := strings.Compare(a.canonicalName, b.canonicalName); c != 0 {
			return c
		}
		return strings.Compare(a.canonicalValue, b.canonicalValue)
	})
	first := true
	for i := range list {
		if list[i].name == "X-Amz-Signature" {
			continue
		}
		if !first {
			dst = append(dst, '&')
		}
		first = false
		dst = append(dst, list[i].canonicalName...)
		dst = append(dst, '=')
		dst = append(dst, list[i].canonicalValue...)
	}
	return dst
}

// unescape decodes percent-encoding. It reports false where an escape is cut short or not hexadecimal.
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] != '%':
			b = append(b, s[i])
		case i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, fromHex(s[i+1])<<4|fromHex(s[i+2]))
			i += 2
		default:
			return "", false
		}
	}
	return string(b), true
}

// appendEscaped appends s with all but RFC 3986's unreserved characters percent-encoded.
func appendEscaped(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; isUnreserved(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func isUnreserved(c byte) bool {
	return isDigit(c) || isLower(c|0x20) || c == '-' || c == '_' || c == '.' || c == '~'
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// fromHex is the value of a digit for which isHex holds.
func fromHex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
