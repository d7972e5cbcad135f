package sts

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/principal"
)

// GetCallerIdentityInput has no members.
type GetCallerIdentityInput struct{}

// Validate has nothing to check.
func (*GetCallerIdentityInput) Validate(*check.Checks) {}

// GetCallerIdentityOutput says who signed the call. A service has no account, and
// its name stands for id and ARN.
type GetCallerIdentityOutput struct {
	UserID  string `aws:"UserId"`
	Account string `aws:"Account"`
	ARN     string `aws:"Arn"`
}

// getCallerIdentity implements GetCallerIdentity. It needs no permission and no
// policy can deny it: a caller learns nothing that its signature does not prove.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (*Service) getCallerIdentity() operation.Operation {
	return operation.Use[GetCallerIdentityInput, GetCallerIdentityOutput, struct{}, *GetCallerIdentityInput]{
		Name:        "GetCallerIdentity",
		AsksNothing: true,
		Run: func(c *operation.Call, _ *GetCallerIdentityInput, _ struct{}) (*GetCallerIdentityOutput, error) {
			p := &c.Caller.Principal
			if p.Kind == principal.Service {
				return &GetCallerIdentityOutput{UserID: p.Name, ARN: p.ARN}, nil
			}
			return &GetCallerIdentityOutput{UserID: p.ID, Account: p.Account, ARN: p.ARN}, nil
		},
	}.Operation()
}
