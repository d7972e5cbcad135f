package doctor

import (
	"errors"
	"time"

	"claviger/internal/ground/host"
)

// clockOff is by how much a clock may be wrong before signatures of clients
// whose clock is right come near to being refused: five minutes are the limit.
const clockOff = time.Minute

// Clock judges the system's clock: jumped is by how much it moved against the
// monotonic clock while it was watched, newest when the newest file of the
// server was written, zero where there is none.
func Clock(now time.Time, jumped time.Duration, newest time.Time, kept host.Clock, err error) []Finding {
	const check = "clock"
	var found []Finding
	if newest.Sub(now) > clockOff {
		found = append(found, problem(check, "set the clock; signatures, sessions and deletion dates depend on it",
			"it is behind: files of the server were written at %s, and now is %s", newest.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)))
	}
	if jumped.Abs() > 50*time.Millisecond {
		found = append(found, warning(check, "see what sets the clock in steps, such as two time services, or a hypervisor",
			"it jumped by %s while it was watched", jumped.Round(time.Millisecond)))
	}
	switch {
	case errors.Is(err, host.ErrUnknown):
		found = append(found, unknown(check, "this system does not tell whether its clock is kept"))
	case err != nil:
		found = append(found, unknown(check, "asking the system about its clock: %v", err))
	case !kept.Synchronised:
		found = append(found, warning(check, "run a time service, such as chrony or systemd-timesyncd, here or on the machine beneath",
			"nothing keeps it: calls are refused once client and server are five minutes apart"))
	case len(found) == 0:
		found = append(found, ok(check, "it is synchronised, to within %s", time.Duration(kept.ErrorMax)*time.Microsecond))
	}
	return found
}

// room is how many bytes a disk should have left: some segments of the trail,
// and the store's log.
const room = 1 << 30

// Disk judges the file system of the data directory; least is what the server needs to go on.
func Disk(d host.Disk, err error, least uint64) []Finding {
	const check = "disk"
	if errors.Is(err, host.ErrUnknown) {
		return []Finding{unknown(check, "this system does not tell about its disks")}
	}
	if err != nil {
		return []Finding{Failed(check, "see that the data directory can be reached", err)}
	}
	var found []Finding
	switch {
	case d.Volatile:
		found = append(found, problem(check, "put the data directory on a disk", "%s is memory: all keys are gone with the power", d.Kind))
	case d.Remote:
		found = append(found, warning(check, "use a local disk, or a store in PostgreSQL with the trail on a local disk",
			"%s lies on another machine: locks and synced writes are only as good as its protocol", d.Kind))
	case d.Layered:
		found = append(found, problem(check, "mount a volume at the data directory", "%s belongs to a container: all keys are gone with it", d.Kind))
	}
	switch {
	case d.ReadOnly:
		found = append(found, problem(check, "mount it for writing", "it is for reading only"))
	case d.Free < least:
		found = append(found, problem(check, "make room: no call is answered without its record", "it is full: %d MiB are left", d.Free>>20))
	case d.Free < room:
		found = append(found, warning(check, "make room", "%d MiB are left", d.Free>>20))
	}
	if len(found) == 0 {
		found = append(found, ok(check, "%s, %d GiB are left", kindOf(d), d.Free>>30))
	}
	return found
}

func kindOf(d host.Disk) string {
	if d.Kind == "" {
		return "a file system of no known kind"
	}
	return d.Kind
}

// Sync judges how long a small synced write takes.
func Sync(took time.Duration, err error) Finding {
	const check = "sync"
	switch {
	case err != nil:
		return Failed(check, "see that the data directory can be written to", err)
	case took < 15*time.Microsecond:
		return warning(check, "see that the disk, its controller and the hypervisor do not ignore flushes, and that nothing like libeatmydata is loaded",
			"a synced write took %s: no disk is that fast, so what was answered may be lost with the power", took)
	case took > 50*time.Millisecond:
		return warning(check, "use a faster disk: every call waits for such a write", "a synced write took %s", took)
	}
	return ok(check, "a synced write took %s", took.Round(time.Microsecond))
}

// filesMin is how many open files a busy server may want: one for each connection.
const filesMin = 4096

// Limits judges the limits of the process. locked tells whether the memory of keys is.
func Limits(l host.Limits, err error, locked bool) []Finding {
	const check = "limits"
	if errors.Is(err, host.ErrUnknown) {
		return []Finding{unknown(check, "this system does not tell about limits")}
	}
	if err != nil {
		return []Finding{unknown(check, "asking for limits: %v", err)}
	}
	var found []Finding
	if l.Files.Most < filesMin {
		found = append(found, warning(check, "raise it: LimitNOFILE=65536 in a systemd unit, ulimit -n elsewhere",
			"%d files may be open at the same time, and each connection is one", l.Files.Most))
	}
	if l.Core.Now != 0 {
		found = append(found, problem(check, "set it to 0: LimitCORE=0 in a systemd unit, ulimit -c 0 elsewhere",
			"core files of %d bytes are allowed, and would hold plaintexts", l.Core.Now))
	}
	if !locked {
		found = append(found, warning(check, "raise it: LimitMEMLOCK=64M in a systemd unit, ulimit -l elsewhere; or turn swap off",
			"keys can't be locked in memory (%d bytes may be): they may be written to swap", l.Locked.Most))
	}
	if len(found) == 0 {
		found = append(found, ok(check, "%d open files, no core files, locked memory for keys", l.Files.Most))
	}
	return found
}
