package iam

import (
	"fmt"
	"regexp"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	maxItemsDefault = 100
	maxItemsMax     = 1000
	markerMax       = 320
	markerShown     = `[\u0020-\u00FF]+`
)

var markerPattern = regexp.MustCompile(`^[\x{20}-\x{FF}]+$`)

// checkPage checks the members that every list has.
func checkPage(c *check.Checks, marker optional.Of[string], maxItems optional.Of[int]) {
	c.Length("marker", marker, 1, markerMax)
	c.Pattern("marker", marker, markerPattern, markerShown)
	c.Range("maxItems", maxItems, 1, maxItemsMax)
}

// A list is what a marker is bound to: one operation, one account, one filter.
// A marker of one list means nothing to another.
type list struct {
	operation string
	account   string
	filter    string
}

func listOf(c *operation.Call, name, filter string) list {
	return list{operation: name, account: ownAccount(c), filter: filter}
}

func (l list) associated() []byte {
	return []byte(l.operation + "\x00" + l.account + "\x00" + l.filter)
}

// marker seals the name of the last item of a page. Names have at most 128
// characters, so that a marker stays within the limit of the next request.
func (s *Service) marker(l list, last string) optional.Of[string] {
	return optional.Some(s.markers.Seal(l.associated(), []byte(last)))
}

// after opens a marker: the list goes on behind that name. "" is its beginning.
func (s *Service) after(l list, marker optional.Of[string]) (string, error) {
	if !marker.Set {
		return "", nil
	}
	last, err := s.markers.Open(l.associated(), marker.V)
	if err != nil {
		return "", fault.New(fault.Validation, "Invalid Marker.")
	}
	return string(last), nil
}

// cut returns the part of sorted names that a page shows, and whether more follow.
func cut(names []string, after string, max int) (page []string, more bool) {
	for len(names) > 0 && names[0] <= after {
		names = names[1:]
	}
	if len(names) > max {
		return names[:max], true
	}
	return names, false
}

// under returns at most max users or roles of the caller's account whose path
// begins with prefix and whose folded name is greater than after, and whether
// more follow. It walks the names of the account, of which the quota bounds the
// number: an order by path would need markers longer than the API takes.
func under[T any](c *operation.Call, table *store.Table[T], path func(*T) string, prefix, after string, max int) (page []*T, more bool, err error) {
	err = walk(c, table, after, func(v *T) (bool, error) {
		if !strings.HasPrefix(path(v), prefix) {
			return true, nil
		}
		if more = len(page) == max; !more {
			page = append(page, v)
		}
		return !more, nil
	})
	return page, more, err
}

// walk hands what the caller's account has in a table to fn, in the order of
// folded names that are greater than after, as long as fn reports true.
func walk[T any](c *operation.Call, table *store.Table[T], after string, fn func(*T) (bool, error)) error {
	r, err := c.Reader()
	if err != nil {
		return err
	}
	var from store.Key
	if after != "" {
		// No id is greater than the last Unicode character: this key stands
		// behind the one holder of that name, also if it was deleted meanwhile.
		from = append(nameKey(ownAccount(c), after), store.S("\U0010FFFF"))
	}
	const batch = 100
	for more := true; more; {
		seen := 0
		err := table.Scan(c.Context, r, "name", store.Key{store.S(ownAccount(c))}, from, batch, func(v *T, _ store.Rev) error {
			seen++
			from = table.IndexKey("name", v)
			if !more {
				return nil
			}
			var err error
			more, err = fn(v)
			return err
		})
		if err != nil {
			return fmt.Errorf("listing %s of account %s: %w", table.Schema.Name, ownAccount(c), err)
		}
		if seen < batch {
			break
		}
	}
	return nil
}
