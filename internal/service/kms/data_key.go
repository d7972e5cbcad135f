package kms

import (
	"fmt"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const numberOfBytesMax = 1024

// checkDataKey checks the members that say how long a data key is to be.
func checkDataKey(c *check.Checks, spec optional.Of[string], n optional.Of[int]) {
	c.Range("numberOfBytes", n, 1, numberOfBytesMax)
	c.Enum("keySpec", spec, dataKeySpecs...)
	if spec.Set == n.Set {
		c.Refuse(validation("Please specify either number of bytes or key spec."))
	}
}

// dataKeyLength returns the length of a data key in bytes.
func dataKeyLength(spec optional.Of[string], n optional.Of[int]) int {
	switch spec.V {
	case "AES_128":
		return 16
	case "AES_256":
		return 32
	}
	return n.V
}

// dataKeyTarget finds the key for one of the operations that make data keys.
func (s *Service) dataKeyTarget(c *operation.Call, keyID string, context pairs.Map, tokens []string) (*target, error) {
	t, err := s.keyOrAlias(c, keyID)
	if err != nil {
		return nil, err
	}
	t.encryption = context
	t.algorithm = symmetricDefault
	return t, s.checkTokens(tokens)
}

// toWrap takes an operation that makes a data key up to its cryptography.
func (k *Key) toWrap(operation string) (*sealed.Material, error) {
	if err := k.wraps(operation); err != nil {
		return nil, err
	}
	if err := k.ready(toCrypt); err != nil {
		return nil, err
	}
	return k.material()
}

// newDataKey draws n bytes and encrypts them under m, the current material of k.
func (k *Key) newDataKey(c *operation.Call, m *sealed.Material, n int, context pairs.Map) (confidential.Bytes, []byte, error) {
	plaintext := sealed.Random(n)
	blob, err := k.seal(c, m, symmetricDefault, plaintext, context)
	if err != nil {
		return confidential.Bytes{}, nil, fmt.Errorf("encrypting a data key under key %s: %w", k.ID, err)
	}
	k.showMaterial(c, "keyMaterialId", k.Material)
	return plaintext, blob, nil
}
