package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"claviger/internal/ground/audit"
)

// benchOptions are those of a real trail, in a directory.
func benchOptions(b *testing.B) audit.Options {
	o := options()
	o.Dir = filepath.Join(b.TempDir(), "trail")
	o.SegmentBytes = 0
	return o
}

var record = bytes.Repeat([]byte("r"), 600)

// BenchmarkAppend measures durable entries of 600 bytes by concurrent writers,
// each of whom waits for one before the next.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			l := open(b, benchOptions(b))
			appendFrom(b, l, writers)
			closed(b, l)
		})
	}
}

func BenchmarkRing(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			appendFrom(b, audit.NewRing(10000), writers)
		})
	}
}

func appendFrom(b *testing.B, l audit.Trail, writers int) {
	valid := func() bool { return true }
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			e := []audit.Entry{{Account: "111122223333", Time: began, Record: record}}
			for left.Add(-1) >= 0 {
				ticket, err := l.Append(e, valid)
				if err == nil {
					err = ticket.Wait(context.Background())
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkSyncedWrite is the yardstick: a bare append of as many bytes to a
// file that was filled before, and its sync.
func BenchmarkSyncedWrite(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const size = 64 << 20
	if _, err := f.Write(make([]byte, size)); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	frame := bytes.Repeat([]byte("r"), 752)
	off := int64(0)
	for b.Loop() {
		if off+int64(len(frame)) > size {
			off = 0
		}
		if _, err := f.WriteAt(frame, off); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
		off += int64(len(frame))
	}
}

func BenchmarkVerify(b *testing.B) {
	o := benchOptions(b)
	l := open(b, o)
	for range 200 {
		e := make([]audit.Entry, 64)
		for i := range e {
			e[i] = audit.Entry{Account: "111122223333", Time: began, Record: record}
		}
		ticket, err := l.Append(e, nil)
		if err == nil {
			err = ticket.Wait(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	closed(b, l)
	b.SetBytes(200 * 64 * 600)
	for b.Loop() {
		clean(b, o, nil)
	}
}
