package policy

import (
	"strings"

	"claviger/internal/words/pairs"
)

// A Key is a condition key or policy variable, folded to lower case (ASCII).
type Key struct {
	Name   string // whole folded name, such as "kms:encryptioncontext:app" or "aws:sourceip"
	Prefix string // for a key with a part of the user's choice: "aws:requesttag/", "kms:encryptioncontext:"; else ""
	Suffix string // folded part after Prefix
}

// NewKey returns the key of a name.
func NewKey(name string) Key { return newKey(name) }

// newKey folds name and splits off the part of the user's choice: what stands
// after the first / or the second colon that follows the service's prefix.
func newKey(name string) Key {
	k := Key{Name: Fold(name)}
	colon := strings.IndexByte(k.Name, ':')
	if colon < 0 {
		return k
	}
	if i := strings.IndexAny(k.Name[colon+1:], ":/"); i >= 0 && !strings.Contains(k.Name[:colon], "/") {
		split := colon + 1 + i + 1
		k.Prefix, k.Suffix = k.Name[:split], k.Name[split:]
	}
	return k
}

// Values is what a request context holds under a key.
type Values struct {
	Present bool
	Multi   bool // a multi-valued key: Many counts, else One. An empty multi-valued key must be absent.
	One     string
	Many    []string

	// Ambiguous says that the request gives the key more than one value where it
	// can have only one, as names have no case: an Allow with a condition on it
	// doesn't match, and a Deny does.
	Ambiguous bool

	// Open says that there is no request yet, and that it might have any value:
	// an Allow with a condition on the key matches, and a Deny doesn't. It tells
	// what could be allowed, and decides nothing.
	Open bool
}

// Text is the value s, absent where s is empty.
func Text(s string) Values { return Values{Present: s != "", One: s} }

// Texts are the values of a multi-valued key, absent where there are none.
func Texts(list []string) Values { return Values{Present: len(list) > 0, Multi: true, Many: list} }

// Named returns what m holds under a name, which is folded, as the names of
// condition keys are. Where two names of m fold together nobody can say which
// value counts: the answer is ambiguous.
func Named(m pairs.Map, folded string) Values {
	var found Values
	for i := range m {
		if !equalFold(m[i].Key, folded) {
			continue
		}
		if found.Present {
			return Values{Ambiguous: true}
		}
		found = Values{Present: true, One: m[i].Value}
	}
	return found
}

// A Context answers for the condition keys of a request. Lookup must not
// retain k. Names arrive folded.
type Context interface {
	Lookup(k *Key) Values
}

// nothing is the Context of a request that has none.
type nothing struct{}

func (nothing) Lookup(*Key) Values { return Values{} }

// quantifier says how many values of a multi-valued key must pass.
type quantifier uint8

const (
	single       quantifier = iota // a key that holds one value
	forAllValues                   // ForAllValues:
	forAnyValue                    // ForAnyValue:
)

// A condition is one key under one operator, with the values of the policy.
type condition struct {
	operator
	key     Key
	written string // operator and key as written, for explanations
	test    test   // nil for Null
	null    []bool // values of Null: true is absent
}

// A test compares one value of a request with those of the policy. It reports
// whether the positive form of the operator holds for one of them.
type test interface {
	holds(value string, q *question) bool
}

// met reports whether the request satisfies c, in a statement that denies or allows.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_multi-value-conditions.html
func (c *condition) met(q *question, deny bool) bool {
	v := q.lookup(&c.key)
	if v.Ambiguous || v.Open {
		return deny == v.Ambiguous
	}
	present := v.Present && (!v.Multi || len(v.Many) > 0)
	switch {
	case c.test == nil:
		return c.nullMet(!present)
	case !present:
		return c.metAbsent()
	case c.quantifier == single:
		// A plain operator never matches a key that holds many values, nor
		// does its negation.
		return !v.Multi && c.passes(v.One, q)
	case !v.Multi:
		return c.passes(v.One, q)
	}
	for _, value := range v.Many {
		if !q.spend(1) {
			return false
		}
		if c.passes(value, q) == (c.quantifier == forAnyValue) {
			return c.quantifier == forAnyValue
		}
	}
	return c.quantifier == forAllValues
}

// passes applies the operator to one value: values of a policy are joined by
// OR, those of a negated operator by NOR.
func (c *condition) passes(value string, q *question) bool {
	return c.holds(value, q) != c.negated
}

// holds is c.test.holds. Calling each type by its name lets q stay on the stack,
// which a call through the interface would not.
func (c *condition) holds(value string, q *question) bool {
	switch t := c.test.(type) {
	case texts:
		return t.holds(value, q)
	case folded:
		return t.holds(value, q)
	case truths:
		return t.holds(value, q)
	case *ordered[decimal]:
		return t.holds(value, q)
	case *ordered[instant]:
		return t.holds(value, q)
	case addresses:
		return t.holds(value, q)
	case blobs:
		return t.holds(value, q)
	case arns:
		return t.holds(value, q)
	}
	panic("policy: a test of unknown type")
}

// metAbsent is the answer for a key that the request doesn't have.
func (c *condition) metAbsent() bool {
	switch {
	case c.ifExists, c.quantifier == forAllValues:
		return true
	case c.quantifier == forAnyValue:
		return false
	}
	return c.negated
}

func (c *condition) nullMet(absent bool) bool {
	for _, want := range c.null {
		if want == absent {
			return true
		}
	}
	return false
}
