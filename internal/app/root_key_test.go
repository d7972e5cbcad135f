package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres/postgrestest"
)

// initialised makes a server's data directory.
func initialised(t *testing.T) *location {
	t.Helper()
	l := &location{Data: filepath.Join(t.TempDir(), "data"), Store: "sqlite:"}
	if _, err := l.initialise(t.Context(), owner, rootCredentials{}, quiet); err != nil {
		t.Fatal(err)
	}
	return l
}

// serverOf opens the server of a data directory. It is closed by the caller.
func serverOf(t *testing.T, l *location, change func(*foundations)) *server {
	t.Helper()
	f, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quiet(&f)
	change(&f)
	s, err := newServer(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func unchanged(*foundations) {}

func (s *server) mustClose(t *testing.T) {
	t.Helper()
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opens reports whether a root key opens what a stopped server has.
func opens(t *testing.T, l *location, key []byte) bool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "root.key")
	if err := os.WriteFile(file, key, 0o400); err != nil {
		t.Fatal(err)
	}
	f, err := (&location{Data: l.Data, Store: l.Store, RootKey: "file:" + file}).open(t.Context())
	if err == nil {
		return f.driver.Close() == nil
	}
	if !errors.Is(err, sealed.ErrRootKey) {
		t.Error(err)
	}
	return false
}

// TestRotationInterrupted stops a rotation in place at each of its steps. Until
// the commit the old root key opens the store, from then on the new one, at every
// point exactly one of them; and the next start settles the rest.
func TestRotationInterrupted(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"key begun", "key made", "committed", "kept", "in place", "truncated"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			l := initialised(t)
			file := filepath.Join(l.Data, rootKeyFile)
			old := content(t, file)
			header := interruptRotation(t, l, at)
			committed := at != "key begun" && at != "key made"
			if opens(t, l, old) == committed {
				t.Errorf("the old root key opens the store: %v", !committed)
			}
			s := serverOf(t, l, unchanged)
			s.rootKeys.mu.Lock()
			if err := s.rootKeys.settleSoon(t.Context()); err != nil { // or the server has
				t.Error(err)
			}
			status, err := s.rootKeys.status(t.Context(), nil)
			s.rootKeys.mu.Unlock()
			if err != nil || status.Rotation != nil {
				t.Errorf("%+v, %v", status, err)
			}
			s.mustClose(t)
			now := content(t, file)
			if !opens(t, l, now) || opens(t, l, old) == committed || bytes.Equal(now, old) == committed {
				t.Errorf("settled: the new root key opens %v, the old one %v", opens(t, l, now), opens(t, l, old))
			}
			if _, err := os.Stat(file + ".next"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the successor's place: %v", err)
			}
			if begun, err := filepath.Glob(filepath.Join(l.Data, ".root.key*")); err != nil || len(begun) != 0 {
				t.Errorf("what was begun is left: %v, %v", begun, err)
			}
			kept, _ := filepath.Glob(file + ".*")
			if committed && (len(kept) != 1 || !bytes.Equal(content(t, kept[0]), old)) {
				t.Errorf("kept %v", kept)
			}
			if committed && holds(t, l.Data, header) {
				t.Error("the old header is left in the files")
			}
		})
	}
}

