package sigv4

import (
	"strings"

	"claviger/internal/edge/message"
)

// A Scope is the part of the world that a signature is for.
type Scope struct {
	AccessKeyID string
	Date        string // yyyymmdd
	Region      string
	Service     string
}

// Peek reads the scope that a request claims, before anything is verified, so
// that the request can be routed and refused in its own protocol.
// The error is a fault of the kinds MissingAuthentication and IncompleteSignature.
func Peek(r *message.Request) (Scope, error) {
	var c claim
	if err := c.parse(r); err != nil {
		return Scope{}, err
	}
	return c.scope, nil
}

// Require refuses a scope that is not of the given region and service.
func (s Scope) Require(region, service string) error {
	if s.Region != region {
		return invalid("Credential should be scoped to a valid region, not '" + s.Region + "'. ")
	}
	if s.Service != service {
		return invalid("Credential should be scoped to correct service: '" + service + "'. ")
	}
	return nil
}

const terminator = "aws4_request"

// parseScope reads "key/yyyymmdd/region/service/aws4_request".
func parseScope(credential string) (Scope, error) {
	var s Scope
	var ok [4]bool
	rest := credential
	s.AccessKeyID, rest, ok[0] = strings.Cut(rest, "/")
	s.Date, rest, ok[1] = strings.Cut(rest, "/")
	s.Region, rest, ok[2] = strings.Cut(rest, "/")
	s.Service, rest, ok[3] = strings.Cut(rest, "/")
	if ok != [4]bool{true, true, true, true} || strings.Contains(rest, "/") {
		return Scope{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	if rest != terminator {
		return Scope{}, incomplete("Credential should be scoped with a valid terminator: '" + terminator + "'.")
	}
	if !s.wellFormed() {
		return Scope{}, incomplete("Credential has an element of the wrong form, e.g. keyid/date/region/service/term.")
	}
	return s, nil
}

// wellFormed bounds what a scope is made of, so that it can be looked up and
// be part of a text without further thought.
func (s *Scope) wellFormed() bool {
	return composed(s.AccessKeyID, 128, isWord) && len(s.Date) == 8 && composed(s.Date, 8, isDigit) &&
		composed(s.Region, 64, isLabel) && composed(s.Service, 64, isLabel)
}

// composed reports whether s is 1 to max bytes of a kind.
func composed(s string, max int, kind func(byte) bool) bool {
	for i := range len(s) {
		if !kind(s[i]) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= max
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// isWord is \w, which access key ids are made of.
func isWord(c byte) bool { return isDigit(c) || isLower(c|0x20) || c == '_' }

func isLabel(c byte) bool { return isDigit(c) || isLower(c) || c == '-' }
