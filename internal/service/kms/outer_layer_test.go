package kms_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/service/kms/xksproxytest"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// twoLayers is a world with a key in a connected external key store, and one
// that is in none.
func twoLayers(t *testing.T) (w *world, owner *actor, store string, key, plain kms.KeyMetadata) {
	t.Helper()
	w = newWorld(t)
	owner = w.root(home)
	store = owner.connectedKeyStore("outside", xksproxytest.Path)
	return w, owner, store, owner.storeKey(store, xksproxytest.Key), owner.createKey()
}

// TestStoredKeyEncrypts: what a key in an external key store encrypts, only both
// layers together decrypt.
func TestStoredKeyEncrypts(t *testing.T) {
	t.Parallel()
	w, owner, store, key, plain := twoLayers(t)
	additional := `{"customKeyStoreId":"` + store + `","xksKeyId":"` + xksproxytest.Key + `"}`
	for _, n := range []int{1, 32, 4095, 4096} {
		text := strings.Repeat("x", n)
		out := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret(text), EncryptionContext: kmstest.Context})
		w.recorded(`{"keyId":"`+key.KeyID+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"purpose":"sample"}}`, `null`, additional, ofKey(key))
		asked := lastOf(w.proxy.Bodies())
		for _, want := range []string{
			xksproxytest.Path + "/keys/" + xksproxytest.Key + "/encrypt ", `"kmsRequestId":"` + w.last.RequestID + `"`, `"kmsOperation":"Encrypt"`,
			`"awsPrincipalArn":"arn:aws:iam::` + home + `:root"`, `"kmsKeyArn":"` + key.ARN + `"`, `"ciphertextDataIntegrityValueAlgorithm":"SHA_256"`,
		} {
			if !strings.Contains(asked, want) {
				t.Errorf("the proxy was asked without %s", want)
			}
		}
		if strings.Contains(asked, base64.StdEncoding.EncodeToString([]byte(text))[:n]) && n > 16 || len(out.CiphertextBlob) > 6144 {
			t.Errorf("%d bytes: the proxy sees the plaintext, or the ciphertext has %d bytes", n, len(out.CiphertextBlob))
		}
		opened := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: kmstest.Context})
		w.recorded(`{"keyId":"`+key.ARN+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"purpose":"sample"}}`, `null`, additional, ofKey(key))
		if shown(opened.Plaintext) != text || opened.KeyID != key.ARN || opened.KeyMaterialID.Set {
			t.Errorf("%d bytes came back as %d, of %s", n, opened.Plaintext.Len(), opened.KeyID)
		}
		if asked := lastOf(w.proxy.Bodies()); !strings.Contains(asked, `"kmsOperation":"Decrypt"`) || !strings.Contains(asked, "/decrypt ") {
			t.Errorf("the proxy was asked %.200s", asked)
		}
		owner.refused(&kms.DecryptInput{CiphertextBlob: out.CiphertextBlob}, kms.InvalidState,
			"The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is corrupted, missing, or otherwise invalid.")
		owner.refused(&kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, KeyID: str(plain.KeyID), EncryptionContext: kmstest.Context}, kms.IncorrectKey,
			"The key ID in the request does not identify a CMK that can perform this operation.")
	}
	// A ciphertext of one layer that names the key, and one of two that names another, are nobody's.
	blob := owner.encrypt(plain.KeyID, "hello")
	twice := owner.encrypt(key.KeyID, "hello")
	mixed := append(bytes.Clone(twice[:100]), blob[100:]...)
	owner.refused(&kms.DecryptInput{CiphertextBlob: mixed}, kms.InvalidCiphertext, "")
	once := bytes.Clone(twice)
	once[5] = 1
	owner.refused(&kms.DecryptInput{CiphertextBlob: once}, kms.InvalidCiphertext, "")
	marked := bytes.Clone(blob)
	marked[5] = 2
	owner.refused(&kms.DecryptInput{CiphertextBlob: marked}, kms.InvalidCiphertext, "")
}

func lastOf(list []string) string { return list[len(list)-1] }

