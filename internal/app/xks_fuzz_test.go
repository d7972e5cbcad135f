package app

import (
	"context"
	"encoding/json"
	"testing"
)

// FuzzProxyBody sends signed bodies to each call of an external key. Whatever
// they are, the answer is one of the interface, and none is an internal failure.
func FuzzProxyBody(f *testing.F) {
	p := newProvider(f)
	p.key("foo")
	g := p.w.door(f)
	for _, body := range []object{
		encryption([]byte("x")), encryption(nil), {"requestMetadata": object{}}, {"requestMetadata": metadata("CreateKey")},
		{"requestMetadata": metadata("Decrypt"), "ciphertext": "eA==", "initializationVector": "eA==", "authenticationTag": "eA==", "encryptionAlgorithm": "AES_GCM"},
	} {
		f.Add(encode(body))
	}
	statuses := map[int]bool{200: true, 400: true, 403: true, 501: true}
	f.Fuzz(func(t *testing.T, body []byte) {
		signer := *p
		signer.t = t
		for _, path := range []string{"health", "keys/foo/metadata", "keys/foo/encrypt", "keys/foo/decrypt"} {
			answer := g.Handle(context.Background(), signer.message(path, body))
			var fields map[string]any
			if err := json.Unmarshal(answer.Body, &fields); err != nil || !statuses[answer.Status] || (answer.Status == 200) == (fields["errorName"] != nil) {
				t.Errorf("%s: %d %s", path, answer.Status, answer.Body)
			}
		}
	})
}
