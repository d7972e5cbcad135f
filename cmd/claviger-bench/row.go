package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A row is one kind of call to measure.
type row struct {
	name      string
	operation string
	durable   bool
	required  float64 // ratio to the null server's calls per second; 0 if nothing is required

	// body appends the body of the nth call.
	body func(dst []byte, w *world, n uint64) []byte

	// verify checks the answer to the nth call.
	verify func(w *world, n uint64, answer []byte) error
}

// rows are what is measured, in the order in which it is printed.
var rows = []row{
	encryptRow("Encrypt 32 B", 32, false, 0.35),
	encryptRow("Encrypt 32 B, durable", 32, true, 0.30),
	encryptRow("Encrypt 4 KiB", 4096, false, 0),
	decryptRow,
	dataKeyRow,
}

func encryptRow(name string, size int, durable bool, required float64) row {
	return row{
		name: name, operation: "Encrypt", durable: durable, required: required,
		body: func(dst []byte, w *world, n uint64) []byte {
			key := int(n % uint64(len(w.keys)))
			return fmt.Appendf(dst, `{"KeyId":"%s","Plaintext":"%s","EncryptionContext":%s}`,
				w.keys[key], encode(message(n, size)), encryptionContext(key))
		},
		verify: func(w *world, n uint64, answer []byte) error {
			var a struct{ CiphertextBlob string }
			if err := json.Unmarshal(answer, &a); err != nil {
				return err
			}
			return compare(w, int(n%uint64(len(w.keys))), a.CiphertextBlob, message(n, size))
		},
	}
}

// sealedMessages is how many ciphertexts the calls of Decrypt take in turn: the
// requests differ all the same.
const sealedMessages = 2000

var decryptRow = row{
	name: "Decrypt 32 B", operation: "Decrypt",
	body: func(dst []byte, w *world, n uint64) []byte {
		s := &w.ciphertext[n%uint64(len(w.ciphertext))]
		return fmt.Appendf(dst, `{"CiphertextBlob":"%s","EncryptionContext":%s}`, s.blob, encryptionContext(s.key))
	},
	verify: func(w *world, n uint64, answer []byte) error {
		s := &w.ciphertext[n%uint64(len(w.ciphertext))]
		var a struct{ Plaintext []byte }
		if err := json.Unmarshal(answer, &a); err != nil {
			return err
		}
		if !bytes.Equal(a.Plaintext, message(s.n, s.size)) {
			return fmt.Errorf("decrypted another message")
		}
		return nil
	},
}

var dataKeyRow = row{
	name: "GenerateDataKey", operation: "GenerateDataKey",
	body: func(dst []byte, w *world, n uint64) []byte {
		key := int(n % uint64(len(w.keys)))
		return fmt.Appendf(dst, `{"KeyId":"%s","KeySpec":"AES_256","EncryptionContext":%s}`, w.keys[key], encryptionContext(key))
	},
	verify: func(w *world, n uint64, answer []byte) error {
		var a struct {
			CiphertextBlob string
			Plaintext      []byte
		}
		if err := json.Unmarshal(answer, &a); err != nil {
			return err
		}
		if len(a.Plaintext) != 32 {
			return fmt.Errorf("data key of %d bytes", len(a.Plaintext))
		}
		return compare(w, int(n%uint64(len(w.keys))), a.CiphertextBlob, a.Plaintext)
	},
}

// compare opens a blob and compares what was in it.
func compare(w *world, key int, blob string, want []byte) error {
	got, err := w.open(key, blob)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("a message of %d bytes came back as another of %d", len(want), len(got))
	}
	return nil
}
