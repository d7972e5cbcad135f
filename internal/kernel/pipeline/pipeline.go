// Package pipeline is the corridor that every call walks.
//
// A call is decoded, validated, judged, run and recorded, in this order, here
// and nowhere else. Nothing is answered before its record is safe; a record
// takes its number only while everything the decision rested on still holds.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/principal"
)

// triesMax bounds how often a call is walked again because what it rests on
// changed meanwhile.
const triesMax = 32

// reserveBytes is the trail space a change claims before it may commit: the
// largest record, for two accounts or in two Regions.
const reserveBytes = 512 << 10

// changesMax bounds the changes that are on their way at the same time; others
// wait. What all of them reserve together is a fraction of a segment of the
// trail, so that no crowd of changes keeps a record from being taken; and where
// they overtake each other on the same rows, few tries are wasted.
const changesMax = 16

// OperatorActions is the prefix of what only the operator of this server may
// do, and all that the operator may do.
const OperatorActions = "claviger:"

// Credentials looks a caller up again when what is known of it has changed.
type Credentials interface {
	Credential(ctx context.Context, accessKeyID, token string) (*authz.Credential, error)
}

// Places finds where an account stands in its organization, as of now or later.
type Places interface {
	Place(ctx context.Context, account string) (*authz.Place, error)
}

// Options of New. All are required but Places, Admit and Report.
type Options struct {
	Store       *store.Store
	Trail       audit.Trail
	Credentials Credentials
	Sealer      explanation.Sealer
	Messages    *explanation.Messages
	Now         func() time.Time

	// Places knows the organizations; nil where there are none.
	Places Places

	// Admit may refuse a call that comes too soon after others, before its input
	// is validated. Its error is a fault, recorded as every refusal is.
	Admit func(c *operation.Call, e *Entrance, in any) error

	// Report is told of every internal failure, with the request id under
	// which the caller knows it. The cause goes nowhere else.
	Report func(requestID string, err error)
}

// Pipeline takes calls through. It is safe for concurrent use.
type Pipeline struct {
	o      Options
	outbox outbox
	places chan struct{} // of changes on their way
	spare  sync.Pool     // of *walk
}

// New returns a pipeline. Committed must be given to the store before the first call.
func New(o Options) *Pipeline {
	if o.Report == nil {
		o.Report = func(string, error) {}
	}
	p := &Pipeline{o: o, places: make(chan struct{}, changesMax)}
	p.outbox.tickets, p.outbox.appending = make(map[uint64]audit.Ticket), make(chan struct{}, 1)
	p.spare.New = func() any { return new(walk) }
	return p
}

// An Entrance is an operation as its service offers it, with the plans of its record.
type Entrance struct {
	Operation operation.Operation
	Source    string // event source of its records, such as kms.amazonaws.com
	request   *record.Plan
	response  *record.Plan
}

// Open prepares op to be called. It panics if a tag of its shapes would show
// what must not be shown.
func Open(source string, op operation.Operation) *Entrance {
	return &Entrance{
		Operation: op,
		Source:    source,
		request:   record.PlanOf(op.In),
		response:  record.PlanOf(op.Out),
	}
}

// RequestMembers lists the members of the input that records show.
func (e *Entrance) RequestMembers() []string { return e.request.Names() }

// ResponseMembers lists the members of the output that records show.
func (e *Entrance) ResponseMembers() []string { return e.response.Names() }

// A Request is a call that has been authenticated and not yet been decoded.
type Request struct {
	// Entrance is nil where there is no such operation, where the request is too
	// broken to name one, or where it claims what its author may not. Such a
	// request is refused with Refusal and recorded under Source and Name.
	Entrance *Entrance
	Refusal  error
	Source   string
	Name     string

	Credential *authz.Credential
	// Credentials, where it is not nil, knows the credential in place of that of
	// the pipeline.
	Credentials Credentials

	Facts     authz.Facts
	TLS       *record.TLS
	ID        string
	Partition string

	// Decode fills the input. Its error is a fault.
	Decode func(in any) error

	// Gate is set by Do where policies refused the call: the gate that did.
	Gate policy.Gate

	// Spell returns a code as the protocol of the call spells it.
	Spell func(fault.Code) string

	// Message is set by Do where a policy refused the call: the authorization message
	// for the caller. There is none where the refusal says less than the policies,
	// and none for a caller without an account.
	Message string
}

