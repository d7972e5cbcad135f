package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"claviger/internal/ground/store/driver"
)

// The digest says which rows a store has, and which values: sums of keyed hashes
// of them all, table by table, sealed with the position that they are of. Each commit
// adds what it writes and subtracts what that replaces, so that rows which were
// put back as they were earlier, or taken away, no longer add up to it.
//
// It is a multiset hash that adds (Clarke et al., ASIACRYPT 2003, MSet-Add-Hash):
// nobody without the key knows a hash or a sum, so that nobody can choose rows of
// which the sums are the same.

// A Digester has the key of the digest. Package sealed offers one.
type Digester interface {
	// HashRow is a keyed hash of what names a row of a revision.
	HashRow(b []byte) [32]byte
	SealDigest(associated, plaintext []byte) []byte
	OpenDigest(associated, sealed []byte) ([]byte, error)
}

// ErrAltered means that a store does not hold what was last written to it,
// although each part of it opens: something was put back as it was earlier, or
// taken away. Nothing is written to such a store.
var ErrAltered = fmt.Errorf("the store does not hold what was last written to it: %w", ErrDamaged)

// digestFormat is the version of the format in docs/formats/store.md.
const digestFormat = 1

// What a hash is of.
const (
	hashOfRow   = 1
	hashOfValue = 2
)

// apart are the values that are not in the sums: the digest itself, and the mark
// of a store that is none yet.
var apart = []string{driver.DigestKey, metaLoading}

// tableID is how sums name a table.
func tableID(name string) uint32 {
	h := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint32(h[:])
}

// A hasher has space for what is hashed.
type hasher struct {
	keys  Digester
	space []byte
}

// row is a row as a Sum takes it.
func (h *hasher) row(table *driver.Schema, key Key, rev Rev) (rows, hi, lo uint64) {
	h.space = appendRowName(h.space[:0], table, key, rev)
	return h.hash()
}

// value is a value as a Sum takes it.
func (h *hasher) value(key string, value []byte) (rows, hi, lo uint64) {
	h.space = appendValueName(h.space[:0], key, value)
	return h.hash()
}

func (h *hasher) hash() (rows, hi, lo uint64) {
	sum := h.keys.HashRow(h.space)
	return 1, binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])
}

// appendRowName appends what the hash of a row is of.
func appendRowName(dst []byte, table *driver.Schema, key Key, rev Rev) []byte {
	dst = appendField(append(dst, hashOfRow), table.Name)
	return binary.BigEndian.AppendUint64(appendKey(dst, key), uint64(rev))
}

func appendValueName(dst []byte, key string, value []byte) []byte {
	return append(appendField(append(dst, hashOfValue), key), value...)
}

// deltas collects by how much sums change.
type deltas struct {
	hasher
	sums map[uint32]*driver.Sum
}

func newDeltas(keys Digester) *deltas {
	return &deltas{hasher{keys: keys}, make(map[uint32]*driver.Sum)}
}

func (d *deltas) of(table string) *driver.Sum {
	id := tableID(table)
	s := d.sums[id]
	if s == nil {
		s = &driver.Sum{Table: id}
		d.sums[id] = s
	}
	return s
}

// write takes what a write changes.
func (d *deltas) write(w *driver.Write) {
	s := d.of(w.Table.Name)
	if w.Kind != driver.Insert {
		s.Subtract(d.row(w.Table, w.Row.Key, w.Old))
	}
	if w.Kind != driver.Delete {
		s.Add(d.row(w.Table, w.Row.Key, w.Row.Rev))
	}
}

// values takes values that come, and those that they replace.
func (d *deltas) values(old, now map[string][]byte) {
	s := d.of(driver.Values.Name)
	for k, v := range old {
		if !slices.Contains(apart, k) {
			s.Subtract(d.value(k, v))
		}
	}
	for k, v := range now {
		if !slices.Contains(apart, k) {
			s.Add(d.value(k, v))
		}
	}
}

func (d *deltas) done() driver.Sums {
	var sums driver.Sums
	for _, id := range slices.Sorted(maps.Keys(d.sums)) {
		if s := d.sums[id]; s.Rows|s.Hi|s.Lo != 0 {
			sums = append(sums, *s)
		}
	}
	return sums
}

