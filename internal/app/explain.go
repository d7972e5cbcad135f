package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/explanation"
	"claviger/internal/service/trail"
	"claviger/internal/words/optional"
)

type explainCommand struct {
	where
	RequestID string `arg:"" name:"request-id" help:"Of the call, as its answer and its record have it."`
	Account   string `placeholder:"ID" help:"Tell only what this account may know."`
}

// Run prints the explanation of a call in the trail.
func (c *explainCommand) Run(env *environment) error {
	if c.Account != "" {
		if err := checkAccount(c.Account); err != nil {
			return err
		}
	}
	return c.call(env, "/explain", explainRequest{RequestID: c.RequestID, Account: c.Account}, func(r io.Reader) error {
		var answer explainAnswer
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
	explainRequest struct {
		RequestID string `json:"requestId"`
		Account   string `json:"account,omitempty"`
	}
	explainAnswer struct {
		Sequence     uint64            `json:"Sequence,omitempty"` // 0 where there is no record that may be seen
		Record       json.RawMessage   `json:"Record,omitempty"`
		Explanations []toldExplanation `json:"Explanations"`
		Allowed      []toldReason      `json:"Allowed"`
	}
	toldExplanation struct {
		Account  string        `json:"Account,omitempty"` // whose part it is
		Action   string        `json:"Action"`
		Premises []toldPremise `json:"Premises"`
		Changes  []string      `json:"Changes"`
		Text     string        `json:"Text"`
	}
	toldPremise struct {
		Gate      string              `json:"Gate"`
		Policy    string              `json:"Policy,omitempty"`
		Statement int                 `json:"Statement"` // counted from 0; -1 for the gate as a whole
		Sid       string              `json:"Sid,omitempty"`
		Effect    string              `json:"Effect,omitempty"`
		Matched   bool                `json:"Matched"`
		Failed    string              `json:"Failed,omitempty"`
		Compared  []policy.Comparison `json:"Compared,omitempty"`
	}
	toldReason struct {
		Action string `json:"Action"`
		By     string `json:"By"`
	}
)

func (s *server) adminExplain(w http.ResponseWriter, r *http.Request) {
	var in explainRequest
	if !readJSON(w, r, &in) {
		return
	}
	out, err := s.operate(r.Context(), "ExplainCall", func(to any) {
		*to.(*trail.ExplainCallInput) = trail.ExplainCallInput{
			RequestID: in.RequestID,
			AccountID: optional.Of[string]{V: in.Account, Set: in.Account != ""},
		}
	})
	if err != nil {
		writeProblem(w, err)
		return
	}
	writeJSON(w, told(out.(*trail.ExplainCallOutput)))
}

// told is an explanation for the wire.
func told(out *trail.ExplainCallOutput) *explainAnswer {
	a := &explainAnswer{Sequence: out.Sequence, Record: out.Record, Explanations: []toldExplanation{}, Allowed: []toldReason{}}
	for _, part := range out.Parts {
		a.Explanations = append(a.Explanations, toldAll(part.Account, part.Explanation))
	}
	for i := range out.Reasons {
		a.Allowed = append(a.Allowed, toldReason{out.Reasons[i].Action, out.Reasons[i].String()})
	}
	if out.Elsewhere > 0 {
		a.Allowed = append(a.Allowed, toldReason{By: fmt.Sprintf("policies of the other account, %d times", out.Elsewhere)})
	}
	return a
}

func toldAll(account string, e *explanation.Explanation) toldExplanation {
	var text strings.Builder
	explanation.Print(&text, e)
	t := toldExplanation{Account: account, Action: e.Action, Changes: e.Changes(), Text: text.String()}
	for i := range e.Premises {
		p := &e.Premises[i]
		t.Premises = append(t.Premises, toldPremise{
			Gate: explanation.NameOf(p.Gate), Policy: p.Policy, Statement: p.Statement, Sid: p.Sid,
			Effect: p.Effect, Matched: p.Matched, Failed: p.Failed, Compared: p.Compared,
		})
	}
	return t
}

// text is the answer for a reader.
func (a *explainAnswer) text() string {
	var b strings.Builder
	refused := a.head(&b)
	for _, e := range a.Explanations {
		fmt.Fprintf(&b, "\nfor account %s\n%s", e.Account, e.Text)
	}
	for _, r := range a.Allowed {
		fmt.Fprintf(&b, "\n%s\n  allowed by %s\n", r.Action, r.By)
	}
	switch {
	case len(a.Explanations) > 0 || len(a.Allowed) > 0:
	case refused:
		fmt.Fprint(&b, "\nno policy refused it\n")
	default:
		fmt.Fprint(&b, "\nit needed no permission, or the record is of an earlier version\n")
	}
	return b.String()
}

// head writes who called what and how it ended, and reports whether the call was
// refused.
func (a *explainAnswer) head(b *strings.Builder) (refused bool) {
	if a.Record == nil {
		fmt.Fprintln(b, "the record is another account's")
		return true
	}
	var r struct {
		EventTime, EventSource, EventName, ErrorCode, ErrorMessage string

		UserIdentity struct{ Type, ARN, PrincipalID, InvokedBy string }
	}
	if err := json.Unmarshal(a.Record, &r); err != nil {
		fmt.Fprintln(b, "the record can't be read")
		return false
	}
	who := r.UserIdentity.ARN
	for _, other := range []string{r.UserIdentity.PrincipalID, r.UserIdentity.InvokedBy, r.UserIdentity.Type} {
		if who == "" {
			who = other
		}
	}
	fmt.Fprintf(b, "record %d: %s of %s at %s\nby %s\n", a.Sequence, r.EventName, r.EventSource, r.EventTime, who)
	if r.ErrorCode == "" {
		fmt.Fprintln(b, "answered")
		return false
	}
	fmt.Fprintf(b, "refused: %s: %s\n", r.ErrorCode, r.ErrorMessage)
	return true
}
