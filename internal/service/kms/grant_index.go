package kms

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/fault"
)

// The index of grants answers what a grantee may do with a key without reading
// grants. Of each grantee of a key it keeps the shapes of its constraints, and of
// each constraint one entry that counts the grants which have it. A decision looks
// up one entry for each shape that the call can fill, however many grants there are.

// granteeRecord lists the shapes of the constraints of one grantee's grants on a key.
type granteeRecord struct {
	Region  string      `json:"region"`
	KeyID   string      `json:"keyId"`
	Account string      `json:"account"` // owner of the key
	Grantee digest      `json:"grantee"`
	Bound   grantee     `json:"bound"`
	Shapes  []liveShape `json:"shapes"`
}

type liveShape struct {
	shape
	Entries int64 `json:"entries"` // that have this shape, at least one
}

// shapesMax bounds the shapes of one grantee's grants on a key. Grants without
// number may share a shape: it is the set of names that a constraint has.
const shapesMax = 1000

// shapeBytesMax bounds the names of all these shapes together, which are written
// with each new one and kept in memory.
const shapeBytesMax = 128 << 10

// names is how much the names of all shapes take.
func (g *granteeRecord) names() (bytes int) {
	for i := range g.Shapes {
		bytes += g.Shapes[i].bytes()
	}
	return bytes
}

// bytes is how much the names of a shape take.
func (sh *shape) bytes() (n int) {
	for _, name := range sh.Names {
		n += len(name)
	}
	return n
}

var granteeTable = &store.Table[granteeRecord]{
	Schema: driver.Schema{
		Name:       "kms_grantee",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}, {Name: "grantee"}},
	},
	Version: 1,
	Key:     func(g *granteeRecord) store.Key { return grantKey(g.Region, g.KeyID, string(g.Grantee)) },
	Account: func(g *granteeRecord) string { return g.Account },
}

// An entryKind says which calls an entry is for.
type entryKind uint8

const (
	entryOfContext   entryKind = 1 // calls whose context the constraint limits
	entryHeedless    entryKind = 2 // heedless operations, by source ARN
	entryHeedlessAny entryKind = 3 // heedless operations of a call without source ARN
)

// entryRecord is a constraint that grants to one grantee have, with what they
// permit. Grants that agree in everything that matters to a decision are counted,
// not listed.
type entryRecord struct {
	Region     string     `json:"region"`
	KeyID      string     `json:"keyId"`
	Account    string     `json:"account"` // owner of the key
	Grantee    digest     `json:"grantee"`
	Entry      digest     `json:"entry"`
	Bound      grantee    `json:"bound"`
	Kind       entryKind  `json:"kind"`
	Constraint constraint `json:"constraint,omitzero"` // folded
	Rights     []right    `json:"rights"`              // sorted
}

// A right is what some grants of one issuer permit, all of them together and
// each alone.
type right struct {
	Issuer     string       `json:"issuer"`
	Operations operationSet `json:"operations"`
	Grants     int64        `json:"grants"`
}

var entryTable = &store.Table[entryRecord]{
	Schema: driver.Schema{
		Name:       "kms_grant_entry",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}, {Name: "grantee"}, {Name: "entry"}},
	},
	Version: 1,
	Key:     func(e *entryRecord) store.Key { return entryKey(e.Region, e.KeyID, e.Grantee, e.Entry) },
	Account: func(e *entryRecord) string { return e.Account },
}

func entryKey(region, keyID string, g, entry digest) store.Key {
	return store.Key{store.S(region), store.S(keyID), store.S(string(g)), store.S(string(entry))}
}

// granteeEntity is touched when the shapes of a grantee change, and entryEntity
// when an entry does.
func granteeEntity(region, keyID string, g digest) string {
	return "gr:" + region + "/" + keyID + "/" + string(g)
}

func entryEntity(region, keyID string, g, entry digest) string {
	return "ge:" + region + "/" + keyID + "/" + string(g) + "/" + string(entry)
}

