package kms_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/service/kms/xksproxytest"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// createKeyStore makes an external key store and returns its id.
func (a *actor) createKeyStore(name, path string) string {
	a.w.t.Helper()
	in := kmstest.KeyStore(name)
	in.XksProxyURIPath = str(path)
	return must[kms.CreateCustomKeyStoreOutput](a, in).CustomKeyStoreID
}

// connectedKeyStore makes an external key store that is connected.
func (a *actor) connectedKeyStore(name, path string) string {
	a.w.t.Helper()
	id := a.createKeyStore(name, path)
	a.connect(id)
	return id
}

// connect has a store connected, or fail.
func (a *actor) connect(id string) {
	a.w.t.Helper()
	must[kms.ConnectCustomKeyStoreOutput](a, &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: str(id)})
	ok(a.w.t, a.w.service.ConnectDue(a.w.t.Context()))
}

func (a *actor) disconnect(id string) {
	a.w.t.Helper()
	must[kms.DisconnectCustomKeyStoreOutput](a, &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreID: str(id)})
}

// storeKey makes a key in an external key store.
func (a *actor) storeKey(id, external string) kms.KeyMetadata {
	a.w.t.Helper()
	return must[kms.CreateKeyOutput](a, inStore(id, external)).KeyMetadata
}

func inStore(id, external string) *kms.CreateKeyInput {
	return &kms.CreateKeyInput{Origin: str("EXTERNAL_KEY_STORE"), CustomKeyStoreID: str(id), XksKeyID: str(external)}
}

func (a *actor) describeStore(id string) kms.CustomKeyStoresListEntry {
	a.w.t.Helper()
	out := must[kms.DescribeCustomKeyStoresOutput](a, &kms.DescribeCustomKeyStoresInput{CustomKeyStoreID: str(id)})
	if len(out.CustomKeyStores) != 1 {
		a.w.t.Fatalf("%d stores with the id %s", len(out.CustomKeyStores), id)
	}
	return out.CustomKeyStores[0]
}

// connection compares the ConnectionState of a store, with its error code.
func (a *actor) connection(id, state, errorCode string) {
	a.w.t.Helper()
	e := a.describeStore(id)
	if e.ConnectionState != state || e.ConnectionErrorCode.V != errorCode || e.ConnectionErrorCode.Set != (errorCode != "") {
		a.w.t.Errorf("the store is %s %q, want %s %q", e.ConnectionState, e.ConnectionErrorCode.V, state, errorCode)
	}
}

