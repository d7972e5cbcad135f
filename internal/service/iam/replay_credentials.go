package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// deleteOIDCAgain deletes a provider, unless it was made since.
func (s *Service) deleteOIDCAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	url, ok := strings.CutPrefix(l.Members["openIDConnectProviderArn"], oidcProviderARN(s.partition, l.Account, ""))
	if !ok {
		return false, nil
	}
	p, rev, err := oidcProviders.Get(ctx, tx, providerKey(l.Account, url))
	if errors.Is(err, store.ErrNotFound) || err == nil && seconds(p.Created).After(l.Time) {
		return false, nil
	}
	if err == nil {
		err = oidcProviders.Delete(ctx, tx, providerKey(l.Account, url), rev)
	}
	if err != nil {
		return false, fmt.Errorf("deleting OpenID Connect provider %s: %w", url, err)
	}
	tx.Touch(oidcProviderEntity(l.Account, url))
	return true, countOff(ctx, tx, l.Account, oidcProviderCount)
}

// deleteSAMLAgain deletes a provider, unless it was made since.
func (s *Service) deleteSAMLAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	name, ok := strings.CutPrefix(l.Members["sAMLProviderArn"], samlProviderARN(s.partition, l.Account, ""))
	if !ok {
		return false, nil
	}
	p, rev, err := samlProviders.Get(ctx, tx, providerKey(l.Account, name))
	if errors.Is(err, store.ErrNotFound) || err == nil && seconds(p.Created).After(l.Time) {
		return false, nil
	}
	if err == nil {
		err = samlProviders.Delete(ctx, tx, providerKey(l.Account, name), rev)
	}
	if err != nil {
		return false, fmt.Errorf("deleting SAML provider %s: %w", name, err)
	}
	tx.Touch(samlProviderEntity(l.Account, name))
	return true, countOff(ctx, tx, l.Account, samlProviderCount)
}

func countOff(ctx context.Context, tx store.Txn, id string, of func(*account) *int) error {
	a, rev, err := getAccount(ctx, tx, id)
	if err != nil {
		return err
	}
	*of(a)--
	return putCounts(ctx, tx, *a, rev)
}

func (s *Service) deleteLoginAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil || !u.Login {
		return false, err
	}
	if err := releasePassword(ctx, tx, u); err != nil {
		return false, err
	}
	changed := *u
	changed.Login = false
	return true, putUser(ctx, tx, changed, rev)
}

func (s *Service) deactivateServiceCredentialAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil || l.Members["status"] != inactive {
		return false, err
	}
	i := lostServiceCredential(u, l)
	if i < 0 || u.ServiceCredentials[i].Status == inactive {
		return false, nil
	}
	changed := *u
	changed.ServiceCredentials = slices.Clone(u.ServiceCredentials)
	changed.ServiceCredentials[i].Status = inactive
	return true, putUser(ctx, tx, changed, rev)
}

func (s *Service) deleteServiceCredentialAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	i := lostServiceCredential(u, l)
	if i < 0 {
		return false, nil
	}
	changed := *u
	changed.ServiceCredentials = slices.Delete(slices.Clone(u.ServiceCredentials), i, i+1)
	return true, putUser(ctx, tx, changed, rev)
}

// lostServiceCredential returns the place of a credential among those of u, -1 where it has none.
func lostServiceCredential(u *user, l *operation.Lost) int {
	return slices.IndexFunc(u.ServiceCredentials, func(v serviceCredential) bool { return v.ID == l.Members["serviceSpecificCredentialId"] })
}

// disableRootAgain makes the replay that turns a feature of centralised root access off.
func disableRootAgain(feature string) func(*Service, context.Context, store.Txn, *operation.Lost) (bool, error) {
	return func(s *Service, ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
		if s.standings == nil {
			return false, nil
		}
		standing, err := s.standings(ctx, tx, l.Account, centralService)
		if errors.Is(err, store.ErrNotFound) || err == nil && standing.Organization != l.Members["organizationId"] {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		a, rev, err := getAccount(ctx, tx, standing.Management)
		if err != nil || !slices.Contains(a.RootFeatures, feature) {
			return false, err
		}
		changed := *a
		changed.RootFeatures = slices.DeleteFunc(slices.Clone(a.RootFeatures), func(f string) bool { return f == feature })
		if err := accounts.Put(ctx, tx, &changed, rev); err != nil {
			return false, fmt.Errorf("writing account %s: %w", a.ID, err)
		}
		tx.Touch(accountEntity(a.ID))
		return true, nil
	}
}
