package audit

import (
	"errors"
	"os"
	"syscall"
)

// syncWritten makes what was written durable. The size of a segment does not
// change with an append, so its data is all there is to sync.
func syncWritten(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// preallocate takes the room of size bytes, so that no append changes the size
// of the file or finds the disk full.
func preallocate(f *os.File, size int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EOPNOTSUPP):
			return writeZeros(f, size)
		}
		return err
	}
}