// TestLifeOfAKeyStore is a store from its making to its end, as the owner sees it.
func TestLifeOfAKeyStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	id := must[kms.CreateCustomKeyStoreOutput](owner, kmstest.KeyStore("outside")).CustomKeyStoreID
	w.recorded(`{"customKeyStoreName":"outside","customKeyStoreType":"EXTERNAL_KEY_STORE","xksProxyConnectivity":"PUBLIC_ENDPOINT",`+
		`"xksProxyUriEndpoint":"`+xksproxytest.Endpoint+`","xksProxyUriPath":"`+xksproxytest.Path+`"}`, `{"customKeyStoreId":"`+id+`"}`, `{}`)
	if len(id) != 21 || !strings.HasPrefix(id, "cks-") {
		t.Errorf("the store has the id %q", id)
	}
	e := owner.describeStore(id)
	if e.CustomKeyStoreName != "outside" || e.CustomKeyStoreType != "EXTERNAL_KEY_STORE" || e.ConnectionState != "DISCONNECTED" ||
		e.XksProxyConfiguration == nil || *e.XksProxyConfiguration != (kms.XksProxyConfiguration{
		Connectivity: "PUBLIC_ENDPOINT", AccessKeyID: xksproxytest.AccessKeyID, URIEndpoint: xksproxytest.Endpoint, URIPath: xksproxytest.Path,
	}) || e.CloudHSMClusterID.Set || e.TrustAnchorCertificate.Set {
		t.Errorf("the store is described as %+v", e)
	}
	w.recorded(`{"customKeyStoreId":"`+id+`"}`, `null`, `{}`)

	must[kms.ConnectCustomKeyStoreOutput](owner, &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: str(id)})
	w.recorded(`{"customKeyStoreId":"`+id+`"}`, `null`, `{"customKeyStoreName":"outside"}`)
	owner.connection(id, "CONNECTING", "")
	// Once more is no mistake, and changes nothing.
	must[kms.ConnectCustomKeyStoreOutput](owner, &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: str(id)})
	ok(t, w.service.ConnectDue(t.Context()))
	owner.connection(id, "CONNECTED", "")
	must[kms.ConnectCustomKeyStoreOutput](owner, &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: str(id)})
	owner.connection(id, "CONNECTED", "")

	key := owner.storeKey(id, xksproxytest.Key)
	w.recorded(`{"origin":"EXTERNAL_KEY_STORE","customKeyStoreId":"`+id+`","xksKeyId":"`+xksproxytest.Key+`","keySpec":"SYMMETRIC_DEFAULT","customerMasterKeySpec":"SYMMETRIC_DEFAULT"}`,
		string(w.plans[typeOf[kms.CreateKeyOutput]()].Append(nil, w.out, nil)), `{}`, ofKey(key))
	if key.Origin != "EXTERNAL_KEY_STORE" || key.CustomKeyStoreID != str(id) || key.XksKeyConfiguration == nil || key.XksKeyConfiguration.ID != xksproxytest.Key ||
		key.CurrentKeyMaterialID.Set || key.CloudHSMClusterID.Set || key.KeyState != "Enabled" || !key.Enabled {
		t.Errorf("the key is %+v", key)
	}

	remove := &kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: str(id)}
	owner.refused(remove, kms.CustomKeyStoreInvalidState, "The custom key store "+id+" is in the connection state CONNECTED, which does not permit this operation.")
	owner.disconnect(id)
	w.recorded(`{"customKeyStoreId":"`+id+`"}`, `null`, `{"customKeyStoreName":"outside"}`)
	if m := owner.describe(key); m.KeyState != "Unavailable" || m.Enabled || m.CustomKeyStoreID != str(id) {
		t.Errorf("the key of a disconnected store is %+v", m)
	}
	owner.refused(remove, kms.CustomKeyStoreHasKeys, "The custom key store "+id+" still contains KMS keys.")
	owner.schedule(key, 7)
	owner.refused(remove, kms.CustomKeyStoreHasKeys, "The custom key store "+id+" still contains KMS keys.")
	if m := owner.describe(key); m.KeyState != "PendingDeletion" {
		t.Errorf("the key of a disconnected store that is to be deleted is %s", m.KeyState)
	}
	w.now = w.now.AddDate(0, 0, 8)
	if n, err := w.service.DeleteDue(t.Context(), w.now); n != 1 || err != nil {
		t.Fatalf("%d keys were destroyed: %v", n, err)
	}
	must[kms.DeleteCustomKeyStoreOutput](owner, remove)
	w.recorded(`{"customKeyStoreId":"`+id+`"}`, `null`, `{"customKeyStoreName":"outside"}`)
	owner.refused(remove, kms.CustomKeyStoreNotFound, "Custom key store "+id+" is not found.")
}

func (a *actor) describe(key kms.KeyMetadata) kms.KeyMetadata {
	a.w.t.Helper()
	return must[kms.DescribeKeyOutput](a, &kms.DescribeKeyInput{KeyID: str(key.ARN)}).KeyMetadata
}

