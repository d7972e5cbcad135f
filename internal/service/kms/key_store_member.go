package kms

import (
	"net/netip"
	"regexp"
	"strings"

	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Limits of members that the operations on custom key stores share.
const (
	customKeyStoreIDMax = 64
	keyStoreNameMax     = 256
)

// Values of XksProxyConnectivity.
const (
	connectivityPublic = "PUBLIC_ENDPOINT"
	connectivityVPC    = "VPC_ENDPOINT_SERVICE"
)

// XksProxyCredential is what requests to a proxy are signed with. It has nothing
// to do with the credentials of users.
type XksProxyCredential struct {
	AccessKeyID        optional.Of[string] `aws:"AccessKeyId"`
	RawSecretAccessKey confidential.Bytes  `aws:"RawSecretAccessKey,text"`
}

// proxyMembers are the members that say where a proxy is.
type proxyMembers struct {
	endpoint, path, service, owner, connectivity optional.Of[string]
	credential                                   *XksProxyCredential
}

// any reports whether one of them is given.
func (m *proxyMembers) any() bool {
	return m.endpoint.Set || m.path.Set || m.service.Set || m.owner.Set || m.connectivity.Set || m.credential != nil
}

var (
	endpointPattern   = regexp.MustCompile(`^https://[a-zA-Z0-9.-]+$`)
	proxyPathPattern  = regexp.MustCompile(`^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$`)
	vpcServicePattern = regexp.MustCompile(`^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$`)
	accountPattern    = regexp.MustCompile(`^[0-9]{12}$`)
	clusterPattern    = regexp.MustCompile(`^cluster-[2-7a-zA-Z]{11,16}$`)
	proxyKeyPattern   = regexp.MustCompile(`^[A-Z2-7]+$`)
)

const proxySecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+="

// checkProxy checks the members of a proxy that are given. An empty name of a
// VPC endpoint service stands for none.
func checkProxy(c *check.Checks, m *proxyMembers) {
	c.Length("xksProxyUriEndpoint", m.endpoint, 10, 128)
	c.Pattern("xksProxyUriEndpoint", m.endpoint, endpointPattern, endpointPattern.String())
	c.Length("xksProxyUriPath", m.path, 10, 128)
	c.Pattern("xksProxyUriPath", m.path, proxyPathPattern, proxyPathPattern.String())
	if m.service.V != "" {
		c.Length("xksProxyVpcEndpointServiceName", m.service, 20, 64)
		c.Pattern("xksProxyVpcEndpointServiceName", m.service, vpcServicePattern, vpcServicePattern.String())
	}
	c.Length("xksProxyVpcEndpointServiceOwner", m.owner, 12, 12)
	c.Pattern("xksProxyVpcEndpointServiceOwner", m.owner, accountPattern, "[0-9]{12}")
	c.Enum("xksProxyConnectivity", m.connectivity, connectivityPublic, connectivityVPC)
	checkProxyCredential(c, m.credential)
	if host := strings.TrimPrefix(m.endpoint.V, "https://"); m.endpoint.Set && isAddress(host) {
		c.Refuse(validation("XksProxyUriEndpoint must name a host by its domain name, not by its address."))
	}
}

// isAddress reports whether a host is an address, or what resolvers take for one:
// names whose last label is a number.
func isAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := labels[len(labels)-1]
	return last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}

func checkProxyCredential(c *check.Checks, m *XksProxyCredential) {
	const at = "xksProxyAuthenticationCredential."
	if m == nil {
		return
	}
	if c.Required(at+"accessKeyId", m.AccessKeyID.Set) {
		c.Bytes(at+"accessKeyId", true, len(m.AccessKeyID.V), 20, 30)
		c.Secret(at+"accessKeyId", proxyKeyPattern.MatchString(m.AccessKeyID.V), proxyKeyPattern.String())
	}
	if c.Required(at+"rawSecretAccessKey", m.RawSecretAccessKey.IsSet()) {
		c.Bytes(at+"rawSecretAccessKey", true, m.RawSecretAccessKey.Len(), 43, 64)
		c.Secret(at+"rawSecretAccessKey", m.RawSecretAccessKey.Within(proxySecretAlphabet), `^[a-zA-Z0-9\/+=]+$`)
	}
}

