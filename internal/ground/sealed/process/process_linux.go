package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden makes sure that the process leaves no core file and that other
// processes of the same user can't attach to it or read its memory: RLIMIT_CORE
// becomes 0 and PR_SET_DUMPABLE 0. The latter holds where core dumps go to a
// program (core_pattern), which RLIMIT_CORE does not stop. It also gives
// /proc/self to root.
//
// It raises the limit of locked memory as far as it may, which is what package
// sealed wants for keys; that this is refused is not an error.
//
// Call it first in main, before any secret is read. A child begins anew.
func Harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("process: forbidding core files: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("process: forbidding dumps: %w", err)
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil && limit.Cur < limit.Max {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit)
	}
	return nil
}
