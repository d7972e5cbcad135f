package metrics

import (
	"sync"
	"sync/atomic"

	"claviger/internal/edge/gateway"
	"claviger/internal/ground/policy"
	"claviger/internal/ground/tally"
	"claviger/internal/words/fault"
)

// Outcomes of calls.
const (
	success = iota
	refused // for a reason that the caller may change
	failed  // for one of the server's own
)

var outcomes = [...]string{success: "success", refused: "refused", failed: "failed"}

// other stands for every operation that there is not, for every request whose
// service can't be told, and for what exceeds a bound.
const other = "other"

// Calls counts requests by service and operation, of which it was told all that
// there are. It is safe for concurrent use, and implements gateway.Meter.
type Calls struct {
	underWay atomic.Int64
	series   map[operation]*series

	mu       sync.RWMutex
	refusals map[refusal]*atomic.Uint64
}

type operation struct{ service, name string }

// A series is an operation's calls.
type series struct {
	outcomes [len(outcomes)]atomic.Uint64
	took     atomic.Pointer[tally.Histogram] // nil before the first call
}

type refusal struct {
	service, reason string
	code            fault.Code
}

// refusalsMax bounds the refusals that are told apart. Codes are those of the
// program, so that far fewer occur.
const refusalsMax = 1000

// NewCalls returns the calls of services' operations.
func NewCalls(services map[string][]string) *Calls {
	c := &Calls{series: make(map[operation]*series), refusals: make(map[refusal]*atomic.Uint64)}
	c.series[operation{other, other}] = new(series)
	for service, names := range services {
		c.series[operation{service, other}] = new(series)
		for _, name := range names {
			c.series[operation{service, name}] = new(series)
		}
	}
	return c
}

// Began counts a request that is being answered.
func (c *Calls) Began() { c.underWay.Add(1) }

// Ended counts a request that has been answered.
func (c *Calls) Ended(o gateway.Outcome) {
	c.underWay.Add(-1)
	at := operation{o.Service, o.Operation}
	if !o.Known {
		at.name = other
	}
	s := c.series[at]
	if s == nil {
		at = operation{other, other}
		s = c.series[at]
	}
	how := success
	if o.Fault != nil {
		how = refused
		if o.Fault.Code == fault.InternalFailure {
			how = failed
		}
	}
	if how == refused {
		c.refused(refusal{at.service, reason(&o), o.Fault.Code})
	}
	s.outcomes[how].Add(1)
	s.observe(int64(o.Took))
}

func (s *series) observe(nanoseconds int64) {
	h := s.took.Load()
	if h == nil {
		h = tally.Seconds()
		if !s.took.CompareAndSwap(nil, h) {
			h = s.took.Load()
		}
	}
	h.Observe(nanoseconds)
}

// gates are the names of what refuses.
var gates = [...]string{
	policy.ByNothing:         "credential", // which is not good for such a call, whatever policies say
	policy.ByIdentity:        "identity_policy",
	policy.ByResource:        "resource_policy",
	policy.ByBoundary:        "permissions_boundary",
	policy.BySession:         "session_policy",
	policy.ByServiceControl:  "service_control_policy",
	policy.ByResourceControl: "resource_control_policy",
	policy.ByGrant:           "grant",
}

// reason says what kind of thing refused.
func reason(o *gateway.Outcome) string {
	switch code := o.Fault.Code; {
	case !o.Call && (code == fault.RequestEntityTooLarge || code == fault.Serialization || code == fault.Validation):
		return "unreadable"
	case !o.Call:
		return "signature"
	case o.Gate != policy.ByNothing:
		return gates[o.Gate]
	case code == fault.AccessDenied || code == fault.ExpiredToken || code == fault.UnrecognizedClient:
		return gates[policy.ByNothing]
	case code == fault.Throttling:
		return "request_quota"
	case code == fault.LimitExceeded:
		return "resource_quota"
	case code == fault.Validation || code == fault.Serialization || code == fault.UnknownOperation || code == fault.UnsupportedOperation:
		return "input"
	}
	return "state" // of what the call is about
}

func (c *Calls) refused(r refusal) {
	c.mu.RLock()
	n := c.refusals[r]
	c.mu.RUnlock()
	if n == nil {
		n = c.newRefusal(r)
	}
	n.Add(1)
}

func (c *Calls) newRefusal(r refusal) *atomic.Uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) >= refusalsMax {
		r = refusal{other, other, other}
	}
	n := c.refusals[r]
	if n == nil {
		n = new(atomic.Uint64)
		c.refusals[r] = n
	}
	return n
}

// Families shows the calls. An operation shows up with its first call.
func (c *Calls) Families() []Family {
	return []Family{
		{
			Name: "claviger_calls_total", Kind: Counter, Labels: []string{"service", "operation", "outcome"},
			Help: "Requests answered, by outcome: success, refused, or failed for a reason of the server's own. Operations that there are not count as other, and so do requests that are no calls since their signature does not verify.",
			Numbers: func(show func(float64, ...string)) {
				c.each(func(at operation, s *series) {
					for how, name := range outcomes {
						show(float64(s.outcomes[how].Load()), at.service, at.name, name)
					}
				})
			},
		},
		{
			Name: "claviger_call_duration_seconds", Kind: Histogram, Labels: []string{"service", "operation"},
			Help: "Time from a request's having been read to its answer's being ready to send: checks, work, and the record's becoming durable.",
			Readings: func(show func(tally.Reading, ...string)) {
				c.each(func(at operation, s *series) { show(s.took.Load().Read(), at.service, at.name) })
			},
		},
		{
			Name: "claviger_refusals_total", Kind: Counter, Labels: []string{"service", "reason", "code"},
			Help: "Requests refused, by what refused them and by error code. Reasons: signature, unreadable, credential, identity_policy, resource_policy, permissions_boundary, session_policy, service_control_policy, resource_control_policy, request_quota, resource_quota, input, state.",
			Numbers: func(show func(float64, ...string)) {
				c.mu.RLock()
				defer c.mu.RUnlock()
				for r, n := range c.refusals {
					show(float64(n.Load()), r.service, r.reason, string(r.code))
				}
			},
		},
		{
			Name: "claviger_calls_in_flight", Kind: Gauge, Help: "Requests that are being answered.",
			Numbers: func(show func(float64, ...string)) { show(float64(c.underWay.Load())) },
		},
	}
}

// each calls fn for every operation that was called.
func (c *Calls) each(fn func(at operation, s *series)) {
	for at, s := range c.series {
		if s.took.Load() != nil {
			fn(at, s)
		}
	}
}
