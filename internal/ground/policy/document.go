package policy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A document is a policy as written: its shape is right, its meaning unchecked.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type document struct {
	version string // "" where absent
	clauses []clause
}

// modern reports whether the document is of the version that has variables.
func (d *document) modern() bool { return d.version == "2012-10-17" }

// A clause is a statement as written.
type clause struct {
	sid       string
	effect    string
	action    element
	resource  element
	principal principalElement
	tests     []testClause

	at         int // where its brace stands
	start, end int // as AWS counts: see Place
}

// An element is one of the pairs Action and NotAction, Resource and NotResource.
type element struct {
	present bool
	negated bool
	null    bool // a null stands in the list, as AWS allows for resources
	values  []string
	at      int   // where its name stands
	places  []int // where the values stand
}

// empty reports whether the element names nothing at all.
func (e *element) empty() bool { return len(e.values) == 0 && !e.null }

// A principalElement is Principal or NotPrincipal.
type principalElement struct {
	present bool
	negated bool
	star    bool // the lone "*", without a type
	names   []NamedPrincipal
	at      int   // where its name stands
	places  []int // where the names stand
}

// A NamedPrincipal is a principal as a document names it.
type NamedPrincipal struct {
	Type string // AWS, Service, Federated, CanonicalUser
	Name string // as written
}

// A testClause is one key under one operator of a Condition.
type testClause struct {
	operator string
	key      string
	values   []string
	at       int   // where the key stands
	places   []int // where the values stand
}

// parse reads a document. Its shape is checked here, what it says in grammar.go.
func parse(kind Kind, text []byte) (*document, error) {
	if len(text) > maxSize {
		return nil, errTooLarge
	}
	if !utf8.Valid(text) || kind == KeyPolicy && !latin(string(text)) {
		return nil, errSyntax
	}
	p := parser{scanner: scanner{text: string(text)}, trust: kind == Trust}
	doc, err := p.document()
	if err == nil {
		_, err = p.expect(lexEnd)
	}
	if err != nil {
		return nil, p.refusal(err)
	}
	return doc, nil
}

// latin reports whether text keeps to the characters of a key policy: tab, line
// feed, carriage return, and U+0020 to U+00FF.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
func latin(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r > 0xff || r < ' ' && r != '\t' && r != '\n' && r != '\r'
	})
}

type parser struct {
	scanner

	// trust policies are read by a program of AWS that looks at some of the shape
	// only when it has all of it: see trust.go.
	trust bool
}

func (p *parser) document() (*document, error) {
	doc := &document{}
	found := false
	err := p.object(func(name string) (err error) {
		switch name {
		case "Version":
			if doc.version, err = p.str(); err == nil && !p.trust && !isVersion(doc.version) {
				err = errSyntax
			}
		case "Id":
			_, err = p.str()
		case "Statement":
			found = true
			doc.clauses, err = p.clauses()
		default:
			err = errSyntax
		}
		return err
	})
	switch {
	case err != nil || len(doc.clauses) > 0:
		return doc, err
	case p.trust && found:
		return doc, errNoStatement
	}
	return doc, errSyntax
}

func isVersion(s string) bool { return s == "2008-10-17" || s == "2012-10-17" }

// clauses reads one statement, or an array of them.
func (p *parser) clauses() ([]clause, error) {
	var all []clause
	kind, err := p.peek()
	if err != nil || kind != '[' {
		c, err := p.clause()
		c.start = c.at + 1
		return append(all, c), err
	}
	err = p.array(func() error {
		start := p.pos
		if len(all) > 0 {
			start = all[len(all)-1].end
		}
		c, err := p.clause()
		c.start = start
		all = append(all, c)
		return err
	})
	return all, err
}

