package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

type xksStoreCommand struct {
	Create           xksStoreCreateCommand           `cmd:"" help:"Make a key store for a key management service elsewhere, and print what that is to be told of it, with the credential, once."`
	Limit            xksStoreLimitCommand            `cmd:"" help:"Say for whom the external keys of a key store may be used, in place of all that was said before."`
	List             xksStoreListCommand             `cmd:"" help:"List all key stores."`
	AddCredential    xksStoreAddCredentialCommand    `cmd:"" help:"Give a key store a second credential and print the configuration with it, once. Both count."`
	RotateCredential xksStoreRotateCredentialCommand `cmd:"" help:"Give a key store a new credential and print the configuration with it, once. The newest one before goes on to count, an older one ends."`
	RemoveCredential xksStoreRemoveCredentialCommand `cmd:"" help:"End a credential of a key store."`
	Delete           xksStoreDeleteCommand           `cmd:"" help:"Delete a key store that has no external keys."`
}

// Requests and answers about key stores. Members are named as those of the
// operations, which read and write them.
type (
	xksStoreRequest struct {
		Prefix      string     `json:"Prefix,omitempty"`
		Limits      *xksLimits `json:"Limits,omitempty"`
		AccessKeyID string     `json:"AccessKeyId,omitempty"`
	}
	xksStoreAnswer struct {
		ExternalKeyStore xksStore         `json:"ExternalKeyStore"`
		Configuration    xksConfiguration `json:"Configuration"`
	}
	xksStoresAnswer struct {
		ExternalKeyStores []xksStore `json:"ExternalKeyStores"`
	}
	xksStore struct {
		Prefix       string          `json:"Prefix"`
		Limits       xksLimits       `json:"Limits"`
		Credentials  []xksCredential `json:"Credentials"`
		ExternalKeys int             `json:"ExternalKeys"`
		CreateDate   int64           `json:"CreateDate"` // seconds since 1970
	}
	xksCredential struct {
		AccessKeyID string `json:"AccessKeyId"`
		CreateDate  int64  `json:"CreateDate"` // seconds since 1970
	}
	// xksConfiguration is the file that the console of AWS KMS takes.
	xksConfiguration struct {
		XksProxyURIPath                  string             `json:"XksProxyUriPath"`
		XksProxyAuthenticationCredential xksProxyCredential `json:"XksProxyAuthenticationCredential"`
	}
	xksProxyCredential struct {
		AccessKeyID        string `json:"AccessKeyId"`
		RawSecretAccessKey string `json:"RawSecretAccessKey"`
	}
)

// xksLimits say for whom the external keys of a key store may be used.
type xksLimits struct {
	Accounts    []string `json:"Accounts,omitempty" placeholder:"LIST" help:"Accounts whose KMS keys may use its external keys; by default all."`
	Regions     []string `json:"Regions,omitempty" placeholder:"LIST" help:"Regions whose KMS keys may use its external keys, and for which requests may be signed; by default all."`
	Principals  []string `json:"Principals,omitempty" placeholder:"LIST" help:"Who may encrypt and decrypt: values of awsPrincipalArn, with * and ?; by default all."`
	Operations  []string `json:"Operations,omitempty" placeholder:"LIST" help:"Operations of KMS that may encrypt and decrypt, such as GenerateDataKey,Decrypt; by default all."`
	ViaServices []string `json:"ViaServices,omitempty" placeholder:"LIST" help:"Services through which alone one may encrypt and decrypt: values of kmsViaService; by default none is needed."`
	Vpcs        []string `json:"Vpcs,omitempty" placeholder:"LIST" help:"VPCs from which alone one may encrypt and decrypt: values of awsSourceVpc; by default from anywhere."`
}

type xksStoreCreateCommand struct {
	where
	Prefix string `arg:"" help:"What its paths begin with, such as team-a or prod/eu: 1 to 116 letters, digits, -, _ and / between them."`
	xksLimits
}

// Run makes the key store. Its secret is printed once and kept nowhere.
func (c *xksStoreCreateCommand) Run(env *environment) error {
	return c.configure(env, "CreateExternalKeyStore", xksStoreRequest{Prefix: c.Prefix, Limits: &c.xksLimits})
}

type xksStoreLimitCommand struct {
	where
	Prefix string `arg:"" help:"Prefix of the key store."`
	xksLimits
}

