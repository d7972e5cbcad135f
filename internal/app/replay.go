package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
)

// A replayer is a service whose changes can be held against a store that may be
// older, and made again where they took something away.
type replayer interface {
	Trace(l *operation.Lost) operation.Trace
	Replay(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error)
}

func (s *server) replayers() []replayer { return []replayer{s.keys, s.iam, s.trees, s.proxy} }

// A step is a change that is held against the store.
type step struct {
	lost  *operation.Lost
	trace operation.Trace
	by    replayer

	bearers []*bearer // of the names in trace
}

// trace finds the service whose change it was. Without one, nothing of the
// change can be made again.
func (s *server) trace(l *operation.Lost) step {
	for _, by := range s.replayers() {
		if t := by.Trace(l); t.Subject != "" {
			return step{lost: l, trace: t, by: by}
		}
	}
	return step{lost: l}
}

// aboutNew reports whether a change was about what one of the changes before it had created.
func (st *step) aboutNew() bool {
	return slices.ContainsFunc(st.bearers, func(who *bearer) bool { return who.id != "" })
}

// steps keeps, of the changes that it is told of in the order of the trail, the
// last one of each subject.
type steps struct {
	behind bool // they are held against a store that has them, rather than one of before
	last   map[string]*step
	bearer map[string]*bearer  // by the name that it took last
	took   map[string][]string // by name: the ids of those that took it, one after the other, "" for one that is not known
}

// A bearer has a name that can be given again, or changed.
type bearer struct {
	id          string // "" where it is not known
	first, last place
}

// A place is a name that a bearer took.
type place struct {
	name, key string // as it was spelled, and as it is looked up
	since     int    // how many had taken it by then
}

func newSteps(behind bool) *steps {
	return &steps{
		behind: behind, last: make(map[string]*step),
		bearer: make(map[string]*bearer), took: make(map[string][]string),
	}
}

// take gives a name to a bearer, of a kind of names.
func (p *steps) take(who *bearer, kind, name string) {
	key := kind + strings.ToLower(name)
	p.bearer[key] = who
	p.took[key] = append(p.took[key], who.id)
	who.last = place{name, key, len(p.took[key])}
}

// meet returns a bearer of which the trail did not tell before.
func (p *steps) meet(id, kind, name string) *bearer {
	who := &bearer{id: id}
	p.take(who, kind, name)
	who.first = who.last
	return who
}

// place is where a bearer is to be looked for.
func (p *steps) place(who *bearer) place {
	if p.behind {
		return who.last
	}
	return who.first
}

// add returns the change that no longer counts, if there is one. What bears another
// name now than before the first change is named as then, in the subject too.
func (p *steps) add(st *step) (superseded *operation.Lost) {
	l := st.lost
	for i, member := range st.trace.Names {
		kind, name := member+"/"+l.Account+"/", l.Members[member]
		who := p.bearer[kind+strings.ToLower(name)]
		switch {
		case i == 0 && st.trace.Created != "":
			who = p.meet(st.trace.Created, kind, name)
		case who == nil:
			who = p.meet("", kind, name)
		}
		if i == 0 && st.trace.Renamed != "" {
			delete(p.bearer, who.last.key)
			p.take(who, kind, st.trace.Renamed)
		}
		l.Members[member] = who.first.name // one bearer, one subject
		st.bearers = append(st.bearers, who)
	}
	st.trace.Subject = st.by.Trace(l).Subject
	for _, who := range st.bearers {
		st.trace.Subject += "/" + who.id // nobody else's, whoever had the name before or has it later
	}
	delete(p.last, st.trace.Another)
	if old := p.last[st.trace.Subject]; old != nil {
		superseded = old.lost
		if st.trace.Partial && slices.Equal(old.bearers, st.bearers) {
			st.keep(old)
		}
	}
	p.last[st.trace.Subject] = st
	return superseded
}

// keep takes what an earlier change said and this one says nothing of.
func (st *step) keep(old *step) {
	for name, value := range old.lost.Members {
		if _, said := st.lost.Members[name]; !said {
			st.lost.Members[name] = value
		}
	}
}

