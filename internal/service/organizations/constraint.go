package organizations

import (
	"regexp"
	"slices"
	"unicode/utf8"

	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// Patterns of the public model.
var (
	accountPattern   = regexp.MustCompile(`^\d{12}$`)
	creationPattern  = regexp.MustCompile(`^car-[a-z0-9]{8,32}$`)
	handshakePattern = regexp.MustCompile(`^h-[0-9a-z]{8,32}$`)
	emailPattern     = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	namePattern      = regexp.MustCompile(`^[ -~]+$`)
	parentPattern    = regexp.MustCompile(`^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
	childPattern     = regexp.MustCompile(`^(\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
	policyPattern    = regexp.MustCompile(`^p-[0-9a-zA-Z_]{8,128}$`)
	rolePattern      = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	rootPattern      = regexp.MustCompile(`^r-[0-9a-z]{4,32}$`)
	targetPattern    = regexp.MustCompile(`^(r-[0-9a-z]{4,32}|\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
	taggablePattern  = regexp.MustCompile(`^(r-[0-9a-z]{4,32}|\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|p-[0-9a-zA-Z_]{8,128}|rp-[0-9a-zA-Z_]{4,128}|rt-[0-9a-zA-Z_]{8,32})$`)
	unitPattern      = regexp.MustCompile(`^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$`)
)

// Organizations says of one violation only, without the member's name. It has a
// reason for each constraint of the model.
var (
	errRequired   = invalid("INPUT_REQUIRED", "You must include a value for all required parameters.")
	errPattern    = invalid("INVALID_PATTERN", "You provided a value that does not match the required pattern.")
	errEnum       = invalid("INVALID_ENUM", "You specified an invalid value.")
	errTooLong    = invalid("MAX_LENGTH_EXCEEDED", "You provided a string parameter that is longer than allowed.")
	errTooShort   = invalid("MIN_LENGTH_EXCEEDED", "You provided a string parameter that is shorter than allowed.")
	errTooLarge   = invalid("MAX_VALUE_EXCEEDED", "You provided a numeric parameter that has a larger value than allowed.")
	errTooSmall   = invalid("MIN_VALUE_EXCEEDED", "You provided a numeric parameter that has a smaller value than allowed.")
	errPolicyType = invalid("INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type string.")
)

// required demands members. It comes after everything else that is checked.
func required(c *check.Checks, set ...bool) {
	if slices.Contains(set, false) {
		c.Refuse(errRequired)
	}
}

// may demands a length from min to max of a member that is present, and that it
// matches re if there is one.
func may(c *check.Checks, v optional.Of[string], min, max int, re *regexp.Regexp) {
	if !v.Set {
		return
	}
	switch n := utf8.RuneCountInString(v.V); {
	case n > max:
		c.Refuse(errTooLong)
	case n < min:
		c.Refuse(errTooShort)
	case re != nil && !re.MatchString(v.V):
		c.Refuse(errPattern)
	}
}

// oneOf demands one of values of a member that is present.
func oneOf(c *check.Checks, v optional.Of[string], values ...string) {
	if v.Set && !slices.Contains(values, v.V) {
		c.Refuse(errEnum)
	}
}

func checkAccount(c *check.Checks, id optional.Of[string]) { may(c, id, 0, 12, accountPattern) }

func checkUnit(c *check.Checks, id optional.Of[string]) { may(c, id, 0, 68, unitPattern) }

func checkParent(c *check.Checks, id optional.Of[string]) { may(c, id, 0, 100, parentPattern) }

func checkPolicy(c *check.Checks, id optional.Of[string]) { may(c, id, 0, 130, policyPattern) }

func checkTarget(c *check.Checks, id optional.Of[string]) { may(c, id, 0, 100, targetPattern) }

func checkType(c *check.Checks, name optional.Of[string]) {
	if name.Set && !slices.Contains(policyTypes, name.V) {
		c.Refuse(errPolicyType)
	}
}
