package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/internal/app/doctor"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/sqlite"
)

// TestOlderStore: what only looks at a store adds nothing to one that an older
// version has made, so that this version still opens it.
func TestOlderStore(t *testing.T) {
	t.Parallel()
	l := &location{Data: filepath.Join(t.TempDir(), "data"), Store: "sqlite:"}
	d, err := sqlite.Open(t.Context(), l.Data)
	if err != nil {
		t.Fatal(err)
	}
	before := store.Schemas(tables())[1:]
	if err := errors.Join(d.Migrate(t.Context(), store.SchemaVersion, before), d.Close()); err != nil {
		t.Fatal(err)
	}
	is := content(t, sqlite.Path(l.Data))

	out := filepath.Join(t.TempDir(), "copy")
	err = (&storeCopyCommand{Data: l.Data, From: "sqlite:", To: "sqlite:" + out}).Run(&environment{stdout: new(bytes.Buffer)})
	if !errors.Is(err, store.ErrOlder) || !strings.Contains(err.Error(), "start this version's server on it once") {
		t.Errorf("copying says %v", err)
	}
	if sqlite.Exists(out) {
		t.Error("something was copied")
	}
	told := false
	for _, f := range (&doctorCommand{location: *l}).contents(t.Context()) {
		told = told || f.Status == doctor.Warning && strings.Contains(f.Message, "an older version made it")
	}
	if !told {
		t.Error("the doctor does not speak of it")
	}
	if !bytes.Equal(content(t, sqlite.Path(l.Data)), is) {
		t.Error("the file was changed")
	}
	if d, err = sqlite.Open(t.Context(), l.Data); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Adopt(t.Context(), store.SchemaVersion, before), d.Close()); err != nil {
		t.Errorf("the version that made it: %v", err)
	}
}

// TestRootLooksAfterAnother: what root would write into the trail of another user's
// server is not written; the doctor, who writes nothing there, judges for that user.
func TestRootLooksAfterAnother(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const other = 65532
	l := initialised(t)
	trail := filepath.Join(l.Data, trailDir)
	if err := os.Chown(trail, other, other); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(trail)
	if err != nil {
		t.Fatal(err)
	}
	env := &environment{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}
	for name, run := range map[string]func() error{
		"store verify":         func() error { return (&storeVerifyCommand{where{location: *l}}).Run(env) },
		"audit verify":         func() error { return (&auditVerifyCommand{where: where{location: *l}}).Run(env) },
		"store accept-restore": func() error { return (&storeAcceptRestoreCommand{location: *l}).Run(env) },
		"store copy": func() error {
			return (&storeCopyCommand{Data: l.Data, From: "sqlite:", To: "sqlite:" + t.TempDir()}).Run(env)
		},
		"restore": func() error { return (&restoreCommand{location: *l, From: os.DevNull, KeepTrail: true}).Run(env) },
	} {
		if err := run(); err == nil || !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "belong to user 65532") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after, err := os.ReadDir(trail); err != nil || len(after) != len(before) {
		t.Errorf("%v: %d files were made", err, len(after)-len(before))
	}
	var said strings.Builder
	for _, f := range (&doctorCommand{location: *l}).machine() {
		fmt.Fprintln(&said, f.Status, f.Message)
	}
	if text := said.String(); !strings.Contains(text, "taken to run as user 65532") || strings.Contains(text, trail+" belongs to") ||
		!strings.Contains(text, sqlite.Path(l.Data)+" belongs to user 0") {
		t.Error(text)
	}
}

// TestStoreInUse: what needs the store alone says so while a server runs.
func TestStoreInUse(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	s := serverOf(t, l, unchanged)
	for what, err := range map[string]error{
		"store copy":           (&storeCopyCommand{Data: l.Data, From: "sqlite:", To: "sqlite:" + t.TempDir()}).Run(&environment{}),
		"store accept-restore": (&storeAcceptRestoreCommand{location: *l}).Run(&environment{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}),
	} {
		if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "stop that first") {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.mustClose(t)
}
