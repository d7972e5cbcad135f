package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

const (
	resultsMax = 20
	tokenMax   = 100000
)

// A Page is what every request for a list may have.
type page struct {
	token optional.Of[string]
	most  optional.Of[int]
}

func (p page) validate(c *check.Checks) {
	may(c, p.token, 0, tokenMax, nil)
	switch {
	case !p.most.Set:
	case p.most.V < 1:
		c.Refuse(errTooSmall)
	case p.most.V > resultsMax:
		c.Refuse(errTooLarge)
	}
}

func (p page) size() int { return p.most.Or(resultsMax) }

var errToken = invalid("INVALID_NEXT_TOKEN", "Get the value for the NextToken parameter from the response to a previous call of the operation.")

// A list is what a token is bound to: it opens for no other operation, account or filter.
func list(c *operation.Call, filter string) []byte {
	return []byte(c.Operation + "\x00" + c.Caller.Principal.Account + "\x00" + filter)
}

// next seals the name of the last item of a page.
func (s *Service) next(c *operation.Call, filter, last string) optional.Of[string] {
	return optional.Some(s.tokens.Seal(list(c, filter), []byte(last)))
}

// after opens a token: the list goes on behind that name. "" is its beginning.
func (s *Service) after(c *operation.Call, filter string, p page) (string, error) {
	if !p.token.Set {
		return "", nil
	}
	last, err := s.tokens.Open(list(c, filter), p.token.V)
	if err != nil {
		return "", errToken
	}
	return string(last), nil
}

// paged is a page that is being filled, with one item more than it shows.
type paged[T any] struct {
	items []T
	names []string
	most  int
}

// add takes an item and reports whether the page has room for more.
func (p *paged[T]) add(name string, item T) bool {
	p.items, p.names = append(p.items, item), append(p.names, name)
	return len(p.items) <= p.most
}

// cut returns the page, never nil, with the token of the next where more follow.
func (p *paged[T]) cut(s *Service, c *operation.Call, filter string) ([]T, optional.Of[string]) {
	if len(p.items) <= p.most {
		return append([]T{}, p.items...), optional.Of[string]{}
	}
	return p.items[:p.most], s.next(c, filter, p.names[p.most-1])
}
