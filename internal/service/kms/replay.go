package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
)

// A store that was put back as it was earlier has lost changes of which the
// trail still tells. Those that took something away are made again from their
// records, so that what was revoked stays revoked. What gave something is lost:
// its owner has to give it again.

// A replay makes a change to a key again. It returns a nil event where the key
// is as the change left it.
type replay struct {
	about func(l *operation.Lost) string // what of the key the change was about
	make  func(s *Service, ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error)
}

// replays lists what is made again. EnableKey, ImportKeyMaterial and the like
// take nothing away; they stand here because a change before them no longer
// counts. What has been cancelled must not happen: a key that was to be destroyed, and
// then no more, is disabled.
var replays = map[string]replay{
	"DisableKey":                {aboutState, (*Service).disableAgain},
	"EnableKey":                 {aboutState, (*Service).keepAgain},
	"CancelKeyDeletion":         {aboutState, (*Service).keepDisabled},
	"ScheduleKeyDeletion":       {aboutState, (*Service).scheduleAgain},
	"DeleteKey":                 {aboutKey, (*Service).destroyAgain},
	"RevokeGrant":               {aboutGrant, (*Service).endAgain},
	"RetireGrant":               {aboutGrant, (*Service).endAgain},
	"PutKeyPolicy":              {aboutPolicy, (*Service).putPolicyAgain},
	"DeleteImportedKeyMaterial": {aboutMaterial, (*Service).removeAgain},
	"ImportKeyMaterial":         {aboutMaterial, (*Service).nothingAgain},
}

func aboutState(*operation.Lost) string      { return "state" }
func aboutKey(*operation.Lost) string        { return "key" }
func aboutPolicy(*operation.Lost) string     { return "policy" }
func aboutGrant(l *operation.Lost) string    { return "grant/" + l.Members["grantId"] }
func aboutMaterial(l *operation.Lost) string { return "material/" + l.Members["keyMaterialId"] }

// Trace says what a change was about, for Replay.
func (s *Service) Trace(l *operation.Lost) operation.Trace {
	r, known := replays[l.Name]
	if name, ok := lostKey(l); known && ok && l.Source == EventSource {
		return operation.Trace{
			Subject: name + "/" + r.about(l),
			Gives:   l.Name == "EnableKey" || l.Name == "ImportKeyMaterial",
			Final:   l.Name == "DeleteKey" || l.Name == "RevokeGrant" || l.Name == "RetireGrant",
		}
	}
	return operation.Trace{}
}

// lostKey returns the ARN of the key that a change was about.
func lostKey(l *operation.Lost) (string, bool) {
	for _, r := range l.Resources {
		if r.Type == keyResource {
			return r.ARN, true
		}
	}
	return "", false
}

// Replay makes a change again that the trail has and the store may not have. It
// returns what its record shall say, nil where there is nothing to do: because
// the store is as the change left it, or what it was about is not there.
func (s *Service) Replay(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	name, _ := lostKey(l)
	a, ok := arn.Parse(name)
	if !ok || len(a.Resource) < len("key/") {
		return nil, nil
	}
	rec, rev, err := keyTable.Get(ctx, tx, keyKey(a.Region, a.Resource[len("key/"):]))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if rec.Created.After(l.Time) { // a replica that was made anew
		return nil, nil
	}
	return replays[l.Name].make(s, ctx, tx, &Key{keyRecord: *rec, ARN: rec.arn(), rev: rev}, l, now)
}

// again is the event of a change that was made again.
func (k *Key) again(l *operation.Lost, now time.Time, members ...string) *operation.Event {
	e := k.event(l.Name, now)
	for _, name := range members {
		if v := l.Members[name]; v != "" {
			e.Details = append(e.Details, operation.Member{Name: name, Value: v})
		}
	}
	return e
}

func (r *keyRecord) awaitsDeletion() bool {
	return r.State == statePendingDeletion || r.State == statePendingReplicaDeletion
}

// disableAgain disables a key that is enabled, or that awaits a deletion which
// was cancelled before it was disabled.
func (s *Service) disableAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	if k.State != stateEnabled && !k.awaitsDeletion() {
		return nil, nil
	}
	rec := k.keyRecord
	rec.State, rec.Deletion, rec.Window = stateDisabled, time.Time{}, 0
	rec.settle()
	if err := k.put(ctx, tx, &rec); err != nil {
		return nil, err
	}
	return k.again(l, now), nil
}

// keepAgain keeps a key that was enabled from its deletion. It is not enabled.
func (s *Service) keepAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	if !k.awaitsDeletion() {
		return nil, nil
	}
	e, err := s.disableAgain(ctx, tx, k, l, now)
	if e != nil {
		e.Name = "CancelKeyDeletion"
	}
	return e, err
}

