package rootkey

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// DescribeRootKeyInput is empty: a server has one root key.
type DescribeRootKeyInput struct{}

// Validate accepts it.
func (in *DescribeRootKeyInput) Validate(*check.Checks) {}

// DescribeRootKeyOutput is empty: the answer follows.
type DescribeRootKeyOutput struct{}

func describeRootKey() operation.Operation {
	return operation.Use[DescribeRootKeyInput, DescribeRootKeyOutput, struct{}, *DescribeRootKeyInput]{
		Name:    "DescribeRootKey",
		Actions: []string{"claviger:DescribeRootKey"},
		Asks: func(_ *operation.Call, _ *DescribeRootKeyInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return ask(asks, "claviger:DescribeRootKey")
		},
		Run: func(*operation.Call, *DescribeRootKeyInput, struct{}) (*DescribeRootKeyOutput, error) {
			return &DescribeRootKeyOutput{}, nil
		},
	}.Operation()
}
