//go:build !unix

package process

// Harden does nothing here: this system offers the program no means. Dumps and
// debuggers have to be forbidden by whoever runs it.
func Harden() error { return nil }
