//go:build !race

package audit_test

// step is how far apart the bytes are that tests of every byte try.
const step = 1