// TestKeyStoreConnections walks the matrix of operations and connection states.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CustomKeyStoresListEntry.html
func TestKeyStoreConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	cases := 0
	for i, state := range []string{"DISCONNECTED", "CONNECTING", "CONNECTED", "FAILED"} {
		for name, permitted := range map[string]string{
			"connect":    "DISCONNECTED CONNECTING CONNECTED",
			"disconnect": "CONNECTING CONNECTED FAILED",
			"delete":     "DISCONNECTED",
			"rename":     "DISCONNECTED CONNECTED",
			"path":       "DISCONNECTED CONNECTED",
			"credential": "DISCONNECTED CONNECTED",
			"endpoint":   "DISCONNECTED",
			"move":       "DISCONNECTED",
			"key":        "CONNECTED",
		} {
			id := owner.createKeyStore("store", fmt.Sprintf("/%s%d/kms/xks/v1", name, i))
			connect := &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: str(id)}
			switch state {
			case "CONNECTING":
				must[kms.ConnectCustomKeyStoreOutput](owner, connect)
			case "CONNECTED":
				owner.connect(id)
			case "FAILED":
				w.proxy.Refuse(500, "InternalException")
				owner.connect(id)
				w.proxy.Twist(nil)
			}
			if got := owner.describeStore(id).ConnectionState; got != state {
				t.Fatalf("the store is %s, want %s", got, state)
			}
			update := &kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: str(id)}
			var in any = update
			switch name {
			case "connect":
				in = connect
			case "disconnect":
				in = &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreID: str(id)}
			case "delete":
				in = &kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: str(id)}
			case "rename":
				update.NewCustomKeyStoreName = str("another")
			case "path":
				update.XksProxyURIPath = str("/other/kms/xks/v1")
			case "credential":
				update.XksProxyAuthenticationCredential = kmstest.KeyStore("").XksProxyAuthenticationCredential
			case "endpoint":
				update.XksProxyURIEndpoint = str("https://other.example.com")
			case "move":
				update.XksProxyConnectivity = str("PUBLIC_ENDPOINT")
			case "key":
				in = inStore(id, xksproxytest.Key)
			}
			_, err := owner.do(in)
			if slices.Contains(strings.Fields(permitted), state) != (err == nil) || err != nil && !fault.Is(err, kms.CustomKeyStoreInvalidState) {
				t.Errorf("%s of a store that is %s: %v", name, state, err)
			}
			owner.remove(id)
			cases++
		}
	}
	if cases != 4*9 {
		t.Errorf("%d cases", cases)
	}
}

// remove brings a store to its end, whatever its state and its keys.
func (a *actor) remove(id string) {
	a.w.t.Helper()
	_, _ = a.do(&kms.DisconnectCustomKeyStoreInput{CustomKeyStoreID: str(id)})
	if _, err := a.do(&kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: str(id)}); err == nil || fault.Is(err, kms.CustomKeyStoreNotFound) {
		return
	}
	for _, k := range must[kms.ListKeysOutput](a, &kms.ListKeysInput{}).Keys {
		_, _ = a.do(&kms.ScheduleKeyDeletionInput{KeyID: str(k.KeyID), PendingWindowInDays: optional.Some(7)})
	}
	a.w.now = a.w.now.AddDate(0, 0, 8)
	_, err := a.w.service.DeleteDue(a.w.t.Context(), a.w.now)
	ok(a.w.t, err)
	must[kms.DeleteCustomKeyStoreOutput](a, &kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: str(id)})
}

