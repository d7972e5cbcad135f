package kms

import (
	"fmt"
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
	AliasName       string    `aws:"AliasName"`
	AliasARN        string    `aws:"AliasArn"`
	TargetKeyID     string    `aws:"TargetKeyId"`
	CreationDate    time.Time `aws:"CreationDate"`
	LastUpdatedDate time.Time `aws:"LastUpdatedDate"`
}

const (
	listAliasesMax     = 100
	listAliasesDefault = 50
)

// Validate checks the limits of the public model.
func (in *ListAliasesInput) Validate(c *check.Checks) {
	c.Length("keyId", in.KeyID, 1, keyIDMax)
	checkPage(c, in.Limit, listAliasesMax)
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
	out, err := aliasPage(c, index, prefix, after, in.Limit.Or(listAliasesDefault))
	if err != nil {
		return nil, err
	}
	if out.Truncated {
		out.NextMarker = s.mark(c, list, out.Aliases[len(out.Aliases)-1].AliasName)
	}
	return out, nil
}

// aliasPage reads at most limit aliases, and whether there are more.
func aliasPage(c *operation.Call, index string, prefix, after store.Key, limit int) (*ListAliasesOutput, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	out := &ListAliasesOutput{Aliases: []AliasListEntry{}}
	err = aliasTable.Scan(c.Context, r, index, prefix, after, limit+1, func(a *aliasRecord, _ store.Rev) error {
		if len(out.Aliases) == limit {
			out.Truncated = true
			return nil
		}
		out.Aliases = append(out.Aliases, AliasListEntry{
			AliasName:       a.Name,
			AliasARN:        c.ARN("kms", a.Name),
			TargetKeyID:     a.KeyID,
			CreationDate:    a.Created,
			LastUpdatedDate: a.Updated,
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing aliases of account %s: %w", c.Account(), err)
	}
	return out, nil
}
