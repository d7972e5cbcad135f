package blob

// A ciphertext of two layers has another algorithm in its header, and something
// between the header and the ciphertext:
//
//	offset  bytes
//	     5      1  algorithm: 2, the message of algorithm 1 encrypted once more elsewhere
//	   100      1  length of the outer IV: i, 1 to 16
//	   101      i  outer IV
//	 101+i     16  outer tag
//	 117+i      1  length of the metadata: m, 0 to 20
//	 118+i      m  metadata
//	     …      n  outer ciphertext, as long as the inner one with its tag

// Sizes of the outer layer in bytes.
const (
	OuterIVMax       = 16
	OuterMetadataMax = 20
	InnerMax         = MaxPlaintext + TagSize

	outerMin = 1 + 1 + TagSize + 1 + TagSize
	outerMax = 1 + OuterIVMax + TagSize + 1 + OuterMetadataMax + InnerMax

	algorithmTwice = 2
	algorithmAt    = 5
)

// An Outer is what stands behind the header of a ciphertext of two layers.
type Outer struct {
	IV         []byte
	Tag        []byte
	Metadata   []byte
	Ciphertext []byte
}

// fits reports whether the format has room for o.
func (o *Outer) fits() bool {
	return len(o.IV) >= 1 && len(o.IV) <= OuterIVMax && len(o.Tag) == TagSize && len(o.Metadata) <= OuterMetadataMax &&
		len(o.Ciphertext) >= TagSize && len(o.Ciphertext) <= InnerMax
}

// MarkTwice makes an encoded header that of a ciphertext of two layers.
func MarkTwice(header []byte) { header[algorithmAt] = algorithmTwice }

// AppendOuter appends the outer layer to its header. It panics where the format
// has no room for it.
func AppendOuter(header []byte, o *Outer) []byte {
	if !o.fits() {
		panic("blob: an outer layer without room in the format")
	}
	b := append(header, byte(len(o.IV)))
	b = append(b, o.IV...)
	b = append(b, o.Tag...)
	b = append(b, byte(len(o.Metadata)))
	b = append(b, o.Metadata...)
	return append(b, o.Ciphertext...)
}

// SplitTwice splits a ciphertext of two layers. What it returns are parts of b.
func SplitTwice(b []byte) (header []byte, o Outer, err error) {
	if len(b) < HeaderSize+outerMin || len(b) > HeaderSize+outerMax || !isHeader(b, algorithmTwice) {
		return nil, Outer{}, ErrFormat
	}
	rest := b[HeaderSize:]
	for _, field := range []struct {
		part *[]byte
		size int // -1: stands before it
	}{{&o.IV, -1}, {&o.Tag, TagSize}, {&o.Metadata, -1}} {
		size := field.size
		if size < 0 {
			if len(rest) == 0 {
				return nil, Outer{}, ErrFormat
			}
			size, rest = int(rest[0]), rest[1:]
		}
		if size > len(rest) {
			return nil, Outer{}, ErrFormat
		}
		*field.part, rest = rest[:size:size], rest[size:]
	}
	if o.Ciphertext = rest; !o.fits() {
		return nil, Outer{}, ErrFormat
	}
	return b[:HeaderSize:HeaderSize], o, nil
}

// Peek returns the header of a ciphertext of either algorithm.
func Peek(b []byte) (Header, error) {
	raw, _, err := Split(b)
	if err != nil {
		raw, _, err = SplitTwice(b)
	}
	if err != nil {
		return Header{}, err
	}
	return headerOf(raw), nil
}
