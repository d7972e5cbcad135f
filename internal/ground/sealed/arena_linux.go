package sealed

import "golang.org/x/sys/unix"

// mapChunk maps private pages that are locked in memory, left out of core dumps
// and empty in a forked child. Each of the three is best effort: a process
// without the right or the limit to lock memory must still be able to serve.
func mapChunk(size int) (chunk []byte, locked bool) {
	chunk, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return make([]byte, size), false
	}
	_ = unix.Madvise(chunk, unix.MADV_DONTDUMP)
	_ = unix.Madvise(chunk, unix.MADV_WIPEONFORK)
	return chunk, unix.Mlock(chunk) == nil
}
