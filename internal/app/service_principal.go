package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

type servicePrincipalCommand struct {
	Create  servicePrincipalCreateCommand  `cmd:"" help:"Register a service that acts for users, and print its access key. One that was disabled is registered anew, with another access key."`
	List    servicePrincipalListCommand    `cmd:"" help:"List all services that were registered."`
	Disable servicePrincipalDisableCommand `cmd:"" help:"End a service's access key and everything that was issued to it. Policies and grants that name it match nobody until it is registered anew."`
}

type servicePrincipalCreateCommand struct {
	where
	Name             string   `arg:"" help:"Service principal, such as vault.example.org: what policies and grants name."`
	SigningName      string   `required:"" placeholder:"NAME" help:"Scope of the requests that users sign for the service, such as vault. It can be no other service's."`
	Actions          []string `required:"" placeholder:"LIST" help:"What the service may call for users, such as kms:CreateGrant,kms:DescribeKey."`
	GrantsBeyondUser bool     `help:"Let it put operations into grants that its user may not call."`
	Infrastructure   bool     `help:"Let it assume the role aws:LABEL-infrastructure of every account, LABEL being the first label of its name."`
}

// Run registers the service. Its secret is printed once and kept nowhere in clear.
func (c *servicePrincipalCreateCommand) Run(env *environment) error {
	in := createServicePrincipalRequest{
		Name:             c.Name,
		SigningName:      c.SigningName,
		Actions:          c.Actions,
		GrantsBeyondUser: c.GrantsBeyondUser,
		Infrastructure:   c.Infrastructure,
	}
	return c.call(env, "/service-principal/create", in, func(r io.Reader) error {
		return show(env, c.JSON, r, func(w io.Writer, v *createServicePrincipalAnswer) error {
			_, err := fmt.Fprintf(w, "service principal     = %s\naws_access_key_id     = %s\naws_secret_access_key = %s\n",
				v.ServicePrincipal.Name, v.AccessKeyID, v.SecretAccessKey)
			return err
		})
	})
}

type servicePrincipalListCommand struct{ where }

// Run lists the services, without anything secret.
func (c *servicePrincipalListCommand) Run(env *environment) error {
	return c.call(env, "/service-principal/list", listServicePrincipalsRequest{}, func(r io.Reader) error {
		return show(env, c.JSON, r, printServicePrincipals)
	})
}

func printServicePrincipals(w io.Writer, v *listServicePrincipalsAnswer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSIGNING NAME\tSTATUS\tREGISTERED\tACTIONS\tMAY")
	for _, p := range v.ServicePrincipals {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Name, p.SigningName, p.Status,
			time.Unix(p.CreateDate, 0).UTC().Format(time.RFC3339), strings.Join(p.Actions, ","), p.may())
	}
	return table.Flush()
}

// may lists what the service was registered with beside its actions.
func (p *servicePrincipal) may() string {
	var may []string
	if p.GrantsBeyondUser {
		may = append(may, "grants-beyond-user")
	}
	if p.Infrastructure {
		may = append(may, "infrastructure")
	}
	return strings.Join(may, ",")
}

type servicePrincipalDisableCommand struct {
	where
	Name string `arg:"" help:"Service principal."`
}

// Run disables the service. What it held is over once this is printed.
func (c *servicePrincipalDisableCommand) Run(env *environment) error {
	return c.call(env, "/service-principal/disable", disableServicePrincipalRequest{Name: c.Name}, func(r io.Reader) error {
		return show(env, c.JSON, r, func(w io.Writer, v *disableServicePrincipalAnswer) error {
			_, err := fmt.Fprintf(w, "%s is disabled\n", v.ServicePrincipal.Name)
			return err
		})
	})
}

// show reads an answer and prints it: as JSON, or as print does.
func show[T any](env *environment, asJSON bool, r io.Reader, print func(io.Writer, *T) error) error {
	v := new(T)
	if err := json.NewDecoder(r).Decode(v); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if asJSON {
		return printJSON(env.stdout, v)
	}
	return print(env.stdout, v)
}
