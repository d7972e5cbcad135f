package root_test

import (
	"bytes"
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
)

func parse(t testing.TB, s string) root.Source {
	t.Helper()
	source, err := root.Parse(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func write(t testing.TB, name string, content []byte, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// sameKey reports whether one key opens what was made with the other.
func sameKey(t testing.TB, a, b *sealed.RootKey) bool {
	t.Helper()
	_, header, err := sealed.Create(a)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sealed.Open(header, b)
	if err != nil && !errors.Is(err, sealed.ErrRootKey) {
		t.Fatal(err)
	}
	return err == nil
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"file:/var/lib/claviger/root.key", "file:C:\\key", "file:a:b", "passphrase-file:p", "passphrase-fd:0", "passphrase-fd:3", "passphrase-fd:65535", "prompt"} {
		if got := parse(t, s).String(); got != s {
			t.Errorf("%s became %s", s, got)
		}
	}
	for _, s := range []string{"", "file", "file:", "File:x", "/root.key", "passphrase:secret", "passphrase-file:", "passphrase-fd:", "passphrase-fd:x",
		"passphrase-fd:-1", "passphrase-fd:1", "passphrase-fd:2", "passphrase-fd:65536", "prompt:", "prompt:x", "env:KEY", " file:x"} {
		if _, err := root.Parse(s, nil); !errors.Is(err, root.ErrSource) {
			t.Errorf("%q: %v", s, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats what may be a secret: %v", err)
		}
	}
}

func TestNoSource(t *testing.T) {
	t.Parallel()
	var none root.Source
	if _, _, err := none.Create(t.Context(), installation); !errors.Is(err, root.ErrSource) {
		t.Error(err)
	}
	if _, err := none.Open(t.Context(), installation, []byte(`{"version":1,"source":"file"}`)); !errors.Is(err, root.ErrSource) {
		t.Error(err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "root.key")
	source := parse(t, "file:"+path)
	key, params, err := source.Create(t.Context(), installation)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || len(content) != 32 {
		t.Fatalf("%d bytes, %v", len(content), err)
	}
	if bytes.Contains(params, content[:8]) {
		t.Error("the parameters hold the key")
	}
	again, err := source.Open(t.Context(), installation, params)
	if err != nil {
		t.Fatal(err)
	}
	if !sameKey(t, key, again) {
		t.Error("another key was read than written")
	}
	if _, _, err := source.Create(t.Context(), installation); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, content) {
		t.Error("the second attempt changed the file")
	}
}

// TestFileCut finds what a crash leaves on the way to a file, at each point of it: the
// next attempt makes the file, or finds it whole, and nothing else stays.
func TestFileCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		leave func(path, draft string) error
		whole bool // the file has its name already
	}{
		{"nothing written", func(_, draft string) error { return os.WriteFile(draft, nil, 0o400) }, false},
		{"cut short", func(_, draft string) error { return os.WriteFile(draft, make([]byte, 31), 0o400) }, false},
		{"not named", func(_, draft string) error { return os.WriteFile(draft, make([]byte, 32), 0o400) }, false},
		{"named twice", func(path, draft string) error {
			return errors.Join(os.WriteFile(path, make([]byte, 32), 0o400), os.Link(path, draft))
		}, true},
	} {
		dir := t.TempDir()
		path, draft := filepath.Join(dir, "root.key"), filepath.Join(dir, ".root.key.new")
		if err := c.leave(path, draft); err != nil {
			t.Fatal(err)
		}
		source := parse(t, "file:"+path)
		_, _, err := source.Create(t.Context(), installation)
		if errors.Is(err, fs.ErrExist) != c.whole || err != nil && !c.whole {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, _, err := source.Bring(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if content, err := os.ReadFile(path); err != nil || bytes.Equal(content, make([]byte, 32)) != c.whole {
			t.Errorf("%s: the file has %x, %v", c.name, content, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("%s: the directory has %v, %v", c.name, left, err)
		}
	}
}

// TestFileByMany has several make one file at a time: whoever has made it has the key that
// is in it.
func TestFileByMany(t *testing.T) {
	t.Parallel()
	for range 20 {
		source := parse(t, "file:"+filepath.Join(t.TempDir(), "root.key"))
		var all sync.WaitGroup
		made := make(chan *sealed.RootKey, 4)
		for range cap(made) {
			all.Go(func() {
				if key, _, err := source.Create(t.Context(), installation); err == nil {
					made <- key
				}
			})
		}
		all.Wait()
		close(made)
		brought, _, err := source.Bring()
		if err != nil {
			t.Fatal(err)
		}
		for key := range made {
			if !sameKey(t, key, brought) {
				t.Error("somebody has a key that is nowhere")
			}
		}
	}
}

func TestFileDrawn(t *testing.T) {
	t.Parallel()
	a, _, err := parse(t, "file:"+filepath.Join(t.TempDir(), "a")).Create(t.Context(), installation)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := parse(t, "file:"+filepath.Join(t.TempDir(), "b")).Create(t.Context(), installation)
	if err != nil {
		t.Fatal(err)
	}
	if sameKey(t, a, b) {
		t.Error("two files hold one key")
	}
}

const installation = "961c4afb1c7d8dcef807f0f70eea3e9b"

const fileParams = `{"version":1,"source":"file"}`

func TestFileRefused(t *testing.T) {
	t.Parallel()
	_, err := parse(t, "file:"+filepath.Join(t.TempDir(), "nothing")).Open(t.Context(), installation, []byte(fileParams))
	if !errors.Is(err, root.ErrMissing) {
		t.Errorf("no file: %v", err)
	}
	_, err = parse(t, "file:"+t.TempDir()).Open(t.Context(), installation, []byte(fileParams))
	if !errors.Is(err, root.ErrUnsafe) {
		t.Errorf("a directory: %v", err)
	}
	for _, n := range []int{0, 31, 33, 64} {
		path := write(t, "root.key", make([]byte, n), 0o400)
		if _, err := parse(t, "file:"+path).Open(t.Context(), installation, []byte(fileParams)); !errors.Is(err, root.ErrUnsafe) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	_, _, err = parse(t, "file:"+filepath.Join(t.TempDir(), "no", "directory")).Create(t.Context(), installation)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

// TestPassphraseFile derives as seldom as it can: each time takes 64 MiB.
func TestPassphraseFile(t *testing.T) {
	t.Parallel()
	source := parse(t, "passphrase-file:"+write(t, "passphrase", []byte("correct horse\n"), 0o600))
	key, params, err := source.Create(t.Context(), installation)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(params, []byte("horse")) {
		t.Error("the parameters hold the passphrase")
	}
	for content, want := range map[string]bool{"correct horse": true, "correct house\n": false} {
		got, err := parse(t, "passphrase-file:"+write(t, "passphrase", []byte(content), 0o400)).Open(t.Context(), installation, params)
		if err != nil {
			t.Fatal(err)
		}
		if sameKey(t, key, got) != want {
			t.Errorf("%q: the same key is %v", content, !want)
		}
	}
}

func TestPassphraseRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		content string
		missing bool
	}{
		{"", true}, {"\n", true}, {"\r\n", true}, {"seven77\n", false}, {strings.Repeat("x", 4097), false}, {strings.Repeat("x", 1<<16), false},
	} {
		source := parse(t, "passphrase-file:"+write(t, "passphrase", []byte(c.content), 0o400))
		_, _, err := source.Create(t.Context(), installation)
		if err == nil || errors.Is(err, root.ErrMissing) != c.missing {
			t.Errorf("%d bytes: %v", len(c.content), err)
		} else if strings.Contains(err.Error(), "seven") {
			t.Errorf("the error repeats the passphrase: %v", err)
		}
	}
	_, _, err := parse(t, "passphrase-file:"+filepath.Join(t.TempDir(), "nothing")).Create(t.Context(), installation)
	if !errors.Is(err, root.ErrMissing) {
		t.Errorf("no file: %v", err)
	}
}

// TestVectors opens headers that another implementation made from a passphrase.
func TestVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/root.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Passphrases []struct{ Params, Passphrase, RootKey, Header string }
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Passphrases {
		key, err := parse(t, "passphrase-file:"+write(t, "passphrase", []byte(v.Passphrase), 0o400)).Open(t.Context(), installation, []byte(v.Params))
		if fips140.Enabled() && strings.Contains(v.Params, "argon2id") {
			if err == nil || !strings.Contains(err.Error(), "Argon2id, which is not approved in FIPS 140-3 mode") {
				t.Errorf("Argon2id in FIPS 140-3 mode: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		header, err := hex.DecodeString(v.Header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sealed.Open(header, key); err != nil {
			t.Errorf("%s: %v", v.Params, err)
		}
		content, err := hex.DecodeString(v.RootKey)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := parse(t, "file:"+write(t, "root.key", content, 0o400)).Open(t.Context(), installation, []byte(fileParams))
		if err != nil || !sameKey(t, key, plain) {
			t.Errorf("%s: not the root key of the vector, %v", v.Params, err)
		}
	}
	if len(file.Passphrases) != 2 {
		t.Errorf("%d vectors ran", len(file.Passphrases))
	}
}

const salt = `"salt":"MTIzNDU2Nzg5MDEyMzQ1Ng=="`

func TestParamsRefused(t *testing.T) {
	t.Parallel()
	file := parse(t, "file:"+write(t, "root.key", make([]byte, 32), 0o400))
	passphrase := parse(t, "passphrase-file:"+write(t, "passphrase", []byte("correct horse"), 0o400))
	argon := func(s string) string {
		return `{"version":1,"source":"passphrase","kdf":"argon2id",` + s + `}`
	}
	cases := []string{
		``, `null`, `{}`, `[]`, `{"version":1}`,
		`{"version":0,"source":"file"}`, `{"version":2,"source":"file"}`, `{"version":"1","source":"file"}`,
		`{"version":1,"source":"file"} `, `{"version":1,"source":"file"}{}`, `{"version":1,"source":"file","more":1}`,
		`{"version":1,"source":"passphrase"}`, `{"version":1,"source":"disk"}`,
		`{"version":1,"source":"file","kdf":"argon2id"}`, `{"version":1,"source":"file",` + salt + `}`, `{"version":1,"source":"file","iterations":1}`,
		`{"version":1,"source":"passphrase","kdf":"none",` + salt + `}`,
		argon(`"memoryKiB":65535,"passes":3,"lanes":1,` + salt),
		argon(`"memoryKiB":1048577,"passes":3,"lanes":1,` + salt),
		argon(`"memoryKiB":4294967296,"passes":3,"lanes":1,` + salt),
		argon(`"memoryKiB":-1,"passes":3,"lanes":1,` + salt),
		argon(`"memoryKiB":65536,"passes":2,"lanes":1,` + salt),
		argon(`"memoryKiB":65536,"passes":17,"lanes":1,` + salt),
		argon(`"memoryKiB":65536,"passes":3,"lanes":0,` + salt),
		argon(`"memoryKiB":65536,"passes":3,"lanes":17,` + salt),
		argon(`"memoryKiB":65536,"passes":3,"lanes":1`),
		argon(`"memoryKiB":65536,"passes":3,"lanes":1,"salt":"MTIzNDU2Nzg5MDEyMzQ1"`),
		argon(`"memoryKiB":65536,"passes":3,"lanes":1,"salt":"` + strings.Repeat("AAAA", 22) + `"`),
		argon(`"memoryKiB":65536,"passes":3,"lanes":1,"iterations":600000,` + salt),
		`{"version":1,"source":"passphrase","kdf":"pbkdf2-hmac-sha-256","iterations":599999,` + salt + `}`,
		`{"version":1,"source":"passphrase","kdf":"pbkdf2-hmac-sha-256","iterations":10000001,` + salt + `}`,
		`{"version":1,"source":"passphrase","kdf":"pbkdf2-hmac-sha-256","iterations":600000,"lanes":1,` + salt + `}`,
		`{"version":1,"source":"file"` + strings.Repeat(" ", 5000) + `}`,
	}
	for _, c := range cases {
		for _, s := range []root.Source{file, passphrase} {
			if _, err := s.Open(t.Context(), installation, []byte(c)); err == nil {
				t.Errorf("%s was accepted by %s", c, s)
			}
		}
	}
	if len(cases) != 33 {
		t.Errorf("%d cases ran", len(cases))
	}
	if _, err := passphrase.Open(t.Context(), installation, []byte(fileParams)); !errors.Is(err, root.ErrSource) {
		t.Errorf("a passphrase for a store with a file: %v", err)
	}
	// A file holds the root key itself, whatever that was made from.
	if _, err := file.Open(t.Context(), installation, []byte(argon(`"memoryKiB":65536,"passes":3,"lanes":1,`+salt))); err != nil {
		t.Errorf("a file for a store with a passphrase: %v", err)
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	a, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	b, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	if sameKey(t, a, b) {
		t.Error("drew the same key twice")
	}
}

// FuzzParams has a file as its source, which needs no derivation: what is fuzzed
// is the reader and its bounds.
func FuzzParams(f *testing.F) {
	source := parse(f, "file:"+write(f, "root.key", make([]byte, 32), 0o400))
	f.Add([]byte(fileParams))
	f.Add([]byte(`{"version":1,"source":"passphrase","kdf":"argon2id","memoryKiB":65536,"passes":3,"lanes":1,` + salt + `}`))
	f.Add([]byte(`{"version":1e0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := source.Open(t.Context(), installation, b)
		if (key == nil) == (err == nil) {
			t.Errorf("%q: both or neither", b)
		}
		name, derivation, said := root.Derivation(b)
		if (said == nil) != (err == nil) || said == nil && (name == "passphrase") != (derivation != "") {
			t.Errorf("%q is %s, %q: %v", b, name, derivation, said)
		}
	})
}

func FuzzParseSource(f *testing.F) {
	f.Add("file:x")
	f.Add("passphrase-fd:03")
	f.Add("prompt")
	f.Fuzz(func(t *testing.T, s string) {
		source, err := root.Parse(s, nil)
		if err != nil {
			return
		}
		if again, err := root.Parse(source.String(), nil); err != nil || again.String() != source.String() {
			t.Errorf("%q is read as %q: %v", s, source, err)
		}
	})
}
