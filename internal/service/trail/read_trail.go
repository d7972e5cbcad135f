package trail

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// ReadTrailInput asks to read records from a sequence number on.
type ReadTrailInput struct {
	From   int64 `aws:"From" audit:"from"`
	Follow bool  `aws:"Follow" audit:"follow"`
}

// Validate checks the sequence number.
func (in *ReadTrailInput) Validate(c *check.Checks) {
	if in.From < 0 {
		c.Refuse(fault.New(fault.Validation, "From must not be negative."))
	}
}

// ReadTrailOutput is empty: the records follow as a stream.
type ReadTrailOutput struct{}

func (s *Service) readTrail() operation.Operation {
	return operation.Use[ReadTrailInput, ReadTrailOutput, struct{}, *ReadTrailInput]{
		Name:    "ReadTrail",
		Actions: []string{"claviger:ReadTrail"},
		Asks: func(_ *operation.Call, _ *ReadTrailInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return ask(asks, "claviger:ReadTrail")
		},
		Run: func(*operation.Call, *ReadTrailInput, struct{}) (*ReadTrailOutput, error) {
			return &ReadTrailOutput{}, nil
		},
	}.Operation()
}
