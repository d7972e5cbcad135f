package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// ResyncMFADeviceInput has two codes that a user's device showed one after the
// other, by which its clock is known again.
type ResyncMFADeviceInput struct {
	UserName            optional.Of[string] `aws:"UserName" audit:"userName"`
	SerialNumber        optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
	AuthenticationCode1 confidential.Bytes  `aws:"AuthenticationCode1,text"`
	AuthenticationCode2 confidential.Bytes  `aws:"AuthenticationCode2,text"`
}

// Validate checks the limits of the public API.
func (in *ResyncMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkSerial(c, in.SerialNumber)
	checkCodes(c, in.AuthenticationCode1, in.AuthenticationCode2)
}

// resyncMFADevice implements ResyncMFADevice. The clock may be off by ten minutes.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html
func (s *Service) resyncMFADevice() operation.Operation {
	return operation.Change[ResyncMFADeviceInput, operation.None, target, *ResyncMFADeviceInput]{
		Name:    "ResyncMFADevice",
		Actions: []string{"iam:ResyncMFADevice"},
		Subject: func(c *operation.Call, in *ResyncMFADeviceInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *ResyncMFADeviceInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ResyncMFADevice"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *ResyncMFADeviceInput, t target) (*operation.None, error) {
			d, rev, err := s.deviceOf(c, tx, &t, in.SerialNumber.V)
			if err != nil {
				return nil, err
			}
			t.require(tx)
			if err := d.synchronize(c.Time, in.AuthenticationCode1, in.AuthenticationCode2); err != nil {
				return nil, err
			}
			if err := putDevice(c.Context, tx, *d, rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
