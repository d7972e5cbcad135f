package sqlite

import (
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"claviger/internal/ground/store/driver"
)

// explain puts an error of SQLite into the closed set. Its texts name tables
// and columns, never values.
func explain(err error) error {
	var e *sqlite3.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	if e.Code() == codes.SQLITE_IOERR_SHMSIZE { // of the file that opening makes longer first
		return fmt.Errorf("there is no room beside the database, most likely its disk is full: %w: %w", driver.ErrUnavailable, err)
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_NOTADB:
		return fmt.Errorf("the file is not a database: %w", driver.ErrDamaged)
	case codes.SQLITE_CORRUPT:
		return fmt.Errorf("the database is damaged, restore it from a backup: %w", driver.ErrDamaged)
	}
	return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
}

// undone reports whether a COMMIT that failed with err certainly left nothing
// behind. With a full disk the last frame of the log, which is what commits,
// could not be written; a busy database was not written to. After any other
// failure, of a sync above all, the log may hold the commit or lose it in a
// crash, until mend has written over it.
func undone(err error) bool {
	var e *sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == codes.SQLITE_FULL || code == codes.SQLITE_BUSY
}
