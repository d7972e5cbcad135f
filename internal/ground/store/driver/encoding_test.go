package driver_test

import (
	"bytes"
	"errors"
	"testing"

	"claviger/internal/ground/store/driver"
)

// FuzzRow holds that what is read as a row is written as the same bytes, and
// that nothing shorter is a row.
func FuzzRow(f *testing.F) {
	for _, r := range []driver.Row{
		{Key: driver.Key{s("a"), n(-1)}, Indexed: driver.Key{s(""), n(7)}, Rev: 3, Version: 1, Body: []byte("body")},
		{Key: driver.Key{s("\x00\xff"), n(0)}, Indexed: driver.Key{s("x"), n(0)}, Body: []byte{}},
	} {
		f.Add(driver.AppendRow(nil, &r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, rest, err := driver.CutRow(b, &table)
		if err != nil {
			if !errors.Is(err, driver.ErrEncoding) {
				t.Fatal(err)
			}
			return
		}
		whole := b[:len(b)-len(rest)]
		if again := driver.AppendRow(nil, &r); !bytes.Equal(again, whole) {
			t.Errorf("%x is written as %x", whole, again)
		}
		for _, cut := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			if _, _, err := driver.CutRow(whole[:cut], &table); err == nil {
				t.Errorf("%d bytes of %d are a row", cut, len(whole))
			}
		}
	})
}
