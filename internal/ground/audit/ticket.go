package audit

import "context"

// A Ticket is the promise that entries become durable. The zero Ticket is kept already.
type Ticket struct{ p *promise }

// A promise is shared by all who wait for one batch.
type promise struct {
	kept chan struct{}
	err  error // set before kept is closed
}

func newPromise() *promise { return &promise{kept: make(chan struct{})} }

// settle wakes all who wait.
func (p *promise) settle(err error) {
	p.err = err
	close(p.kept)
}

// Wait returns when the entries are durable (at once for a Ring), or with
// ErrUnavailable when they can't be made so. If ctx ends first, its error is
// returned and the entries may still become durable.
func (t Ticket) Wait(ctx context.Context) error {
	if t.p == nil {
		return nil
	}
	select {
	case <-t.p.kept:
		return t.p.err
	default:
	}
	select {
	case <-t.p.kept:
		return t.p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
