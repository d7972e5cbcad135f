package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/xksproxytest"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// secondRegion is another Region than that of all calls.
const secondRegion = "eu-west-1"

// Accounts of the world.
const (
	owner    = "111122223333"
	stranger = "444455556666"
)

// world is a server without a network, and everything it writes.
type world struct {
	t         testing.TB
	server    *server
	driver    driver.Driver
	keyring   *sealed.Keyring
	log       *lockedBuffer
	entrances map[string]*pipeline.Entrance // "kms:Encrypt"
	names     int
	documents *authz.Credential          // the service of documents, once it is registered
	keyInput  func() *kms.CreateKeyInput // makes the keys of samples, where they are no usual ones
	xks       string                     // access key id of its key store, once that is made
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t testing.TB) *world { return newWorldOn(t, drivertest.Open(t), "") }

// newDurableWorld keeps its store and trail in a directory.
func newDurableWorld(t testing.TB, dir string) *world {
	return newDurableWorldWith(t, dir, func(*foundations) {})
}

func newDurableWorldWith(t testing.TB, dir string, change func(*foundations)) *world {
	d, err := sqlite.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return newWorldWith(t, d, dir, change)
}

func newWorldOn(t testing.TB, d driver.Driver, dir string) *world {
	return newWorldWith(t, d, dir, func(*foundations) {})
}

// newWorldWith makes a world on foundations that the caller has changed.
func newWorldWith(t testing.TB, d driver.Driver, dir string, change func(*foundations)) *world {
	t.Helper()
	w := &world{t: t, driver: d, log: new(lockedBuffer), entrances: make(map[string]*pipeline.Entrance)}
	key, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	keyring, _, err := sealed.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	w.keyring = keyring
	f := w.foundations(d, dir)
	change(&f)
	if w.server, err = newServer(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.server.close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	w.enter()
	return w
}

// foundations are those of the world's server.
func (w *world) foundations(d driver.Driver, dir string) foundations {
	f := foundations{
		driver:      d,
		regions:     []string{"us-east-1", secondRegion},
		keyring:     w.keyring,
		development: true,
		log:         slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		openTrail: func(o audit.Options) (audit.Trail, error) {
			if dir == "" {
				return audit.NewRing(ringRecords).Observe(o.Observe), nil
			}
			o.SegmentBytes = 4 << 20
			return audit.Open(o)
		},
		trailDir: filepath.Join(dir, trailDir),
		proxies:  xksproxytest.New().Send,
	}
	if dir != "" {
		f.verify = audit.Verify
	}
	return f
}

// enter finds the operations of the world's server.
func (w *world) enter() {
	for _, s := range w.server.services {
		for _, op := range s.Operations {
			w.entrances[s.Name+":"+op.Name] = pipeline.Open(s.Source, op)
		}
	}
}

// caller returns a credential by its access key id; twelve digits are the root
// user of that account.
func (w *world) caller(id string) *authz.Credential {
	w.t.Helper()
	c, err := w.server.iam.Credential(context.Background(), id, "")
	if err != nil {
		w.t.Fatalf("looking up %s: %v", id, err)
	}
	return c
}

// call takes in, a pointer to the operation's input, through the pipeline.
func (w *world) call(as *authz.Credential, name string, in any) (any, error) {
	entrance := w.entrances[name]
	if entrance == nil {
		w.t.Fatalf("there is no operation %s", name)
	}
	return w.server.pipeline.Do(context.Background(), &pipeline.Request{
		Entrance:   entrance,
		Credential: as,
		Facts:      authz.Facts{Region: "us-east-1", UserAgent: "tests"},
		ID:         ident.UUID(),
		Partition:  "aws",
		Decode: func(to any) error {
			assign(to, in)
			return nil
		},
		Spell: func(c fault.Code) string { return string(c) },
	})
}

// must is call for what must succeed.
func (w *world) must(as *authz.Credential, name string, in any) any {
	w.t.Helper()
	out, err := w.call(as, name, in)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return out
}

// records returns the newest sequence number and the records from a number on.
func (w *world) records(from uint64) (list []audit.Entry, next uint64) {
	w.t.Helper()
	next = from
	err := w.server.trail.Read(context.Background(), from, func(sequence uint64, e audit.Entry) error {
		list = append(list, e)
		next = sequence + 1
		return nil
	})
	if err != nil {
		w.t.Fatalf("reading the trail: %v", err)
	}
	return list, next
}

// dump renders every row of every table, as the driver keeps it.
func (w *world) dump() string {
	w.t.Helper()
	ctx := context.Background()
	snapshot, err := w.driver.Snapshot(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer snapshot.Close()
	var b bytes.Buffer
	for _, schema := range store.Schemas(tables()) {
		err := snapshot.Scan(ctx, schema, "", nil, nil, 1<<20, func(r driver.Row) error {
			_, err := fmt.Fprintf(&b, "%s %v %v %d %d %q\n", schema.Name, r.Key, r.Indexed, r.Rev, r.Version, r.Body)
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return b.String()
}
