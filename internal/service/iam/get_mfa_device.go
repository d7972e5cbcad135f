package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetMFADeviceInput names a user, or nobody for the caller, and one of the user's devices.
type GetMFADeviceInput struct {
	SerialNumber optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
	UserName     optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *GetMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkSerial(c, in.SerialNumber)
	checkName(c, "userName", in.UserName, newUserNameMax)
}

// GetMFADeviceOutput is the device. Virtual ones have no certifications.
type GetMFADeviceOutput struct {
	UserName     optional.Of[string] `aws:"UserName"`
	SerialNumber string              `aws:"SerialNumber"`
	EnableDate   time.Time           `aws:"EnableDate"`
}

// getMFADevice implements GetMFADevice.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html
func (s *Service) getMFADevice() operation.Operation {
	return operation.Use[GetMFADeviceInput, GetMFADeviceOutput, target, *GetMFADeviceInput]{
		Name:    "GetMFADevice",
		Actions: []string{"iam:GetMFADevice"},
		Subject: func(c *operation.Call, in *GetMFADeviceInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *GetMFADeviceInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetMFADevice"))
		},
		Run: func(c *operation.Call, in *GetMFADeviceInput, t target) (*GetMFADeviceOutput, error) {
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			d, _, err := s.deviceOf(c, r, &t, in.SerialNumber.V)
			if err != nil {
				return nil, err
			}
			c.RestOn(s.store.Stamp(r, mfaDeviceEntity(d.ID)))
			return &GetMFADeviceOutput{UserName: t.userName(), SerialNumber: d.serial(c.Partition), EnableDate: seconds(d.Enabled)}, nil
		},
	}.Operation()
}
