package policy

import "strings"

// An action is an entry of Action or NotAction. Neither vendor nor name has
// letter case.
type action struct {
	vendor string  // folded; "" is any
	name   pattern // folded
}

// newAction checks and compiles an entry.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func newAction(text string) (action, error) {
	if text == "*" {
		text = "*:*"
	}
	vendor, name, ok := strings.Cut(text, ":")
	switch {
	case !ok:
		return action{}, errVendorless
	case strings.Contains(name, ":"):
		return action{}, errColons
	case vendor == "*":
		vendor = ""
	case !isVendor(vendor):
		return action{}, &Malformed{Message: "Vendor " + vendor + " is not valid"}
	}
	p, err := newPattern(Fold(name), wildcards)
	return action{vendor: Fold(vendor), name: p}, err
}

func isVendor(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && r != '-' && r != '.' })
}

// match reports whether a covers the action of q.
func (a *action) match(q *question) bool {
	if a.vendor != "" && !equalFold(q.vendor, a.vendor) {
		return false
	}
	return a.name.matchFold(q.action, q)
}

// Fold lowers the ASCII letters of s: names of actions and of condition keys
// have no letter case.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// equalFold reports whether s, folded, is folded.
func equalFold(s, folded string) bool {
	if len(s) != len(folded) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != folded[i] {
			return false
		}
	}
	return true
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}
