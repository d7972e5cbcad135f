package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateVirtualMFADeviceInput asks for a device that nobody has yet. Its name has
// 226 characters at most, and its serial number 256, the path included.
type CreateVirtualMFADeviceInput struct {
	Path                 optional.Of[string] `aws:"Path" audit:"path"`
	VirtualMFADeviceName optional.Of[string] `aws:"VirtualMFADeviceName" audit:"virtualMFADeviceName"`
	Tags                 []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreateVirtualMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPath(c, in.Path)
	checkRequiredName(c, "virtualMFADeviceName", in.VirtualMFADeviceName, mfaDeviceNameMax)
	checkTags(c, in.Tags)
}

// CreateVirtualMFADeviceOutput is the device with its seed, which is shown here
// and never again.
type CreateVirtualMFADeviceOutput struct {
	VirtualMFADevice VirtualMFADevice `aws:"VirtualMFADevice" audit:"virtualMFADevice"`
}

// createVirtualMFADevice implements CreateVirtualMFADevice.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
func (s *Service) createVirtualMFADevice() operation.Operation {
	return operation.Change[CreateVirtualMFADeviceInput, CreateVirtualMFADeviceOutput, deviceTarget, *CreateVirtualMFADeviceInput]{
		Name:    "CreateVirtualMFADevice",
		Actions: []string{"iam:CreateVirtualMFADevice", "iam:TagMFADevice"},
		Subject: func(c *operation.Call, in *CreateVirtualMFADeviceInput) (deviceTarget, error) {
			return s.deviceNamed(c, mfaDeviceARN(c.Partition, ownAccount(c), in.Path.Or("/"), in.VirtualMFADeviceName.V))
		},
		Asks: func(c *operation.Call, in *CreateVirtualMFADeviceInput, t deviceTarget, asks []authz.Ask) []authz.Ask {
			return asksToCreate(c, asks, "iam:CreateVirtualMFADevice", "iam:TagMFADevice", t.serial, in.Tags)
		},
		Run: runCreateVirtualMFADevice,
	}.Operation()
}

func runCreateVirtualMFADevice(c *operation.Call, tx store.Txn, in *CreateVirtualMFADeviceInput, t deviceTarget) (*CreateVirtualMFADeviceOutput, error) {
	if t.device != nil {
		return nil, fault.New(EntityAlreadyExists, "MFADevice entity at the same path and name already exists.")
	}
	if len(t.serial) > serialMax {
		return nil, fault.New(fault.Validation, "The serial number of the device would have more than %d characters.", serialMax)
	}
	if err := countUp(c, tx, mfaDeviceCount, mfaDevicesMax, "VirtualMFADevicesPerAccount"); err != nil {
		return nil, err
	}
	d := &mfaDevice{
		ID:      ident.Unique("", 16),
		Account: ownAccount(c),
		Path:    in.Path.Or("/"),
		Name:    in.VirtualMFADeviceName.V,
		Created: c.Time.Unix(),
		Seed:    drawSeed(),
		Tags:    tagMap(in.Tags),
	}
	if err := mfaDevices.Insert(c.Context, tx, d); err != nil {
		return nil, err
	}
	picture, err := d.qrCode()
	if err != nil {
		return nil, err
	}
	return &CreateVirtualMFADeviceOutput{VirtualMFADevice: VirtualMFADevice{
		SerialNumber:     t.serial,
		Base32StringSeed: confidential.New(d.base32Seed()),
		QRCodePNG:        picture,
		Tags:             tagList(d.Tags),
	}}, nil
}
