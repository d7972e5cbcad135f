package kms

import (
	"context"
	"fmt"
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

// changeRelated writes the records of all keys that are related to the key, but
// not its own, as change leaves them.
func (r *keyRecord) changeRelated(ctx context.Context, tx store.Txn, change func(*keyRecord) error) error {
	for _, region := range r.relatedRegions() {
		if region == r.Region {
			continue
		}
		rec, rev, err := keyTable.Get(ctx, tx, keyKey(region, r.ID))
		if err != nil {
			return fmt.Errorf("reading the related key in %s: %w", region, damaged(err))
		}
		k := &Key{keyRecord: *rec, ARN: rec.arn(), rev: rev}
		if err := change(rec); err != nil {
			return err
		}
		if err := k.put(ctx, tx, rec); err != nil {
			return fmt.Errorf("changing the related key in %s: %w", region, err)
		}
	}
	return nil
}

// share has the keys related to a primary key follow where rec, which is what
// becomes of the primary key k, has other material or another schedule of
// rotation than before.
func (k *Key) share(ctx context.Context, tx store.Txn, rec *keyRecord) error {
	same := slices.Equal(k.Materials, rec.Materials) && slices.Equal(k.History, rec.History) &&
		k.Material == rec.Material && k.Rotation == rec.Rotation
	if same || !rec.hasReplicas() {
		return nil
	}
	return rec.changeRelated(ctx, tx, func(replica *keyRecord) error {
		for _, id := range rec.Materials {
			if slices.Contains(replica.Materials, id) {
				continue
			}
			if err := rec.copyMaterial(ctx, tx, id, replica.Region); err != nil {
				return err
			}
		}
		replica.shareOf(rec)
		return nil
	})
}

// shareOf takes over what rec, of the primary key, says of all related keys.
func (r *keyRecord) shareOf(rec *keyRecord) {
	r.Material, r.Materials, r.History, r.Rotation = rec.Material, rec.Materials, rec.History, rec.Rotation
}

// copyMaterial gives a material of the key to the related key in another Region.
// It is wrapped for all of them.
func (r *keyRecord) copyMaterial(ctx context.Context, tx store.Txn, id, region string) error {
	m, _, err := materialTable.Get(ctx, tx, materialKey(r.Region, r.ID, id))
	if err != nil {
		return fmt.Errorf("reading material %s of key %s: %w", id, r.ID, damaged(err))
	}
	m.Region = region
	return materialTable.Insert(ctx, tx, m)
}

// leaveRelated takes a destroyed key from the records of its related keys. A
// primary key that has waited for its last replica to go begins to wait for its
// own deletion date.
func (r *keyRecord) leaveRelated(ctx context.Context, tx store.Txn, now time.Time) error {
	replicas := withoutRegion(r.ReplicaRegions, r.Region)
	return r.changeRelated(ctx, tx, func(rec *keyRecord) error {
		rec.ReplicaRegions = replicas
		if rec.State == statePendingReplicaDeletion && !rec.hasReplicas() {
			rec.beginWaiting(now.UTC().Truncate(time.Millisecond))
		}
		return nil
	})
}
