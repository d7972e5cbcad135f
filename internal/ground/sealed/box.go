package sealed

import "bytes"

// A box is a message of our own whose key is known from where it is kept:
// prefix || N || IV || ciphertext || tag.

// box seals plaintext and appends the box to dst.
func (k *key) box(label string, dst, prefix []byte, v variates, associated, plaintext []byte) []byte {
	start := len(dst)
	dst = append(dst, prefix...)
	dst = append(dst, v[:]...)
	s := getScratch()
	defer s.release()
	s.associated = append(s.associated[:0], dst[start:]...)
	s.associated = append(s.associated, associated...)
	return k.seal(s, label, dst, plaintext)
}

// boxSize is the length of a box.
func boxSize(prefix, plaintext int) int { return prefix + variateSize + plaintext + tagSize }

// unbox opens a box that begins with prefix and appends its plaintext to dst.
func (k *key) unbox(label string, dst, prefix, associated, sealed []byte) ([]byte, error) {
	if len(sealed) < boxSize(len(prefix), 0) || !bytes.HasPrefix(sealed, prefix) {
		return nil, ErrCiphertext
	}
	header, ciphertext := sealed[:len(prefix)+variateSize], sealed[len(prefix)+variateSize:]
	s := getScratch()
	defer s.release()
	s.associated = append(s.associated[:0], header...)
	s.associated = append(s.associated, associated...)
	return k.open(s, label, dst, header, ciphertext)
}

// wrap seals the key inner and returns the box.
func (k *key) wrap(label string, prefix []byte, v variates, associated []byte, inner *key) []byte {
	return inner.with(func(b []byte) []byte { return k.box(label, nil, prefix, v, associated, b) })
}

// unwrap opens a box that holds a key.
func (k *key) unwrap(label string, prefix, associated, sealed []byte) (*key, error) {
	if len(sealed) != boxSize(len(prefix), keySize) {
		return nil, ErrCiphertext
	}
	var buf [keySize]byte
	b, err := k.unbox(label, buf[:0], prefix, associated, sealed)
	if err != nil {
		return nil, err
	}
	return takeKey(b), nil
}
