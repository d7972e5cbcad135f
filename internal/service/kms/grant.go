package kms

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// grantRecord is a grant as stored, in the account of its key. The principals
// stand twice: as they were given, for those who list grants, and as what they
// were bound to, for decisions.
type grantRecord struct {
	Region  string    `json:"region"`
	KeyID   string    `json:"keyId"`
	ID      string    `json:"id"`      // 64 hexadecimal digits
	Account string    `json:"account"` // owner of the key
	Issuer  string    `json:"issuer"`  // account of who made the grant
	Created time.Time `json:"created"`
	Name    string    `json:"name,omitempty"`

	Grantee     party        `json:"grantee"`
	Retirer     party        `json:"retirer,omitzero"`
	Operations  operationSet `json:"operations"`
	Constraint  constraint   `json:"constraint,omitzero"`
	Fingerprint digest       `json:"fingerprint,omitempty"` // of a named grant, see nameTable

	// The values of indexed columns.
	Listed    digest `json:"listed"`              // of Grantee.Text
	Retirable digest `json:"retirable,omitempty"` // of what Retirer is bound to
}

// A party is a principal of a grant.
type party struct {
	Text    string  `json:"text,omitempty"`
	Service bool    `json:"service,omitempty"` // given as a service principal, in the members that are for those
	Bound   grantee `json:"bound,omitzero"`
}

var grantTable = &store.Table[grantRecord]{
	Schema: driver.Schema{
		Name:       "kms_grant",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}, {Name: "grant_id"}},
		Indexed:    []driver.Column{{Name: "listed"}, {Name: "retirable"}},
		Indexes: []driver.IndexSchema{
			{Name: "listed", Columns: []string{"region", "key_id", "listed"}},
			{Name: "retirable", Columns: []string{"region", "retirable"}},
		},
	},
	Version: 1,
	Key:     func(g *grantRecord) store.Key { return grantKey(g.Region, g.KeyID, g.ID) },
	Indexed: func(g *grantRecord) store.Key {
		return store.Key{store.S(string(g.Listed)), store.S(string(g.Retirable))}
	},
	Account: func(g *grantRecord) string { return g.Account },
}

func grantKey(region, keyID, id string) store.Key {
	return store.Key{store.S(region), store.S(keyID), store.S(id)}
}

// nameRecord makes the repetition of a named grant find it: the key is a digest
// of everything that was asked for, its name included.
type nameRecord struct {
	Region      string `json:"region"`
	KeyID       string `json:"keyId"`
	Account     string `json:"account"`
	Fingerprint digest `json:"fingerprint"`
	GrantID     string `json:"grantId"`
}

var nameTable = &store.Table[nameRecord]{
	Schema: driver.Schema{
		Name:       "kms_grant_name",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}, {Name: "fingerprint"}},
	},
	Version: 1,
	Key:     func(n *nameRecord) store.Key { return grantKey(n.Region, n.KeyID, string(n.Fingerprint)) },
	Account: func(n *nameRecord) string { return n.Account },
}

var grantIDPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// grantID makes the id of a new grant from 32 random bytes.
func grantID(random [32]byte) string { return hex.EncodeToString(random[:]) }

// readGrant returns a grant of a key. Without it the error is store.ErrNotFound.
func readGrant(ctx context.Context, r store.Reader, region, keyID, id string) (*grantRecord, store.Rev, error) {
	g, rev, err := grantTable.Get(ctx, r, grantKey(region, keyID, id))
	if err != nil {
		return nil, 0, fmt.Errorf("reading grant %s: %w", id, err)
	}
	return g, rev, nil
}

// listed is the value by which grants are found that name a grantee with this
// text, in the member for services or in the other one.
func (s *Service) listed(text string, service bool) digest {
	if service {
		return s.digest(append([]byte{'s'}, text...))
	}
	return s.digest(append([]byte{'l'}, text...))
}

