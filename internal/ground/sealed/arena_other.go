//go:build !linux

package sealed

// mapChunk takes the chunk from the Go heap, whose collector moves nothing. The
// chunk is neither locked nor kept out of core dumps here.
func mapChunk(size int) (chunk []byte, locked bool) { return make([]byte, size), false }
