package lint

import (
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/words/arn"
)

// goneID reports whether a principal is a unique id, as which those are shown
// that were deleted.
func goneID(name string) bool {
	return strings.HasPrefix(name, "AIDA") || strings.HasPrefix(name, "AROA")
}

// isAccount reports whether a principal is an account.
func isAccount(name string) bool { return accountOf(name) != "" && !strings.Contains(name, "/") }

// accountOf is the account that a principal is or belongs to.
func accountOf(name string) string {
	if arn.IsAccount(name) {
		return name
	}
	a, _ := arn.Parse(name)
	return a.Account
}

// narrowing are keys by which a condition says who may call, folded.
var narrowing = []string{
	"aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:principaltag/", "aws:userid", "aws:username",
	"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip",
	"kms:calleraccount", "sts:externalid",
}

// principals checks whom a statement is about.
func (l *linter) principals(s *policy.Passage) {
	if !s.Principal.Present {
		return
	}
	if s.Principal.Negated {
		l.find("not-principal", s.Principal.At, "Everybody is denied but those whose whole chain is named.")
	}
	for i, n := range s.Named {
		at := s.Principal.Places[i]
		switch {
		case goneID(n.Name):
			l.find("gone-principal", at, "%s was deleted.", n.Name)
		case s.Deny:
		case n.Name == "*" && !l.narrowed(s):
			l.find("public", at, "Everybody is let in.")
		case n.Type == "Service" && l.Type == Key && !tested(s, "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "kms:encryptioncontext:", "kms:viaservice"):
			l.find("service-unbound", at, "%s is let in for whomever it works.", n.Name)
		case l.Type == Trust && n.Type == "AWS" && l.Account != "" && isAccount(n.Name) && accountOf(n.Name) != l.Account &&
			!tested(s, "sts:externalid", "aws:principalorgid", "aws:principalarn", "aws:principaltag/"):
			l.find("foreign-trust", at, "Account %s may assume the role without an external id.", accountOf(n.Name))
		}
	}
}

// narrowed reports whether a condition says who may call, without saying that all may.
func (l *linter) narrowed(s *policy.Passage) bool {
	for i := range s.Tests {
		t := &s.Tests[i]
		if t.Negated || t.IfExists || t.All || t.Base == "null" || !tested(&policy.Passage{Tests: s.Tests[i : i+1]}, narrowing...) {
			continue
		}
		wide := false
		for _, v := range t.Values {
			wide = wide || v == "*" || v == "0.0.0.0/0" || v == "::/0"
		}
		if !wide {
			return true
		}
	}
	return false
}
