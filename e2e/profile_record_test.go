package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"testing"
)

// What records are compared with. An object demands its members and lets others
// be, exactly demands that there are no others.
type (
	exactly map[string]any
	members []string // a list of strings in any order
	absence struct{}
	some    struct{}
)

var (
	absent   = absence{}
	anything = some{} // that is there
	uuid     = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	grantID  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	ashore   = regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`)
	instant  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
)

// holds demands that a record is as wanted, and says of every member that is not.
func holds(t *testing.T, row string, record object, want any) {
	t.Helper()
	found := differences("", record, true, want)
	for _, difference := range found {
		t.Errorf("%s:%s", row, difference)
	}
	if len(found) > 0 {
		b, err := json.Marshal(record)
		t.Logf("%s: %s, %v", row, b, err)
	}
}

func differences(path string, got any, there bool, want any) []string {
	wrong := func() []string { return []string{fmt.Sprintf("%s is %#v, want %v", path, got, want)} }
	switch want := want.(type) {
	case absence:
		if there {
			return []string{fmt.Sprintf("%s is %#v, want nothing", path, got)}
		}
	case some:
		if !there || got == nil {
			return wrong()
		}
	case *regexp.Regexp:
		if text, ok := got.(string); !ok || !want.MatchString(text) {
			return wrong()
		}
	case members:
		list, _ := got.([]any)
		var names []string
		for _, v := range list {
			names = append(names, fmt.Sprint(v))
		}
		slices.Sort(names)
		if !slices.Equal(names, slices.Sorted(slices.Values(want))) {
			return wrong()
		}
	case object:
		return ofMembers(path, got, want, false)
	case exactly:
		return ofMembers(path, got, want, true)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return wrong()
		}
		var found []string
		for i := range want {
			found = append(found, differences(fmt.Sprintf("%s[%d]", path, i), list[i], true, want[i])...)
		}
		return found
	default:
		if !there || !reflect.DeepEqual(got, want) {
			return wrong()
		}
	}
	return nil
}

func ofMembers(path string, got any, want map[string]any, all bool) []string {
	o, ok := got.(object)
	if !ok {
		return []string{fmt.Sprintf("%s is %#v, want an object", path, got)}
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		v, there := o[name]
		found = append(found, differences(path+" "+name, v, there, want[name])...)
	}
	for name := range o {
		if _, wanted := want[name]; all && !wanted {
			found = append(found, fmt.Sprintf("%s %s is there, want nothing", path, name))
		}
	}
	return found
}

// TestDifferences: the comparison itself finds what differs, and nothing else.
func TestDifferences(t *testing.T) {
	t.Parallel()
	record := object{"a": "x", "b": object{"c": "y"}, "l": []any{"q", "p"}, "n": nil, "t": true}
	for i, test := range []struct {
		want  any
		finds int
	}{
		{object{"a": "x", "b": object{}, "n": nil, "t": true, "z": absent, "l": members{"p", "q"}}, 0},
		{object{"a": regexp.MustCompile(`^x$`), "b": exactly{"c": anything}, "l": []any{"q", "p"}}, 0},
		{object{"a": "y"}, 1},
		{object{"a": absent}, 1},
		{object{"n": anything}, 1},
		{object{"z": nil}, 1},
		{object{"b": exactly{}}, 1},
		{object{"b": exactly{"c": "y", "d": "z"}}, 1},
		{object{"l": members{"p"}}, 1},
		{object{"l": []any{"p", "q"}}, 2},
		{object{"a": object{}}, 1},
		{exactly{"a": "x"}, 4},
	} {
		if found := differences("", record, true, test.want); len(found) != test.finds {
			t.Errorf("%d: found %q, want %d differences", i, found, test.finds)
		}
	}
}
