package audit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

var (
	ErrDisk     = errors.New("disk: input/output error")
	ErrDiskFull = errors.New("disk: no space left")
)

// A Disk is a folder in memory that fails, fills up and loses power.
type Disk struct {
	mu     sync.Mutex
	files  map[string]*diskFile
	holder *diskLock
	epoch  int // handles of earlier ones are dead

	// Space is the room for all files; 0 means that it has no limit.
	Space int64
	// fault is asked before each write and each change of names.
	fault func(op, name string) Fault
	// Looked is called when somebody has asked whether a log is running.
	Looked func()
	// Missed is called when somebody has opened a file that is not there.
	Missed func(name string)
	// Sick says whether a read of a file fails; nil where none does.
	Sick func(name string, off int64) bool
	// Before is called before each write, outside of the disk's lock.
	Before func(op string)
	// Lasts says of each sector of a torn write whether it is durable. Where it is
	// nil chance does, and one write in some hundred is whole.
	Lasts  func() bool
	Writes int // how many writes there were
}

// A Fault is what befalls a write.
type Fault int

const (
	NoFault   Fault = iota
	Refuse          // nothing happens but the error
	LoseSync        // the bytes are seen by all who read, but not durable; error
	TearWrite       // some of the sectors are durable; then the power fails
)

type diskFile struct {
	seen, durable []byte
}

// Put and Bytes are for tests that alter files.
func (d *Disk) Put(name string, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files == nil {
		d.files = make(map[string]*diskFile)
	}
	d.files[name] = &diskFile{bytes.Clone(b), bytes.Clone(b)}
}

func (d *Disk) Bytes(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.files[name].seen)
}

func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.files))
}

// Fail sets what is asked before each write and each change of names; nil ends that.
func (d *Disk) Fail(fault func(op, name string) Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// Copy returns the disk as another program would find it that copies the files now.
func (d *Disk) Copy() *Disk {
	c := &Disk{}
	for _, name := range d.Names() {
		c.Put(name, d.Bytes(name))
	}
	return c
}

// Kill ends the program that uses the disk: its handles fail from now on, the
// files are as it left them.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.epoch++
	d.holder = nil
	d.fault = nil
}

// LosePower is Kill, and what wasn't durable is gone.
func (d *Disk) LosePower() {
	d.Kill()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		f.seen = bytes.Clone(f.durable)
	}
}

// On returns o on the disk d.
func (o Options) On(d *Disk) Options {
	o.folder = &diskFolder{d: d, epoch: d.epoch}
	return o
}

// A diskFolder is the disk as one program sees it.
type diskFolder struct {
	d     *Disk
	epoch int
}

func (f *diskFolder) fault(op, name string) Fault {
	if f.epoch != f.d.epoch {
		return Refuse
	}
	if f.d.fault == nil {
		return NoFault
	}
	return f.d.fault(op, name)
}

func (f *diskFolder) list() ([]string, error) { return f.d.Names(), nil }

func (f *diskFolder) open(name string) (file, error) {
	f.d.mu.Lock()
	got, ok := f.d.files[name]
	f.d.mu.Unlock()
	if ok {
		return &diskHandle{f, name, got}, nil
	}
	if f.d.Missed != nil {
		f.d.Missed(name)
	}
	return nil, fs.ErrNotExist
}

func (f *diskFolder) reopen(name string) (file, error) { return f.open(name) }

func (f *diskFolder) create(name string, size int64) (file, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.fault("create", name) != NoFault {
		return nil, ErrDisk
	}
	used := size
	for _, other := range f.d.files {
		used += int64(len(other.seen))
	}
	if f.d.Space > 0 && used > f.d.Space {
		return nil, ErrDiskFull
	}
	if f.d.files[name] != nil {
		return nil, fs.ErrExist
	}
	if f.d.files == nil {
		f.d.files = make(map[string]*diskFile)
	}
	made := &diskFile{make([]byte, size), make([]byte, size)}
	f.d.files[name] = made
	return &diskHandle{f, name, made}, nil
}

