package app

import (
	"fmt"
	"io"
	"os"
	"strings"

	"claviger/internal/ground/lint"
)

type policyCommand struct {
	Lint policyLintCommand `cmd:"" help:"Say what is wrong with a policy: what AWS refuses, what has no effect, what is dangerous."`
}

type policyLintCommand struct {
	File    string `arg:"" help:"File with the policy; - for standard input."`
	Type    string `enum:",identity,key,trust,scp,rcp,boundary,session" default:"" placeholder:"TYPE" help:"What the policy is for: identity, key, trust, scp, rcp, boundary or session. Without it that is guessed."`
	Account string `placeholder:"ID" help:"Account that the key or role of the policy belongs to."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// A lintFinding is a finding as --json prints it.
type lintFinding struct {
	Code     string `json:"Code"`
	Class    string `json:"Class"`
	About    string `json:"About"` // file or resource
	Line     int    `json:"Line,omitempty"`
	Column   int    `json:"Column,omitempty"`
	Sentence string `json:"Sentence"`
	Advice   string `json:"Advice"`
}

func foundAbout(about string, found []lint.Finding) []lintFinding {
	list := []lintFinding{}
	for _, f := range found {
		list = append(list, lintFinding{f.Code, string(f.Class), about, f.Place.Line, f.Place.Column, f.Sentence, f.Advice})
	}
	return list
}

// policyFileMax is more than the largest policy that anything takes.
const policyFileMax = 256 << 10

// Run lints a file, and fails where AWS refuses the policy or it is dangerous.
func (c *policyLintCommand) Run(env *environment) error {
	if c.Account != "" {
		if err := checkAccount(c.Account); err != nil {
			return err
		}
	}
	text, err := readPolicyFile(env, c.File)
	if err != nil {
		return err
	}
	of := lint.Type(c.Type)
	if of == "" {
		of = lint.Guess(text)
	}
	return printFindings(env, c.JSON, foundAbout(c.File, lint.Check(&lint.Document{Type: of, Text: text, Account: c.Account})))
}

func readPolicyFile(env *environment, name string) ([]byte, error) {
	in := env.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading the policy: %w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, policyFileMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the policy: %w", err)
	case len(text) > policyFileMax:
		return nil, usage("%s is larger than any policy", name)
	}
	return text, nil
}

// printFindings prints a line for each finding. The error counts those for which
// something should be done.
func printFindings(env *environment, asJSON bool, found []lintFinding) error {
	if asJSON {
		if err := printJSON(env.stdout, struct{ Findings []lintFinding }{found}); err != nil {
			return err
		}
	}
	count := map[string]int{}
	for _, f := range found {
		count[f.Class]++
		if asJSON {
			continue
		}
		at := f.About
		if f.Line > 0 {
			at = fmt.Sprintf("%s:%d:%d", at, f.Line, f.Column)
		}
		if _, err := fmt.Fprintf(env.stdout, "%s: %s: %s: %s %s\n", at, f.Class, f.Code, f.Sentence, f.Advice); err != nil {
			return err
		}
	}
	var bad []string
	for _, class := range []lint.Class{lint.Refused, lint.Danger} {
		if n := count[string(class)]; n > 0 {
			bad = append(bad, fmt.Sprintf("%d of class %s", n, class))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("findings: %s", strings.Join(bad, ", "))
	}
	return nil
}
