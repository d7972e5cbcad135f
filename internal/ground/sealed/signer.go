package sealed

import "crypto/ed25519"

// A Signer signs the trail's checkpoints with Ed25519 (RFC 8032).
type Signer struct {
	seed   *key
	public ed25519.PublicKey
}

// Signer returns the Ed25519 key that signs the trail's checkpoints: the same
// in every process of the installation.
func (k *Keyring) Signer() *Signer {
	s := &Signer{seed: k.master.child(labelSigner, k.installation[:])}
	s.seed.with(func(seed []byte) []byte {
		private := ed25519.NewKeyFromSeed(seed)
		defer clear(private)
		s.public = append(s.public, private[ed25519.SeedSize:]...)
		return nil
	})
	return s
}

// Sign signs message. The private key is expanded for each signature, so that
// it is not on the heap in between; a checkpoint each second can afford that.
func (s *Signer) Sign(message []byte) []byte {
	return s.seed.with(func(seed []byte) []byte {
		private := ed25519.NewKeyFromSeed(seed)
		defer clear(private)
		return ed25519.Sign(private, message)
	})
}

// Public is the 32-byte public key.
func (s *Signer) Public() []byte { return append([]byte(nil), s.public...) }
