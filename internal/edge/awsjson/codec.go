package awsjson

import (
	"encoding/base64"
	"reflect"
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
	decode func(in *scanner, v reflect.Value) error
	append func(dst []byte, v reflect.Value) []byte
	absent func(v reflect.Value) bool // nil where a value is always there
}

// codec returns the codec of a member.
func (p planner) codec(t reflect.Type, option, where string) codec {
	if option != "" && option != "document" && (option != "text" || t != reflect.TypeFor[confidential.Bytes]()) {
		panic("awsjson: " + where + " can't have option " + option)
	}
	switch {
	case t == reflect.TypeFor[confidential.Bytes]() && option == "text":
		return secretText
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		return p.pointer(t)
	case isOptional(t):
		c, ok := scalar(t.Field(0).Type)
		if !ok {
			panic("awsjson: " + where + " is an optional of what is no scalar")
		}
		return optionally(c)
	}
	return p.element(t, where)
}

// element returns the codec of what may also be an element of a list.
func (p planner) element(t reflect.Type, where string) codec {
	if c, ok := scalar(t); ok {
		return c
	}
	switch {
	case t == reflect.TypeFor[confidential.Bytes]():
		return secretBlob
	case t == reflect.TypeFor[pairs.Map]():
		return object
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return blob
	case t.Kind() == reflect.Slice:
		return list(p.element(t.Elem(), where))
	case t.Kind() == reflect.Struct && !isOptional(t):
		s := p.shape(t)
		return codec{decode: s.decode, append: s.append}
	}
	panic("awsjson: " + where + " has type " + t.String() + ", which the protocol can't carry")
}

// scalar returns the codec of strings, booleans, numbers and times.
func scalar(t reflect.Type) (codec, bool) {
	if t == reflect.TypeFor[time.Time]() {
		return instant, true
	}
	switch t.Kind() {
	case reflect.String:
		return text, true
	case reflect.Bool:
		return boolean, true
	case reflect.Int, reflect.Int32, reflect.Int64:
		return integer, true
	case reflect.Float64:
		return float, true
	}
	return codec{}, false
}

func isOptional(t reflect.Type) bool {
	of := reflect.TypeFor[optional.Of[string]]()
	return t.PkgPath() == of.PkgPath() && strings.HasPrefix(t.Name(), "Of[")
}

// optionally reads and writes an optional.Of: field 0 is the value, field 1 says that it is set.
func optionally(c codec) codec {
	return codec{
		decode: func(in *scanner, v reflect.Value) error {
			v.Field(1).SetBool(true)
			return c.decode(in, v.Field(0))
		},
		append: func(dst []byte, v reflect.Value) []byte { return c.append(dst, v.Field(0)) },
		absent: func(v reflect.Value) bool { return !v.Field(1).Bool() },
	}
}

func (p planner) pointer(t reflect.Type) codec {
	s := p.shape(t.Elem())
	return codec{
		decode: func(in *scanner, v reflect.Value) error {
			v.Set(reflect.New(s.of))
			return s.decode(in, v.Elem())
		},
		append: func(dst []byte, v reflect.Value) []byte { return s.append(dst, v.Elem()) },
		absent: reflect.Value.IsNil,
	}
}

// elementsMax is how many elements a list or a map may have. It bounds what a
// small body can make of itself in memory, far above any list of any API.
const elementsMax = 10_000

func list(c codec) codec {
	return codec{
		decode: func(in *scanner, v reflect.Value) error {
			if err := in.open('[', "List"); err != nil {
				return err
			}
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
			var err error
			for more := in.first(']'); more; {
				n := v.Len()
				if n == elementsMax {
					return errLong
				}
				v.Grow(1)
				v.SetLen(n + 1)
				v.Index(n).SetZero()
				if err = c.decode(in, v.Index(n)); err != nil {
					return err
				}
				if more, err = in.more(']'); err != nil {
					return err
				}
			}
			return nil
		},
		append: func(dst []byte, v reflect.Value) []byte {
			dst = append(dst, '[')
			for i := range v.Len() {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = c.append(dst, v.Index(i))
			}
			return append(dst, ']')
		},
		absent: reflect.Value.IsNil,
	}
}

var object = codec{
	decode: func(in *scanner, v reflect.Value) error {
		m, err := in.pairs()
		*v.Addr().Interface().(*pairs.Map) = m
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte {
		dst = append(dst, '{')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			pair := v.Index(i)
			dst = appendString(dst, pair.Field(0).String())
			dst = append(dst, ':')
			dst = appendString(dst, pair.Field(1).String())
		}
		return append(dst, '}')
	},
	absent: reflect.Value.IsNil,
}

var text = codec{
	decode: func(in *scanner, v reflect.Value) error {
		b, err := in.text("a String")
		v.SetString(string(b))
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendString(dst, v.String()) },
}

var boolean = codec{
	decode: func(in *scanner, v reflect.Value) error {
		b, err := in.boolean()
		v.SetBool(b)
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return strconv.AppendBool(dst, v.Bool()) },
}

var integer = codec{
	decode: func(in *scanner, v reflect.Value) error {
		n, err := in.integer(v.Type().Bits())
		v.SetInt(n)
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return strconv.AppendInt(dst, v.Int(), 10) },
}

var float = codec{
	decode: func(in *scanner, v reflect.Value) error {
		f, err := in.float()
		v.SetFloat(f)
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendFloat(dst, v.Float()) },
}

var instant = codec{
	decode: func(in *scanner, v reflect.Value) error {
		t, err := in.time()
		*v.Addr().Interface().(*time.Time) = t
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendTime(dst, v.Interface().(time.Time)) },
	absent: reflect.Value.IsZero,
}

var blob = codec{
	decode: func(in *scanner, v reflect.Value) error {
		b, err := in.blob()
		v.SetBytes(b)
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendBlob(dst, v.Bytes()) },
	absent: reflect.Value.IsNil,
}

var secretBlob = codec{
	decode: func(in *scanner, v reflect.Value) error {
		b, err := in.blob()
		*v.Addr().Interface().(*confidential.Bytes) = confidential.New(b)
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendBlob(dst, revealed(v)) },
	absent: unset,
}

var secretText = codec{
	decode: func(in *scanner, v reflect.Value) error {
		b, err := in.text("a String")
		if err == nil {
			*v.Addr().Interface().(*confidential.Bytes) = confidential.New(append([]byte{}, b...))
		}
		return err
	},
	append: func(dst []byte, v reflect.Value) []byte { return appendString(dst, revealed(v)) },
	absent: unset,
}

func revealed(v reflect.Value) []byte {
	return v.Addr().Interface().(*confidential.Bytes).Reveal(reveal.Token{})
}

func unset(v reflect.Value) bool { return !v.Addr().Interface().(*confidential.Bytes).IsSet() }

func appendBlob(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}
