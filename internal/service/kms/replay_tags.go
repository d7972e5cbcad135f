package kms

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// Policies may ask for the tags of a key, so that a tag which is back can give a
// right, or take one. Changes of tags add up: each says what became of some of them.

// tagged is the member in which changes of tags are spelled, so that they add up: by
// the key of a tag its value behind isTagged, or nothing where it was taken off.
const (
	tagged   = "tagged"
	isTagged = "="
)

// spellTags spells the tags of a change once more.
func spellTags(l *operation.Lost) {
	for i := 0; l.Name == "TagResource"; i++ {
		at := "tags." + strconv.Itoa(i) + "."
		key, ok := l.Members[at+"tagKey"]
		if !ok {
			break
		}
		l.Members[tagged+"."+key] = isTagged + l.Members[at+"tagValue"]
	}
	if l.Name == "UntagResource" {
		for _, key := range l.List("tagKeys") {
			l.Members[tagged+"."+key] = ""
		}
	}
}

var errTagsFull = fmt.Errorf("the key would have more tags than it can have: %w", operation.ErrNotAgain)

// tagAgain puts the tags as they were put last.
func (s *Service) tagAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	spelled := l.Pairs(tagged)
	rec := k.keyRecord
	for _, p := range spelled {
		if value, is := strings.CutPrefix(p.Value, isTagged); is {
			rec.Tags = rec.Tags.With(p.Key, value)
		} else {
			rec.Tags = rec.Tags.Without(p.Key)
		}
	}
	switch {
	case slices.Equal(rec.Tags, k.Tags):
		return nil, nil
	case len(rec.Tags) > tagsPerKey:
		return nil, errTagsFull
	}
	if err := k.put(ctx, tx, &rec); err != nil {
		return nil, err
	}
	e := k.again(l, now)
	e.Details = append(e.Details, operation.Member{Name: tagged, Pairs: spelled})
	return e, nil
}
