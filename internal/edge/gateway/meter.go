package gateway

import (
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/ground/policy"
	"claviger/internal/words/fault"
)

// A Meter counts requests. It is called for each one, so it must neither wait
// nor allocate.
type Meter interface {
	Began()
	Ended(Outcome)
}

// An Outcome is how a request ended.
type Outcome struct {
	Service   string        // "" where the request named none that is served
	Operation string        // as it is recorded; anything where there is no such operation
	Known     bool          // there is such an operation
	Call      bool          // the signature verified, so that this was a call
	Gate      policy.Gate   // which refused, where policies did
	Fault     *fault.Fault  // nil on success
	Took      time.Duration // from the request's having been read to its answer's being ready to send
}

// begin starts the clock of a request where somebody looks at it.
func (g *Gateway) begin() time.Time {
	if g.o.Meter == nil {
		return time.Time{}
	}
	g.o.Meter.Began()
	return g.o.Now()
}

// ended tells the meter how a request ended.
func (g *Gateway) ended(began time.Time, o Outcome) {
	if g.o.Meter == nil {
		return
	}
	o.Took = g.o.Now().Sub(began)
	g.o.Meter.Ended(o)
}

// refuse answers a request that is no call.
func (g *Gateway) refuse(r *message.Request, began time.Time, s *service, id string, err error) message.Response {
	if g.o.Refused != nil {
		g.o.Refused(r, id, err)
	}
	g.ended(began, Outcome{Service: s.Name, Fault: fault.From(err)})
	return s.failure(id, err)
}
