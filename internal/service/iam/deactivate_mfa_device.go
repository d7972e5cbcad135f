package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeactivateMFADeviceInput names a user, or nobody for the caller, and the device
// that the user is to lose.
type DeactivateMFADeviceInput struct {
	UserName     optional.Of[string] `aws:"UserName" audit:"userName"`
	SerialNumber optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
}

// Validate checks the limits of the public API.
func (in *DeactivateMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
	checkSerial(c, in.SerialNumber)
}

// deactivateMFADevice implements DeactivateMFADevice. Sessions that began with a
// code of the device go on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html
func (s *Service) deactivateMFADevice() operation.Operation {
	return operation.Change[DeactivateMFADeviceInput, operation.None, target, *DeactivateMFADeviceInput]{
		Name:    "DeactivateMFADevice",
		Actions: []string{"iam:DeactivateMFADevice"},
		Subject: func(c *operation.Call, in *DeactivateMFADeviceInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *DeactivateMFADeviceInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeactivateMFADevice"))
		},
		Run: s.runDeactivateMFADevice,
	}.Operation()
}

func (s *Service) runDeactivateMFADevice(c *operation.Call, tx store.Txn, in *DeactivateMFADeviceInput, t target) (*operation.None, error) {
	d, rev, err := s.deviceOf(c, tx, &t, in.SerialNumber.V)
	if err != nil {
		return nil, err
	}
	d.User, d.Enabled = "", 0
	if err := putDevice(c.Context, tx, *d, rev); err != nil {
		return nil, err
	}
	u := *t.user
	u.MFADevices = slices.DeleteFunc(slices.Clone(u.MFADevices), func(id string) bool { return id == d.ID })
	if err := putUser(c.Context, tx, u, t.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, countDown(c, tx, mfaDevicesInUse)
}

// deviceOf returns the device of a target by its serial number. It refuses a
// target without it: the root user has none.
func (s *Service) deviceOf(c *operation.Call, r store.Reader, t *target, serial string) (*mfaDevice, store.Rev, error) {
	if err := t.exists(); err != nil {
		return nil, 0, err
	}
	d, rev, err := s.findDevice(c.Context, r, ownAccount(c), serial)
	switch {
	case err != nil:
		return nil, 0, err
	case d == nil:
		return nil, 0, noSuchDevice(serial)
	case t.user == nil || !slices.Contains(t.user.MFADevices, d.ID):
		return nil, 0, notOfUser()
	}
	return d, rev, nil
}
