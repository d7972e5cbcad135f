package sealed

import (
	"crypto/sha256"
	"sync"
)

// A scratch is the working memory of one operation.
type scratch struct {
	hash       resumable
	input      []byte        // of the key derivation
	associated []byte        // of the AEAD
	plaintext  []byte        // between the halves of ReEncrypt
	derived    [keySize]byte // key of one message
}

var scratches = sync.Pool{New: func() any { return &scratch{hash: sha256.New().(resumable)} }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

// maxKept bounds the buffers that wait in the pool for their next use.
const maxKept = 16 << 10

// release wipes what is secret and gives s back.
func (s *scratch) release() {
	s.hash.Reset()
	clear(s.derived[:])
	clear(s.plaintext)
	s.plaintext = s.plaintext[:0]
	if cap(s.associated) > maxKept || cap(s.input) > maxKept {
		return
	}
	scratches.Put(s)
}