func (p *parser) clause() (clause, error) {
	var c clause
	if _, err := p.peek(); err != nil {
		return c, err
	}
	c.at = p.last.start
	err := p.object(func(name string) (err error) {
		switch name {
		case "Sid":
			c.sid, err = p.str()
		case "Effect":
			c.effect, err = p.effect()
		case "Action", "NotAction":
			err = p.element(&c.action, name == "NotAction", false)
		case "Resource", "NotResource":
			err = p.element(&c.resource, name == "NotResource", true)
		case "Principal", "NotPrincipal":
			err = p.principal(&c.principal, name == "NotPrincipal")
		case "Condition":
			c.tests, err = p.condition()
		default:
			err = errSyntax
		}
		return err
	})
	c.end = p.pos
	if err == nil && c.effect == "" && !p.trust {
		err = errSyntax
	}
	return c, err
}

// effect reads an effect in any letter case. That the case is right is a later
// check of AWS, with another text.
func (p *parser) effect() (string, error) {
	effect, err := p.str()
	if err == nil && !p.trust && !strings.EqualFold(effect, "Allow") && !strings.EqualFold(effect, "Deny") {
		err = errSyntax
	}
	return effect, err
}

// element reads a string or an array of strings. An element and its negation
// can't stand together.
func (p *parser) element(e *element, negated, nulls bool) error {
	if e.present {
		return errSyntax
	}
	*e = element{present: true, negated: negated, at: p.name}
	kind, err := p.peek()
	if err != nil {
		return err
	}
	if kind != '[' {
		value, err := p.str()
		e.values, e.places = []string{value}, []int{p.last.start}
		return err
	}
	return p.array(func() error {
		l, err := p.next()
		switch {
		case err != nil:
			return err
		case l.kind == lexString:
			e.values, e.places = append(e.values, l.text), append(e.places, l.start)
		case l.kind == lexNull && nulls:
			e.null = true
		default:
			return errSyntax
		}
		return nil
	})
}

// principalTypes are the names that may stand in a Principal.
var principalTypes = []string{"AWS", "Service", "Federated", "CanonicalUser"}

func (p *parser) principal(e *principalElement, negated bool) error {
	if e.present {
		return errSyntax
	}
	*e = principalElement{present: true, negated: negated, at: p.name}
	kind, err := p.peek()
	if err != nil {
		return err
	}
	if kind != '{' {
		everyone, err := p.str()
		if err == nil && everyone != "*" {
			err = errSyntax
		}
		e.star, e.names, e.places = true, []NamedPrincipal{{"AWS", "*"}}, []int{p.last.start}
		return err
	}
	return p.object(func(name string) error {
		if !slices.Contains(principalTypes, name) {
			return errSyntax
		}
		return p.oneOrMore(func() error {
			value, err := p.str()
			e.names, e.places = append(e.names, NamedPrincipal{name, value}), append(e.places, p.last.start)
			return err
		})
	})
}

// condition reads operators, their keys and the values of these. An operator
// that doesn't exist is passed over where it has no key, as AWS does.
func (p *parser) condition() ([]testClause, error) {
	var tests []testClause
	err := p.object(func(operator string) error {
		return p.object(func(key string) error {
			if _, ok := parseOperator(operator); !ok {
				return errSyntax
			}
			t := testClause{operator: operator, key: key, at: p.name}
			err := p.oneOrMore(func() error {
				value, err := p.scalar()
				t.values, t.places = append(t.values, value), append(t.places, p.last.start)
				return err
			})
			tests = append(tests, t)
			return err
		})
	})
	return tests, err
}

// oneOrMore calls item for a value that stands alone, or for each of an array.
func (p *parser) oneOrMore(item func() error) error {
	kind, err := p.peek()
	if err != nil {
		return err
	}
	if kind == '[' {
		return p.array(item)
	}
	return item()
}

// str reads a string.
func (p *parser) str() (string, error) {
	l, err := p.expect(lexString)
	return l.text, err
}

// scalar reads a string, or a number or boolean, which counts as its text.
func (p *parser) scalar() (string, error) {
	l, err := p.next()
	if err != nil {
		return "", err
	}
	switch l.kind {
	case lexString, lexNumber, lexTrue, lexFalse:
		return l.text, nil
	}
	return "", errSyntax
}
