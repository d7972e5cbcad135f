package kms

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAliasesInput asks for the aliases of the caller's account, or of one of its keys.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
type ListAliasesInput struct {
	KeyID  optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Limit  optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker optional.Of[string] `aws:"Marker" audit:"marker"`
}

// ListAliasesOutput is a page of them, sorted by name.
type ListAliasesOutput struct {
	Aliases    []AliasListEntry    `aws:"Aliases"`
	NextMarker optional.Of[string] `aws:"NextMarker"`
	Truncated  bool                `aws:"Truncated"`
}

// AliasListEntry describes an alias.
type AliasListEntry struct {
	AliasName       string                 `aws:"AliasName"`
	AliasARN        string                 `aws:"AliasArn"`
	TargetKeyID     optional.Of[string]    `aws:"TargetKeyId"` // absent, as the dates are, where nothing has named a predefined alias yet
	CreationDate    optional.Of[time.Time] `aws:"CreationDate"`
	LastUpdatedDate optional.Of[time.Time] `aws:"LastUpdatedDate"`
}

const (
	listAliasesMax     = 100
	listAliasesDefault = 50
)

// Validate checks the limits of the public model.
func (in *ListAliasesInput) Validate(c *check.Checks) {
	c.Length("keyId", in.KeyID, 1, keyIDMax)
	checkPage(c, in.Limit, listAliasesMax)
	checkMarker(c, in.Marker)
}

func (s *Service) listAliases() operation.Operation {
	return operation.Use[ListAliasesInput, ListAliasesOutput, *Key, *ListAliasesInput]{
		Name:    "ListAliases",
		Actions: []string{"kms:ListAliases"},
		Subject: func(c *operation.Call, in *ListAliasesInput) (*Key, error) {
			if !in.KeyID.Set {
				return nil, nil
			}
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToUse)
			if err != nil {
				return nil, err
			}
			if t.foreign(c) { // one answer, whether it exists or not
				return nil, keyMissing(t.about)
			}
			return t.key, nil
		},
		Asks: func(c *operation.Call, _ *ListAliasesInput, _ *Key, asks []authz.Ask) []authz.Ask {
			return append(asks, askOnAccount(c, "kms:ListAliases", "*", onAccount(c)))
		},
		Run: s.runListAliases,
	}.Operation()
}

func (s *Service) runListAliases(c *operation.Call, in *ListAliasesInput, k *Key) (*ListAliasesOutput, error) {
	list := listing{operation: "ListAliases"}
	index, prefix := "", store.Key{store.S(c.Account()), store.S(c.Region)}
	from := aliasRecord{Account: c.Account(), Region: c.Region}
	if k != nil {
		list.filter = k.ARN
		index, prefix = "key", store.Key{store.S(c.Region), store.S(k.ID)}
		from.KeyID = k.ID
	}
	last, more, err := s.after(c, list, in.Marker)
	if err != nil {
		return nil, err
	}
	var after store.Key
	if more {
		from.Name = last
		after = aliasTable.IndexKey(index, &from)
	}
	limit := in.Limit.Or(listAliasesDefault)
	page, err := aliasPage(c, index, prefix, after, limit+1)
	if err != nil {
		return nil, err
	}
	if k == nil {
		page = withPredefined(c, page, last)
	}
	out := &ListAliasesOutput{Aliases: page[:min(limit, len(page))], Truncated: len(page) > limit}
	if out.Truncated {
		out.NextMarker = s.mark(c, list, out.Aliases[len(out.Aliases)-1].AliasName)
	}
	return out, nil
}

// aliasPage reads at most limit aliases.
func aliasPage(c *operation.Call, index string, prefix, after store.Key, limit int) ([]AliasListEntry, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	page := []AliasListEntry{}
	err = aliasTable.Scan(c.Context, r, index, prefix, after, limit, func(a *aliasRecord, _ store.Rev) error {
		page = append(page, AliasListEntry{
			AliasName:       a.Name,
			AliasARN:        c.ARN("kms", a.Name),
			TargetKeyID:     optional.Some(a.KeyID),
			CreationDate:    optional.Some(a.Created),
			LastUpdatedDate: optional.Some(a.Updated),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing aliases of account %s: %w", c.Account(), err)
	}
	return page, nil
}

// withPredefined adds the aliases of AWS managed keys that come after a name and
// have no key yet. What does not fit is at the end: the caller cuts it off.
func withPredefined(c *operation.Call, page []AliasListEntry, after string) []AliasListEntry {
	for _, name := range managedNames {
		at, there := slices.BinarySearchFunc(page, name, func(a AliasListEntry, name string) int { return strings.Compare(a.AliasName, name) })
		if name > after && !there {
			page = slices.Insert(page, at, AliasListEntry{AliasName: name, AliasARN: c.ARN("kms", name)})
		}
	}
	return page
}