// A digest is a digest with its sums.
type digest struct {
	position uint64
	sealed   []byte
	sums     driver.Sums
}

// sumSize is the length of one sum.
const sumSize = 4 + 8 + 16

func sealDigest(keys Digester, position uint64, sums driver.Sums) *digest {
	b := make([]byte, 0, len(sums)*sumSize)
	for _, s := range sums {
		b = binary.BigEndian.AppendUint32(b, s.Table)
		b = binary.BigEndian.AppendUint64(b, s.Rows)
		b = binary.BigEndian.AppendUint64(b, s.Hi)
		b = binary.BigEndian.AppendUint64(b, s.Lo)
	}
	sealed := append([]byte{digestFormat}, keys.SealDigest(digestAssociated(position), b)...)
	return &digest{position, sealed, sums}
}

// openDigest opens the digest of a position.
func openDigest(keys Digester, position uint64, sealed []byte) (*digest, error) {
	if len(sealed) == 0 {
		return nil, fmt.Errorf("it has no digest of its rows: %w", ErrAltered)
	}
	var b []byte
	err := error(ErrDamaged)
	if sealed[0] == digestFormat {
		b, err = keys.OpenDigest(digestAssociated(position), sealed[1:])
	}
	if err != nil || len(b)%sumSize != 0 {
		return nil, fmt.Errorf("the digest of its rows is not that of position %d: %w", position, ErrAltered)
	}
	sums := make(driver.Sums, 0, len(b)/sumSize)
	for ; len(b) > 0; b = b[sumSize:] {
		u64 := binary.BigEndian.Uint64
		sums = append(sums, driver.Sum{Table: binary.BigEndian.Uint32(b), Rows: u64(b[4:]), Hi: u64(b[12:]), Lo: u64(b[20:])})
	}
	return &digest{position, sealed, sums}, nil
}

func digestAssociated(position uint64) []byte {
	b := append(appendField(nil, "claviger store digest"), digestFormat)
	return binary.BigEndian.AppendUint64(b, position)
}

// A ledger keeps the digest of an open store.
type ledger struct {
	keys Digester
	last atomic.Pointer[digest] // that was made or opened last
	flaw atomic.Pointer[error]  // why nothing is to be written
}

// roll is how the digest goes on with a change.
func (l *ledger) roll(delta driver.Sums) driver.Roll { return driver.Roll{Delta: delta, Next: l.next} }

// at returns the digest of a position, as it is stored. One that was made a
// moment ago needs not be opened.
func (l *ledger) at(position uint64, stored []byte) (*digest, error) {
	if d := l.last.Load(); d != nil && d.position == position && bytes.Equal(d.sealed, stored) {
		return d, nil
	}
	return openDigest(l.keys, position, stored)
}

// next is the Next of every Roll.
func (l *ledger) next(from, to uint64, before []byte, delta driver.Sums) ([]byte, error) {
	d, err := l.at(from, before)
	if err != nil {
		return nil, err
	}
	d = sealDigest(l.keys, to, d.sums.Add(delta))
	l.last.Store(d)
	return d.sealed, nil
}

// Sound returns ErrAltered where the digest is not there, or the values are not
// those that it sums up. Whether the rows are, only Verify knows.
func (s *Store) Sound() error {
	if flaw := s.ledger.flaw.Load(); flaw != nil {
		return *flaw
	}
	return nil
}

// settle compares the values with the digest. A store in which nothing was ever
// committed gets one.
func (s *Store) settle(ctx context.Context, at uint64, values map[string][]byte) error {
	if at == 0 && values[driver.DigestKey] == nil {
		now := newDeltas(s.ledger.keys)
		now.values(nil, values)
		d := sealDigest(s.ledger.keys, 0, now.done())
		if err := s.driver.PutMeta(ctx, map[string][]byte{driver.DigestKey: d.sealed}, driver.Roll{}); err != nil {
			return fmt.Errorf("storing the digest: %w", err)
		}
		s.ledger.last.Store(d)
		return nil
	}
	d, err := reconcile(s.ledger.keys, at, values)
	if err != nil {
		s.ledger.flaw.Store(&err)
	} else {
		s.ledger.last.Store(d)
	}
	return nil
}

