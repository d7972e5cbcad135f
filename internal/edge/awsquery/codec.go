package awsquery

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// A codec reads and writes one type of member.
type codec struct {
	// decode reads the parameter of a name, or those whose names begin with
	// name and a dot. It leaves v as it is where there are none.
	decode func(f *Form, name string, v reflect.Value) error
	append func(dst []byte, v reflect.Value) []byte
	absent func(v reflect.Value) bool // nil where a value is always there
}

// A scalar is the text of a single value.
type scalar struct {
	parse  func(text string, v reflect.Value) error
	append func(dst []byte, v reflect.Value) []byte
	absent func(v reflect.Value) bool
}

// codec reads a member's value where its parameter is present.
func (s scalar) codec() codec {
	return codec{
		decode: func(f *Form, name string, v reflect.Value) error {
			text, ok := f.value(name)
			if !ok {
				return nil
			}
			return s.parse(text, v)
		},
		append: s.append,
		absent: s.absent,
	}
}

// optional is codec for an optional.Of: field 0 is the value, field 1 says that it is set.
func (s scalar) optional() codec {
	return codec{
		decode: func(f *Form, name string, v reflect.Value) error {
			text, ok := f.value(name)
			v.Field(1).SetBool(ok)
			if !ok {
				return nil
			}
			return s.parse(text, v.Field(0))
		},
		append: func(dst []byte, v reflect.Value) []byte { return s.append(dst, v.Field(0)) },
		absent: func(v reflect.Value) bool { return !v.Field(1).Bool() },
	}
}

// codec returns the codec of a member.
func (p planner) codec(t reflect.Type, option, where string) codec {
	switch {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && option == "":
		return p.pointer(t)
	case t == reflect.TypeFor[pairs.Map]() && option == "":
		return dictionary
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 && option == "":
		return p.list(t, where)
	case t.Kind() == reflect.Struct && option == "" && isStructure(t):
		return p.structure(t)
	case isOptional(t):
		inner := t.Field(0).Type
		if inner.Kind() == reflect.Slice || inner == reflect.TypeFor[confidential.Bytes]() {
			panic("awsquery: " + where + " is an optional of what can be absent by itself")
		}
		return single(inner, option, where).optional()
	}
	return single(t, option, where).codec()
}

func isOptional(t reflect.Type) bool {
	of := reflect.TypeFor[optional.Of[string]]()
	return t.PkgPath() == of.PkgPath() && strings.HasPrefix(t.Name(), "Of[")
}

// isStructure tells structs with members from those that stand for a single value.
func isStructure(t reflect.Type) bool {
	return !isOptional(t) && t != reflect.TypeFor[time.Time]() && t != reflect.TypeFor[confidential.Bytes]()
}

// single returns how a single value of type t is read and written.
func single(t reflect.Type, option, where string) scalar {
	switch {
	case t == reflect.TypeFor[confidential.Bytes]() && option == "text":
		return secretText
	case t.Kind() == reflect.String && option == "document":
		return document
	case option != "":
	case t == reflect.TypeFor[time.Time]():
		return instant
	case t == reflect.TypeFor[confidential.Bytes]():
		return secretBlob
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return blob
	case t.Kind() == reflect.String:
		return text
	case t.Kind() == reflect.Bool:
		return boolean
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int32, t.Kind() == reflect.Int64:
		return integer
	case t.Kind() == reflect.Float64:
		return float
	}
	panic("awsquery: " + where + " has type " + t.String() + " and option " + strconv.Quote(option) + ", which the protocol can't carry")
}

// What is wrong with a member.
var (
	errString    = refusal("The request has a single value where a structure or a list is expected.")
	errList      = refusal("The request has a list or a map that is not numbered from 1 on.")
	errEntry     = refusal("The request has a map with an entry that lacks its key or its value, or a key that stands twice.")
	errElement   = refusal("The request has a list with an element that is not of the expected form.")
	errBoolean   = refusal("The request has a value that is not a Boolean where one is expected.")
	errInteger   = refusal("The request has a value that is not an Integer, or out of range, where one is expected.")
	errFloat     = refusal("The request has a value that is not a Float, or out of range, where one is expected.")
	errTimestamp = refusal("The request has a value that is not a Timestamp where one is expected.")
	errBase64    = refusal("The request has a value that is not valid Base64 where a Blob is expected.")
)

