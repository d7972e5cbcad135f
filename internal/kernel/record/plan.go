package record

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// A Plan knows the members of a struct that a record may show. It is computed
// once per shape and safe for concurrent use.
type Plan struct {
	members []member
}

type member struct {
	name   string
	index  int
	write  func(dst []byte, v reflect.Value) []byte
	absent func(v reflect.Value) bool
}

// PlanOf reads the audit tags of struct type t. It panics where a tag stands on
// a member that must not be shown or can't be.
func PlanOf(t reflect.Type) *Plan {
	p := &Plan{}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("audit")
		if name == "" {
			continue
		}
		m := member{name: name, index: i}
		m.write, m.absent = renderer(f.Type, t.Name()+"."+f.Name)
		p.members = append(p.members, m)
	}
	return p
}

// Names lists the members that the plan shows.
func (p *Plan) Names() []string {
	names := make([]string, len(p.members))
	for i, m := range p.members {
		names[i] = m.name
	}
	return names
}

// Append appends the object of the struct to which from points, or null where
// nothing of it is shown. more replaces or adds members.
func (p *Plan) Append(dst []byte, from any, more []operation.Member) []byte {
	var v reflect.Value
	if from != nil {
		v = reflect.ValueOf(from).Elem()
	}
	return p.append(dst, v, more)
}

func (p *Plan) append(dst []byte, v reflect.Value, more []operation.Member) []byte {
	w := writer{b: dst}
	w.open()
	empty := true
	if v.IsValid() {
		for i := range p.members {
			m := &p.members[i]
			field := v.Field(m.index)
			if m.absent(field) || named(more, m.name) {
				continue
			}
			w.key(m.name)
			w.b = m.write(w.b, field)
			empty = false
		}
	}
	for _, m := range more {
		w.member(m)
		empty = false
	}
	if empty {
		return append(w.b[:len(w.b)-1], "null"...)
	}
	w.close()
	return w.b
}

// member writes what a service added to a record.
func (w *writer) member(m operation.Member) {
	if m.Pairs == nil {
		w.text(m.Name, m.Value)
		return
	}
	w.key(m.Name)
	w.b = appendPairs(w.b, m.Pairs)
}

func named(list []operation.Member, name string) bool {
	for i := range list {
		if list[i].Name == name {
			return true
		}
	}
	return false
}

type (
	writeFunc  = func([]byte, reflect.Value) []byte
	absentFunc = func(reflect.Value) bool
)

func never(reflect.Value) bool { return false }

// renderer returns how a member of type t is written, and when it is left out.
func renderer(t reflect.Type, where string) (writeFunc, absentFunc) {
	switch t {
	case reflect.TypeFor[confidential.Bytes](), reflect.TypeFor[[]byte]():
		panic("record: " + where + " must not be shown")
	case reflect.TypeFor[pairs.Map]():
		return writePairs, func(v reflect.Value) bool { return v.Len() == 0 }
	case reflect.TypeFor[time.Time]():
		return writeTime, never
	}
	switch t.Kind() {
	case reflect.String:
		return writeText, never
	case reflect.Bool:
		return writeBool, never
	case reflect.Int, reflect.Int64:
		return writeInt, never
	case reflect.Slice:
		return list(t, where), func(v reflect.Value) bool { return v.IsNil() }
	case reflect.Pointer:
		inner, _ := renderer(t.Elem(), where)
		return func(dst []byte, v reflect.Value) []byte { return inner(dst, v.Elem()) }, func(v reflect.Value) bool { return v.IsNil() }
	case reflect.Struct:
		if isOptional(t) {
			inner, _ := renderer(t.Field(0).Type, where)
			return func(dst []byte, v reflect.Value) []byte { return inner(dst, v.Field(0)) },
				func(v reflect.Value) bool { return !v.Field(1).Bool() }
		}
		plan := PlanOf(t)
		return func(dst []byte, v reflect.Value) []byte { return plan.append(dst, v, nil) }, never
	}
	panic(fmt.Sprintf("record: %s has type %s, which no record can show", where, t))
}

// isOptional reports whether t is an optional.Of.
func isOptional(t reflect.Type) bool {
	of := reflect.TypeFor[optional.Of[string]]()
	return t.PkgPath() == of.PkgPath() && strings.HasPrefix(t.Name(), "Of[")
}

func list(t reflect.Type, where string) writeFunc {
	inner, _ := renderer(t.Elem(), where)
	return func(dst []byte, v reflect.Value) []byte {
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = inner(dst, v.Index(i))
		}
		return append(dst, ']')
	}
}

func writeText(dst []byte, v reflect.Value) []byte { return appendString(dst, v.String()) }

func writeBool(dst []byte, v reflect.Value) []byte { return strconv.AppendBool(dst, v.Bool()) }

func writeInt(dst []byte, v reflect.Value) []byte { return strconv.AppendInt(dst, v.Int(), 10) }

func writeTime(dst []byte, v reflect.Value) []byte {
	return appendString(dst, longTime(v.Interface().(time.Time)))
}

func writePairs(dst []byte, v reflect.Value) []byte {
	return appendPairs(dst, *v.Addr().Interface().(*pairs.Map))
}

// appendPairs writes an object of strings, whose names come from the client too.
func appendPairs(dst []byte, m pairs.Map) []byte {
	dst = append(dst, '{')
	for i := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, m[i].Key)
		dst = append(dst, ':')
		dst = appendString(dst, m[i].Value)
	}
	return append(dst, '}')
}
