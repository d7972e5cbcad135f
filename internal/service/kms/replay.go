package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// A replay makes a change again.
type replay struct {
	// subject names what the change was about; empty where its record does not say.
	subject func(l *operation.Lost) string
	trace   operation.Trace // but for its Subject
	make    remake
}

// A remake returns a nil event where the store is as the change left it, or what it was
// about is not there.
type remake func(s *Service, ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error)

var (
	gives = operation.Trace{Gives: true}
	final = operation.Trace{Final: true}
)

// replays lists what is made again. EnableKey, CreateGrant and the like take nothing
// away; they stand here because a change before them no longer counts, or they no
// longer count themselves. What has been cancelled must not happen: a key that was to
// be destroyed, and then no more, is disabled.
var replays = map[string]replay{
	"DisableKey":                {aboutKey("state"), operation.Trace{}, toKey((*Service).disableAgain)},
	"EnableKey":                 {aboutKey("state"), gives, toKey((*Service).keepAgain)},
	"CancelKeyDeletion":         {aboutKey("state"), operation.Trace{}, toKey((*Service).keepDisabled)},
	"ScheduleKeyDeletion":       {aboutKey("state"), operation.Trace{}, toKey((*Service).scheduleAgain)},
	"CreateKey":                 {aboutKey("key"), gives, nothingAgain},
	"DeleteKey":                 {aboutKey("key"), final, toKey((*Service).destroyAgain)},
	"CreateGrant":               {aboutKey("grant", "grantId"), gives, nothingAgain},
	"RevokeGrant":               {aboutKey("grant", "grantId"), final, toKey((*Service).endAgain)},
	"RetireGrant":               {aboutKey("grant", "grantId"), final, toKey((*Service).endAgain)},
	"PutKeyPolicy":              {aboutKey("policy"), operation.Trace{}, toKey((*Service).putPolicyAgain)},
	"DeleteImportedKeyMaterial": {aboutKey("material", "keyMaterialId"), operation.Trace{}, toKey((*Service).removeAgain)},
	"ImportKeyMaterial":         {aboutKey("material", "keyMaterialId"), gives, nothingAgain},
	"DisableKeyRotation":        {aboutKey("rotation"), operation.Trace{}, toKey((*Service).stopRotationAgain)},
	"EnableKeyRotation":         {aboutKey("rotation"), gives, nothingAgain},
	"TagResource":               {aboutTags, operation.Trace{Partial: true}, toKey((*Service).tagAgain)},
	"UntagResource":             {aboutTags, operation.Trace{Partial: true}, toKey((*Service).tagAgain)},

	// Who moves an alias gives its callers another key, and takes one from them.
	"CreateAlias": {aboutAlias, gives, (*Service).moveAliasAgain},
	"UpdateAlias": {aboutAlias, gives, (*Service).moveAliasAgain},
	"DeleteAlias": {aboutAlias, operation.Trace{}, (*Service).deleteAliasAgain},

	"CreateCustomKeyStore":     {aboutStore("store"), gives, nothingAgain},
	"DeleteCustomKeyStore":     {aboutStore("store"), final, (*Service).deleteStoreAgain},
	"ConnectCustomKeyStore":    {aboutStore("connection"), gives, nothingAgain},
	"DisconnectCustomKeyStore": {aboutStore("connection"), operation.Trace{}, (*Service).disconnectAgain},
	"UpdateCustomKeyStore":     {aboutStore("place"), operation.Trace{Partial: true}, (*Service).updateStoreAgain},
}

// aboutKey makes the subjects of changes to something of a key, which members name.
func aboutKey(what string, members ...string) func(*operation.Lost) string {
	return func(l *operation.Lost) string {
		subject, ok := lostKey(l)
		if !ok {
			return ""
		}
		subject += "/" + what
		for _, name := range members {
			subject += "/" + l.Members[name]
		}
		return subject
	}
}

var aboutTags = aboutKey("tags")

// toKey makes a change to a key again, where the key is there.
func toKey(make func(s *Service, ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error)) remake {
	return func(s *Service, ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
		name, _ := lostKey(l)
		k, err := presentKey(ctx, tx, name)
		if err != nil || k == nil || k.Created.After(l.Time) { // a replica that was made anew
			return nil, err
		}
		return make(s, ctx, tx, k, l, now)
	}
}

func nothingAgain(*Service, context.Context, store.Txn, *operation.Lost, time.Time) (*operation.Event, error) {
	return nil, nil
}

// Trace says what a change was about, for Replay.
func (s *Service) Trace(l *operation.Lost) operation.Trace {
	r, known := replays[l.Name]
	if !known || l.Source != EventSource {
		return operation.Trace{}
	}
	spellTags(l)
	t := r.trace
	t.Subject = r.subject(l)
	switch {
	case l.Name == "UpdateCustomKeyStore" && !movesProxy(l):
		t = secretChange(t)
	case l.Name == "CreateKey": // a replica may have the ARN of one that was destroyed
		t.Another = aboutTags(l)
	}
	return t
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

// presentKey returns the key that an ARN names, nil where it is not there.
func presentKey(ctx context.Context, tx store.Txn, name string) (*Key, error) {
	a, ok := arn.Parse(name)
	id, isKey := strings.CutPrefix(a.Resource, "key/")
	if !ok || !isKey {
		return nil, nil
	}
	rec, rev, err := keyTable.Get(ctx, tx, keyKey(a.Region, id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Key{keyRecord: *rec, ARN: rec.arn(), rev: rev}, nil
}

// Replay makes a change again that the trail has and the store may not have. It
// returns what its record shall say, nil where there is nothing to do: because
// the store is as the change left it, or what it was about is not there.
func (s *Service) Replay(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	return replays[l.Name].make(s, ctx, tx, l, now)
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

// stopRotationAgain has a key keep the material that it has.
func (s *Service) stopRotationAgain(ctx context.Context, tx store.Txn, k *Key, l *operation.Lost, now time.Time) (*operation.Event, error) {
	if k.Rotation == nil {
		return nil, nil
	}
	rec := k.keyRecord
	rec.Rotation = nil
	if err := k.put(ctx, tx, &rec); err != nil {
		return nil, err
	}
	return k.again(l, now), nil
}
