// Package e2e tries the real binary with the official clients.
//
// It is a module of its own, so that the clients' modules stay out of the
// server's go.mod.
package e2e
