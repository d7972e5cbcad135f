package iam

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/pairs"
)

// Policies may ask for the tags of a user or a role, which are those of its sessions
// too, so that a tag which is back can give a right, or take one.

// tagged is the member in which changes of tags are spelled, so that they add up: by
// the key of a tag, whose case does not count, the key as it was given and its
// value, or nothing where it was taken off.
const (
	tagged    = "tagged"
	keyEndsAt = "\n" // which no key has
)

func spellTags(l *operation.Lost) {
	for i := 0; ; i++ {
		at := "tags." + strconv.Itoa(i) + "."
		key, ok := l.Members[at+"key"]
		if !ok {
			break
		}
		l.Members[tagged+"."+strings.ToLower(key)] = key + keyEndsAt + l.Members[at+"value"]
	}
	for _, key := range l.List("tagKeys") {
		l.Members[tagged+"."+strings.ToLower(key)] = ""
	}
}

var errTagsFull = fmt.Errorf("there would be more tags than can be: %w", operation.ErrNotAgain)

// tagAgain returns tags as a change has left them.
func tagAgain(tags pairs.Map, l *operation.Lost) (pairs.Map, bool, error) {
	spelled := l.Pairs(tagged)
	next := withoutTags(tags, spelled.Keys())
	for _, p := range spelled {
		if key, value, is := strings.Cut(p.Value, keyEndsAt); is {
			next = next.With(key, value)
		}
	}
	if len(next) > tagsMax {
		return nil, false, errTagsFull
	}
	return next, !slices.Equal(next, tags), nil
}

func (s *Service) tagUserAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	changed := *u
	if changed.Tags, done, err = tagAgain(u.Tags, l); err != nil || !done {
		return false, err
	}
	return true, putUser(ctx, tx, changed, rev)
}

func (s *Service) tagRoleAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (done bool, err error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	changed := *o
	if changed.Tags, done, err = tagAgain(o.Tags, l); err != nil || !done {
		return false, err
	}
	return true, putRole(ctx, tx, changed, rev)
}