// TestKeyStoresAreDistinct: names and proxies are one store's only.
func TestKeyStoresAreDistinct(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	owner.createKeyStore("one", "/one/kms/xks/v1")
	other := func(change func(*kms.CreateCustomKeyStoreInput)) *kms.CreateCustomKeyStoreInput {
		in := kmstest.KeyStore("two")
		change(in)
		return in
	}
	owner.refused(other(func(in *kms.CreateCustomKeyStoreInput) { in.CustomKeyStoreName = str("one") }),
		kms.CustomKeyStoreNameInUse, "The custom key store name one is already in use.")
	owner.refused(other(func(in *kms.CreateCustomKeyStoreInput) {
		in.XksProxyURIPath = str("/one/kms/xks/v1")
		in.XksProxyURIEndpoint = str("https://XKS.example.com")
	}), kms.XksProxyURIInUse, "The external key store proxy URI https://XKS.example.com/one/kms/xks/v1 is already in use.")
	private := func(endpoint, service string) *kms.CreateCustomKeyStoreInput {
		return other(func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyConnectivity = str("VPC_ENDPOINT_SERVICE")
			in.XksProxyURIEndpoint = str(endpoint)
			in.XksProxyVPCEndpointServiceName = str(service)
		})
	}
	owner.refused(private(xksproxytest.Endpoint, vpcService), kms.XksProxyEndpointInUse,
		"The external key store proxy URI endpoint https://xks.example.com is already in use with the connectivity PUBLIC_ENDPOINT.")
	owner.refused(private("https://private.example.com", unknownVPCService), kms.XksProxyVPCServiceNotFound,
		"The VPC endpoint service "+unknownVPCService+" is not found.")
	must[kms.CreateCustomKeyStoreOutput](owner, private("https://private.example.com", vpcService))
	third := private("https://private.example.com", otherVPCService)
	third.CustomKeyStoreName, third.XksProxyURIPath = str("three"), str("/three/kms/xks/v1")
	owner.refused(third, kms.XksProxyEndpointInUse, "The external key store proxy URI endpoint https://private.example.com is already in use.")
	third.XksProxyURIEndpoint, third.XksProxyVPCEndpointServiceName = str("https://third.example.com"), str(vpcService)
	owner.refused(third, kms.XksProxyVPCServiceInUse, "The VPC endpoint service "+vpcService+" is already in use.")
	third.XksProxyVPCEndpointServiceName = str(otherVPCService)
	id := must[kms.CreateCustomKeyStoreOutput](owner, third).CustomKeyStoreID
	if p := owner.describeStore(id).XksProxyConfiguration; p.VPCEndpointServiceName != str(otherVPCService) || p.VPCEndpointServiceOwner != str(home) {
		t.Errorf("the proxy is described as %+v", p)
	}
	// An update must not make two stores alike either, and may make one public.
	owner.refused(&kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: str(id), NewCustomKeyStoreName: str("one")},
		kms.CustomKeyStoreNameInUse, "The custom key store name one is already in use.")
	must[kms.UpdateCustomKeyStoreOutput](owner, &kms.UpdateCustomKeyStoreInput{
		CustomKeyStoreID: str(id), XksProxyConnectivity: str("PUBLIC_ENDPOINT"), XksProxyVPCEndpointServiceName: str(""),
	})
	if p := owner.describeStore(id).XksProxyConfiguration; p.Connectivity != "PUBLIC_ENDPOINT" || p.VPCEndpointServiceName.Set || p.VPCEndpointServiceOwner.Set {
		t.Errorf("the proxy is described as %+v", p)
	}
	owner.refused(&kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: str(id), XksProxyConnectivity: str("VPC_ENDPOINT_SERVICE")},
		fault.Validation, "XksProxyVpcEndpointServiceName is required with the connectivity VPC_ENDPOINT_SERVICE.")
	// Stores of another account are nobody's business.
	abroadOwner := w.root(abroad)
	abroadOwner.createKeyStore("one", "/one/kms/xks/v1")
	abroadOwner.refused(&kms.DescribeCustomKeyStoresInput{CustomKeyStoreID: str(id)}, kms.CustomKeyStoreNotFound, "Custom key store "+id+" is not found.")
}

// VPC endpoint services, of which the operator has named two.
const (
	vpcService        = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
	otherVPCService   = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef1"
	unknownVPCService = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef2"
)

// TestKeyStoreQuota: ten stores and no more, in pages, and by name.
func TestKeyStoreQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	var ids []string
	for i := range 10 {
		ids = append(ids, owner.createKeyStore(fmt.Sprint("store ", i), fmt.Sprintf("/s%d/kms/xks/v1", i)))
	}
	owner.refused(kmstest.KeyStore("one too many"), fault.LimitExceeded, "The account already has 10 custom key stores in this Region.")
	seen := 0
	in := &kms.DescribeCustomKeyStoresInput{Limit: optional.Some(4)}
	for pages := 1; ; pages++ {
		out := must[kms.DescribeCustomKeyStoresOutput](owner, in)
		seen += len(out.CustomKeyStores)
		if out.Truncated != (pages < 3) || out.NextMarker.Set != out.Truncated {
			t.Fatalf("page %d: %d stores, truncated %v", pages, len(out.CustomKeyStores), out.Truncated)
		}
		if in.Marker = out.NextMarker; !out.Truncated {
			break
		}
	}
	if seen != 10 {
		t.Errorf("%d stores in all pages", seen)
	}
	if e := must[kms.DescribeCustomKeyStoresOutput](owner, &kms.DescribeCustomKeyStoresInput{CustomKeyStoreName: str("store 3")}).CustomKeyStores; len(e) != 1 || e[0].CustomKeyStoreID != ids[3] {
		t.Errorf("by name: %+v", e)
	}
	owner.refused(&kms.DescribeCustomKeyStoresInput{CustomKeyStoreName: str("store 11")}, kms.CustomKeyStoreNotFound, "Custom key store store 11 is not found.")
	owner.refused(&kms.DescribeCustomKeyStoresInput{CustomKeyStoreName: str("a"), CustomKeyStoreID: str("b")}, fault.Validation, "CustomKeyStoreId and CustomKeyStoreName must not both be specified.")
	owner.refused(&kms.DescribeCustomKeyStoresInput{Marker: str("made up")}, kms.InvalidMarker, "Invalid marker")
	must[kms.DeleteCustomKeyStoreOutput](owner, &kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: str(ids[0])})
	owner.createKeyStore("the tenth", "/t/kms/xks/v1")
}

