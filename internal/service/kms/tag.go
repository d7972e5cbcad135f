package kms

import (
	"strings"

	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// A Tag is a label of a key.
type Tag struct {
	TagKey   optional.Of[string] `aws:"TagKey" audit:"tagKey"`
	TagValue optional.Of[string] `aws:"TagValue" audit:"tagValue"`
}

// Limits of tags, in characters.
// https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html
const (
	tagsPerKey  = 50
	tagKeyMax   = 128
	tagValueMax = 256
)

var (
	errTooManyTags   = fault.New(TagFault, "Too many tags")
	errDuplicateTags = fault.New(TagFault, "Duplicate tag keys")
	errReservedTags  = fault.New(TagFault, "Tags beginning with aws: are reserved")
)

// checkTags checks a Tags member that is present.
func checkTags(c *check.Checks, tags []Tag) {
	keys := make([]string, len(tags))
	for i, t := range tags {
		path := element("tags", i)
		if c.Required(path+".tagKey", t.TagKey.Set) {
			c.Length(path+".tagKey", t.TagKey, 1, tagKeyMax)
		}
		if c.Required(path+".tagValue", t.TagValue.Set) {
			c.Length(path+".tagValue", t.TagValue, 0, tagValueMax)
		}
		keys[i] = t.TagKey.V
	}
	refuseTagKeys(c, keys)
}

// checkTagKeys checks a TagKeys member that is present.
func checkTagKeys(c *check.Checks, keys []string) {
	c.Each("tagKeys", keys, 1, tagKeyMax, nil, "")
	refuseTagKeys(c, keys)
}

// refuseTagKeys applies the service's own rules, in its own words.
func refuseTagKeys(c *check.Checks, keys []string) {
	if len(keys) > tagsPerKey {
		c.Refuse(errTooManyTags)
	}
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		if seen[key] {
			c.Refuse(errDuplicateTags)
		}
		seen[key] = true
		if len(key) >= 4 && strings.EqualFold(key[:4], "aws:") {
			c.Refuse(errReservedTags)
		}
	}
}

// tagPairs returns tags, whose keys differ, as pairs.
func tagPairs(tags []Tag) pairs.Map {
	list := make([]pairs.Pair, len(tags))
	for i, t := range tags {
		list[i] = pairs.Pair{Key: t.TagKey.V, Value: t.TagValue.V}
	}
	m, _ := pairs.New(list)
	return m
}

// tagList returns pairs as tags.
func tagList(m pairs.Map) []Tag {
	list := make([]Tag, len(m))
	for i, p := range m {
		list[i] = Tag{TagKey: optional.Some(p.Key), TagValue: optional.Some(p.Value)}
	}
	return list
}

// tagging answers for the tags of a request.
func (c *conditions) tagging(tags []Tag) {
	c.requestTags = tagPairs(tags)
	c.tagKeys = c.requestTags.Keys()
}
