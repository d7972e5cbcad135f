package host

import "golang.org/x/sys/unix"

// magics are the kinds of file systems, by the numbers that statfs(2) answers.
var magics = map[int64]Disk{
	unix.EXT4_SUPER_MAGIC:      {Kind: "ext4"},
	unix.XFS_SUPER_MAGIC:       {Kind: "xfs"},
	unix.BTRFS_SUPER_MAGIC:     {Kind: "btrfs"},
	unix.F2FS_SUPER_MAGIC:      {Kind: "f2fs"},
	0x2fc12fc1:                 {Kind: "zfs"},
	unix.TMPFS_MAGIC:           {Kind: "tmpfs", Volatile: true},
	unix.RAMFS_MAGIC:           {Kind: "ramfs", Volatile: true},
	unix.OVERLAYFS_SUPER_MAGIC: {Kind: "overlay", Layered: true},
	unix.NFS_SUPER_MAGIC:       {Kind: "nfs", Remote: true},
	unix.SMB_SUPER_MAGIC:       {Kind: "smb", Remote: true},
	unix.SMB2_SUPER_MAGIC:      {Kind: "smb2", Remote: true},
	unix.CIFS_SUPER_MAGIC:      {Kind: "cifs", Remote: true},
	unix.CEPH_SUPER_MAGIC:      {Kind: "ceph", Remote: true},
	unix.V9FS_MAGIC:            {Kind: "9p", Remote: true},
	unix.FUSE_SUPER_MAGIC:      {Kind: "fuse"},
}

// DiskOf tells of the file system that path is on.
func DiskOf(path string) (Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Disk{}, err
	}
	d := magics[int64(uint32(s.Type))]
	block := uint64(s.Bsize)
	d.Free, d.Size, d.ReadOnly = s.Bavail*block, s.Blocks*block, s.Flags&unix.ST_RDONLY != 0
	return d, nil
}

// LimitsOf tells of the limits of this process.
func LimitsOf() (Limits, error) {
	var l Limits
	for resource, limit := range map[int]*Limit{unix.RLIMIT_NOFILE: &l.Files, unix.RLIMIT_CORE: &l.Core, unix.RLIMIT_MEMLOCK: &l.Locked} {
		var r unix.Rlimit
		if err := unix.Getrlimit(resource, &r); err != nil {
			return l, err
		}
		*limit = Limit{r.Cur, r.Max}
	}
	return l, nil
}

// ClockOf tells of the system's clock, as adjtimex(2) has it.
func ClockOf() (Clock, error) {
	var t unix.Timex // no mode: nothing is adjusted
	if _, err := unix.Adjtimex(&t); err != nil {
		return Clock{}, err
	}
	return Clock{Synchronised: t.Status&unix.STA_UNSYNC == 0, ErrorMax: int64(t.Maxerror)}, nil
}
