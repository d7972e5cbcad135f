package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"claviger/internal/ground/backup"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

type backupCommand struct {
	where
	To string `required:"" type:"path" placeholder:"FILE" help:"Where to: a file that is not there yet, or a directory, in which it gets a name of its own."`
}

// A backedUp is what was written.
type backedUp struct {
	File        string    `json:"file"`
	Created     time.Time `json:"created"`
	Position    uint64    `json:"position"`
	LastRecord  uint64    `json:"lastRecord"`
	Incarnation string    `json:"incarnation"`
	Rows        uint64    `json:"rows"`
	Digest      string    `json:"digest"`
}

// Run writes the backup. The file has its name when it is whole and durable, and
// replaces nothing.
func (c *backupCommand) Run(env *environment) error {
	path, err := c.target()
	if err != nil {
		return err
	}
	var done *backup.Summary
	if err := c.callUnbegun(env, "/backup", struct{}{}, func(r io.Reader) error {
		done, path, err = keepBackup(path, r)
		return err
	}); err != nil {
		return err
	}
	out := backedUp{
		File: path, Created: done.Created, Position: done.Position, LastRecord: done.Last,
		Incarnation: (&incarnation{ID: done.Incarnation}).name(), Digest: done.Name(),
	}
	for _, t := range done.Tables {
		out.Rows += t.Rows
	}
	if c.JSON {
		return printJSON(env.stdout, &out)
	}
	_, err = fmt.Fprintf(env.stdout, "%s: %d rows at change %d, %d records of the trail, SHA-256 %s\n",
		out.File, out.Rows, out.Position, out.LastRecord, out.Digest)
	return err
}

// target returns the file to be written; one that ends in a separator is to be
// named within that directory.
func (c *backupCommand) target() (string, error) {
	info, err := os.Stat(c.To)
	switch {
	case err == nil && info.IsDir():
		return c.To + string(filepath.Separator), nil
	case err == nil:
		return "", usage("%s is there already: a backup replaces nothing", c.To)
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("looking at %s: %w", c.To, err)
	}
	return c.To, nil
}

// keepBackup writes a stream to a file that has no name before it is whole.
func keepBackup(path string, from io.Reader) (*backup.Summary, string, error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".backup-*") // mode 0600
	if err != nil {
		return nil, "", fmt.Errorf("writing the backup: %w", err)
	}
	defer os.Remove(f.Name())
	done, err := backup.Read(io.TeeReader(from, f), store.Carried(tables()), new(backup.Visitor))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, "", fmt.Errorf("writing the backup: %w", err)
	}
	if os.IsPathSeparator(path[len(path)-1]) {
		path += "claviger-" + done.Created.UTC().Format("20060102T150405Z") + ".backup"
	}
	if err := nameAnew(f.Name(), path); err != nil {
		return nil, "", fmt.Errorf("naming the backup: %w", err)
	}
	return done, path, syncDir(dir)
}

// nameAnew gives a file a name that nothing has. It may leave the file its old one, too.
func nameAnew(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	return takeName(from, to)
}

// takeName is nameAnew for file systems without hard links, such as FAT and some of the
// network. What renames would replace something, so an empty file takes the name first, where
// nothing has it, and is replaced. After a crash in between it is left: it is no backup, and has to
// be removed by hand.
func takeName(from, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = f.Close()
	if err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// errAccepting refuses a backup that would bring back a restore as it was being
// accepted: of what was lost later, nothing would be made again.
var errAccepting = errors.New("the store was put back, and accepting that was interrupted; " + goOn + " first")

// adminBackup streams a backup. Only its breaking off can tell the client that
// it is not whole.
func (s *server) adminBackup(w http.ResponseWriter, r *http.Request) {
	var in struct{}
	if !readJSON(w, r, &in) {
		return
	}
	carrier, err := store.CarrierOf(s.driver)
	if err != nil {
		writeOutcome(w, nil, errInMemory)
		return
	}
	if s.incarnation.Accepting != nil {
		writeOutcome(w, nil, errAccepting)
		return
	}
	if s.stop != nil {
		if _, err := s.operate(r.Context(), "CreateBackup", func(any) {}); err != nil {
			writeProblem(w, err)
			return
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	to := bufio.NewWriterSize(w, 1<<20)
	if err := errors.Join(s.writeBackup(r.Context(), carrier, to), to.Flush()); err != nil {
		if r.Context().Err() == nil {
			s.log.Error("writing a backup", "cause", err)
		}
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// copier is a trail that can be copied.
type copier interface {
	Copy(ctx context.Context, fn func(name string, size int64, content io.Reader) error) (head []byte, last uint64, err error)
}

// writeBackup writes the store as it is, and then the trail. In this order the
// trail has every record that the store has pruned. That it may have some of
// changes which the store in the backup does not have is like any other restore.
func (s *server) writeBackup(ctx context.Context, carrier driver.Carrier, to io.Writer) error {
	trail, ok := s.trail.(copier)
	if !ok {
		return errInMemory
	}
	var b *backup.Writer
	err := withWhole(ctx, carrier, func(w driver.Whole) (err error) {
		b, err = backup.NewWriter(to, backup.Header{
			Installation: s.installation, Created: s.now().UTC(), Engine: s.driver.Name(), Schema: store.SchemaVersion,
			Position: w.Position(), Incarnation: s.incarnation.ID,
		})
		for _, t := range store.Carried(tables()) {
			if err == nil {
				err = b.Table(t)
			}
			if err == nil {
				err = w.Rows(ctx, t, nil, func(r driver.Row) error { return b.Row(&r) })
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("copying the store: %w", err)
	}
	head, last, err := trail.Copy(ctx, func(name string, _ int64, content io.Reader) error { return b.Segment(name, content) })
	if err != nil {
		return fmt.Errorf("copying the trail: %w", err)
	}
	return b.Close(head, last, s.sign)
}