// TestStoredKeyMakesDataKeys, re-encrypts in every direction, and does no more.
func TestStoredKeyMakesDataKeys(t *testing.T) {
	t.Parallel()
	w, owner, store, key, plain := twoLayers(t)
	other := owner.storeKey(store, xksproxytest.OtherKey)
	whole := must[kms.GenerateDataKeyOutput](owner, &kms.GenerateDataKeyInput{KeyID: str(key.KeyID), KeySpec: str("AES_256")})
	if !strings.Contains(lastOf(w.proxy.Bodies()), `"kmsOperation":"GenerateDataKey"`) || whole.KeyMaterialID.Set {
		t.Error("the proxy was asked for another operation, or the answer names half a material")
	}
	if got := owner.decrypt(whole.CiphertextBlob); got != shown(whole.Plaintext) || len(got) != 32 {
		t.Errorf("a data key of %d bytes came back as another", len(got))
	}
	bare := must[kms.GenerateDataKeyWithoutPlaintextOutput](owner, &kms.GenerateDataKeyWithoutPlaintextInput{KeyID: str(key.KeyID), NumberOfBytes: optional.Some(1024)})
	if got := owner.decrypt(bare.CiphertextBlob); len(got) != 1024 {
		t.Errorf("a data key of 1024 bytes came back with %d", len(got))
	}
	blob := owner.encrypt(plain.KeyID, "hello")
	from := plain
	for _, to := range []kms.KeyMetadata{key, other, other, plain, plain} {
		out := must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(to.KeyID)})
		if out.KeyID != to.ARN || out.SourceKeyID != from.ARN || out.DestinationKeyMaterialID.Set != (to.KeyID == plain.KeyID) || out.SourceKeyMaterialID.Set != (from.KeyID == plain.KeyID) {
			t.Errorf("from %s to %s: %+v", from.KeyID, to.KeyID, out)
		}
		blob, from = out.CiphertextBlob, to
		if got := owner.decrypt(blob); got != "hello" {
			t.Errorf("re-encrypted to %s: %q", to.KeyID, got)
		}
	}
	// A dry run asks nobody.
	asked := len(w.proxy.Bodies())
	owner.refused(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), DryRun: optional.Some(true)}, fault.DryRunOperation,
		"The request would have succeeded, but the DryRun option is set.")
	if len(w.proxy.Bodies()) != asked {
		t.Error("a dry run asked the proxy")
	}
	owner.disconnect(store)
	owner.refused(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, kms.InvalidState, key.ARN+" is unavailable.")
	owner.refused(&kms.DecryptInput{CiphertextBlob: whole.CiphertextBlob}, kms.InvalidState, key.ARN+" is unavailable.")
	if len(w.proxy.Bodies()) != asked {
		t.Error("the proxy of a disconnected store was asked")
	}
	owner.connect(store)
	if got := owner.decrypt(whole.CiphertextBlob); got != shown(whole.Plaintext) {
		t.Error("a data key came back as another once the store was connected again")
	}
}

