package iam

import (
	"context"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// What somebody signs in with is in no record: it is not made again, and that what
// was in its place is back is told.
var (
	errPassword       = fmt.Errorf("the password before it is in force again: %w", operation.ErrNotAgain)
	errPasswordPolicy = fmt.Errorf("new passwords are judged by the policy before it again: %w", operation.ErrNotAgain)
	errDevice         = fmt.Errorf("the device is the user's again, and taking it away could let the user in without it: %w", operation.ErrNotAgain)
	errSecret         = fmt.Errorf("the password before it may be in force again: %w", operation.ErrNotAgain)
)

func (s *Service) passwordAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, _, err := lostUser(ctx, tx, l)
	if err != nil || u == nil || !u.Login {
		return false, err
	}
	kept, _, err := logins.Get(ctx, tx, loginKey(u.ID))
	if err != nil {
		return false, fmt.Errorf("reading the password of user %s: %w", u.ID, err)
	}
	if seconds(kept.Changed).Before(l.Time.Truncate(time.Second)) {
		return false, errPassword
	}
	return false, nil
}

func (s *Service) passwordPolicyAgain(context.Context, store.Txn, *operation.Lost) (bool, error) {
	return false, errPasswordPolicy
}

func (s *Service) deactivateDeviceAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, _, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	d, _, err := s.findDevice(ctx, tx, l.Account, l.Members["serialNumber"])
	if err != nil || d == nil || !slices.Contains(u.MFADevices, d.ID) || seconds(d.Enabled).After(l.Time) {
		return false, err
	}
	return false, errDevice
}

func (s *Service) resetServiceCredentialAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, _, err := lostUser(ctx, tx, l)
	if err != nil || u == nil || lostServiceCredential(u, l) < 0 {
		return false, err
	}
	return false, errSecret
}
