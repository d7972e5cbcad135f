package kms

import (
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DescribeCustomKeyStoresInput asks for one custom key store, by its id or by
// its name, or for all of the caller's account.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeCustomKeyStores.html
type DescribeCustomKeyStoresInput struct {
	CustomKeyStoreID   optional.Of[string] `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
	CustomKeyStoreName optional.Of[string] `aws:"CustomKeyStoreName" audit:"customKeyStoreName"`
	Limit              optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker             optional.Of[string] `aws:"Marker" audit:"marker"`
}

// DescribeCustomKeyStoresOutput is a page of them, sorted by id.
type DescribeCustomKeyStoresOutput struct {
	CustomKeyStores []CustomKeyStoresListEntry `aws:"CustomKeyStores"`
	NextMarker      optional.Of[string]        `aws:"NextMarker"`
	Truncated       bool                       `aws:"Truncated"`
}

// CustomKeyStoresListEntry describes a custom key store, without its secrets.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CustomKeyStoresListEntry.html
type CustomKeyStoresListEntry struct {
	CustomKeyStoreID       string                 `aws:"CustomKeyStoreId"`
	CustomKeyStoreName     string                 `aws:"CustomKeyStoreName"`
	CloudHSMClusterID      optional.Of[string]    `aws:"CloudHsmClusterId"`
	TrustAnchorCertificate optional.Of[string]    `aws:"TrustAnchorCertificate"`
	ConnectionState        string                 `aws:"ConnectionState"`
	ConnectionErrorCode    optional.Of[string]    `aws:"ConnectionErrorCode"`
	CreationDate           time.Time              `aws:"CreationDate"`
	CustomKeyStoreType     string                 `aws:"CustomKeyStoreType"`
	XksProxyConfiguration  *XksProxyConfiguration `aws:"XksProxyConfiguration"`
}

// XksProxyConfiguration says where the proxy of an external key store is.
type XksProxyConfiguration struct {
	Connectivity            string              `aws:"Connectivity"`
	AccessKeyID             string              `aws:"AccessKeyId"`
	URIEndpoint             string              `aws:"UriEndpoint"`
	URIPath                 string              `aws:"UriPath"`
	VPCEndpointServiceName  optional.Of[string] `aws:"VpcEndpointServiceName"`
	VPCEndpointServiceOwner optional.Of[string] `aws:"VpcEndpointServiceOwner"`
}

const (
	describeStoresMax     = 1000
	describeStoresDefault = 100
)

// Validate checks the limits of the public model.
func (in *DescribeCustomKeyStoresInput) Validate(c *check.Checks) {
	c.Length("customKeyStoreId", in.CustomKeyStoreID, 1, customKeyStoreIDMax)
	c.Length("customKeyStoreName", in.CustomKeyStoreName, 1, keyStoreNameMax)
	checkPage(c, in.Limit, describeStoresMax)
	checkMarker(c, in.Marker)
	if in.CustomKeyStoreID.Set && in.CustomKeyStoreName.Set {
		c.Refuse(validation("CustomKeyStoreId and CustomKeyStoreName must not both be specified."))
	}
}

func (s *Service) describeCustomKeyStores() operation.Operation {
	return operation.Use[DescribeCustomKeyStoresInput, DescribeCustomKeyStoresOutput, *conditions, *DescribeCustomKeyStoresInput]{
		Name:    "DescribeCustomKeyStores",
		Actions: []string{"kms:DescribeCustomKeyStores"},
		Asks:    asksOnStores[DescribeCustomKeyStoresInput]("kms:DescribeCustomKeyStores"),
		Run: func(c *operation.Call, in *DescribeCustomKeyStoresInput, _ *conditions) (*DescribeCustomKeyStoresOutput, error) {
			return s.runDescribeCustomKeyStores(c, in)
		},
	}.Operation()
}

func (s *Service) runDescribeCustomKeyStores(c *operation.Call, in *DescribeCustomKeyStoresInput) (*DescribeCustomKeyStoresOutput, error) {
	list := listing{operation: "DescribeCustomKeyStores"}
	last, _, err := s.after(c, list, in.Marker)
	if err != nil {
		return nil, err
	}
	all, err := s.keyStores(c)
	if err != nil {
		return nil, err
	}
	limit := in.Limit.Or(describeStoresDefault)
	out := &DescribeCustomKeyStoresOutput{CustomKeyStores: []CustomKeyStoresListEntry{}}
	for _, k := range all {
		if k.ID <= last || !in.wants(k) {
			continue
		}
		if len(out.CustomKeyStores) == limit {
			out.Truncated = true
			out.NextMarker = s.mark(c, list, out.CustomKeyStores[limit-1].CustomKeyStoreID)
			return out, nil
		}
		out.CustomKeyStores = append(out.CustomKeyStores, k.entry())
	}
	if len(out.CustomKeyStores) == 0 && (in.CustomKeyStoreID.Set || in.CustomKeyStoreName.Set) {
		return nil, noStore(in.CustomKeyStoreID.V + in.CustomKeyStoreName.V)
	}
	return out, nil
}

// wants reports whether a store is asked for.
func (in *DescribeCustomKeyStoresInput) wants(k *keyStore) bool {
	return in.CustomKeyStoreID.Or(k.ID) == k.ID && in.CustomKeyStoreName.Or(k.Name) == k.Name
}

// entry describes the store as the API does.
func (r *keyStoreRecord) entry() CustomKeyStoresListEntry {
	e := CustomKeyStoresListEntry{
		CustomKeyStoreID:    r.ID,
		CustomKeyStoreName:  r.Name,
		ConnectionState:     string(r.Connection),
		ConnectionErrorCode: present(r.ErrorCode),
		CreationDate:        r.Created,
		CustomKeyStoreType:  r.Type,
	}
	if r.Cluster != nil {
		e.CloudHSMClusterID = optional.Some(r.Cluster.ID)
		e.TrustAnchorCertificate = optional.Some(r.Cluster.TrustAnchor)
	}
	if p := r.Proxy; p != nil {
		e.XksProxyConfiguration = &XksProxyConfiguration{
			Connectivity:            p.Connectivity,
			AccessKeyID:             p.AccessKeyID,
			URIEndpoint:             p.Endpoint,
			URIPath:                 p.Path,
			VPCEndpointServiceName:  present(p.Service),
			VPCEndpointServiceOwner: present(p.ServiceOwner),
		}
	}
	return e
}

// present is a member that is left out where it is empty.
func present(s string) optional.Of[string] { return optional.Of[string]{V: s, Set: s != ""} }
