package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/ident"
)

// metaIncarnation is the key of what is known of a store that was put back.
const metaIncarnation = "incarnation"

// An incarnation is what a store knows of having been put back as it was
// earlier. Its zero value is that of a store that never was.
//
// The positions of a lost future are never given again: accepting a restore
// moves the head beyond them. What names such a position is of that future and
// means nothing here. No clock decides that: it may stand anywhere on the machine
// on which a store is restored.
type incarnation struct {
	ID        string     `json:"id,omitempty"`        // drawn anew whenever a restore is accepted
	Restored  *restored  `json:"restored,omitempty"`  // until it is accepted
	Accepting *accepting `json:"accepting,omitempty"` // until it is done
	Gaps      []gap      `json:"gaps,omitempty"`
}

// restored says from what a store was restored.
type restored struct {
	Position uint64    `json:"position"` // of the store in the backup
	Sequence uint64    `json:"sequence"` // of the last record of the trail in the backup
	Time     time.Time `json:"time"`     // of the backup
	Trail    bool      `json:"trail"`    // whether the trail comes from the backup too
}

// accepting is a restore that is being accepted. What it says is fixed before
// anything is changed, so that an interrupted run is finished by another.
type accepting struct {
	ID     string `json:"id"` // of the next incarnation
	Gap    gap    `json:"gap"`
	Last   uint64 `json:"last"` // number of the trail's last record then
	Replay bool   `json:"replay"`
	Rows   bool   `json:"rows,omitempty"` // whether rows that were put back are accepted too
	By     string `json:"by"`
}

// A gap is a future that was lost.
type gap struct {
	From uint64 `json:"from"` // first and last position
	To   uint64 `json:"to"`
	// Last record of the trail that is not of it, of the batch in which it begins: the
	// trail tells one position for all of a batch.
	Before uint64 `json:"before,omitempty"`
}

// has reports whether a record of the trail is of this future.
func (g gap) has(sequence, position uint64) bool {
	return g.From <= position && position <= g.To && sequence > g.Before
}

func readIncarnation(ctx context.Context, d driver.Driver) (*incarnation, error) {
	text, err := d.Meta(ctx, metaIncarnation)
	if errors.Is(err, store.ErrNotFound) {
		return new(incarnation), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	i := new(incarnation)
	return i, i.decode(text)
}

// decode reads what encode wrote; nothing is the first incarnation.
func (i *incarnation) decode(text []byte) error {
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, i); err != nil {
		return fmt.Errorf("what the store says of restores: %w", store.ErrDamaged)
	}
	return nil
}

func (i *incarnation) encode() []byte {
	text, err := json.Marshal(i)
	if err != nil {
		panic("app: encoding an incarnation: " + err.Error()) // strings, numbers and times
	}
	return text
}

// name is what people are shown.
func (i *incarnation) name() string {
	if i.ID == "" {
		return "first"
	}
	return i.ID
}

// lost reports whether a position is of a future that was lost. What tells none may
// be of any.
func (i *incarnation) lost(position uint64) bool {
	for _, g := range i.Gaps {
		if position == 0 || g.From <= position && position <= g.To {
			return true
		}
	}
	return false
}

// forgotten reports whether a record of the trail is of one of some futures that were lost.
func forgotten(gaps []gap, sequence, position uint64) bool {
	return slices.ContainsFunc(gaps, func(g gap) bool { return g.has(sequence, position) })
}

func drawIncarnation() string { return ident.UUID() }