func checkCluster(c *check.Checks, id optional.Of[string], password confidential.Bytes) {
	c.Length("cloudHsmClusterId", id, 19, 24)
	c.Pattern("cloudHsmClusterId", id, clusterPattern, "cluster-[2-7a-zA-Z]{11,16}")
	c.Bytes("keyStorePassword", password.IsSet(), password.Len(), 7, 32)
}

func checkKeyStoreID(c *check.Checks, id optional.Of[string]) {
	if c.Required("customKeyStoreId", id.Set) {
		c.Length("customKeyStoreId", id, 1, customKeyStoreIDMax)
	}
}

// setProxy lays the members that are given over what the record of a store says.
func (s *Service) setProxy(rec *keyStoreRecord, m *proxyMembers) {
	p := *rec.Proxy
	for to, from := range map[*string]optional.Of[string]{
		&p.Endpoint: m.endpoint, &p.Path: m.path, &p.Connectivity: m.connectivity,
		&p.Service: m.service, &p.ServiceOwner: m.owner,
	} {
		*to = from.Or(*to)
	}
	switch {
	case p.Connectivity == connectivityPublic:
		p.Service, p.ServiceOwner = "", ""
	case p.ServiceOwner == "":
		p.ServiceOwner = rec.Account
	}
	if m.credential != nil {
		p.AccessKeyID = m.credential.AccessKeyID.V
		p.Secret = s.keep(rec, proxySecret, m.credential.RawSecretAccessKey)
	}
	rec.Proxy = &p
}

// distinct refuses a store whose name, proxy or cluster is another's of the same
// account and Region.
// https://docs.aws.amazon.com/kms/latest/developerguide/create-xks-keystore.html#xks-requirements
func (r *keyStoreRecord) distinct(all []*keyStore) error {
	for _, other := range all {
		if other.ID == r.ID {
			continue
		}
		if other.Name == r.Name {
			return fault.New(CustomKeyStoreNameInUse, "The custom key store name %s is already in use.", r.Name)
		}
		if r.Cluster != nil && other.Cluster != nil && (other.Cluster.ID == r.Cluster.ID || other.Cluster.TrustAnchor == r.Cluster.TrustAnchor) {
			return fault.New(CloudHSMClusterInUse, "The cluster %s, or one that shares its backup history, is already associated with a custom key store.", r.Cluster.ID)
		}
	}
	if r.Proxy == nil {
		return nil
	}
	for _, other := range all {
		if other.ID == r.ID || other.Proxy == nil {
			continue
		}
		if err := r.Proxy.distinct(other.Proxy); err != nil {
			return err
		}
	}
	return nil
}

// distinct refuses a proxy that is, or shares too much with, another store's.
// Host names have no case.
func (p *proxyRecord) distinct(other *proxyRecord) error {
	private := p.Connectivity == connectivityVPC
	sameHost := strings.EqualFold(p.Endpoint, other.Endpoint)
	switch {
	case sameHost && p.Path == other.Path:
		return fault.New(XksProxyURIInUse, "The external key store proxy URI %s%s is already in use.", p.Endpoint, p.Path)
	case sameHost && p.Connectivity != other.Connectivity:
		return fault.New(XksProxyEndpointInUse, "The external key store proxy URI endpoint %s is already in use with the connectivity %s.", p.Endpoint, other.Connectivity)
	case sameHost && private:
		return fault.New(XksProxyEndpointInUse, "The external key store proxy URI endpoint %s is already in use.", p.Endpoint)
	case private && p.Service == other.Service:
		return fault.New(XksProxyVPCServiceInUse, "The VPC endpoint service %s is already in use.", p.Service)
	}
	return nil
}
