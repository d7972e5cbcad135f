package memory

import (
	"errors"
	"fmt"
	"testing"

	"claviger/internal/ground/store/driver"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	d := newDatabase(3)
	for i := range byte(5) {
		b := &driver.Batch{OpID: [16]byte{i + 1}, Touches: []string{fmt.Sprint(i + 1)}}
		if _, err := d.Commit(t.Context(), b, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Changes(t.Context(), 1, 10); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("changes that are gone: %v", err)
	}
	list, err := d.Changes(t.Context(), 2, 10)
	if err != nil || len(list) != 3 || list[0].Entity != "3" {
		t.Errorf("changes %v, error %v", list, err)
	}
	for _, c := range []struct {
		op   byte
		want uint64
	}{{5, 5}, {3, 3}, {2, 6}} { // the second is forgotten, and applied anew
		got, err := d.Commit(t.Context(), &driver.Batch{OpID: [16]byte{c.op}}, nil)
		if err != nil || got != c.want {
			t.Errorf("operation %d: position %d, error %v", c.op, got, err)
		}
	}
	if len(d.log.ops) != 3 || len(d.log.opOrder) != 3 {
		t.Errorf("%d operations are kept", len(d.log.ops))
	}
}
