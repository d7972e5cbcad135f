package app

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version is set when a release is built.
var Version = "0.1.0-dev"

type versionCommand struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Run prints the version, the revision it was built from, and the toolchain.
func (c *versionCommand) Run(env *environment) error {
	if c.JSON {
		return printJSON(env.stdout, map[string]string{"version": Version, "revision": revision(), "go": runtime.Version()})
	}
	_, err := fmt.Fprintf(env.stdout, "claviger %s (%s, %s)\n", Version, revision(), runtime.Version())
	return err
}

// revision is what the program was built from.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
