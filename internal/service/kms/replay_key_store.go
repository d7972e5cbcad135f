package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/optional"
)

// aboutStore makes the subjects of changes to something of a custom key store.
func aboutStore(what string) func(*operation.Lost) string {
	return func(l *operation.Lost) string {
		if l.Members["customKeyStoreId"] == "" {
			return ""
		}
		return "key-store/" + l.Account + "/" + l.Region + "/" + l.Members["customKeyStoreId"] + "/" + what
	}
}

// presentStore returns the custom key store that a change was about, nil where it is
// not there.
func (s *Service) presentStore(ctx context.Context, tx store.Txn, l *operation.Lost) (*keyStore, error) {
	k, err := s.readKeyStore(ctx, tx, l.Account, l.Region, l.Members["customKeyStoreId"])
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return k, err
}

func (s *Service) disconnectAgain(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	k, err := s.presentStore(ctx, tx, l)
	if err != nil || k == nil || k.Connection == disconnected {
		return nil, err
	}
	rec := k.keyStoreRecord
	if err := rec.disconnect(ctx, tx); err != nil {
		return nil, err
	}
	return l.Again(now, "customKeyStoreId"), k.put(ctx, tx, &rec)
}

// errStoreHasKeys keeps a store with its keys.
var errStoreHasKeys = fmt.Errorf("the custom key store has keys: %w", operation.ErrNotAgain)

func (s *Service) deleteStoreAgain(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	k, err := s.presentStore(ctx, tx, l)
	if err != nil || k == nil {
		return nil, err
	}
	rec := k.keyStoreRecord
	if err := rec.disconnect(ctx, tx); err != nil {
		return nil, err
	}
	err = k.delete(ctx, tx, errStoreHasKeys)
	return l.Again(now, "customKeyStoreId"), err
}

// Members that say where the proxy of a custom key store is, and its cluster. The
// secrets of stores are in no record.
var proxyPlace = []string{
	"xksProxyUriEndpoint", "xksProxyUriPath", "xksProxyVpcEndpointServiceName", "xksProxyVpcEndpointServiceOwner", "xksProxyConnectivity",
}

// movesProxy reports whether the record of an UpdateCustomKeyStore says where the
// proxy is from then on.
func movesProxy(l *operation.Lost) bool {
	return slices.ContainsFunc(proxyPlace, func(name string) bool { _, ok := l.Members[name]; return ok })
}

// secretChange is the trace of an UpdateCustomKeyStore of which the record says no
// more than the name and the cluster: it may have changed the store's secret.
func secretChange(t operation.Trace) operation.Trace {
	return operation.Trace{Subject: t.Subject + "/secret", Unseen: true}
}

var (
	errStoreSecret = fmt.Errorf("the record does not say whether the credential of the proxy, or the password, was changed: %w", operation.ErrNotAgain)
	errStorePlace  = fmt.Errorf("the custom key store can't be moved again: %w", operation.ErrNotAgain)
)

// updateStoreAgain has a custom key store be where it was put last. Where that is
// another place, it is left disconnected: nobody has tried it, and the secret of the
// place is not known.
func (s *Service) updateStoreAgain(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	k, err := s.presentStore(ctx, tx, l)
	if err != nil || k == nil {
		return nil, err
	}
	rec := k.keyStoreRecord
	s.place(&rec, l)
	switch {
	case !k.sameAs(&rec):
	case movesProxy(l):
		return nil, nil
	default:
		return nil, errStoreSecret
	}
	if err := s.fits(ctx, tx, &rec); err != nil {
		return nil, err
	}
	if err := rec.disconnect(ctx, tx); err != nil {
		return nil, err
	}
	if err := claimStores(ctx, tx, rec.Account, rec.Region); err != nil {
		return nil, err
	}
	return l.Again(now, append([]string{"customKeyStoreId", "clusterId"}, proxyPlace...)...), k.put(ctx, tx, &rec)
}

// place lays what a record says over where a store is.
func (s *Service) place(rec *keyStoreRecord, l *operation.Lost) {
	said := func(name string) (v optional.Of[string]) {
		v.V, v.Set = l.Members[name]
		return v
	}
	if rec.Proxy != nil {
		s.setProxy(rec, &proxyMembers{
			endpoint: said("xksProxyUriEndpoint"), path: said("xksProxyUriPath"), connectivity: said("xksProxyConnectivity"),
			service: said("xksProxyVpcEndpointServiceName"), owner: said("xksProxyVpcEndpointServiceOwner"),
		})
	} else {
		s.setCluster(rec, &UpdateCustomKeyStoreInput{CloudHSMClusterID: said("clusterId")})
	}
}

// sameAs reports whether two records of a store say the same of where it is.
func (r *keyStoreRecord) sameAs(other *keyStoreRecord) bool {
	if r.Proxy != nil {
		return *r.Proxy == *other.Proxy
	}
	return *r.Cluster == *other.Cluster
}

// fits refuses a place that a store can't have, or that another one has.
func (s *Service) fits(ctx context.Context, tx store.Txn, rec *keyStoreRecord) error {
	if rec.Proxy != nil && rec.Proxy.Connectivity == connectivityVPC && rec.Proxy.Service == "" {
		return errStorePlace
	}
	others, err := s.storesOf(ctx, tx, rec.Account, rec.Region)
	if err != nil {
		return err
	}
	if err := rec.distinct(others); err != nil {
		return fmt.Errorf("%w: %w", err, errStorePlace)
	}
	return nil
}
