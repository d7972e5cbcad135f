package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
)

// errDraining means that a committed change could not be recorded yet. Until
// it is, no call is answered: the trail would show later calls without it.
var errDraining = errors.New("a committed change is not yet recorded")

// outbox remembers, between a commit and its answer, the ticket of the record.
type outbox struct {
	appending chan struct{} // held by Committed from when it finds the trail well until it has appended

	mu      sync.Mutex
	tickets map[uint64]audit.Ticket
	newest  audit.Ticket // of the record that was appended last
	lagging bool         // the trail lacks the record of a commit
	missed  uint64       // commits left to Drain so far
}

func (o *outbox) open() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lagging {
		return errDraining
	}
	return nil
}

func (o *outbox) lag() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lagging = true
	o.missed++
}

// given says that ticket is for the record of the commit at position.
func (o *outbox) given(position uint64, ticket audit.Ticket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tickets[position], o.newest = ticket, ticket
}

// watch notices that the newest record was given up. Whoever waits for it notices
// too, but perhaps later than the next commit, whose record must not
// stand in the trail in its stead; or nobody waits, where the commit took so
// long that its outcome counted as unknown.
func (o *outbox) watch() {
	o.mu.Lock()
	newest := o.newest
	o.mu.Unlock()
	if errors.Is(newest.Wait(ended), audit.ErrUnavailable) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.newest == newest { // Drain has not brought another since
			o.newest = audit.Ticket{}
			o.lagging = true
			o.missed++
		}
	}
}

// ended is a context in which nothing is waited for.
var ended = func() context.Context {
	ctx, end := context.WithCancel(context.Background())
	end()
	return ctx
}()

// Committed is told of every commit in order; the store calls it after the
// commit is durable and before it is answered. The commit's record takes its
// number here, so that the trail has records in the order of the store. Once
// one could not be appended, all that follow are left to Drain.
func (p *Pipeline) Committed(c store.Commit) {
	p.outbox.appending <- struct{}{}
	defer func() { <-p.outbox.appending }()
	for _, event := range c.Events {
		p.outbox.watch()
		if p.outbox.open() != nil {
			p.outbox.lag()
			continue
		}
		ticket, err := p.appendEvent(c.Position, event)
		if err != nil {
			p.o.Report("", err)
			p.outbox.lag()
			continue
		}
		p.outbox.given(c.Position, ticket)
	}
}

// appendEvent appends the record of the commit at position. A change emits one event.
func (p *Pipeline) appendEvent(position uint64, event []byte) (audit.Ticket, error) {
	entries, err := audit.DecodeEntries(event)
	if err != nil {
		return audit.Ticket{}, fmt.Errorf("reading the outbox at %d: %w", position, err)
	}
	ticket, err := p.o.Trail.AppendOutbox(position, entries)
	if err != nil {
		return audit.Ticket{}, fmt.Errorf("recording the commit at %d: %w", position, err)
	}
	return ticket, nil
}

// awaitRecord returns when the record of a commit is durable.
func (p *Pipeline) awaitRecord(ctx context.Context, position uint64) error {
	p.outbox.mu.Lock()
	ticket, ok := p.outbox.tickets[position]
	delete(p.outbox.tickets, position)
	p.outbox.mu.Unlock()
	if !ok {
		return errDraining
	}
	if err := ticket.Wait(context.WithoutCancel(ctx)); err != nil {
		p.outbox.watch() // Drain may have recorded it by now
		return err
	}
	p.o.Store.Forget(position)
	return nil
}

// Lagging reports whether a committed change waits for its record. No call is
// answered meanwhile.
func (p *Pipeline) Lagging() bool {
	p.outbox.watch()
	return p.outbox.open() != nil
}

// Unrecorded is how many committed changes wait for their record to be durable. The
// ticket of one that was answered before, since it was not known to be committed, is
// fetched by nobody.
func (p *Pipeline) Unrecorded() (n int) {
	p.outbox.mu.Lock()
	defer p.outbox.mu.Unlock()
	for _, ticket := range p.outbox.tickets {
		if errors.Is(ticket.Wait(ended), context.Canceled) {
			n++
		}
	}
	return n
}

// Drain brings the trail up to the store: it appends the record of every commit
// that the trail does not have, exactly once. It is called at start, before the
// first call, and again for as long as Lagging is true.
func (p *Pipeline) Drain(ctx context.Context) error {
	// Who found the trail well before the record of an earlier commit was given up may
	// be on the way to it still. Whoever comes later leaves its record to Drain.
	select {
	case p.outbox.appending <- struct{}{}:
		<-p.outbox.appending
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		p.outbox.mu.Lock()
		missed := p.outbox.missed
		p.outbox.mu.Unlock()
		if err := p.catchUp(ctx); err != nil {
			return err
		}
		// Asked while nobody else appends: the trail takes the question as a
		// promise to append all that follows the answer.
		reached := p.o.Trail.Outbox()
		p.outbox.mu.Lock()
		// A commit that was left to Drain after catchUp had read the outbox
		// has raised missed: go round again.
		done := p.outbox.missed == missed
		if done && p.outbox.lagging { // so that catchUp alone has appended, also what newest is for
			p.outbox.newest, p.outbox.lagging = audit.Ticket{}, false
		}
		p.outbox.mu.Unlock()
		if done {
			p.o.Store.Forget(reached)
			return nil
		}
	}
}

func (p *Pipeline) catchUp(ctx context.Context) error {
	for {
		events, err := p.o.Store.Outbox(ctx, p.o.Trail.Outbox(), 256)
		if err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		var last audit.Ticket
		for _, event := range events {
			if last, err = p.appendEvent(event.Position, event.Body); err != nil {
				return err
			}
		}
		if err := last.Wait(ctx); err != nil {
			return fmt.Errorf("recording the outbox: %w", err)
		}
	}
}
