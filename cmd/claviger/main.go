// Command claviger is a self-hosted data-protection plane that speaks the AWS APIs.
package main

import (
	"os"

	"claviger/internal/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