// Run replaces the limits. Calls beyond them fail once this is printed.
func (c *xksStoreLimitCommand) Run(env *environment) error {
	in := xksStoreRequest{Prefix: c.Prefix, Limits: &c.xksLimits}
	return c.call(env, xksPath+"LimitExternalKeyStore", in, func(r io.Reader) error {
		return c.say(env, r, "the key store "+c.Prefix+" has as limits "+c.xksLimits.text())
	})
}

// text lists the limits that there are.
func (l *xksLimits) text() string {
	var parts []string
	for _, part := range []struct {
		name string
		list []string
	}{
		{"accounts", l.Accounts}, {"regions", l.Regions}, {"principals", l.Principals},
		{"operations", l.Operations}, {"via-services", l.ViaServices}, {"vpcs", l.Vpcs},
	} {
		if len(part.list) > 0 {
			parts = append(parts, part.name+"="+strings.Join(part.list, ","))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, " ")
}

type xksStoreAddCredentialCommand struct {
	where
	Prefix string `arg:"" help:"Prefix of the key store."`
}

// Run adds a credential.
func (c *xksStoreAddCredentialCommand) Run(env *environment) error {
	return c.configure(env, "CreateExternalKeyStoreCredential", xksStoreRequest{Prefix: c.Prefix})
}

type xksStoreRotateCredentialCommand struct {
	where
	Prefix string `arg:"" help:"Prefix of the key store."`
}

// Run replaces the older credential, or adds the second.
func (c *xksStoreRotateCredentialCommand) Run(env *environment) error {
	return c.configure(env, "RotateExternalKeyStoreCredential", xksStoreRequest{Prefix: c.Prefix})
}

// configure calls an operation that makes a credential and prints the
// configuration with it, which is JSON either way.
func (o *where) configure(env *environment, operation string, in xksStoreRequest) error {
	return o.call(env, xksPath+operation, in, func(r io.Reader) error {
		return show(env, false, r, func(w io.Writer, v *xksStoreAnswer) error {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			if !o.JSON {
				encoder.SetIndent("", "  ")
			}
			return encoder.Encode(v.Configuration)
		})
	})
}

type xksStoreListCommand struct{ where }

// Run lists the key stores, without anything secret.
func (c *xksStoreListCommand) Run(env *environment) error {
	return c.call(env, xksPath+"ListExternalKeyStores", xksStoreRequest{}, func(r io.Reader) error {
		return show(env, c.JSON, r, printXksStores)
	})
}

func printXksStores(w io.Writer, v *xksStoresAnswer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PREFIX\tKEYS\tCREDENTIALS\tCREATED\tLIMITS")
	for _, s := range v.ExternalKeyStores {
		var ids []string
		for _, c := range s.Credentials {
			ids = append(ids, c.AccessKeyID)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", s.Prefix, s.ExternalKeys, orNone(ids, "none"), day(s.CreateDate), s.Limits.text())
	}
	return table.Flush()
}

func orNone(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ",")
}

func day(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

type xksStoreRemoveCredentialCommand struct {
	where
	Prefix      string `arg:"" help:"Prefix of the key store."`
	AccessKeyID string `arg:"" name:"access-key-id" help:"Access key id of the credential."`
}

// Run ends the credential. It counts no more once this is printed.
func (c *xksStoreRemoveCredentialCommand) Run(env *environment) error {
	in := xksStoreRequest{Prefix: c.Prefix, AccessKeyID: c.AccessKeyID}
	return c.call(env, xksPath+"DeleteExternalKeyStoreCredential", in, func(r io.Reader) error {
		return c.say(env, r, fmt.Sprintf("%s is no credential of the key store %s any more", c.AccessKeyID, c.Prefix))
	})
}

type xksStoreDeleteCommand struct {
	where
	Prefix string `arg:"" help:"Prefix of the key store."`
}

// Run deletes the key store.
func (c *xksStoreDeleteCommand) Run(env *environment) error {
	return c.call(env, xksPath+"DeleteExternalKeyStore", xksStoreRequest{Prefix: c.Prefix}, func(r io.Reader) error {
		return c.say(env, r, "the key store "+c.Prefix+" is deleted")
	})
}

// say prints an answer as it came, or a sentence in its place.
func (o *where) say(env *environment, r io.Reader, sentence string) error {
	return show(env, o.JSON, r, func(w io.Writer, _ *json.RawMessage) error {
		_, err := fmt.Fprintln(w, sentence)
		return err
	})
}
