package rootkey

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// RotateRootKeyInput says where the new root key is to come from.
type RotateRootKeyInput struct {
	To      string `aws:"To" audit:"to"` // empty: from where the present one comes
	KeepOld bool   `aws:"KeepOld" audit:"keepOld"`
	Reseal  bool   `aws:"Reseal" audit:"reseal"` // rows too
}

// Validate accepts it: a source is judged by what reads it.
func (in *RotateRootKeyInput) Validate(*check.Checks) {}

// RotateRootKeyOutput is empty: the rotation follows, and an event of its own
// says that it is done.
type RotateRootKeyOutput struct{}

func rotateRootKey() operation.Operation {
	return operation.Use[RotateRootKeyInput, RotateRootKeyOutput, struct{}, *RotateRootKeyInput]{
		Name:    "RotateRootKey",
		Actions: []string{"claviger:RotateRootKey"},
		Asks: func(_ *operation.Call, _ *RotateRootKeyInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return ask(asks, "claviger:RotateRootKey")
		},
		Run: func(*operation.Call, *RotateRootKeyInput, struct{}) (*RotateRootKeyOutput, error) {
			return &RotateRootKeyOutput{}, nil
		},
	}.Operation()
}