// TestKeyStoreMembers: which members go together, and what they may be.
func TestKeyStoreMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	const hsm, xks = "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"
	constraint := func(at, what string) string {
		return "1 validation error detected: Value at 'xksProxyAuthenticationCredential." + at + "' failed to satisfy constraint: Member must " + what
	}
	cases := map[string]func(*kms.CreateCustomKeyStoreInput){
		"XksProxyConnectivity is required with the type " + xks + ".":             func(in *kms.CreateCustomKeyStoreInput) { in.XksProxyConnectivity.Set = false },
		"XksProxyUriEndpoint is required with the type " + xks + ".":              func(in *kms.CreateCustomKeyStoreInput) { in.XksProxyURIEndpoint.Set = false },
		"XksProxyUriPath is required with the type " + xks + ".":                  func(in *kms.CreateCustomKeyStoreInput) { in.XksProxyURIPath.Set = false },
		"XksProxyAuthenticationCredential is required with the type " + xks + ".": func(in *kms.CreateCustomKeyStoreInput) { in.XksProxyAuthenticationCredential = nil },
		"XksProxyVpcEndpointServiceName is required with the connectivity VPC_ENDPOINT_SERVICE.": func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyConnectivity = str("VPC_ENDPOINT_SERVICE")
		},
		"XksProxyVpcEndpointServiceName and XksProxyVpcEndpointServiceOwner are not valid with the connectivity PUBLIC_ENDPOINT.": func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyVPCEndpointServiceName = str(vpcService)
		},
		"CloudHsmClusterId, TrustAnchorCertificate and KeyStorePassword are not valid with the type " + xks + ".": func(in *kms.CreateCustomKeyStoreInput) {
			in.KeyStorePassword = secret("password")
		},
		"The members of an external key store proxy are not valid with the type " + hsm + ".": func(in *kms.CreateCustomKeyStoreInput) {
			in.CustomKeyStoreType.Set = false
		},
		"XksProxyUriEndpoint must name a host by its domain name, not by its address.": func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyURIEndpoint = str("https://127.0.0.1")
		},
		constraint("rawSecretAccessKey", `satisfy regular expression pattern: ^[a-zA-Z0-9\/+=]+$`): func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyAuthenticationCredential.RawSecretAccessKey = secret(strings.Repeat("-", 43))
		},
		constraint("rawSecretAccessKey", "have length greater than or equal to 43"): func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyAuthenticationCredential.RawSecretAccessKey = secret(strings.Repeat("a", 42))
		},
		constraint("rawSecretAccessKey", "have length less than or equal to 64"): func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyAuthenticationCredential.RawSecretAccessKey = secret(strings.Repeat("a", 65))
		},
		constraint("accessKeyId", "satisfy regular expression pattern: ^[A-Z2-7]+$"): func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyAuthenticationCredential.AccessKeyID = str(strings.Repeat("1", 20))
		},
		constraint("accessKeyId", "have length greater than or equal to 20"): func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyAuthenticationCredential.AccessKeyID = str(strings.Repeat("A", 19))
		},
		constraint("accessKeyId", "have length less than or equal to 30"): func(in *kms.CreateCustomKeyStoreInput) {
			in.XksProxyAuthenticationCredential.AccessKeyID = str(strings.Repeat("A", 31))
		},
	}
	for message, change := range cases {
		in := kmstest.KeyStore("one")
		change(in)
		owner.refused(in, fault.Validation, message)
	}
	if len(cases) != 15 {
		t.Errorf("%d cases", len(cases))
	}
	for _, host := range []string{"10.0.0.1", "2130706433", "0x7f000001", "1.2", "example.127", "example.com."} {
		in := kmstest.KeyStore("one")
		in.XksProxyURIEndpoint = str("https://" + host)
		if _, err := owner.do(in); (err == nil) != (host == "example.com.") {
			t.Errorf("the host %s: %v", host, err)
		}
	}
	cluster := &kms.CreateCustomKeyStoreInput{
		CustomKeyStoreName: str("hardware"), CloudHSMClusterID: str("cluster-1a23b4cdefg"), TrustAnchorCertificate: str("certificate"), KeyStorePassword: secret("kmsPswd"),
	}
	owner.refused(cluster, fault.Validation, `1 validation error detected: Value 'cluster-1a23b4cdefg' at 'cloudHsmClusterId' failed to satisfy constraint: Member must satisfy regular expression pattern: cluster-[2-7a-zA-Z]{11,16}`)
	cluster.CloudHSMClusterID = str("cluster-222222222222")
	owner.refused(cluster, kms.CloudHSMClusterNotFound, "The CloudHSM cluster cluster-222222222222 is not found.")
	for _, member := range []string{"CloudHsmClusterId", "TrustAnchorCertificate", "KeyStorePassword"} {
		in := *cluster
		switch member {
		case "CloudHsmClusterId":
			in.CloudHSMClusterID.Set = false
		case "TrustAnchorCertificate":
			in.TrustAnchorCertificate.Set = false
		default:
			in.KeyStorePassword = secretUnset
		}
		owner.refused(&in, fault.Validation, member+" is required with the type "+hsm+".")
	}
}

