package operation

import (
	"context"
	"errors"
)

// ErrApart is how the Run of an operation ends that has work done apart.
var ErrApart = errors.New("operation: work is to be done apart")

// apart is work of a call that its walk must not wait for.
type apart struct {
	work func(context.Context) (any, error)
	made any
}

// Apart returns what work makes. It is for what takes so long that no
// transaction, snapshot or place among the changes may be held meanwhile, and
// that is not to be done again when the call is walked again.
//
// The first time it returns ErrApart, with which Run must end. The pipeline then
// lets go of all that, does the work, and walks the call anew, its decision
// included; there Apart returns what was made. So nothing is made for a call
// that is refused before. A call has one piece of such work.
func Apart[T any](c *Call, work func(context.Context) (T, error)) (T, error) {
	if made, ok := c.apart.made.(T); ok {
		return made, nil
	}
	c.apart.work = func(ctx context.Context) (any, error) { return work(ctx) }
	var none T
	return none, ErrApart
}

// Made returns what was made apart for the call, and whether anything was.
func Made[T any](c *Call) (T, bool) {
	made, ok := c.apart.made.(T)
	return made, ok
}

// Make does the work that a walk which ended with ErrApart has left. Only what
// walks calls calls it, between two walks.
func (c *Call) Make() (err error) {
	c.apart.made, err = c.apart.work(c.Context)
	c.apart.work = nil
	return err
}

// Forget drops what was made apart, so that c can be used for another call.
func (c *Call) Forget() { c.apart = apart{} }
