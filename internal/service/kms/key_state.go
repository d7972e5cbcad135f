package kms

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

// keyState is the state of a key, in the words of the public model.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
type keyState string

// The states of keys.
const (
	stateCreating               keyState = "Creating"
	stateEnabled                keyState = "Enabled"
	stateDisabled               keyState = "Disabled"
	statePendingDeletion        keyState = "PendingDeletion"
	statePendingImport          keyState = "PendingImport"
	statePendingReplicaDeletion keyState = "PendingReplicaDeletion"
	stateUnavailable            keyState = "Unavailable"
	stateUpdating               keyState = "Updating"
)

// A purpose is what a call wants of a key, as far as its state matters.
type purpose uint8

const (
	toCrypt     purpose = iota // use the key's material, or change it
	toShow                     // show its public half
	toGrant                    // make a grant
	toLabel                    // tags, description, a new alias
	toToggle                   // EnableKey, DisableKey
	toDelete                   // ScheduleKeyDeletion
	toKeep                     // CancelKeyDeletion
	toReceive                  // GetParametersForImport
	toImport                   // ImportKeyMaterial
	toRemove                   // DeleteImportedKeyMaterial
	toReplicate                // ReplicateKey
	purposes
)

// stateFaults says for each state and purpose how a refusal goes on after the
// key's ARN; an empty text allows. A state that is not listed allows nothing.
var stateFaults = map[keyState][purposes]string{
	stateEnabled:  {toKeep: notPending},
	stateDisabled: {toCrypt: disabled, toGrant: disabled, toKeep: notPending, toReplicate: disabled},
	statePendingDeletion: {
		toCrypt: pending, toShow: pending, toGrant: pending, toLabel: pending, toToggle: pending, toDelete: pending,
		toReceive: pending, toImport: pending, toReplicate: pending,
	},
	statePendingReplicaDeletion: {
		toCrypt: pending, toShow: pending, toGrant: pending, toLabel: pending, toToggle: pending, toDelete: pending,
		toReceive: pending, toImport: pending, toReplicate: pending,
	},
	statePendingImport: {toCrypt: noImport, toGrant: noImport, toToggle: noImport, toKeep: notPending, toReplicate: noImport},
	stateUnavailable:   {toCrypt: unavailable, toKeep: notPending, toReplicate: unavailable},
	stateCreating: {
		toCrypt: creating, toShow: creating, toGrant: creating, toToggle: creating, toKeep: notPending,
		toReceive: creating, toImport: creating, toRemove: creating, toReplicate: creating,
	},
	stateUpdating: {toToggle: updating, toDelete: updating, toKeep: notPending, toReceive: updating, toRemove: updating, toReplicate: updating},
}

const (
	disabled    = "is disabled."
	pending     = "is pending deletion."
	notPending  = "is not pending deletion."
	noImport    = "is pending import."
	unavailable = "is unavailable."
	creating    = "is creating."
	updating    = "is updating."
)

// state is the key's state as callers see it. A key in a custom key store that is
// not connected is unavailable, whatever it will be again afterwards, unless it
// is pending deletion.
func (k *Key) state() keyState {
	if k.keyStore != nil && k.keyStore.Connection != connected && (k.State == stateEnabled || k.State == stateDisabled) {
		return stateUnavailable
	}
	return k.State
}

// ready refuses what the key's state forbids.
func (k *Key) ready(p purpose) error {
	state := k.state()
	row, known := stateFaults[state]
	switch {
	case !known:
		return fmt.Errorf("key %s has the unknown state %q: %w", k.ID, state, store.ErrDamaged)
	case row[p] == "":
		return nil
	case row[p] == disabled:
		return fault.New(Disabled, "%s %s", k.ARN, row[p])
	default:
		return fault.New(InvalidState, "%s %s", k.ARN, row[p])
	}
}

// toggle brings the key to state, which is Enabled or Disabled.
func (t *target) toggle(c *operation.Call, tx store.Txn, state keyState) (*operation.None, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.ready(toToggle); err != nil {
		return nil, err
	}
	rec := k.keyRecord
	rec.State = state
	return k.change(c, tx, &rec, rec.State != k.State)
}
