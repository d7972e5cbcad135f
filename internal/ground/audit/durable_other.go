//go:build !linux

package audit

import "os"

// syncWritten makes what was written durable.
func syncWritten(f *os.File) error { return f.Sync() }
