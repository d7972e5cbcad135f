package kms

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListKeysInput asks for the keys of the caller's account, in whatever state.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html
type ListKeysInput struct {
	Limit  optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker optional.Of[string] `aws:"Marker" audit:"marker"`
}

// ListKeysOutput is a page of them, sorted by key id.
type ListKeysOutput struct {
	Keys       []KeyListEntry      `aws:"Keys"`
	NextMarker optional.Of[string] `aws:"NextMarker"`
	Truncated  bool                `aws:"Truncated"`
}

// KeyListEntry names a key.
type KeyListEntry struct {
	KeyID  string `aws:"KeyId"`
	KeyARN string `aws:"KeyArn"`
}

const (
	listKeysMax     = 1000
	listKeysDefault = 100
)

// Validate checks the limits of the public model.
func (in *ListKeysInput) Validate(c *check.Checks) {
	checkPage(c, in.Limit, listKeysMax)
	checkMarker(c, in.Marker)
}

func (s *Service) listKeys() operation.Operation {
	return operation.Use[ListKeysInput, ListKeysOutput, *conditions, *ListKeysInput]{
		Name:    "ListKeys",
		Actions: []string{"kms:ListKeys"},
		Asks: func(c *operation.Call, _ *ListKeysInput, _ *conditions, asks []authz.Ask) []authz.Ask {
			return append(asks, askOnAccount(c, "kms:ListKeys", "*", onAccount(c)))
		},
		Run: func(c *operation.Call, in *ListKeysInput, _ *conditions) (*ListKeysOutput, error) {
			return s.runListKeys(c, in)
		},
	}.Operation()
}

func (s *Service) runListKeys(c *operation.Call, in *ListKeysInput) (*ListKeysOutput, error) {
	list := listing{operation: "ListKeys"}
	last, more, err := s.after(c, list, in.Marker)
	if err != nil {
		return nil, err
	}
	var after store.Key
	if more {
		after = keyTable.IndexKey("account", &keyRecord{Account: c.Account(), Region: c.Region, ID: last})
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	limit := in.Limit.Or(listKeysDefault)
	out := &ListKeysOutput{Keys: []KeyListEntry{}}
	prefix := store.Key{store.S(c.Account()), store.S(c.Region)}
	err = keyTable.Scan(c.Context, r, "account", prefix, after, limit+1, func(k *keyRecord, _ store.Rev) error {
		if len(out.Keys) == limit {
			out.Truncated = true
			return nil
		}
		out.Keys = append(out.Keys, KeyListEntry{KeyID: k.ID, KeyARN: k.arn()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing keys of account %s: %w", c.Account(), err)
	}
	if out.Truncated {
		out.NextMarker = s.mark(c, list, out.Keys[limit-1].KeyID)
	}
	return out, nil
}
