package app

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"claviger/internal/ground/attestation/attestationtest"
)

// TestAttestationRoot: an answer to an attested environment, from the setting to
// the bytes on the wire.
func TestAttestationRoot(t *testing.T) {
	t.Parallel()
	now := time.Now()
	authority := attestationtest.New(now, nil)
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, authority.RootFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := common{Region: "us-east-1", Attestation: file}
	if err := settings.check(); err != nil {
		t.Fatal(err)
	}
	s, err := newMemoryServer(slog.New(slog.DiscardHandler), &settings, true, new(outside))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	document := base64.StdEncoding.EncodeToString(authority.Document(now, attestationtest.PublicKey()))
	answer := s.gateway(&settings).Handle(t.Context(), sign(owner, "TrentService.GenerateRandom",
		`{"NumberOfBytes":32,"Recipient":{"KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256","AttestationDocument":"`+document+`"}}`, now))
	var members map[string][]byte
	if err := json.Unmarshal(answer.Body, &members); err != nil || answer.Status != 200 || len(members) != 1 {
		t.Fatalf("status %d: %s", answer.Status, answer.Body)
	}
	if plaintext, err := attestationtest.Open(members["CiphertextForRecipient"]); err != nil || len(plaintext) != 32 {
		t.Errorf("%v, %d bytes", err, len(plaintext))
	}
}

// TestWrongAttestationRoot: a setting that can't be used stops the start.
func TestWrongAttestationRoot(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".missing", filepath.Dir(empty)} {
		settings := common{Attestation: file}
		var wrong usageError
		if _, err := settings.attestation(); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if roots, err := (&common{}).attestation(); roots != nil || err != nil {
		t.Errorf("without the setting: %v, %v", roots, err)
	}
}
