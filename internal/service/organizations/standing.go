package organizations

import (
	"context"
	"fmt"

	"claviger/internal/ground/store"
)

// A Standing is what an account is in its organization, and to a service.
type Standing struct {
	Organization string // its id; empty where the account is in none
	Management   string // account
	AllFeatures  bool
	Trusted      bool // the service has access to all accounts
	Administers  bool // the account administers the service for the organization
}

// Standing tells what an account is in its organization.
func (s *Service) Standing(ctx context.Context, r store.Reader, account, service string) (Standing, error) {
	o, _, err := s.ofAccount(ctx, r, account)
	if err != nil || o == nil {
		return Standing{}, err
	}
	m, _, err := o.member(ctx, r, account)
	if err != nil {
		return Standing{}, err
	}
	if m == nil {
		return Standing{}, fmt.Errorf("account %s is not among those of its organization %s", account, o.ID)
	}
	return Standing{
		Organization: o.ID,
		Management:   o.Management,
		AllFeatures:  o.Features == allFeatures,
		Trusted:      o.access(service) >= 0,
		Administers:  m.delegation(service) >= 0,
	}, nil
}
