//go:build unix

package doctor

import (
	"io/fs"
	"syscall"
)

// closable says that modes close files to others here.
const closable = true

// ownerOf is the user whose file it is.
func ownerOf(info fs.FileInfo) (user int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}
