package iam

import (
	"regexp"
	"strings"

	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Patterns of the public model. IAM words what breaks them in its own way,
// not as a constraint of the model.
var (
	namePattern       = regexp.MustCompile(`^[0-9A-Za-z_+=,.@-]+$`)
	pathPattern       = regexp.MustCompile(`^(/|/[!-~]+/)$`)
	pathPrefixPattern = regexp.MustCompile("^/[!-\x7f]*$")
	wordPattern       = regexp.MustCompile(`^[0-9A-Za-z_]+$`)
	documentPattern   = regexp.MustCompile(`^[\t\n\r\x{20}-\x{FF}]+$`)
)

const (
	newUserNameMax = 64 // of a user to be created; references to users may be longer
	nameMax        = 128
	pathMax        = 512
	documentMax    = 131072
)

// checkName demands the form that names of users and policies have.
func checkName(c *check.Checks, path string, name optional.Of[string], max int) {
	c.Length(path, name, 0, max) // the pattern refuses an empty name, in its own words
	if name.Set && !namePattern.MatchString(name.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", path))
	}
}

// checkRequiredName is checkName of a member that must be present.
func checkRequiredName(c *check.Checks, path string, name optional.Of[string], max int) {
	if c.Required(path, name.Set) {
		checkName(c, path, name, max)
	}
}

func checkPath(c *check.Checks, path optional.Of[string]) {
	c.Length("path", path, 0, pathMax)
	if path.Set && !pathPattern.MatchString(path.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."))
	}
}

func checkPathPrefix(c *check.Checks, prefix optional.Of[string]) {
	c.Length("pathPrefix", prefix, 0, pathMax)
	if prefix.Set && !pathPrefixPattern.MatchString(prefix.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters."))
	}
}

func checkAccessKeyID(c *check.Checks, id optional.Of[string]) {
	if !c.Required("accessKeyId", id.Set) {
		return
	}
	c.Length("accessKeyId", id, accessKeyIDMin, accessKeyIDMax)
	if !wordPattern.MatchString(id.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for accessKeyId is invalid. It must contain only alphanumeric characters."))
	}
}

func checkDocument(c *check.Checks, document optional.Of[string]) {
	if !c.Required("policyDocument", document.Set) {
		return
	}
	c.Length("policyDocument", document, 1, documentMax)
	if !documentPattern.MatchString(document.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for policyDocument is invalid. It must contain only printable ASCII characters."))
	}
}

// fold returns the form in which names of users are unique: they are not
// distinguished by case. Names are ASCII.
func fold(name string) string { return strings.ToLower(name) }