// interruptRotation does the steps of a rotation up to one, and returns the header
// of before.
func interruptRotation(t *testing.T, l *location, at string) (header []byte) {
	t.Helper()
	ctx := t.Context()
	f, err := l.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.driver.Close(); err != nil {
			t.Error(err)
		}
	}()
	header, err = f.driver.Meta(ctx, metaKeyring)
	if err != nil {
		t.Fatal(err)
	}
	about, err := sealed.Describe(header)
	if err != nil {
		t.Fatal(err)
	}
	if at == "key begun" {
		if err := os.WriteFile(filepath.Join(l.Data, ".root.key.next.new"), make([]byte, 16), 0o400); err != nil {
			t.Fatal(err)
		}
		return header
	}
	key, params, err := f.rootKey.Next().Draw()
	if err != nil {
		t.Fatal(err)
	}
	if at == "key made" {
		return header
	}
	path, _ := f.rootKey.File()
	note := &rootKeyNote{Version: rootKeyNoteVersion, Rotation: &rotation{
		ID: "id", From: about.Fingerprint, To: key.Fingerprint(about.Installation), Source: "file", OldFile: path, InPlace: true, KeepOld: true,
	}}
	putValues(t, f, map[string][]byte{metaKeyring: f.keyring.Rewrap(key), metaRootParams: params, metaRootKey: note.encode()})
	switch at {
	case "kept":
		err = os.Link(path, path+"."+about.Fingerprint)
	case "in place", "truncated":
		err = f.rootKey.Succeed(path + "." + about.Fingerprint)
	}
	if err == nil && at == "truncated" {
		err = f.driver.(driver.Keeper).Truncate(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return header
}

// putValues stores values as a server would.
func putValues(t *testing.T, f foundations, values map[string][]byte) {
	t.Helper()
	s, err := store.Open(t.Context(), f.driver, store.Options{Tables: tables(), Sealer: f.keyring})
	if err == nil {
		err = s.PutMeta(t.Context(), values)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// holds reports whether a file in a directory has what only this header has: N,
// the IV and the wrapped key.
func holds(t *testing.T, dir string, header []byte) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "store.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		if bytes.Contains(content(t, file), header[61:137]) {
			return true
		}
	}
	return false
}

// losing is a database whose answer to the next PutMeta of a header is lost. With
// away it answers nothing from then on until that is false again.
type losing struct {
	driver.Driver
	armed, applied bool
	failed         error
	away, gone     bool
}

func (l *losing) Meta(ctx context.Context, key string) ([]byte, error) {
	if l.gone {
		return nil, store.ErrUnavailable
	}
	return l.Driver.Meta(ctx, key)
}

func (l *losing) PutMeta(ctx context.Context, values map[string][]byte, roll driver.Roll) error {
	if _, header := values[metaKeyring]; !header || !l.armed {
		return l.Driver.PutMeta(ctx, values, roll)
	}
	l.armed, l.gone = false, l.away
	if l.applied {
		if err := l.Driver.PutMeta(ctx, values, roll); err != nil {
			return err
		}
	}
	return l.failed
}

// TestRotationUnknown: a commit of which nobody knows is looked up.
func TestRotationUnknown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		applied bool
		failed  error
	}{{true, store.ErrIndeterminate}, {false, store.ErrIndeterminate}, {false, store.ErrUnavailable}} {
		l := initialised(t)
		file := filepath.Join(l.Data, rootKeyFile)
		old := content(t, file)
		lost := &losing{applied: c.applied, failed: c.failed}
		s := serverOf(t, l, func(f *foundations) { lost.Driver, f.driver = f.driver, lost })
		lost.armed = true
		_, err := s.rootKeys.change(t.Context(), &rootKeyRotateRequest{})
		if (err == nil) != c.applied || err != nil && !errors.Is(err, c.failed) {
			t.Errorf("%v, applied %v: %v", c.failed, c.applied, err)
		}
		s.mustClose(t)
		now := content(t, file)
		if bytes.Equal(now, old) == c.applied || !opens(t, l, now) {
			t.Errorf("%v, applied %v: the key in place opens %v", c.failed, c.applied, opens(t, l, now))
		}
		// The next try has no trouble with what this one left.
		s = serverOf(t, l, unchanged)
		if _, err := s.rootKeys.change(t.Context(), &rootKeyRotateRequest{}); err != nil {
			t.Error(err)
		}
		s.mustClose(t)
		if opens(t, l, now) || !opens(t, l, content(t, file)) {
			t.Error("the second rotation did not do what it says")
		}
	}
}

