package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateSAMLProviderInput has an identity provider that signs assertions.
type CreateSAMLProviderInput struct {
	SAMLMetadataDocument    optional.Of[string] `aws:"SAMLMetadataDocument" audit:"sAMLMetadataDocument"`
	Name                    optional.Of[string] `aws:"Name" audit:"name"`
	Tags                    []Tag               `aws:"Tags" audit:"tags"`
	AssertionEncryptionMode optional.Of[string] `aws:"AssertionEncryptionMode" audit:"assertionEncryptionMode"`
	AddPrivateKey           confidential.Bytes  `aws:"AddPrivateKey,text"`
}

// Validate checks the limits of the public API.
func (in *CreateSAMLProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Required("sAMLMetadataDocument", in.SAMLMetadataDocument.Set)
	c.Length("sAMLMetadataDocument", in.SAMLMetadataDocument, samlMetadataMin, samlMetadataMax)
	if c.Required("name", in.Name.Set) {
		c.Length("name", in.Name, 1, nameMax)
		c.Pattern("name", in.Name, samlNamePattern, samlNameShown)
	}
	checkTags(c, in.Tags)
	checkEncryption(c, in.AssertionEncryptionMode, in.AddPrivateKey)
}

// CreateSAMLProviderOutput names the provider.
type CreateSAMLProviderOutput struct {
	SAMLProviderARN string `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
	Tags            []Tag  `aws:"Tags" audit:"tags"`
}

// createSAMLProvider implements CreateSAMLProvider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html
func (s *Service) createSAMLProvider() operation.Operation {
	return operation.Change[CreateSAMLProviderInput, CreateSAMLProviderOutput, samlTarget, *CreateSAMLProviderInput]{
		Name:    "CreateSAMLProvider",
		Actions: []string{"iam:CreateSAMLProvider", "iam:TagSAMLProvider"},
		Subject: func(c *operation.Call, in *CreateSAMLProviderInput) (samlTarget, error) {
			return s.samlProviderAt(c, in.Name.V)
		},
		Asks: func(c *operation.Call, in *CreateSAMLProviderInput, t samlTarget, asks []authz.Ask) []authz.Ask {
			return asksToCreate(c, asks, "iam:CreateSAMLProvider", "iam:TagSAMLProvider", t.arn, in.Tags)
		},
		Run: runCreateSAMLProvider,
	}.Operation()
}

func runCreateSAMLProvider(c *operation.Call, tx store.Txn, in *CreateSAMLProviderInput, t samlTarget) (*CreateSAMLProviderOutput, error) {
	if err := withoutEncryption(in.AssertionEncryptionMode, in.AddPrivateKey); err != nil {
		return nil, err
	}
	if t.provider != nil {
		return nil, fault.New(EntityAlreadyExists, "Provider with name %s already exists.", t.name)
	}
	until, err := newMetadata(in.SAMLMetadataDocument.V, c.Time)
	if err != nil {
		return nil, err
	}
	if err := countUp(c, tx, samlProviderCount, samlProvidersMax, "SAMLProvidersPerAccount"); err != nil {
		return nil, err
	}
	p := &samlProvider{
		ID:       ident.Unique("", 26),
		Account:  ownAccount(c),
		Name:     t.name,
		Created:  c.Time.Unix(),
		Until:    until,
		Metadata: in.SAMLMetadataDocument.V,
		Tags:     tagMap(in.Tags),
	}
	if err := samlProviders.Insert(c.Context, tx, p); err != nil {
		return nil, err
	}
	tx.Touch(samlProviderEntity(p.Account, p.Name))
	return &CreateSAMLProviderOutput{SAMLProviderARN: t.arn, Tags: tagList(p.Tags)}, nil
}
