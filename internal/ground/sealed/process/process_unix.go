//go:build unix && !linux

package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden makes sure that the process leaves no core file (RLIMIT_CORE becomes
// 0). Other processes of the same user may still attach to it: this system has
// no call against that which the program could make itself.
func Harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("process: forbidding core files: %w", err)
	}
	return nil
}
