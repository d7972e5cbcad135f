// Package awsjson is the AWS JSON 1.1 protocol over plain structs.
//
// A member is an exported field with the tag aws:"Name"; fields without the tag
// are not part of the protocol. A member's type is one of
//
//	string, bool, int, int32, int64, float64   also named ones
//	time.Time                                  seconds since 1970, down to milliseconds
//	[]byte, confidential.Bytes                 base64
//	confidential.Bytes with aws:"Name,text"    the bytes are the string itself
//	optional.Of of a string, bool, number or time
//	pairs.Map                                  an object of strings
//	a struct, a pointer to one, a slice of any of these but pointers and optionals
//
// The option "document" of the Query protocol is taken and means nothing here.
// A plan per shape is computed once.
//
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
package awsjson

import (
	"fmt"
	"reflect"
	"strings"
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

// membersMax is how many members a shape may have: a decoder marks in one word
// which it has seen.
const membersMax = 64

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

// Decode fills the struct to which into points, which is empty when it begins.
// An empty body is an empty object, null is an absent member, and unknown
// members are ignored. Malformed JSON, a member that stands twice at any level,
// wrong types, numbers out of range, invalid UTF-8 and nesting deeper than 64
// are a fault Serialization, whose text repeats nothing of the body; the struct
// may then be filled in part. Nothing in the struct refers to the body.
func (s *Shape) Decode(body []byte, into any) error {
	v := s.value(into)
	if len(body) == 0 {
		return nil
	}
	in := scanner{b: body}
	if err := s.decode(&in, v); err != nil {
		return err
	}
	return in.end()
}

// Append appends the JSON of the struct to which from points. Absent optionals,
// unset confidential bytes, zero times, nil slices, maps and pointers are left out.
func (s *Shape) Append(dst []byte, from any) []byte { return s.append(dst, s.value(from)) }

// value returns the struct behind a pointer.
func (s *Shape) value(pointer any) reflect.Value {
	v := reflect.ValueOf(pointer)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem() != s.of {
		panic(fmt.Sprintf("awsjson: plan of %s used for %T", s.of, pointer))
	}
	return v.Elem()
}

func (s *Shape) decode(in *scanner, v reflect.Value) error {
	if err := in.open('{', "Structure"); err != nil {
		return err
	}
	var seen uint64
	var strangers names
	next := 0
	for more := in.first('}'); more; {
		key, err := in.key()
		if err != nil {
			return err
		}
		i := s.find(key, next)
		switch {
		case i < 0:
			err = strangers.skip(in, key)
		case seen&(1<<i) != 0:
			err = errTwice
		case !in.null():
			err = s.members[i].decode(in, v.Field(s.members[i].field))
		}
		if err != nil {
			return err
		}
		if i >= 0 {
			seen |= 1 << i
			next = i + 1
		}
		if more, err = in.more('}'); err != nil {
			return err
		}
	}
	return nil
}

// find returns the index of a member, -1 where there is none. Clients mostly
// send members in the order in which they are declared: next is tried first.
func (s *Shape) find(name []byte, next int) int {
	if next < len(s.members) && s.members[next].name == string(name) {
		return next
	}
	for i := range s.members {
		if s.members[i].name == string(name) {
			return i
		}
	}
	return -1
}

func (s *Shape) append(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	first := true
	for i := range s.members {
		m := &s.members[i]
		field := v.Field(m.field)
		if m.absent != nil && m.absent(field) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, m.name...)
		dst = append(dst, '"', ':')
		dst = m.append(dst, field)
	}
	return append(dst, '}')
}

// A planner makes shapes. It remembers them, because a shape may contain itself.
type planner map[reflect.Type]*Shape

func (p planner) shape(t reflect.Type) *Shape {
	if s := p[t]; s != nil {
		return s
	}
	if t.Kind() != reflect.Struct {
		panic("awsjson: " + t.String() + " is not a struct")
	}
	s := &Shape{of: t}
	p[t] = s
	for i := range t.NumField() {
		f := t.Field(i)
		where := t.String() + "." + f.Name
		if f.Anonymous {
			panic("awsjson: " + where + " is embedded; members are written out")
		}
		name, option, _ := strings.Cut(f.Tag.Get("aws"), ",")
		if name == "" {
			continue
		}
		if !f.IsExported() || !plain(name) || s.find([]byte(name), 0) >= 0 || len(s.members) == membersMax {
			panic("awsjson: " + where + " can't be member " + name)
		}
		s.members = append(s.members, member{name: name, field: i, codec: p.codec(f.Type, option, where)})
	}
	return s
}

// plain reports whether a name stands for itself in JSON and XML.
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