func (f *diskFolder) rename(from file, _, to string) (file, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.fault("rename", to) != NoFault {
		return nil, ErrDisk
	}
	h := from.(*diskHandle)
	delete(f.d.files, h.name)
	f.d.files[to] = h.f
	return &diskHandle{f, to, h.f}, nil
}

func (f *diskFolder) remove(name string) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.fault("remove", name) != NoFault {
		return ErrDisk
	}
	if f.d.files[name] == nil {
		return fs.ErrNotExist
	}
	delete(f.d.files, name)
	return nil
}

type diskLock struct{ d *Disk }

func (l *diskLock) Close() error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.d.holder == l {
		l.d.holder = nil
	}
	return nil
}

func (f *diskFolder) lock() (io.Closer, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.holder != nil {
		return nil, ErrLocked
	}
	f.d.holder = &diskLock{f.d}
	return f.d.holder, nil
}

func (f *diskFolder) locked() (bool, error) {
	if f.d.Looked != nil {
		defer f.d.Looked()
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return f.d.holder != nil, nil
}

type diskHandle struct {
	folder *diskFolder
	name   string
	f      *diskFile
}

func (h *diskHandle) ReadAt(b []byte, off int64) (int, error) {
	h.folder.d.mu.Lock()
	defer h.folder.d.mu.Unlock()
	if h.folder.d.Sick != nil && h.folder.d.Sick(h.name, off) {
		return 0, &fs.PathError{Op: "read", Path: h.name, Err: syscall.EIO}
	}
	return bytes.NewReader(h.f.seen).ReadAt(b, off)
}

func (h *diskHandle) Close() error { return nil }

func (h *diskHandle) size() (int64, error) {
	h.folder.d.mu.Lock()
	defer h.folder.d.mu.Unlock()
	return int64(len(h.f.seen)), nil
}

func (h *diskHandle) write(b []byte, off int64) error {
	d := h.folder.d
	if d.Before != nil {
		d.Before("write")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	fault := h.folder.fault("write", h.name)
	if h.folder.epoch == d.epoch {
		d.Writes++
	}
	if off+int64(len(b)) > int64(len(h.f.seen)) {
		panic("disk: a write changes the size of a file")
	}
	switch fault {
	case NoFault:
		copy(h.f.seen[off:], b)
		copy(h.f.durable[off:], b)
		return nil
	case LoseSync:
		copy(h.f.seen[off:], b)
	case TearWrite:
		h.tear(b, off)
	}
	return ErrDisk
}

// tear writes some of the sectors that b touches, in no order, and ends the
// program.
func (h *diskHandle) tear(b []byte, off int64) {
	const sector = 64 // smaller than real ones, so that small frames have several
	lasts := h.folder.d.Lasts
	if lasts == nil {
		lasts = func() bool { return rand.IntN(2) == 0 }
	}
	for from := off; from < off+int64(len(b)); {
		to := min(from/sector*sector+sector, off+int64(len(b)))
		if lasts() {
			copy(h.f.durable[from:to], b[from-off:])
		}
		from = to
	}
	h.folder.d.epoch++
	h.folder.d.holder = nil
	h.folder.d.fault = nil
	for _, f := range h.folder.d.files {
		f.seen = bytes.Clone(f.durable)
	}
}

func (h *diskHandle) truncate(size int64) error {
	h.folder.d.mu.Lock()
	defer h.folder.d.mu.Unlock()
	if h.folder.fault("truncate", h.name) != NoFault {
		return ErrDisk
	}
	h.f.seen, h.f.durable = h.f.seen[:size:size], h.f.durable[:size:size]
	return nil
}

// Remove deletes a file.
func (d *Disk) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
}

// Seen is the memory of a file, while nothing else uses it.
func (d *Disk) Seen(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[name].seen
}

// SetSpace changes the room for all files.
func (d *Disk) SetSpace(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Space = n
}
