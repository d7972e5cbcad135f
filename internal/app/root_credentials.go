package app

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

type rootCredentialsCommand struct {
	Reset rootCredentialsResetCommand `cmd:"" help:"Delete the access keys of an account's root user, which ends its sessions, and print the one that takes their place."`
}

type rootCredentialsResetCommand struct {
	where
	Account string `arg:"" optional:"" help:"The account's twelve digits; where there is one account, that one by default."`
}

// Run replaces the credentials of a root user. The secret is printed once and kept
// nowhere in clear; the file that init wrote is left as it is, and opens nothing any more.
func (c *rootCredentialsResetCommand) Run(env *environment) error {
	if c.Account != "" {
		if err := checkAccount(c.Account); err != nil {
			return err
		}
	}
	return c.call(env, "/root-credentials/reset", resetRootCredentialsRequest{Account: c.Account}, func(r io.Reader) error {
		return show(env, c.JSON, r, func(w io.Writer, v *resetRootCredentialsAnswer) error {
			if err := v.print(w); err != nil {
				return err
			}
			_, err := fmt.Fprintf(w, "deleted access keys   = %s\n", cmp.Or(strings.Join(v.DeletedAccessKeyIDs, ", "), "none"))
			return err
		})
	})
}
