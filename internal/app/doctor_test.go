package app

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"claviger/internal/app/doctor"
)

// TestDoctorOfTrailEnd: of a server that does not run, the doctor tells an end that was
// cut off from one that a crash has torn, and leaves both as they are.
func TestDoctorOfTrailEnd(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	s := serverOf(t, l, unchanged)
	if _, err := s.operate(t.Context(), "CreateAccount", func(any) {}); err != nil {
		t.Fatal(err)
	}
	s.mustClose(t)
	newest := filepath.Join(l.Data, trailDir, "000000000002.trail") // init begins the first
	whole := content(t, newest)
	last := bytes.LastIndex(whole, []byte("CLVF\x01"))
	for _, c := range []struct {
		what, text string
		is         []byte
		status     doctor.Status
	}{
		{"whole", "its 1 records verify", whole, doctor.OK},
		{"torn", "a write behind them was interrupted", append(bytes.Clone(whole), "CLVF\x01\x00\x00\x00half"...), doctor.Warning},
		{"cut off", "it ends with record 0, the store knows of record 1", whole[:last], doctor.Problem},
		{"cut off in the middle of a record", "it ends with record 0, the store knows of record 1", whole[:last+100], doctor.Problem},
		{"altered", "it does not verify", append(bytes.Clone(whole[:100]), make([]byte, len(whole)-100)...), doctor.Problem},
	} {
		if err := os.WriteFile(newest, c.is, 0o600); err != nil {
			t.Fatal(err)
		}
		found := (&doctorCommand{location: *l}).contents(t.Context())
		told := false
		for _, f := range found {
			told = told || f.Check == "trail" && f.Status == c.status && strings.Contains(f.Message, c.text)
		}
		if !told || doctor.Problems(found) > 0 != (c.status == doctor.Problem) {
			t.Errorf("%s: found %+v", c.what, found)
		}
		if !bytes.Equal(content(t, newest), c.is) {
			t.Errorf("%s: the file was changed", c.what)
		}
	}
}

// TestDoctorOfAdminAddress: the address of the admin port must be free where it was
// given, as the others must.
func TestDoctorOfAdminAddress(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, problems := range map[string]int{taken.Addr().String(): 1, "127.0.0.1:0": 0, "": 0, adminListenDefault: 0} {
		if found := (&doctorCommand{AdminListen: address}).free(); doctor.Problems(found) != problems {
			t.Errorf("%s: found %+v", address, found)
		}
	}
}

// TestDoctorOfRootKey: the file that a root key or its passphrase comes from must be closed
// to others, also while a server runs that has read it.
func TestDoctorOfRootKey(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing here")
	}
	path := filepath.Join(t.TempDir(), "secret")
	for mode, problems := range map[os.FileMode]int{0o600: 0, 0o640: 1} {
		if err := errors.Join(os.WriteFile(path, []byte("secret"), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		for _, source := range []string{"file:", "passphrase-file:"} {
			c := &doctorCommand{location: location{Data: t.TempDir(), RootKey: source + path}}
			if found := c.leftovers(); len(found) != 1 || doctor.Problems(found) != problems {
				t.Errorf("%s with mode %o: %+v", source, mode, found)
			}
		}
	}
}

// TestDoctorOfRootKeyBeside: a root key in the data directory lies beside what it
// protects, also where a setting names it there.
func TestDoctorOfRootKeyBeside(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "root.key")
	key := filepath.Join(dir, rootKeyFile)
	for _, path := range []string{key, elsewhere} {
		if err := os.WriteFile(path, nil, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	for source, beside := range map[string]bool{
		"": true, "file:" + key: true, "passphrase-file:" + key: true, "file:" + elsewhere: false, "prompt": false,
	} {
		c := &doctorCommand{location: location{Data: dir, RootKey: source}}
		told := false
		for _, f := range c.leftovers() {
			told = told || f.Status == doctor.Warning && strings.Contains(f.Message, "lies beside what it protects")
		}
		if told != beside {
			t.Errorf("%q: told %v", source, told)
		}
	}
}