// keepDisabled is keepAgain for a key that was not enabled since.
func (s *Service) keepDisabled(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	return s.disableAgain(ctx, tx, k, l, now)
}

// scheduleAgain counts the days from when they were counted first.
func (s *Service) scheduleAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	if k.awaitsDeletion() {
		return nil, nil
	}
	days, err := strconv.Atoi(cmp.Or(l.Members["pendingWindowInDays"], strconv.Itoa(windowDefault)))
	if err != nil || days < windowMin || days > windowMax {
		return nil, fmt.Errorf("record %d has no window for the deletion of key %s", l.Sequence, k.ID)
	}
	rec := k.keyRecord
	rec.Window = days
	if rec.hasReplicas() {
		rec.State = statePendingReplicaDeletion
	} else {
		rec.beginWaiting(l.Time.UTC().Truncate(time.Millisecond))
	}
	if err := k.put(ctx, tx, &rec); err != nil {
		return nil, err
	}
	return k.again(l, now, "pendingWindowInDays"), nil
}

// destroyAgain destroys a key. One with replicas that are still there waits for
// them to go.
func (s *Service) destroyAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	if k.hasReplicas() {
		return nil, fmt.Errorf("key %s was destroyed, but has replicas here in %v", k.ID, k.ReplicaRegions)
	}
	if k.Deletion.IsZero() {
		k.Deletion = now
	}
	if err := k.erase(ctx, tx, k.rev); err != nil {
		return nil, err
	}
	if err := k.leaveRelated(ctx, tx, now); err != nil {
		return nil, err
	}
	return k.again(l, now), nil
}

// endAgain ends a grant.
func (s *Service) endAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	g, rev, err := readGrant(ctx, tx, k.Region, k.ID, l.Members["grantId"])
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.deleteGrant(ctx, tx, g, rev); err != nil {
		return nil, err
	}
	k.unchanged(tx)
	return k.again(l, now, "grantId"), nil
}

// putPolicyAgain puts the whole policy, which may give more than the one before
// it as well as less. Users and roles that are not here are let in by nothing.
func (s *Service) putPolicyAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	text := l.Members["policy"]
	p, rev, err := policyTable.Get(ctx, tx, keyKey(k.Region, k.ID))
	if err != nil {
		return nil, fmt.Errorf("reading the policy of key %s: %w", k.ID, damaged(err))
	}
	switch text {
	case p.Text:
		return nil, nil
	case "":
		return nil, fmt.Errorf("record %d has no policy: %w", l.Sequence, operation.ErrNotAgain)
	}
	named, err := compileNew(&k.keyRecord, text, nil)
	if err != nil {
		return nil, fmt.Errorf("the policy of record %d: %w", l.Sequence, err)
	}
	bound, err := s.bindKnown(ctx, tx, k.Partition, named)
	if err != nil {
		return nil, err
	}
	next := *p
	next.Text, next.Bound = text, bound
	if err := policyTable.Put(ctx, tx, &next, rev); err != nil {
		return nil, fmt.Errorf("writing the policy of key %s: %w", k.ID, err)
	}
	rec := k.keyRecord
	if err := k.put(ctx, tx, &rec); err != nil {
		return nil, err
	}
	return k.again(l, now, "policy"), nil
}

// bindKnown is bind for whoever is there.
func (s *Service) bindKnown(ctx context.Context, r store.Reader, partition string, p *policy.Policy) (map[string]string, error) {
	bound := make(map[string]string)
	for _, named := range p.Principals() {
		if mustExist, err := nameable(partition, named); err != nil || !mustExist {
			continue
		}
		id, exists, err := s.principals.Principal(ctx, r, named.Name)
		if err != nil {
			return nil, fmt.Errorf("resolving principal %s: %w", named.Name, err)
		}
		if exists && id != "" {
			bound[named.Name] = id
		}
	}
	return bound, nil
}

// removeAgain removes imported material.
func (s *Service) removeAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	id := cmp.Or(l.Members["keyMaterialId"], k.Material)
	if k.imported() != nil || !slices.Contains(k.Materials, id) {
		return nil, nil
	}
	rec := k.keyRecord
	if err := rec.remove(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := k.put(ctx, tx, &rec); err != nil {
		return nil, err
	}
	return k.again(l, now, "keyMaterialId"), nil
}

func (s *Service) nothingAgain(context.Context, store.Txn, *Key, *operation.Lost, time.Time) (*operation.Event, error) {
	return nil, nil
}
