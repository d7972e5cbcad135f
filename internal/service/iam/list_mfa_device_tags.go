package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListMFADeviceTagsInput asks for a page of the tags of a virtual MFA device.
type ListMFADeviceTagsInput struct {
	SerialNumber optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
	Marker       optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems     optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListMFADeviceTagsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkSerial(c, in.SerialNumber)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListMFADeviceTagsOutput is a page of tags, in the order of their keys.
type ListMFADeviceTagsOutput struct {
	Tags        []Tag               `aws:"Tags"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listMFADeviceTags implements ListMFADeviceTags.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADeviceTags.html
func (s *Service) listMFADeviceTags() operation.Operation {
	return operation.Use[ListMFADeviceTagsInput, ListMFADeviceTagsOutput, deviceTarget, *ListMFADeviceTagsInput]{
		Name:    "ListMFADeviceTags",
		Actions: []string{"iam:ListMFADeviceTags"},
		Subject: func(c *operation.Call, in *ListMFADeviceTagsInput) (deviceTarget, error) {
			return s.deviceNamed(c, in.SerialNumber.V)
		},
		Asks: func(c *operation.Call, _ *ListMFADeviceTagsInput, t deviceTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListMFADeviceTags", &facts{}))
		},
		Run: func(c *operation.Call, in *ListMFADeviceTagsInput, t deviceTarget) (*ListMFADeviceTagsOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.tagPage(listOf(c, "ListMFADeviceTags", t.device.ID), t.device.Tags, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListMFADeviceTagsOutput{Tags: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
