package iam_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"claviger/internal/words/confidential"
)

// Every ask stays within what its operation declares, every operation is named
// after its action, and only reads are read-only.
func TestOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var names []string
	for _, op := range w.iam.Operations() {
		names = append(names, op.Name)
		if op.AsksNothing {
			t.Errorf("%s asks nothing", op.Name)
		}
		if !slices.Contains(op.Actions, "iam:"+op.Name) {
			t.Errorf("%s asks for %v", op.Name, op.Actions)
		}
		reads := strings.HasPrefix(op.Name, "Get") || strings.HasPrefix(op.Name, "List") || strings.HasPrefix(op.Name, "Simulate")
		if reads == op.Writes {
			t.Errorf("%s: declared as a Change: %t", op.Name, op.Writes)
		}
		neverShown(t, op.Name, op.In)
		neverShown(t, op.Name, op.Out)
	}
	inOrder := func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) } // of the public reference
	if !slices.IsSortedFunc(names, inOrder) {
		slices.SortFunc(names, inOrder)
		t.Errorf("operations in order are %v", names)
	}
}

// neverShown fails where a record would show a confidential member, and where
// an input has a member that no record shows.
func neverShown(t *testing.T, where string, shape reflect.Type) {
	t.Helper()
	for i := range shape.NumField() {
		f := shape.Field(i)
		at := where + "." + f.Name
		if f.Tag.Get("aws") == "" {
			t.Errorf("%s has no name on the wire", at)
		}
		if f.Type == reflect.TypeFor[confidential.Bytes]() {
			if f.Tag.Get("audit") != "" {
				t.Errorf("records show %s", at)
			}
			continue
		}
		if strings.HasSuffix(shape.Name(), "Input") && f.Tag.Get("audit") == "" {
			t.Errorf("no record shows %s", at)
		}
		element := f.Type
		if element.Kind() == reflect.Slice {
			element = element.Elem()
		}
		if element.Kind() == reflect.Struct && element.PkgPath() == "claviger/internal/service/iam" {
			neverShown(t, at, element)
		}
	}
}
