package kms

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateCustomKeyStoreInput asks for a custom key store: one whose keys are in
// an external key manager, behind a proxy, or in a CloudHSM cluster.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateCustomKeyStore.html
type CreateCustomKeyStoreInput struct {
	CustomKeyStoreName               optional.Of[string] `aws:"CustomKeyStoreName" audit:"customKeyStoreName"`
	CloudHSMClusterID                optional.Of[string] `aws:"CloudHsmClusterId" audit:"clusterId"`
	TrustAnchorCertificate           optional.Of[string] `aws:"TrustAnchorCertificate"`
	KeyStorePassword                 confidential.Bytes  `aws:"KeyStorePassword,text"`
	CustomKeyStoreType               optional.Of[string] `aws:"CustomKeyStoreType" audit:"customKeyStoreType"`
	XksProxyURIEndpoint              optional.Of[string] `aws:"XksProxyUriEndpoint" audit:"xksProxyUriEndpoint"`
	XksProxyURIPath                  optional.Of[string] `aws:"XksProxyUriPath" audit:"xksProxyUriPath"`
	XksProxyVPCEndpointServiceName   optional.Of[string] `aws:"XksProxyVpcEndpointServiceName" audit:"xksProxyVpcEndpointServiceName"`
	XksProxyVPCEndpointServiceOwner  optional.Of[string] `aws:"XksProxyVpcEndpointServiceOwner" audit:"xksProxyVpcEndpointServiceOwner"`
	XksProxyAuthenticationCredential *XksProxyCredential `aws:"XksProxyAuthenticationCredential"`
	XksProxyConnectivity             optional.Of[string] `aws:"XksProxyConnectivity" audit:"xksProxyConnectivity"`
}

