package audit

import "crypto/sha256"

type digest = [sha256.Size]byte

// The first byte of everything that is hashed tells what it is, so that nothing
// passes for something else (RFC 6962, section 2.1, for the first two).
const (
	tagLeaf    = 0x00
	tagNode    = 0x01
	tagLink    = 0x02
	tagGenesis = 0x03
)

var emptyDigest = sha256.Sum256(nil)

// leaf is an entry's place in the Merkle tree. It commits to record and side
// separately, so that a delivered record verifies with no more than the
// side field's hash.
func leaf(e *Entry) digest {
	record, side := sha256.Sum256(e.Record), emptyDigest
	if len(e.Side) > 0 {
		side = sha256.Sum256(e.Side)
	}
	var space [128]byte
	b := append(space[:0], tagLeaf)
	b = appendTime(b, e.Time)
	b = append(b, record[:]...)
	b = append(b, side[:]...)
	b = append(b, e.Account...)
	return sha256.Sum256(b)
}

// merkleRoot is the tree hash of RFC 6962, section 2.1, over leaves, which it
// overwrites. Pairing each level and carrying an odd last node upwards makes the
// same tree as splitting at the largest power of two.
func merkleRoot(leaves []digest) digest {
	if len(leaves) == 0 {
		return emptyDigest
	}
	for n := len(leaves); n > 1; n = (n + 1) / 2 {
		for i := 0; i+1 < n; i += 2 {
			leaves[i/2] = node(&leaves[i], &leaves[i+1])
		}
		if n%2 == 1 {
			leaves[n/2] = leaves[n-1]
		}
	}
	return leaves[0]
}

func node(left, right *digest) digest {
	var b [1 + 2*sha256.Size]byte
	b[0] = tagNode
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// genesis is the chain value before the first batch.
func genesis(origin string) digest {
	return sha256.Sum256(append([]byte{tagGenesis}, origin...))
}

// A tip is the end of the trail at some moment.
type tip struct {
	last   uint64 // sequence number of the newest entry, 0 for none
	chain  digest
	outbox uint64 // highest outbox position
}

// after returns the tip behind a batch.
func (t tip) after(h batchHead) tip {
	var space [1 + sha256.Size + batchHeadBytes]byte
	b := append(space[:0], tagLink)
	b = append(b, t.chain[:]...)
	b = h.append(b)
	return tip{last: t.last + uint64(h.count), chain: sha256.Sum256(b), outbox: h.outbox}
}