// TestKeyStoreCredentialStaysInside: an update without a credential keeps the
// one there is, and the proxy sees the new one when it is changed.
func TestKeyStoreCredentialStaysInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	id := owner.connectedKeyStore("one", "/one/kms/xks/v1")
	must[kms.UpdateCustomKeyStoreOutput](owner, &kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: str(id), XksProxyURIPath: str("/other/kms/xks/v1")})
	owner.refused(&kms.UpdateCustomKeyStoreInput{
		CustomKeyStoreID: str(id),
		XksProxyAuthenticationCredential: &kms.XksProxyCredential{
			AccessKeyID: str("UNKNOWNACCESSKEYID23"), RawSecretAccessKey: secret(xksproxytest.Secret),
		},
	}, "XksProxyIncorrectAuthenticationCredentialException", "The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the credentials for your external key store and update if necessary.")
	if p := owner.describeStore(id).XksProxyConfiguration; p.AccessKeyID != xksproxytest.AccessKeyID || p.URIPath != "/other/kms/xks/v1" {
		t.Errorf("the proxy is described as %+v", p)
	}
	b, err := json.Marshal(w.in)
	ok(t, err)
	if strings.Contains(string(b), xksproxytest.Secret) {
		t.Error("the secret prints")
	}
	owner.refused(&kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: str(id), KeyStorePassword: secret("password")}, fault.Validation,
		"CloudHsmClusterId and KeyStorePassword are not valid with the type EXTERNAL_KEY_STORE.")
}

