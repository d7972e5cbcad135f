package iam

import (
	"fmt"
	"regexp"
	"slices"
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

// A Tag of a user or a role.
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

// checkTagKeys demands well-formed keys.
func checkTagKeys(c *check.Checks, keys []string) {
	c.Items("tagKeys", keys != nil, len(keys), 0, tagsMax)
	c.Each("tagKeys", keys, 1, tagKeyMax, tagKeyPattern, tagKeyShown)
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

// withTags returns kept tags with more of them. Keys are not distinguished by
// case: a new tag takes the place of one whose key differs in nothing else.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
func withTags(kept, added pairs.Map) (pairs.Map, error) {
	kept = withoutTags(kept, added.Keys())
	for _, p := range added {
		kept = kept.With(p.Key, p.Value)
	}
	if len(kept) > tagsMax {
		return nil, fault.New(fault.LimitExceeded, "The number of tags has reached the maximum limit.")
	}
	return kept, nil
}

// withoutTags returns kept tags without those that have one of keys.
func withoutTags(kept pairs.Map, keys []string) pairs.Map {
	gone := make(map[string]bool, len(keys))
	for _, key := range keys {
		gone[strings.ToLower(key)] = true
	}
	return slices.DeleteFunc(slices.Clone(kept), func(p pairs.Pair) bool { return gone[strings.ToLower(p.Key)] })
}

// tagPage returns a page of tags, with the marker of the next where more follow.
// A key can be longer than a marker: a marker counts the tags before it.
func (s *Service) tagPage(l list, tags pairs.Map, marker optional.Of[string], maxItems optional.Of[int]) (page []Tag, next optional.Of[string], err error) {
	after, err := s.after(l, marker)
	if err != nil {
		return nil, next, err
	}
	from := 0
	if after != "" {
		if from, err = strconv.Atoi(after); err != nil {
			return nil, next, fmt.Errorf("reading marker %q: %w", after, err)
		}
	}
	from = min(from, len(tags))
	to := min(from+maxItems.Or(maxItemsDefault), len(tags))
	if to < len(tags) {
		next = s.marker(l, strconv.Itoa(to))
	}
	return append([]Tag{}, tagList(tags[from:to])...), next, nil
}
