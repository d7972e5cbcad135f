package kms

import (
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/words/pairs"
)

// constraintKind says how a grant's pairs limit the encryption context.
type constraintKind string

// The kinds of constraints. Rows of the store hold them.
const (
	anyContext    constraintKind = "" // no pairs, or operations that take none
	equalContext  constraintKind = "EncryptionContextEquals"
	subsetContext constraintKind = "EncryptionContextSubset"
)

// A constraint of a grant. Its names are as they were given; an index has them folded.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
type constraint struct {
	Kind      constraintKind `json:"kind,omitempty"`
	Pairs     pairs.Map      `json:"pairs,omitempty"`
	SourceARN string         `json:"sourceArn,omitempty"`
}

func (k *constraint) equal(other *constraint) bool {
	return k.Kind == other.Kind && k.SourceARN == other.SourceARN && slices.Equal(k.Pairs, other.Pairs)
}

// folded returns k with its names folded. A constraint whose names fold together
// is refused when it is given, so that all pairs remain.
func (k *constraint) folded() constraint {
	list, _ := foldContext(k.Pairs)
	return constraint{Kind: k.Kind, Pairs: list, SourceARN: k.SourceARN}
}

// foldContext folds the names of a context, by ASCII letters only, and sorts by
// them. Where names fold together nobody can say which value counts: those pairs
// are left out, and whole is false.
func foldContext(context pairs.Map) (folded pairs.Map, whole bool) {
	if len(context) == 0 {
		return nil, true
	}
	list := make(pairs.Map, len(context))
	for i, p := range context {
		list[i] = pairs.Pair{Key: policy.Fold(p.Key), Value: p.Value}
	}
	slices.SortFunc(list, func(a, b pairs.Pair) int { return strings.Compare(a.Key, b.Key) })
	kept := list[:0]
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].Key == list[i].Key {
			j++
		}
		if j == i+1 {
			kept = append(kept, list[i])
		}
		i = j
	}
	return kept, len(kept) == len(context)
}

// A shape is what constraints have in common that differ in values only.
type shape struct {
	Kind   constraintKind `json:"kind,omitempty"`
	Names  []string       `json:"names,omitempty"` // folded and sorted
	Source bool           `json:"source,omitempty"`
}

// shape returns the shape of a folded constraint.
func (k *constraint) shape() shape {
	sh := shape{Kind: k.Kind, Source: k.SourceARN != ""}
	for _, p := range k.Pairs {
		sh.Names = append(sh.Names, p.Key)
	}
	return sh
}

func (sh *shape) equal(other *shape) bool {
	return sh.Kind == other.Kind && sh.Source == other.Source && slices.Equal(sh.Names, other.Names)
}

// An occasion is what constraints are compared with: the context of a call, or
// the constraint of a grant that is to be made under another one.
type occasion struct {
	pairs  pairs.Map // folded
	exact  bool      // pairs are all there is: Equals may match
	source string    // ARN of the resource for which a service calls
}

// under is the occasion of a call that uses a key with a context.
func under(context pairs.Map, source string) occasion {
	folded, whole := foldContext(context)
	return occasion{pairs: folded, exact: whole, source: source}
}

// beneath is the occasion of a grant with the folded constraint child. A parent
// that demands a source ARN demands it of the call and of the child.
func beneath(child *constraint, source string) occasion {
	if child.SourceARN != source {
		source = ""
	}
	return occasion{pairs: child.Pairs, exact: child.Kind == equalContext, source: source}
}

// fill returns the constraint of shape sh that o satisfies, if there is one:
// there is none where o lacks a name that sh demands, or has one too many.
func (o *occasion) fill(sh *shape) (constraint, bool) {
	k := constraint{Kind: sh.Kind}
	if sh.Source {
		if o.source == "" {
			return k, false
		}
		k.SourceARN = o.source
	}
	if sh.Kind == equalContext && (!o.exact || len(sh.Names) != len(o.pairs)) {
		return k, false
	}
	i := 0
	for _, name := range sh.Names {
		for i < len(o.pairs) && o.pairs[i].Key < name {
			i++
		}
		if i == len(o.pairs) || o.pairs[i].Key != name {
			return k, false
		}
		k.Pairs = append(k.Pairs, o.pairs[i])
	}
	return k, true
}