// TestProxyFailures: what becomes of everything that a proxy may say, or that may
// happen on the way to it: the code of operations on the store, of CreateKey, of
// the use of a key, and the ConnectionErrorCode.
// https://docs.aws.amazon.com/kms/latest/developerguide/xks-troubleshooting.html
func TestProxyFailures(t *testing.T) {
	t.Parallel()
	const (
		unreachable = "XksProxyUriUnreachableException"
		response    = "XksProxyInvalidResponseException"
		config      = "XksProxyInvalidConfigurationException"
		credential  = "XksProxyIncorrectAuthenticationCredentialException"
		state       = "CustomKeyStoreInvalidStateException"
		invalidKey  = "XksKeyInvalidConfigurationException"
		noKey       = "XksKeyNotFoundException"
	)
	type failure struct {
		status     int
		name       string
		err        error
		store, key fault.Code
		connection string
		text       string // begins so
	}
	cases := []failure{
		{400, "ValidationException", nil, response, state, "XKS_PROXY_INVALID_RESPONSE", "AWS KMS cannot interpret the response"},
		{400, "InvalidStateException", nil, response, invalidKey, "XKS_PROXY_INVALID_RESPONSE", "The external key store proxy rejected the request because the external key is not enabled"},
		{400, "InvalidKeyUsageException", nil, response, invalidKey, "XKS_PROXY_INVALID_RESPONSE", "The external key store proxy rejected the request because the external key does not support"},
		{401, "AuthenticationFailedException", nil, credential, state, "INVALID_CREDENTIALS", "The external key store proxy rejected the request because it could not authenticate AWS KMS."},
		{403, "AccessDeniedException", nil, config, state, "XKS_PROXY_ACCESS_DENIED", "The external key store proxy denied access to the operation."},
		{404, "KeyNotFoundException", nil, response, noKey, "XKS_PROXY_INVALID_RESPONSE", "The external key store proxy rejected the request because it could not find the external key."},
		{404, "InvalidUriPathException", nil, config, state, "XKS_PROXY_INVALID_CONFIGURATION", "The external key store proxy rejected the request because of an invalid URI path."},
		{429, "ThrottlingException", nil, unreachable, state, "XKS_PROXY_NOT_REACHABLE", "The external key store proxy rejected the request due to a very high request rate."},
		{500, "InternalException", nil, response, state, "XKS_PROXY_INVALID_RESPONSE", "The external key store proxy rejected the request because it cannot communicate with the external key manager."},
		{501, "UnsupportedOperationException", nil, response, invalidKey, "XKS_PROXY_INVALID_RESPONSE", "The external key store proxy rejected the request because it does not support"},
		{503, "DependencyTimeoutException", nil, unreachable, state, "XKS_PROXY_TIMED_OUT", "The external key store proxy did not respond to the request in the time allotted."},
		{400, "SomethingNew", nil, response, state, "XKS_PROXY_INVALID_RESPONSE", "AWS KMS cannot interpret the response"},
		{302, "ValidationException", nil, response, state, "XKS_PROXY_INVALID_RESPONSE", "AWS KMS cannot interpret the response"},
		{err: xksproxy.ErrTimeout, store: unreachable, key: state, connection: "XKS_PROXY_TIMED_OUT", text: "AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator"},
		{err: xksproxy.ErrUnreachable, store: unreachable, key: state, connection: "XKS_PROXY_NOT_REACHABLE", text: "AWS KMS cannot communicate with the external key store proxy."},
		{err: xksproxy.ErrTLS, store: unreachable, key: state, connection: "XKS_PROXY_INVALID_TLS_CONFIGURATION", text: "AWS KMS cannot establish a TLS connection"},
		{err: xksproxy.ErrResponse, store: response, key: state, connection: "XKS_PROXY_INVALID_RESPONSE", text: "AWS KMS cannot interpret the response"},
		{err: fmt.Errorf("something else"), store: unreachable, key: state, connection: "XKS_PROXY_NOT_REACHABLE", text: "AWS KMS cannot communicate with the external key store proxy."},
	}
	w, owner, store, key, _ := twoLayers(t)
	idle := owner.createKeyStore("idle", "/idle/kms/xks/v1")
	blob := owner.encrypt(key.KeyID, "hello")
	for i, c := range cases {
		w.proxy.Twist(func(string, int, []byte) (int, []byte, error) {
			if c.err != nil {
				return 0, nil, c.err
			}
			return c.status, []byte(`{"errorName":"` + c.name + `","errorMessage":"words of the proxy's own"}`), nil
		})
		fails := func(in any, code fault.Code) {
			t.Helper()
			_, err := owner.do(in)
			if f := fault.From(err); err == nil || f.Code != code || !strings.HasPrefix(f.Message, c.text) || strings.Contains(f.Message, "words of") {
				t.Errorf("%d %s: %T fails with %v", i, c.name, in, err)
			}
		}
		create := kmstest.KeyStore("new")
		create.XksProxyURIPath = str("/new/kms/xks/v1")
		fails(create, c.store)
		fails(&kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: str(store), XksProxyURIPath: str("/moved/kms/xks/v1")}, c.store)
		fails(inStore(store, xksproxytest.OtherKey), c.key)
		for _, in := range []any{
			&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")},
			&kms.DecryptInput{CiphertextBlob: blob},
			&kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(key.KeyID)},
			&kms.GenerateDataKeyInput{KeyID: str(key.KeyID), KeySpec: str("AES_256")},
			&kms.GenerateDataKeyWithoutPlaintextInput{KeyID: str(key.KeyID), KeySpec: str("AES_128")},
		} {
			fails(in, kms.InvalidState)
		}
		owner.connect(idle)
		owner.connection(idle, "FAILED", c.connection)
		owner.disconnect(idle)
	}
	if len(cases) != 18 {
		t.Errorf("%d cases", len(cases))
	}
	w.proxy.Twist(func(path string, _ int, answer []byte) (int, []byte, error) {
		return 200, []byte(strings.ReplaceAll(string(answer), "ACTIVE", "UNAVAILABLE")), nil
	})
	owner.refused(kmstest.KeyStore("unhealthy path"), kms.XksProxyURIInUse, "The external key store proxy URI "+xksproxytest.Endpoint+xksproxytest.Path+" is already in use.")
	in := kmstest.KeyStore("unhealthy")
	in.XksProxyURIPath = str("/unhealthy/kms/xks/v1")
	owner.refused(in, unreachable, "The external key store proxy is in an unhealthy state. If you see this message repeatedly, notify your external key store proxy administrator.")
	owner.connect(idle)
	owner.connection(idle, "FAILED", "XKS_PROXY_NOT_REACHABLE")
}

