package check_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

var (
	some     = optional.Some[string]
	number   = optional.Some[int]
	absent   optional.Of[string]
	noNumber optional.Of[int]
	hex      = regexp.MustCompile(`^[a-f0-9]+$`)
)

// TestConstraints has each constraint below, on and above its limit. want is
// the text behind the prefix, "" where nothing is wrong.
func TestConstraints(t *testing.T) {
	t.Parallel()
	const at = "failed to satisfy constraint: Member must "
	cases := []struct {
		check func(*check.Checks)
		want  string
	}{
		{func(c *check.Checks) { c.Required("keyId", true) }, ""},
		{func(c *check.Checks) { c.Required("keyId", false) }, "Value null at 'keyId' " + at + "not be null"},

		{func(c *check.Checks) { c.Length("keyId", absent, 1, 3) }, ""},
		{func(c *check.Checks) { c.Length("keyId", some(""), 1, 3) }, "Value '' at 'keyId' " + at + "have length greater than or equal to 1"},
		{func(c *check.Checks) { c.Length("keyId", some("a"), 1, 3) }, ""},
		{func(c *check.Checks) { c.Length("keyId", some("\u00e9\u00e9\U0001f511"), 1, 3) }, ""},
		{func(c *check.Checks) { c.Length("keyId", some("abcd"), 1, 3) }, "Value 'abcd' at 'keyId' " + at + "have length less than or equal to 3"},

		{func(c *check.Checks) { c.Bytes("plaintext", false, 0, 1, 3) }, ""},
		{func(c *check.Checks) { c.Bytes("plaintext", true, 0, 1, 3) }, "Value at 'plaintext' " + at + "have length greater than or equal to 1"},
		{func(c *check.Checks) { c.Bytes("plaintext", true, 1, 1, 3) }, ""},
		{func(c *check.Checks) { c.Bytes("plaintext", true, 3, 1, 3) }, ""},
		{func(c *check.Checks) { c.Bytes("plaintext", true, 4, 1, 3) }, "Value at 'plaintext' " + at + "have length less than or equal to 3"},

		{func(c *check.Checks) { c.Items("grantTokens", true, 11, 0, 10) }, "Value at 'grantTokens' " + at + "have length less than or equal to 10"},
		{func(c *check.Checks) { c.Items("grantTokens", true, 10, 0, 10) }, ""},

		{func(c *check.Checks) { c.Range("limit", noNumber, 1, 1000) }, ""},
		{func(c *check.Checks) { c.Range("limit", number(0), 1, 1000) }, "Value '0' at 'limit' " + at + "have value greater than or equal to 1"},
		{func(c *check.Checks) { c.Range("limit", number(1), 1, 1000) }, ""},
		{func(c *check.Checks) { c.Range("limit", number(1000), 1, 1000) }, ""},
		{func(c *check.Checks) { c.Range("limit", number(1001), 1, 1000) }, "Value '1001' at 'limit' " + at + "have value less than or equal to 1000"},
		{func(c *check.Checks) { c.Range("limit", number(-5), 1, 1000) }, "Value '-5' at 'limit' " + at + "have value greater than or equal to 1"},

		{func(c *check.Checks) { c.Enum("spec", absent, "AES_256", "AES_128") }, ""},
		{func(c *check.Checks) { c.Enum("spec", some("AES_128"), "AES_256", "AES_128") }, ""},
		{func(c *check.Checks) { c.Enum("spec", some("aes_128"), "AES_256", "AES_128") }, "Value 'aes_128' at 'spec' " + at + "satisfy enum value set: [AES_256, AES_128]"},
		{func(c *check.Checks) { c.Enum("spec", some(""), "AES_256") }, "Value '' at 'spec' " + at + "satisfy enum value set: [AES_256]"},

		{func(c *check.Checks) { c.Each("keys", nil, 1, 3, hex, "hex") }, ""},
		{func(c *check.Checks) { c.Each("keys", []string{"a", "abc"}, 1, 3, hex, "hex") }, ""},
		{func(c *check.Checks) { c.Each("keys", []string{"a", ""}, 0, 3, nil, "") }, ""},
		{func(c *check.Checks) { c.Each("keys", []string{"a", ""}, 1, 3, nil, "") }, "Value '[a, ]' at 'keys' " + at +
			"satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1]"},
		{func(c *check.Checks) { c.Each("keys", []string{"\u00e9\u00e9\u00e9", "abcd"}, 1, 3, nil, "") }, "Value '[\u00e9\u00e9\u00e9, abcd]' at 'keys' " + at +
			"satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1]"},
		{func(c *check.Checks) { c.Each("keys", []string{"x"}, 0, 3, hex, "[a-f0-9]+") }, "Value '[x]' at 'keys' " + at +
			"satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: [a-f0-9]+]"},

		{func(c *check.Checks) { c.EachEnum("arch", nil, "x86", "arm64") }, ""},
		{func(c *check.Checks) { c.EachEnum("arch", []string{"arm64"}, "x86", "arm64") }, ""},
		{func(c *check.Checks) { c.EachEnum("arch", []string{"arm64", "ARM"}, "x86", "arm64") }, "Value '[arm64, ARM]' at 'arch' " + at +
			"satisfy constraint: [Member must satisfy enum value set: [x86, arm64]]"},

		{func(c *check.Checks) { c.Pattern("id", absent, hex, `[a-f0-9]+`) }, ""},
		{func(c *check.Checks) { c.Pattern("id", some("0a"), hex, `[a-f0-9]+`) }, ""},
		{func(c *check.Checks) { c.Pattern("id", some("0A"), hex, `[a-f0-9]+`) }, "Value '0A' at 'id' " + at + "satisfy regular expression pattern: [a-f0-9]+"},

		{func(c *check.Checks) { c.Secret("password", true, "[a-z]+") }, ""},
		{func(c *check.Checks) { c.Secret("password", false, "[a-z]+") }, "Value at 'password' " + at + "satisfy regular expression pattern: [a-z]+"},
	}
	for _, c := range cases {
		var checks check.Checks
		c.check(&checks)
		err := checks.Err()
		if c.want == "" {
			if err != nil {
				t.Errorf("refused: %v", err)
			}
			continue
		}
		if !fault.Is(err, fault.Validation) || fault.From(err).Message != "1 validation error detected: "+c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if len(cases) != 38 {
		t.Errorf("%d cases ran", len(cases))
	}
}

func TestRequiredTells(t *testing.T) {
	t.Parallel()
	var c check.Checks
	if !c.Required("a", true) || c.Required("b", false) {
		t.Error("Required does not report what it found")
	}
}

func TestSeveral(t *testing.T) {
	t.Parallel()
	var c check.Checks
	if c.Err() != nil {
		t.Error("nothing was checked, and something is wrong")
	}
	c.Refuse(fault.New("InvalidArnException", "later"))
	c.Required("keyId", false)
	c.Length("keyId", absent, 1, 2048)
	c.Bytes("plaintext", true, 4097, 1, 4096)
	const want = "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; " +
		"Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
	for range 2 { // Err changes nothing
		if got := fault.From(c.Err()); got.Code != fault.Validation || got.Message != want {
			t.Errorf("got  %v\nwant %s", got, want)
		}
	}
}

func TestHideValues(t *testing.T) {
	t.Parallel()
	var c check.Checks
	c.HideValues()
	c.Required("userName", false)
	c.Length("path", some("secret"), 1, 3)
	c.Range("maxItems", number(1001), 1, 1000)
	c.Enum("status", some("secret"), "Active", "Inactive")
	c.Pattern("marker", some("secret"), hex, `[a-f0-9]+`)
	c.Each("tagKeys", []string{"secret"}, 1, 3, nil, "")
	c.EachEnum("kinds", []string{"secret"}, "User", "Role")
	const fails = "' failed to satisfy constraint: Member must "
	const want = "7 validation errors detected: Value null at 'userName" + fails + "not be null; " +
		"Value at 'path" + fails + "have length less than or equal to 3; " +
		"Value at 'maxItems" + fails + "have value less than or equal to 1000; " +
		"Value at 'status" + fails + "satisfy enum value set; " +
		"Value at 'marker" + fails + "satisfy regular expression pattern: [a-f0-9]+; " +
		"Value at 'tagKeys" + fails + "satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1]; " +
		"Value at 'kinds" + fails + "satisfy constraint: [Member must satisfy enum value set]"
	if got := fault.From(c.Err()).Message; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	first, second := fault.New("InvalidArnException", "first"), errors.New("second")
	var c check.Checks
	c.Refuse(nil)
	c.Refuse(first)
	c.Refuse(second)
	if got := c.Err(); got != error(first) {
		t.Errorf("got %v", got)
	}
}

func TestLongValue(t *testing.T) {
	t.Parallel()
	var c check.Checks
	c.Length("description", some("x"+strings.Repeat("\u00e9", 10_000)), 0, 8192)
	got := fault.From(c.Err()).Message
	// 1,024 bytes would end inside a letter.
	if want := "'x" + strings.Repeat("\u00e9", 511) + "...'"; !strings.Contains(got, want) {
		t.Errorf("the value is shown as %q", got)
	}
}
