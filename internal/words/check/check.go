// Package check collects what is wrong with the shape of a request, in AWS's words.
//
// All violations of one request are reported together in one Validation fault:
//
//	2 validation errors detected: Value null at 'keyId' failed to satisfy
//	constraint: Member must not be null; Value at 'plaintext' failed to …
//
// The value of a confidential or binary member is never part of the text.
package check

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Checks collects violations. The zero value has none.
type Checks struct {
	violations []string
	err        error
	valueless  bool
}

// Err returns a Validation fault that lists every violation, or nil. A fault
// given to Refuse is returned only where no violation was found.
func (c *Checks) Err() error {
	switch n := len(c.violations); {
	case n == 1:
		return &fault.Fault{Code: fault.Validation, Message: "1 validation error detected: " + c.violations[0]}
	case n > 1:
		return &fault.Fault{Code: fault.Validation, Message: strconv.Itoa(n) + " validation errors detected: " + strings.Join(c.violations, "; ")}
	}
	return c.err
}

// Refuse keeps the first fault that is not a constraint of the published model
// but a rule of the service, worded by the service itself.
func (c *Checks) Refuse(err error) {
	if c.err == nil {
		c.err = err
	}
}

// HideValues has the violations that follow repeat no value, and not list what
// an enum allows, which is how IAM words them.
func (c *Checks) HideValues() { c.valueless = true }

// violation adds a violation. The value is shown as it is: quoted, or null for
// an absent member. hidden is for what must not be shown.
func (c *Checks) violation(value, path, constraint string) {
	if c.valueless && value != absent {
		c.hidden(path, constraint)
		return
	}
	c.violations = append(c.violations, "Value "+value+" at '"+path+"' failed to satisfy constraint: "+constraint)
}

func (c *Checks) hidden(path, constraint string) {
	c.violations = append(c.violations, "Value at '"+path+"' failed to satisfy constraint: "+constraint)
}

// absent stands for the value of a member that is not there.
const absent = "null"

// Required demands that a member is present.
func (c *Checks) Required(path string, set bool) bool {
	if !set {
		c.violation(absent, path, "Member must not be null")
	}
	return set
}

// Length demands min to max characters (Unicode code points) of a member that is present.
func (c *Checks) Length(path string, s optional.Of[string], min, max int) {
	if !s.Set {
		return
	}
	switch n := utf8.RuneCountInString(s.V); {
	case n < min:
		c.violation(quote(s.V), path, "Member must have length greater than or equal to "+strconv.Itoa(min))
	case n > max:
		c.violation(quote(s.V), path, "Member must have length less than or equal to "+strconv.Itoa(max))
	}
}

// Bytes demands min to max bytes of a binary or confidential member that is
// present. Its value is not shown.
func (c *Checks) Bytes(path string, set bool, n, min, max int) {
	switch {
	case !set:
	case n < min:
		c.hidden(path, "Member must have length greater than or equal to "+strconv.Itoa(min))
	case n > max:
		c.hidden(path, "Member must have length less than or equal to "+strconv.Itoa(max))
	}
}

// Items demands min to max elements of a list that is present. Its value is not shown.
func (c *Checks) Items(path string, set bool, n, min, max int) { c.Bytes(path, set, n, min, max) }

// Range demands a number from min to max of a member that is present.
func (c *Checks) Range(path string, n optional.Of[int], min, max int) {
	switch {
	case !n.Set:
	case n.V < min:
		c.violation(quote(strconv.Itoa(n.V)), path, "Member must have value greater than or equal to "+strconv.Itoa(min))
	case n.V > max:
		c.violation(quote(strconv.Itoa(n.V)), path, "Member must have value less than or equal to "+strconv.Itoa(max))
	}
}

// Enum demands one of the values of a member that is present.
func (c *Checks) Enum(path string, s optional.Of[string], values ...string) {
	if !s.Set {
		return
	}
	for _, v := range values {
		if s.V == v {
			return
		}
	}
	if c.valueless {
		c.hidden(path, "Member must satisfy enum value set")
		return
	}
	c.violation(quote(s.V), path, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

// Pattern demands that a member that is present matches re, which must be
// anchored. The pattern is shown as the public model writes it.
func (c *Checks) Pattern(path string, s optional.Of[string], re *regexp.Regexp, shown string) {
	if s.Set && !re.MatchString(s.V) {
		c.violation(quote(s.V), path, "Member must satisfy regular expression pattern: "+shown)
	}
}

// Secret demands that a confidential member matches a pattern, which only its
// owner can tell: matches. Its value is not shown.
func (c *Checks) Secret(path string, matches bool, shown string) {
	if !matches {
		c.hidden(path, "Member must satisfy regular expression pattern: "+shown)
	}
}

// Each demands min to max characters of every element of a list, and that it
// matches re, if there is one. AWS words this as one constraint of the list,
// and shows the whole list as its value.
func (c *Checks) Each(path string, list []string, min, max int, re *regexp.Regexp, shown string) {
	wrong := func(s string) bool {
		n := utf8.RuneCountInString(s)
		return n < min || n > max || re != nil && !re.MatchString(s)
	}
	if !slices.ContainsFunc(list, wrong) {
		return
	}
	constraint := "Member must have length less than or equal to " + strconv.Itoa(max) +
		", Member must have length greater than or equal to " + strconv.Itoa(min)
	if re != nil {
		constraint += ", Member must satisfy regular expression pattern: " + shown
	}
	c.elements(path, list, constraint)
}

// EachEnum demands one of the values of every element of a list, in the words of Each.
func (c *Checks) EachEnum(path string, list []string, values ...string) {
	if !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(values, s) }) {
		return
	}
	constraint := "Member must satisfy enum value set"
	if !c.valueless {
		constraint += ": [" + strings.Join(values, ", ") + "]"
	}
	c.elements(path, list, constraint)
}

// elements adds a violation of what is demanded of every element of a list.
func (c *Checks) elements(path string, list []string, constraint string) {
	c.violation(quote("["+strings.Join(list, ", ")+"]"), path, "Member must satisfy constraint: ["+constraint+"]")
}

// maxShown bounds how much of a value an error repeats.
const maxShown = 1024

func quote(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "..."
	}
	return "'" + s + "'"
}
