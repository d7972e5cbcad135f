//go:build !linux

package audit

import "os"

// syncWritten makes what was written durable.
func syncWritten(f *os.File) error { return f.Sync() }

// preallocate takes the room of size bytes by writing them.
func preallocate(f *os.File, size int64) error { return writeZeros(f, size) }