// Do takes r through the corridor and returns its output, a pointer to the
// operation's Out. The error is always a fault.
func (p *Pipeline) Do(ctx context.Context, r *Request) (out any, err error) {
	w := p.spare.Get().(*walk)
	w.begin(ctx, p, r)
	defer func() {
		if cause := recover(); cause != nil {
			// The walk is not returned to the pool: nobody knows what it holds.
			out, err = nil, p.internal(r.ID, fmt.Errorf("panic in %s: %v", r.Name, cause))
			if !w.recorded {
				_ = w.refused(err)
			}
			return
		}
		p.release(w)
	}()
	if err := p.outbox.open(); err != nil {
		return nil, p.internal(r.ID, err)
	}
	out, err = w.run()
	if err == nil {
		return out, nil
	}
	if w.recorded {
		return nil, p.internal(r.ID, err)
	}
	var known *fault.Fault
	if !errors.As(err, &known) {
		err = p.internal(r.ID, err)
	}
	if unrecorded := w.refused(err); unrecorded != nil {
		return nil, p.internal(r.ID, unrecorded)
	}
	return nil, fault.From(err)
}

// internal reports a cause and returns what the caller may know of it.
func (p *Pipeline) internal(requestID string, cause error) *fault.Fault {
	f := fault.From(cause)
	if f.Code == fault.InternalFailure {
		p.o.Report(requestID, cause)
	}
	return f
}

// release keeps w for another call, without what this one was about.
func (p *Pipeline) release(w *walk) {
	w.forgetReasons()
	w.p, w.r, w.credential, w.tx = nil, nil, nil, nil
	w.in = nil
	w.judge.Forget()
	clear(w.requires)
	w.call.Context, w.call.Caller, w.call.Facts = nil, nil, nil
	w.call.Forget()
	p.spare.Put(w)
}

