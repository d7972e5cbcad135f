package sealed

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestFormatPages compares the pages that specify the formats with the vectors and labels.
func TestFormatPages(t *testing.T) {
	t.Parallel()
	var ring keyringVectors
	readVectors(t, "testdata/keyring.json", &ring)
	header, account, row := ring.Headers[0], ring.AccountKeys[0], ring.Rows[0]
	page(t, "../../../docs/formats/keyring.md",
		[]octets{header.RootKey, header.Installation, header.MasterKey, header.N, header.IV, header.RootCheck, header.Header, account.AccountKey, account.Wrapped, row.Sealed},
		[]string{labelMessage, labelMaterial, labelImport, labelWaiting, labelRow, labelAccount, labelMaster, labelToken, labelSegment, labelRootCheck, labelMaterialID, labelSecret, labelHash, labelSigner})

	var file ciphertextVectors
	readVectors(t, "testdata/ciphertext.json", &file)
	message, whole := file.Message, file.Blobs[0]
	page(t, "../../../docs/formats/ciphertext.md",
		[]octets{message.Material, message.N, message.IV, message.Canonical, message.Key, message.Plaintext, message.Ciphertext, whole.MaterialID, whole.Keyspace, whole.Blob, unhex(t, twiceInner), unhex(t, twiceBlob)},
		[]string{labelMessage, labelMaterialID})
}

func page(t *testing.T, path string, vectors []octets, labels []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		labels = append(labels, hex.EncodeToString(v))
	}
	for _, want := range labels {
		if !strings.Contains(string(text), "`"+want+"`") && !strings.Contains(string(text), "\""+want+"\"") {
			t.Errorf("%s does not have %s", path, want)
		}
	}
}
