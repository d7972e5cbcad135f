package kms

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"claviger/internal/ground/store"
)

// Multi-Region keys that were replicated from one another are related: they
// share their id, their material and what is said of it, and each has its own
// policy, grants, aliases, tags, description and state. All of them are rows of
// one store, so that what they share changes in all of them in one commit.
// https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html

// primaryRegion is the Region of the primary key among those related to the key.
func (r *keyRecord) primaryRegion() string {
	if r.PrimaryRegion == "" {
		return r.Region
	}
	return r.PrimaryRegion
}

// firstCreated is when the first of the related keys was made.
func (r *keyRecord) firstCreated() time.Time {
	if r.FirstCreated.IsZero() {
		return r.Created
	}
	return r.FirstCreated
}

// isPrimary reports whether the key is a multi-Region primary key.
func (r *keyRecord) isPrimary() bool { return r.MultiRegion == multiRegionPrimary }

// hasReplicas reports whether the key is a primary key with replicas, in
// whatever state they are.
func (r *keyRecord) hasReplicas() bool { return r.isPrimary() && len(r.ReplicaRegions) > 0 }

// relatedRegions lists the Regions of all related keys, its own included. A
// single-Region key has only its own.
func (r *keyRecord) relatedRegions() []string {
	return append([]string{r.primaryRegion()}, r.ReplicaRegions...)
}

// configuration describes the related keys as the API does.
func (r *keyRecord) configuration() *MultiRegionConfiguration {
	name := func(region string) MultiRegionKey {
		return MultiRegionKey{ARN: keyARN(r.Partition, region, r.Account, r.ID), Region: region}
	}
	c := &MultiRegionConfiguration{
		MultiRegionKeyType: r.MultiRegion,
		PrimaryKey:         name(r.primaryRegion()),
		ReplicaKeys:        make([]MultiRegionKey, len(r.ReplicaRegions)),
	}
	for i, region := range r.ReplicaRegions {
		c.ReplicaKeys[i] = name(region)
	}
	return c
}

// relate says which Regions the related keys have.
func (r *keyRecord) relate(primary string, replicas []string) {
	r.PrimaryRegion, r.ReplicaRegions = primary, replicas
	r.MultiRegion = multiRegionReplica
	if r.Region == primary {
		r.MultiRegion = multiRegionPrimary
	}
}

// withRegion and withoutRegion change a sorted list, which stays as it is.
func withRegion(list []string, region string) []string {
	at, _ := slices.BinarySearch(list, region)
	return slices.Insert(slices.Clone(list), at, region)
}

func withoutRegion(list []string, region string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == region })
}

// eachRelated reads the records of all keys that are related to the key, but not
// its own, until do fails.
func (r *keyRecord) eachRelated(ctx context.Context, reader store.Reader, do func(*keyRecord, store.Rev) error) error {
	for _, region := range r.relatedRegions() {
		if region == r.Region {
			continue
		}
		rec, rev, err := keyTable.Get(ctx, reader, keyKey(region, r.ID))
		if err != nil {
			return fmt.Errorf("reading the related key in %s: %w", region, damaged(err))
		}
		if err := do(rec, rev); err != nil {
			return err
		}
	}
	return nil
}

// changeRelated writes the records of all keys that are related to the key, but
// not its own, as change leaves them.
func (r *keyRecord) changeRelated(ctx context.Context, tx store.Txn, change func(*keyRecord) error) error {
	return r.eachRelated(ctx, tx, func(rec *keyRecord, rev store.Rev) error {
		k := &Key{keyRecord: *rec, ARN: rec.arn(), rev: rev}
		if err := change(rec); err != nil {
			return err
		}
		if err := k.write(ctx, tx, rec); err != nil {
			return fmt.Errorf("changing the related key in %s: %w", rec.Region, err)
		}
		return nil
	})
}

