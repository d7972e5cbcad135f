package sts

import (
	"context"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// A usedCode says that the code of a call was right, and can't be used again.
type usedCode struct{}

// secondFactor reports whether a call proves a second factor of its caller. One
// that does not prove what it claims is refused.
func (s *Service) secondFactor(c *operation.Call, serial optional.Of[string], code confidential.Bytes) (bool, error) {
	switch {
	case !serial.Set && !code.IsSet():
		return false, nil
	case !serial.Set || !code.IsSet():
		return false, fault.New(fault.AccessDenied, "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. ")
	}
	if _, used := operation.Made[usedCode](c); used {
		return true, nil
	}
	r, err := c.Reader()
	if err != nil {
		return false, err
	}
	return true, s.devices.CheckCode(c.Context, r, &c.Caller.Principal, serial.V, code, c.Time)
}

// useCode uses the code of a call up, if it has one. That is stored apart, once
// the call is allowed: of two calls with the same code one is refused.
func (s *Service) useCode(c *operation.Call, mfa bool, serial optional.Of[string], code confidential.Bytes) error {
	if !mfa {
		return nil
	}
	_, err := operation.Apart(c, func(ctx context.Context) (usedCode, error) {
		return usedCode{}, s.devices.UseCode(ctx, &c.Caller.Principal, serial.V, code, c.Time)
	})
	return err
}
