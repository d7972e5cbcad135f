package kms

import (
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// ListRetirableGrantsInput asks for the grants, on keys of whatever account, that
// have a given retiring principal.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html
type ListRetirableGrantsInput struct {
	Limit                    optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker                   optional.Of[string] `aws:"Marker" audit:"marker"`
	RetiringPrincipal        optional.Of[string] `aws:"RetiringPrincipal" audit:"retiringPrincipal"`
	RetiringServicePrincipal optional.Of[string] `aws:"RetiringServicePrincipal" audit:"retiringServicePrincipal"`
}

// ListRetirableGrantsOutput is a page of them, sorted by key id and grant id. A
// page may be short, or empty, before the last one.
type ListRetirableGrantsOutput struct {
	Grants     []GrantListEntry    `aws:"Grants"`
	NextMarker optional.Of[string] `aws:"NextMarker"`
	Truncated  bool                `aws:"Truncated"`
}

// Validate checks the limits of the public model.
func (in *ListRetirableGrantsInput) Validate(c *check.Checks) {
	checkPage(c, in.Limit, listGrantsMax)
	checkMarker(c, in.Marker)
	checkPrincipal(c, "retiringPrincipal", in.RetiringPrincipal)
	checkService(c, "retiringServicePrincipal", in.RetiringServicePrincipal)
	if in.RetiringPrincipal.Set == in.RetiringServicePrincipal.Set {
		c.Refuse(validation("Exactly one of RetiringPrincipal and RetiringServicePrincipal is required."))
	}
}

func (s *Service) listRetirableGrants() operation.Operation {
	return operation.Use[ListRetirableGrantsInput, ListRetirableGrantsOutput, *authz.Ask, *ListRetirableGrantsInput]{
		Name:    "ListRetirableGrants",
		Actions: []string{"kms:ListRetirableGrants"},
		Subject: aboutRetirer,
		Asks: func(_ *operation.Call, _ *ListRetirableGrantsInput, ask *authz.Ask, asks []authz.Ask) []authz.Ask {
			return append(asks, *ask)
		},
		Run: s.runListRetirableGrants,
	}.Operation()
}

// aboutRetirer makes the ask of a ListRetirableGrants. The resource is the
// retiring principal itself, so that accounts answer for their own principals
// only. Services ask about themselves, for which they need no permission.
func aboutRetirer(c *operation.Call, in *ListRetirableGrantsInput) (*authz.Ask, error) {
	ask := askOnAccount(c, "kms:ListRetirableGrants", "*", onAccount(c))
	if in.RetiringServicePrincipal.Set {
		if c.Caller.Principal.Kind != principal.Service {
			return nil, validation("RetiringServicePrincipal can only be used by service principals.")
		}
		if named := in.RetiringServicePrincipal.V; named == c.Caller.Principal.Name || named == inRegion(c.Caller.Principal.Name, c.Region) {
			ask.Rule, ask.Grants = policy.ExplicitTrust, itself{}
		}
		return &ask, nil
	}
	a, ok := spellOut(c.Partition, in.RetiringPrincipal.V)
	if !ok {
		return nil, invalidPrincipal(in.RetiringPrincipal.V)
	}
	ask.Resource, ask.Account = a.String(), a.Account
	return &ask, nil
}

// itself lets a service in where the call is about that service.
type itself struct{}

// Find implements authz.Grants.
func (itself) Find(j *authz.Judge) (bool, error) { return j.Admits(policy.Direct, ""), nil }

func (s *Service) runListRetirableGrants(c *operation.Call, in *ListRetirableGrantsInput, _ *authz.Ask) (*ListRetirableGrantsOutput, error) {
	retirer := grantee{granteeService, c.Caller.Principal.Name}
	if in.RetiringPrincipal.Set {
		var err error
		if retirer, err = s.nameGrantee(c, in.RetiringPrincipal.V); err != nil {
			return nil, err
		}
	}
	from := grantRecord{Region: c.Region, Retirable: s.granteeDigest(retirer)}
	page := grantPage{
		index:  "retirable",
		prefix: store.Key{store.S(c.Region), store.S(string(from.Retirable))},
		limit:  in.Limit.Or(listGrantsDefault),
	}
	list := listing{"ListRetirableGrants", string(from.Retirable)}
	last, more, err := s.after(c, list, in.Marker)
	if err != nil {
		return nil, err
	}
	if more {
		from.KeyID, from.ID, _ = strings.Cut(last, "/")
		page.after = grantTable.IndexKey(page.index, &from)
	}
	if err := page.read(c); err != nil {
		return nil, err
	}
	grants, err := ofLivingKeys(c, page.grants)
	if err != nil {
		return nil, err
	}
	out := &ListRetirableGrantsOutput{Truncated: page.more}
	if out.Grants, err = s.listEntries(c, grants); err != nil {
		return nil, err
	}
	if page.more {
		out.NextMarker = s.mark(c, list, page.last().KeyID+"/"+page.last().ID)
	}
	return out, nil
}

// ofLivingKeys leaves out the grants that a destroyed key has left behind, and
// that are still to be swept.
func ofLivingKeys(c *operation.Call, grants []*grantRecord) ([]*grantRecord, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	lives := make(map[string]bool)
	var list []*grantRecord
	for _, g := range grants {
		there, known := lives[g.KeyID]
		if !known {
			_, _, err := keyTable.Get(c.Context, r, keyKey(g.Region, g.KeyID))
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, fmt.Errorf("reading key %s: %w", g.KeyID, err)
			}
			there = err == nil
			lives[g.KeyID] = there
		}
		if there {
			list = append(list, g)
		}
	}
	return list, nil
}
