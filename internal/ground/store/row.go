package store

import (
	"context"
	"encoding/binary"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// An entry is a row with its body open.
type entry struct {
	key     Key
	indexed Key
	account string
	rev     Rev
	version int16
	body    []byte // JSON
}

// Versions of the formats in docs/formats/store.md.
const (
	bodyFormat  = 1
	eventFormat = 1
)

// maxAccount is what one byte of length can say.
const maxAccount = 255

// sealRow returns the row of an entry. The account, which must be known before
// the body can be opened, stands before it in the clear.
func (s *Store) sealRow(table *driver.Schema, e *entry) (driver.Row, error) {
	sealed, err := s.sealer.Seal(e.account, associated(table, e), e.body)
	if err != nil {
		return driver.Row{}, fmt.Errorf("sealing a row of %s: %w", table.Name, err)
	}
	body := make([]byte, 0, 2+len(e.account)+len(sealed))
	body = append(body, bodyFormat, byte(len(e.account)))
	body = append(body, e.account...)
	body = append(body, sealed...)
	return driver.Row{Key: e.key, Indexed: e.indexed, Rev: e.rev, Version: e.version, Body: body}, nil
}

// openRow opens the body of a row. Whatever does not open is ErrDamaged, and
// the error says no more than the table.
func (s *Store) openRow(ctx context.Context, table *driver.Schema, row *driver.Row) (*entry, error) {
	account, sealed, ok := splitBody(row.Body)
	if !ok {
		return nil, damaged(table)
	}
	e := &entry{key: row.Key, indexed: row.Indexed, account: account, rev: row.Rev, version: row.Version}
	if !s.sealer.Known(account) {
		if err := s.learn(ctx, account); err != nil {
			return nil, fmt.Errorf("row of %s: %w", table.Name, err)
		}
	}
	body, err := s.sealer.Open(account, associated(table, e), sealed)
	if err != nil {
		return nil, damaged(table)
	}
	e.body = body
	return e, nil
}

func splitBody(b []byte) (account string, sealed []byte, ok bool) {
	if len(b) < 2 || b[0] != bodyFormat || len(b) < 2+int(b[1]) {
		return "", nil, false
	}
	n := 2 + int(b[1])
	return string(b[2:n]), b[n:], true
}

func damaged(table *driver.Schema) error {
	return fmt.Errorf("row of %s does not open: %w", table.Name, ErrDamaged)
}

// associated is what a row's body is bound to. Each part says its own length or
// has a fixed one, so that no two rows have the same.
func associated(table *driver.Schema, e *entry) []byte {
	b := appendField(make([]byte, 0, 256), "claviger store row")
	b = append(b, bodyFormat)
	b = appendField(b, table.Name)
	b = appendKey(b, e.key)
	b = appendKey(b, e.indexed)
	b = appendField(b, e.account)
	b = binary.BigEndian.AppendUint64(b, uint64(e.rev))
	return binary.BigEndian.AppendUint16(b, uint16(e.version))
}

func appendField(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

func appendKey(dst []byte, key Key) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(key)))
	for _, v := range key {
		if v.IsInt {
			dst = binary.BigEndian.AppendUint64(append(dst, 'i'), uint64(v.N))
		} else {
			dst = appendField(append(dst, 'b'), v.S)
		}
	}
	return dst
}

// sealEvent seals an event under the installation's key and binds it to its
// position and its place within the commit. The driver calls it when it assigns
// the position, so that an event opens nowhere but where it was committed: a row
// of the outbox that is copied to another position, whose record the trail
// would take for one that it lacks, is ErrDamaged.
//
// What this can't show is an event that was taken away, or a whole database
// that was put back as it was: then positions come a second time.
func (s *Store) sealEvent(position uint64, index int, event []byte) ([]byte, error) {
	sealed, err := s.sealer.Seal("", eventAssociated(position, index), event)
	if err != nil {
		return nil, fmt.Errorf("sealing an event: %w", err)
	}
	return append([]byte{eventFormat}, sealed...), nil
}

func (s *Store) openEvent(ctx context.Context, e *driver.Event) ([]byte, error) {
	if !s.sealer.Known("") {
		if err := s.learn(ctx, ""); err != nil {
			return nil, fmt.Errorf("event: %w", err)
		}
	}
	if len(e.Body) > 0 && e.Body[0] == eventFormat {
		if event, err := s.sealer.Open("", eventAssociated(e.Position, e.Index), e.Body[1:]); err == nil {
			return event, nil
		}
	}
	return nil, fmt.Errorf("event at %d does not open: %w", e.Position, ErrDamaged)
}

func eventAssociated(position uint64, index int) []byte {
	b := append(appendField(nil, "claviger store event"), eventFormat)
	b = binary.BigEndian.AppendUint64(b, position)
	return binary.BigEndian.AppendUint32(b, uint32(index))
}
