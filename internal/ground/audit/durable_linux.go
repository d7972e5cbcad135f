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
