package awsquery

import (
	"slices"
	"strings"
	"unicode/utf8"

	"claviger/internal/words/fault"
)

const (
	pairsMax = 10_000 // parameters of a form
	nameMax  = 512    // bytes of a parameter's name, which bounds how deep a form nests
)

// What is wrong with a form. The texts repeat nothing of it: it may hold a secret.
var (
	errEscape = refusal("The request has a parameter that is not validly percent-encoded.")
	errUTF8   = refusal("The request has a parameter that is not valid UTF-8.")
	errTwice  = refusal("The request has a parameter that stands twice.")
	errMany   = refusal("The request has too many parameters.")
	errName   = refusal("The request has a parameter whose name is too long.")
)

func refusal(text string) error { return &fault.Fault{Code: fault.Serialization, Message: text} }

// A Form is a decoded query string or form body.
type Form struct {
	pairs []pair // sorted by name, in which none stands twice
}

type pair struct{ name, value string }

// Parse reads application/x-www-form-urlencoded. A name without "=" has an
// empty value. Broken escapes, invalid UTF-8, a name that stands twice and too
// many parameters are a fault Serialization. Nothing in the form refers to b.
// https://url.spec.whatwg.org/#application/x-www-form-urlencoded
func Parse(b []byte) (*Form, error) {
	rest := string(b)
	count := strings.Count(rest, "&") + 1
	if count > pairsMax {
		return nil, errMany
	}
	f := &Form{pairs: make([]pair, 0, count)}
	for piece := range strings.SplitSeq(rest, "&") {
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		p := pair{}
		var err error
		if p.name, err = unescape(name); err != nil {
			return nil, err
		}
		if p.value, err = unescape(value); err != nil {
			return nil, err
		}
		if len(p.name) > nameMax {
			return nil, errName
		}
		f.pairs = append(f.pairs, p)
	}
	slices.SortFunc(f.pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(f.pairs); i++ {
		if f.pairs[i].name == f.pairs[i-1].name {
			return nil, errTwice
		}
	}
	return f, nil
}

// Get returns the value of a name, "" where it is absent.
func (f *Form) Get(name string) string {
	value, _ := f.value(name)
	return value
}

func (f *Form) value(name string) (string, bool) {
	if i, ok := f.search(name); ok {
		return f.pairs[i].value, true
	}
	return "", false
}

func (f *Form) search(name string) (int, bool) {
	return slices.BinarySearchFunc(f.pairs, name, func(p pair, name string) int { return strings.Compare(p.name, name) })
}

// below returns the parameters whose names begin with prefix.
func (f *Form) below(prefix string) []pair {
	start, _ := f.search(prefix)
	end := start
	for end < len(f.pairs) && strings.HasPrefix(f.pairs[end].name, prefix) {
		end++
	}
	return f.pairs[start:end]
}

// holds reports whether a parameter's name begins with prefix.
func (f *Form) holds(prefix string) bool {
	i, _ := f.search(prefix)
	return i < len(f.pairs) && strings.HasPrefix(f.pairs[i].name, prefix)
}

func unescape(s string) (string, error) {
	if strings.ContainsAny(s, "%+") {
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '+':
				b = append(b, ' ')
			case s[i] != '%':
				b = append(b, s[i])
			case i+2 < len(s) && digit(s[i+1]) >= 0 && digit(s[i+2]) >= 0:
				b = append(b, byte(digit(s[i+1])<<4|digit(s[i+2])))
				i += 2
			default:
				return "", errEscape
			}
		}
		s = string(b)
	}
	if !utf8.ValidString(s) {
		return "", errUTF8
	}
	return s, nil
}

// digit is the value of a hexadecimal digit, -1 for any other byte.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c | 0x20 - 'a' + 10)
	}
	return -1
}
