//go:build unix

package doctor

import (
	"io/fs"
	"os"
	"syscall"
)

// closable says that modes close files to others here.
const closable = true

// OwnerOf is the user to whom a file belongs.
func OwnerOf(path string) (user int, known bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	return ownerOf(info)
}

// ownerOf is the user whose file it is.
func ownerOf(info fs.FileInfo) (user int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}