// TestRotationInDoubt: the database is away before anybody knows whether the root
// key was replaced. When it is back the server goes on with what is true.
func TestRotationInDoubt(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{true, false} {
		l := initialised(t)
		old := content(t, filepath.Join(l.Data, rootKeyFile))
		to := filepath.Join(t.TempDir(), "new")
		lost := &losing{applied: applied, failed: store.ErrIndeterminate, away: true}
		s := serverOf(t, l, func(f *foundations) { lost.Driver, f.driver = f.driver, lost })
		s.settleOnce(t.Context()) // so that what goes on in the background has nothing to do meanwhile
		s.rootKeys.mu.Lock()
		lost.armed = true
		source, err := parseSource("file:" + to)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.rootKeys.rotate(t.Context(), source, false, true); err == nil || !strings.Contains(err.Error(), "not known") {
			t.Errorf("applied %v: %v", applied, err)
		}
		lost.gone = false
		s.rootKeys.mu.Unlock()
		s.settleOnce(t.Context())

		s.rootKeys.mu.Lock()
		status, err := s.rootKeys.status(t.Context(), s.rootKeys.problem)
		s.rootKeys.mu.Unlock()
		want := "file:" + filepath.Join(l.Data, rootKeyFile)
		if applied {
			want = "file:" + to
		}
		if err != nil || status.Source != want || status.Rotation != nil || status.Reseal != nil || (s.rootKeys.progress.sealed.Load() > 0) != applied {
			t.Errorf("applied %v: %+v, %d rows sealed anew, %v", applied, status, s.rootKeys.progress.sealed.Load(), err)
		}
		if _, err := s.rootKeys.change(t.Context(), &rootKeyRotateRequest{}); err != nil {
			t.Errorf("applied %v, the next rotation: %v", applied, err)
		}
		s.mustClose(t)
		last, err := os.ReadFile(strings.TrimPrefix(want, "file:"))
		if err != nil || !opens(t, l, last) || opens(t, l, old) {
			t.Errorf("applied %v: the last root key opens the store: %v", applied, err)
		}
	}
}

