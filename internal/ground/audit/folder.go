package audit

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A folder holds the files of a trail. It is an interface for one reason: tests
// run the log on one that crashes, fails and fills up.
type folder interface {
	// list returns the names of all files.
	list() ([]string, error)
	// open opens a file for reading; errIrregular where it is none.
	open(name string) (file, error)
	// create makes a file of size zero bytes whose room on the disk is taken.
	create(name string, size int64) (file, error)
	// reopen opens a file for writing.
	reopen(name string) (file, error)
	// rename closes f, gives it a new name and opens it again for writing. The
	// new name is durable when it returns.
	rename(f file, from, to string) (file, error)
	remove(name string) error
	// lock takes the folder for one Log, else ErrLocked; locked reports whether one has it.
	lock() (io.Closer, error)
	locked() (bool, error)
}

// A file is a segment, or what becomes one.
type file interface {
	io.ReaderAt
	io.Closer
	size() (int64, error)
	// write returns when b is durable at offset off.
	write(b []byte, off int64) error
	truncate(size int64) error
}

const (
	segmentSuffix = ".trail"
	segmentDigits = 12
	spareName     = "spare"
	lockName      = "lock"
)

func segmentName(number uint64) string {
	return fmt.Sprintf("%0*d%s", segmentDigits, number, segmentSuffix)
}

// errIrregular means that a name is that of a directory, a pipe or the like.
var errIrregular = errors.New("no regular file")

// segmentNumbers returns the numbers of the segments in f, lowest first. The
// highest number is none's: nothing could follow it.
func segmentNumbers(f folder) ([]uint64, error) {
	names, err := f.list()
	if err != nil {
		return nil, fmt.Errorf("listing the trail: %w", err)
	}
	var numbers []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		n, err := strconv.ParseUint(digits, 10, 64)
		if ok && err == nil && n > 0 && n < math.MaxUint64 && segmentName(n) == name {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