// CreateCustomKeyStoreOutput names the store, which is not connected yet.
type CreateCustomKeyStoreOutput struct {
	CustomKeyStoreID string `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
}

// Validate checks the limits of the public model, and which members go together.
func (in *CreateCustomKeyStoreInput) Validate(c *check.Checks) {
	if c.Required("customKeyStoreName", in.CustomKeyStoreName.Set) {
		c.Length("customKeyStoreName", in.CustomKeyStoreName, 1, keyStoreNameMax)
	}
	checkCluster(c, in.CloudHSMClusterID, in.KeyStorePassword)
	c.Length("trustAnchorCertificate", in.TrustAnchorCertificate, 1, 5000)
	c.Enum("customKeyStoreType", in.CustomKeyStoreType, storeCloudHSM, storeXKS)
	checkProxy(c, in.proxyMembers())
	if in.kind() == storeXKS {
		in.checkXKS(c)
	} else {
		in.checkCloudHSM(c)
	}
}

func (in *CreateCustomKeyStoreInput) kind() string { return in.CustomKeyStoreType.Or(storeCloudHSM) }

func (in *CreateCustomKeyStoreInput) proxyMembers() *proxyMembers {
	return &proxyMembers{
		endpoint:     in.XksProxyURIEndpoint,
		path:         in.XksProxyURIPath,
		service:      in.XksProxyVPCEndpointServiceName,
		owner:        in.XksProxyVPCEndpointServiceOwner,
		credential:   in.XksProxyAuthenticationCredential,
		connectivity: in.XksProxyConnectivity,
	}
}

func (in *CreateCustomKeyStoreInput) checkXKS(c *check.Checks) {
	private := in.XksProxyConnectivity.V == connectivityVPC
	switch {
	case in.CloudHSMClusterID.Set || in.TrustAnchorCertificate.Set || in.KeyStorePassword.IsSet():
		c.Refuse(validation("CloudHsmClusterId, TrustAnchorCertificate and KeyStorePassword are not valid with the type %s.", storeXKS))
	case !in.XksProxyConnectivity.Set:
		c.Refuse(validation("XksProxyConnectivity is required with the type %s.", storeXKS))
	case !in.XksProxyURIEndpoint.Set:
		c.Refuse(validation("XksProxyUriEndpoint is required with the type %s.", storeXKS))
	case !in.XksProxyURIPath.Set:
		c.Refuse(validation("XksProxyUriPath is required with the type %s.", storeXKS))
	case in.XksProxyAuthenticationCredential == nil:
		c.Refuse(validation("XksProxyAuthenticationCredential is required with the type %s.", storeXKS))
	case private && in.XksProxyVPCEndpointServiceName.V == "":
		c.Refuse(validation("XksProxyVpcEndpointServiceName is required with the connectivity %s.", connectivityVPC))
	case !private && (in.XksProxyVPCEndpointServiceName.V != "" || in.XksProxyVPCEndpointServiceOwner.Set):
		c.Refuse(validation("XksProxyVpcEndpointServiceName and XksProxyVpcEndpointServiceOwner are not valid with the connectivity %s.", connectivityPublic))
	}
}

func (in *CreateCustomKeyStoreInput) checkCloudHSM(c *check.Checks) {
	switch {
	case in.proxyMembers().any():
		c.Refuse(validation("The members of an external key store proxy are not valid with the type %s.", storeCloudHSM))
	case !in.CloudHSMClusterID.Set:
		c.Refuse(validation("CloudHsmClusterId is required with the type %s.", storeCloudHSM))
	case !in.TrustAnchorCertificate.Set:
		c.Refuse(validation("TrustAnchorCertificate is required with the type %s.", storeCloudHSM))
	case !in.KeyStorePassword.IsSet():
		c.Refuse(validation("KeyStorePassword is required with the type %s.", storeCloudHSM))
	}
}

func (s *Service) createCustomKeyStore() operation.Operation {
	return operation.Change[CreateCustomKeyStoreInput, CreateCustomKeyStoreOutput, *conditions, *CreateCustomKeyStoreInput]{
		Name:    "CreateCustomKeyStore",
		Actions: []string{"kms:CreateCustomKeyStore"},
		Asks:    asksOnStores[CreateCustomKeyStoreInput]("kms:CreateCustomKeyStore"),
		Run: func(c *operation.Call, tx store.Txn, in *CreateCustomKeyStoreInput, _ *conditions) (*CreateCustomKeyStoreOutput, error) {
			return s.runCreateCustomKeyStore(c, tx, in)
		},
	}.Operation()
}

func (s *Service) runCreateCustomKeyStore(c *operation.Call, tx store.Txn, in *CreateCustomKeyStoreInput) (*CreateCustomKeyStoreOutput, error) {
	others, err := s.keyStores(c)
	if err != nil {
		return nil, err
	}
	if len(others) >= s.quotas.CustomKeyStores {
		return nil, fault.New(fault.LimitExceeded, "The account already has %d custom key stores in this Region.", s.quotas.CustomKeyStores)
	}
	rec := s.newKeyStore(c, in)
	if err := rec.distinct(others); err != nil {
		return nil, err
	}
	if rec.Type == storeCloudHSM {
		if err := checkClusterOf(s.clusters, rec.Cluster); err != nil {
			return nil, err
		}
	} else if err := s.probe(c, rec, 0); err != nil {
		return nil, err
	}
	if err := claimStores(c.Context, tx, rec.Account, rec.Region); err != nil {
		return nil, err
	}
	if err := keyStoreTable.Insert(c.Context, tx, rec); err != nil {
		return nil, fmt.Errorf("storing custom key store %s: %w", rec.ID, err)
	}
	tx.Touch(keyStoreEntity(rec.Account, rec.Region, rec.ID))
	return &CreateCustomKeyStoreOutput{CustomKeyStoreID: rec.ID}, nil
}

// newKeyStore makes the record of a new store.
func (s *Service) newKeyStore(c *operation.Call, in *CreateCustomKeyStoreInput) *keyStoreRecord {
	rec := &keyStoreRecord{
		Account:    c.Account(),
		Region:     c.Region,
		ID:         ident.CustomKeyStoreID(),
		Name:       in.CustomKeyStoreName.V,
		Type:       in.kind(),
		Created:    moment(c),
		Connection: disconnected,
	}
	if rec.Type == storeCloudHSM {
		rec.Cluster = &clusterRecord{
			ID:          in.CloudHSMClusterID.V,
			TrustAnchor: in.TrustAnchorCertificate.V,
			Password:    s.keep(rec, clusterPassword, in.KeyStorePassword),
		}
		return rec
	}
	rec.Proxy = new(proxyRecord)
	s.setProxy(rec, in.proxyMembers())
	return rec
}
