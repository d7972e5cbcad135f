package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagMFADeviceInput has the keys of tags to be taken from a virtual MFA device.
type UntagMFADeviceInput struct {
	SerialNumber optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
	TagKeys      []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkSerial(c, in.SerialNumber)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

// untagMFADevice implements UntagMFADevice. Keys that are not there are passed over.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagMFADevice.html
func (s *Service) untagMFADevice() operation.Operation {
	return operation.Change[UntagMFADeviceInput, operation.None, deviceTarget, *UntagMFADeviceInput]{
		Name:    "UntagMFADevice",
		Actions: []string{"iam:UntagMFADevice"},
		Subject: func(c *operation.Call, in *UntagMFADeviceInput) (deviceTarget, error) {
			return s.deviceNamed(c, in.SerialNumber.V)
		},
		Asks: func(c *operation.Call, in *UntagMFADeviceInput, t deviceTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UntagMFADevice", &facts{requestKeys: in.TagKeys}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UntagMFADeviceInput, t deviceTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.device
			changed.Tags = withoutTags(changed.Tags, in.TagKeys)
			if err := putDevice(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
