package pipeline

import (
	"errors"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/words/fault"
)

// sideBytes is about what the side field of a call takes that was allowed.
const sideBytes = 64

// explain keeps why an ask was refused, and makes the message of it that the
// caller may take away. A failure explains nothing.
//
// A refusal in words of its own has no message: that there is one would tell
// what the words hide. Nor has one about somebody else of another account.
func (w *walk) explain(ask *authz.Ask, err error) {
	var known *fault.Fault
	if !errors.As(err, &known) {
		return
	}
	w.why = w.judge.Explain()
	w.r.Gate = w.judge.Verdict().Gate
	author := &w.call.Caller.Principal
	if ask.Refusal == nil && author.Account != "" && w.why.Account == author.Account {
		w.r.Message = w.p.o.Messages.Encode(author, w.call.Time, w.why.Own)
	}
}

// reason is what the record keeps of an ask that was allowed. The policy of the
// resource is called as that is, which the record says.
func reason(ask *authz.Ask, v policy.Verdict) explanation.Reason {
	r := explanation.Reason{Action: ask.Action, Gate: v.Gate, Policy: v.Policy, Statement: v.Statement, Sid: v.Sid}
	if v.Gate == policy.ByResource {
		r.Policy = ""
	}
	return r
}

// side is the trail's side field: why policies refused the call, or what allowed
// it. docs/formats/side.md is the format.
func (w *walk) side(f *fault.Fault) []byte {
	switch {
	case f != nil && w.why != nil:
		return w.why.Side(w.p.o.Sealer, w.call.RequestID)
	case f != nil || len(w.reasons) == 0:
		return nil
	}
	return explanation.AppendReasons(make([]byte, 0, sideBytes), w.reasons)
}