// TestHostileProxy: whatever a proxy puts in the place of an answer, nothing but
// the plaintext comes out, and what it vouches for is checked.
func TestHostileProxy(t *testing.T) {
	t.Parallel()
	w, owner, store, key, _ := twoLayers(t)
	other := owner.storeKey(store, xksproxytest.OtherKey)
	blob, otherBlob := owner.encrypt(key.KeyID, "hello"), owner.encrypt(other.KeyID, "jello")
	const malformed = "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, consult your external key store proxy administrator."
	const corrupt = "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid."
	change := func(member string, to func([]byte) any) func(string, int, []byte) (int, []byte, error) {
		return func(_ string, status int, answer []byte) (int, []byte, error) {
			var m map[string]any
			if err := json.Unmarshal(answer, &m); err != nil {
				return 0, nil, err
			}
			text, _ := m[member].(string)
			old, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return 0, nil, err
			}
			if m[member] = to(old); m[member] == nil {
				delete(m, member)
			}
			b, err := json.Marshal(m)
			return status, b, err
		}
	}
	longer := func(b []byte) any { return append(b, 0) }
	shorter := func(b []byte) any { return b[1:] }
	flipped := func(b []byte) any { b[0] ^= 1; return b }
	gone := func([]byte) any { return nil }
	sized := func(n int) func([]byte) any { return func([]byte) any { return make([]byte, n) } }
	encrypt := &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("hello")}
	decrypt := &kms.DecryptInput{CiphertextBlob: blob}
	cases := 0
	for member, twists := range map[string]map[string]func([]byte) any{
		"ciphertext":                   {malformed: longer, malformed + " ": shorter, corrupt: flipped, malformed + "  ": gone},
		"initializationVector":         {malformed: sized(11), malformed + " ": sized(13), malformed + "  ": sized(15), malformed + "   ": sized(17), malformed + "    ": gone, corrupt: flipped},
		"authenticationTag":            {malformed: sized(15), malformed + " ": sized(17), malformed + "  ": gone, corrupt: flipped},
		"ciphertextMetadata":           {malformed: sized(21), corrupt: flipped, corrupt + " ": gone},
		"ciphertextDataIntegrityValue": {corrupt: flipped, corrupt + " ": gone, corrupt + "  ": sized(31), corrupt + "   ": func(b []byte) any { return base64.URLEncoding.EncodeToString(append(b, 0xff, 0xff, 0xff)) }},
	} {
		for text, to := range twists {
			w.proxy.Twist(change(member, to))
			want := strings.TrimRight(text, " ")
			if strings.HasSuffix(text, "   ") && member == "ciphertextDataIntegrityValue" {
				want = malformed // not the alphabet of the protocol
			}
			owner.refused(encrypt, kms.InvalidState, want)
			cases++
		}
	}
	for text, to := range map[string]func([]byte) any{malformed: longer, malformed + " ": shorter, corrupt: flipped, malformed + "  ": gone} {
		w.proxy.Twist(change("plaintext", to))
		owner.refused(decrypt, kms.InvalidState, strings.TrimRight(text, " "))
		cases++
	}
	for _, answer := range []string{"", "{", "[]", `""`, "<html><body>502 Bad Gateway</body></html>", `{"plaintext":1}`, strings.Repeat(" ", xksproxy.AnswerMax) + "{}", `{"plaintext":"aGVs\nbG8="}`} {
		for _, status := range []int{200, 500} {
			w.proxy.Twist(func(string, int, []byte) (int, []byte, error) { return status, []byte(answer), nil })
			owner.refused(encrypt, kms.InvalidState, malformed)
			owner.refused(decrypt, kms.InvalidState, malformed)
			cases++
		}
	}
	if cases != 21+4+16 {
		t.Errorf("%d cases", cases)
	}
	// Another key's plaintext of the same length.
	var stolen []byte
	w.proxy.Twist(func(_ string, status int, answer []byte) (int, []byte, error) {
		stolen = bytes.Clone(answer)
		return status, answer, nil
	})
	if got := owner.decrypt(otherBlob); got != "jello" {
		t.Fatalf("decrypted %q", got)
	}
	w.proxy.Twist(func(_ string, status int, _ []byte) (int, []byte, error) { return status, stolen, nil })
	owner.refused(decrypt, kms.InvalidState, corrupt)
	w.proxy.Twist(nil)
	if got := owner.decrypt(blob); got != "hello" {
		t.Errorf("decrypted %q in the end", got)
	}
}

