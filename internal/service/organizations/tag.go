package organizations

import (
	"regexp"
	"slices"
	"strings"

	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const (
	tagsMax     = 50
	tagKeyMax   = 128
	tagValueMax = 256
)

var tagPattern = regexp.MustCompile(`^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`)

// A Tag of an account, a unit, a root or a policy.
type Tag struct {
	Key   optional.Of[string] `aws:"Key" audit:"key"`
	Value optional.Of[string] `aws:"Value" audit:"value"`
}

var (
	errDuplicateTag = invalid("DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags attached to the same entity.")
	errSystemTag    = invalid("INVALID_SYSTEM_TAGS_PARAMETER", "You specified a tag key that is a system tag. You can’t add, edit, or delete system tag keys because they're reserved for Amazon Web Services use. System tags don’t count against your tags per resource limit.")
	errTooManyTags  = violates("MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource.")
)

// checkTags demands well-formed tags whose keys differ.
func checkTags(c *check.Checks, tags []Tag) {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		may(c, t.Key, 1, tagKeyMax, tagPattern)
		may(c, t.Value, 0, tagValueMax, tagPattern)
		if seen[t.Key.V] {
			c.Refuse(errDuplicateTag)
		}
		seen[t.Key.V] = true
		checkReserved(c, t.Key.V)
		required(c, t.Key.Set, t.Value.Set)
	}
	if len(tags) > tagsMax {
		c.Refuse(errTooManyTags)
	}
}

func checkReserved(c *check.Checks, key string) {
	if strings.HasPrefix(strings.ToLower(key), "aws:") {
		c.Refuse(errSystemTag)
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

// tagList returns kept tags in the form of an output.
func tagList(m pairs.Map) []Tag {
	tags := make([]Tag, len(m))
	for i, p := range m {
		tags[i] = Tag{Key: optional.Some(p.Key), Value: optional.Some(p.Value)}
	}
	return tags
}

// withTags returns kept tags with more of them.
func withTags(kept, added pairs.Map) (pairs.Map, error) {
	for _, p := range added {
		kept = kept.With(p.Key, p.Value)
	}
	if len(kept) > tagsMax {
		return nil, errTooManyTags
	}
	return kept, nil
}

// withoutTags returns kept tags without those that have one of keys.
func withoutTags(kept pairs.Map, keys []string) pairs.Map {
	return slices.DeleteFunc(slices.Clone(kept), func(p pairs.Pair) bool { return slices.Contains(keys, p.Key) })
}
