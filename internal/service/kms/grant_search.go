package kms

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/pairs"
)

// A grantSearch finds the grants that cover one ask on one key. It reads through
// snapshots of grantees and entries. A call that makes a grant under another one
// reads entries through its transaction, and rests it on the one that lets it in.
type grantSearch struct {
	s    *Service
	c    *operation.Call
	key  *Key
	need operationSet // what one grant alone must permit

	context pairs.Map   // encryption context of the call
	child   *constraint // of the grant that is to be made, where the call makes one

	occasion occasion

	// partner is the search for the other half of a call that needs two grants
	// with the same source ARN; nil for others.
	partner *grantSearch
	sources sources // of the grants that let this half in
}

// sources are the source ARNs that the grants of one half of a call have: none,
// that of the call, or both.
type sources uint8

const (
	withoutSource sources = 1 << iota
	withSource
)

// Find implements authz.Grants.
func (g *grantSearch) Find(j *authz.Judge) (bool, error) {
	g.sources = 0
	source := g.c.Facts.SourceARN
	if g.child != nil {
		folded := g.child.folded()
		g.occasion = beneath(&folded, source)
	} else {
		g.occasion = under(g.context, source)
	}
	var room [facesMax]face
	for _, f := range faces(room[:0], g.c.Caller) {
		if g.key.Grantees&(1<<f.Form) == 0 {
			continue // no grant on this key ever named a principal of this form
		}
		found, err := g.findAs(j, f)
		if found || err != nil {
			return found, err
		}
	}
	return g.sources != 0, nil
}

// findAs tries the grants of one grantee that the caller is. It stops at the
// first that suffices, unless the other half of the call depends on which it is.
func (g *grantSearch) findAs(j *authz.Judge, f face) (bool, error) {
	of := g.s.granteeDigest(f.grantee)
	if heedless.has(g.need) {
		return g.findHeedless(j, f, of)
	}
	shapes, err := g.shapes(of, f.grantee)
	if err != nil {
		return false, err
	}
	for i := range shapes {
		k, ok := g.occasion.fill(&shapes[i].shape)
		if !ok {
			continue
		}
		if found, err := g.try(j, f, of, entryOfContext, &k); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// findHeedless tries the grants for an operation that takes no context. A source
// ARN limits such a grant where the call comes with one.
func (g *grantSearch) findHeedless(j *authz.Judge, f face, of digest) (bool, error) {
	if g.occasion.source == "" {
		return g.try(j, f, of, entryHeedlessAny, &constraint{})
	}
	found, err := g.try(j, f, of, entryHeedless, &constraint{SourceARN: g.occasion.source})
	if found || err != nil {
		return found, err
	}
	return g.try(j, f, of, entryHeedless, &constraint{})
}

// try asks the judge for each right of one entry.
func (g *grantSearch) try(j *authz.Judge, f face, of digest, kind entryKind, k *constraint) (bool, error) {
	source := withoutSource
	if k.SourceARN != "" {
		source = withSource
	}
	if g.partner != nil && g.partner.sources != 0 && g.partner.sources&source == 0 {
		return false, nil
	}
	e, err := g.entry(of, kind, k, f.grantee)
	if err != nil {
		return false, err
	}
	for i := range e.Rights {
		if !e.Rights[i].Operations.has(g.need) || !j.Admits(f.grade, e.Rights[i].Issuer) {
			continue
		}
		g.sources |= source
		if e.require != nil {
			e.require()
		}
		return g.partner == nil || g.partner.sources != 0, nil
	}
	return false, nil
}

// granteeShapes is a snapshot of a grantee's shapes; none where it has no grants.
type granteeShapes struct {
	shapes []liveShape
	stamp  store.Stamp
}

func (g *granteeShapes) current() bool { return g.stamp.Current() }

// granteeName is the primary key of a grantee of a key.
type granteeName struct {
	keyName
	grantee digest
}

// grantEntry is a snapshot of an entry, without rights where there is none.
type grantEntry struct {
	Rights  []right
	stamp   store.Stamp
	require func() // has the transaction rest on the entry; nil outside one
}

func (e *grantEntry) current() bool { return e.stamp.Current() }

// entryName is the primary key of an entry.
type entryName struct {
	granteeName
	entry digest
}

// reader reads one row at a time, each as it is then: that they fit together is
// what the call rests on, and is compared in the end. A call that makes a grant
// reads through its transaction.
func (g *grantSearch) reader() (store.Reader, error) {
	if g.child != nil || g.s.glance == nil {
		return g.c.Reader()
	}
	return g.s.glance(), nil
}

// shapes returns the shapes of a grantee's constraints and rests the call on them.
func (g *grantSearch) shapes(of digest, who grantee) ([]liveShape, error) {
	name := granteeName{keyName{g.key.Region, g.key.ID}, of}
	if known, ok := g.s.grantees.get(name); ok {
		g.c.RestOn(known.stamp)
		return known.shapes, nil
	}
	r, err := g.reader()
	if err != nil {
		return nil, err
	}
	fresh := &granteeShapes{stamp: g.s.stamp(r, granteeEntity(name.region, name.id, of))}
	rec, _, err := granteeTable.Get(g.c.Context, r, grantKey(name.region, name.id, string(of)))
	switch {
	case err == nil && rec.Bound == who:
		fresh.shapes = rec.Shapes
	case err == nil:
		return nil, fmt.Errorf("the shapes of a grantee are of another: %w", store.ErrDamaged)
	case !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("reading the grantee: %w", err)
	}
	if _, writes := r.(store.Txn); !writes {
		g.s.grantees.put(name, fresh)
	}
	g.c.RestOn(fresh.stamp)
	return fresh.shapes, nil
}

// entry returns the entry of a folded constraint and rests the call on it.
func (g *grantSearch) entry(of digest, kind entryKind, k *constraint, who grantee) (*grantEntry, error) {
	name := entryName{granteeName{keyName{g.key.Region, g.key.ID}, of}, g.s.entryDigest(kind, k)}
	if known, ok := g.s.entries.get(name); ok && g.child == nil {
		g.c.RestOn(known.stamp)
		return known, nil
	}
	r, err := g.reader()
	if err != nil {
		return nil, err
	}
	fresh := &grantEntry{stamp: g.s.stamp(r, entryEntity(name.region, name.id, of, name.entry))}
	rec, rev, err := entryTable.Get(g.c.Context, r, entryKey(name.region, name.id, of, name.entry))
	switch {
	case err == nil && rec.Bound == who && rec.Kind == kind && rec.Constraint.equal(k):
		fresh.Rights = rec.Rights
	case err == nil:
		return nil, fmt.Errorf("entry %s is of another constraint: %w", name.entry, store.ErrDamaged)
	case !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("reading entry %s: %w", name.entry, err)
	}
	if tx, writes := r.(store.Txn); writes {
		fresh.require = func() { entryTable.Require(tx, entryKey(name.region, name.id, of, name.entry), rev) }
	} else {
		g.s.entries.put(name, fresh)
	}
	g.c.RestOn(fresh.stamp)
	return fresh, nil
}
