package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// DecryptInput asks for a ciphertext to be decrypted.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
type DecryptInput struct {
	CiphertextBlob      []byte              `aws:"CiphertextBlob"`
	EncryptionContext   pairs.Map           `aws:"EncryptionContext" audit:"encryptionContext"`
	GrantTokens         []string            `aws:"GrantTokens"`
	KeyID               optional.Of[string] `aws:"KeyId" audit:"keyId"`
	EncryptionAlgorithm optional.Of[string] `aws:"EncryptionAlgorithm" audit:"encryptionAlgorithm"`
	Recipient           *Recipient          `aws:"Recipient"`
	DryRun              optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
	DryRunModifiers     []string            `aws:"DryRunModifiers"`
}

// DecryptOutput holds the plaintext and names the key.
type DecryptOutput struct {
	KeyID                  string              `aws:"KeyId"`
	Plaintext              confidential.Bytes  `aws:"Plaintext"`
	EncryptionAlgorithm    string              `aws:"EncryptionAlgorithm"`
	CiphertextForRecipient []byte              `aws:"CiphertextForRecipient"`
	KeyMaterialID          optional.Of[string] `aws:"KeyMaterialId"` // of a symmetric key
}

// Validate checks the limits of the public model.
func (in *DecryptInput) Validate(c *check.Checks) {
	c.Length("keyId", in.KeyID, 1, keyIDMax)
	checkGrantTokens(c, in.GrantTokens)
	c.Enum("encryptionAlgorithm", in.EncryptionAlgorithm, encryptionAlgorithms...)
	checkRecipient(c, in.Recipient)
	checkDryRun(c, in.DryRun, in.DryRunModifiers, in.CiphertextBlob, "KeyId", in.KeyID)
	checkKeyless(c, "KeyId", in.KeyID, in.EncryptionAlgorithm)
	checkEncryptionContext(c, "EncryptionContext", in.EncryptionContext)
}

// checkKeyless demands a key where the ciphertext can't name it.
func checkKeyless(c *check.Checks, member string, key, algorithm optional.Of[string]) {
	if a := algorithm.Or(symmetricDefault); !key.Set && a != symmetricDefault {
		c.Refuse(validation("%s is required with the encryption algorithm %s.", member, a))
	}
}

func (s *Service) decrypt() operation.Operation {
	return operation.Use[DecryptInput, DecryptOutput, *target, *DecryptInput]{
		Name:          "Decrypt",
		Cryptographic: true,
		Actions:       []string{"kms:Decrypt"},
		Subject: func(c *operation.Call, in *DecryptInput) (*target, error) {
			algorithm := in.EncryptionAlgorithm.Or(symmetricDefault)
			c.Show("encryptionAlgorithm", algorithm)
			t, err := s.attested(c, in.Recipient, func() (*target, error) {
				return s.source(c, in.KeyID, algorithm, needed(in.CiphertextBlob, in.DryRunModifiers))
			})
			if err != nil {
				return nil, err
			}
			if t.key != nil && !t.hidden(c) {
				c.Show("keyId", t.key.ARN)
			}
			t.encryption = in.EncryptionContext
			t.algorithm = algorithm
			return t, s.checkTokens(in.GrantTokens)
		},
		Asks: asksOnKey[DecryptInput]("kms:Decrypt", true),
		Run:  runDecrypt,
	}.Operation()
}

func runDecrypt(c *operation.Call, in *DecryptInput, t *target) (*DecryptOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if t.hidden(c) {
		c.Show("keyId", k.ARN)
	}
	ciphertext := needed(in.CiphertextBlob, in.DryRunModifiers)
	if err := t.fits(k, "Decrypt"); err != nil {
		return nil, err
	}
	if err := k.ready(toCrypt); err != nil {
		return nil, err
	}
	m, err := t.opener(k, ciphertext)
	if err != nil {
		return nil, err
	}
	if err := k.contextFits(in.EncryptionContext); err != nil {
		return nil, err
	}
	if err := t.recipient.supported(); err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	plaintext, err := k.open(c, m, t.algorithm, ciphertext, in.EncryptionContext)
	if err != nil {
		return nil, opened(err)
	}
	k.showMaterial(c, "keyMaterialId", t.inside.material)
	out := &DecryptOutput{KeyID: k.ARN, EncryptionAlgorithm: t.algorithm, KeyMaterialID: t.recipient.told(k.materialID(t.inside.material))}
	out.Plaintext, out.CiphertextForRecipient, err = t.recipient.deliver(plaintext)
	return out, err
}
