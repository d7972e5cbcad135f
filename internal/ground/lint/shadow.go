package lint

import (
	"slices"
	"strings"

	"claviger/internal/ground/policy"
)

// matches reports whether a pattern with * and ? covers text. Where text is a
// pattern itself, the answer is right for patterns without ?.
func matches(pattern, text string) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// within reports whether every entry of inner is covered by one of outer. Entries
// with ? are taken for covered by themselves only.
func within(inner, outer []string, fold bool) bool {
	return !slices.ContainsFunc(inner, func(in string) bool {
		return !slices.ContainsFunc(outer, func(out string) bool {
			if fold {
				in, out = policy.Fold(in), policy.Fold(out)
			}
			return in == out || out == "*" || !strings.Contains(out, "?") && matches(out, in)
		})
	})
}

// shadows looks for statements that another one makes superfluous. The work is
// bounded by what a document can hold.
func (l *linter) shadows() {
	all := l.outline.Statements
	for i := range all {
		for j := range all {
			if i == j || !l.includes(&all[j], &all[i]) {
				continue
			}
			switch {
			case all[i].Deny == all[j].Deny:
				if j < i || !l.includes(&all[i], &all[j]) { // of two that are equal, the second
					l.find("shadowed", all[i].At, "The statement says nothing that statement %d does not.", j+1)
				}
			case all[j].Deny:
				l.find("always-denied", all[i].At, "Statement %d denies all that the statement allows.", j+1)
			default:
				continue
			}
			break
		}
	}
}

// includes reports whether outer applies to every request to which inner does.
func (l *linter) includes(outer, inner *policy.Passage) bool {
	if outer.Action.Negated || outer.Resource.Negated || outer.Principal.Negated || inner.Action.Negated || inner.Resource.Negated || inner.Principal.Negated {
		return false
	}
	if len(inner.Action.Values) == 0 || len(outer.Action.Values) == 0 || !within(inner.Action.Values, outer.Action.Values, true) {
		return false
	}
	if l.Type != Trust && (len(inner.Resource.Values) == 0 || !within(inner.Resource.Values, outer.Resource.Values, false)) {
		return false
	}
	if inner.Principal.Present && !l.includesPrincipals(outer, inner) {
		return false
	}
	return len(outer.Tests) == 0 || sameTests(outer.Tests, inner.Tests)
}

// includesPrincipals reports whether outer is about everybody that inner is about,
// in a way that is as strong.
func (l *linter) includesPrincipals(outer, inner *policy.Passage) bool {
	everyone := slices.ContainsFunc(outer.Named, func(n policy.NamedPrincipal) bool { return n.Name == "*" })
	return !slices.ContainsFunc(inner.Named, func(n policy.NamedPrincipal) bool {
		return !slices.Contains(outer.Named, n) && (!everyone || n.Type != "AWS" && n.Type != "Service")
	})
}

// sameTests reports whether every condition of outer stands in inner, too.
func sameTests(outer, inner []policy.Test) bool {
	return !slices.ContainsFunc(outer, func(o policy.Test) bool {
		return !slices.ContainsFunc(inner, func(i policy.Test) bool {
			return policy.Fold(o.Operator) == policy.Fold(i.Operator) && policy.Fold(o.Key) == policy.Fold(i.Key) && slices.Equal(o.Values, i.Values)
		})
	})
}
