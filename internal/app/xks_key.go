package app

import (
	"fmt"
	"io"
	"text/tabwriter"
)

type xksKeyCommand struct {
	Create  xksKeyCreateCommand  `cmd:"" help:"Make an external key in a key store, and print its id."`
	List    xksKeyListCommand    `cmd:"" help:"List the external keys of a key store."`
	Allow   xksKeyAllowCommand   `cmd:"" help:"Say which KMS keys may use an external key, in place of what was said before or of the first that used it."`
	Disable xksKeyDisableCommand `cmd:"" help:"Refuse every use of an external key, at once, until it is enabled again."`
	Enable  xksKeyEnableCommand  `cmd:"" help:"End what disable began."`
	Rotate  xksKeyRotateCommand  `cmd:"" help:"Give an external key new material to encrypt with. What it has encrypted before it still decrypts."`
	Delete  xksKeyDeleteCommand  `cmd:"" help:"Destroy an external key that is disabled, and with it everything that was ever encrypted under it."`
}

// Requests and answers about external keys, as those about key stores.
type (
	xksKeyRequest struct {
		KeyStore      string   `json:"KeyStore"`
		ExternalKeyID string   `json:"ExternalKeyId,omitempty"`
		NoEncrypt     bool     `json:"NoEncrypt,omitempty"`
		NoDecrypt     bool     `json:"NoDecrypt,omitempty"`
		KmsKeys       []string `json:"KmsKeys,omitempty"`
	}
	xksKeyAnswer struct {
		ExternalKey xksKey `json:"ExternalKey"`
	}
	xksKeysAnswer struct {
		ExternalKeys []xksKey `json:"ExternalKeys"`
	}
	xksKey struct {
		KeyStore      string   `json:"KeyStore"`
		ExternalKeyID string   `json:"ExternalKeyId"`
		KeyStatus     string   `json:"KeyStatus"`
		KeyUsage      []string `json:"KeyUsage"`
		KmsKeys       []string `json:"KmsKeys"`
		Version       int      `json:"Version"`
		CreateDate    int64    `json:"CreateDate"` // seconds since 1970
	}
)

// oneXksKey says which external key a command is about.
type oneXksKey struct {
	where
	KeyStore string `arg:"" help:"Prefix of the key store."`
	ID       string `arg:"" name:"external-key-id" help:"Id of the external key."`
}

// tell calls an operation on the external key and says what has become of it.
func (o *oneXksKey) tell(env *environment, operation string, in xksKeyRequest, became string) error {
	in.KeyStore, in.ExternalKeyID = o.KeyStore, o.ID
	return o.call(env, xksPath+operation, in, func(r io.Reader) error {
		return o.say(env, r, fmt.Sprintf("the external key %s of the key store %s %s", o.ID, o.KeyStore, became))
	})
}

type xksKeyCreateCommand struct {
	where
	KeyStore  string   `arg:"" help:"Prefix of the key store."`
	ID        string   `arg:"" optional:"" name:"external-key-id" help:"Its id, 1 to 128 letters, digits, -, . and _; random by default."`
	NoEncrypt bool     `help:"Never encrypt with it."`
	NoDecrypt bool     `help:"Never decrypt with it."`
	KmsKeys   []string `placeholder:"LIST" help:"ARNs of the KMS keys that may use it, or * for all; by default the first that does."`
}

// Run makes the external key.
func (c *xksKeyCreateCommand) Run(env *environment) error {
	in := xksKeyRequest{KeyStore: c.KeyStore, ExternalKeyID: c.ID, NoEncrypt: c.NoEncrypt, NoDecrypt: c.NoDecrypt, KmsKeys: c.KmsKeys}
	return c.call(env, xksPath+"CreateExternalKey", in, func(r io.Reader) error {
		return show(env, c.JSON, r, func(w io.Writer, v *xksKeyAnswer) error {
			_, err := fmt.Fprintln(w, v.ExternalKey.ExternalKeyID)
			return err
		})
	})
}

type xksKeyListCommand struct {
	where
	KeyStore string `arg:"" help:"Prefix of the key store."`
}

// Run lists the external keys.
func (c *xksKeyListCommand) Run(env *environment) error {
	return c.call(env, xksPath+"ListExternalKeys", xksKeyRequest{KeyStore: c.KeyStore}, func(r io.Reader) error {
		return show(env, c.JSON, r, printXksKeys)
	})
}

func printXksKeys(w io.Writer, v *xksKeysAnswer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATUS\tUSAGE\tVERSION\tCREATED\tKMS KEYS")
	for _, k := range v.ExternalKeys {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", k.ExternalKeyID, k.KeyStatus, orNone(k.KeyUsage, "none"), k.Version,
			day(k.CreateDate), orNone(k.KmsKeys, "the first"))
	}
	return table.Flush()
}

type xksKeyAllowCommand struct {
	oneXksKey
	KmsKeys []string `placeholder:"LIST" help:"ARNs of the KMS keys that may use it, or * for all; by default the next that does."`
}

// Run replaces the KMS keys that may use the external key.
func (c *xksKeyAllowCommand) Run(env *environment) error {
	return c.tell(env, "AllowExternalKey", xksKeyRequest{KmsKeys: c.KmsKeys}, "may be used by "+orNone(c.KmsKeys, "the next KMS key that does"))
}

type xksKeyDisableCommand struct{ oneXksKey }

// Run disables the external key. Nobody uses it once this is printed.
func (c *xksKeyDisableCommand) Run(env *environment) error {
	return c.tell(env, "DisableExternalKey", xksKeyRequest{}, "is disabled")
}

type xksKeyEnableCommand struct{ oneXksKey }

// Run enables the external key.
func (c *xksKeyEnableCommand) Run(env *environment) error {
	return c.tell(env, "EnableExternalKey", xksKeyRequest{}, "is enabled")
}

type xksKeyRotateCommand struct{ oneXksKey }

// Run rotates the external key.
func (c *xksKeyRotateCommand) Run(env *environment) error {
	return c.tell(env, "RotateExternalKey", xksKeyRequest{}, "has new material")
}

type xksKeyDeleteCommand struct{ oneXksKey }

// Run destroys the external key.
func (c *xksKeyDeleteCommand) Run(env *environment) error {
	return c.tell(env, "DeleteExternalKey", xksKeyRequest{}, "is destroyed")
}
