// Package awsquery is the AWS Query protocol over plain structs: form in, XML out.
//
// A member is an exported field with the tag aws:"Name"; fields without the tag
// are not part of the protocol. A member's type is one of
//
//	string, bool, int, int32, int64, float64   also named ones
//	time.Time                                  ISO 8601, written in UTC and to the second
//	[]byte, confidential.Bytes                 base64
//	confidential.Bytes with aws:"Name,text"    the bytes are the string itself
//	string with aws:"Name,document"            percent-encoded in answers, plain in requests
//	optional.Of of a string, bool, number or time
//	pairs.Map                                  Name.entry.N.key and .value
//	a struct, a pointer to one                 Name.Member
//	a slice of any of these but pointers,
//	optionals and slices                       Name.member.N
//
// A plan per shape is computed once.
//
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
package awsquery

import (
	"fmt"
	"reflect"
	"strings"

	"claviger/internal/kernel/operation"
)

// A Shape is the plan of a struct type. It is safe for concurrent use.
type Shape struct {
	of      reflect.Type
	members []member
}

// A member of a shape: its name and its codec, at a field of the struct.
type member struct {
	name  string
	field int
	codec
}

// Plan computes the plan of t. It panics if t is not a struct, or has a member
// that the protocol can't carry.
func Plan(t reflect.Type) *Shape { return planner{}.shape(t) }

// Members lists the names of the members on the wire, in the order of the fields.
func (s *Shape) Members() []string {
	names := make([]string, len(s.members))
	for i := range s.members {
		names[i] = s.members[i].name
	}
	return names
}

// Decode fills the struct to which into points, which is empty when it begins,
// from the members of f. Parameters that are no members are ignored. Values of
// the wrong form, and lists and maps with broken indexes, are a fault
// Serialization, whose text repeats nothing of the form; the struct may then be
// filled in part.
func (s *Shape) Decode(f *Form, into any) error { return s.decode(f, "", s.value(into)) }

// none is what has no result element.
var none = reflect.TypeFor[operation.None]()

// Append appends the response document of an operation. operation.None has no
// result element; any other Out has one even without members, as SDKs demand.
// Absent optionals, unset confidential bytes, zero times, nil slices, maps and
// pointers are left out.
func (s *Shape) Append(dst []byte, operation, namespace, requestID string, from any) []byte {
	v := s.value(from)
	dst = append(append(dst, '<'), operation...)
	dst = append(dst, `Response xmlns="`...)
	dst = appendText(dst, namespace)
	dst = append(dst, `">`...)
	if s.of != none {
		result := operation + "Result"
		dst = opening(dst, result)
		dst = s.append(dst, v)
		dst = closing(dst, result)
	}
	dst = append(dst, "<ResponseMetadata><RequestId>"...)
	dst = appendText(dst, requestID)
	dst = append(dst, "</RequestId></ResponseMetadata></"...)
	return append(append(dst, operation...), "Response>"...)
}

// value returns the struct behind a pointer.
func (s *Shape) value(pointer any) reflect.Value {
	v := reflect.ValueOf(pointer)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem() != s.of {
		panic(fmt.Sprintf("awsquery: plan of %s used for %T", s.of, pointer))
	}
	return v.Elem()
}

// decode reads the members whose names begin with prefix.
func (s *Shape) decode(f *Form, prefix string, v reflect.Value) error {
	for i := range s.members {
		m := &s.members[i]
		if err := m.decode(f, prefix+m.name, v.Field(m.field)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shape) append(dst []byte, v reflect.Value) []byte {
	for i := range s.members {
		m := &s.members[i]
		field := v.Field(m.field)
		if m.absent != nil && m.absent(field) {
			continue
		}
		dst = opening(dst, m.name)
		dst = m.append(dst, field)
		dst = closing(dst, m.name)
	}
	return dst
}

// A planner makes shapes. It remembers them, because a shape may contain itself.
type planner map[reflect.Type]*Shape

func (p planner) shape(t reflect.Type) *Shape {
	if s := p[t]; s != nil {
		return s
	}
	if t.Kind() != reflect.Struct {
		panic("awsquery: " + t.String() + " is not a struct")
	}
	s := &Shape{of: t}
	p[t] = s
	names := make(map[string]bool)
	for i := range t.NumField() {
		f := t.Field(i)
		where := t.String() + "." + f.Name
		if f.Anonymous {
			panic("awsquery: " + where + " is embedded; members are written out")
		}
		name, option, _ := strings.Cut(f.Tag.Get("aws"), ",")
		if name == "" {
			continue
		}
		if !f.IsExported() || !plain(name) || names[name] {
			panic("awsquery: " + where + " can't be member " + name)
		}
		names[name] = true
		s.members = append(s.members, member{name: name, field: i, codec: p.codec(f.Type, option, where)})
	}
	return s
}

// plain reports whether a name is letters and digits, which stand for
// themselves in a form and in XML.
func plain(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}
