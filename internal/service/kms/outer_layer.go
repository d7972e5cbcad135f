package kms

import (
	"errors"
	"fmt"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/words/confidential"
	"claviger/internal/words/pairs"
)

// What a key in a custom key store encrypts has two layers. The inner one is made
// here, under material that the key has as any other; the outer one by whoever
// keeps the store's key. So neither of the two can read anything alone, and what
// comes back from outside is trusted only once the inner layer opens.
// docs/formats/ciphertext.md has both.

// sealTwice encrypts with m, the current material of k, and in the store.
func (k *Key) sealTwice(c *operation.Call, m *sealed.Material, plaintext confidential.Bytes, context pairs.Map) ([]byte, error) {
	inner, err := m.EncryptInner(plaintext, context)
	if err != nil {
		return nil, err
	}
	bound, err := sealed.OuterContext(context, k.ID)
	if err != nil {
		return nil, err
	}
	layer, err := k.outerLayer()
	if err != nil {
		return nil, err
	}
	outer, err := layer.seal(c, inner.Body(), bound)
	if err != nil {
		return nil, err
	}
	return inner.Blob(outer), nil
}

// openTwice decrypts in the store, and with m, a material of k.
func (k *Key) openTwice(c *operation.Call, m *sealed.Material, ciphertext []byte, context pairs.Map) (confidential.Bytes, error) {
	var none confidential.Bytes
	inner, outer, err := sealed.SplitOuter(ciphertext)
	if err != nil {
		return none, err
	}
	bound, err := sealed.OuterContext(context, k.ID)
	if err != nil {
		return none, sealed.ErrCiphertext
	}
	layer, err := k.outerLayer()
	if err != nil {
		return none, err
	}
	body, err := layer.open(c, outer, bound)
	if err != nil {
		return none, err
	}
	plaintext, err := m.DecryptInner(inner, body, context)
	if err != nil {
		return none, layer.distrusted(err)
	}
	return plaintext, nil
}

// An outerLayer is made and taken off by the keeper of a store's key. Its errors
// are faults for the caller.
type outerLayer interface {
	seal(c *operation.Call, inner, bound []byte) (*sealed.Outer, error)
	open(c *operation.Call, o *sealed.Outer, bound []byte) (inner []byte, err error)

	// distrusted is the error where the inner layer did not open.
	distrusted(err error) error
}

func (k *Key) outerLayer() (outerLayer, error) {
	if k.keyStore.Cluster != nil {
		token, err := k.keyStore.service.token(k.keyStore)
		return &clusterLayer{k, token}, err
	}
	proxy, err := k.keyStore.service.proxy(&k.keyStore.keyStoreRecord)
	return &proxyLayer{k, proxy}, err
}

// A proxyLayer is made by the external key of a key.
type proxyLayer struct {
	key   *Key
	proxy *xksproxy.Proxy
}

func (l *proxyLayer) seal(c *operation.Call, inner, bound []byte) (*sealed.Outer, error) {
	s, f := l.proxy.Encrypt(c.Context, aboutCall(c, l.key.ARN), l.key.XksKey, inner, bound)
	if f != nil {
		return nil, f.OfUse()
	}
	return &sealed.Outer{IV: s.IV, Tag: s.Tag, Metadata: s.Metadata, Ciphertext: s.Ciphertext}, nil
}

func (l *proxyLayer) open(c *operation.Call, o *sealed.Outer, bound []byte) ([]byte, error) {
	s := &xksproxy.Sealed{Ciphertext: o.Ciphertext, IV: o.IV, Tag: o.Tag, Metadata: o.Metadata}
	inner, f := l.proxy.Decrypt(c.Context, aboutCall(c, l.key.ARN), l.key.XksKey, s, bound)
	if f != nil {
		return nil, f.OfUse()
	}
	return inner, nil
}

// distrusted: the proxy has vouched for what is not what was encrypted.
func (*proxyLayer) distrusted(error) error { return xksproxy.ErrCorrupt.OfUse() }

// A clusterLayer is made by a key in a cluster.
type clusterLayer struct {
	key   *Key
	token Token
}

func (l *clusterLayer) seal(c *operation.Call, inner, bound []byte) (*sealed.Outer, error) {
	iv, ciphertext, err := l.token.Seal(c.Context, l.key.ClusterKey, inner, bound)
	if err != nil {
		return nil, clusterFailed(InvalidState, l.key.keyStore, err)
	}
	at := len(ciphertext) - sealed.TagSize
	if at != len(inner) || len(iv) == 0 || len(iv) > sealed.OuterIVMax {
		return nil, fmt.Errorf("the cluster of custom key store %s answers with %d bytes of IV and %d of ciphertext", l.key.keyStore.ID, len(iv), len(ciphertext))
	}
	return &sealed.Outer{IV: iv, Tag: ciphertext[at:], Ciphertext: ciphertext[:at]}, nil
}

func (l *clusterLayer) open(c *operation.Call, o *sealed.Outer, bound []byte) ([]byte, error) {
	ciphertext := append(append(make([]byte, 0, len(o.Ciphertext)+len(o.Tag)), o.Ciphertext...), o.Tag...)
	inner, err := l.token.Open(c.Context, l.key.ClusterKey, o.IV, ciphertext, bound)
	switch {
	case errors.Is(err, ErrTokenData):
		return nil, sealed.ErrCiphertext
	case err != nil:
		return nil, clusterFailed(InvalidState, l.key.keyStore, err)
	}
	return inner, nil
}

func (*clusterLayer) distrusted(err error) error { return err }