// Reconcile returns ErrAltered where the values of a store at a position have no
// digest of it, or are not those that it sums up.
func Reconcile(keys Digester, position uint64, values map[string][]byte) error {
	_, err := reconcile(keys, position, values)
	return err
}

func reconcile(keys Digester, position uint64, values map[string][]byte) (*digest, error) {
	d, err := openDigest(keys, position, values[driver.DigestKey])
	if err != nil {
		return nil, err
	}
	now := newDeltas(keys)
	now.values(nil, values)
	if sumOf(d.sums, driver.Values.Name) != sumOf(now.done(), driver.Values.Name) {
		return nil, fmt.Errorf("a value of %s is not the one that was last written, is missing or was added: %w", driver.Values.Name, ErrAltered)
	}
	return d, nil
}

// values returns all values and the position that they are of.
func (s *Store) values(ctx context.Context) (at uint64, values map[string][]byte, err error) {
	for {
		before, err := s.position(ctx)
		if err != nil {
			return 0, nil, err
		}
		if values, err = s.driver.MetaPrefix(ctx, ""); err != nil {
			return 0, nil, fmt.Errorf("reading the store: %w", err)
		}
		if at, err = s.position(ctx); err != nil || at == before {
			return at, values, err
		}
	}
}

func (s *Store) position(ctx context.Context) (at uint64, err error) {
	err = s.View(ctx, func(r Reader) error {
		at = r.Position()
		return nil
	})
	return at, err
}

// sumOf returns the sum of a table.
func sumOf(sums driver.Sums, table string) driver.Sum {
	id := tableID(table)
	if i := slices.IndexFunc(sums, func(s driver.Sum) bool { return s.Table == id }); i >= 0 {
		return sums[i]
	}
	return driver.Sum{Table: id}
}

// replace returns the digest of a position in which some of the values that were
// there are replaced; nil removes one.
func (d *digest) replace(keys Digester, to uint64, values, replaced map[string][]byte) *digest {
	old, now := make(map[string][]byte), make(map[string][]byte)
	for k, v := range replaced {
		if was, ok := values[k]; ok {
			old[k] = was
		}
		if v != nil {
			now[k] = v
		}
	}
	change := newDeltas(keys)
	change.values(old, now)
	return sealDigest(keys, to, d.sums.Add(change.done()))
}

// Revalue replaces some of the values of a store at a position, and with them
// the digest among them. It is for values that are loaded into another store.
// Where the digest is not that of the position it stays, and Sound says so of
// what was loaded.
func Revalue(keys Digester, position uint64, values, replaced map[string][]byte) {
	if d, err := openDigest(keys, position, values[driver.DigestKey]); err == nil {
		values[driver.DigestKey] = d.replace(keys, position, values, replaced).sealed
	}
	maps.Copy(values, replaced)
}

// Advance moves the head forward to a position that no commit has, and replaces
// values (nil removes one), in one commit. It is for a store that nobody else uses.
func (s *Store) Advance(ctx context.Context, to uint64, replaced map[string][]byte) error {
	carrier, err := CarrierOf(s.driver)
	if err != nil {
		return err
	}
	at, values, err := s.values(ctx)
	if err != nil {
		return err
	}
	d, err := s.ledger.at(at, values[driver.DigestKey])
	if err == nil {
		err = s.Sound()
	}
	if err != nil {
		return err
	}
	d = d.replace(s.ledger.keys, to, values, replaced)
	all := map[string][]byte{driver.DigestKey: d.sealed}
	maps.Copy(all, replaced)
	return carrier.Advance(ctx, to, all)
}

