// Package app puts the house together: configuration, wiring, background work.
//
// It has no rules of its own: what is true of a key, a policy or a call stands below.
package app

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"claviger/internal/ground/sealed/process"
)

// Exit codes of the command line.
const (
	exitOK    = 0
	exitFault = 1 // something went wrong
	exitUsage = 2 // the command was wrong, or nothing was initialised
)

// environment is what a command may use of the world.
type environment struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// commands is the command line. It is a contract: docs/reference/configuration.md is printed from it.
type commands struct {
	Dev              devCommand              `cmd:"" help:"Serve from memory, ready at once, for development and CI."`
	Init             initCommand             `cmd:"" help:"Make an empty data directory a server: root key, first account, root credentials."`
	Serve            serveCommand            `cmd:"" help:"Serve from a data directory that init made."`
	Account          accountCommand          `cmd:"" help:"Manage accounts of a server."`
	RootCredentials  rootCredentialsCommand  `cmd:"" help:"Manage the credentials of root users."`
	ServicePrincipal servicePrincipalCommand `cmd:"" help:"Manage the services that act for users of a server."`
	XksStore         xksStoreCommand         `cmd:"" help:"Manage key stores whose keys a key management service elsewhere uses by the external key store proxy interface."`
	XksKey           xksKeyCommand           `cmd:"" help:"Manage the external keys of such key stores."`
	RootKey          rootKeyCommand          `cmd:"" help:"Show, replace, share and recover the root key of a server."`
	Audit            auditCommand            `cmd:"" help:"Read and verify the trail of a server."`
	Policy           policyCommand           `cmd:"" help:"Say what policies allow, what is wrong with them, and who can do what."`
	Doctor           doctorCommand           `cmd:"" help:"Examine what a server stands on, before it runs or while it does: clock, disk, files, limits, database, certificates, keyring, trail. Fails where something is wrong, and says what to do."`
	Store            storeCommand            `cmd:"" help:"Copy, verify and describe the store of a server, and accept one that was put back."`
	Explain          explainCommand          `cmd:"" help:"Say why a call was allowed or refused: which policies, which statements, which values."`
	Backup           backupCommand           `cmd:"" help:"Write a backup of a server's store and trail, while it runs or not. The root key is not in it."`
	Restore          restoreCommand          `cmd:"" help:"Make an empty data directory, or an empty database, a server from a backup."`
	Simulate         simulateCommand         `cmd:"" help:"Play a service of AWS against a running server, to try key policies."`
	Version          versionCommand          `cmd:"" help:"Print the version."`
}

// usageError marks an error that ends with exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Main runs the command line and returns the exit code. An error is one
// line on stderr, also where several came together.
func Main(args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	env := &environment{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	code, err := run(args, env)
	if err != nil {
		fmt.Fprintf(stderr, "claviger: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return code
}

func run(args []string, env *environment) (int, error) {
	var tree commands
	exited, exitCode := false, exitOK
	parser, err := newParser(&tree, env, func(code int) { exited, exitCode = true, code })
	if err != nil {
		return exitFault, err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited { // --help was printed
		return exitCode, nil
	}
	if err != nil {
		return exitUsage, err
	}
	if err := process.Harden(); err != nil {
		return exitFault, fmt.Errorf("hardening the process: %w", err)
	}
	closeFiles()
	if err := command.Run(env); err != nil {
		if wrong := (usageError{}); errors.As(err, &wrong) {
			return exitUsage, err
		}
		return exitFault, err
	}
	return exitOK, nil
}

func newParser(tree *commands, env *environment, exit func(int)) (*kong.Kong, error) {
	return kong.New(tree,
		kong.Name("claviger"),
		kong.Description("A self-hosted data-protection plane that speaks the AWS APIs."),
		kong.Writers(env.stdout, env.stderr),
		kong.Exit(exit),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
}

// refuseUnbuilt refuses settings of the contract that this version does not
// have: a setting that is silently ignored would be taken for protection.
func refuseUnbuilt(getenv func(string) string) error {
	if getenv("CLAVIGER_SEED") != "" {
		return usage("CLAVIGER_SEED is set, but this version does not have that setting yet")
	}
	return nil
}
