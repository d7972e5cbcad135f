package sts

import (
	"fmt"
	"slices"
	"strings"

	"claviger/internal/kernel/authz"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// tagsMax bounds the tags of a session, those that it inherits included.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const tagsMax = 50

// A Tag of a session.
type Tag struct {
	Key   optional.Of[string] `aws:"Key" audit:"key"`
	Value optional.Of[string] `aws:"Value" audit:"value"`
}

// checkTags demands well-formed tags, whose keys differ without their case, and
// transitive keys that are among them.
func checkTags(c *check.Checks, tags []Tag, transitive []string) {
	c.Items("tags", tags != nil, len(tags), 0, tagsMax)
	c.Items("transitiveTagKeys", transitive != nil, len(transitive), 0, tagsMax)
	if len(tags) > tagsMax || len(transitive) > tagsMax {
		return
	}
	keys := make(map[string]bool, len(tags))
	for i, t := range tags {
		at := element("tags", i)
		if c.Required(at+".key", t.Key.Set) {
			checkText(c, at+".key", t.Key, 1, 128, tagKeyPattern)
		}
		if c.Required(at+".value", t.Value.Set) {
			checkText(c, at+".value", t.Value, 0, 256, tagValuePattern)
		}
		key := fold(t.Key.V)
		if keys[key] {
			c.Refuse(fault.New(InvalidParameterValue, "Duplicate tag keys found. Please note that Tag keys are case insensitive."))
		}
		if strings.HasPrefix(key, "aws:") {
			c.Refuse(fault.New(InvalidParameterValue, "aws: prefixed tag key names are not allowed for external use."))
		}
		keys[key] = true
	}
	c.Each("transitiveTagKeys", transitive, 1, 128, tagKeyPattern.re, tagKeyPattern.shown)
	for _, key := range transitive {
		if !keys[fold(key)] {
			c.Refuse(fault.New(InvalidParameterValue, "The specified transitive tag key must be included in the requested tags."))
		}
	}
}

// tagging is what a session about to begin has of tags.
type tagging struct {
	tags       pairs.Map // all of them
	incoming   pairs.Map // those that the caller's session hands on
	transitive []string  // keys of those that go on into the next role
}

// newTagging joins the tags of a request, which have been checked, with those
// that the caller's session hands on. Nobody can replace what is handed on.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
func newTagging(caller *authz.Caller, tags []Tag, transitive []string) (*tagging, error) {
	t := new(tagging)
	for _, key := range caller.Transitive {
		value, ok := caller.Tags.Get(key)
		if !ok {
			return nil, fmt.Errorf("sts: the session %s hands on a tag that it does not have", caller.Principal.ID)
		}
		t.incoming = t.incoming.With(key, value)
	}
	t.tags = slices.Clone(t.incoming)
	for _, tag := range tags {
		if hasFolded(t.incoming, tag.Key.V) {
			return nil, fault.New(InvalidParameterValue, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		t.tags = t.tags.With(tag.Key.V, tag.Value.V)
	}
	if len(t.tags) > tagsMax {
		return nil, fault.New(fault.Validation, "A session has %d tags at most, those included that it inherits from the calling session.", tagsMax)
	}
	for _, tag := range t.tags {
		named := func(key string) bool { return fold(key) == fold(tag.Key) }
		if hasFolded(t.incoming, tag.Key) || slices.ContainsFunc(transitive, named) {
			t.transitive = append(t.transitive, tag.Key)
		}
	}
	return t, nil
}

// hasFolded reports whether m has a key, whatever its case.
func hasFolded(m pairs.Map, key string) bool {
	return slices.ContainsFunc(m, func(p pairs.Pair) bool { return fold(p.Key) == fold(key) })
}

// fold returns the form in which the keys of tags are unique: they are not
// distinguished by case.
func fold(key string) string { return strings.ToLower(key) }
