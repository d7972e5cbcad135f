package iam

import (
	"slices"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAccessKeysInput names a user, or nobody for the caller.
type ListAccessKeysInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListAccessKeysInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListAccessKeysOutput is a page of access keys, in the order of their ids.
type ListAccessKeysOutput struct {
	AccessKeyMetadata []AccessKeyMetadata `aws:"AccessKeyMetadata"`
	IsTruncated       bool                `aws:"IsTruncated"`
	Marker            optional.Of[string] `aws:"Marker"`
}

// listAccessKeys implements ListAccessKeys.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
func (s *Service) listAccessKeys() operation.Operation {
	return operation.Use[ListAccessKeysInput, ListAccessKeysOutput, target, *ListAccessKeysInput]{
		Name:    "ListAccessKeys",
		Actions: []string{"iam:ListAccessKeys"},
		Subject: func(c *operation.Call, in *ListAccessKeysInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *ListAccessKeysInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListAccessKeys"))
		},
		Run: s.runListAccessKeys,
	}.Operation()
}

func (s *Service) runListAccessKeys(c *operation.Call, in *ListAccessKeysInput, t target) (*ListAccessKeysOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	l := listOf(c, "ListAccessKeys", t.id())
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	page, more := cut(slices.Sorted(slices.Values(t.accessKeys())), after, in.MaxItems.Or(maxItemsDefault))
	out := &ListAccessKeysOutput{AccessKeyMetadata: make([]AccessKeyMetadata, len(page)), IsTruncated: more}
	for i, id := range page {
		k, _, err := getAccessKey(c.Context, r, id)
		if err != nil {
			return nil, err
		}
		c.RestOn(s.store.Stamp(r, accessKeyEntity(id)))
		out.AccessKeyMetadata[i] = AccessKeyMetadata{
			UserName:    t.userName(),
			AccessKeyID: id,
			Status:      k.Status,
			CreateDate:  seconds(k.Created),
		}
	}
	if more {
		out.Marker = s.marker(l, page[len(page)-1])
	}
	return out, nil
}
