// Package process keeps the memory of the process to itself.
package process
