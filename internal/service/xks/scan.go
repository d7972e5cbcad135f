package xks

import (
	"context"

	"claviger/internal/ground/store"
)

// scanBatch is how many rows are read at once.
const scanBatch = 500

// scan calls fn for all rows of a table whose key begins with prefix.
func scan[R any](ctx context.Context, r store.Reader, t *store.Table[R], prefix store.Key, fn func(*R)) error {
	var after store.Key
	for {
		n := 0
		err := t.Scan(ctx, r, "", prefix, after, scanBatch, func(rec *R, _ store.Rev) error {
			fn(rec)
			n++
			after = t.Key(rec)
			return nil
		})
		if err != nil || n < scanBatch {
			return err
		}
	}
}
