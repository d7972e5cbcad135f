package trail

import (
	"errors"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// VerifyTrailInput asks to verify the whole trail, against a head that was
// kept elsewhere if one is given.
type VerifyTrailInput struct {
	Head []byte `aws:"Head"`
}

// Validate accepts every head: which one can be looked for, the installation's key
// tells.
func (in *VerifyTrailInput) Validate(*check.Checks) {}

// VerifyTrailOutput is what was found.
type VerifyTrailOutput struct {
	Report *audit.Report
}

func (s *Service) verifyTrail() operation.Operation {
	return operation.Use[VerifyTrailInput, VerifyTrailOutput, struct{}, *VerifyTrailInput]{
		Name:    "VerifyTrail",
		Actions: []string{"claviger:VerifyTrail"},
		Asks: func(_ *operation.Call, _ *VerifyTrailInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return ask(asks, "claviger:VerifyTrail")
		},
		Run: func(c *operation.Call, in *VerifyTrailInput, _ struct{}) (*VerifyTrailOutput, error) {
			report, err := s.o.Verify(c.Context, in.Head)
			if errors.Is(err, audit.ErrHead) {
				return nil, fault.New(fault.Validation, "%v", err)
			}
			if err != nil {
				return nil, err
			}
			return &VerifyTrailOutput{Report: report}, nil
		},
	}.Operation()
}