// forget ends what changes to a subject did before, where nothing is to be held
// against it. The last one was added.
func (p *steps) forget(st *step) { delete(p.last, st.trace.Subject) }

// list returns what counts, in the order of the trail. It names everything as it
// is called behind the last change, or as it was called before the first.
func (p *steps) list() []*step {
	var list []*step
	for _, st := range p.last {
		known := true
		for i, who := range st.bearers {
			at := p.place(who)
			st.lost.Members[st.trace.Names[i]] = at.name
			if who.id != "" {
				if st.lost.IDs == nil {
					st.lost.IDs = make(map[string]string)
				}
				st.lost.IDs[st.trace.Names[i]] = who.id
				continue
			}
			newer := p.took[at.key][at.since:]
			st.lost.Newer = slices.Concat(st.lost.Newer, newer)
			// Of a name that somebody unknown has taken since nobody knows whose it is.
			known = known && !(p.behind && slices.Contains(newer, ""))
		}
		if known {
			list = append(list, st)
		}
	}
	slices.SortFunc(list, func(a, b *step) int { return cmp.Compare(a.lost.Sequence, b.lost.Sequence) })
	return list
}

// Outcomes of a lost change.
const (
	madeAgain   = "made again"
	toBeMade    = "to be made again"
	asItWas     = "nothing to do" // the store is as the change left it, or what it was about is not there
	supersededs = "superseded"    // by a later change to the same
	gone        = "lost"          // it took nothing away: who needs it has to do it again
	byHand      = "to do by hand" // it took something away that is back, and is not made again
	failed      = "failed"        // making it again did not work
)

// lostChange is a lost change as it is shown.
type lostChange struct {
	Sequence uint64 `json:"sequence"`
	Time     string `json:"time"`
	Account  string `json:"account,omitempty"`
	Source   string `json:"eventSource"`
	Name     string `json:"eventName"`
	EventID  string `json:"eventID"`
	Resource string `json:"resource,omitempty"`
	Outcome  string `json:"outcome"`
	Reason   string `json:"reason,omitempty"` // why it failed, or is not made again
}

func showLost(l *operation.Lost, outcome string) *lostChange {
	c := &lostChange{
		Sequence: l.Sequence, Time: l.Time.UTC().Format(time.RFC3339), Account: l.Account,
		Source: l.Source, Name: l.Name, EventID: l.EventID, Outcome: outcome,
	}
	if len(l.Resources) > 0 {
		c.Resource = l.Resources[0].ARN
	}
	return c
}

func (l *lostChange) print(w io.Writer) {
	fmt.Fprintf(w, "%8d  %s  %-12s %-24s %-18s %s", l.Sequence, l.Time, l.Account, l.Name, l.Outcome, l.Resource)
	if l.Reason != "" {
		fmt.Fprintf(w, " (%s)", l.Reason)
	}
	fmt.Fprintln(w)
}

// changeReader is a trail that tells how far it got with each entry.
type changeReader interface {
	ReadChanges(ctx context.Context, beyond uint64, fn func(sequence, position uint64, e audit.Entry) error) error
}

// changes calls fn for the changes of which the trail tells in batches beyond a
// position, up to a record.
func (s *server) changes(ctx context.Context, beyond, last uint64, fn func(l *operation.Lost, position uint64) error) error {
	t, ok := s.trail.(changeReader)
	if !ok {
		return errInMemory
	}
	err := t.ReadChanges(ctx, beyond, func(sequence, position uint64, e audit.Entry) error {
		if sequence > last {
			return nil
		}
		l, err := record.ReadChange(sequence, e.Time, e.Record)
		if err != nil || l == nil {
			return err
		}
		return fn(l, position)
	})
	if err != nil {
		return fmt.Errorf("reading the trail: %w", err)
	}
	return nil
}

