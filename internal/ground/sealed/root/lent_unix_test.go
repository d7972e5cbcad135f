//go:build unix

package root

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLent: a credential that systemd lends may show the bits of an access
// control list where the group's are. Nothing else may.
func TestLent(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("what is lent belongs to root")
	}
	directory := t.TempDir()
	path := filepath.Join(directory, "root.key")
	if err := os.WriteFile(path, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		mode      os.FileMode
		directory string
		owner     int
		want      bool
	}{
		{0o440, directory, 0, true},
		{0o440, directory + "/", 0, true},
		{0o440, "", 0, false},
		{0o440, filepath.Dir(directory), 0, false},
		{0o440, directory, 1, false},
		{0o444, directory, 0, false},
		{0o460, directory, 0, false},
		{0o640, directory, 0, false},
	} {
		if err := os.Chmod(path, test.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, test.owner, -1); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := lent(path, test.directory, info); got != test.want {
			t.Errorf("%+v: lent is %v", test, got)
		}
	}
}