// Recount takes the rows and values as they are for those that were last
// written: the next commit, or Advance, stores a digest of them. It is for a store that
// nobody else uses, and whose rows somebody has looked at.
func (s *Store) Recount(ctx context.Context, tables []AnyTable) error {
	from, err := CarrierOf(s.driver)
	if err != nil {
		return err
	}
	whole, err := from.Whole(ctx)
	if err != nil {
		return fmt.Errorf("counting rows: %w", err)
	}
	now := newDeltas(s.ledger.keys)
	for _, t := range Schemas(tables) {
		err = errors.Join(err, whole.Rows(ctx, t, nil, func(r driver.Row) error {
			now.write(&driver.Write{Kind: driver.Insert, Table: t, Row: r})
			return nil
		}))
	}
	values, e := ValuesOf(ctx, whole)
	if err = errors.Join(err, e, whole.Close()); err != nil {
		return fmt.Errorf("counting rows: %w", err)
	}
	now.values(nil, values)
	s.ledger.last.Store(&digest{whole.Position(), values[driver.DigestKey], now.done()})
	s.ledger.flaw.Store(nil)
	return nil
}

// A census compares the rows of a store with its digest.
type census struct {
	hasher
	found map[string]*driver.Sum // of tables that were read to their end
}

func newCensus(keys Digester) *census {
	return &census{hasher{keys: keys}, make(map[string]*driver.Sum)}
}

// searchMax bounds how many revisions are tried in search of a row.
const searchMax = 1 << 22

// compare reports tables whose rows are not those that were last written.
func (c *census) compare(ctx context.Context, w driver.Whole, tables []*driver.Schema, report func(Problem)) error {
	values, err := ValuesOf(ctx, w)
	if err != nil {
		return err
	}
	d, err := openDigest(c.keys, w.Position(), values[driver.DigestKey])
	if err != nil {
		report(Problem{Table: driver.Values.Name, Key: KeyText(Key{S(driver.DigestKey)}), What: err.Error()})
		return nil
	}
	now := newDeltas(c.keys)
	now.values(nil, values)
	c.found[driver.Values.Name] = now.of(driver.Values.Name)
	for _, t := range append(tables[:len(tables):len(tables)], driver.Values) {
		found := c.found[t.Name]
		lacks := sumOf(d.sums, t.Name)
		if found == nil || *found == lacks {
			continue
		}
		lacks.Subtract(found.Rows, found.Hi, found.Lo)
		if err := c.search(ctx, w, t, lacks, found.Rows, report); err != nil {
			return err
		}
	}
	return nil
}

// search looks for the one row of a table that explains by how much its sum is
// wrong: one that was deleted, or one that has an earlier revision than it had.
func (c *census) search(ctx context.Context, w driver.Whole, t *driver.Schema, lacks driver.Sum, rows uint64, report func(Problem)) error {
	tries := Rev(max(16, searchMax/(rows+1)))
	named := errors.New("named")
	err := w.Rows(ctx, t, nil, func(r driver.Row) error {
		was := driver.Sum{Table: lacks.Table}
		if t == driver.Values {
			was.Subtract(c.value(r.Key[0].S, r.Body))
		} else {
			was.Subtract(c.row(t, r.Key, r.Rev))
		}
		if was == lacks {
			report(Problem{Table: t.Name, Key: KeyText(r.Key), What: "it was deleted, or never written, and is here all the same"})
			return named
		}
		if t == driver.Values || lacks.Rows != 0 {
			return nil
		}
		for next := r.Rev + 1; next <= min(r.Rev+tries, Rev(w.Position())); next++ {
			is := was
			is.Add(c.row(t, r.Key, next))
			if is == lacks {
				report(Problem{Table: t.Name, Key: KeyText(r.Key), What: fmt.Sprintf("it is at revision %d, and was last written at revision %d: the row of an older state was put back", r.Rev, next)})
				return named
			}
		}
		return nil
	})
	switch missing := int64(lacks.Rows); {
	case errors.Is(err, named):
		return nil
	case err != nil:
		return err
	case missing > 0:
		report(Problem{Table: t.Name, What: fmt.Sprintf("rows are missing: %d fewer than were written", missing)})
	case missing < 0:
		report(Problem{Table: t.Name, What: fmt.Sprintf("rows that were deleted are here all the same: %d more than were written", -missing)})
	default:
		report(Problem{Table: t.Name, What: "rows are not those that were last written: some of an older state were put back"})
	}
	return nil
}
