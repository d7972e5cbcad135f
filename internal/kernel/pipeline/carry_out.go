package pipeline

import (
	"context"
	"fmt"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/words/ident"
)

// CarryOut makes a change that no call asked for, such as one whose time has
// come. change runs inside a transaction that may be tried several times, as
// that of a call is, and returns what the record shall say; nil if there is
// nothing to do after all, for which it must not have written anything.
//
// The record reaches the trail exactly once, with the change or not at all. When
// CarryOut returns without an error it is durable there. An error leaves open
// whether the change was made.
func (p *Pipeline) CarryOut(ctx context.Context, source string, change func(store.Txn) (*operation.Event, error)) error {
	if err := p.outbox.open(); err != nil {
		return err
	}
	leave, err := p.takePlace(ctx)
	if err != nil {
		return fmt.Errorf("waiting to begin a change: %w", err)
	}
	defer leave()
	release, err := p.o.Trail.Reserve(reserveBytes)
	if err != nil {
		return fmt.Errorf("reserving trail space: %w", err)
	}
	defer release()

	var event *operation.Event
	commit, err := p.o.Store.Update(ctx, ident.Bytes(), func(tx store.Txn) (err error) {
		if event, err = change(tx); err == nil && event != nil {
			tx.Emit(audit.EncodeEntries([]audit.Entry{record.Event(source, event)}))
		}
		return err
	})
	if err != nil || event == nil {
		return err
	}
	if err := p.awaitRecord(ctx, commit.Position); err != nil {
		return fmt.Errorf("recording %s: %w", event.Name, err)
	}
	return nil
}
