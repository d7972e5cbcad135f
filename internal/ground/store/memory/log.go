package memory

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"claviger/internal/ground/store/driver"
)

// A log is what commits leave behind beside rows, in order of position.
type log struct {
	retained uint64
	changes  []driver.Change
	outbox   []driver.Event
	ops      map[[16]byte]uint64
	opOrder  []op // oldest first
}

type op struct {
	id       [16]byte
	position uint64
}

func (l *log) append(position uint64, b *driver.Batch, events [][]byte) {
	l.forget(position)
	l.outbox = l.outbox[after(l.outbox, func(e driver.Event) bool { return e.Position > b.Prune }):]
	for _, entity := range slices.Compact(slices.Sorted(slices.Values(b.Touches))) {
		l.changes = append(l.changes, driver.Change{Position: position, Entity: entity})
	}
	for i, body := range events {
		l.outbox = append(l.outbox, driver.Event{Position: position, Index: i, Body: slices.Clone(body)})
	}
	if b.OpID != [16]byte{} {
		l.ops[b.OpID] = position
		l.opOrder = append(l.opOrder, op{b.OpID, position})
	}
}

// forget drops what lies too far behind the commit at position.
func (l *log) forget(position uint64) {
	if position <= l.retained {
		return
	}
	oldest := position - l.retained + 1
	l.changes = l.changes[after(l.changes, func(c driver.Change) bool { return c.Position >= oldest }):]
	n := after(l.opOrder, func(o op) bool { return o.position >= oldest })
	for _, o := range l.opOrder[:n] {
		delete(l.ops, o.id)
	}
	l.opOrder = l.opOrder[n:]
}

// after returns the index of the first element for which is holds.
func after[T any](list []T, is func(T) bool) int {
	return sort.Search(len(list), func(i int) bool { return is(list[i]) })
}

// page takes limit elements, and the rest of the last one's commit.
func page[T any](list []T, limit int, position func(T) uint64) []T {
	n := max(0, min(limit, len(list)))
	for n > 0 && n < len(list) && position(list[n]) == position(list[n-1]) {
		n++
	}
	return slices.Clone(list[:n])
}

func (d *database) Changes(ctx context.Context, from uint64, max int) ([]driver.Change, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if head := d.published.Load().position; head > d.log.retained && from < head-d.log.retained {
		return nil, fmt.Errorf("memory: changes after %d: %w", from, driver.ErrNotFound)
	}
	list := d.log.changes[after(d.log.changes, func(c driver.Change) bool { return c.Position > from }):]
	return page(list, max, func(c driver.Change) uint64 { return c.Position }), nil
}

func (d *database) Outbox(ctx context.Context, from uint64, max int) ([]driver.Event, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := d.log.outbox[after(d.log.outbox, func(e driver.Event) bool { return e.Position > from }):]
	return page(list, max, func(e driver.Event) uint64 { return e.Position }), nil
}

func (d *database) Meta(ctx context.Context, key string) ([]byte, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	v, ok := d.meta[key]
	if !ok {
		return nil, fmt.Errorf("meta key %q: %w", key, driver.ErrNotFound)
	}
	return slices.Clone(v), nil
}

func (d *database) MetaPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	found := make(map[string][]byte)
	for k, v := range d.meta {
		if strings.HasPrefix(k, prefix) {
			found[k] = slices.Clone(v)
		}
	}
	return found, nil
}

func (d *database) PutMeta(ctx context.Context, values map[string][]byte, roll driver.Roll) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	d.committing.Lock() // a batch must not see a key appear between verification and write
	defer d.committing.Unlock()
	at := d.published.Load().position
	digest, err := d.roll(at, at, roll)
	if err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, v := range values {
		d.meta[k] = slices.Clone(v)
	}
	if digest != nil {
		d.meta[driver.DigestKey] = digest
	}
	return nil
}