// TestContextOfTwoLayers: a context of the greatest size still works, and a key
// of somebody else's is of no use.
func TestContextOfTwoLayers(t *testing.T) {
	t.Parallel()
	w, owner, _, key, _ := twoLayers(t)
	context := pairs.Of(map[string]string{"name": strings.Repeat("v", 8192-2-4-4)})
	in := &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret(strings.Repeat("x", 4096)), EncryptionContext: context}
	blob := must[kms.EncryptOutput](owner, in).CiphertextBlob
	out := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context})
	if out.Plaintext.Len() != 4096 {
		t.Errorf("%d bytes came back", out.Plaintext.Len())
	}
	if _, err := w.user(abroad, "stranger", everything).do(&kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("a stranger decrypts: %v", err)
	}
}

// TestStoredKeyDoesNoMore: what a key in a custom key store has no use for.
func TestStoredKeyDoesNoMore(t *testing.T) {
	t.Parallel()
	_, owner, _, key, _ := twoLayers(t)
	id := str(key.KeyID)
	for _, in := range []any{
		&kms.EnableKeyRotationInput{KeyID: id},
		&kms.DisableKeyRotationInput{KeyID: id},
		&kms.GetKeyRotationStatusInput{KeyID: id},
		&kms.ListKeyRotationsInput{KeyID: id},
		&kms.RotateKeyOnDemandInput{KeyID: id},
	} {
		owner.refused(in, fault.UnsupportedOperation, "")
	}
	for _, in := range []any{
		&kms.GetParametersForImportInput{KeyID: id, WrappingAlgorithm: str("RSAES_OAEP_SHA_256"), WrappingKeySpec: str("RSA_2048")},
		&kms.DeleteImportedKeyMaterialInput{KeyID: id},
		&kms.GenerateDataKeyPairInput{KeyID: id, KeyPairSpec: str("ECC_NIST_P256")},
		&kms.GenerateDataKeyPairWithoutPlaintextInput{KeyID: id, KeyPairSpec: str("ECC_NIST_P256")},
	} {
		owner.refused(in, fault.UnsupportedOperation, key.ARN+" origin is EXTERNAL_KEY_STORE which is not valid for this operation.")
	}
}
