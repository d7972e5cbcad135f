package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// UpdateCustomKeyStoreInput asks for a custom key store to have another name,
// proxy, credential, cluster or password.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateCustomKeyStore.html
type UpdateCustomKeyStoreInput struct {
	CustomKeyStoreID                 optional.Of[string] `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
	NewCustomKeyStoreName            optional.Of[string] `aws:"NewCustomKeyStoreName" audit:"newCustomKeyStoreName"`
	KeyStorePassword                 confidential.Bytes  `aws:"KeyStorePassword,text"`
	CloudHSMClusterID                optional.Of[string] `aws:"CloudHsmClusterId" audit:"clusterId"`
	XksProxyURIEndpoint              optional.Of[string] `aws:"XksProxyUriEndpoint" audit:"xksProxyUriEndpoint"`
	XksProxyURIPath                  optional.Of[string] `aws:"XksProxyUriPath" audit:"xksProxyUriPath"`
	XksProxyVPCEndpointServiceName   optional.Of[string] `aws:"XksProxyVpcEndpointServiceName" audit:"xksProxyVpcEndpointServiceName"`
	XksProxyVPCEndpointServiceOwner  optional.Of[string] `aws:"XksProxyVpcEndpointServiceOwner" audit:"xksProxyVpcEndpointServiceOwner"`
	XksProxyAuthenticationCredential *XksProxyCredential `aws:"XksProxyAuthenticationCredential"`
	XksProxyConnectivity             optional.Of[string] `aws:"XksProxyConnectivity" audit:"xksProxyConnectivity"`
}

// UpdateCustomKeyStoreOutput is empty.
type UpdateCustomKeyStoreOutput struct{}

// Validate checks the limits of the public model.
func (in *UpdateCustomKeyStoreInput) Validate(c *check.Checks) {
	checkKeyStoreID(c, in.CustomKeyStoreID)
	c.Length("newCustomKeyStoreName", in.NewCustomKeyStoreName, 1, keyStoreNameMax)
	checkCluster(c, in.CloudHSMClusterID, in.KeyStorePassword)
	checkProxy(c, in.proxyMembers())
}

func (in *UpdateCustomKeyStoreInput) proxyMembers() *proxyMembers {
	return &proxyMembers{
		endpoint:     in.XksProxyURIEndpoint,
		path:         in.XksProxyURIPath,
		service:      in.XksProxyVPCEndpointServiceName,
		owner:        in.XksProxyVPCEndpointServiceOwner,
		credential:   in.XksProxyAuthenticationCredential,
		connectivity: in.XksProxyConnectivity,
	}
}

// moves reports whether the proxy is to be reached elsewhere or otherwise, for
// which the store must not be connected. Path and credential are no part of it.
func (in *UpdateCustomKeyStoreInput) moves() bool {
	m := in.proxyMembers()
	return m.endpoint.Set || m.connectivity.Set || m.service.Set || m.owner.Set
}

func (in *UpdateCustomKeyStoreInput) changesCluster() bool {
	return in.CloudHSMClusterID.Set || in.KeyStorePassword.IsSet()
}

func (s *Service) updateCustomKeyStore() operation.Operation {
	return operation.Change[UpdateCustomKeyStoreInput, UpdateCustomKeyStoreOutput, *conditions, *UpdateCustomKeyStoreInput]{
		Name:    "UpdateCustomKeyStore",
		Actions: []string{"kms:UpdateCustomKeyStore"},
		Asks:    asksOnStores[UpdateCustomKeyStoreInput]("kms:UpdateCustomKeyStore"),
		Run: func(c *operation.Call, tx store.Txn, in *UpdateCustomKeyStoreInput, _ *conditions) (*UpdateCustomKeyStoreOutput, error) {
			return s.runUpdateCustomKeyStore(c, tx, in)
		},
	}.Operation()
}

func (s *Service) runUpdateCustomKeyStore(c *operation.Call, tx store.Txn, in *UpdateCustomKeyStoreInput) (*UpdateCustomKeyStoreOutput, error) {
	k, err := s.ownKeyStore(c, in.CustomKeyStoreID.V)
	if err != nil {
		return nil, err
	}
	k.show(c)
	if err := in.permitted(k); err != nil {
		return nil, err
	}
	rec := k.keyStoreRecord
	rec.Name = in.NewCustomKeyStoreName.Or(rec.Name)
	if rec.Proxy != nil {
		s.setProxy(&rec, in.proxyMembers())
		if rec.Proxy.Connectivity == connectivityVPC && rec.Proxy.Service == "" {
			return nil, validation("XksProxyVpcEndpointServiceName is required with the connectivity %s.", connectivityVPC)
		}
	} else {
		s.setCluster(&rec, in)
	}
	others, err := s.keyStores(c)
	if err != nil {
		return nil, err
	}
	if err := rec.distinct(others); err != nil {
		return nil, err
	}
	if err := s.tried(c, k, &rec, in); err != nil {
		return nil, err
	}
	if err := claimStores(c.Context, tx, rec.Account, rec.Region); err != nil {
		return nil, err
	}
	return &UpdateCustomKeyStoreOutput{}, k.put(c.Context, tx, &rec)
}

// permitted refuses what does not fit the store's type or its connection. In the
// model's words a connected store can have another name only; a proxy's path and
// credential can be changed too, so that they can be rotated.
// https://docs.aws.amazon.com/kms/latest/developerguide/update-xks-keystore.html
func (in *UpdateCustomKeyStoreInput) permitted(k *keyStore) error {
	switch {
	case k.Type == storeXKS && in.changesCluster():
		return validation("CloudHsmClusterId and KeyStorePassword are not valid with the type %s.", storeXKS)
	case k.Type == storeCloudHSM && in.proxyMembers().any():
		return validation("The members of an external key store proxy are not valid with the type %s.", storeCloudHSM)
	case in.moves() || in.changesCluster():
		return k.is(disconnected)
	}
	return k.is(disconnected, connected)
}

// setCluster lays the members that are given over what the record of a store says.
func (s *Service) setCluster(rec *keyStoreRecord, in *UpdateCustomKeyStoreInput) {
	cluster := *rec.Cluster
	cluster.ID = in.CloudHSMClusterID.Or(cluster.ID)
	if in.KeyStorePassword.IsSet() {
		cluster.Password = s.keep(rec, clusterPassword, in.KeyStorePassword)
	}
	rec.Cluster = &cluster
}

// tried makes sure that a changed store can work, as far as can be told before
// it is connected.
func (s *Service) tried(c *operation.Call, k *keyStore, rec *keyStoreRecord, in *UpdateCustomKeyStoreInput) error {
	switch {
	case rec.Proxy != nil && in.proxyMembers().any():
		return s.probe(c, rec, k.rev)
	case rec.Cluster != nil && in.CloudHSMClusterID.Set:
		anchor, exists := s.clusters.TrustAnchor(rec.Cluster.ID)
		if !exists {
			return noCluster(rec.Cluster.ID)
		}
		if !sameCertificate(anchor, rec.Cluster.TrustAnchor) {
			return fault.New(CloudHSMClusterNotRelated, "The cluster %s has another certificate than the cluster %s.", rec.Cluster.ID, k.Cluster.ID)
		}
	}
	return nil
}
