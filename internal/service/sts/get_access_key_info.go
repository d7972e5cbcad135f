package sts

import (
	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// GetAccessKeyInfoInput asks whose an access key is.
type GetAccessKeyInfoInput struct {
	AccessKeyID optional.Of[string] `aws:"AccessKeyId" audit:"accessKeyId"`
}

// Validate checks the limits of the public API.
func (in *GetAccessKeyInfoInput) Validate(c *check.Checks) {
	if c.Required("accessKeyId", in.AccessKeyID.Set) {
		checkText(c, "accessKeyId", in.AccessKeyID, 16, 128, accessKeyPattern)
	}
}

// GetAccessKeyInfoOutput is the account of an access key.
type GetAccessKeyInfoOutput struct {
	Account string `aws:"Account"`
}

// getAccessKeyInfo implements GetAccessKeyInfo, for the access keys of any account
// and in whatever state. Of temporary credentials nothing is kept: only the caller's
// own are known.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
func (s *Service) getAccessKeyInfo() operation.Operation {
	return operation.Use[GetAccessKeyInfoInput, GetAccessKeyInfoOutput, struct{}, *GetAccessKeyInfoInput]{
		Name:    "GetAccessKeyInfo",
		Actions: []string{"sts:GetAccessKeyInfo"},
		Asks: func(c *operation.Call, _ *GetAccessKeyInfoInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, askOfAccount(c, "sts:GetAccessKeyInfo"))
		},
		Run: s.runGetAccessKeyInfo,
	}.Operation()
}

// askOfAccount is a permission that is about no resource.
func askOfAccount(c *operation.Call, action string) authz.Ask {
	return authz.Ask{Action: action, Resource: "*", Unnamed: true, Account: c.Caller.Principal.Account, Rule: policy.IdentityOnly}
}

func (s *Service) runGetAccessKeyInfo(c *operation.Call, in *GetAccessKeyInfoInput, _ struct{}) (*GetAccessKeyInfoOutput, error) {
	if p := &c.Caller.Principal; p.AccessKeyID == in.AccessKeyID.V {
		return &GetAccessKeyInfoOutput{Account: p.Account}, nil
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	account, err := s.accessKeys.AccountOfAccessKey(c.Context, r, in.AccessKeyID.V)
	if err != nil {
		return nil, err
	}
	if account == "" {
		return nil, fault.New(fault.Validation, "The access key %s does not exist.", in.AccessKeyID.V)
	}
	return &GetAccessKeyInfoOutput{Account: account}, nil
}
