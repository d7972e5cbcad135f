package trail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// NotFound says that the trail has no such record.
const NotFound fault.Code = "NotFoundException"

// ExplainCallInput asks why a call was allowed or refused. With an account only
// what that account may know is told.
type ExplainCallInput struct {
	RequestID string              `aws:"RequestId" audit:"requestId"`
	AccountID optional.Of[string] `aws:"AccountId" audit:"accountId"`
}

// Validate checks the account and that the request id could be one.
func (in *ExplainCallInput) Validate(c *check.Checks) {
	if n := len(in.RequestID); n < 1 || n > 128 {
		c.Refuse(fault.New(fault.Validation, "A request id has 1 to 128 characters."))
	}
	if in.AccountID.Set && !arn.IsAccount(in.AccountID.V) {
		c.Refuse(fault.New(fault.Validation, "An account is twelve digits."))
	}
}

// ExplainCallOutput is what the trail knows of a call.
type ExplainCallOutput struct {
	// Sequence and Record are of the copy that may be seen. Record is nil where the
	// account has none: a call that is refused leaves none for the owner of the
	// resource.
	Sequence uint64
	Record   json.RawMessage

	Parts   []explanation.Part   // of a refusal by policies
	Reasons []explanation.Reason // of a call that was allowed

	// Elsewhere counts the permissions that the policies of another account gave.
	Elsewhere int
}

func (s *Service) explainCall() operation.Operation {
	return operation.Use[ExplainCallInput, ExplainCallOutput, struct{}, *ExplainCallInput]{
		Name:    "ExplainCall",
		Actions: []string{"claviger:ExplainCall"},
		Asks: func(_ *operation.Call, _ *ExplainCallInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return ask(asks, "claviger:ExplainCall")
		},
		Run: s.runExplainCall,
	}.Operation()
}

// copied is one copy of the record of a call.
type copied struct {
	sequence uint64
	entry    audit.Entry
}

func (s *Service) runExplainCall(c *operation.Call, in *ExplainCallInput, _ struct{}) (*ExplainCallOutput, error) {
	copies, err := s.copies(c, in.RequestID)
	if err != nil {
		return nil, err
	}
	out := new(ExplainCallOutput)
	account := in.AccountID.V
	for _, r := range copies {
		if out.Record == nil && (account == "" || account == r.entry.Account) {
			out.Sequence, out.Record = r.sequence, r.entry.Record
		}
		may := func(a string) bool { return account == "" || a == account }
		parts, reasons, err := explanation.ReadSide(r.entry.Side, s.o.Keys, in.RequestID, may)
		if err != nil {
			return nil, fmt.Errorf("reading the side field of record %d: %w", r.sequence, err)
		}
		out.Parts = append(out.Parts, parts...)
		out.add(reasons, account, r.entry.Record)
	}
	if out.Record == nil && len(out.Parts) == 0 {
		return nil, fault.New(NotFound, "The trail has no record of the request %s that may be seen.", in.RequestID)
	}
	return out, nil
}

// copies finds the record of a call, with a copy for each account. They stand
// together in the trail.
func (s *Service) copies(c *operation.Call, requestID string) ([]copied, error) {
	id, err := json.Marshal(requestID)
	if err != nil {
		return nil, fmt.Errorf("encoding a request id: %w", err)
	}
	member := slices.Concat([]byte(`"requestID":`), id)
	found := errors.New("found")
	var copies []copied
	err = s.o.Read(c.Context, 1, func(sequence uint64, e audit.Entry) error {
		switch {
		case bytes.Contains(e.Record, member) && readCall(e.Record).RequestID == requestID:
			copies = append(copies, copied{sequence, e})
		case len(copies) > 0:
			return found
		}
		return nil
	})
	if err != nil && !errors.Is(err, found) {
		return nil, fmt.Errorf("reading the trail: %w", err)
	}
	return copies, nil
}

// call is what a record says of who called about what. A record that can't be read
// is of no call.
type call struct {
	RequestID    string                       `json:"requestID"`
	UserIdentity struct{ AccountID string }   `json:"userIdentity"`
	Resources    []struct{ AccountID string } `json:"resources"`
}

func readCall(record []byte) call {
	var c call
	if json.Unmarshal(record, &c) != nil {
		return call{}
	}
	return c
}

// add adds the reasons that an account may know: its own policies are those of the
// caller, or of the resource, where the record says that the account is that.
func (out *ExplainCallOutput) add(reasons []explanation.Reason, account string, record []byte) {
	r := readCall(record)
	owns := slices.ContainsFunc(r.Resources, func(r struct{ AccountID string }) bool { return r.AccountID == account })
	for _, reason := range reasons {
		mine := r.UserIdentity.AccountID == account
		if policy.SideOf(reason.Gate) == policy.ResourceSide {
			mine = owns
		}
		if account == "" || mine {
			out.Reasons = append(out.Reasons, reason)
		} else {
			out.Elsewhere++
		}
	}
}
