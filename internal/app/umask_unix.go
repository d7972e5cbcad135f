//go:build unix

package app

import "syscall"

// closeFiles has every file and socket that the process makes from here on be
// its owner's only, from the moment in which it is there.
func closeFiles() { syscall.Umask(0o077) }
