package sealed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"claviger/internal/ground/sealed/blob"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/ident"
)

// Material is the key material of one KMS key. Its bytes lie outside the Go
// heap, locked where the system allows, and are wiped when it is unreachable.
//
// Private keys of other specs than SYMMETRIC_DEFAULT lie on the Go heap while
// they are in use, as the standard library keeps them.
type Material struct {
	key     *key // of symmetric material; nil else
	id      string
	prefix  []byte // blob header up to N, of symmetric material
	private hidden // of any other
}

// materialPrefix is the version of the wrapped form.
var materialPrefix = []byte{1}

// Generate draws material of the binding's spec and returns it with its wrapped
// form. The account's key must be known. Drawing an RSA key takes long and waits
// its turn, at most until ctx ends.
func (k *Keyring) Generate(ctx context.Context, b Binding) (*Material, []byte, error) {
	if b.Spec == symmetricDefault {
		return k.wrapMaterial(b, drawKey())
	}
	s, err := specNamed(b.Spec)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.draw(ctx)
	if err != nil {
		return nil, nil, err
	}
	return k.wrapPrivate(b, p)
}

// Import makes material of the binding's spec from elsewhere: 32 bytes for a
// symmetric key, the key itself for a MAC, else PKCS#8 in DER or BER. It takes the
// bytes over and wipes them. The account's key must be known. ErrMaterial where they
// are no material of the spec.
func (k *Keyring) Import(b Binding, material confidential.Bytes) (*Material, []byte, error) {
	raw := material.Reveal(reveal.Token{})
	defer clear(raw)
	if b.Spec == symmetricDefault {
		if len(raw) != keySize {
			return nil, nil, fmt.Errorf("%w: %d bytes, not %d", ErrMaterial, len(raw), keySize)
		}
		return k.wrapMaterial(b, takeKey(raw))
	}
	s, err := specNamed(b.Spec)
	if err != nil {
		return nil, nil, err
	}
	if s.take == nil {
		return nil, nil, fmt.Errorf("%w: keys of the spec %s can't be imported", ErrMaterial, b.Spec)
	}
	p, err := s.take(raw)
	if err != nil {
		return nil, nil, err
	}
	return k.wrapPrivate(b, p)
}

func (k *Keyring) wrapMaterial(b Binding, key *key) (*Material, []byte, error) {
	account, prefix, err := k.sealing(b.Account, materialPrefix)
	if err != nil {
		return nil, nil, err
	}
	m, err := newMaterial(&b, key)
	if err != nil {
		return nil, nil, err
	}
	return m, account.wrap(labelMaterial, prefix, drawVariates(), k.materialBinding(&b), key), nil
}

// Unwrap opens wrapped material. The account's key must be known. ErrCiphertext
// where the material was wrapped under any other binding.
func (k *Keyring) Unwrap(b Binding, wrapped []byte) (*Material, error) {
	if b.Spec != symmetricDefault {
		return k.unwrapPrivate(b, wrapped)
	}
	account, prefix, err := k.opening(b.Account, materialPrefix, wrapped)
	if err != nil {
		return nil, err
	}
	key, err := account.unwrap(labelMaterial, prefix, k.materialBinding(&b), wrapped)
	if err != nil {
		return nil, err
	}
	return newMaterial(&b, key)
}

func (k *Keyring) materialBinding(b *Binding) []byte {
	return b.appendTo(slices.Clone(k.installation[:]))
}

func newMaterial(b *Binding, key *key) (*Material, error) {
	if !ident.IsUUID(b.KeyID) && !ident.IsMultiRegionKeyID(b.KeyID) {
		return nil, fmt.Errorf("sealed: key id %q has neither the form of a UUID nor that of a multi-Region key", b.KeyID)
	}
	id := materialID(b, key)
	h := blob.Header{Keyspace: keyspace(b.Partition, b.Account), KeyID: b.KeyID, MaterialID: id}
	encoded := blob.Append(nil, &h)
	return &Material{key: key, id: hex.EncodeToString(id[:]), prefix: encoded[:blob.HeaderSize-variateSize]}, nil
}

// materialID is derived from the material itself, so that it reveals nothing of
// it, differs for the same material under another key, and leaves out the
// Region, so that related multi-Region keys agree.
func materialID(b *Binding, key *key) (id [sha256.Size]byte) {
	context := appendField(nil, b.Partition)
	context = appendField(context, b.Account)
	context = appendField(context, b.KeyID)
	s := getScratch()
	defer s.release()
	key.derive(s, labelMaterialID, context, &id)
	return id
}

// keyspace is the id of the set of keys of an account, without the Region.
func keyspace(partition, account string) [16]byte {
	b := append([]byte("claviger/keyspace/v1"), 0)
	b = appendField(b, partition)
	b = appendField(b, account)
	sum := sha256.Sum256(b)
	return [16]byte(sum[:])
}

// ID is the key material id: 64 hex digits, equal for related multi-Region keys.
func (m *Material) ID() string { return m.id }
