package rootkey

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// SplitRootKeyInput says into how many shares the root key is to be taken apart,
// and how many of them give it back.
type SplitRootKeyInput struct {
	Shares    int64 `aws:"Shares" audit:"shares"`
	Threshold int64 `aws:"Threshold" audit:"threshold"`
}

// Validate checks the numbers, which a share has one byte each for. One share that
// gives the key back alone is a copy, not a share.
func (in *SplitRootKeyInput) Validate(c *check.Checks) {
	if in.Threshold < 2 || in.Shares < in.Threshold || in.Shares > 255 {
		c.Refuse(fault.New(fault.Validation, "The threshold must be at least 2, and at most the number of shares, which is at most 255."))
	}
}

// SplitRootKeyOutput is empty: whoever asked has the root key and takes it apart.
type SplitRootKeyOutput struct{}

func splitRootKey() operation.Operation {
	return operation.Use[SplitRootKeyInput, SplitRootKeyOutput, struct{}, *SplitRootKeyInput]{
		Name:    "SplitRootKey",
		Actions: []string{"claviger:SplitRootKey"},
		Asks: func(_ *operation.Call, _ *SplitRootKeyInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return ask(asks, "claviger:SplitRootKey")
		},
		Run: func(*operation.Call, *SplitRootKeyInput, struct{}) (*SplitRootKeyOutput, error) {
			return &SplitRootKeyOutput{}, nil
		},
	}.Operation()
}
