package kms

import (
	"errors"
	"fmt"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// DeriveSharedSecretInput asks for the secret that the key shares with the holder
// of another one, by ECDH (NIST SP 800-56A).
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html
type DeriveSharedSecretInput struct {
	KeyID                 optional.Of[string] `aws:"KeyId" audit:"keyId"`
	KeyAgreementAlgorithm optional.Of[string] `aws:"KeyAgreementAlgorithm" audit:"keyAgreementAlgorithm"`
	PublicKey             []byte              `aws:"PublicKey"`
	GrantTokens           []string            `aws:"GrantTokens"`
	DryRun                optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
	Recipient             *Recipient          `aws:"Recipient"`
}

// DeriveSharedSecretOutput holds the secret: an x coordinate, of the length of
// the curve's field.
type DeriveSharedSecretOutput struct {
	KeyID                  string             `aws:"KeyId"`
	SharedSecret           confidential.Bytes `aws:"SharedSecret"`
	CiphertextForRecipient []byte             `aws:"CiphertextForRecipient"`
	KeyAgreementAlgorithm  string             `aws:"KeyAgreementAlgorithm"`
	KeyOrigin              string             `aws:"KeyOrigin"`
}

const publicKeyMax = 8192

// Validate checks the limits of the public model.
func (in *DeriveSharedSecretInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	if c.Required("keyAgreementAlgorithm", in.KeyAgreementAlgorithm.Set) {
		c.Enum("keyAgreementAlgorithm", in.KeyAgreementAlgorithm, ecdh)
	}
	c.Required("publicKey", in.PublicKey != nil)
	c.Bytes("publicKey", in.PublicKey != nil, len(in.PublicKey), 1, publicKeyMax)
	checkGrantTokens(c, in.GrantTokens)
	checkRecipient(c, in.Recipient)
}

func (s *Service) deriveSharedSecret() operation.Operation {
	return operation.Use[DeriveSharedSecretInput, DeriveSharedSecretOutput, *target, *DeriveSharedSecretInput]{
		Name:          "DeriveSharedSecret",
		Cryptographic: true,
		Actions:       []string{"kms:DeriveSharedSecret"},
		Subject: func(c *operation.Call, in *DeriveSharedSecretInput) (*target, error) {
			t, err := s.attested(c, in.Recipient, func() (*target, error) { return s.keyOrAlias(c, in.KeyID.V) })
			if err != nil {
				return nil, err
			}
			t.agreement = in.KeyAgreementAlgorithm.V
			return t, s.checkTokens(in.GrantTokens)
		},
		Asks: asksOnKey[DeriveSharedSecretInput]("kms:DeriveSharedSecret", true),
		Run:  runDeriveSharedSecret,
	}.Operation()
}

func runDeriveSharedSecret(c *operation.Call, in *DeriveSharedSecretInput, t *target) (*DeriveSharedSecretOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toUse("DeriveSharedSecret", usageKeyAgreement, t.agreement)
	if err != nil {
		return nil, err
	}
	if err := t.recipient.supported(); err != nil {
		return nil, err
	}
	secret, err := m.Agree(in.PublicKey) // tells whether the peer's key is one, which a dry run is to tell too
	switch {
	case errors.Is(err, sealed.ErrPublicKey):
		return nil, errPublicKey
	case err != nil:
		return nil, fmt.Errorf("agreeing with key %s: %w", k.ID, err)
	case in.DryRun.V:
		return nil, errDryRun
	}
	out := &DeriveSharedSecretOutput{KeyID: k.ARN, KeyAgreementAlgorithm: t.agreement, KeyOrigin: k.Origin}
	out.SharedSecret, out.CiphertextForRecipient, err = t.recipient.deliver(secret)
	return out, err
}
