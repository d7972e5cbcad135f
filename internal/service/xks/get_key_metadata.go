package xks

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// GetKeyMetadataInput asks what an external key is.
type GetKeyMetadataInput struct {
	KeyStore        string           `audit:"keyStore"`
	ExternalKeyID   string           `audit:"externalKeyId"`
	RequestMetadata *RequestMetadata `aws:"requestMetadata" audit:"requestMetadata"`
}

// Address says what the path is about.
func (in *GetKeyMetadataInput) Address(keyStore, externalKey string) {
	in.KeyStore, in.ExternalKeyID = keyStore, externalKey
}

// Validate checks what the interface demands. There may be no KMS key yet.
func (in *GetKeyMetadataInput) Validate(c *check.Checks) { in.RequestMetadata.check(c, true, false) }

// GetKeyMetadataOutput says what an external key is.
type GetKeyMetadataOutput struct {
	KeySpec   string   `aws:"keySpec"`
	KeyUsage  []string `aws:"keyUsage"`
	KeyStatus string   `aws:"keyStatus"`
}

// keySpec is that of all external keys.
const keySpec = "AES_256"

func (s *Service) getKeyMetadata() operation.Operation {
	return operation.Use[GetKeyMetadataInput, GetKeyMetadataOutput, *externalKey, *GetKeyMetadataInput]{
		Name:    "GetKeyMetadata",
		Actions: []string{getKeyMetadataAction},
		Subject: func(c *operation.Call, in *GetKeyMetadataInput) (*externalKey, error) {
			return s.keyToUse(c, in.KeyStore, in.ExternalKeyID)
		},
		Asks: func(_ *operation.Call, in *GetKeyMetadataInput, k *externalKey, asks []authz.Ask) []authz.Ask {
			return k.asks(getKeyMetadataAction, in.RequestMetadata, asks)
		},
		Run: func(_ *operation.Call, _ *GetKeyMetadataInput, k *externalKey) (*GetKeyMetadataOutput, error) {
			return &GetKeyMetadataOutput{KeySpec: keySpec, KeyUsage: k.usage(), KeyStatus: k.status()}, nil
		},
	}.Operation()
}
