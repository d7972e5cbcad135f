package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A Writer writes a backup: the header, tables with their rows, segments, and
// Close. It holds about a mebibyte at a time.
type Writer struct {
	to       io.Writer
	hash     hash.Hash
	head     [headBytes]byte
	rows     []byte
	sum      *store.Summer // of the table at hand
	manifest Manifest
}

// NewWriter begins a backup.
func NewWriter(to io.Writer, h Header) (*Writer, error) {
	w := &Writer{to: to, hash: sha256.New()}
	h.Version = version
	if err := w.write([]byte(magic)); err != nil {
		return nil, err
	}
	return w, w.object(kindHeader, h)
}

func (w *Writer) write(b []byte) error {
	w.hash.Write(b)
	if _, err := w.to.Write(b); err != nil {
		return fmt.Errorf("writing a backup: %w", err)
	}
	return nil
}

func (w *Writer) chunk(kind byte, body []byte) error {
	if len(body) > bodyMax {
		return fmt.Errorf("backup: a chunk of %d bytes", len(body))
	}
	w.head[0] = kind
	binary.BigEndian.PutUint32(w.head[1:], uint32(len(body)))
	if err := w.write(w.head[:]); err != nil {
		return err
	}
	return w.write(body)
}

func (w *Writer) object(kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		panic("backup: encoding: " + err.Error()) // strings, numbers and times
	}
	return w.chunk(kind, text)
}

// Table begins a table, whose rows follow in the order of their primary keys.
func (w *Writer) Table(t *driver.Schema) error {
	if err := w.endTable(); err != nil {
		return err
	}
	w.sum = store.NewSummer(t)
	return w.chunk(kindTable, []byte(t.Name))
}

// Row adds a row to the table.
func (w *Writer) Row(r *driver.Row) error {
	encoded := w.sum.Add(r)
	if len(w.rows) > 0 && len(w.rows)+len(encoded) > rowsBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.rows = append(w.rows, encoded...)
	return nil
}

func (w *Writer) flush() error {
	if len(w.rows) == 0 {
		return nil
	}
	err := w.chunk(kindRows, w.rows)
	w.rows = w.rows[:0]
	return err
}

func (w *Writer) endTable() error {
	if w.sum == nil {
		return nil
	}
	w.manifest.Tables = append(w.manifest.Tables, w.sum.Sum())
	w.sum = nil
	return w.flush()
}

// Segment adds a segment of the trail. All tables must have been added.
func (w *Writer) Segment(name string, content io.Reader) error {
	if err := w.endTable(); err != nil {
		return err
	}
	if err := w.chunk(kindSegment, []byte(name)); err != nil {
		return err
	}
	s := Segment{Name: name}
	sum := sha256.New()
	buf := make([]byte, dataBytes)
	for {
		n, err := io.ReadFull(content, buf)
		if n > 0 {
			s.Bytes += int64(n)
			sum.Write(buf[:n])
			if err := w.chunk(kindData, buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			s.Digest = hex.EncodeToString(sum.Sum(nil))
			w.manifest.Segments = append(w.manifest.Segments, s)
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading segment %s: %w", name, err)
		}
	}
}

// Close ends the backup with its manifest and its signature. It does not close
// what it wrote to.
func (w *Writer) Close(head []byte, last uint64, sign func(message []byte) []byte) error {
	if err := w.endTable(); err != nil {
		return err
	}
	w.manifest.Head, w.manifest.Last = head, last
	if err := w.object(kindManifest, w.manifest); err != nil {
		return err
	}
	digest := w.hash.Sum(nil)
	return w.chunk(kindEnd, append(digest, sign(append([]byte(signed), digest...))...))
}
