package app

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
)

// cutOff returns errCutOff where the trail lacks a record that the store knows of.
func (s *server) cutOff(ctx context.Context) error {
	if _, _, err := s.reached(); err != nil {
		return nil // it is in memory, and begins anew
	}
	known, err := knownRecord(ctx, s.store)
	if err != nil {
		return err
	}
	// Asked last: a server that runs may store meanwhile that it knows of more.
	last, _, err := s.reached()
	if err != nil {
		return err
	}
	return cutOffAt(last, known)
}

// knownRecord is the last record of the trail that a store knows of. What was recorded
// within a minute before its end may be gone unnoticed, see storeLastUses.
func knownRecord(ctx context.Context, s *store.Store) (uint64, error) {
	ofKeys, err := kms.KnownRecord(ctx, s)
	if err != nil {
		return 0, err
	}
	ofIdentities, err := iam.KnownRecord(ctx, s)
	return max(ofKeys, ofIdentities), err
}

// cutOffAt returns errCutOff where the last record of a trail is before one that is
// known: its end was cut off, or an older trail was put back.
func cutOffAt(last, known uint64) error {
	if last >= known {
		return nil
	}
	return fmt.Errorf("%w: it ends with record %d, the store knows of record %d", errCutOff, last, known)
}

var errCutOff = errors.New("the trail was cut off or put back")

// verifyWholeTrail also compares the end of the trail's files with what was written
// there, and with the store. A server that has begun did the latter then.
func (s *server) verifyWholeTrail(ctx context.Context, head []byte) (*audit.Report, error) {
	written, _, err := s.reached()
	if err != nil {
		return nil, err
	}
	report, err := s.verifyTrail(ctx, head)
	if err != nil {
		return nil, err
	}
	switch {
	case report.Last < written:
		err = fmt.Errorf("%w: its files end with record %d, and this server has written record %d", errCutOff, report.Last, written)
	case s.stop == nil:
		err = s.cutOff(ctx)
	}
	switch {
	case errors.Is(err, errCutOff):
		report.Problems, report.Head = append(report.Problems, err.Error()), nil
	case err != nil:
		return nil, err
	}
	return report, nil
}

// followTrail has the store follow the trail that there is, in place of a longer one.
func (s *server) followTrail(ctx context.Context) error {
	if err := s.cutOff(ctx); !errors.Is(err, errCutOff) {
		return err
	}
	return errors.Join(s.keys.UnfollowTrail(ctx), s.iam.UnfollowTrail(ctx))
}
