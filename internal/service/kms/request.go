package kms

import (
	"regexp"
	"strconv"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// Limits of members that many operations share, in characters or bytes.
const (
	keyIDMax      = 2048
	ciphertextMax = 6144
	plaintextMax  = 4096
	grantTokenMax = 8192
	grantTokens   = 10 // per request
)

// element is the path of a list's element, as AWS counts them: from 1.
func element(list string, i int) string { return list + "." + strconv.Itoa(i+1) + ".member" }

// checkKeyID checks a required member that names a key.
func checkKeyID(c *check.Checks, id optional.Of[string]) {
	if c.Required("keyId", id.Set) {
		c.Length("keyId", id, 1, keyIDMax)
	}
}

func checkGrantTokens(c *check.Checks, tokens []string) {
	c.Items("grantTokens", true, len(tokens), 0, grantTokens)
	for i, token := range tokens {
		c.Bytes(element("grantTokens", i), true, len(token), 1, grantTokenMax)
	}
}

const grantIDMax = 128

// checkGrantID checks a GrantId member that is present.
func checkGrantID(c *check.Checks, id optional.Of[string]) {
	c.Length("grantId", id, 1, grantIDMax)
	if id.Set && !grantIDPattern.MatchString(id.V) {
		c.Refuse(fault.New(InvalidGrantID, "Invalid grantId '%s'", id.V))
	}
}

// checkEncryptionContext demands pairs of which no half is empty, and which
// are not too large.
func checkEncryptionContext(c *check.Checks, name string, context pairs.Map) {
	for i := range context {
		if context[i].Key == "" || context[i].Value == "" {
			c.Refuse(validation("Invalid EncryptionContext"))
		}
	}
	if sealed.ContextSize(context) > sealed.MaxContext {
		c.Refuse(validation("%s must not be larger than %d bytes", name, sealed.MaxContext))
	}
}

var policyNamePattern = regexp.MustCompile(`^[\w]+$`)

func checkPolicyName(c *check.Checks, name optional.Of[string]) {
	c.Length("policyName", name, 1, 128)
	c.Pattern("policyName", name, policyNamePattern, `[\w]+`)
}

const policyNameDefault = "default"

// onlyDefault refuses names of policies that no key has.
func onlyDefault(name optional.Of[string]) error {
	if name.Or(policyNameDefault) != policyNameDefault {
		return fault.New(NotFound, "No such policy exists")
	}
	return nil
}

const ignoreCiphertext = "IGNORE_CIPHERTEXT"

// checkDryRun checks the members of a decryption, which may do without its
// ciphertext where only the decision is wanted.
func checkDryRun(c *check.Checks, dryRun optional.Of[bool], modifiers []string, ciphertext []byte, keyMember string, key optional.Of[string]) {
	c.EachEnum("dryRunModifiers", modifiers, ignoreCiphertext)
	if len(modifiers) == 0 {
		c.Required("ciphertextBlob", ciphertext != nil)
	}
	c.Bytes("ciphertextBlob", ciphertext != nil, len(ciphertext), 1, ciphertextMax)
	switch {
	case len(modifiers) == 0:
	case !dryRun.Or(false):
		c.Refuse(validation("DryRunModifiers can only be used with DryRun."))
	case !key.Set:
		c.Refuse(validation("%s is required when the ciphertext is ignored.", keyMember))
	}
}