// structure returns the codec of a struct within another.
func (p planner) structure(t reflect.Type) codec {
	s := p.shape(t)
	return codec{
		decode: func(f *Form, name string, v reflect.Value) error {
			if _, single := f.value(name); single {
				return errString
			}
			return s.decode(f, name+".", v)
		},
		append: s.append,
	}
}

func (p planner) pointer(t reflect.Type) codec {
	inner := p.structure(t.Elem())
	return codec{
		decode: func(f *Form, name string, v reflect.Value) error {
			_, single := f.value(name)
			if !single && !f.holds(name+".") {
				return nil
			}
			v.Set(reflect.New(t.Elem()))
			return inner.decode(f, name, v.Elem())
		},
		append: func(dst []byte, v reflect.Value) []byte { return inner.append(dst, v.Elem()) },
		absent: reflect.Value.IsNil,
	}
}

func (p planner) list(t reflect.Type, where string) codec {
	var element codec
	structure := t.Elem().Kind() == reflect.Struct && isStructure(t.Elem())
	if structure {
		element = p.structure(t.Elem())
	} else {
		element = single(t.Elem(), "", where).codec()
	}
	return codec{
		decode: func(f *Form, name string, v reflect.Value) error {
			indexes, present, err := f.indexes(name, ".member.")
			if err != nil || !present {
				return err
			}
			v.Set(reflect.MakeSlice(t, len(indexes), len(indexes)))
			for i, n := range indexes {
				at := name + ".member." + strconv.Itoa(n)
				if _, single := f.value(at); single == structure {
					return errElement
				}
				if err := element.decode(f, at, v.Index(i)); err != nil {
					return err
				}
			}
			return nil
		},
		append: func(dst []byte, v reflect.Value) []byte {
			for i := range v.Len() {
				dst = append(dst, "<member>"...)
				dst = element.append(dst, v.Index(i))
				dst = append(dst, "</member>"...)
			}
			return dst
		},
		absent: reflect.Value.IsNil,
	}
}

// indexMax is the largest number that an element may have. There may be gaps.
const indexMax = 100_000

// indexes returns the numbers that follow name and infix, in ascending order.
// A list without elements is sent as its name alone.
func (f *Form) indexes(name, infix string) (list []int, present bool, err error) {
	empty, isEmpty := f.value(name)
	prefix := name + infix
	for _, p := range f.below(prefix) {
		digits, _, _ := strings.Cut(p.name[len(prefix):], ".")
		n, ok := index(digits)
		if !ok {
			return nil, false, errList
		}
		// All parameters of one element are neighbours, but not all elements
		// whose numbers are: 10 stands before 2.
		if len(list) == 0 || list[len(list)-1] != n {
			list = append(list, n)
		}
	}
	if isEmpty && (empty != "" || len(list) > 0) {
		return nil, false, errString
	}
	slices.Sort(list)
	return slices.Compact(list), isEmpty || len(list) > 0, nil
}

