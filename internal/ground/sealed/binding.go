package sealed

import "encoding/binary"

// A Binding is what key material is bound to: it opens under no other.
type Binding struct {
	Partition string
	Account   string
	Region    string // empty for material shared by multi-Region keys
	KeyID     string // UUID or mrk-… form
	Spec      string
	Usage     string
	Origin    string
	Created   int64 // microseconds since 1970
}

// appendTo appends an encoding that no two bindings share.
func (b *Binding) appendTo(dst []byte) []byte {
	for _, s := range []string{b.Partition, b.Account, b.Region, b.KeyID, b.Spec, b.Usage, b.Origin} {
		dst = appendField(dst, s)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(b.Created))
}