// TestRotationOfLongAgo: a store that was put back has the note of a rotation that
// was settled long ago. Where its files were, other keys are now.
func TestRotationOfLongAgo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, inPlace := range []bool{true, false} {
		l := initialised(t)
		file := filepath.Join(dir, fmt.Sprintf("root.key-%v", inPlace))
		for _, path := range []string{file, file + ".next"} {
			source, err := parseSource("file:" + path)
			if err == nil {
				_, _, err = source.Create(t.Context(), "")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		was, next := content(t, file), content(t, file+".next")
		f, err := l.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		note := &rootKeyNote{Version: rootKeyNoteVersion, Rotation: &rotation{
			ID: "id", From: "0000000000000001", To: "0000000000000002", Source: "file", OldFile: file, InPlace: inPlace,
		}}
		putValues(t, f, map[string][]byte{metaRootKey: note.encode()})
		if err := f.driver.Close(); err != nil {
			t.Fatal(err)
		}
		s := serverOf(t, l, unchanged)
		s.rootKeys.mu.Lock()
		err = s.rootKeys.settleSoon(t.Context())
		s.rootKeys.mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		s.mustClose(t)
		if !bytes.Equal(content(t, file), was) || !bytes.Equal(content(t, file+".next"), next) {
			t.Errorf("in place %v: another server's keys were touched", inPlace)
		}
	}
}

// TestRotationBetweenSources takes a store from a file to a passphrase and on to
// other files, over the admin socket's requests.
func TestRotationBetweenSources(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	dir := t.TempDir()
	secret := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, one := filepath.Join(l.Data, rootKeyFile), secret("one", "correct horse\n", 0o600)
	brought, open := secret("brought", strings.Repeat("k", 32), 0o400), secret("open", strings.Repeat("o", 32), 0o444)
	old := content(t, first)
	s := serverOf(t, l, unchanged)
	rotate := func(want string, in rootKeyRotateRequest) {
		t.Helper()
		out, code := ask(t, s, "/root-key/rotate", in)
		if (code == http.StatusOK) != (want == "") || !strings.Contains(out, want) {
			t.Errorf("%+v: %d %s, want %q", in.To, code, out, want)
		}
	}
	rotate("source not understood", rootKeyRotateRequest{To: "disk:x"})
	rotate("can't ask", rootKeyRotateRequest{To: "prompt"})
	rotate("there is no file", rootKeyRotateRequest{To: "passphrase-file:" + filepath.Join(dir, "none")})
	rotate("chmod 0400", rootKeyRotateRequest{To: "file:" + open})
	rotate("at least 8 characters", rootKeyRotateRequest{Passphrase: []byte("seven77")})
	if !bytes.Equal(content(t, first), old) {
		t.Fatal("a refused rotation changed the root key")
	}
	rotate("", rootKeyRotateRequest{To: "passphrase-file:" + one})
	if _, err := os.Stat(first); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old file: %v", err)
	}
	rotate("passphrase of now", rootKeyRotateRequest{Passphrase: []byte("correct horse")})
	rotate("say where the new passphrase comes from", rootKeyRotateRequest{})
	rotate("", rootKeyRotateRequest{To: "file:" + brought, KeepOld: true})
	rotate("", rootKeyRotateRequest{KeepOld: true})
	if kept, _ := filepath.Glob(brought + ".*"); len(kept) != 1 || string(content(t, kept[0])) != strings.Repeat("k", 32) {
		t.Errorf("kept %v", kept)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(brought, link); err != nil {
		t.Fatal(err)
	}
	rotate("holds the root key of now", rootKeyRotateRequest{To: "file:" + link})
	if out, code := ask(t, s, "/root-key/status", rootKeyStatusRequest{}); code != http.StatusOK || !strings.Contains(out, "file:"+brought) || strings.Contains(out, `"Rotation"`) {
		t.Errorf("status: %d %s", code, out)
	}
	s.mustClose(t)
	if opens(t, l, old) || !opens(t, l, content(t, brought)) {
		t.Error("another key opens the store than should")
	}
	l.RootKey = "file:" + link
	s = serverOf(t, l, unchanged)
	if out, code := ask(t, s, "/root-key/rotate", rootKeyRotateRequest{}); code == http.StatusOK || !strings.Contains(out, "symbolic link") {
		t.Errorf("in place of a link: %d %s", code, out)
	}
	s.mustClose(t)
}

// TestOldFileStays: that the old file can't be removed is said until it can, and
// keeps the rotation from nothing else.
func TestOldFileStays(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	file, old := filepath.Join(l.Data, rootKeyFile), filepath.Join(t.TempDir(), "old")
	s := serverOf(t, l, unchanged)
	header, err := s.store.Meta(t.Context(), metaKeyring)
	if err = errors.Join(err, os.Rename(file, old), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "new")
	for range 2 { // the second time it is settled before anything else is done
		out, code := ask(t, s, "/root-key/rotate", rootKeyRotateRequest{To: "file:" + to})
		if !strings.Contains(out, "is not a regular file") || (code == http.StatusOK) != strings.Contains(out, `"Rotation"`) {
			t.Errorf("%d %s", code, out)
		}
	}
	if opens := opensHeader(t, s, old); opens || holds(t, l.Data, header) {
		t.Errorf("the old root key opens %v, and the old header is left: %v", opens, holds(t, l.Data, header))
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s.rootKeys.mu.Lock()
	err = s.rootKeys.settle(t.Context())
	s.rootKeys.mu.Unlock()
	if out, _ := ask(t, s, "/root-key/status", rootKeyStatusRequest{}); err != nil || strings.Contains(out, `"Rotation"`) {
		t.Errorf("%v: %s", err, out)
	}
	records, err := tailOf(s)
	if err != nil || strings.Count(records, "RootKeyRotated") != 1 {
		t.Errorf("%v, the trail:\n%s", err, records)
	}
	s.mustClose(t)
}

// TestRotationOfLentKey: the new key comes to the name of the old one, which the
// server could not remove, as it does where a service manager lends the root key.
func TestRotationOfLentKey(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	file, to := filepath.Join(l.Data, rootKeyFile), filepath.Join(t.TempDir(), "new")
	s := serverOf(t, l, unchanged)
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil { // is not to be removed
		t.Fatal(err)
	}
	if out, code := ask(t, s, "/root-key/rotate", rootKeyRotateRequest{To: "file:" + to}); code != http.StatusOK || !strings.Contains(out, `"Rotation"`) {
		t.Errorf("%d %s", code, out)
	}
	s.mustClose(t)
	if err := errors.Join(os.Remove(file), os.WriteFile(file, content(t, to), 0o400)); err != nil {
		t.Fatal(err)
	}
	s = serverOf(t, l, unchanged)
	s.settleOnce(t.Context())
	if out, _ := ask(t, s, "/root-key/status", rootKeyStatusRequest{}); strings.Contains(out, `"Rotation"`) {
		t.Errorf("the rotation is not settled: %s", out)
	}
	s.mustClose(t)
	if !opens(t, l, content(t, file)) {
		t.Error("the new root key does not open the store")
	}
}

// TestRotationReseals: with a new master key every row is sealed anew in the
// background, also when a start interrupts that.
func TestRotationReseals(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	s := serverOf(t, l, unchanged)
	rotate := func() (string, int) { return ask(t, s, "/root-key/rotate", rootKeyRotateRequest{Reseal: true}) }
	if out, code := rotate(); code != http.StatusOK || !strings.Contains(out, `"MasterKeyVersion":2`) {
		t.Errorf("%d %s", code, out)
	}
	if out, code := rotate(); code != http.StatusOK && !strings.Contains(out, "still being sealed anew") {
		t.Errorf("again at once: %d %s", code, out)
	}
	s.mustClose(t)
	s = serverOf(t, l, unchanged)
	deadline := time.Now().Add(time.Minute)
	out, _ := ask(t, s, "/root-key/status", rootKeyStatusRequest{})
	for strings.Contains(out, `"Reseal"`) && time.Now().Before(deadline) {
		out, _ = ask(t, s, "/root-key/status", rootKeyStatusRequest{})
	}
	if strings.Contains(out, `"Reseal"`) {
		t.Errorf("it does not come to its end: %s", out)
	}
	var place store.Place
	for done, seen := false, 0; !done; {
		next, looked, n, end, err := s.store.Reseal(t.Context(), tables(), place)
		if place, done, seen = next, end, seen+looked; n != 0 || err != nil || done && seen == 0 {
			t.Fatalf("of %d rows %d were left: %v", seen, n, err)
		}
	}
	if n, old := s.rootKeys.keyring.Generation(owner); n < 2 || old {
		t.Errorf("the account has had %d keys, and the newest is old: %v", n, old)
	}
	if records, err := tailOf(s); err != nil || !strings.Contains(records, "RowsResealed") {
		t.Errorf("%v, the trail:\n%s", err, records)
	}
	s.mustClose(t)
	if !opens(t, l, content(t, filepath.Join(l.Data, rootKeyFile))) {
		t.Error("the root key does not open the store")
	}
}

func opensHeader(t *testing.T, s *server, file string) bool {
	t.Helper()
	header, err := s.store.Meta(t.Context(), metaKeyring)
	if err != nil {
		t.Fatal(err)
	}
	source, err := parseSource("file:" + file)
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := source.Bring()
	if err != nil {
		t.Fatal(err)
	}
	return key.Opens(header)
}

// ask sends an operator's request.
func ask(t *testing.T, s *server, path string, in any) (string, int) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(s.admin())
	defer front.Close()
	answer, err := http.Post(front.URL+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), answer.StatusCode
}

// TestRootKeyOfMemory: a server in memory has no root key to speak of.
func TestRootKeyOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, in := range map[string]any{
		"/root-key/status": rootKeyStatusRequest{}, "/root-key/rotate": rootKeyRotateRequest{}, "/root-key/split": rootKeySplitRequest{3, 2},
	} {
		if out, code := ask(t, w.server, path, in); code == http.StatusOK || !strings.Contains(out, "in memory") {
			t.Errorf("%s: %d %s", path, code, out)
		}
	}
}

