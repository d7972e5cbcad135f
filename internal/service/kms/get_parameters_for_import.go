package kms

import (
	"context"
	"fmt"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetParametersForImportInput asks for a public key to wrap key material under,
// and a token to import it with.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html
type GetParametersForImportInput struct {
	KeyID             optional.Of[string] `aws:"KeyId" audit:"keyId"`
	WrappingAlgorithm optional.Of[string] `aws:"WrappingAlgorithm" audit:"wrappingAlgorithm"`
	WrappingKeySpec   optional.Of[string] `aws:"WrappingKeySpec" audit:"wrappingKeySpec"`
}

// GetParametersForImportOutput has both, which belong together, and says until
// when they can be used.
type GetParametersForImportOutput struct {
	KeyID             string    `aws:"KeyId"`
	ImportToken       []byte    `aws:"ImportToken"`
	PublicKey         []byte    `aws:"PublicKey"` // SubjectPublicKeyInfo in DER
	ParametersValidTo time.Time `aws:"ParametersValidTo"`
}

// Validate checks the limits of the public model.
func (in *GetParametersForImportInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	if c.Required("wrappingAlgorithm", in.WrappingAlgorithm.Set) {
		c.Enum("wrappingAlgorithm", in.WrappingAlgorithm, wrappingAlgorithms...)
	}
	if c.Required("wrappingKeySpec", in.WrappingKeySpec.Set) {
		c.Enum("wrappingKeySpec", in.WrappingKeySpec, wrappingKeySpecs...)
	}
}

func (s *Service) getParametersForImport() operation.Operation {
	return operation.Use[GetParametersForImportInput, GetParametersForImportOutput, *target, *GetParametersForImportInput]{
		Name:    "GetParametersForImport",
		Actions: []string{"kms:GetParametersForImport"},
		Subject: func(c *operation.Call, in *GetParametersForImportInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToUse)
			if err != nil {
				return nil, err
			}
			t.imports = &importConditions{wrappingAlgorithm: in.WrappingAlgorithm.V, wrappingKeySpec: in.WrappingKeySpec.V}
			return t, nil
		},
		Asks: asksOnKey[GetParametersForImportInput]("kms:GetParametersForImport", false),
		Run:  s.runGetParametersForImport,
	}.Operation()
}

func (s *Service) runGetParametersForImport(c *operation.Call, in *GetParametersForImportInput, t *target) (*GetParametersForImportOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.imported(); err != nil {
		return nil, err
	}
	if err := k.wrappable(in.WrappingAlgorithm.V, in.WrappingKeySpec.V); err != nil {
		return nil, err
	}
	if err := k.ready(toReceive); err != nil {
		return nil, err
	}
	wrapping, err := drawn(c, in.WrappingKeySpec.V, func(ctx context.Context) (*sealed.WrappingKey, error) {
		return sealed.NewWrappingKey(ctx, in.WrappingKeySpec.V)
	})
	if err != nil {
		return nil, err
	}
	token := &importToken{wrapping: wrapping, algorithm: in.WrappingAlgorithm.V, expires: moment(c).Add(importTokenLife)}
	text, err := s.sealImportToken(k, token)
	if err != nil {
		return nil, fmt.Errorf("sealing an import token of key %s: %w", k.ID, err)
	}
	return &GetParametersForImportOutput{
		KeyID:             k.ARN,
		ImportToken:       text,
		PublicKey:         wrapping.PublicKey(),
		ParametersValidTo: token.expires,
	}, nil
}
