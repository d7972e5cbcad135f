package operation

import (
	"context"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/arn"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// A Call is one walk through an operation. The pipeline makes it; services read
// it and add to its record. It is not safe for concurrent use.
type Call struct {
	Context   context.Context
	Time      time.Time // read once, when the call began
	RequestID string
	Operation string // its name
	Region    string
	Partition string
	Caller    *authz.Caller
	Facts     *authz.Facts

	// Record collects what only the service can say of the call.
	Record Details

	read   func() (store.Reader, error)
	stamps []store.Stamp
	asks   []authz.Ask
	apart  apart
}

// Details of a call that its record shows beside the tagged members of input
// and output.
type Details struct {
	Resources  []Resource
	Request    []Member // replaces or adds members of requestParameters
	Response   []Member // replaces or adds members of responseElements
	Additional []Member // additionalEventData
	Events     []Event  // what the service did for the call, of a Change that succeeds
	Echoes     []Echo   // records in other Regions
}

// A Resource of a record.
type Resource struct {
	Type    string // such as AWS::KMS::Key
	ARN     string
	Account string
}

// A Member of a record's object: a string, or an object of strings where Pairs
// is not nil.
type Member struct {
	Name  string
	Value string
	Pairs pairs.Map
}

// An Echo is what a call did in another Region than its own. It leaves a record
// there too, which says that the service went there for the caller.
type Echo struct {
	Name      string // operation, such as CreateKey
	Region    string
	Resources []Resource

	// Request and Response are pointers to shapes of an operation, of which their
	// tags show members; nil shows nothing.
	Request, Response any
}

// Begin prepares c for one try of its walk: what an earlier try collected is dropped.
// read opens (once) what Reader returns.
func (c *Call) Begin(read func() (store.Reader, error)) {
	c.read = read
	c.stamps = c.stamps[:0]
	clear(c.asks) // they refer to keys, which would stay in memory with a call that is used again
	c.asks = c.asks[:0]
	c.Record = Details{
		Resources:  c.Record.Resources[:0],
		Request:    c.Record.Request[:0],
		Response:   c.Record.Response[:0],
		Additional: c.Record.Additional[:0],
		Events:     c.Record.Events[:0],
	}
}

// Echoed adds a record in another Region.
func (c *Call) Echoed(e Echo) { c.Record.Echoes = append(c.Record.Echoes, e) }

// Reader returns the view of the store that the call reads: in a Change the
// transaction itself, in a Use a snapshot opened on first need.
func (c *Call) Reader() (store.Reader, error) { return c.read() }

// RestOn adds premises: if one of them ends before the call's record takes its
// number, the call is walked again.
func (c *Call) RestOn(stamps ...store.Stamp) { c.stamps = append(c.stamps, stamps...) }

// Current reports whether every premise still holds.
func (c *Call) Current() bool {
	for i := range c.stamps {
		if !c.stamps[i].Current() {
			return false
		}
	}
	for i := range c.Caller.Stamps {
		if !c.Caller.Stamps[i].Current() {
			return false
		}
	}
	return true
}

// Account is the caller's account. A service has none: for it, the account of
// the resource that it calls for stands in, empty where it names none.
func (c *Call) Account() string {
	if c.Caller.Principal.Kind == principal.Service {
		return c.Facts.SourceAccount
	}
	return c.Caller.Principal.Account
}

// ARN names a resource of the caller's account in the call's Region.
func (c *Call) ARN(service, resource string) string {
	return arn.ARN{Partition: c.Partition, Service: service, Region: c.Region, Account: c.Account(), Resource: resource}.String()
}

// Concerns adds a resource to the record.
func (c *Call) Concerns(kind, name, account string) {
	c.Record.Resources = append(c.Record.Resources, Resource{Type: kind, ARN: name, Account: account})
}

// Show sets a member of the record's requestParameters, in place of what the
// input's tags would show.
func (c *Call) Show(name, value string) {
	c.Record.Request = append(c.Record.Request, Member{Name: name, Value: value})
}

// ShowPairs is Show for an object of strings.
func (c *Call) ShowPairs(name string, m pairs.Map) {
	c.Record.Request = append(c.Record.Request, Member{Name: name, Pairs: m})
}

// ShowResponse sets a member of the record's responseElements.
func (c *Call) ShowResponse(name, value string) {
	c.Record.Response = append(c.Record.Response, Member{Name: name, Value: value})
}

// ShowAdditional sets a member of the record's additionalEventData.
func (c *Call) ShowAdditional(name, value string) {
	c.Record.Additional = append(c.Record.Additional, Member{Name: name, Value: value})
}

// ShowAdditionalPairs is ShowAdditional for an object of strings.
func (c *Call) ShowAdditionalPairs(name string, m pairs.Map) {
	c.Record.Additional = append(c.Record.Additional, Member{Name: name, Pairs: m})
}

// Happened adds an event with a record of its own, which follows that of the
// call if the call, a Change, succeeds.
func (c *Call) Happened(e *Event) { c.Record.Events = append(c.Record.Events, *e) }
