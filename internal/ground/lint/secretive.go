package lint

import (
	"regexp"

	"claviger/internal/ground/policy"
)

// telling are the forms of secrets: keys of AWS and of others, tokens, private
// keys, and what is called a secret where it stands.
var telling = regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b` +
	`|-----BEGIN [A-Z ]*PRIVATE KEY` +
	`|\bgh[pousr]_[A-Za-z0-9]{30,}` +
	`|\bxox[abprs]-[A-Za-z0-9-]{10,}` +
	`|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.` +
	`|(?i:\b(password|passwd|pwd|secret|token|api[_-]?key)\s*[=:]\s*\S{4,})`)

// Secretive reports whether text looks as if it held a secret.
func Secretive(text string) bool { return telling.MatchString(text) }

// secrets looks at what of a statement people write freely.
func (l *linter) secrets(s *policy.Passage) {
	if Secretive(s.Sid) {
		l.find("secret-text", s.At, "The id of the statement looks like a secret.")
	}
	for i := range s.Tests {
		for j, v := range s.Tests[i].Values {
			if Secretive(v) {
				l.find("secret-text", s.Tests[i].Places[j], "A value of %s looks like a secret.", s.Tests[i].Key)
			}
		}
	}
}
