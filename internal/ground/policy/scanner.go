package policy

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) strictly: no duplicate names, no invalid UTF-8,
// no unpaired surrogates, nothing after the value. It knows where each token
// stands, and never recurses: the grammar above it decides how deep a document
// may go.
type scanner struct {
	text string
	pos  int
	last lexeme // the last that was looked at
	name int    // where the last name of a member stands
}

// A lexeme is one token of JSON.
type lexeme struct {
	kind       byte   // one of { } [ ] : , or s string, n number, t true, f false, 0 null, e end
	text       string // decoded string, or the literal as it stands
	start, end int    // place in the text
}

const (
	lexString = 's'
	lexNumber = 'n'
	lexTrue   = 't'
	lexFalse  = 'f'
	lexNull   = '0'
	lexEnd    = 'e'
)

// next consumes a lexeme.
func (s *scanner) next() (lexeme, error) {
	l, err := s.lex()
	if err != nil {
		l = lexeme{start: s.pos, end: s.pos}
	}
	s.last = l
	return l, err
}

func (s *scanner) lex() (lexeme, error) {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
	start := s.pos
	if start == len(s.text) {
		return lexeme{kind: lexEnd, start: start, end: start}, nil
	}
	switch c := s.text[start]; {
	case strings.IndexByte("{}[]:,", c) >= 0:
		s.pos++
		return lexeme{kind: c, start: start, end: s.pos}, nil
	case c == '"':
		return s.quoted()
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	for _, word := range [...]lexeme{{kind: lexTrue, text: "true"}, {kind: lexFalse, text: "false"}, {kind: lexNull, text: "null"}} {
		if strings.HasPrefix(s.text[start:], word.text) {
			s.pos += len(word.text)
			word.start, word.end = start, s.pos
			return word, nil
		}
	}
	return lexeme{}, errSyntax
}

// peek returns the kind of the next lexeme and consumes nothing.
func (s *scanner) peek() (byte, error) {
	pos := s.pos
	l, err := s.next()
	s.pos = pos
	return l.kind, err
}

// expect consumes a lexeme of the given kind.
func (s *scanner) expect(kind byte) (lexeme, error) {
	l, err := s.next()
	if err == nil && l.kind != kind {
		err = errSyntax
	}
	return l, err
}

// object consumes an object. member is called for each name and must consume
// the value.
func (s *scanner) object(member func(name string) error) error {
	seen := map[string]bool{}
	return s.list('{', '}', func() error {
		name, err := s.expect(lexString)
		if err != nil {
			return err
		}
		if _, err := s.expect(':'); err != nil {
			return err
		}
		if seen[name.text] {
			return errSyntax
		}
		seen[name.text], s.name = true, name.start
		return member(name.text)
	})
}

// array consumes an array. element is called before each element and must
// consume it.
func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

func (s *scanner) list(open, end byte, item func() error) error {
	if _, err := s.expect(open); err != nil {
		return err
	}
	if kind, err := s.peek(); err != nil {
		return err
	} else if kind == end {
		_, err = s.next()
		return err
	}
	for {
		if err := item(); err != nil {
			return err
		}
		l, err := s.next()
		switch {
		case err != nil:
			return err
		case l.kind == end:
			return nil
		case l.kind != ',':
			return errSyntax
		}
	}
}

// number consumes a number and keeps its digits as written.
func (s *scanner) number() (lexeme, error) {
	start := s.pos
	if s.text[s.pos] == '-' {
		s.pos++
	}
	whole := s.pos
	if !s.digits() || s.text[whole] == '0' && s.pos > whole+1 {
		return lexeme{}, errSyntax
	}
	if s.at('.') {
		s.pos++
		if !s.digits() {
			return lexeme{}, errSyntax
		}
	}
	if s.at('e') || s.at('E') {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return lexeme{}, errSyntax
		}
	}
	return lexeme{kind: lexNumber, text: s.text[start:s.pos], start: start, end: s.pos}, nil
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.text) && s.text[s.pos] == c }

// digits consumes decimal digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// quoted consumes a string.
func (s *scanner) quoted() (lexeme, error) {
	start := s.pos
	s.pos++
	plain := s.pos
	var decoded []byte // nil until the first escape
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			text := s.text[plain:s.pos]
			if decoded != nil {
				text = string(append(decoded, text...))
			}
			s.pos++
			return lexeme{kind: lexString, text: text, start: start, end: s.pos}, nil
		case c < ' ':
			return lexeme{}, errSyntax
		case c == '\\':
			decoded = append(decoded, s.text[plain:s.pos]...)
			r, ok := s.escape()
			if !ok {
				return lexeme{}, errSyntax
			}
			decoded = utf8.AppendRune(decoded, r)
			plain = s.pos
		default:
			s.pos++
		}
	}
	return lexeme{}, errSyntax
}

// escape consumes one escape sequence, or the two of a surrogate pair.
func (s *scanner) escape() (rune, bool) {
	rest := s.text[s.pos:]
	if len(rest) < 2 {
		return 0, false
	}
	if i := strings.IndexByte(`"\/bfnrt`, rest[1]); i >= 0 {
		s.pos += 2
		return rune("\"\\/\b\f\n\r\t"[i]), true
	}
	r, ok := codeUnit(rest)
	if !ok {
		return 0, false
	}
	s.pos += 6
	if !utf16.IsSurrogate(r) {
		return r, true
	}
	low, ok := codeUnit(rest[6:])
	if !ok {
		return 0, false
	}
	s.pos += 6
	r = utf16.DecodeRune(r, low)
	return r, r != utf8.RuneError
}

// codeUnit reads the escape of one UTF-16 code unit, such as \u0041, that s
// begins with.
func codeUnit(s string) (rune, bool) {
	if len(s) < 6 || s[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
