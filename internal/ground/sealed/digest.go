package sealed

// HashRow is a keyed hash of what names a row of the store.
func (k *Keyring) HashRow(b []byte) [32]byte { return k.digest.Hash(b) }

// SealDigest seals the digest of the store's rows and binds it to associated,
// which OpenDigest must be given again.
func (k *Keyring) SealDigest(associated, plaintext []byte) []byte {
	return k.digest.seal(associated, plaintext)
}

// OpenDigest opens what SealDigest sealed, else ErrCiphertext.
func (k *Keyring) OpenDigest(associated, box []byte) ([]byte, error) {
	return k.digest.open(associated, box)
}
