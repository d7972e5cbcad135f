// Package clients tries the programs and libraries that people use with a key
// service, unmodified, against the real binary.
//
// It is a module of its own because these clients bring hundreds of others
// along, none of which belongs near the server. docs/clients.md shows the same
// steps to people.
package clients
