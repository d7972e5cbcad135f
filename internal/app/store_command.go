package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
)

type storeCommand struct {
	Copy          storeCopyCommand          `cmd:"" help:"Copy the store to another place or another kind of database, while no server has it open."`
	Verify        storeVerifyCommand        `cmd:"" help:"Read everything in the store and compare it: seals, indexes, references, counts, and the trail."`
	Stat          storeStatCommand          `cmd:"" help:"Say what the store holds and takes."`
	AcceptRestore storeAcceptRestoreCommand `cmd:"" help:"Accept that the store was put back as it was earlier, and make again what was revoked since."`
}

type storeCopyCommand struct {
	Data string `default:"./claviger-data" env:"CLAVIGER_DATA" type:"path" placeholder:"DIR" help:"Data directory; sqlite: is the file in it."`
	From string `required:"" placeholder:"URL" help:"The store to be copied: sqlite: in the data directory, sqlite:DIR in another one, or postgres://…"`
	To   string `required:"" placeholder:"URL" help:"Where to: an empty place of the same forms."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// at returns the place of a store.
func (c *storeCopyCommand) at(url string) (*location, error) {
	l := &location{Data: c.Data, Store: url}
	if dir, ok := strings.CutPrefix(url, "sqlite:"); ok && dir != "" {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, usage("%q is no directory: %w", dir, err)
		}
		l.Data, l.Store = absolute, "sqlite:"
	}
	return l, l.check()
}

// Run copies the store and compares both sides. Interrupted at any point, it
// can be run again. The trail, the root key and all else in the data directory
// are not copied: with a database the directory stays where it is.
func (c *storeCopyCommand) Run(env *environment) error {
	ctx := context.Background()
	from, err := c.at(c.From)
	if err != nil {
		return err
	}
	to, err := c.at(c.To)
	if err != nil {
		return err
	}
	if *from == *to {
		return usage("the store can't be copied to itself")
	}
	if err := errors.Join(from.checkUser(), to.checkUser()); err != nil {
		return err
	}
	if exists, err := from.exists(ctx); err != nil {
		return err
	} else if !exists {
		return from.errNotInitialised()
	}
	source, err := from.adopted(ctx)
	if err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	defer source.Close()
	if _, err := source.Meta(ctx, metaInitialised); errors.Is(err, store.ErrNotFound) && store.Finished(ctx, source) == nil {
		return from.errNotInitialised()
	}
	target, err := to.database(ctx)
	if err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	done, err := store.Copy(ctx, source, target, tables())
	if err = errors.Join(err, target.Close()); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.stdout, map[string]any{"position": done.Position, "tables": done.Sums, "found": done.Found})
	}
	var rows uint64
	for _, s := range done.Sums {
		rows += s.Rows
	}
	verb := "Copied"
	if done.Found {
		verb = "Found copied already"
	}
	_, err = fmt.Fprintf(env.stdout, "%s: %d rows in %d tables, at change %d. Both sides were read and are the same.\n", verb, rows, len(done.Sums), done.Position)
	return err
}

type storeVerifyCommand struct {
	where
}

// Run verifies the store and fails where it finds a problem. A store that no
// server would open, because it was put back, is verified too.
func (c *storeVerifyCommand) Run(env *environment) error {
	return c.callUnbegun(env, "/store/verify", struct{}{}, func(r io.Reader) error {
		var v store.Verification
		if err := json.NewDecoder(r).Decode(&v); err != nil {
			return fmt.Errorf("reading the report: %w", err)
		}
		if c.JSON {
			if err := printJSON(env.stdout, &v); err != nil {
				return err
			}
		} else {
			printVerification(env.stdout, &v)
		}
		if n := len(v.Problems) + v.Omitted; n > 0 {
			return fmt.Errorf("the store does not verify: %d problems", n)
		}
		return nil
	})
}

func printVerification(w io.Writer, v *store.Verification) {
	fmt.Fprintf(w, "%d rows, %d index entries and %d events were read, at change %d\n", v.Rows, v.Entries, v.Events, v.Position)
	for _, p := range v.Problems {
		fmt.Fprintf(w, "problem: %s\n", p)
	}
	if v.Omitted > 0 {
		fmt.Fprintf(w, "%d further problems are not listed\n", v.Omitted)
	}
	if len(v.Problems) == 0 {
		fmt.Fprintln(w, "the store verifies")
	}
}

// adminVerifyStore answers with a store.Verification.
func (s *server) adminVerifyStore(w http.ResponseWriter, r *http.Request) {
	s.answerAbout(w, r, "VerifyStore", func(ctx context.Context) (any, error) { return s.verifyStore(ctx) })
}

// answerAbout asks whether the operator may, and writes what look returns. A server
// that has not begun keeps no record of being looked at.
func (s *server) answerAbout(w http.ResponseWriter, r *http.Request, name string, look func(context.Context) (any, error)) {
	var in struct{}
	if !readJSON(w, r, &in) {
		return
	}
	if s.stop != nil {
		if _, err := s.operate(r.Context(), name, func(any) {}); err != nil {
			writeProblem(w, err)
			return
		}
	}
	out, err := look(r.Context())
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		writeJSON(w, problem{err.Error()}) // the operator may know
		return
	}
	writeJSON(w, out)
}

func (s *server) verifyStore(ctx context.Context) (*store.Verification, error) {
	return s.store.Verify(ctx, tables(), func(r store.Reader, report func(store.Problem)) error {
		for _, of := range []interface {
			Consistency(context.Context, store.Reader, func(store.Problem)) error
		}{s.iam, s.keys, s.proxy} {
			if err := of.Consistency(ctx, r, report); err != nil {
				return err
			}
		}
		return s.compareTrail(ctx, r, report)
	})
}

// compareTrail reports what the trail says was taken away and is there all the
// same: a row from an older copy of the store opens, but it is not what its last
// record says.
func (s *server) compareTrail(ctx context.Context, r store.Reader, report func(store.Problem)) error {
	_, recorded, err := s.reached()
	if err != nil {
		return err
	}
	if r.Position() < recorded && s.stop == nil && s.incarnation.Restored == nil {
		report(store.Problem{What: fmt.Sprintf("the store was rolled back: it ends at change %d, the trail has change %d", r.Position(), recorded)})
	}
	switch err := s.cutOff(ctx); {
	case errors.Is(err, errCutOff):
		report(store.Problem{What: err.Error()})
	case err != nil:
		return err
	}
	hold := func(st *step) error {
		due, err := s.due(ctx, r, st)
		switch {
		case errors.Is(err, store.ErrUnavailable):
			return err
		case err != nil:
			report(store.Problem{What: fmt.Sprintf("%s: %v", described(st.lost), err)})
		case due:
			report(store.Problem{What: fmt.Sprintf("%s is not in the store: rows of an older state were put back", described(st.lost))})
		}
		return nil
	}
	before, err := s.lostTwice(ctx)
	if err != nil {
		return err
	}
	p, lost := newSteps(true), newSteps(false)
	// found goes on behind a future that was lost: whoever got a name in it does not have it.
	found := func() error {
		for _, st := range lost.list() {
			switch {
			case st.aboutNew(): // to the store, which does not have it
			case st.trace.Final:
				if err := hold(st); err != nil {
					return err
				}
			case !st.trace.Gives && !st.trace.Unseen:
				again := s.trace(st.lost)
				p.add(&again)
			}
		}
		lost = newSteps(false)
		return nil
	}
	err = s.told(ctx, r.Position(), func(l *operation.Lost, position uint64) error {
		st := s.trace(l)
		if forgotten(s.incarnation.Gaps, l.Sequence, position) {
			if st.by != nil && !forgotten(before, l.Sequence, position) {
				lost.add(&st)
			}
			return nil
		}
		if err := found(); err != nil || st.by == nil {
			return err
		}
		beyond := position > r.Position() // it may be in the snapshot or not
		if st.trace.Final && !beyond {
			return hold(&st)
		}
		p.add(&st)
		if st.trace.Gives || st.trace.Unseen || beyond {
			p.forget(&st)
		}
		return nil
	})
	switch {
	case errors.Is(err, audit.ErrDamaged): // the rest of it still tells something
		report(store.Problem{What: err.Error()})
	case err != nil:
		return err
	}
	if err := found(); err != nil {
		return err
	}
	for _, st := range p.list() {
		if err := hold(st); err != nil {
			return err
		}
	}
	return nil
}

// lostTwice returns the futures in the gaps of the store that had been lost before.
func (s *server) lostTwice(ctx context.Context) (gaps []gap, err error) {
	if len(s.incarnation.Gaps) == 0 {
		return nil, nil
	}
	last, _, err := s.reached()
	if err != nil {
		return nil, err
	}
	first := slices.MinFunc(s.incarnation.Gaps, func(a, b gap) int { return cmp.Compare(a.From, b.From) })
	accepted, err := s.acceptances(ctx, first.From-1, last)
	if err != nil && !errors.Is(err, audit.ErrDamaged) { // which compareTrail reports
		return nil, err
	}
	for _, g := range s.incarnation.Gaps {
		before, _ := lostBefore(accepted, g)
		gaps = append(gaps, before...)
	}
	return gaps, nil
}

// described names a change by its record.
func described(l *operation.Lost) string {
	text := fmt.Sprintf("%s of record %d", l.Name, l.Sequence)
	for _, name := range []string{"grantId", "userName", "roleName", "policyName", "accessKeyId", "name", "keyStore", "externalKeyId", "policyId", "targetId", "accountId", "servicePrincipal", "handshakeId"} {
		if v := l.Members[name]; v != "" {
			text += " " + name + " " + v
		}
	}
	if len(l.Resources) > 0 {
		text += " on " + l.Resources[0].ARN
	}
	return text
}

type storeStatCommand struct {
	where
}

// A storeStat says what a store holds and takes.
type storeStat struct {
	Kind          string      `json:"kind"` // sqlite or postgres
	Installation  string      `json:"installation"`
	Schema        int         `json:"schema"`
	Position      uint64      `json:"position"`
	Recorded      uint64      `json:"recorded"`    // up to which change the trail knows
	LastRecord    uint64      `json:"lastRecord"`  // of the trail
	Incarnation   string      `json:"incarnation"` // first, or drawn when a restore was accepted
	Restored      bool        `json:"restored"`    // and not accepted yet
	Tables        []store.Sum `json:"tables"`
	DiskBytes     int64       `json:"diskBytes"`
	FreeBytes     int64       `json:"freeBytes"`     // -1 where it is not known
	WriteAheadLog int64       `json:"writeAheadLog"` // -1 where it is not the database's own
}

// Run prints what the store holds and takes.
func (c *storeStatCommand) Run(env *environment) error {
	return c.callUnbegun(env, "/store/stat", struct{}{}, func(r io.Reader) error {
		var st storeStat
		if err := json.NewDecoder(r).Decode(&st); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if c.JSON {
			return printJSON(env.stdout, &st)
		}
		return st.print(env.stdout)
	})
}

func (st *storeStat) print(w io.Writer) error {
	fmt.Fprintf(w, "kind           %s, schema version %d\ninstallation   %s\nincarnation    %s\n", st.Kind, st.Schema, st.Installation, st.Incarnation)
	fmt.Fprintf(w, "position       %d; the trail knows of changes up to %d, and has %d records\n", st.Position, st.Recorded, st.LastRecord)
	if st.Restored {
		fmt.Fprintln(w, "               restored from a backup, and not accepted yet")
	}
	fmt.Fprintf(w, "on disk        %s, %s of it free, %s of it write-ahead log\n\n", size(st.DiskBytes), size(st.FreeBytes), size(st.WriteAheadLog))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "table\trows\tbytes\t\n")
	for _, t := range st.Tables {
		fmt.Fprintf(table, "%s\t%d\t%d\t\n", t.Table, t.Rows, t.Bytes)
	}
	return table.Flush()
}

func size(bytes int64) string {
	if bytes < 0 {
		return "an unknown part"
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func (s *server) adminStoreStat(w http.ResponseWriter, r *http.Request) {
	s.answerAbout(w, r, "DescribeStore", func(ctx context.Context) (any, error) { return s.stat(ctx) })
}

func (s *server) stat(ctx context.Context) (*storeStat, error) {
	carrier, err := store.CarrierOf(s.driver)
	if err != nil {
		return nil, errInMemory
	}
	st := &storeStat{
		Kind: s.driver.Name(), Installation: s.installation, Schema: store.SchemaVersion,
		Incarnation: s.incarnation.name(), Restored: s.incarnation.Restored != nil,
	}
	if st.LastRecord, st.Recorded, err = s.reached(); err != nil {
		return nil, err
	}
	taken, err := carrier.Size(ctx)
	if err != nil {
		return nil, err
	}
	st.DiskBytes, st.FreeBytes, st.WriteAheadLog = taken.Disk, taken.Free, taken.Log
	return st, withWhole(ctx, carrier, func(w driver.Whole) error {
		st.Position = w.Position()
		st.Tables, err = store.Sums(ctx, w, tables())
		return err
	})
}

func withWhole(ctx context.Context, c driver.Carrier, fn func(driver.Whole) error) error {
	w, err := c.Whole(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(w), w.Close())
}
