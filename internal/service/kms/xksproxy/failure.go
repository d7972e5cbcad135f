package xksproxy

import "claviger/internal/words/fault"

// A Failure is why a proxy was of no use. The same cause has the same text,
// whatever operation meets it; some texts are matched by clients, and so they
// are kept to the letter. Nothing that a proxy says itself is ever part of it.
// https://docs.aws.amazon.com/kms/latest/developerguide/xks-troubleshooting.html
type Failure struct {
	text       string
	store      fault.Code // of CreateCustomKeyStore and UpdateCustomKeyStore
	key        fault.Code // of CreateKey
	connection string     // ConnectionErrorCode
}

// Error is the text for the caller.
func (f *Failure) Error() string { return f.text }

// OfStore is the failure of an operation on the store.
func (f *Failure) OfStore() *fault.Fault { return &fault.Fault{Code: f.store, Message: f.text} }

// OfKey is the failure to make a key in the store.
func (f *Failure) OfKey() *fault.Fault { return &fault.Fault{Code: f.key, Message: f.text} }

// OfUse is the failure to use a key, which has one code whatever the cause.
func (f *Failure) OfUse() *fault.Fault {
	return &fault.Fault{Code: "KMSInvalidStateException", Message: f.text}
}

// Connection is the ConnectionErrorCode of the store.
func (f *Failure) Connection() string { return f.connection }

// Codes of failures, as the public model names them.
const (
	unreachable          fault.Code = "XksProxyUriUnreachableException"
	invalidResponse      fault.Code = "XksProxyInvalidResponseException"
	invalidConfiguration fault.Code = "XksProxyInvalidConfigurationException"
	incorrectCredential  fault.Code = "XksProxyIncorrectAuthenticationCredentialException"
	invalidStore         fault.Code = "CustomKeyStoreInvalidStateException"
	invalidKey           fault.Code = "XksKeyInvalidConfigurationException"
	keyNotFound          fault.Code = "XksKeyNotFoundException"
)

// Connection error codes.
const (
	accessDenied          = "XKS_PROXY_ACCESS_DENIED"
	badConfiguration      = "XKS_PROXY_INVALID_CONFIGURATION"
	badCredentials        = "INVALID_CREDENTIALS"
	badResponse           = "XKS_PROXY_INVALID_RESPONSE"
	badTLS                = "XKS_PROXY_INVALID_TLS_CONFIGURATION"
	notReachable          = "XKS_PROXY_NOT_REACHABLE"
	timedOut              = "XKS_PROXY_TIMED_OUT"
	ConnectionInternal    = "INTERNAL_ERROR"
	ConnectionVPCNotFound = "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND"
)

// Failures of the way to a proxy, which a Transport returns.
var (
	// ErrTimeout means that the proxy was reached and did not answer in time.
	ErrTimeout = &Failure{
		"AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.",
		unreachable, invalidStore, timedOut,
	}
	// ErrUnreachable means that no connection could be made.
	ErrUnreachable = &Failure{
		"AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its endpoint URI is correct in your external key store.",
		unreachable, invalidStore, notReachable,
	}
	// ErrTLS means that the proxy could not be authenticated.
	ErrTLS = &Failure{
		"AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its certificate.",
		unreachable, invalidStore, badTLS,
	}
	// ErrResponse means that what came back is no answer of a proxy.
	ErrResponse = &Failure{
		"AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, consult your external key store proxy administrator.",
		invalidResponse, invalidStore, badResponse,
	}
)

// Failures that only one call can have.
var (
	errUnhealthy = &Failure{
		"The external key store proxy is in an unhealthy state. If you see this message repeatedly, notify your external key store proxy administrator.",
		unreachable, invalidStore, notReachable,
	}
	// ErrCorrupt means that what a proxy calls the plaintext is not what was
	// encrypted, or its integrity value not that of its ciphertext.
	ErrCorrupt = &Failure{
		"The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid.",
		invalidResponse, invalidStore, badResponse,
	}
)

// failures are those that a proxy names itself, by its errorName.
var failures = map[string]*Failure{
	"ValidationException": ErrResponse,
	"InvalidStateException": {
		"The external key store proxy rejected the request because the external key is not enabled in the external key manager.",
		invalidResponse, invalidKey, badResponse,
	},
	"InvalidCiphertextException": {
		"The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is corrupted, missing, or otherwise invalid.",
		invalidResponse, invalidStore, badResponse,
	},
	"InvalidKeyUsageException": {
		"The external key store proxy rejected the request because the external key does not support the requested operation.",
		invalidResponse, invalidKey, badResponse,
	},
	"AuthenticationFailedException": {
		"The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the credentials for your external key store and update if necessary.",
		incorrectCredential, invalidStore, badCredentials,
	},
	"AccessDeniedException": {
		"The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.",
		invalidConfiguration, invalidStore, accessDenied,
	},
	"KeyNotFoundException": {
		"The external key store proxy rejected the request because it could not find the external key.",
		invalidResponse, keyNotFound, badResponse,
	},
	"InvalidUriPathException": {
		"The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your external key store and update if necessary.",
		invalidConfiguration, invalidStore, badConfiguration,
	},
	"ThrottlingException": {
		"The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls using KMS keys in this external key store.",
		unreachable, invalidStore, notReachable,
	},
	"InternalException": {
		"The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify that the external key store proxy configuration is correct and that the external key manager is available.",
		invalidResponse, invalidStore, badResponse,
	},
	"UnsupportedOperationException": {
		"The external key store proxy rejected the request because it does not support the requested cryptographic operation.",
		invalidResponse, invalidKey, badResponse,
	},
	"DependencyTimeoutException": {
		"The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.",
		unreachable, invalidStore, timedOut,
	},
}

// named returns the failure that a proxy names.
func named(errorName string) *Failure {
	if f := failures[errorName]; f != nil {
		return f
	}
	return ErrResponse
}
