package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A Visitor is told what a backup holds, in its order. Any member may be nil. What
// it is told may be altered or cut off: only where Read returns without an error it was
// not. Bytes are valid until the function returns.
type Visitor struct {
	Header  func(*Header) error
	Row     func(table int, r *driver.Row) error // the table's place in the list that Read was given
	Segment func(name string) error
	Data    func(b []byte) error // of the segment at hand

	// Verify reports whether a signature of the installation is good. It is asked
	// last. Without it nothing is known of who wrote the backup.
	Verify func(message, signature []byte) (bool, error)
}

// A reader reads one backup.
type reader struct {
	from   io.Reader
	tables []*driver.Schema
	v      *Visitor
	hash   hash.Hash
	head   [headBytes]byte
	space  bytes.Buffer
	body   []byte // of the chunk at hand

	summary Summary
	table   int // place of the table at hand
	sum     *store.Summer
	sums    []store.Sum
	after   driver.Key // primary key of the last row
	segment *Segment
	content hash.Hash
	done    []Segment
}

// Read reads a backup to its end, of these tables or, by an older program, of some
// of them, and holds a few mebibytes at a
// time. It is ErrFormat for what is no backup, ErrDamaged for one that is not as
// it was written, and ErrForeign for one whose signature is not good. Errors of the
// visitor are returned as they are.
func Read(from io.Reader, tables []*driver.Schema, v *Visitor) (*Summary, error) {
	r := &reader{from: from, tables: tables, v: v, hash: sha256.New()}
	start := make([]byte, len(magic))
	if _, err := io.ReadFull(from, start); err != nil || !bytes.Equal(start[:len(magic)-1], []byte(magic[:len(magic)-1])) {
		return nil, r.failed(err, ErrFormat, "it does not begin as one")
	}
	if string(start) != magic {
		return nil, fmt.Errorf("%w: a newer program wrote it", ErrFormat)
	}
	r.hash.Write(start)
	kind, err := r.next()
	if err == nil && kind != kindHeader {
		err = damaged("it has no header")
	}
	if err == nil {
		err = r.header()
	}
	for err == nil && kind != kindEnd {
		digest := r.hash.Sum(nil)
		if kind, err = r.next(); err == nil {
			err = r.chunk(kind, digest)
		}
	}
	if err != nil {
		return nil, err
	}
	if n, err := io.ReadFull(from, start[:1]); n > 0 || err != io.EOF {
		return nil, r.failed(nil, ErrDamaged, "something follows its end")
	}
	return &r.summary, nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// failed tells a backup that ends too soon from one that can't be read.
func (r *reader) failed(err, kind error, what string) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: %s", kind, what)
	}
	return fmt.Errorf("reading a backup: %w", err)
}

// next reads a chunk into r.body.
func (r *reader) next() (kind byte, err error) {
	if _, err := io.ReadFull(r.from, r.head[:]); err != nil {
		return 0, r.failed(err, ErrDamaged, "it ends too soon")
	}
	n := binary.BigEndian.Uint32(r.head[1:])
	if n > bodyMax {
		return 0, damaged("a part of %d bytes", n)
	}
	r.space.Reset()
	if _, err := io.CopyN(&r.space, r.from, int64(n)); err != nil { // as much memory as there are bytes, whatever they say
		return 0, r.failed(err, ErrDamaged, "it ends too soon")
	}
	r.body = r.space.Bytes()
	r.hash.Write(r.head[:])
	r.hash.Write(r.body)
	return r.head[0], nil
}

// strict decodes an object that has no members that are not known.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		return damaged("a description in it can't be read")
	}
	return nil
}

func (r *reader) header() error {
	h := &r.summary.Header
	if err := strict(r.body, h); err != nil {
		return err
	}
	if h.Version != version || h.Schema > store.SchemaVersion {
		return fmt.Errorf("%w: a newer program wrote it", ErrFormat)
	}
	if r.v.Header != nil {
		return r.v.Header(h)
	}
	return nil
}

