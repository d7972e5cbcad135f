package trail_test

import (
	"context"
	"errors"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/trail"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	caller = "111122223333"
	owner  = "444455556666"
)

// explain asks about a request in a trail of entries, and counts those that were read.
func explain(t *testing.T, entries []audit.Entry, requestID, account string) (*trail.ExplainCallOutput, int, error) {
	t.Helper()
	read := 0
	s := trail.New(trail.Options{Read: func(_ context.Context, from uint64, fn func(uint64, audit.Entry) error) error {
		for i, e := range entries {
			read++
			if err := fn(from+uint64(i), e); err != nil {
				return err
			}
		}
		return nil
	}})
	for _, op := range s.OperatorOperations() {
		if op.Name != "ExplainCall" {
			continue
		}
		in := &trail.ExplainCallInput{RequestID: requestID, AccountID: optional.Of[string]{V: account, Set: account != ""}}
		if err := op.Validate(in); err != nil {
			return nil, read, err
		}
		out, err := op.Walk(&operation.Call{Context: t.Context()}, nil, in, func([]authz.Ask) error { return nil })
		if err != nil {
			return nil, read, err
		}
		return out.(*trail.ExplainCallOutput), read, nil
	}
	t.Fatal("no such operation")
	return nil, 0, nil
}

// TestExplainCall: a call is found by its own request id, not by one that its author
// wrote somewhere, and what is told is the account's.
func TestExplainCall(t *testing.T) {
	t.Parallel()
	const id, identity, resources = `"requestID":"r-1"`, `"userIdentity":{"accountId":"` + caller + `"}`, `"resources":[{"accountId":"` + owner + `"}]`
	side := explanation.AppendReasons(nil, []explanation.Reason{
		{Action: "kms:Encrypt", Gate: policy.ByResource, Sid: "Friends"}, {Action: "kms:Encrypt", Gate: policy.ByIdentity, Policy: "own"},
	})
	entries := []audit.Entry{
		{Account: caller, Record: []byte(`{"userAgent":{` + id + `},"requestID":"r-0"}`)},
		{Account: caller, Record: []byte(`not JSON ` + id)},
		{Account: caller, Record: []byte(`{` + identity + `,` + id + `,` + resources + `}`), Side: side},
		{Account: owner, Record: []byte(`{` + id + `,` + resources + `}`)},
		{Account: caller, Record: []byte(`{"requestID":"r-2"}`)},
		{Account: caller, Record: []byte(`{"requestID":"r-3"}`)},
	}
	for account, want := range map[string]struct {
		sequence uint64
		gates    []policy.Gate
	}{
		"":     {3, []policy.Gate{policy.ByResource, policy.ByIdentity}},
		caller: {3, []policy.Gate{policy.ByIdentity}},
		owner:  {4, []policy.Gate{policy.ByResource}},
	} {
		out, read, err := explain(t, entries, "r-1", account)
		if err != nil {
			t.Fatal(err)
		}
		if out.Sequence != want.sequence || len(out.Reasons) != len(want.gates) || out.Reasons[0].Gate != want.gates[0] || out.Elsewhere != 2-len(want.gates) || read != 5 {
			t.Errorf("account %q is told %+v, of %d entries", account, out, read)
		}
	}
	for _, test := range []struct{ id, account string }{{"r-1", "777788889999"}, {"r-9", ""}, {`"`, ""}} {
		if out, _, err := explain(t, entries, test.id, test.account); !fault.Is(err, trail.NotFound) {
			t.Errorf("%+v: %+v, %v", test, out, err)
		}
	}
	for _, test := range []struct{ id, account string }{{"", ""}, {string(make([]byte, 129)), ""}, {"r-1", "1"}} {
		if out, _, err := explain(t, entries, test.id, test.account); !fault.Is(err, fault.Validation) {
			t.Errorf("%+v: %+v, %v", test, out, err)
		}
	}
	entries[2].Side = []byte{9}
	if _, _, err := explain(t, entries, "r-1", ""); !errors.Is(err, explanation.ErrSide) {
		t.Error(err)
	}
}
