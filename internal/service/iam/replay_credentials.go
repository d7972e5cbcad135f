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

// lostOIDC returns the OpenID Connect provider that a change was about, nil where there
// is none, or one that was made since.
func (s *Service) lostOIDC(ctx context.Context, tx store.Txn, l *operation.Lost) (*oidcProvider, store.Rev, error) {
	url, ok := strings.CutPrefix(l.Members["openIDConnectProviderArn"], oidcProviderARN(s.partition, l.Account, ""))
	if !ok {
		return nil, 0, nil
	}
	p, rev, err := oidcProviders.Get(ctx, tx, providerKey(l.Account, url))
	if errors.Is(err, store.ErrNotFound) || err == nil && seconds(p.Created).After(l.Time) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading OpenID Connect provider %s: %w", url, err)
	}
	return p, rev, nil
}

func (s *Service) deleteOIDCAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := s.lostOIDC(ctx, tx, l)
	if err != nil || p == nil {
		return false, err
	}
	if err := oidcProviders.Delete(ctx, tx, providerKey(p.Account, p.URL), rev); err != nil {
		return false, fmt.Errorf("deleting OpenID Connect provider %s: %w", p.URL, err)
	}
	tx.Touch(oidcProviderEntity(p.Account, p.URL))
	return true, countOff(ctx, tx, p.Account, oidcProviderCount)
}

func (s *Service) removeClientAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := s.lostOIDC(ctx, tx, l)
	if err != nil || p == nil {
		return false, err
	}
	at, found := slices.BinarySearch(p.ClientIDs, l.Members["clientID"])
	if !found {
		return false, nil
	}
	changed := *p
	changed.ClientIDs = slices.Delete(slices.Clone(p.ClientIDs), at, at+1)
	return true, putOIDCProvider(ctx, tx, changed, rev)
}

func (s *Service) putThumbprintsAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := s.lostOIDC(ctx, tx, l)
	list := l.List("thumbprintList")
	if err != nil || p == nil || slices.Equal(p.Thumbprints, list) {
		return false, err
	}
	changed := *p
	changed.Thumbprints = list
	return true, putOIDCProvider(ctx, tx, changed, rev)
}

// lostSAML returns the SAML provider that a change was about, nil where there is none,
// or one that was made since.
func (s *Service) lostSAML(ctx context.Context, tx store.Txn, l *operation.Lost) (*samlProvider, store.Rev, error) {
	name, ok := strings.CutPrefix(l.Members["sAMLProviderArn"], samlProviderARN(s.partition, l.Account, ""))
	if !ok {
		return nil, 0, nil
	}
	p, rev, err := samlProviders.Get(ctx, tx, providerKey(l.Account, name))
	if errors.Is(err, store.ErrNotFound) || err == nil && seconds(p.Created).After(l.Time) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading SAML provider %s: %w", name, err)
	}
	return p, rev, nil
}

func (s *Service) deleteSAMLAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := s.lostSAML(ctx, tx, l)
	if err != nil || p == nil {
		return false, err
	}
	if err := samlProviders.Delete(ctx, tx, providerKey(p.Account, p.Name), rev); err != nil {
		return false, fmt.Errorf("deleting SAML provider %s: %w", p.Name, err)
	}
	tx.Touch(samlProviderEntity(p.Account, p.Name))
	return true, countOff(ctx, tx, p.Account, samlProviderCount)
}

// putMetadataAgain puts the document that was in force, whatever keys it has.
func (s *Service) putMetadataAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := s.lostSAML(ctx, tx, l)
	text := l.Members["sAMLMetadataDocument"]
	if err != nil || p == nil || text == "" || text == p.Metadata {
		return false, err
	}
	changed := *p
	changed.Metadata = text
	if changed.Until, err = newMetadata(text, l.Time); err != nil {
		return false, fmt.Errorf("the metadata of record %d: %w", l.Sequence, err)
	}
	return true, putSAMLProvider(ctx, tx, changed, rev)
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
