// Package house holds the tests that read the source tree: which package may
// import which, what files are called, what must not be left behind.
//
// A rule that is not a test is a wish. Each rule here is a small function over
// parsed source, and each is tried on a bad example that it must catch before it
// is believed about the tree. Where a rule has exceptions they are listed with
// their reasons, and an exception that is no longer needed fails too.
package house
