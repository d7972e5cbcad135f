package kms

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// ReplicateKeyInput asks for a multi-Region primary key to get a replica in
// another Region: a key of its own, with the same id and material.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
type ReplicateKeyInput struct {
	KeyID                          optional.Of[string] `aws:"KeyId" audit:"keyId"`
	ReplicaRegion                  optional.Of[string] `aws:"ReplicaRegion" audit:"replicaRegion"`
	Policy                         optional.Of[string] `aws:"Policy" audit:"policy"`
	BypassPolicyLockoutSafetyCheck optional.Of[bool]   `aws:"BypassPolicyLockoutSafetyCheck" audit:"bypassPolicyLockoutSafetyCheck"`
	Description                    optional.Of[string] `aws:"Description" audit:"description"`
	Tags                           []Tag               `aws:"Tags" audit:"tags"`
}

// ReplicateKeyOutput describes the replica as it is being made. AWS takes some
// seconds for that, and answers before. Here the replica can be used when the
// call is answered; the answer is AWS's.
type ReplicateKeyOutput struct {
	ReplicaKeyMetadata KeyMetadata `aws:"ReplicaKeyMetadata" audit:"replicaKeyMetadata"`
	ReplicaPolicy      string      `aws:"ReplicaPolicy" audit:"replicaPolicy"`
	ReplicaTags        []Tag       `aws:"ReplicaTags" audit:"replicaTags"` // nil where there are none
}

// Validate checks the limits of the public model.
func (in *ReplicateKeyInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkRegion(c, "replicaRegion", in.ReplicaRegion)
	checkPolicy(c, in.Policy)
	c.Length("description", in.Description, 0, descriptionMax)
	checkTags(c, in.Tags)
}

var regionPattern = regexp.MustCompile(`^([a-z]+-){2,3}\d+$`)

// checkRegion checks a required member that names a Region.
func checkRegion(c *check.Checks, name string, region optional.Of[string]) {
	if c.Required(name, region.Set) {
		c.Length(name, region, 1, 32)
		c.Pattern(name, region, regionPattern, regionPattern.String())
	}
}

// replication is the subject of a ReplicateKey.
type replication struct {
	*target
	replica *conditions // of the key to be made
}

func (s *Service) replicateKey() operation.Operation {
	return operation.Change[ReplicateKeyInput, ReplicateKeyOutput, *replication, *ReplicateKeyInput]{
		Name:    "ReplicateKey",
		Actions: []string{"kms:ReplicateKey", "kms:CreateKey", "kms:TagResource"},
		Subject: func(c *operation.Call, in *ReplicateKeyInput) (*replication, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.replicaRegion = in.ReplicaRegion.V
			t.bypass = in.BypassPolicyLockoutSafetyCheck
			t.tagging(in.Tags)
			replica := onAccount(c)
			replica.bypass = in.BypassPolicyLockoutSafetyCheck
			replica.tagging(in.Tags)
			if t.key != nil {
				replica.spec, replica.usage, replica.origin = t.key.Spec, t.key.Usage, t.key.Origin
				replica.multiRegion, replica.known = multiRegionReplica, true
			}
			return &replication{t, replica}, nil
		},
		Asks: func(c *operation.Call, in *ReplicateKeyInput, r *replication, asks []authz.Ask) []authz.Ask {
			asks = append(asks, r.ask(c, "kms:ReplicateKey", false), r.askThere(c, "kms:CreateKey"))
			if len(in.Tags) > 0 {
				asks = append(asks, r.askThere(c, "kms:TagResource"))
			}
			return asks
		},
		Run: s.runReplicateKey,
	}.Operation()
}

// askThere asks what a CreateKey in the replica's Region would ask.
func (r *replication) askThere(c *operation.Call, action string) authz.Ask {
	a := askOnAccount(c, action, "*", r.replica)
	a.Region = r.replicaRegion
	return a
}

func (s *Service) runReplicateKey(c *operation.Call, tx store.Txn, in *ReplicateKeyInput, r *replication) (*ReplicateKeyOutput, error) {
	k, err := r.found(c)
	if err != nil {
		return nil, err
	}
	if err := s.replicable(c.Context, tx, k, in.ReplicaRegion.V); err != nil {
		return nil, err
	}
	replica := in.record(c, k)
	text := in.Policy.Or(policyDefault(c.Partition, replica.Account))
	p, err := s.newPolicy(c, replica, text, in.BypassPolicyLockoutSafetyCheck)
	if err != nil {
		return nil, err
	}
	if err := s.countKey(c.Context, tx, replica.Account, replica.Region); err != nil {
		return nil, err
	}
	if err := k.storeReplica(c.Context, tx, replica, p); err != nil {
		return nil, fmt.Errorf("storing the replica of key %s in %s: %w", k.ID, replica.Region, err)
	}
	return in.output(c, replica, text), nil
}