// TestKeysEnterStores: who may have which external key.
func TestKeysEnterStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	one, two := owner.connectedKeyStore("one", "/one/kms/xks/v1"), owner.connectedKeyStore("two", "/two/kms/xks/v1")
	owner.storeKey(one, xksproxytest.Key)
	owner.refused(inStore(one, xksproxytest.Key), kms.XksKeyAlreadyInUse, "The external key external-key-1 is already in use in the custom key store "+one+".")
	owner.storeKey(two, xksproxytest.Key)
	owner.storeKey(one, xksproxytest.OtherKey)
	owner.refused(inStore("cks-00000000000000000", xksproxytest.Key), kms.CustomKeyStoreNotFound, "Custom key store cks-00000000000000000 is not found.")
	w.root(abroad).refused(inStore(one, xksproxytest.Key), kms.CustomKeyStoreNotFound, "Custom key store "+one+" is not found.")
	owner.refused(inStore(one, "missing"), "XksKeyNotFoundException", "The external key store proxy rejected the request because it could not find the external key.")
	for text, change := range map[string]func(*xksproxytest.Metadata){
		"The key spec of the external key must be AES_256.":                                                 func(m *xksproxytest.Metadata) { m.Spec = "RSA_2048" },
		"The status of the external key must be ENABLED. The status of specified external key is DISABLED.": func(m *xksproxytest.Metadata) { m.Status = "DISABLED" },
		"The key usage of the external key must include ENCRYPT and DECRYPT.":                               func(m *xksproxytest.Metadata) { m.Usage = []string{"ENCRYPT", "WRAP"} },
	} {
		m := xksproxytest.Good()
		change(&m)
		w.proxy.Set("unfit", m)
		owner.refused(inStore(one, "unfit"), "XksKeyInvalidConfigurationException", text)
	}
	hardware := inStore(one, xksproxytest.Key)
	hardware.Origin, hardware.XksKeyID = str("AWS_CLOUDHSM"), optional.Of[string]{}
	owner.refused(hardware, fault.UnsupportedOperation, "The custom key store "+one+" is of the type EXTERNAL_KEY_STORE, which has no keys of the origin AWS_CLOUDHSM.")
	related := inStore(one, xksproxytest.Key)
	related.MultiRegion = optional.Some(true)
	owner.refused(related, fault.UnsupportedOperation, "Only symmetric, single-Region keys can be in a custom key store.")
	owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(8), CustomKeyStoreID: str(one)}, fault.UnsupportedOperation,
		"The custom key store "+one+" is of the type EXTERNAL_KEY_STORE, which generates no random bytes.")
	owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(8), CustomKeyStoreID: str("cks-1")}, kms.CustomKeyStoreNotFound, "Custom key store cks-1 is not found.")
	// What was asked of the proxy names the caller, and no key, which is not there yet.
	bodies := w.proxy.Bodies()
	if asked := bodies[len(bodies)-1]; !strings.Contains(asked, `/keys/unfit/metadata`) || !strings.Contains(asked, `"awsPrincipalArn":"arn:aws:iam::`+home+`:root"`) ||
		!strings.Contains(asked, `"kmsOperation":"CreateKey"`) || strings.Contains(asked, "kmsKeyArn") {
		t.Errorf("the proxy was asked %s", asked)
	}
}

// TestToggleUnavailableKey: what is asked of a key whose store is not connected
// holds when it is.
func TestToggleUnavailableKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	id := owner.connectedKeyStore("one", "/one/kms/xks/v1")
	key := owner.storeKey(id, xksproxytest.Key)
	owner.disconnect(id)
	owner.done(&kms.DisableKeyInput{KeyID: str(key.KeyID)})
	if m := owner.describe(key); m.KeyState != "Unavailable" {
		t.Errorf("the key is %s", m.KeyState)
	}
	owner.connect(id)
	if m := owner.describe(key); m.KeyState != "Disabled" {
		t.Errorf("the key is %s", m.KeyState)
	}
}

// TestKeyStorePermissions: only policies of identities count, with the account of
// the caller as the one condition that is the service's own.
func TestKeyStorePermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.root(home).createKeyStore("one", "/one/kms/xks/v1")
	policy := func(account string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:DescribeCustomKeyStores","Resource":"*",` +
			`"Condition":{"StringEquals":{"kms:CallerAccount":"` + account + `"}}}]}`
	}
	in := &kms.DescribeCustomKeyStoresInput{CustomKeyStoreID: str(id)}
	must[kms.DescribeCustomKeyStoresOutput](w.user(home, "reader", policy(home)), in)
	w.user(home, "other", policy(abroad)).denied(in, "kms:DescribeCustomKeyStores", "*", noIdentity("kms:DescribeCustomKeyStores"))
	asked := len(w.proxy.Bodies())
	create := kmstest.KeyStore("two")
	w.user(home, "nobody").denied(create, "kms:CreateCustomKeyStore", "*", noIdentity("kms:CreateCustomKeyStore"))
	if len(w.proxy.Bodies()) != asked {
		t.Error("a proxy was asked for a caller who may not make key stores")
	}
}
