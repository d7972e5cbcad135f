package kms

import (
	"context"
	"fmt"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// A dataKeyPair is a key pair that is made for the caller and kept nowhere.
type dataKeyPair struct {
	private confidential.Bytes
	public  []byte
	wrapped []byte // the private key
}

func checkPairSpec(c *check.Checks, spec optional.Of[string]) {
	if c.Required("keyPairSpec", spec.Set) {
		c.Enum("keyPairSpec", spec, pairSpecNames...)
	}
}

// dataKeyPairTarget finds the key for one of the operations that make key pairs.
func (s *Service) dataKeyPairTarget(c *operation.Call, keyID, spec string, context pairs.Map, tokens []string) (*target, error) {
	t, err := s.dataKeyTarget(c, keyID, context, tokens)
	if err == nil {
		t.pair = spec
	}
	return t, err
}

// toWrapPair takes an operation that makes a key pair up to its cryptography.
// Keys in custom key stores encrypt none.
func (k *Key) toWrapPair(c *operation.Call, operation, spec string) (*sealed.Material, error) {
	if k.Origin == originCloudHSM || k.Origin == originXKS {
		return nil, fault.New(fault.UnsupportedOperation, "%s origin is %s which is not valid for this operation.", k.ARN, k.Origin)
	}
	if err := k.wraps(operation); err != nil {
		return nil, err
	}
	if err := specNamed(spec).makeable(c.Partition); err != nil {
		return nil, err
	}
	if err := k.ready(toCrypt); err != nil {
		return nil, err
	}
	return k.material()
}

// newDataKeyPair draws a key pair and encrypts the private key under m, the
// current material of k.
func (k *Key) newDataKeyPair(c *operation.Call, m *sealed.Material, spec string, bound pairs.Map) (*dataKeyPair, error) {
	pair, err := drawKeyPair(c, spec)
	if err != nil {
		return nil, fmt.Errorf("drawing a key pair of the spec %s: %w", spec, err)
	}
	wrapped, err := m.Encrypt(nil, pair.private, bound)
	if err != nil {
		return nil, fmt.Errorf("encrypting a private key under key %s: %w", k.ID, err)
	}
	c.ShowAdditional("keyMaterialId", k.Material)
	return &dataKeyPair{pair.private, pair.public, wrapped}, nil
}

func drawKeyPair(c *operation.Call, spec string) (*dataKeyPair, error) {
	return drawn(c, spec, func(ctx context.Context) (*dataKeyPair, error) {
		private, public, err := sealed.NewKeyPair(ctx, spec)
		return &dataKeyPair{private: private, public: public}, err
	})
}