// replicable refuses a key that can't get a replica in a Region.
func (s *Service) replicable(ctx context.Context, tx store.Txn, k *Key, region string) error {
	if !k.isPrimary() {
		return notPrimary(&k.keyRecord)
	}
	if err := k.ready(toReplicate); err != nil {
		return err
	}
	if !slices.Contains(s.regions, region) {
		return fault.New(fault.UnsupportedOperation, "The Region %s is not supported.", region)
	}
	exists := slices.Contains(k.relatedRegions(), region)
	if !exists { // what is left of an earlier replica must not become the new one's
		var err error
		if exists, err = beingSwept(ctx, tx, region, k.ID); err != nil {
			return err
		}
	}
	if exists {
		return fault.New(AlreadyExists, "The key %s already exists.", keyARN(k.Partition, region, k.Account, k.ID))
	}
	return nil
}

// record makes the record of a replica of k.
func (in *ReplicateKeyInput) record(c *operation.Call, k *Key) *keyRecord {
	return &keyRecord{
		Region:       in.ReplicaRegion.V,
		Created:      moment(c),
		Description:  in.Description.V,
		State:        stateEnabled,
		Manager:      k.Manager,
		Tags:         slices.Clip(tagPairs(in.Tags)),
		MultiRegion:  multiRegionReplica,
		FirstCreated: k.firstCreated(),

		ID:        k.ID,
		Account:   k.Account,
		Partition: k.Partition,
		Spec:      k.Spec,
		Usage:     k.Usage,
		Origin:    k.Origin,
		PublicKey: k.PublicKey,
	}
}

// storeReplica stores a replica of the primary key k with its policy, and has all
// related keys know of it. Imported material it does not get: it awaits that.
func (k *Key) storeReplica(ctx context.Context, tx store.Txn, replica *keyRecord, p *policyRecord) error {
	primary := k.keyRecord
	primary.relate(k.Region, withRegion(k.ReplicaRegions, replica.Region))
	primary.awaitIn(replica.Region, true)
	replica.relate(k.Region, primary.ReplicaRegions)
	if err := replica.follow(ctx, tx, &primary); err != nil {
		return err
	}
	if err := keyTable.Insert(ctx, tx, replica); err != nil {
		return err
	}
	if err := resetTimers(ctx, tx, nil, replica); err != nil {
		return err
	}
	if err := policyTable.Insert(ctx, tx, p); err != nil {
		return err
	}
	tx.Touch(keyEntity(replica.Region, replica.ID))
	err := k.changeRelated(ctx, tx, func(other *keyRecord) error {
		other.relate(k.Region, primary.ReplicaRegions)
		return other.follow(ctx, tx, &primary)
	})
	if err != nil {
		return err
	}
	return k.write(ctx, tx, &primary)
}

// output answers as AWS does while the replica is being made, and has the trail
// of the replica's Region show that a key was created there.
func (in *ReplicateKeyInput) output(c *operation.Call, replica *keyRecord, policy string) *ReplicateKeyOutput {
	m := replica.metadata()
	m.KeyState, m.Enabled = string(stateCreating), false
	m.CurrentKeyMaterialID = optional.Of[string]{}
	c.Echoed(operation.Echo{
		Name:      "CreateKey",
		Region:    replica.Region,
		Resources: []operation.Resource{{Type: keyResource, ARN: m.ARN, Account: m.AWSAccountID}},
		Request: &CreateKeyInput{
			Policy:                         in.Policy,
			Description:                    in.Description,
			KeyUsage:                       optional.Some(replica.Usage),
			CustomerMasterKeySpec:          optional.Some(replica.Spec),
			KeySpec:                        optional.Some(replica.Spec),
			Origin:                         optional.Some(replica.Origin),
			BypassPolicyLockoutSafetyCheck: in.BypassPolicyLockoutSafetyCheck,
			Tags:                           in.Tags,
			MultiRegion:                    optional.Some(true),
		},
		Response: &CreateKeyOutput{KeyMetadata: m},
	})
	return &ReplicateKeyOutput{ReplicaKeyMetadata: m, ReplicaPolicy: policy, ReplicaTags: in.Tags}
}
