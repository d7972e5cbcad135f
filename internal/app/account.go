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
		var account createAccountAnswer
		if err := json.NewDecoder(r).Decode(&account); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if c.JSON {
			return printJSON(env.stdout, account)
		}
		_, err := fmt.Fprintf(env.stdout, "account               = %s\naws_access_key_id     = %s\naws_secret_access_key = %s\n",
			account.AccountID, account.AccessKeyID, account.SecretAccessKey)
		return err
	})
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
