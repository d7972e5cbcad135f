package kms

import (
	"fmt"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// ReEncryptInput asks for a ciphertext to be decrypted and encrypted anew,
// under another key, algorithm or context.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
type ReEncryptInput struct {
	CiphertextBlob                 []byte              `aws:"CiphertextBlob"`
	SourceEncryptionContext        pairs.Map           `aws:"SourceEncryptionContext" audit:"sourceEncryptionContext"`
	SourceKeyID                    optional.Of[string] `aws:"SourceKeyId" audit:"sourceKeyId"`
	DestinationKeyID               optional.Of[string] `aws:"DestinationKeyId" audit:"destinationKeyId"`
	DestinationEncryptionContext   pairs.Map           `aws:"DestinationEncryptionContext" audit:"destinationEncryptionContext"`
	SourceEncryptionAlgorithm      optional.Of[string] `aws:"SourceEncryptionAlgorithm" audit:"sourceEncryptionAlgorithm"`
	DestinationEncryptionAlgorithm optional.Of[string] `aws:"DestinationEncryptionAlgorithm" audit:"destinationEncryptionAlgorithm"`
	GrantTokens                    []string            `aws:"GrantTokens"`
	DryRun                         optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
	DryRunModifiers                []string            `aws:"DryRunModifiers"`
}

// ReEncryptOutput holds the new ciphertext and names both keys.
type ReEncryptOutput struct {
	CiphertextBlob                 []byte              `aws:"CiphertextBlob"`
	SourceKeyID                    string              `aws:"SourceKeyId"`
	KeyID                          string              `aws:"KeyId"`
	SourceEncryptionAlgorithm      string              `aws:"SourceEncryptionAlgorithm"`
	DestinationEncryptionAlgorithm string              `aws:"DestinationEncryptionAlgorithm"`
	SourceKeyMaterialID            optional.Of[string] `aws:"SourceKeyMaterialId"`      // of a symmetric key
	DestinationKeyMaterialID       optional.Of[string] `aws:"DestinationKeyMaterialId"` // of a symmetric key
}

// Validate checks the limits of the public model.
func (in *ReEncryptInput) Validate(c *check.Checks) {
	c.Length("sourceKeyId", in.SourceKeyID, 1, keyIDMax)
	if c.Required("destinationKeyId", in.DestinationKeyID.Set) {
		c.Length("destinationKeyId", in.DestinationKeyID, 1, keyIDMax)
	}
	c.Enum("sourceEncryptionAlgorithm", in.SourceEncryptionAlgorithm, encryptionAlgorithms...)
	c.Enum("destinationEncryptionAlgorithm", in.DestinationEncryptionAlgorithm, encryptionAlgorithms...)
	checkGrantTokens(c, in.GrantTokens)
	checkDryRun(c, in.DryRun, in.DryRunModifiers, in.CiphertextBlob, "SourceKeyId", in.SourceKeyID)
	checkKeyless(c, "SourceKeyId", in.SourceKeyID, in.SourceEncryptionAlgorithm)
	checkEncryptionContext(c, "SourceEncryptionContext", in.SourceEncryptionContext)
	checkEncryptionContext(c, "DestinationEncryptionContext", in.DestinationEncryptionContext)
}

// transfer is the subject of a ReEncrypt.
type transfer struct{ from, to *target }

func (s *Service) reEncrypt() operation.Operation {
	return operation.Use[ReEncryptInput, ReEncryptOutput, *transfer, *ReEncryptInput]{
		Name:          "ReEncrypt",
		Cryptographic: true,
		Actions:       []string{"kms:ReEncryptFrom", "kms:ReEncryptTo"},
		Subject:       s.transfer,
		Asks: func(c *operation.Call, _ *ReEncryptInput, t *transfer, asks []authz.Ask) []authz.Ask {
			asks = append(asks, t.from.ask(c, "kms:ReEncryptFrom", true), t.to.ask(c, "kms:ReEncryptTo", true))
			t.from.grants.partner, t.to.grants.partner = &t.to.grants, &t.from.grants
			return asks
		},
		Run: runReEncrypt,
	}.Operation()
}

func (s *Service) transfer(c *operation.Call, in *ReEncryptInput) (*transfer, error) {
	fromAlgorithm := in.SourceEncryptionAlgorithm.Or(symmetricDefault)
	toAlgorithm := in.DestinationEncryptionAlgorithm.Or(symmetricDefault)
	c.Show("sourceEncryptionAlgorithm", fromAlgorithm)
	c.Show("destinationEncryptionAlgorithm", toAlgorithm)
	from, err := s.source(c, in.SourceKeyID, fromAlgorithm, needed(in.CiphertextBlob, in.DryRunModifiers))
	if err != nil {
		return nil, err
	}
	to, err := s.keyOrAlias(c, in.DestinationKeyID.V)
	if err != nil {
		return nil, err
	}
	same := optional.Some(from.about == to.about)
	from.encryption, from.algorithm, from.sameKey = in.SourceEncryptionContext, fromAlgorithm, same
	to.encryption, to.algorithm, to.sameKey = in.DestinationEncryptionContext, toAlgorithm, same
	return &transfer{from, to}, s.checkTokens(in.GrantTokens)
}

func runReEncrypt(c *operation.Call, in *ReEncryptInput, t *transfer) (*ReEncryptOutput, error) {
	from, to, err := t.found(c)
	if err != nil {
		return nil, err
	}
	ciphertext := needed(in.CiphertextBlob, in.DryRunModifiers)
	opener, sealer, err := t.materials(from, to, ciphertext)
	if err != nil {
		return nil, err
	}
	if err := from.contextFits(in.SourceEncryptionContext); err != nil {
		return nil, err
	}
	if err := to.contextFits(in.DestinationEncryptionContext); err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	blob, err := t.carry(c, in, from, opener, to, sealer)
	if err != nil {
		return nil, opened(fmt.Errorf("re-encrypting from key %s to key %s: %w", from.ID, to.ID, err))
	}
	from.showMaterial(c, "sourceKeyMaterialId", t.from.inside.material)
	to.showMaterial(c, "destinationKeyMaterialId", to.Material)
	return &ReEncryptOutput{
		CiphertextBlob:                 blob,
		SourceKeyID:                    from.ARN,
		KeyID:                          to.ARN,
		SourceEncryptionAlgorithm:      t.from.algorithm,
		DestinationEncryptionAlgorithm: t.to.algorithm,
		SourceKeyMaterialID:            from.materialID(t.from.inside.material),
		DestinationKeyMaterialID:       to.materialID(to.Material),
	}, nil
}

// carry takes the plaintext from one key to the other. Between symmetric keys in no
// custom key store it does not leave package sealed.
func (t *transfer) carry(c *operation.Call, in *ReEncryptInput, from *Key, opener *sealed.Material, to *Key, sealer *sealed.Material) ([]byte, error) {
	if from.Spec == symmetricDefault && to.Spec == symmetricDefault && !from.inStore() && !to.inStore() {
		return opener.ReEncrypt(nil, in.CiphertextBlob, in.SourceEncryptionContext, sealer, in.DestinationEncryptionContext)
	}
	plaintext, err := from.open(c, opener, t.from.algorithm, in.CiphertextBlob, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	if err := to.plaintextFits(t.to.algorithm, plaintext.Len()); err != nil {
		return nil, err
	}
	return to.seal(c, sealer, t.to.algorithm, plaintext, in.DestinationEncryptionContext)
}

// found returns both keys and has the record name them, the source first.
func (t *transfer) found(c *operation.Call) (from, to *Key, err error) {
	c.Record.Resources = c.Record.Resources[:0]
	if from, err = t.from.found(c); err != nil {
		return nil, nil, err
	}
	if to, err = t.to.found(c); err != nil {
		return nil, nil, err
	}
	c.Record.Resources = c.Record.Resources[:0]
	c.Concerns(keyResource, from.ARN, from.Account)
	c.Concerns(keyResource, to.ARN, to.Account)
	return from, to, nil
}

// materials takes a re-encryption up to its cryptography. There is no opener
// where the ciphertext is to be ignored.
func (t *transfer) materials(from, to *Key, ciphertext []byte) (opener, sealer *sealed.Material, err error) {
	if err := t.from.fits(from, "ReEncrypt"); err != nil {
		return nil, nil, err
	}
	if err := to.encrypts("ReEncrypt", t.to.algorithm); err != nil {
		return nil, nil, err
	}
	if err := newCiphertexts(t.to.algorithm); err != nil {
		return nil, nil, err
	}
	if err := from.ready(toCrypt); err != nil {
		return nil, nil, err
	}
	if err := to.ready(toCrypt); err != nil {
		return nil, nil, err
	}
	if opener, err = t.from.opener(from, ciphertext); err != nil {
		return nil, nil, err
	}
	sealer, err = to.material()
	return opener, sealer, err
}
