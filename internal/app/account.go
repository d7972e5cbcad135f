package app

import (
	"encoding/json"
	"fmt"
	"io"
)

type accountCommand struct {
	Create accountCreateCommand `cmd:"" help:"Make an account and print its root user's credentials."`
}

type accountCreateCommand struct {
	where
	ID string `arg:"" optional:"" help:"Twelve digits; random by default."`
}

// Run makes the account. Its secret is printed once and kept nowhere in clear.
func (c *accountCreateCommand) Run(env *environment) error {
	if c.ID != "" {
		if err := checkAccount(c.ID); err != nil {
			return err
		}
	}
	return c.call(env, "/account/create", createAccountRequest{Account: c.ID}, func(r io.Reader) error {
		return show(env, c.JSON, r, func(w io.Writer, v *createAccountAnswer) error {
			return v.print(w)
		})
	})
}

// print prints the secret, too: nobody can be told it later.
func (a *createAccountAnswer) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "account               = %s\naws_access_key_id     = %s\naws_secret_access_key = %s\n",
		a.AccountID, a.AccessKeyID, a.SecretAccessKey)
	return err
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
