// Package operation is what a call is: declarations of operations, and the
// call that walks through one.
//
// An operation is declared as a Use, whose work can only read, or as a Change,
// whose work gets the transaction. Each answers four questions: is the input
// well formed, what is the call about, which permissions does it need, and
// what does it do.
package operation

import (
	"reflect"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/check"
)

// An Input checks its own shape: required members, lengths, ranges, enums. No I/O.
type Input[T any] interface {
	*T
	Validate(*check.Checks)
}

// None is the output of an operation that answers with an empty body.
type None struct{}

// A Use declares an operation that reads: cryptography, Describe, Get, List.
type Use[In, Out, Subject any, PIn Input[In]] struct {
	Name string

	// Actions lists every action that Asks may ask for.
	Actions []string

	// AsksNothing declares that the operation needs no permission at all. The
	// list of such operations is printed and tested.
	AsksNothing bool

	// Cryptographic says that the operation uses key material. When warm it reads
	// no store.
	Cryptographic bool

	// Issues says that the operation makes what is kept nowhere, such as temporary
	// credentials: its record shows the tagged members of the output, as that of
	// a Change does.
	Issues bool

	// Subject finds what the call is about, before the decision, so that what
	// was judged is what is used.
	Subject func(c *Call, in *In) (Subject, error)

	// Asks appends every permission that the call needs.
	Asks func(c *Call, in *In, s Subject, asks []authz.Ask) []authz.Ask

	// Run does the work, after every ask was allowed.
	Run func(c *Call, in *In, s Subject) (*Out, error)
}

// A Change declares an operation that writes. Its parts run inside a
// transaction that may be tried several times: they have no effect outside tx.
type Change[In, Out, Subject any, PIn Input[In]] struct {
	Name    string
	Actions []string
	Subject func(c *Call, in *In) (Subject, error)
	Asks    func(c *Call, in *In, s Subject, asks []authz.Ask) []authz.Ask
	Run     func(c *Call, tx store.Txn, in *In, s Subject) (*Out, error)
}

// An Operation is a declaration with its types erased: what protocols, the
// pipeline and the tests that walk the table see.
type Operation struct {
	Name        string
	Actions     []string
	Writes      bool // declared as a Change
	AsksNothing bool
	In, Out     reflect.Type // struct types

	// Cryptographic operations use key material.
	Cryptographic bool

	// Recorded says that records show the tagged members of the output.
	Recorded bool

	// NewIn returns a pointer to an empty input.
	NewIn func() any

	// Validate checks the shape of an input that NewIn made.
	Validate func(in any) error

	// Walk finds the subject, has judge answer all asks, and runs. tx is nil
	// for a Use. The result is a pointer to Out.
	Walk func(c *Call, tx store.Txn, in any, judge func([]authz.Ask) error) (any, error)
}

// Operation erases the types of u. It panics if the declaration is incomplete:
// a mistake stops the first start, not the first request.
func (u Use[In, Out, Subject, PIn]) Operation() Operation {
	if u.Name == "" || u.Run == nil || (u.Asks == nil) != u.AsksNothing || (len(u.Actions) == 0) != u.AsksNothing {
		panic("operation: incomplete declaration of " + u.Name)
	}
	o := erase[In, Out, PIn](u.Name, u.Actions)
	o.AsksNothing = u.AsksNothing
	o.Cryptographic = u.Cryptographic
	o.Recorded = u.Issues
	o.Walk = func(c *Call, _ store.Txn, in any, judge func([]authz.Ask) error) (any, error) {
		s, err := walkToRun(c, in.(*In), u.Subject, u.Asks, judge)
		if err != nil {
			return nil, err
		}
		return result(u.Run(c, in.(*In), s))
	}
	return o
}

// Operation erases the types of ch. It panics if the declaration is incomplete.
func (ch Change[In, Out, Subject, PIn]) Operation() Operation {
	if ch.Name == "" || ch.Run == nil || ch.Asks == nil || len(ch.Actions) == 0 {
		panic("operation: incomplete declaration of " + ch.Name)
	}
	o := erase[In, Out, PIn](ch.Name, ch.Actions)
	o.Writes, o.Recorded = true, true
	o.Walk = func(c *Call, tx store.Txn, in any, judge func([]authz.Ask) error) (any, error) {
		s, err := walkToRun(c, in.(*In), ch.Subject, ch.Asks, judge)
		if err != nil {
			return nil, err
		}
		return result(ch.Run(c, tx, in.(*In), s))
	}
	return o
}

func erase[In, Out any, PIn Input[In]](name string, actions []string) Operation {
	return Operation{
		Name:    name,
		Actions: actions,
		In:      reflect.TypeFor[In](),
		Out:     reflect.TypeFor[Out](),
		NewIn:   func() any { return new(In) },
		Validate: func(in any) error {
			var checks check.Checks
			PIn(in.(*In)).Validate(&checks)
			return checks.Err()
		},
	}
}

// walkToRun takes a call up to its work. judge is asked even when there are no
// asks, so that it can refuse a call that asks nothing.
func walkToRun[In, Subject any](c *Call, in *In,
	subject func(*Call, *In) (Subject, error),
	asks func(*Call, *In, Subject, []authz.Ask) []authz.Ask,
	judge func([]authz.Ask) error,
) (Subject, error) {
	var s Subject
	var err error
	if subject != nil {
		if s, err = subject(c, in); err != nil {
			return s, err
		}
	}
	var list []authz.Ask
	if asks != nil {
		list = asks(c, in, s, c.asks[:0])
		c.asks = list
	}
	return s, judge(list)
}

// result keeps a nil *Out out of the interface.
func result[Out any](out *Out, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}
