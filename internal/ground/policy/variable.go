package policy

import "strings"

// A variable is ${key} or ${key, 'default'} inside a pattern.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
type variable struct {
	key         Key
	fallback    string
	hasFallback bool
}

// value returns what stands for v in a request. It reports false for a null:
// the key is absent, empty without a default, or one that holds many values.
func (v *variable) value(q *question) (string, bool) {
	found := q.lookup(&v.key)
	switch {
	case found.Multi && len(found.Many) > 0:
		return "", false
	case found.Present && !found.Multi && found.One != "":
		return found.One, true
	}
	return v.fallback, v.hasFallback
}

// parseVariable reads the variable that s begins with, up to its closing brace,
// and returns what follows it. ${*}, ${?} and ${$} are no variables: they stand
// for the character, which is returned as literal.
func parseVariable(s string) (v variable, literal, rest string, err error) {
	body, ok := strings.CutPrefix(s, "${")
	if !ok {
		return v, "", s, errSyntax
	}
	if len(body) >= 2 && strings.IndexByte("*?$", body[0]) >= 0 && body[1] == '}' {
		return v, body[:1], body[2:], nil
	}
	end := strings.IndexAny(body, ",}")
	if end < 0 {
		return v, "", s, errSyntax
	}
	name := body[:end]
	if name == "" || name != strings.TrimSpace(name) || strings.ContainsAny(name, "${'*?") {
		return v, "", s, errSyntax
	}
	v.key = newKey(name)
	if body[end] == '}' {
		return v, "", body[end+1:], nil
	}
	text, ok := strings.CutPrefix(body[end:], ", '")
	if !ok {
		return v, "", s, errSyntax
	}
	v.hasFallback = true
	if v.fallback, rest, ok = strings.Cut(text, "'}"); !ok {
		return v, "", s, errSyntax
	}
	return v, "", rest, nil
}
