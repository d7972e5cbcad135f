package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"claviger/internal/app/doctor"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/backup"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// restoringDir is the trail of a restore that has not come to its end.
const restoringDir = "trail.restoring"

type restoreCommand struct {
	location
	From      string `required:"" type:"existingfile" placeholder:"FILE" help:"The backup."`
	KeepTrail bool   `help:"Restore the store only, under the trail that is in the data directory: it must go on where that of the backup ends."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
}

// Run makes the directory a server that nobody can start yet: it was restored,
// and what is lost by that is to be accepted first. Nothing is usable before all of
// it was verified. Interrupted at any point, it can be run again.
func (c *restoreCommand) Run(env *environment) error {
	if err := errors.Join(c.check(), c.checkUser()); err != nil {
		return err
	}
	ctx := context.Background()
	b, err := c.examine(ctx)
	if err != nil {
		return err
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	d, err := c.database(ctx)
	if err != nil {
		return err
	}
	if err := c.load(ctx, d, b); err != nil {
		return errors.Join(err, d.Close())
	}
	f := c.foundations(d, b.keyring, b.source)
	f.log = newLogger(env.stderr, "warn", "text")
	s, err := assemble(ctx, f)
	if err != nil {
		return err // the driver is closed already
	}
	report, err := c.conclude(ctx, s, b)
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.stdout, report)
	}
	_, err = fmt.Fprintf(env.stdout, "Restored change %d of %s, verified %d rows and %d records of the trail.\n"+
		"No server starts on it before somebody has accepted what is lost: %s.\n",
		report.Position, b.Created.Format("2006-01-02 15:04:05 MST"), report.Rows, report.Records, goOn)
	return err
}

// A restoreSummary says what was restored.
type restoreSummary struct {
	Position uint64 `json:"position"`
	Rows     uint64 `json:"rows"`
	Records  uint64 `json:"records"`
	Backup   string `json:"backup"` // digest
}

// An examined backup is whole, and signed by the installation whose root key
// there is.
type examined struct {
	*backup.Summary
	values  map[string][]byte
	was     incarnation
	source  root.Source
	keyring *sealed.Keyring
}

// examine reads the backup to its end.
func (c *restoreCommand) examine(ctx context.Context) (*examined, error) {
	b := &examined{values: make(map[string][]byte)}
	var err error
	if b.source, err = c.rootSource(); err != nil {
		return nil, err
	}
	carried := store.Carried(tables())
	b.Summary, err = c.read(&backup.Visitor{
		Row: func(table int, r *driver.Row) error {
			if carried[table] == driver.Values {
				b.values[r.Key[0].S] = slices.Clone(r.Body)
			}
			return nil
		},
		Verify: func(message, signature []byte) (bool, error) {
			if err := b.open(ctx); err != nil {
				return false, err
			}
			return string(b.keyring.Signer().Sign(message)) == string(signature), nil // Ed25519 has one signature for each message
		},
	})
	if err == nil && b.keyring.Installation() != b.Installation {
		err = backup.ErrForeign
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.From, err)
	}
	if b.values[metaInitialised] == nil {
		return nil, fmt.Errorf("reading %s: it is of a server that was never initialised", c.From)
	}
	if err := b.was.decode(b.values[metaIncarnation]); err != nil {
		return nil, err
	}
	if b.was.Accepting != nil {
		return nil, fmt.Errorf("reading %s: %w, there, and make another backup", c.From, errAccepting)
	}
	return b, nil
}

// open opens the keyring of the backup.
func (b *examined) open(ctx context.Context) error {
	header := b.values[metaKeyring]
	about, err := sealed.Describe(header)
	if err != nil {
		return err
	}
	key, err := openRootKey(ctx, b.source, about.Installation.String(), header, b.values[metaRootParams])
	if err != nil {
		return fmt.Errorf("the root key, which is in no backup: %w", err)
	}
	b.keyring, err = sealed.Open(header, key)
	return err
}

func (c *restoreCommand) read(v *backup.Visitor) (*backup.Summary, error) {
	f, err := os.Open(c.From)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return backup.Read(f, store.Carried(tables()), v)
}

// prepare makes the data directory, and refuses one with more in it than what
// belongs there before a restore. What an interrupted one has left is looked at
// when it is opened.
func (c *restoreCommand) prepare(ctx context.Context) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	entries, err := os.ReadDir(c.Data)
	if err != nil {
		return fmt.Errorf("looking at the data directory: %w", err)
	}
	known := []string{rootCredentialsFile, trailDir, restoringDir, "store.db", "store.db-wal", "store.db-shm", "store.db-journal", "store.lock", socketFile, doctor.LostAndFound}
	for _, e := range entries {
		// The root key may have others beside it, that were kept or wait.
		if !slices.Contains(known, e.Name()) && !strings.HasPrefix(e.Name(), rootKeyFile) && !strings.HasPrefix(e.Name(), ".") {
			return usage("%s is not empty: there is %s", c.Data, e.Name())
		}
	}
	if exists, err := c.exists(ctx); err != nil || exists {
		return err
	}
	return c.checkKept()
}

// checkKept refuses a trail that would be overwritten, and one that is not there
// to be kept.
func (c *restoreCommand) checkKept() error {
	has, err := c.hasTrail()
	switch {
	case err != nil:
		return err
	case has && !c.KeepTrail:
		return usage("%s has a trail: restore into an empty directory, or the store only with --keep-trail", c.Data)
	case !has && c.KeepTrail:
		return usage("there is no trail in %s to be kept", c.Data)
	}
	return nil
}

// resumes reports whether an interrupted restore has left its trail here.
func (c *restoreCommand) resumes() bool {
	_, err := os.Stat(filepath.Join(c.Data, restoringDir))
	return err == nil
}

// load fills the database and the trail. The store stays marked as one that is not
// there yet.
func (c *restoreCommand) load(ctx context.Context, d driver.Driver, b *examined) error {
	l, err := store.Load(ctx, d, tables(), b.Name(), b.Position)
	if err != nil {
		return fmt.Errorf("restoring into %s: %w", c.place(), err)
	}
	if l.Done() {
		if c.KeepTrail && c.resumes() {
			return usage("the restore that was interrupted here brings the trail of the backup; run it again without --keep-trail")
		}
		return c.nameTrail()
	}
	if err := c.checkKept(); err != nil {
		return err
	}
	trail := &trailWriter{dir: filepath.Join(c.Data, restoringDir), skip: c.KeepTrail}
	if err := trail.begin(); err != nil {
		return fmt.Errorf("restoring the trail: %w", err)
	}
	carried := store.Carried(tables())
	_, err = c.read(&backup.Visitor{
		Row: func(table int, r *driver.Row) error {
			if carried[table] == driver.Values {
				return nil
			}
			return l.Add(ctx, carried[table], *r)
		},
		Segment: trail.segment,
		Data:    trail.data,
		Verify:  func([]byte, []byte) (bool, error) { return true, nil }, // it was, a moment ago
	})
	if err = errors.Join(err, trail.end()); err != nil {
		return fmt.Errorf("restoring %s: %w", c.From, err)
	}
	if err := l.Flush(ctx); err != nil {
		return err
	}
	if err := compareSums(ctx, d, b); err != nil {
		return err
	}
	b.was.Restored = &restored{Position: b.Position, Sequence: b.Last, Time: b.Created, Trail: !c.KeepTrail}
	store.Revalue(b.keyring, b.Position, b.values, map[string][]byte{metaIncarnation: b.was.encode()})
	if err := l.Complete(ctx, b.values); err != nil {
		return err
	}
	return c.nameTrail()
}

// compareSums compares the rows that were loaded with those of the backup.
func compareSums(ctx context.Context, d driver.Driver, b *examined) error {
	carrier, err := store.CarrierOf(d)
	if err != nil {
		return err
	}
	values := func(s store.Sum) bool { return s.Table == driver.Values.Name } // these are loaded last
	return withWhole(ctx, carrier, func(w driver.Whole) error {
		sums, err := store.Sums(ctx, w, tables())
		if err != nil {
			return err
		}
		return store.Same(slices.DeleteFunc(slices.Clone(b.Tables), values), slices.DeleteFunc(sums, values))
	})
}

// nameTrail gives the trail its name, if it does not have it already.
func (c *restoreCommand) nameTrail() error {
	if c.KeepTrail || !c.resumes() {
		return nil
	}
	if err := os.Rename(filepath.Join(c.Data, restoringDir), filepath.Join(c.Data, trailDir)); err != nil {
		return fmt.Errorf("naming the trail: %w", err)
	}
	return syncDir(c.Data)
}

// conclude verifies all that was restored, and makes it a store.
func (c *restoreCommand) conclude(ctx context.Context, s *server, b *examined) (*restoreSummary, error) {
	trail, err := s.verifyTrail(ctx, b.Head)
	if err != nil {
		return nil, err
	}
	if err := judgeTrail(trail); err != nil {
		return nil, err
	}
	v, err := s.verifyStore(ctx)
	if err != nil {
		return nil, err
	}
	if n := len(v.Problems); n > 0 {
		return nil, fmt.Errorf("what was restored does not verify, and is not usable: %d problems, the first: %s", n, v.Problems[0])
	}
	l, err := store.Load(ctx, s.driver, tables(), b.Name(), b.Position)
	if err != nil {
		return nil, err
	}
	return &restoreSummary{Position: b.Position, Rows: v.Rows, Records: trail.Records, Backup: b.Name()}, l.Release(ctx)
}

// judgeTrail refuses a trail that does not verify, or does not have what the
// backup's had.
func judgeTrail(r *audit.Report) error {
	if n := len(r.Problems); n > 0 {
		return fmt.Errorf("the trail does not verify, and nothing is usable: %d problems, the first: %s", n, r.Problems[0])
	}
	if !r.Anchored {
		return errors.New("the trail is not the one that the backup is of")
	}
	return nil
}

// A trailWriter writes segments into a directory.
type trailWriter struct {
	dir  string
	skip bool
	f    *os.File
}

func (w *trailWriter) begin() error {
	if w.skip {
		return nil
	}
	// What an interrupted run has left may be anything.
	if err := os.RemoveAll(w.dir); err != nil {
		return err
	}
	return os.Mkdir(w.dir, 0o700)
}

func (w *trailWriter) segment(name string) (err error) {
	if w.skip {
		return nil
	}
	if err := w.close(); err != nil {
		return err
	}
	w.f, err = os.OpenFile(filepath.Join(w.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return err
}

func (w *trailWriter) data(b []byte) error {
	if w.skip {
		return nil
	}
	_, err := w.f.Write(b)
	return err
}

func (w *trailWriter) close() error {
	if w.f == nil {
		return nil
	}
	err := errors.Join(w.f.Sync(), w.f.Close())
	w.f = nil
	return err
}

func (w *trailWriter) end() error {
	if w.skip {
		return nil
	}
	return errors.Join(w.close(), syncDir(w.dir), syncDir(filepath.Dir(w.dir)))
}
