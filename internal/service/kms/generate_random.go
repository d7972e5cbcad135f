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
		Run: func(c *operation.Call, in *GenerateRandomInput, context *conditions) (*GenerateRandomOutput, error) {
			if err := context.recipient.supported(); err != nil {
				return nil, err
			}
			drawn, err := s.draw(c, in)
			if err != nil {
				return nil, err
			}
			out := &GenerateRandomOutput{}
			out.Plaintext, out.CiphertextForRecipient, err = context.recipient.deliver(drawn)
			return out, err
		},
	}.Operation()
}

// draw draws the bytes, or has the cluster of a CloudHSM key store draw them.
func (s *Service) draw(c *operation.Call, in *GenerateRandomInput) (confidential.Bytes, error) {
	var none confidential.Bytes
	if !in.CustomKeyStoreID.Set {
		return sealed.Random(in.NumberOfBytes.V), nil
	}
	k, err := s.ownKeyStore(c, in.CustomKeyStoreID.V)
	if err != nil {
		return none, err
	}
	if k.Type != storeCloudHSM {
		return none, fault.New(fault.UnsupportedOperation, "The custom key store %s is of the type %s, which generates no random bytes.", k.ID, k.Type)
	}
	if err := k.is(connected); err != nil {
		return none, err
	}
	token, err := s.token(k)
	if err != nil {
		return none, err
	}
	b, err := token.Random(c.Context, in.NumberOfBytes.V)
	if err != nil {
		return none, clusterFailed(CustomKeyStoreInvalidState, k, err)
	}
	return b, nil
}
