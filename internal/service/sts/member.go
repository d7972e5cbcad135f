package sts

import (
	"regexp"
	"strconv"

	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// A pattern of the public model, with the spelling in which refusals show it.
type pattern struct {
	re    *regexp.Regexp
	shown string
}

// newPattern anchors a pattern, which matches values as a whole. \w is of ASCII.
func newPattern(shown, re string) pattern { return pattern{regexp.MustCompile("^" + re + "$"), shown} }

var (
	arnPattern        = newPattern(`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`, `[\t\n\r -~\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+`)
	documentPattern   = newPattern(`[\u0009\u000A\u000D\u0020-\u00FF]+`, `[\t\n\r\x{20}-\x{FF}]+`)
	namePattern       = newPattern(`[\w+=,.@-]*`, `[\w+=,.@-]*`)
	externalIDPattern = newPattern(`[\w+=,.@:\/-]*`, `[\w+=,.@:/-]*`)
	serialPattern     = newPattern(`[\w+=/:,.@-]*`, `[\w+=/:,.@-]*`)
	accessKeyPattern  = newPattern(`[\w]*`, `[\w]*`)
	tagKeyPattern     = newPattern(`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`, `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`)
	tagValuePattern   = newPattern(`[\p{L}\p{Z}\p{N}_.:/=+\-@]*`, `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`)
)

// checkText demands a length in characters and a pattern of a member that is present.
func checkText(c *check.Checks, path string, s optional.Of[string], min, max int, p pattern) {
	c.Length(path, s, min, max)
	c.Pattern(path, s, p.re, p.shown)
}

// checkARN demands the form that the model gives an ARN, which is hardly any.
func checkARN(c *check.Checks, path string, s optional.Of[string]) {
	checkText(c, path, s, 20, 2048, arnPattern)
}

// checkSecondFactor demands the form of a device's serial number and its code.
func checkSecondFactor(c *check.Checks, serial optional.Of[string], code confidential.Bytes) {
	checkText(c, "serialNumber", serial, 9, 256, serialPattern)
	c.Bytes("tokenCode", code.IsSet(), code.Len(), 6, 6)
	c.Secret("tokenCode", code.Within("0123456789"), `[\d]*`)
}

// element is the path of element i of a list, as refusals name it.
func element(list string, i int) string { return list + "." + strconv.Itoa(i+1) + ".member" }