// TestInitAfterKey: an init that was killed between the key and the keyring is
// resumed with the key that it made.
func TestInitAfterKey(t *testing.T) {
	t.Parallel()
	l := &location{Data: filepath.Join(t.TempDir(), "data"), Store: "sqlite:"}
	if err := os.Mkdir(l.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	source, err := l.rootSource()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := source.Create(t.Context(), sealed.NewInstallation().String()); err != nil {
		t.Fatal(err)
	}
	made := content(t, filepath.Join(l.Data, rootKeyFile))
	if _, err := l.initialise(t.Context(), owner, rootCredentials{}, quiet); err != nil {
		t.Fatal(err)
	}
	if !opens(t, l, made) {
		t.Error("the key of the first init does not open the store")
	}
}

// TestSplitAndCombine takes the root key of a passphrase apart and opens the store
// with what its shares give back.
func TestSplitAndCombine(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	run := func(want int, says string, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		code := Main(args, func(string) string { return "" }, nil, &out, &errs)
		if code != want || !strings.Contains(out.String()+errs.String(), says) {
			t.Errorf("%s ended with %d and said %q %q, want %d and %q", strings.Join(args, " "), code, out.String(), errs.String(), want, says)
		}
		return out.String()
	}
	shares, recovered := filepath.Join(t.TempDir(), "shares"), filepath.Join(t.TempDir(), "recovered.key")
	split := func(n, k string) []string {
		return []string{"root-key", "split", "--data", l.Data, "--shares", n, "--threshold", k, "--out", shares}
	}
	run(1, "The threshold must be at least 2", split("3", "1")...)
	run(1, "The threshold must be at least 2", split("2", "3")...)
	run(1, "The threshold must be at least 2", split("256", "3")...)
	if _, err := os.Stat(shares); !errors.Is(err, os.ErrNotExist) {
		t.Error("refused splits left shares")
	}
	run(0, "any 3 of which give it back", split("5", "3")...)
	files, err := filepath.Glob(filepath.Join(shares, "*.share"))
	if err != nil || len(files) != 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o400 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	combine := func(out string, files ...string) []string {
		return append([]string{"root-key", "combine", "--data", l.Data, "--out", out}, files...)
	}
	run(1, "2 are too few: 3 of the set are needed", combine(recovered, files[0], files[1])...)
	run(1, "number 1 comes twice", combine(recovered, files[0], files[1], files[0])...)
	run(1, "no such file", "root-key", "combine", "--out", recovered, files[0], files[1], filepath.Join(shares, "none"))
	if _, err := os.Stat(recovered); !errors.Is(err, os.ErrNotExist) {
		t.Error("refused shares made a file")
	}
	run(0, "is in "+recovered, combine(recovered, files[4], files[0], files[2])...)
	if !bytes.Equal(content(t, recovered), content(t, filepath.Join(l.Data, rootKeyFile))) {
		t.Error("another key came back")
	}
	run(1, "is there already", combine(recovered, files[4], files[0], files[2])...)
	run(0, "root key", "root-key", "rotate", "--data", l.Data)
	run(1, "an older one or that of another store", combine(recovered+"2", files[4], files[0], files[2])...)
}

// TestCombineOfDatabase compares what shares give back with a store in PostgreSQL.
func TestCombineOfDatabase(t *testing.T) {
	t.Parallel()
	l := &location{Data: filepath.Join(t.TempDir(), "data"), Store: postgrestest.URL(t)}
	if _, err := l.initialise(t.Context(), owner, rootCredentials{}, quiet); err != nil {
		t.Fatal(err)
	}
	where, dir := []string{"--data", l.Data, "--store", l.Store}, t.TempDir()
	run := func(want int, says string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		code := Main(append(args, where...), func(string) string { return "" }, nil, &out, &errs)
		if code != want || !strings.Contains(out.String()+errs.String(), says) {
			t.Errorf("%s ended with %d and said %q %q, want %d and %q", strings.Join(args, " "), code, out.String(), errs.String(), want, says)
		}
	}
	run(0, "any 2 of which give it back", "root-key", "split", "--shares", "2", "--threshold", "2", "--out", dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.share"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	combine := func(out string) []string {
		return append([]string{"root-key", "combine", "--out", filepath.Join(dir, out)}, files...)
	}
	run(0, "is in "+filepath.Join(dir, "recovered"), combine("recovered")...)
	run(0, "root key", "root-key", "rotate")
	run(1, "an older one or that of another store", combine("older")...)
}
