package awsjson

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"time"

	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
)

// depthMax is how deep objects and lists may be nested.
const depthMax = 64

// What is wrong with a body. The texts repeat nothing of it: it may hold a secret.
var (
	errSyntax = refusal("The request body is not well-formed JSON.")
	errUTF8   = refusal("The request body has a string that is not valid Unicode.")
	errTwice  = refusal("The request body has an object in which a member stands twice.")
	errDeep   = refusal("The request body is nested too deeply.")
	errLong   = refusal("The request body has a list or an object with too many elements.")
	errBase64 = refusal("The request body has a blob that is not valid Base64.")
	errTime   = refusal("The request body has a timestamp out of range.")
)

func refusal(text string) error { return &fault.Fault{Code: fault.Serialization, Message: text} }

// A scanner reads JSON (RFC 8259) from left to right, directly into what it is
// wanted as. Slices that it returns are good until the next call.
type scanner struct {
	b     []byte
	i     int
	depth int
}

// peek moves to the next byte that is not white space and returns it, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// end refuses whatever follows the value.
func (s *scanner) end() error {
	if s.peek(); s.i != len(s.b) {
		return errSyntax
	}
	return nil
}

// open enters an object or a list.
func (s *scanner) open(bracket byte, wanted string) error {
	if s.peek() != bracket {
		return s.mismatch("a " + wanted)
	}
	if s.depth++; s.depth > depthMax {
		return errDeep
	}
	s.i++
	return nil
}

// first reports whether the object or list that was opened has an element; if
// not, it is left.
func (s *scanner) first(bracket byte) bool {
	if s.peek() != bracket {
		return true
	}
	s.i++
	s.depth--
	return false
}

// more reports whether another element follows; if not, the object or list is left.
func (s *scanner) more(bracket byte) (bool, error) {
	switch s.peek() {
	case ',':
		s.i++
		return true, nil
	case bracket:
		s.i++
		s.depth--
		return false, nil
	}
	return false, errSyntax
}

// key reads the name of a member and the colon.
func (s *scanner) key() ([]byte, error) {
	if s.peek() != '"' {
		return nil, errSyntax
	}
	name, err := s.text("")
	if err != nil {
		return nil, err
	}
	if s.peek() != ':' {
		return nil, errSyntax
	}
	s.i++
	return name, nil
}

// literal reads one of the three names of JSON if it comes next.
func (s *scanner) literal(name string) bool {
	s.peek()
	if rest := s.b[s.i:]; len(rest) < len(name) || string(rest[:len(name)]) != name {
		return false
	}
	s.i += len(name)
	return true
}

// null reads a null if it comes next.
func (s *scanner) null() bool { return s.literal("null") }

// mismatch refuses the value that comes next, for it is not what is wanted:
// "a String", "an Integer".
func (s *scanner) mismatch(wanted string) error {
	found := ""
	switch c := s.peek(); {
	case c == '{':
		return refusal("Start of structure or map found where not expected.")
	case c == '[':
		return refusal("Start of list found where not expected.")
	case c == '"':
		found = "STRING_VALUE"
	case c == '-' || isDigit(c):
		found = "NUMBER_VALUE"
	case s.literal("true"):
		found = "TRUE_VALUE"
	case s.literal("false"):
		found = "FALSE_VALUE"
	case s.null():
		found = "NULL_VALUE"
	default:
		return errSyntax
	}
	return refusal(found + " can not be converted to " + wanted)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads a number and returns its text, and whether that is an integer
// written without fraction and exponent.
func (s *scanner) number(wanted string) (literal []byte, whole bool, err error) {
	if c := s.peek(); c != '-' && !isDigit(c) {
		return nil, false, s.mismatch(wanted)
	}
	start := s.i
	if s.at('-') {
		s.i++
	}
	if s.at('0') {
		s.i++
	} else if !s.digits() {
		return nil, false, errSyntax
	}
	whole = true
	if s.at('.') {
		s.i++
		if whole = false; !s.digits() {
			return nil, false, errSyntax
		}
	}
	if s.at('e') || s.at('E') {
		s.i++
		if s.at('+') || s.at('-') {
			s.i++
		}
		if whole = false; !s.digits() {
			return nil, false, errSyntax
		}
	}
	return s.b[start:s.i], whole, nil
}

// at reports whether the next byte is c.
func (s *scanner) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

// digits reads digits, at least one.
func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && isDigit(s.b[s.i]) {
		s.i++
	}
	return s.i > start
}

func (s *scanner) boolean() (bool, error) {
	switch {
	case s.literal("true"):
		return true, nil
	case s.literal("false"):
		return false, nil
	}
	return false, s.mismatch("a Boolean")
}

func (s *scanner) integer(bits int) (int64, error) {
	literal, whole, err := s.number("an Integer")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(literal), 10, bits)
	if !whole || err != nil {
		return 0, refusal("NUMBER_VALUE can not be converted to an Integer")
	}
	return n, nil
}