// chunk takes a chunk behind the header. digest is that of everything before it.
func (r *reader) chunk(kind byte, digest []byte) error {
	switch kind {
	case kindTable:
		return r.beginTable()
	case kindRows:
		return r.rows()
	case kindSegment:
		return r.beginSegment()
	case kindData:
		return r.data()
	case kindManifest:
		return r.manifest()
	case kindEnd:
		return r.end(digest)
	}
	return damaged("a part of an unknown kind")
}

func (r *reader) beginTable() error {
	r.endTable()
	name := string(r.body)
	named := func(n string) bool { return n == name }
	if r.segment != nil || r.summary.Manifest.Tables != nil || slices.ContainsFunc(r.sums, func(s store.Sum) bool { return named(s.Table) }) {
		return damaged("table %.40q is not where it should be", name)
	}
	if r.table = slices.IndexFunc(r.tables, func(t *driver.Schema) bool { return named(t.Name) }); r.table < 0 {
		return fmt.Errorf("%w: it has a table %.40q, which this program does not know", ErrFormat, name)
	}
	r.sum, r.after = store.NewSummer(r.tables[r.table]), nil
	return nil
}

func (r *reader) endTable() {
	if r.sum != nil {
		r.sums = append(r.sums, r.sum.Sum())
		r.sum = nil
	}
}

func (r *reader) rows() error {
	if r.sum == nil {
		return damaged("rows of no table")
	}
	for b := r.body; len(b) > 0; {
		row, rest, err := driver.CutRow(b, r.tables[r.table])
		if err != nil || r.after != nil && r.after.Compare(row.Key) >= 0 {
			return damaged("a row of %s can't be read, or is not where it should be", r.tables[r.table].Name)
		}
		r.sum.Add(&row)
		r.after, b = row.Key, rest
		if r.v.Row != nil {
			if err := r.v.Row(r.table, &row); err != nil {
				return err
			}
		}
	}
	return nil
}

// segmentName is what a segment of the trail may be called: nothing that leads
// out of a directory.
var segmentName = regexp.MustCompile(`^[0-9]{12,20}\.trail$`)

func (r *reader) beginSegment() error {
	r.endTable()
	r.endSegment()
	if r.summary.Manifest.Tables != nil || !segmentName.Match(r.body) {
		return damaged("a segment %.40q", r.body)
	}
	r.segment, r.content = &Segment{Name: string(r.body)}, sha256.New()
	if r.v.Segment != nil {
		return r.v.Segment(r.segment.Name)
	}
	return nil
}

func (r *reader) endSegment() {
	if r.segment != nil {
		r.segment.Digest = hex.EncodeToString(r.content.Sum(nil))
		r.done = append(r.done, *r.segment)
		r.segment = nil
	}
}

func (r *reader) data() error {
	if r.segment == nil {
		return damaged("data of no segment")
	}
	r.segment.Bytes += int64(len(r.body))
	r.content.Write(r.body)
	if r.v.Data != nil {
		return r.v.Data(r.body)
	}
	return nil
}

// manifest compares what was read with what should have been.
func (r *reader) manifest() error {
	r.endTable()
	r.endSegment()
	m := &r.summary.Manifest
	if m.Tables != nil {
		return damaged("a second manifest")
	}
	if err := strict(r.body, m); err != nil {
		return err
	}
	if m.Tables == nil {
		return damaged("a manifest without tables")
	}
	if err := store.Same(m.Tables, r.sums); err != nil {
		return damaged("%v", err)
	}
	if len(m.Segments) != len(r.done) {
		return damaged("it has %d segments of the trail where there should be %d", len(r.done), len(m.Segments))
	}
	for i := range m.Segments {
		if m.Segments[i] != r.done[i] {
			return damaged("segment %s is not what was written", r.done[i].Name)
		}
	}
	return nil
}

func (r *reader) end(digest []byte) error {
	if r.summary.Manifest.Tables == nil || len(r.body) != digestBytes+signatureBytes || !bytes.Equal(r.body[:digestBytes], digest) {
		return damaged("its digest is not that of what was read")
	}
	copy(r.summary.Digest[:], digest)
	if r.v.Verify == nil {
		return nil
	}
	good, err := r.v.Verify(append([]byte(signed), digest...), bytes.Clone(r.body[digestBytes:]))
	if err == nil && !good {
		err = ErrForeign
	}
	return err
}
