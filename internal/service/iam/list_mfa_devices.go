package iam

import (
	"slices"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListMFADevicesInput names a user, or nobody for the caller.
type ListMFADevicesInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListMFADevicesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// An MFADevice is a device of a user.
type MFADevice struct {
	UserName     string    `aws:"UserName"`
	SerialNumber string    `aws:"SerialNumber"`
	EnableDate   time.Time `aws:"EnableDate"`
}

// ListMFADevicesOutput is a page of devices, in no order that tells anything.
type ListMFADevicesOutput struct {
	MFADevices  []MFADevice         `aws:"MFADevices"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listMFADevices implements ListMFADevices.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html
func (s *Service) listMFADevices() operation.Operation {
	return operation.Use[ListMFADevicesInput, ListMFADevicesOutput, target, *ListMFADevicesInput]{
		Name:    "ListMFADevices",
		Actions: []string{"iam:ListMFADevices"},
		Subject: func(c *operation.Call, in *ListMFADevicesInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *ListMFADevicesInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListMFADevices"))
		},
		Run: s.runListMFADevices,
	}.Operation()
}

func (s *Service) runListMFADevices(c *operation.Call, in *ListMFADevicesInput, t target) (*ListMFADevicesOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	l := listOf(c, "ListMFADevices", t.id())
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &ListMFADevicesOutput{MFADevices: []MFADevice{}}
	if t.user == nil { // the root user has none
		return out, nil
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	page, more := cut(slices.Sorted(slices.Values(t.user.MFADevices)), after, in.MaxItems.Or(maxItemsDefault))
	for _, id := range page {
		d, _, err := getDevice(c.Context, r, t.user.Account, id)
		if err != nil {
			return nil, err
		}
		c.RestOn(s.store.Stamp(r, mfaDeviceEntity(id)))
		out.MFADevices = append(out.MFADevices, MFADevice{UserName: t.user.Name, SerialNumber: d.serial(c.Partition), EnableDate: seconds(d.Enabled)})
	}
	if out.IsTruncated = more; more {
		out.Marker = s.marker(l, page[len(page)-1])
	}
	return out, nil
}