// float reads a number, or one of the three that JSON writes as strings for want of better.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#shape-serialization
func (s *scanner) float() (float64, error) {
	switch {
	case s.literal(`"NaN"`):
		return math.NaN(), nil
	case s.literal(`"Infinity"`):
		return math.Inf(1), nil
	case s.literal(`"-Infinity"`):
		return math.Inf(-1), nil
	}
	literal, _, err := s.number("a Float")
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil {
		return 0, refusal("NUMBER_VALUE can not be converted to a Float")
	}
	return f, nil
}

// The times that can be written with four digits of a year.
var (
	timeMin = float64(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	timeMax = float64(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
)

// time reads seconds since 1970 and rounds them to milliseconds.
func (s *scanner) time() (time.Time, error) {
	literal, _, err := s.number("a Timestamp")
	if err != nil {
		return time.Time{}, err
	}
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil || f < timeMin || f > timeMax {
		return time.Time{}, errTime
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), nil
}

var strict = base64.StdEncoding.Strict()

// blob reads a string of padded standard Base64.
func (s *scanner) blob() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.mismatch("a Blob")
	}
	// Long blobs are most of a body, so their end is looked for at the speed of
	// memory. What is not right for JSON is not right for Base64 either.
	src := s.b[s.i+1:]
	end := bytes.IndexByte(src, '"')
	if end < 0 {
		return nil, errSyntax
	}
	if src = src[:end]; bytes.IndexByte(src, '\\') < 0 {
		s.i += 1 + end + 1
	} else {
		var err error
		if src, err = s.text(""); err != nil { // some clients write a slash as \/
			return nil, err
		}
	}
	dst := make([]byte, strict.DecodedLen(len(src)))
	n, err := strict.Decode(dst, src)
	// The decoder passes over line ends: a length that is no multiple of four, or
	// fewer bytes than that length makes, gives them away.
	if padding := len(src) - len(bytes.TrimRight(src, "=")); err != nil || len(src)%4 != 0 || n != len(dst)-padding {
		clear(dst)
		return nil, errBase64
	}
	return dst[:n], nil
}

// pairs reads an object of strings. Numbers and booleans stand for their own
// text, as KMS takes them in an encryption context.
func (s *scanner) pairs() (pairs.Map, error) {
	if err := s.open('{', "Map"); err != nil {
		return nil, err
	}
	list := make([]pairs.Pair, 0, 4)
	for more := s.first('}'); more; {
		if len(list) == elementsMax {
			return nil, errLong
		}
		key, err := s.key()
		if err != nil {
			return nil, err
		}
		pair := pairs.Pair{Key: string(key)}
		if pair.Value, err = s.value(); err != nil {
			return nil, err
		}
		list = append(list, pair)
		if more, err = s.more('}'); err != nil {
			return nil, err
		}
	}
	m, ok := pairs.New(list)
	if !ok {
		return nil, errTwice
	}
	return m, nil
}

// value reads a string, or the text of a number or boolean.
func (s *scanner) value() (string, error) {
	switch c := s.peek(); {
	case c == '-' || isDigit(c):
		literal, _, err := s.number("")
		return string(literal), err
	case c == 't' && s.literal("true"):
		return "true", nil
	case c == 'f' && s.literal("false"):
		return "false", nil
	}
	b, err := s.text("a String")
	return string(b), err
}

// skip reads a value that nobody wants. It has to be well-formed all the same.
func (s *scanner) skip() error {
	switch c := s.peek(); {
	case c == '{':
		return s.skipObject()
	case c == '[':
		return s.skipList()
	case c == '"':
		_, err := s.text("")
		return err
	case c == '-' || isDigit(c):
		_, _, err := s.number("")
		return err
	case s.literal("true"), s.literal("false"), s.null():
		return nil
	}
	return errSyntax
}

func (s *scanner) skipObject() error {
	if err := s.open('{', ""); err != nil {
		return err
	}
	var members names
	for more := s.first('}'); more; {
		key, err := s.key()
		if err != nil {
			return err
		}
		if err = members.skip(s, key); err != nil {
			return err
		}
		if more, err = s.more('}'); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) skipList() error {
	if err := s.open('[', ""); err != nil {
		return err
	}
	for more := s.first(']'); more; {
		err := s.skip()
		if err != nil {
			return err
		}
		if more, err = s.more(']'); err != nil {
			return err
		}
	}
	return nil
}

// names are the unknown members of one object.
type names map[string]struct{}

// skip reads the value of an unknown member, unless the member was there before.
func (n *names) skip(s *scanner, key []byte) error {
	if *n == nil {
		*n = make(names)
	}
	if _, twice := (*n)[string(key)]; twice {
		return errTwice
	}
	if len(*n) == elementsMax {
		return errLong
	}
	(*n)[string(key)] = struct{}{}
	return s.skip()
}
