package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// UpdateSAMLProviderInput has the metadata that a provider is to have in place of
// that it has.
type UpdateSAMLProviderInput struct {
	SAMLMetadataDocument    optional.Of[string] `aws:"SAMLMetadataDocument" audit:"sAMLMetadataDocument"`
	SAMLProviderARN         optional.Of[string] `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
	AssertionEncryptionMode optional.Of[string] `aws:"AssertionEncryptionMode" audit:"assertionEncryptionMode"`
	AddPrivateKey           confidential.Bytes  `aws:"AddPrivateKey,text"`
}

// Validate checks the limits of the public API.
func (in *UpdateSAMLProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Length("sAMLMetadataDocument", in.SAMLMetadataDocument, samlMetadataMin, samlMetadataMax)
	checkProviderARN(c, "sAMLProviderArn", in.SAMLProviderARN)
	checkEncryption(c, in.AssertionEncryptionMode, in.AddPrivateKey)
}

// UpdateSAMLProviderOutput names the provider.
type UpdateSAMLProviderOutput struct {
	SAMLProviderARN string `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
}

// updateSAMLProvider implements UpdateSAMLProvider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateSAMLProvider.html
func (s *Service) updateSAMLProvider() operation.Operation {
	return operation.Change[UpdateSAMLProviderInput, UpdateSAMLProviderOutput, samlTarget, *UpdateSAMLProviderInput]{
		Name:    "UpdateSAMLProvider",
		Actions: []string{"iam:UpdateSAMLProvider"},
		Subject: func(c *operation.Call, in *UpdateSAMLProviderInput) (samlTarget, error) {
			return s.samlProviderNamed(c, in.SAMLProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *UpdateSAMLProviderInput, t samlTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateSAMLProvider", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UpdateSAMLProviderInput, t samlTarget) (*UpdateSAMLProviderOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if err := withoutEncryption(in.AssertionEncryptionMode, in.AddPrivateKey); err != nil {
				return nil, err
			}
			p := *t.provider
			if in.SAMLMetadataDocument.Set {
				var err error
				if p.Until, err = newMetadata(in.SAMLMetadataDocument.V, c.Time); err != nil {
					return nil, err
				}
				p.Metadata = in.SAMLMetadataDocument.V
			}
			if err := putSAMLProvider(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &UpdateSAMLProviderOutput{SAMLProviderARN: t.arn}, nil
		},
	}.Operation()
}