// index reads a number from 1 on, without leading zeros: each has one spelling.
func index(s string) (int, bool) {
	if s == "" || s[0] < '1' || s[0] > '9' || len(s) > 6 {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= indexMax
}

var dictionary = codec{
	decode: func(f *Form, name string, v reflect.Value) error {
		indexes, present, err := f.indexes(name, ".entry.")
		if err != nil || !present {
			return err
		}
		entries := make([]pairs.Pair, len(indexes))
		for i, n := range indexes {
			at := name + ".entry." + strconv.Itoa(n)
			var ok [2]bool
			entries[i].Key, ok[0] = f.value(at + ".key")
			entries[i].Value, ok[1] = f.value(at + ".value")
			if !ok[0] || !ok[1] {
				return errEntry
			}
		}
		m, ok := pairs.New(entries)
		if !ok {
			return errEntry
		}
		*v.Addr().Interface().(*pairs.Map) = m
		return nil
	},
	append: func(dst []byte, v reflect.Value) []byte {
		for i := range v.Len() {
			pair := v.Index(i)
			dst = append(dst, "<entry><key>"...)
			dst = appendText(dst, pair.Field(0).String())
			dst = append(dst, "</key><value>"...)
			dst = appendText(dst, pair.Field(1).String())
			dst = append(dst, "</value></entry>"...)
		}
		return dst
	},
	absent: reflect.Value.IsNil,
}

var text = scalar{
	parse: func(text string, v reflect.Value) error {
		v.SetString(text)
		return nil
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendText(dst, v.String()) },
}

// document is a policy: IAM answers with its percent-encoding.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html
var document = scalar{
	parse:  text.parse,
	append: func(dst []byte, v reflect.Value) []byte { return appendEscaped(dst, v.String()) },
}

var boolean = scalar{
	parse: func(text string, v reflect.Value) error {
		if text != "true" && text != "false" {
			return errBoolean
		}
		v.SetBool(text == "true")
		return nil
	},
	append: func(dst []byte, v reflect.Value) []byte { return strconv.AppendBool(dst, v.Bool()) },
}

var integer = scalar{
	parse: func(text string, v reflect.Value) error {
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil || text[0] == '+' {
			return errInteger
		}
		v.SetInt(n)
		return nil
	},
	append: func(dst []byte, v reflect.Value) []byte { return strconv.AppendInt(dst, v.Int(), 10) },
}

// The spellings of what is no number, beside the decimal ones.
const (
	notANumber    = "NaN"
	infinite      = "Infinity"
	minusInfinite = "-Infinity"
)

var float = scalar{
	parse: func(text string, v reflect.Value) error {
		// strconv knows more spellings, among them hexadecimal ones.
		decimal := strings.Trim(text, "+-.0123456789eE") == ""
		if !decimal && text != notANumber && text != infinite && text != minusInfinite {
			return errFloat
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return errFloat
		}
		v.SetFloat(f)
		return nil
	},
	append: func(dst []byte, v reflect.Value) []byte {
		switch f := v.Float(); {
		case math.IsInf(f, 1):
			return append(dst, infinite...)
		case math.IsInf(f, -1):
			return append(dst, minusInfinite...)
		default:
			return strconv.AppendFloat(dst, f, 'g', -1, 64)
		}
	},
}

var instant = scalar{
	parse: func(text string, v reflect.Value) error {
		t, err := time.Parse(time.RFC3339, text)
		t = t.UTC()
		if err != nil || t.Year() < 1 || t.Year() > 9999 {
			return errTimestamp
		}
		*v.Addr().Interface().(*time.Time) = t
		return nil
	},
	append: func(dst []byte, v reflect.Value) []byte {
		return v.Interface().(time.Time).UTC().AppendFormat(dst, "2006-01-02T15:04:05Z")
	},
	absent: reflect.Value.IsZero,
}

var blob = scalar{
	parse: func(text string, v reflect.Value) error {
		b, err := decodeBase64(text)
		v.SetBytes(b)
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return base64.StdEncoding.AppendEncode(dst, v.Bytes()) },
	absent: reflect.Value.IsNil,
}

var secretBlob = scalar{
	parse: func(text string, v reflect.Value) error {
		b, err := decodeBase64(text)
		*v.Addr().Interface().(*confidential.Bytes) = confidential.New(b)
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte {
		return base64.StdEncoding.AppendEncode(dst, revealed(v))
	},
	absent: unset,
}

var secretText = scalar{
	parse: func(text string, v reflect.Value) error {
		*v.Addr().Interface().(*confidential.Bytes) = confidential.New([]byte(text))
		return nil
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendText(dst, revealed(v)) },
	absent: unset,
}

func revealed(v reflect.Value) []byte {
	return v.Addr().Interface().(*confidential.Bytes).Reveal(reveal.Token{})
}

func unset(v reflect.Value) bool { return !v.Addr().Interface().(*confidential.Bytes).IsSet() }

// decodeBase64 reads padded standard Base64. The decoder passes over line ends, so those are looked for.
func decodeBase64(text string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		clear(b)
		return nil, errBase64
	}
	return b, nil
}
