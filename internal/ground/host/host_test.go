package host_test

import (
	"errors"
	"path/filepath"
	"testing"

	"claviger/internal/ground/host"
)

func TestDisk(t *testing.T) {
	t.Parallel()
	d, err := host.DiskOf(t.TempDir())
	if errors.Is(err, host.ErrUnknown) {
		t.Skip(err)
	}
	if err != nil || d.Free == 0 || d.Size < d.Free || d.ReadOnly {
		t.Errorf("the disk of a directory that can be written to: %+v, %v", d, err)
	}
	if _, err := host.DiskOf(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("there is a disk of what is not there")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	l, err := host.LimitsOf()
	if errors.Is(err, host.ErrUnknown) {
		t.Skip(err)
	}
	if err != nil || l.Files.Now == 0 || l.Files.Now > l.Files.Most {
		t.Errorf("%+v, %v", l, err)
	}
}
