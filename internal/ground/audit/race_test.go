//go:build race

package audit_test

// step is how far apart the bytes are that tests of every byte try: all
// without the race detector, under which signatures are slow.
const step = 7
