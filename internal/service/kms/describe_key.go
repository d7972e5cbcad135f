package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DescribeKeyInput asks what is known of a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
type DescribeKeyInput struct {
	KeyID       optional.Of[string] `aws:"KeyId" audit:"keyId"`
	GrantTokens []string            `aws:"GrantTokens"`
}

// DescribeKeyOutput describes the key.
type DescribeKeyOutput struct {
	KeyMetadata KeyMetadata `aws:"KeyMetadata"`
}

// Validate checks the limits of the public model.
func (in *DescribeKeyInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkGrantTokens(c, in.GrantTokens)
}

func (s *Service) describeKey() operation.Operation {
	return operation.Use[DescribeKeyInput, DescribeKeyOutput, *target, *DescribeKeyInput]{
		Name:    "DescribeKey",
		Actions: []string{"kms:DescribeKey"},
		Subject: func(c *operation.Call, in *DescribeKeyInput) (*target, error) {
			t, err := s.keyOrAlias(c, in.KeyID.V)
			if err != nil {
				return nil, err
			}
			return t, s.checkTokens(in.GrantTokens)
		},
		Asks: asksOnKey[DescribeKeyInput]("kms:DescribeKey", true),
		Run: func(c *operation.Call, _ *DescribeKeyInput, t *target) (*DescribeKeyOutput, error) {
			k, err := t.found(c)
			if err != nil {
				return nil, err
			}
			return &DescribeKeyOutput{KeyMetadata: k.metadata()}, nil
		},
	}.Operation()
}
