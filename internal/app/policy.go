package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"claviger/internal/ground/lint"
	"claviger/internal/service/policies"
)

type policyCommand struct {
	Simulate policySimulateCommand `cmd:"" help:"Say what this server would answer to a call, and why."`
	Lint     policyLintCommand     `cmd:"" help:"Say what is wrong with a policy: what AWS refuses, what has no effect, what is dangerous."`
	WhoCan   policyWhoCanCommand   `cmd:"" help:"List who could do something with a resource, and through what."`
}

type policyLintCommand struct {
	where
	File    string `arg:"" optional:"" help:"File with the policy; - for standard input."`
	All     bool   `help:"Lint everything that is stored, instead of a file."`
	Type    string `enum:",identity,key,trust,scp,rcp,boundary,session" default:"" placeholder:"TYPE" help:"What the policy is for: identity, key, trust, scp, rcp, boundary or session. Without it that is guessed."`
	Account string `placeholder:"ID" help:"Account that the key or role of the policy belongs to."`
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

// Run lints a file or all that is stored, and fails where AWS refuses a policy or
// one is dangerous.
func (c *policyLintCommand) Run(env *environment) error {
	switch {
	case c.All == (c.File != ""):
		return usage("name a file, or give --all")
	case c.All && (c.Type != "" || c.Account != ""):
		return usage("--type and --account are about a file")
	case c.All:
		return c.lintAll(env)
	}
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

// lintAll lints everything that is stored.
func (c *policyLintCommand) lintAll(env *environment) error {
	return c.call(env, "/policy/lint", struct{}{}, func(r io.Reader) error {
		var answer struct{ Findings []lintFinding }
		if err := json.NewDecoder(r).Decode(&answer); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		return printFindings(env, c.JSON, answer.Findings)
	})
}

type policySimulateCommand struct {
	where
	Principal string   `required:"" placeholder:"ARN" help:"Who would call: the ARN of a user, a role, a session of a role or a root user, an account id, or the name of a service."`
	Action    string   `required:"" placeholder:"ACTION" help:"What it would call, such as kms:Decrypt."`
	Resource  string   `default:"*" placeholder:"ARN" help:"ARN of the key, alias or role that the call would be about; * for a call that is about none."`
	Context   []string `sep:"none" placeholder:"KEY=VALUE" help:"What the request would have under a condition key. May be repeated, also for one key."`
}

// Run prints the decision with its reasons.
func (c *policySimulateCommand) Run(env *environment) error {
	in := simulateRequest{Principal: c.Principal, Action: c.Action, Resource: c.Resource, Context: c.Context}
	return c.call(env, "/policy/simulate", in, func(r io.Reader) error {
		var answer simulateAnswer
		if err := json.NewDecoder(r).Decode(&answer); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if c.JSON {
			return printJSON(env.stdout, answer)
		}
		_, err := io.WriteString(env.stdout, answer.Explanation.Text)
		return err
	})
}

type policyWhoCanCommand struct {
	where
	Action   string `arg:"" help:"What somebody would call, such as kms:Decrypt."`
	Resource string `arg:"" help:"ARN of a key or a role; * for a call that is about none."`
}

// Run prints who could.
func (c *policyWhoCanCommand) Run(env *environment) error {
	return c.call(env, "/policy/who-can", whoCanRequest{Action: c.Action, Resource: c.Resource}, func(r io.Reader) error {
		var answer whoCanAnswer
		if err := json.NewDecoder(r).Decode(&answer); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if c.JSON {
			return printJSON(env.stdout, answer)
		}
		_, err := io.WriteString(env.stdout, answer.text())
		return err
	})
}

// requests and answers of the admin socket.
type (
	simulateRequest struct {
		Principal string   `json:"principal"`
		Action    string   `json:"action"`
		Resource  string   `json:"resource"`
		Context   []string `json:"context,omitempty"`
	}
	simulateAnswer struct {
		Allowed     bool            `json:"Allowed"`
		Refusal     string          `json:"Refusal,omitempty"` // what the caller would be told
		Explanation toldExplanation `json:"Explanation"`
	}
	whoCanRequest struct {
		Action   string `json:"action"`
		Resource string `json:"resource"`
	}
	whoCanAnswer struct {
		Holders []whoCanHolder `json:"Holders"`
	}
	whoCanHolder struct {
		Principal string   `json:"Principal"`
		Kind      string   `json:"Kind"`
		Through   []string `json:"Through"`
		If        []string `json:"If,omitempty"`
		Unless    []string `json:"Unless,omitempty"`
	}
)

func (a *whoCanAnswer) text() string {
	var b strings.Builder
	if len(a.Holders) == 0 {
		fmt.Fprintln(&b, "nobody")
	}
	for _, h := range a.Holders {
		fmt.Fprintf(&b, "%s (%s)\n", h.Principal, h.Kind)
		for _, lines := range []struct {
			word string
			list []string
		}{{"through", h.Through}, {"if", h.If}, {"unless", h.Unless}} {
			for _, line := range lines.list {
				fmt.Fprintf(&b, "  %s %s\n", lines.word, line)
			}
		}
	}
	return b.String()
}

func (s *server) addPolicy(mux *http.ServeMux) {
	mux.HandleFunc("POST /policy/simulate", s.adminSimulate)
	mux.HandleFunc("POST /policy/lint", s.adminLint)
	mux.HandleFunc("POST /policy/who-can", s.adminWhoCan)
}

func (s *server) adminSimulate(w http.ResponseWriter, r *http.Request) {
	var in simulateRequest
	if !readJSON(w, r, &in) {
		return
	}
	out, err := s.operate(r.Context(), "SimulatePolicies", func(to any) {
		*to.(*policies.SimulatePoliciesInput) = policies.SimulatePoliciesInput(in)
	})
	if err != nil {
		writeProblem(w, err)
		return
	}
	simulated := out.(*policies.SimulatePoliciesOutput)
	writeJSON(w, simulateAnswer{Allowed: simulated.Allowed, Refusal: simulated.Refusal, Explanation: toldAll("", simulated.Explanation)})
}

func (s *server) adminLint(w http.ResponseWriter, r *http.Request) {
	var in struct{}
	if !readJSON(w, r, &in) {
		return
	}
	out, err := s.operate(r.Context(), "LintPolicies", func(any) {})
	if err != nil {
		writeProblem(w, err)
		return
	}
	answer := struct{ Findings []lintFinding }{[]lintFinding{}}
	for _, f := range out.(*policies.LintPoliciesOutput).Found {
		answer.Findings = append(answer.Findings, foundAbout(f.About, []lint.Finding{f.Finding})...)
	}
	writeJSON(w, answer)
}

func (s *server) adminWhoCan(w http.ResponseWriter, r *http.Request) {
	var in whoCanRequest
	if !readJSON(w, r, &in) {
		return
	}
	out, err := s.operate(r.Context(), "WhoCan", func(to any) { *to.(*policies.WhoCanInput) = policies.WhoCanInput(in) })
	if err != nil {
		writeProblem(w, err)
		return
	}
	answer := whoCanAnswer{Holders: []whoCanHolder{}}
	for _, h := range out.(*policies.WhoCanOutput).Holders {
		answer.Holders = append(answer.Holders, whoCanHolder(h))
	}
	writeJSON(w, answer)
}
