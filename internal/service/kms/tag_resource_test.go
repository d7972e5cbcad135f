package kms_test

import (
	"fmt"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

func (a *actor) tagsOf(key string) string {
	a.w.t.Helper()
	s := ""
	for _, tag := range must[kms.ListResourceTagsOutput](a, &kms.ListResourceTagsInput{KeyID: str(key)}).Tags {
		s += tag.TagKey.V + "=" + tag.TagValue.V + " "
	}
	return s
}

func TestTagResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	in := &kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{tag("b", "1"), tag("a", ""), tag("B", "2")}}
	for range 2 {
		owner.done(in)
	}
	w.recorded(`{"keyId":"`+key.KeyID+`","tags":[{"tagKey":"b","tagValue":"1"},{"tagKey":"a","tagValue":""},{"tagKey":"B","tagValue":"2"}]}`,
		`{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	owner.done(&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{tag("b", "3")}})
	owner.done(&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{}})
	if got := owner.tagsOf(key.KeyID); got != "B=2 a= b=3 " {
		t.Errorf("tags are %q", got)
	}
	for range 2 {
		owner.done(&kms.UntagResourceInput{KeyID: str(key.KeyID), TagKeys: []string{"b", "none"}})
	}
	w.recorded(`{"keyId":"`+key.KeyID+`","tagKeys":["b","none"]}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	if got := owner.tagsOf(key.KeyID); got != "B=2 a= " {
		t.Errorf("tags are %q", got)
	}
}

func TestTagsPerKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.done(&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: tags(49)})
	owner.done(&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{tag("one more", "")}})
	owner.refused(&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{tag("too much", "")}}, kms.TagFault, "Too many tags")
	owner.done(&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: tags(49)})
}

func TestTagShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := str(owner.createKey().KeyID)
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	const one = "1 validation error detected: "
	for _, c := range []struct {
		in   any
		code fault.Code
		want string
	}{
		{&kms.TagResourceInput{KeyID: key}, fault.Validation, one + "Value null at 'tags' failed to satisfy constraint: Member must not be null"},
		{&kms.TagResourceInput{KeyID: key, Tags: tags(51)}, kms.TagFault, "Too many tags"},
		{&kms.TagResourceInput{KeyID: key, Tags: []kms.Tag{tag("a", ""), tag("a", "")}}, kms.TagFault, "Duplicate tag keys"},
		{&kms.TagResourceInput{KeyID: key, Tags: []kms.Tag{tag("aws:", "")}}, kms.TagFault, "Tags beginning with aws: are reserved"},
		{&kms.UntagResourceInput{KeyID: key}, fault.Validation, one + "Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"},
		{&kms.UntagResourceInput{KeyID: key, TagKeys: []string{""}}, fault.Validation,
			one + "Value '[]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"},
		{&kms.UntagResourceInput{KeyID: key, TagKeys: many}, kms.TagFault, "Too many tags"},
		{&kms.UntagResourceInput{KeyID: key, TagKeys: []string{"x", "x"}}, kms.TagFault, "Duplicate tag keys"},
		{&kms.UntagResourceInput{KeyID: key, TagKeys: []string{"Aws:x"}}, kms.TagFault, "Tags beginning with aws: are reserved"},
	} {
		owner.refused(c.in, c.code, c.want)
	}
}
