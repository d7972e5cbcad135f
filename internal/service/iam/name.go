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
	policyPathPattern = regexp.MustCompile(`^(/[A-Za-z0-9.,+@=_-]+)*/$`)
	pathPrefixPattern = regexp.MustCompile("^/[!-\x7f]*$")
	wordPattern       = regexp.MustCompile(`^[0-9A-Za-z_]+$`)
	documentPattern   = regexp.MustCompile(`^[\t\n\r\x{20}-\x{FF}]+$`)

	descriptionPattern = regexp.MustCompile(`^[\t\n\r\x{20}-\x{7E}\x{A1}-\x{FF}]*$`)
)

var versionIDPattern = regexp.MustCompile(`^v[1-9][0-9]*(\.[A-Za-z0-9-]*)?$`)

const versionIDShown = `v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`

const descriptionShown = `[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`

const (
	newUserNameMax = 64 // of a user to be created; references to users may be longer
	roleNameMax    = 64
	nameMax        = 128
	pathMax        = 512
	documentMax    = 131072
	descriptionMax = 1000
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

func checkPath(c *check.Checks, path optional.Of[string]) { checkPathAt(c, "path", path) }

func checkNewPath(c *check.Checks, path optional.Of[string]) { checkPathAt(c, "newPath", path) }

func checkPathAt(c *check.Checks, at string, path optional.Of[string]) {
	c.Length(at, path, 0, pathMax)
	if path.Set && !pathPattern.MatchString(path.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for %s is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", at))
	}
}

// checkPathPrefix demands the beginning of a path of users or roles.
func checkPathPrefix(c *check.Checks, prefix optional.Of[string]) {
	checkPrefix(c, prefix, pathPrefixPattern)
}

// checkPolicyPathPrefix demands a path of managed policies, which has whole parts only.
func checkPolicyPathPrefix(c *check.Checks, prefix optional.Of[string]) {
	checkPrefix(c, prefix, policyPathPattern)
}

// checkPolicyPath demands a path of a managed policy.
func checkPolicyPath(c *check.Checks, path optional.Of[string]) {
	c.Length("path", path, 0, pathMax)
	if path.Set && !policyPathPattern.MatchString(path.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."))
	}
}

// checkVersionID demands an id in the form that versions of managed policies have.
func checkVersionID(c *check.Checks, id optional.Of[string]) {
	if c.Required("versionId", id.Set) {
		c.Pattern("versionId", id, versionIDPattern, versionIDShown)
	}
}

func checkPrefix(c *check.Checks, prefix optional.Of[string], pattern *regexp.Regexp) {
	c.Length("pathPrefix", prefix, 0, pathMax)
	if prefix.Set && !pattern.MatchString(prefix.V) {
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

func checkDocument(c *check.Checks, path string, document optional.Of[string]) {
	if !c.Required(path, document.Set) {
		return
	}
	c.Length(path, document, 1, documentMax)
	if !documentPattern.MatchString(document.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for %s is invalid. It must contain only printable ASCII characters.", path))
	}
}

func checkDescription(c *check.Checks, description optional.Of[string]) {
	c.Length("description", description, 0, descriptionMax)
	c.Pattern("description", description, descriptionPattern, descriptionShown)
}

// fold returns the form in which names of users, groups, roles and policies are unique: they are not
// distinguished by case. Names are ASCII.
func fold(name string) string { return strings.ToLower(name) }

// compareFolded compares names in that form.
func compareFolded(a, b string) int { return strings.Compare(fold(a), fold(b)) }
