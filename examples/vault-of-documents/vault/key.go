package vault

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"claviger/client/forwardaccess"
)

// operations are what the service may do with a customer's key: make keys for
// new documents and open those of old ones. Nothing else.
var operations = []types.GrantOperation{
	types.GrantOperationGenerateDataKey,
	types.GrantOperationDecrypt,
	types.GrantOperationDescribeKey,
}

// asUser returns the key service as the user sees it through this one. Each call
// is made once, never again by itself: what was refused has then changed nothing.
func (s *Server) asUser(user *forwardaccess.Session) *kms.Client {
	return kms.NewFromConfig(aws.Config{
		Region:       s.o.Region,
		BaseEndpoint: &s.o.Endpoint,
		Credentials:  user,
		HTTPClient:   s.o.HTTP,
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	})
}

// describe returns the ARN of the key that the user wants documents to be sealed under.
func (s *Server) describe(ctx context.Context, user *forwardaccess.Session, keyID string) (string, error) {
	out, err := s.asUser(user).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &keyID})
	if err != nil {
		return "", refusedByKey(err)
	}
	if out.KeyMetadata.KeySpec != types.KeySpecSymmetricDefault {
		return "", problemf(400, "Documents are sealed under symmetric encryption keys; %s is of another kind.", *out.KeyMetadata.Arn)
	}
	return *out.KeyMetadata.Arn, nil
}

// grant has the user let the service in, for this vault and nothing else. As
// long as the grant exists the same one is returned.
func (s *Server) grant(ctx context.Context, user *forwardaccess.Session, v *vault) error {
	out, err := s.asUser(user).CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId:             &v.KeyARN,
		Name:              &v.GrantName,
		GranteePrincipal:  &s.o.Principal,
		RetiringPrincipal: &s.o.Principal,
		Operations:        operations,
		Constraints:       &types.GrantConstraints{EncryptionContextSubset: v.context("")},
	})
	if err != nil {
		return refusedByKey(err)
	}
	v.GrantID, v.GrantToken = *out.GrantId, *out.GrantToken
	return nil
}

// forVault says on whose behalf the service calls in its own name. The customer's
// policies know it as aws:SourceArn and aws:SourceAccount.
func forVault(v *vault) func(*kms.Options) {
	return kms.WithAPIOptions(
		smithyhttp.SetHeaderValue("X-Amz-Source-Arn", v.ARN),
		smithyhttp.SetHeaderValue("X-Amz-Source-Account", v.Account),
	)
}

// newDataKey makes the key of one document: in clear, for now, and sealed, to keep.
func (s *Server) newDataKey(ctx context.Context, v *vault, document string) (key, sealed []byte, err error) {
	out, err := s.own.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId:             &v.KeyARN,
		KeySpec:           types.DataKeySpecAes256,
		EncryptionContext: v.context(document),
		GrantTokens:       []string{v.GrantToken},
	}, forVault(v))
	if err != nil {
		return nil, nil, refusedByKey(err)
	}
	return out.Plaintext, out.CiphertextBlob, nil
}

// dataKey opens the key of a document.
func (s *Server) dataKey(ctx context.Context, v *vault, document string, sealed []byte) ([]byte, error) {
	out, err := s.own.Decrypt(ctx, &kms.DecryptInput{
		KeyId:             &v.KeyARN,
		CiphertextBlob:    sealed,
		EncryptionContext: v.context(document),
		GrantTokens:       []string{v.GrantToken},
	}, forVault(v))
	if err != nil {
		return nil, refusedByKey(err)
	}
	return out.Plaintext, nil
}

// retire gives the grant back. One that is gone is as good.
func (s *Server) retire(ctx context.Context, v *vault) error {
	_, err := s.own.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &v.KeyARN, GrantId: &v.GrantID}, forVault(v))
	if gone := new(types.NotFoundException); errors.As(err, &gone) {
		return nil
	}
	if err != nil {
		return refusedByKey(err)
	}
	return nil
}
