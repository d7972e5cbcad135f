package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// Whether somebody has a device.
const (
	assigned   = "Assigned"
	unassigned = "Unassigned"
	anyStatus  = "Any"
)

// ListVirtualMFADevicesInput asks for a page of the devices of the caller's
// account: all of them, or those that somebody has or nobody has.
type ListVirtualMFADevicesInput struct {
	AssignmentStatus optional.Of[string] `aws:"AssignmentStatus" audit:"assignmentStatus"`
	Marker           optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems         optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListVirtualMFADevicesInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Enum("assignmentStatus", in.AssignmentStatus, assigned, unassigned, anyStatus)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListVirtualMFADevicesOutput is a page of devices without their tags, in no order
// that tells anything.
type ListVirtualMFADevicesOutput struct {
	VirtualMFADevices []VirtualMFADevice  `aws:"VirtualMFADevices"`
	IsTruncated       bool                `aws:"IsTruncated"`
	Marker            optional.Of[string] `aws:"Marker"`
}

// listVirtualMFADevices implements ListVirtualMFADevices.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html
func (s *Service) listVirtualMFADevices() operation.Operation {
	return operation.Use[ListVirtualMFADevicesInput, ListVirtualMFADevicesOutput, struct{}, *ListVirtualMFADevicesInput]{
		Name:    "ListVirtualMFADevices",
		Actions: []string{"iam:ListVirtualMFADevices"},
		Asks: func(c *operation.Call, _ *ListVirtualMFADevicesInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListVirtualMFADevices", mfaDeviceARN(c.Partition, ownAccount(c), "/", ""), &facts{}))
		},
		Run: s.runListVirtualMFADevices,
	}.Operation()
}

func (s *Service) runListVirtualMFADevices(c *operation.Call, in *ListVirtualMFADevicesInput, _ struct{}) (*ListVirtualMFADevicesOutput, error) {
	status := in.AssignmentStatus.Or(anyStatus)
	l := listOf(c, "ListVirtualMFADevices", status)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	page, more, err := devicesBehind(c, after, in.MaxItems.Or(maxItemsDefault), func(d *mfaDevice) bool {
		return status == anyStatus || (status == assigned) == (d.User != "")
	})
	if err != nil {
		return nil, err
	}
	out := &ListVirtualMFADevicesOutput{VirtualMFADevices: make([]VirtualMFADevice, len(page)), IsTruncated: more}
	for i, d := range page {
		if out.VirtualMFADevices[i], err = s.shownDevice(c, d); err != nil {
			return nil, err
		}
	}
	if more {
		out.Marker = s.marker(l, page[len(page)-1].ID)
	}
	return out, nil
}

// shownDevice returns d as a list shows it, with the user who has it.
func (s *Service) shownDevice(c *operation.Call, d *mfaDevice) (VirtualMFADevice, error) {
	out := VirtualMFADevice{SerialNumber: d.serial(c.Partition)}
	if d.User == "" {
		return out, nil
	}
	r, err := c.Reader()
	if err != nil {
		return out, err
	}
	u, _, err := users.Get(c.Context, r, userKey(d.User))
	if err != nil {
		return out, fmt.Errorf("reading user %s, who has MFA device %s: %w", d.User, d.ID, err)
	}
	shown := u.shown(c.Partition)
	out.User, out.EnableDate = &shown, optional.Some(seconds(d.Enabled))
	return out, nil
}

// devicesBehind returns at most max devices of the caller's account for which keep
// holds, from behind an id on, and whether more follow.
func devicesBehind(c *operation.Call, after string, max int, keep func(*mfaDevice) bool) (page []*mfaDevice, more bool, err error) {
	r, err := c.Reader()
	if err != nil {
		return nil, false, err
	}
	const batch = 100
	for seen := batch; seen == batch && !more; {
		var from store.Key
		if after != "" {
			from = mfaDeviceKey(ownAccount(c), after)
		}
		seen = 0
		err := mfaDevices.Scan(c.Context, r, "", store.Key{store.S(ownAccount(c))}, from, batch, func(d *mfaDevice, _ store.Rev) error {
			seen++
			after = d.ID
			switch {
			case !keep(d):
			case len(page) == max:
				more = true
			default:
				page = append(page, d)
			}
			return nil
		})
		if err != nil {
			return nil, false, fmt.Errorf("listing MFA devices of account %s: %w", ownAccount(c), err)
		}
	}
	return page, more, nil
}
