package iam

import "strings"

// A progress is how far a list has come that goes through several tables, one
// after the other. A place in it is the part of the list, a letter that grows from
// part to part, and a folded name.
type progress struct {
	after string // place behind which the page begins
	last  string // place of the last item of the page
	left  int    // items that the page has room for
	more  bool   // items follow that the page has no room for
}

// part returns the name behind which a part of the list begins. It reports false where the
// page has nothing of the part.
func (p *progress) part(letter string) (after string, ok bool) {
	if rest, found := strings.CutPrefix(p.after, letter); found {
		return rest, !p.more
	}
	return "", !p.more && p.after < letter
}

// take makes room for an item. It reports false where there is none any more.
func (p *progress) take(letter, name string) bool {
	if p.left == 0 {
		p.more = true
		return false
	}
	p.left--
	p.last = letter + fold(name)
	return true
}
