package kmstest

import (
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/xksproxytest"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// KeyStore asks for an external key store on the proxy of package xksproxytest.
func KeyStore(name string) *kms.CreateCustomKeyStoreInput {
	return &kms.CreateCustomKeyStoreInput{
		CustomKeyStoreName:   optional.Some(name),
		CustomKeyStoreType:   optional.Some("EXTERNAL_KEY_STORE"),
		XksProxyConnectivity: optional.Some("PUBLIC_ENDPOINT"),
		XksProxyURIEndpoint:  optional.Some(xksproxytest.Endpoint),
		XksProxyURIPath:      optional.Some(xksproxytest.Path),
		XksProxyAuthenticationCredential: &kms.XksProxyCredential{
			AccessKeyID:        optional.Some(xksproxytest.AccessKeyID),
			RawSecretAccessKey: confidential.New([]byte(xksproxytest.Secret)),
		},
	}
}

// keyStoreSamples are the samples of the operations on custom key stores.
func keyStoreSamples() map[string]func(Fixture) any {
	key := optional.Some[string]
	return map[string]func(Fixture) any{
		"ConnectCustomKeyStore": func(f Fixture) any {
			return &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: key(f.KeyStore)}
		},
		"CreateCustomKeyStore": func(Fixture) any {
			in := KeyStore("a sample")
			in.XksProxyURIPath = key("/another/kms/xks/v1")
			return in
		},
		"DeleteCustomKeyStore": func(f Fixture) any {
			return &kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: key(f.KeyStore)}
		},
		"DescribeCustomKeyStores": func(f Fixture) any { return &kms.DescribeCustomKeyStoresInput{} },
		"DisconnectCustomKeyStore": func(f Fixture) any {
			return &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreID: key(f.Connected)}
		},
		"UpdateCustomKeyStore": func(f Fixture) any {
			return &kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: key(f.KeyStore), NewCustomKeyStoreName: key("another name")}
		},
	}
}
