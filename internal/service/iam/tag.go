package iam

import (
	"regexp"
	"strconv"
	"strings"

	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const (
	tagsMax     = 50
	tagKeyMax   = 128
	tagValueMax = 256

	tagKeyShown   = `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`
	tagValueShown = `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`
)

var (
	tagKeyPattern   = regexp.MustCompile("^" + tagKeyShown + "$")
	tagValuePattern = regexp.MustCompile("^" + tagValueShown + "$")
)

// A Tag of a user.
type Tag struct {
	Key   optional.Of[string] `aws:"Key" audit:"key"`
	Value optional.Of[string] `aws:"Value" audit:"value"`
}

// checkTags demands well-formed tags. Keys are not distinguished by case, and
// those that begin with "aws:" are reserved.
func checkTags(c *check.Checks, tags []Tag) {
	c.Items("tags", tags != nil, len(tags), 0, tagsMax)
	if len(tags) > tagsMax {
		return
	}
	seen := make(map[string]bool, len(tags))
	for i, t := range tags {
		at := "tags." + strconv.Itoa(i+1) + ".member."
		if c.Required(at+"key", t.Key.Set) {
			c.Length(at+"key", t.Key, 1, tagKeyMax)
			c.Pattern(at+"key", t.Key, tagKeyPattern, tagKeyShown)
		}
		if c.Required(at+"value", t.Value.Set) {
			c.Length(at+"value", t.Value, 0, tagValueMax)
			c.Pattern(at+"value", t.Value, tagValuePattern, tagValueShown)
		}
		key := strings.ToLower(t.Key.V)
		if seen[key] {
			c.Refuse(fault.New(InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive."))
		}
		if strings.HasPrefix(key, "aws:") {
			c.Refuse(fault.New(InvalidInput, "aws: prefixed tag key names are not allowed for external use."))
		}
		seen[key] = true
	}
}

// tagMap returns checked tags in the form in which they are kept.
func tagMap(tags []Tag) pairs.Map {
	list := make([]pairs.Pair, len(tags))
	for i, t := range tags {
		list[i] = pairs.Pair{Key: t.Key.V, Value: t.Value.V}
	}
	m, _ := pairs.New(list) // no key stands twice: checkTags
	return m
}

// tagList returns kept tags in the form of an output; nil where there are none.
func tagList(m pairs.Map) []Tag {
	if len(m) == 0 {
		return nil
	}
	tags := make([]Tag, len(m))
	for i, p := range m {
		tags[i] = Tag{Key: optional.Some(p.Key), Value: optional.Some(p.Value)}
	}
	return tags
}

// tagKeys lists the keys of m.
func tagKeys(m pairs.Map) []string {
	keys := make([]string, len(m))
	for i, p := range m {
		keys[i] = p.Key
	}
	return keys
}
