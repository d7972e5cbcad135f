package app

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/internal/service/kms"
)

// tail reads the trail as the operator's command does.
func tail(t *testing.T, w *world) (string, error) {
	t.Helper()
	return tailOf(w.server)
}

func tailOf(s *server) (string, error) {
	server := httptest.NewServer(s.admin())
	defer server.Close()
	answer, err := http.Post(server.URL+"/audit/tail", "application/json", strings.NewReader(`{}`))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

// TestTailOfDamage: a trail that can't be read to its end does not look like a
// trail that ends there.
func TestTailOfDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	for range 3 {
		w.must(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{})
	}
	whole, err := tail(t, w)
	if err != nil || strings.Count(whole, `"CreateKey"`) != 3 {
		t.Fatalf("%v:\n%s", err, whole)
	}
	damage(t, filepath.Join(dir, trailDir))
	if rest, err := tail(t, w); err == nil {
		t.Errorf("a damaged trail was read as if it were whole:\n%s", rest)
	}
	if !strings.Contains(w.log.String(), "reading the trail") {
		t.Error("the log says nothing of it")
	}
	socket := filepath.Join(dir, socketFile)
	listener, err := listenAdmin(socket)
	if err != nil {
		t.Fatal(err)
	}
	operators := &http.Server{Handler: w.server.admin()}
	go func() { _ = operators.Serve(listener) }()
	defer operators.Close()
	c := &auditTailCommand{where: where{location: location{Data: dir, Store: "sqlite:"}, Socket: socket}}
	if err := c.Run(&environment{stdout: io.Discard}); err == nil || !strings.Contains(err.Error(), "a reason that its log has") {
		t.Errorf("the command says %v", err)
	}
}

// damage flips a bit in the middle of what the newest segment in dir holds.
func damage(t *testing.T, dir string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "*.trail"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	path := segments[len(segments)-1]
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(len(bytes.TrimRight(content, "\x00")) / 2)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{content[at] ^ 1}, at); err != nil {
		t.Fatal(err)
	}
}

// TestWhyACommandFailed: an operator is told the reason, or where it stands.
func TestWhyACommandFailed(t *testing.T) {
	t.Parallel()
	settings := common{Region: "us-east-1"}
	if err := settings.check(); err != nil {
		t.Fatal(err)
	}
	s, err := newMemoryServer(slog.New(slog.DiscardHandler), &settings, true, new(outside))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	if out, code := ask(t, s, "/backup", struct{}{}); code == http.StatusOK || !strings.Contains(out, errInMemory.Error()) {
		t.Errorf("a backup of memory: %d %s", code, out)
	}
	answer := httptest.NewRecorder()
	writeProblem(answer, errors.New("canary"))
	if out := answer.Body.String(); !strings.Contains(out, "log has its cause") || strings.Contains(out, "canary") {
		t.Errorf("a failure of the server's own: %s", out)
	}
}
