//go:build darwin || freebsd

package host

import "golang.org/x/sys/unix"

// DiskOf tells of the file system that path is on.
func DiskOf(path string) (Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Disk{}, err
	}
	block := uint64(s.Bsize)
	return Disk{Free: uint64(s.Bavail) * block, Size: s.Blocks * block, ReadOnly: s.Flags&unix.MNT_RDONLY != 0}, nil
}

// LimitsOf tells of the limits of this process.
func LimitsOf() (Limits, error) {
	var l Limits
	for resource, limit := range map[int]*Limit{unix.RLIMIT_NOFILE: &l.Files, unix.RLIMIT_CORE: &l.Core, unix.RLIMIT_MEMLOCK: &l.Locked} {
		var r unix.Rlimit
		if err := unix.Getrlimit(resource, &r); err != nil {
			return l, err
		}
		*limit = Limit{uint64(r.Cur), uint64(r.Max)}
	}
	return l, nil
}

// ClockOf knows nothing here.
func ClockOf() (Clock, error) { return Clock{}, ErrUnknown }
