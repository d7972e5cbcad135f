package kms

import (
	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// GenerateRandomInput asks for random bytes. The record shows none of it.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html
type GenerateRandomInput struct {
	NumberOfBytes    optional.Of[int]    `aws:"NumberOfBytes"`
	CustomKeyStoreID optional.Of[string] `aws:"CustomKeyStoreId"`
	Recipient        *Recipient          `aws:"Recipient"`
}

// GenerateRandomOutput holds the bytes.
type GenerateRandomOutput struct {
	Plaintext              confidential.Bytes `aws:"Plaintext"`
	CiphertextForRecipient []byte             `aws:"CiphertextForRecipient"`
}

const customKeyStoreIDMax = 64

// Validate checks the limits of the public model.
func (in *GenerateRandomInput) Validate(c *check.Checks) {
	c.Range("numberOfBytes", in.NumberOfBytes, 1, numberOfBytesMax)
	c.Length("customKeyStoreId", in.CustomKeyStoreID, 1, customKeyStoreIDMax)
	checkRecipient(c, in.Recipient)
	if !in.NumberOfBytes.Set {
		c.Refuse(validation("NumberOfBytes is required."))
	}
}

func (s *Service) generateRandom() operation.Operation {
	return operation.Use[GenerateRandomInput, GenerateRandomOutput, *conditions, *GenerateRandomInput]{
		Name:    "GenerateRandom",
		Actions: []string{"kms:GenerateRandom"},
		Subject: func(c *operation.Call, in *GenerateRandomInput) (*conditions, error) {
			verified, err := s.attest(c, in.Recipient)
			context := onAccount(c)
			context.recipient = verified
			return context, err
		},
		Asks: func(c *operation.Call, _ *GenerateRandomInput, context *conditions, asks []authz.Ask) []authz.Ask {
			return append(asks, askOnAccount(c, "kms:GenerateRandom", "*", context))
		},
		Run: func(_ *operation.Call, in *GenerateRandomInput, context *conditions) (*GenerateRandomOutput, error) {
			if in.CustomKeyStoreID.Set {
				return nil, noStore(in.CustomKeyStoreID.V)
			}
			if err := context.recipient.supported(); err != nil {
				return nil, err
			}
			out := &GenerateRandomOutput{}
			var err error
			out.Plaintext, out.CiphertextForRecipient, err = context.recipient.deliver(sealed.Random(in.NumberOfBytes.V))
			return out, err
		},
	}.Operation()
}

// noStore refuses a custom key store: none exists here.
func noStore(id string) error {
	return fault.New(CustomKeyStoreNotFound, "Custom key store %s is not found.", id)
}
