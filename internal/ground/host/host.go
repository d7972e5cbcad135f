// Package host tells what the machine offers to the process: room on its disks,
// what kind they are, limits, and whether its clock is kept.
//
// What a system has no way to tell is ErrUnknown, and nothing to worry about.
package host

import "errors"

// ErrUnknown means that this system does not tell.
var ErrUnknown = errors.New("host: this system does not tell")

// A Disk is the file system that a path is on.
type Disk struct {
	Kind     string // as Linux calls it, such as "ext4"; "" where that is not known
	Free     uint64 // bytes that this process may still take
	Size     uint64 // bytes
	Volatile bool   // is memory: gone with the power
	Remote   bool   // on another machine
	Layered  bool   // a container's own, gone with the container
	ReadOnly bool
}

// A Limit is one of the process: what holds, and how far the process may raise it.
type Limit struct{ Now, Most uint64 }

// Unlimited is a Limit that is none.
const Unlimited = ^uint64(0)

// Limits are those that matter to a server.
type Limits struct {
	Files  Limit // open at the same time
	Core   Limit // bytes of a core file
	Locked Limit // bytes of memory that is never written to swap
}

// A Clock is what the system says of its own.
type Clock struct {
	Synchronised bool
	// ErrorMax is by how much it may be wrong at most, in microseconds, as far as
	// the system knows.
	ErrorMax int64
}