// takePlace waits for a place among the changes on their way.
func (p *Pipeline) takePlace(ctx context.Context) (leave func(), err error) {
	select {
	case p.places <- struct{}{}:
		return func() { <-p.places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A walk is one call on its way.
type walk struct {
	p          *Pipeline
	r          *Request
	credential *authz.Credential
	call       operation.Call
	judge      authz.Judge
	tx         store.Txn
	snapshot   store.Snapshot
	in         any
	why        *explanation.Sides   // of a refusal
	reasons    []explanation.Reason // of asks that were allowed
	recorded   bool                 // a record has taken its number: no second one may follow
	answering  func([]authz.Ask) error
	reading    func() (store.Reader, error)
	requires   []func(store.Txn) // of a change, beside those of its caller
}

func (w *walk) begin(ctx context.Context, p *Pipeline, r *Request) {
	w.p, w.r, w.credential = p, r, r.Credential
	w.in, w.recorded = nil, false
	w.forgetAnswer()
	r.Facts.Time = p.o.Now()
	w.call.Context = ctx
	w.call.Time = r.Facts.Time
	w.call.RequestID = r.ID
	w.call.Operation = ""
	w.call.Region = r.Facts.Region
	w.call.Partition = r.Partition
	w.call.Caller = r.Credential.Caller
	w.call.Facts = &r.Facts
	if w.answering == nil { // once per pooled walk
		w.answering, w.reading = w.answer, w.read
	}
	w.call.Begin(w.reading)
}

// run takes the call up to its answer.
func (w *walk) run() (any, error) {
	if w.credential.Refusal != nil {
		return nil, w.credential.Refusal
	}
	if w.r.Entrance == nil {
		return nil, w.r.Refusal
	}
	op := &w.r.Entrance.Operation
	w.call.Operation = op.Name
	w.in = op.NewIn()
	if err := w.r.Decode(w.in); err != nil {
		w.in = nil
		return nil, err
	}
	if w.p.o.Admit != nil {
		if err := w.p.o.Admit(&w.call, w.r.Entrance, w.in); err != nil {
			return nil, err
		}
	}
	if err := op.Validate(w.in); err != nil {
		return nil, err
	}
	if op.Writes {
		return w.change(op)
	}
	return w.use(op)
}

// use walks an operation that reads. If a premise ends before the record takes
// its number, the call is walked again from what is true then.
func (w *walk) use(op *operation.Operation) (any, error) {
	for range triesMax {
		if err := w.call.Context.Err(); err != nil {
			return nil, fmt.Errorf("walking %s: %w", op.Name, err)
		}
		out, err := w.try(op)
		if errors.Is(err, operation.ErrApart) {
			if err := w.makeApart(op); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil && w.call.Current() {
			return nil, err
		}
		if err != nil { // it may be true no longer
			if err := w.lookUpAgain(); err != nil {
				return nil, err
			}
			continue
		}
		ticket, err := w.p.o.Trail.Append(w.entries(out, nil), w.call.Current)
		if errors.Is(err, audit.ErrStale) {
			if err := w.lookUpAgain(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("recording %s: %w", op.Name, err)
		}
		w.recorded = true
		if err := ticket.Wait(context.WithoutCancel(w.call.Context)); err != nil {
			return nil, fmt.Errorf("recording %s: %w", op.Name, err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("walking %s: its premises changed %d times", op.Name, triesMax)
}

func (w *walk) try(op *operation.Operation) (any, error) {
	w.beginTry()
	defer w.closeSnapshot()
	return op.Walk(&w.call, nil, w.in, w.answering)
}

// beginTry drops what an earlier try has left.
func (w *walk) beginTry() {
	w.call.Begin(w.reading)
	w.forgetAnswer()
}

// forgetAnswer drops what policies said: what follows does not come of it.
func (w *walk) forgetAnswer() {
	w.r.Message, w.r.Gate = "", policy.ByNothing
	w.forgetReasons()
}

func (w *walk) forgetReasons() {
	w.why = nil
	clear(w.reasons) // they refer to policies, which would stay in memory with a walk that is used again
	w.reasons = w.reasons[:0]
}

// makeApart does what takes long, while nothing of the walk is held.
func (w *walk) makeApart(op *operation.Operation) error {
	if err := w.call.Make(); err != nil {
		return fmt.Errorf("making what %s needs: %w", op.Name, err)
	}
	return nil
}

// change walks an operation that writes: once, or once up to what is to be made
// apart and once more with it.
func (w *walk) change(op *operation.Operation) (any, error) {
	out, err := w.transact(op)
	if !errors.Is(err, operation.ErrApart) {
		return out, err
	}
	if err := w.makeApart(op); err != nil {
		return nil, err
	}
	return w.transact(op)
}

// transact walks an operation that writes, inside one transaction that may be
// tried several times.
func (w *walk) transact(op *operation.Operation) (any, error) {
	leave, err := w.p.takePlace(w.call.Context)
	if err != nil {
		return nil, fmt.Errorf("waiting to begin %s: %w", op.Name, err)
	}
	defer leave()
	release, err := w.p.o.Trail.Reserve(reserveBytes)
	if err != nil {
		return nil, fmt.Errorf("reserving trail space for %s: %w", op.Name, err)
	}
	defer release()

	var out any
	commit, err := w.p.o.Store.Update(w.call.Context, ident.Bytes(), func(tx store.Txn) error {
		if !w.credentialCurrent() {
			if err := w.lookUpAgain(); err != nil {
				return err
			}
		}
		w.tx = tx
		w.beginTry()
		var err error
		if out, err = op.Walk(&w.call, tx, w.in, w.answering); err != nil {
			return err
		}
		if !w.call.Current() {
			return store.ErrConflict
		}
		if w.call.Caller.Require != nil {
			w.call.Caller.Require(tx)
		}
		for _, require := range w.requires {
			require(tx)
		}
		entries := w.entries(out, nil)
		for i := range w.call.Record.Events {
			entries = append(entries, record.Event(w.r.Entrance.Source, &w.call.Record.Events[i]))
		}
		tx.Emit(audit.EncodeEntries(entries))
		return nil
	})
	w.tx = nil
	if errors.Is(err, store.ErrIndeterminate) {
		w.recorded = true // by the outbox, if it was applied at all
		return nil, fmt.Errorf("committing %s: %w", op.Name, err)
	}
	if err != nil {
		return nil, err
	}
	// Here the change is durable and its record stands in the outbox, where a
	// crash leaves it for the next start. The trail has numbered it already,
	// unless the trail failed.
	w.recorded = true
	if err := w.p.awaitRecord(w.call.Context, commit.Position); err != nil {
		return nil, fmt.Errorf("recording %s: %w", op.Name, err)
	}
	return out, nil
}

// read opens what the call reads.
func (w *walk) read() (store.Reader, error) {
	if w.tx != nil {
		return w.tx, nil
	}
	if w.snapshot == nil {
		snapshot, err := w.p.o.Store.Snapshot(w.call.Context)
		if err != nil {
			return nil, err
		}
		w.snapshot = snapshot
	}
	return w.snapshot, nil
}

func (w *walk) closeSnapshot() {
	if w.snapshot != nil {
		_ = w.snapshot.Close() // a snapshot that was only read has nothing to lose
		w.snapshot = nil
	}
}

func (w *walk) credentialCurrent() bool {
	for _, stamp := range w.call.Caller.Stamps {
		if !stamp.Current() {
			return false
		}
	}
	return true
}

// lookUpAgain replaces what is known of the caller. A key that was deactivated
// or a user that was deleted meanwhile ends the call here.
func (w *walk) lookUpAgain() error {
	w.forgetAnswer()
	if w.r.Credential.Caller.Principal.Kind == principal.Operator {
		return nil
	}
	known := w.p.o.Credentials
	if w.r.Credentials != nil {
		known = w.r.Credentials
	}
	credential, err := known.Credential(w.call.Context, w.credential.AccessKeyID, w.credential.Token)
	if err != nil {
		return err
	}
	if credential.Refusal != nil {
		return credential.Refusal
	}
	w.credential = credential
	w.call.Caller = credential.Caller
	return nil
}

// answer puts the asks of the call to the judge.
func (w *walk) answer(asks []authz.Ask) error {
	if len(asks) == 0 && !w.r.Entrance.Operation.AsksNothing {
		return fmt.Errorf("%s asks nothing and is not declared so", w.r.Entrance.Operation.Name)
	}
	if w.call.Caller.Via != nil {
		if err := w.forwarded(asks); err != nil {
			return err
		}
	}
	if err := w.confined(asks); err != nil {
		return err
	}
	if err := w.placeSource(asks); err != nil {
		return err
	}
	for i := range asks {
		ask := &asks[i]
		if operators := strings.HasPrefix(ask.Action, OperatorActions); operators || w.call.Caller.Principal.Kind == principal.Operator {
			if operators && w.call.Caller.Principal.Kind == principal.Operator {
				continue
			}
			return fault.New(fault.AccessDenied, "%s is not authorized to perform: %s", w.call.Caller.Principal.ARN, ask.Action)
		}
		if ask.Caller != nil {
			w.call.RestOn(ask.Caller.Stamps...)
		}
		if err := w.place(ask); err != nil {
			return err
		}
		if err := w.judge.Allow(w.call.Facts, w.call.Caller, ask); err != nil {
			w.explain(ask, err)
			return err
		}
		w.reasons = append(w.reasons, reason(ask, w.judge.Verdict()))
	}
	return nil
}

// entries renders the records of the call as it ends: with out, or refused with f.
func (w *walk) entries(out any, f *fault.Fault) []audit.Entry {
	frame := record.Frame{
		Source: w.r.Source,
		Name:   w.r.Name,
		Call:   &w.call,
		Caller: w.call.Caller,
		Facts:  w.call.Facts,
		TLS:    w.r.TLS,
		Fault:  f,
	}
	if f != nil {
		frame.Code = w.r.Spell(f.Code)
	}
	if e := w.r.Entrance; e != nil {
		frame.Source, frame.Name = e.Source, e.Operation.Name
		frame.ReadOnly = !e.Operation.Writes
		frame.Cryptographic = e.Operation.Cryptographic
		frame.Request = e.request.Append(nil, w.in, w.call.Record.Request)
		if e.Operation.Recorded && f == nil {
			frame.Response = e.response.Append(nil, out, w.call.Record.Response)
		}
	}
	entries := frame.Entries()
	entries[0].Side = w.side(f)
	if f != nil {
		return entries
	}
	for i := range w.call.Record.Echoes {
		entries = append(entries, frame.Echo(&w.call.Record.Echoes[i]))
	}
	return entries
}

// refused records a refusal: exactly one record, of the caller's account.
func (w *walk) refused(err error) error {
	entries := w.entries(nil, fault.From(err))
	ticket, err := w.p.o.Trail.Append(entries, nil)
	if err != nil {
		return fmt.Errorf("recording a refusal: %w", err)
	}
	w.recorded = true
	if err := ticket.Wait(context.WithoutCancel(w.call.Context)); err != nil {
		return fmt.Errorf("recording a refusal: %w", err)
	}
	return nil
}
