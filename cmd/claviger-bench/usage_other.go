//go:build !unix

package main

import "time"

// clientCPU is not known here.
func clientCPU() time.Duration { return 0 }
