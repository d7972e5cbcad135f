package pkcs8

// maxDepth bounds how deep values may lie in one another. A private key with
// attributes needs seven.
const maxDepth = 16

// maxLength bounds the length that a value may state, in bytes.
const maxLength = 1 << 16

// DER returns one value in BER (X.690 §8), with nothing after it, as DER, as far
// as keys need it: lengths of every form, and strings that come in pieces. It
// leaves alone the order of sets, the bits of booleans, and what lies inside
// strings.
func DER(ber []byte) ([]byte, error) {
	r := reader(ber)
	b, ok := r.value(make([]byte, 0, len(ber)+16), 0)
	if !ok || len(r) != 0 {
		clear(b)
		return nil, ErrEncoding
	}
	return b, nil
}

// The bytes of tags that matter here.
const (
	bitString   = 0x03
	octetString = 0x04
	constructed = 0x20
	highTag     = 0x1f // more bytes of the tag follow: does not occur in keys
)

// A reader is what is left to read.
type reader []byte

// header reads a tag and a length; a length of -1 means that an end-of-contents
// marks the end.
func (r *reader) header() (tag byte, n int, ok bool) {
	b := *r
	if len(b) < 2 || b[0]&highTag == highTag {
		return 0, 0, false
	}
	tag, n, b = b[0], int(b[1]), b[2:]
	switch {
	case n == 0x80:
		n = -1
	case n > 0x80:
		digits := n & 0x7f
		if digits > len(b) {
			return 0, 0, false
		}
		n = 0
		for _, d := range b[:digits] {
			if n = n<<8 | int(d); n > maxLength {
				return 0, 0, false
			}
		}
		b = b[digits:]
	}
	if n > len(b) || n < 0 && tag&constructed == 0 {
		return 0, 0, false
	}
	*r = b
	return tag, n, true
}

// value reads one value and appends it to dst.
func (r *reader) value(dst []byte, depth int) ([]byte, bool) {
	tag, n, ok := r.header()
	if !ok || depth > maxDepth {
		return dst, false
	}
	if tag&constructed == 0 {
		dst = appendValue(dst, tag, (*r)[:n])
		*r = (*r)[n:]
		return dst, true
	}
	read, primitive := (*reader).value, tag&^constructed
	if primitive == octetString || primitive == bitString {
		tag = primitive
		read = func(r *reader, dst []byte, depth int) ([]byte, bool) { return r.piece(dst, primitive, depth) }
	}
	content, ok := r.contents(n, depth, read)
	defer clear(content)
	if tag == bitString { // no key has bits that the last byte does not use
		content = append([]byte{0}, content...)
	}
	return appendValue(dst, tag, content), ok
}

// contents reads the values of a constructed one.
func (r *reader) contents(n, depth int, read func(*reader, []byte, int) ([]byte, bool)) (content []byte, ok bool) {
	inner := r
	if n >= 0 {
		part := (*r)[:n]
		inner, *r = (*reader)(&part), (*r)[n:]
	}
	for ok = true; ok && len(*inner) > 0; {
		if n < 0 && inner.ended() {
			return content, true
		}
		content, ok = read(inner, content, depth+1)
	}
	return content, ok && n >= 0
}

// ended takes an end-of-contents, if one is next.
func (r *reader) ended() bool {
	b := *r
	if len(b) < 2 || b[0] != 0 || b[1] != 0 {
		return false
	}
	*r = b[2:]
	return true
}

// piece reads a string of the type, which may come in pieces itself, and appends
// its content to dst.
func (r *reader) piece(dst []byte, of byte, depth int) ([]byte, bool) {
	tag, n, ok := r.header()
	if !ok || depth > maxDepth || tag&^constructed != of {
		return dst, false
	}
	if tag&constructed != 0 {
		content, ok := r.contents(n, depth, func(r *reader, dst []byte, depth int) ([]byte, bool) { return r.piece(dst, of, depth) })
		defer clear(content)
		return append(dst, content...), ok
	}
	content := (*r)[:n]
	*r = (*r)[n:]
	if of == bitString {
		if n == 0 || content[0] != 0 {
			return dst, false
		}
		content = content[1:]
	}
	return append(dst, content...), true
}

// appendValue appends a value with the shortest form of its length.
func appendValue(dst []byte, tag byte, content []byte) []byte {
	n := len(content)
	switch {
	case n < 0x80:
		dst = append(dst, tag, byte(n))
	case n < 0x100:
		dst = append(dst, tag, 0x81, byte(n))
	case n < 0x10000:
		dst = append(dst, tag, 0x82, byte(n>>8), byte(n))
	default:
		dst = append(dst, tag, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, content...)
}