// repeats reports whether the same was asked for with g and with other.
func (g *grantRecord) repeats(other *grantRecord) bool {
	return g.Region == other.Region && g.KeyID == other.KeyID && g.Issuer == other.Issuer && g.Name == other.Name &&
		g.Grantee == other.Grantee && g.Retirer == other.Retirer &&
		g.Operations == other.Operations && g.Constraint.equal(&other.Constraint)
}

// fingerprint is the digest of all that repeats compares, beside the key. Every
// part has its length before it or is of one length, and the pairs come last.
func (s *Service) fingerprint(g *grantRecord) digest {
	b := append(make([]byte, 0, 512), 'n')
	b = appendText(appendText(b, g.Issuer), g.Name)
	b = appendParty(appendParty(b, &g.Grantee), &g.Retirer)
	b = binary.BigEndian.AppendUint32(b, uint32(g.Operations))
	b = appendText(appendText(b, string(g.Constraint.Kind)), g.Constraint.SourceARN)
	for _, p := range g.Constraint.Pairs {
		b = appendText(appendText(b, p.Key), p.Value)
	}
	return s.digest(b)
}

func appendParty(b []byte, p *party) []byte {
	b = appendText(append(b, byte(p.Bound.Form)), p.Bound.ID)
	service := byte(0)
	if p.Service {
		service = 1
	}
	return appendText(append(b, service), p.Text)
}

// putGrant stores a new grant on k with all that decisions will look up.
func (s *Service) putGrant(ctx context.Context, tx store.Txn, k *Key, g *grantRecord) error {
	g.Listed = s.listed(g.Grantee.Text, g.Grantee.Service)
	g.Retirable = s.granteeDigest(g.Retirer.Bound)
	if err := s.countGrant(ctx, tx, g, +1, k.Manager != managerAWS); err != nil {
		return err
	}
	if err := grantTable.Insert(ctx, tx, g); err != nil {
		return fmt.Errorf("storing grant %s: %w", g.ID, err)
	}
	if g.Fingerprint != "" {
		n := &nameRecord{Region: g.Region, KeyID: g.KeyID, Account: g.Account, Fingerprint: g.Fingerprint, GrantID: g.ID}
		if err := nameTable.Insert(ctx, tx, n); err != nil {
			return fmt.Errorf("storing the name of grant %s: %w", g.ID, err)
		}
	}
	if err := s.index(ctx, tx, g, +1); err != nil {
		return fmt.Errorf("indexing grant %s: %w", g.ID, err)
	}
	form := uint8(1) << g.Grantee.Bound.Form
	if k.Grantees&form != 0 {
		k.unchanged(tx)
		return nil
	}
	rec := k.keyRecord
	rec.Grantees |= form
	return k.put(ctx, tx, &rec)
}

// deleteGrant removes a grant and exactly the rights that it gave. Of two calls
// that delete the same grant one conflicts.
func (s *Service) deleteGrant(ctx context.Context, tx store.Txn, g *grantRecord, rev store.Rev) error {
	if err := s.countGrant(ctx, tx, g, -1, false); err != nil {
		return err
	}
	if err := grantTable.Delete(ctx, tx, grantTable.Key(g), rev); err != nil {
		return fmt.Errorf("deleting grant %s: %w", g.ID, err)
	}
	if g.Fingerprint != "" {
		key := grantKey(g.Region, g.KeyID, string(g.Fingerprint))
		n, rev, err := nameTable.Get(ctx, tx, key)
		if err == nil && n.GrantID == g.ID {
			err = nameTable.Delete(ctx, tx, key, rev)
		} else if err == nil || errors.Is(err, store.ErrNotFound) {
			err = store.ErrDamaged
		}
		if err != nil {
			return fmt.Errorf("deleting the name of grant %s: %w", g.ID, err)
		}
	}
	if err := s.index(ctx, tx, g, -1); err != nil {
		return fmt.Errorf("taking grant %s out of the index: %w", g.ID, err)
	}
	return nil
}
