//go:build !unix

package app

// syncDir does nothing: NTFS journals the names in its directories, and a directory that was
// opened for reading can't be synced.
func syncDir(string) error { return nil }
