package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// EnableMFADeviceInput gives a user a device, which shows that it works by two
// codes, one after the other.
type EnableMFADeviceInput struct {
	UserName            optional.Of[string] `aws:"UserName" audit:"userName"`
	SerialNumber        optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
	AuthenticationCode1 confidential.Bytes  `aws:"AuthenticationCode1,text"`
	AuthenticationCode2 confidential.Bytes  `aws:"AuthenticationCode2,text"`
}

// Validate checks the limits of the public API.
func (in *EnableMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkSerial(c, in.SerialNumber)
	checkCodes(c, in.AuthenticationCode1, in.AuthenticationCode2)
}

// enableMFADevice implements EnableMFADevice.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
func (s *Service) enableMFADevice() operation.Operation {
	return operation.Change[EnableMFADeviceInput, operation.None, target, *EnableMFADeviceInput]{
		Name:    "EnableMFADevice",
		Actions: []string{"iam:EnableMFADevice"},
		Subject: func(c *operation.Call, in *EnableMFADeviceInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *EnableMFADeviceInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:EnableMFADevice"))
		},
		Run: s.runEnableMFADevice,
	}.Operation()
}

func (s *Service) runEnableMFADevice(c *operation.Call, tx store.Txn, in *EnableMFADeviceInput, t target) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	found, rev, err := s.findDevice(c.Context, tx, ownAccount(c), in.SerialNumber.V)
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, noSuchDevice(in.SerialNumber.V)
	case found.User != "":
		return nil, fault.New(EntityAlreadyExists, "MFA Device is already in use.")
	case len(t.user.MFADevices) >= mfaDevicesPerUserMax:
		return nil, exceeded("MFADevicesPerUser", mfaDevicesPerUserMax)
	}
	d := *found
	if err := d.synchronize(c.Time, in.AuthenticationCode1, in.AuthenticationCode2); err != nil {
		return nil, err
	}
	d.User, d.Enabled = t.user.ID, c.Time.Unix()
	if err := putDevice(c.Context, tx, d, rev); err != nil {
		return nil, err
	}
	u := *t.user
	u.MFADevices = append(slices.Clone(u.MFADevices), d.ID)
	if err := putUser(c.Context, tx, u, t.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, countUp(c, tx, mfaDevicesInUse, mfaDevicesMax*mfaDevicesPerUserMax, "MFADevicesPerAccount")
}