// told calls fn for all changes of which the trail tells, and then for those up to
// a position of which it is yet to tell: their records wait in the outbox while the
// trail is behind the store, for a moment or since a crash.
func (s *server) told(ctx context.Context, upTo uint64, fn func(l *operation.Lost, position uint64) error) error {
	// First, so that what the trail takes meanwhile is known twice, and nothing not at all.
	waiting, err := s.waiting(ctx, upTo)
	if err != nil {
		return err
	}
	last, recorded, err := s.reached()
	if err != nil {
		return err
	}
	damaged := s.changes(ctx, 0, last, fn)
	if damaged != nil && !errors.Is(damaged, audit.ErrDamaged) {
		return damaged
	}
	for _, event := range waiting {
		if event.Position <= recorded {
			continue
		}
		if last, err = tell(event, last, fn); err != nil {
			return err
		}
	}
	return damaged
}

// tell calls fn for the changes of an event, numbered as its records will be behind the
// last one, and returns the number of its own last.
func tell(event driver.Event, last uint64, fn func(l *operation.Lost, position uint64) error) (uint64, error) {
	entries, err := audit.DecodeEntries(event.Body)
	if err != nil {
		return last, fmt.Errorf("reading the outbox at %d: %w", event.Position, err)
	}
	for i := range entries {
		last++
		l, err := record.ReadChange(last, entries[i].Time, entries[i].Record)
		if err == nil && l != nil {
			err = fn(l, event.Position)
		}
		if err != nil {
			return last, err
		}
	}
	return last, nil
}

// waiting lists the events up to a position of which the trail has no record.
func (s *server) waiting(ctx context.Context, upTo uint64) ([]driver.Event, error) {
	_, recorded, err := s.reached()
	if err != nil {
		return nil, err
	}
	return s.events(ctx, recorded, upTo)
}

// events lists the events that the store has beyond a position, up to another.
func (s *server) events(ctx context.Context, from, upTo uint64) (list []driver.Event, err error) {
	for from < upTo {
		events, err := s.store.Outbox(ctx, from, 256)
		switch {
		case errors.Is(err, store.ErrDamaged): // which is reported already
			return list, nil
		case err != nil || len(events) == 0:
			return list, err
		}
		for _, event := range events {
			if from = event.Position; from <= upTo {
				list = append(list, event)
			}
		}
	}
	return list, nil
}