// entryDigest names the entry of a folded constraint. Every part has its length
// before it, so that no two constraints are written alike.
func (s *Service) entryDigest(kind entryKind, k *constraint) digest {
	b := make([]byte, 0, 256)
	b = append(b, 'e', byte(kind))
	b = appendText(b, string(k.Kind))
	b = appendText(b, k.SourceARN)
	for _, p := range k.Pairs {
		b = appendText(appendText(b, p.Key), p.Value)
	}
	return s.digest(b)
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// index adds a grant to the index, or takes it out: n is +1 or -1.
func (s *Service) index(ctx context.Context, tx store.Txn, g *grantRecord, n int64) error {
	of := s.granteeDigest(g.Grantee.Bound)
	folded := g.Constraint.folded()
	appears, err := s.count(ctx, tx, g, of, entryOfContext, &folded, g.Operations, n)
	if err != nil {
		return err
	}
	if appears != 0 {
		if err := countShape(ctx, tx, g, of, folded.shape(), appears); err != nil {
			return err
		}
	}
	operations := g.Operations & heedless
	if operations == 0 {
		return nil
	}
	bySource := constraint{SourceARN: g.Constraint.SourceARN}
	if _, err := s.count(ctx, tx, g, of, entryHeedless, &bySource, operations, n); err != nil {
		return err
	}
	_, err = s.count(ctx, tx, g, of, entryHeedlessAny, &constraint{}, operations, n)
	return err
}

// count adds n grants to the rights of an entry. appears is +1 where the entry
// was not there before, -1 where it has gone, else 0.
func (s *Service) count(ctx context.Context, tx store.Txn, g *grantRecord, of digest, kind entryKind, k *constraint, operations operationSet, n int64) (appears int64, err error) {
	entry := s.entryDigest(kind, k)
	tx.Touch(entryEntity(g.Region, g.KeyID, of, entry))
	e, rev, err := entryTable.Get(ctx, tx, entryKey(g.Region, g.KeyID, of, entry))
	if errors.Is(err, store.ErrNotFound) && n > 0 {
		e = &entryRecord{
			Region: g.Region, KeyID: g.KeyID, Account: g.Account, Grantee: of, Entry: entry,
			Bound: g.Grantee.Bound, Kind: kind, Constraint: *k,
			Rights: []right{{g.Issuer, operations, n}},
		}
		return +1, entryTable.Insert(ctx, tx, e)
	}
	if err != nil {
		return 0, fmt.Errorf("reading entry %s: %w", entry, damaged(err))
	}
	if e.Bound != g.Grantee.Bound || e.Kind != kind || !e.Constraint.equal(k) {
		return 0, fmt.Errorf("entry %s is of another constraint: %w", entry, store.ErrDamaged)
	}
	if err := e.add(right{g.Issuer, operations, n}); err != nil {
		return 0, err
	}
	if len(e.Rights) == 0 {
		return -1, entryTable.Delete(ctx, tx, entryTable.Key(e), rev)
	}
	return 0, entryTable.Put(ctx, tx, e, rev)
}

// add counts grants of one right. Less than none is damage, not arithmetic.
func (e *entryRecord) add(r right) error {
	i, found := slices.BinarySearchFunc(e.Rights, r, func(a, b right) int {
		return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Operations, b.Operations))
	})
	if !found {
		if r.Grants < 0 {
			return fmt.Errorf("entry %s lacks a grant that is to end: %w", e.Entry, store.ErrDamaged)
		}
		e.Rights = slices.Insert(e.Rights, i, r)
		return nil
	}
	e.Rights[i].Grants += r.Grants
	switch left := e.Rights[i].Grants; {
	case left < 0:
		return fmt.Errorf("entry %s counts fewer grants than end: %w", e.Entry, store.ErrDamaged)
	case left == 0:
		e.Rights = slices.Delete(e.Rights, i, i+1)
	}
	return nil
}

// countShape counts an entry that came or went. Decisions rest on which shapes
// there are, not on how often: only their coming and going is told.
func countShape(ctx context.Context, tx store.Txn, g *grantRecord, of digest, sh shape, n int64) error {
	rec, rev, err := granteeTable.Get(ctx, tx, grantKey(g.Region, g.KeyID, string(of)))
	if errors.Is(err, store.ErrNotFound) && n > 0 {
		rec = &granteeRecord{Region: g.Region, KeyID: g.KeyID, Account: g.Account, Grantee: of, Bound: g.Grantee.Bound, Shapes: []liveShape{{sh, n}}}
		tx.Touch(granteeEntity(g.Region, g.KeyID, of))
		return granteeTable.Insert(ctx, tx, rec)
	}
	if err != nil {
		return fmt.Errorf("reading the grantee: %w", damaged(err))
	}
	i := slices.IndexFunc(rec.Shapes, func(l liveShape) bool { return l.equal(&sh) })
	switch {
	case rec.Bound != g.Grantee.Bound, i < 0 && n < 0:
		return fmt.Errorf("the shapes of a grantee do not have that of its grant: %w", store.ErrDamaged)
	case i < 0 && len(rec.Shapes) == shapesMax:
		return fault.New(fault.LimitExceeded, "The grants of this grantee on the key have %d different sets of constraint names already.", shapesMax)
	case i < 0 && rec.names()+sh.bytes() > shapeBytesMax:
		return fault.New(fault.LimitExceeded, "The sets of constraint names that the grants of this grantee on the key have are larger than %d bytes together.", shapeBytesMax)
	case i < 0:
		rec.Shapes = append(rec.Shapes, liveShape{sh, n})
		tx.Touch(granteeEntity(g.Region, g.KeyID, of))
	default:
		rec.Shapes[i].Entries += n
	}
	if i >= 0 && rec.Shapes[i].Entries == 0 {
		rec.Shapes = slices.Delete(rec.Shapes, i, i+1)
		tx.Touch(granteeEntity(g.Region, g.KeyID, of))
	}
	if len(rec.Shapes) == 0 {
		return granteeTable.Delete(ctx, tx, granteeTable.Key(rec), rev)
	}
	return granteeTable.Put(ctx, tx, rec, rev)
}
