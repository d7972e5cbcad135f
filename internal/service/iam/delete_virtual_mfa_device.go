package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteVirtualMFADeviceInput names a device.
type DeleteVirtualMFADeviceInput struct {
	SerialNumber optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
}

// Validate checks the limits of the public API.
func (in *DeleteVirtualMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkSerial(c, in.SerialNumber)
}

// deleteVirtualMFADevice implements DeleteVirtualMFADevice. Its user must have
// lost the device before.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html
func (s *Service) deleteVirtualMFADevice() operation.Operation {
	return operation.Change[DeleteVirtualMFADeviceInput, operation.None, deviceTarget, *DeleteVirtualMFADeviceInput]{
		Name:    "DeleteVirtualMFADevice",
		Actions: []string{"iam:DeleteVirtualMFADevice"},
		Subject: func(c *operation.Call, in *DeleteVirtualMFADeviceInput) (deviceTarget, error) {
			return s.deviceNamed(c, in.SerialNumber.V)
		},
		Asks: func(c *operation.Call, _ *DeleteVirtualMFADeviceInput, t deviceTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteVirtualMFADevice", &facts{}))
		},
		Run: runDeleteVirtualMFADevice,
	}.Operation()
}

func runDeleteVirtualMFADevice(c *operation.Call, tx store.Txn, _ *DeleteVirtualMFADeviceInput, t deviceTarget) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	if t.device.User != "" {
		return nil, fault.New(DeleteConflict, "MFA VirtualDevice in use. Must deactivate first.")
	}
	if err := mfaDevices.Delete(c.Context, tx, mfaDeviceKey(t.device.Account, t.device.ID), t.rev); err != nil {
		return nil, fmt.Errorf("deleting MFA device %s: %w", t.device.ID, err)
	}
	tx.Touch(mfaDeviceEntity(t.device.ID))
	return &operation.None{}, countDown(c, tx, mfaDeviceCount)
}