// share has the keys related to k follow where rec, which is what becomes of k,
// says something else of what all of them share.
func (k *Key) share(ctx context.Context, tx store.Txn, rec *keyRecord) error {
	if len(rec.relatedRegions()) == 1 || k.agrees(rec) {
		return nil
	}
	return rec.changeRelated(ctx, tx, func(other *keyRecord) error { return other.follow(ctx, tx, rec) })
}

// agrees reports whether two records say the same of what related keys share:
// the materials that there are or were, and when they are rotated.
func (r *keyRecord) agrees(other *keyRecord) bool {
	return r.Material == other.Material && reflect.DeepEqual(r.Rotation, other.Rotation) &&
		reflect.DeepEqual(r.sharedHistory(), other.sharedHistory())
}

// sharedHistory is the history without what each key has for itself: whether
// imported material is there, and when it expires.
func (r *keyRecord) sharedHistory() []materialEntry {
	list := r.history()
	for i := range list {
		list[i].Gone, list[i].ValidTo = false, time.Time{}
	}
	return list
}

// follow takes over what rec, of a related key, says of what they share.
// Generated material comes with it. What was imported must be imported here as
// well; and pending material that was given up is given up here.
func (r *keyRecord) follow(ctx context.Context, tx store.Txn, rec *keyRecord) error {
	before := r.History
	r.Material, r.Rotation, r.History = rec.Material, rec.Rotation, slices.Clone(rec.History)
	if r.Origin != originExternal {
		return r.getMaterials(ctx, tx, rec)
	}
	for i := range r.History {
		e := &r.History[i]
		e.Gone, e.ValidTo = !e.Pending, time.Time{}
		if own := slices.IndexFunc(before, func(old materialEntry) bool { return old.ID == e.ID }); own >= 0 {
			e.Gone, e.ValidTo = before[own].Gone, before[own].ValidTo
		}
	}
	for _, old := range before {
		if i, _ := r.entry(old.ID); i >= 0 || !slices.Contains(r.Materials, old.ID) {
			continue
		}
		if err := r.drop(ctx, tx, old.ID); err != nil {
			return err
		}
	}
	r.settle()
	return nil
}

// getMaterials gives the key copies of what material the related key of rec has
// and it has not. It is wrapped for all of them.
func (r *keyRecord) getMaterials(ctx context.Context, tx store.Txn, rec *keyRecord) error {
	for _, id := range rec.Materials {
		if slices.Contains(r.Materials, id) {
			continue
		}
		m, _, err := materialTable.Get(ctx, tx, materialKey(rec.Region, rec.ID, id))
		if err != nil {
			return fmt.Errorf("reading material %s of key %s: %w", id, rec.ID, damaged(err))
		}
		m.Region = r.Region
		if err := materialTable.Insert(ctx, tx, m); err != nil {
			return fmt.Errorf("copying material %s of key %s: %w", id, rec.ID, err)
		}
	}
	r.Materials = rec.Materials
	return nil
}

// awaitIn has pending material wait until the related key in a Region has it as
// well, or no longer.
func (r *keyRecord) awaitIn(region string, wait bool) {
	r.History = slices.Clone(r.History)
	for i := range r.History {
		e := &r.History[i]
		switch {
		case !e.Pending:
		case wait:
			e.Awaits = withRegion(e.Awaits, region)
		default:
			e.Awaits = withoutRegion(e.Awaits, region)
		}
	}
}

// leaveRelated takes a destroyed key from the records of its related keys. A
// primary key that has waited for its last replica to go begins to wait for its
// own deletion date.
func (r *keyRecord) leaveRelated(ctx context.Context, tx store.Txn, now time.Time) error {
	replicas := withoutRegion(r.ReplicaRegions, r.Region)
	return r.changeRelated(ctx, tx, func(rec *keyRecord) error {
		rec.ReplicaRegions = replicas
		rec.awaitIn(r.Region, false)
		if rec.State == statePendingReplicaDeletion && !rec.hasReplicas() {
			rec.beginWaiting(now.UTC().Truncate(time.Millisecond))
		}
		return nil
	})
}
