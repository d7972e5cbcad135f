package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// ListGrantsInput asks for the grants of a key, or for some of them.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html
type ListGrantsInput struct {
	Limit                   optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker                  optional.Of[string] `aws:"Marker" audit:"marker"`
	KeyID                   optional.Of[string] `aws:"KeyId" audit:"keyId"`
	GrantID                 optional.Of[string] `aws:"GrantId" audit:"grantId"`
	GranteePrincipal        optional.Of[string] `aws:"GranteePrincipal" audit:"granteePrincipal"`
	GranteeServicePrincipal optional.Of[string] `aws:"GranteeServicePrincipal" audit:"granteeServicePrincipal"`
}

// ListGrantsOutput is a page of them, sorted by grant id.
type ListGrantsOutput struct {
	Grants     []GrantListEntry    `aws:"Grants"`
	NextMarker optional.Of[string] `aws:"NextMarker"`
	Truncated  bool                `aws:"Truncated"`
}

const (
	listGrantsMax     = 100
	listGrantsDefault = 50
)

// Validate checks the limits of the public model.
func (in *ListGrantsInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkGrantID(c, in.GrantID)
	checkPage(c, in.Limit, listGrantsMax)
	checkMarker(c, in.Marker)
	checkPrincipal(c, "granteePrincipal", in.GranteePrincipal)
	checkService(c, "granteeServicePrincipal", in.GranteeServicePrincipal)
	if in.GranteePrincipal.Set && in.GranteeServicePrincipal.Set {
		c.Refuse(validation("Only one of GranteePrincipal and GranteeServicePrincipal can be specified."))
	}
}

func (s *Service) listGrants() operation.Operation {
	return operation.Use[ListGrantsInput, ListGrantsOutput, *target, *ListGrantsInput]{
		Name:    "ListGrants",
		Actions: []string{"kms:ListGrants"},
		Subject: func(c *operation.Call, in *ListGrantsInput) (*target, error) {
			if in.GranteeServicePrincipal.Set && c.Caller.Principal.Kind != principal.Service {
				return nil, validation("GranteeServicePrincipal can only be used by service principals.")
			}
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToUse)
			if err != nil {
				return nil, err
			}
			t.conditions.grant = &grantConditions{forResource: forResource(c)}
			return t, nil
		},
		Asks: asksOnKey[ListGrantsInput]("kms:ListGrants", true),
		Run:  s.runListGrants,
	}.Operation()
}

func (s *Service) runListGrants(c *operation.Call, in *ListGrantsInput, t *target) (*ListGrantsOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	from := grantRecord{Region: k.Region, KeyID: k.ID}
	page := grantPage{index: "", prefix: store.Key{store.S(k.Region), store.S(k.ID)}, limit: in.Limit.Or(listGrantsDefault)}
	if in.GranteePrincipal.Set || in.GranteeServicePrincipal.Set {
		from.Listed = s.listed(in.GranteePrincipal.Or(in.GranteeServicePrincipal.V), in.GranteeServicePrincipal.Set)
		page.index, page.prefix = "listed", append(page.prefix, store.S(string(from.Listed)))
	}
	list := listing{"ListGrants", k.ARN + "\n" + string(from.Listed) + "\n" + in.GrantID.V}
	last, more, err := s.after(c, list, in.Marker)
	if err != nil {
		return nil, err
	}
	if more {
		from.ID = last
		page.after = grantTable.IndexKey(page.index, &from)
	}
	if in.GrantID.Set {
		err = page.one(c, grantTable.Key(&grantRecord{Region: k.Region, KeyID: k.ID, ID: in.GrantID.V}), from.Listed)
	} else {
		err = page.read(c)
	}
	if err != nil {
		return nil, err
	}
	out := &ListGrantsOutput{Truncated: page.more}
	if out.Grants, err = s.listEntries(c, page.grants); err != nil {
		return nil, err
	}
	if page.more {
		out.NextMarker = s.mark(c, list, page.last().ID)
	}
	return out, nil
}