// kept returns the last record of the trail whose change a store that ends at a
// position has, of the batch that goes on beyond it, or 0. The store has their events
// still: none is deleted before its record is durable.
func (s *server) kept(ctx context.Context, at, last uint64) (record uint64, err error) {
	events, err := s.events(ctx, 0, at)
	if err != nil {
		return 0, err
	}
	has := make(map[string]bool)
	for _, event := range events {
		_, err := tell(event, 0, func(l *operation.Lost, _ uint64) error {
			has[l.EventID] = true
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	err = s.changes(ctx, at, last, func(l *operation.Lost, _ uint64) error {
		if has[l.EventID] {
			record = l.Sequence
		}
		return nil
	})
	return record, err
}

// An acceptance is the record of a restore that was accepted.
type acceptance struct {
	sequence, position uint64
	lost               gap
}

// acceptances lists those of which the trail tells in batches beyond a position, up to a
// record.
func (s *server) acceptances(ctx context.Context, beyond, last uint64) (list []acceptance, err error) {
	err = s.changes(ctx, beyond, last, func(l *operation.Lost, position uint64) error {
		if lost, ok := lostBy(l); ok {
			list = append(list, acceptance{l.Sequence, position, lost})
		}
		return nil
	})
	return list, err
}

// lostBefore returns the futures that restores had lost of which a store that has a gap
// does not know, as it was put back to before them: nothing came of what they have. It
// reports whether the store was of such a future itself.
func lostBefore(accepted []acceptance, g gap) (gaps []gap, within bool) {
	for _, a := range slices.Backward(accepted) {
		switch {
		case !g.has(a.sequence, a.position):
		case forgotten(gaps, a.sequence, a.position): // it was lost itself
		case a.lost.From >= g.From:
			gaps = append(gaps, a.lost)
		case a.lost.To >= g.From-1:
			within = true
		}
	}
	return gaps, within
}

// lostChanges reads all changes of a future that was lost, but for those that were lost
// before, and which of them count.
func (s *server) lostChanges(ctx context.Context, g gap, before []gap, last uint64) (shown []*lostChange, counting []*step, err error) {
	p := newSteps(false)
	at := make(map[*operation.Lost]*lostChange)
	err = s.changes(ctx, g.From-1, last, func(l *operation.Lost, position uint64) error {
		if !g.has(l.Sequence, position) || forgotten(before, l.Sequence, position) {
			return nil
		}
		st := s.trace(l)
		c := showLost(l, gone)
		shown = append(shown, c)
		if st.by == nil {
			return nil
		}
		at[l] = c
		if old := p.add(&st); old != nil {
			at[old].Outcome = supersededs
		}
		c.Outcome = st.untouched()
		return nil
	})
	return shown, p.list(), err
}

// makeAgain makes lost changes again, each in a commit of its own with its
// record. What is made already is left alone, so that an interrupted run is
// finished by another. One that can't be made is noted; it is tried once more in
// the end, when what stood in its way may be gone.
func (s *server) makeAgain(ctx context.Context, counting []*step, shown []*lostChange) error {
	bySequence := indexed(shown)
	for _, st := range counting {
		if err := s.makeStep(ctx, st, bySequence[st.lost.Sequence]); err != nil {
			return err
		}
	}
	for _, st := range counting {
		c := bySequence[st.lost.Sequence]
		if c.Outcome != byHand && c.Outcome != failed {
			continue
		}
		c.Outcome, c.Reason = st.untouched(), ""
		if err := s.makeStep(ctx, st, c); err != nil {
			return err
		}
	}
	return nil
}

// untouched is the outcome of a change of which nothing is to be made again.
func (st *step) untouched() string {
	if st.trace.Gives {
		return gone
	}
	return asItWas
}

// makeStep makes one change again, and notes what came of it.
func (s *server) makeStep(ctx context.Context, st *step, c *lostChange) error {
	var happened bool
	err := s.pipeline.CarryOut(ctx, st.lost.Source, func(tx store.Txn) (*operation.Event, error) {
		e, err := st.by.Replay(ctx, tx, st.lost, s.now())
		if happened = e != nil; happened {
			e.Details = append(e.Details,
				operation.Member{Name: "replayedEventID", Value: st.lost.EventID},
				operation.Member{Name: "replayedSequence", Value: strconv.FormatUint(st.lost.Sequence, 10)})
		}
		return e, err
	})
	switch {
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrIndeterminate), errors.Is(err, audit.ErrUnavailable):
		return fmt.Errorf("making %s of record %d again: %w", st.lost.Name, st.lost.Sequence, err)
	case errors.Is(err, operation.ErrNotAgain):
		c.Outcome, c.Reason = byHand, err.Error()
	case err != nil:
		c.Outcome, c.Reason = failed, err.Error()
	case happened:
		c.Outcome = madeAgain
	}
	return nil
}

// foretell says what makeAgain would do. One change after the other it looks at
// the store as it is, so that of those that rest on each other some may be said
// to be made that have no need to.
func (s *server) foretell(ctx context.Context, counting []*step, shown []*lostChange) error {
	bySequence := indexed(shown)
	return s.store.View(ctx, func(r store.Reader) error {
		for _, st := range counting {
			c := bySequence[st.lost.Sequence]
			switch due, err := s.due(ctx, r, st); {
			case errors.Is(err, store.ErrUnavailable):
				return err
			case errors.Is(err, operation.ErrNotAgain):
				c.Outcome, c.Reason = byHand, err.Error()
			case err != nil:
				c.Outcome, c.Reason = failed, err.Error()
			case due:
				c.Outcome = toBeMade
			}
		}
		return nil
	})
}

// due reports whether a change is yet to be made on a snapshot.
func (s *server) due(ctx context.Context, r store.Reader, st *step) (due bool, err error) {
	err = s.store.Try(r, func(tx store.Txn) error {
		e, err := st.by.Replay(ctx, tx, st.lost, s.now())
		due = e != nil
		return err
	})
	return due, err
}

func indexed(shown []*lostChange) map[uint64]*lostChange {
	m := make(map[uint64]*lostChange, len(shown))
	for _, c := range shown {
		m[c.Sequence] = c
	}
	return m
}
