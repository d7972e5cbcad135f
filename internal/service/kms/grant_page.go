package kms

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/optional"
)

// GrantListEntry describes a grant.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html
type GrantListEntry struct {
	KeyID                    string              `aws:"KeyId"`
	GrantID                  string              `aws:"GrantId"`
	Name                     string              `aws:"Name"`
	CreationDate             time.Time           `aws:"CreationDate"`
	GranteePrincipal         optional.Of[string] `aws:"GranteePrincipal"`
	RetiringPrincipal        optional.Of[string] `aws:"RetiringPrincipal"`
	IssuingAccount           string              `aws:"IssuingAccount"`
	Operations               []string            `aws:"Operations"`
	Constraints              *GrantConstraints   `aws:"Constraints"`
	GranteeServicePrincipal  optional.Of[string] `aws:"GranteeServicePrincipal"`
	RetiringServicePrincipal optional.Of[string] `aws:"RetiringServicePrincipal"`
}

// A grantPage is a page of a listing of grants: what to read, and what was read.
type grantPage struct {
	index  string
	prefix store.Key
	after  store.Key
	limit  int

	grants []*grantRecord
	more   bool
}

// read reads at most limit grants, and whether there are more.
func (p *grantPage) read(c *operation.Call) error {
	r, err := c.Reader()
	if err != nil {
		return err
	}
	err = grantTable.Scan(c.Context, r, p.index, p.prefix, p.after, p.limit+1, func(g *grantRecord, _ store.Rev) error {
		if p.more = len(p.grants) == p.limit; !p.more {
			p.grants = append(p.grants, g)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing grants: %w", err)
	}
	return nil
}

// one reads a single grant, if it exists and is listed as demanded, if anything is.
func (p *grantPage) one(c *operation.Call, key store.Key, listed digest) error {
	r, err := c.Reader()
	if err != nil {
		return err
	}
	g, _, err := grantTable.Get(c.Context, r, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("reading a grant: %w", err)
	case listed == "" || listed == g.Listed:
		p.grants = append(p.grants, g)
	}
	return nil
}

// last is the last grant of a page that has some.
func (p *grantPage) last() *grantRecord { return p.grants[len(p.grants)-1] }

// listEntries describes grants as the API does.
func (s *Service) listEntries(c *operation.Call, grants []*grantRecord) ([]GrantListEntry, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	names := namesNow{s: s, c: c, r: r, shown: make(map[party]string)}
	list := make([]GrantListEntry, len(grants))
	for i, g := range grants {
		e := &list[i]
		*e = GrantListEntry{
			KeyID:          keyARN(c.Partition, g.Region, g.Account, g.KeyID),
			GrantID:        g.ID,
			Name:           g.Name,
			CreationDate:   g.Created,
			IssuingAccount: arn.Root(c.Partition, g.Issuer),
			Operations:     g.Operations.names(),
			Constraints:    g.Constraint.shown(),
		}
		if e.GranteePrincipal, e.GranteeServicePrincipal, err = names.of(g.Grantee); err != nil {
			return nil, err
		}
		if e.RetiringPrincipal, e.RetiringServicePrincipal, err = names.of(g.Retirer); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// shown returns k as it was given, nil where it demands nothing.
func (k *constraint) shown() *GrantConstraints {
	shown := &GrantConstraints{SourceARN: optional.Of[string]{V: k.SourceARN, Set: k.SourceARN != ""}}
	switch {
	case k.Kind == equalContext:
		shown.EncryptionContextEquals = k.Pairs
	case k.Kind == subsetContext:
		shown.EncryptionContextSubset = k.Pairs
	case k.SourceARN == "":
		return nil
	}
	return shown
}

// namesNow finds the names under which principals of grants are listed.
type namesNow struct {
	s     *Service
	c     *operation.Call
	r     store.Reader
	shown map[party]string
}

// of returns the name of p, in one of two members, or in none where there is no
// p. A user that has been renamed stands under its new name, and a user or role that is gone, or has
// been replaced, as its unique id.
func (n *namesNow) of(p party) (anybody, service optional.Of[string], err error) {
	switch {
	case p.Text == "":
		return anybody, service, nil
	case p.Service:
		return anybody, optional.Some(p.Text), nil
	}
	name, known := n.shown[p]
	if !known {
		if name, err = n.look(p); err != nil {
			return anybody, service, err
		}
		n.shown[p] = name
	}
	return optional.Some(name), service, nil
}

func (n *namesNow) look(p party) (string, error) {
	switch p.Bound.Form {
	case granteeUser, granteeRole, granteeSession:
	default:
		return p.Text, nil
	}
	id, exists, err := n.s.principals.Principal(n.c.Context, n.r, p.Text)
	if err != nil {
		return "", fmt.Errorf("resolving principal %s: %w", p.Text, err)
	}
	a, _ := arn.Parse(p.Text)
	if !exists || boundTo(a, id) != p.Bound {
		renamed, err := n.s.principals.Renamed(n.c.Context, n.r, p.Bound.ID)
		if err != nil {
			return "", fmt.Errorf("resolving principal %s: %w", p.Bound.ID, err)
		}
		return cmp.Or(renamed, p.Bound.ID), nil
	}
	return p.Text, nil
}
