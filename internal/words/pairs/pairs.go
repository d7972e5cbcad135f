// Package pairs holds small string-to-string maps, such as an encryption
// context or a set of tags, as sorted slices.
//
// A sorted slice is canonical (equal maps are equal slices), costs one
// allocation, and is iterated in one order everywhere.
package pairs

import (
	"slices"
	"strings"
)

// A Pair is one entry.
type Pair struct {
	Key   string
	Value string
}

// Map is sorted by the bytes of its keys and has no key twice.
type Map []Pair

// New sorts entries in place. It reports false when a key stands twice.
func New(entries []Pair) (Map, bool) {
	slices.SortFunc(entries, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	for i := 1; i < len(entries); i++ {
		if entries[i].Key == entries[i-1].Key {
			return nil, false
		}
	}
	return entries, true
}

// Of makes a Map from a Go map.
func Of(m map[string]string) Map {
	if len(m) == 0 {
		return nil
	}
	out := make(Map, 0, len(m))
	for k, v := range m {
		out = append(out, Pair{k, v})
	}
	out, _ = New(out)
	return out
}

// Get returns the value of key.
func (m Map) Get(key string) (string, bool) {
	i, ok := slices.BinarySearchFunc(m, key, func(p Pair, k string) int { return strings.Compare(p.Key, k) })
	if !ok {
		return "", false
	}
	return m[i].Value, true
}

// Keys lists the keys, nil where there are none.
func (m Map) Keys() []string {
	if len(m) == 0 {
		return nil
	}
	list := make([]string, len(m))
	for i := range m {
		list[i] = m[i].Key
	}
	return list
}

// With returns a copy in which key has value.
func (m Map) With(key, value string) Map {
	i, ok := slices.BinarySearchFunc(m, key, func(p Pair, k string) int { return strings.Compare(p.Key, k) })
	out := slices.Clone(m)
	if ok {
		out[i].Value = value
		return out
	}
	return slices.Insert(out, i, Pair{key, value})
}

// Without returns a copy without key.
func (m Map) Without(key string) Map {
	return slices.DeleteFunc(slices.Clone(m), func(p Pair) bool { return p.Key == key })
}
