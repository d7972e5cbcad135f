package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagMFADeviceInput has tags for a virtual MFA device, in place of those that have the same keys.
type TagMFADeviceInput struct {
	SerialNumber optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
	Tags         []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagMFADeviceInput) Validate(c *check.Checks) {
	c.HideValues()
	checkSerial(c, in.SerialNumber)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

// tagMFADevice implements TagMFADevice.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagMFADevice.html
func (s *Service) tagMFADevice() operation.Operation {
	return operation.Change[TagMFADeviceInput, operation.None, deviceTarget, *TagMFADeviceInput]{
		Name:    "TagMFADevice",
		Actions: []string{"iam:TagMFADevice"},
		Subject: func(c *operation.Call, in *TagMFADeviceInput) (deviceTarget, error) {
			return s.deviceNamed(c, in.SerialNumber.V)
		},
		Asks: func(c *operation.Call, in *TagMFADeviceInput, t deviceTarget, asks []authz.Ask) []authz.Ask {
			tags := tagMap(in.Tags)
			return append(asks, t.ask(c, "iam:TagMFADevice", &facts{requestTags: tags, requestKeys: tags.Keys()}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *TagMFADeviceInput, t deviceTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.device
			var err error
			if changed.Tags, err = withTags(changed.Tags, tagMap(in.Tags)); err != nil {
				return nil, err
			}
			if err := putDevice(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
