package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// tracer returns strace, where it may trace.
func tracer(t *testing.T) string {
	t.Helper()
	strace := tool(t, "strace")
	if out, err := exec.Command(strace, "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: processes can't be traced here: %v: %s", err, out)
	}
	return strace
}

// TestSyncBeforeAnswer watches the system calls of a server: every answer comes
// after a sync that covers what it answers, and every new name in the data
// directory is followed by a sync of the directory.
func TestSyncBeforeAnswer(t *testing.T) {
	t.Parallel()
	strace := tracer(t)
	dir := filepath.Join(t.TempDir(), "data")
	output := filepath.Join(t.TempDir(), "strace")
	p := startUnder(t, []string{strace, "-f", "-y", "-s", "64", "-o", output,
		"-e", "trace=openat,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync,write,pwrite64,writev,pwritev,ftruncate"},
		[]string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--init", "--account", rootAccount}, rootEnv...)
	root := p.root()
	created, err := root.kms.CreateKey(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	key := created.KeyMetadata.KeyId
	const rounds = 10
	for range rounds {
		if _, err := root.kms.Encrypt(t.Context(), &kms.EncryptInput{KeyId: key, Plaintext: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		if _, err := root.kms.TagResource(t.Context(), &kms.TagResourceInput{KeyId: key, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("b")}}}); err != nil {
			t.Fatal(err)
		}
	}
	p.stop()
	trace, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	w := watcher{t: t, dir: dir}
	for line := range strings.Lines(string(trace)) {
		w.line(strings.TrimRight(line, "\n"))
	}
	if want := 2*rounds + 1; w.answers != want {
		t.Errorf("saw %d answers, want %d", w.answers, want)
	}
	if w.names == 0 || w.walSyncs < rounds && !onPostgres() {
		t.Errorf("saw %d new names and %d syncs of the store's log", w.names, w.walSyncs)
	}
}

// watcher reads the trace of a server that has one client with one call at a time.
type watcher struct {
	t   *testing.T
	dir string

	pending  map[string]string // calls that another thread interrupted, by thread
	dirty    map[string]bool   // files written and not synced since
	unnamed  map[string]string // directories with a new name and no sync since
	answers  int
	names    int
	walSyncs int
	trail    int // syncs of the trail since the last answer

	spareDirty bool
}

var (
	lineForm   = regexp.MustCompile(`^(\d+) +(.*)$`)
	resumed    = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
	callForm   = regexp.MustCompile(`^(\w+)\((.*)\) += (-?\d+)`)
	descriptor = regexp.MustCompile(`^\d+<([^>]*)>`)
	quoted     = regexp.MustCompile(`"([^"]*)"`)
)

func (w *watcher) line(line string) {
	m := lineForm.FindStringSubmatch(line)
	if m == nil {
		return
	}
	thread, text := m[1], m[2]
	if w.pending == nil {
		w.pending, w.dirty, w.unnamed = make(map[string]string), make(map[string]bool), make(map[string]string)
	}
	if begun, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
		w.pending[thread] = begun
		// What a call writes counts from its beginning, what it syncs from its end.
		if !strings.HasPrefix(begun, "fsync") && !strings.HasPrefix(begun, "fdatasync") {
			w.call(begun + ") = 0")
		}
		return
	}
	if m := resumed.FindStringSubmatch(text); m != nil {
		begun := w.pending[thread]
		delete(w.pending, thread)
		if strings.HasPrefix(begun, "fsync") || strings.HasPrefix(begun, "fdatasync") {
			w.call(begun + m[1])
		}
		return
	}
	w.call(text)
}

func (w *watcher) call(text string) {
	m := callForm.FindStringSubmatch(text)
	if m == nil || strings.HasPrefix(m[3], "-") {
		return
	}
	name, arguments := m[1], m[2]
	path := ""
	if d := descriptor.FindStringSubmatch(arguments); d != nil {
		path = d[1]
	}
	switch name {
	case "fsync", "fdatasync":
		delete(w.dirty, path)
		delete(w.unnamed, path)
		if strings.HasSuffix(path, spare) {
			w.spareDirty = false
		}
		if strings.HasSuffix(path, "-wal") {
			w.walSyncs++
		}
		if strings.Contains(path, "/trail/") && durable(path) {
			w.trail++
		}
	case "openat":
		if strings.Contains(arguments, "O_CREAT") {
			w.named(quoted.FindStringSubmatch(arguments))
		}
	case "rename", "renameat", "renameat2":
		if w.spareDirty && strings.Contains(arguments, spare) {
			w.t.Errorf("a segment got its name before it was synced: %s", arguments)
		}
		all := quoted.FindAllStringSubmatch(arguments, -1)
		w.named(all[len(all)-1])
	case "write", "pwrite64", "writev", "pwritev":
		if strings.HasPrefix(path, w.dir) && durable(path) {
			w.dirty[path] = true
		}
		if strings.HasSuffix(path, spare) {
			w.spareDirty = true
		}
		if strings.Contains(arguments, `"HTTP/1.1 200`) {
			w.answer()
		}
	}
}

// spare is the next segment of the trail, made ready beside the calls. It counts
// from when it gets its name, before which it must be synced.
const spare = "/spare"

// durable reports whether a file counts: not SQLite's shared memory, not a
// lock, not the database itself, which is only written back from its log, and
// not a spare.
func durable(path string) bool {
	return !strings.HasSuffix(path, "-shm") && !strings.Contains(path, "lock") && !strings.HasSuffix(path, ".db") && !strings.HasSuffix(path, spare)
}

func (w *watcher) named(match []string) {
	if match == nil || !strings.HasPrefix(match[1], w.dir) || !durable(match[1]) || strings.HasSuffix(match[1], "-wal") {
		return
	}
	w.names++
	w.unnamed[filepath.Dir(match[1])] = match[1]
}

func (w *watcher) answer() {
	w.answers++
	for path := range w.dirty {
		w.t.Errorf("answer %d was sent while %s was not synced", w.answers, path)
	}
	for dir, name := range w.unnamed {
		w.t.Errorf("answer %d was sent while %s had a new name %s and no sync", w.answers, dir, name)
	}
	if w.trail == 0 {
		w.t.Errorf("answer %d was sent without a sync of the trail since the one before", w.answers)
	}
	w.trail = 0
}
