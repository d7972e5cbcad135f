package kms

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateKeyInput asks for a new key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
type CreateKeyInput struct {
	Policy                         optional.Of[string] `aws:"Policy" audit:"policy"`
	Description                    optional.Of[string] `aws:"Description" audit:"description"`
	KeyUsage                       optional.Of[string] `aws:"KeyUsage" audit:"keyUsage"`
	CustomerMasterKeySpec          optional.Of[string] `aws:"CustomerMasterKeySpec" audit:"customerMasterKeySpec"`
	KeySpec                        optional.Of[string] `aws:"KeySpec" audit:"keySpec"`
	Origin                         optional.Of[string] `aws:"Origin" audit:"origin"`
	CustomKeyStoreID               optional.Of[string] `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
	BypassPolicyLockoutSafetyCheck optional.Of[bool]   `aws:"BypassPolicyLockoutSafetyCheck" audit:"bypassPolicyLockoutSafetyCheck"`
	Tags                           []Tag               `aws:"Tags" audit:"tags"`
	MultiRegion                    optional.Of[bool]   `aws:"MultiRegion" audit:"multiRegion"`
	XksKeyID                       optional.Of[string] `aws:"XksKeyId" audit:"xksKeyId"`
}

// CreateKeyOutput describes the new key.
type CreateKeyOutput struct {
	KeyMetadata KeyMetadata `aws:"KeyMetadata" audit:"keyMetadata"`
}

const descriptionMax = 8192

var xksKeyIDPattern = regexp.MustCompile(`^[a-zA-Z0-9-_.]+$`)

// Validate checks the limits of the public model, and which members go together.
func (in *CreateKeyInput) Validate(c *check.Checks) {
	checkPolicy(c, in.Policy)
	c.Length("description", in.Description, 0, descriptionMax)
	c.Enum("keyUsage", in.KeyUsage, keyUsages...)
	c.Enum("customerMasterKeySpec", in.CustomerMasterKeySpec, legacySpecNames...)
	c.Enum("keySpec", in.KeySpec, keySpecNames...)
	c.Enum("origin", in.Origin, keyOrigins...)
	c.Length("customKeyStoreId", in.CustomKeyStoreID, 1, customKeyStoreIDMax)
	c.Length("xksKeyId", in.XksKeyID, 1, 128)
	c.Pattern("xksKeyId", in.XksKeyID, xksKeyIDPattern, xksKeyIDPattern.String())
	checkTags(c, in.Tags)
	in.checkSpec(c)
	in.checkOrigin(c)
}

func (in *CreateKeyInput) checkSpec(c *check.Checks) {
	spec := in.spec()
	switch {
	case in.KeySpec.Set && in.CustomerMasterKeySpec.Set && in.KeySpec.V != in.CustomerMasterKeySpec.V:
		c.Refuse(validation("KeySpec and CustomerMasterKeySpec must not differ."))
	case !in.KeyUsage.Set && spec != symmetricDefault:
		c.Refuse(validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."))
	case !usageFits(spec, in.usage()):
		c.Refuse(validation("KeyUsage %s is not compatible with KeySpec %s", in.usage(), spec))
	}
}

func (in *CreateKeyInput) checkOrigin(c *check.Checks) {
	origin := in.origin()
	inStore := origin == originCloudHSM || origin == originXKS
	switch {
	case inStore && !in.CustomKeyStoreID.Set:
		c.Refuse(validation("CustomKeyStoreId is required with the origin %s.", origin))
	case !inStore && in.CustomKeyStoreID.Set:
		c.Refuse(validation("CustomKeyStoreId is not valid with the origin %s.", origin))
	case origin == originXKS && !in.XksKeyID.Set:
		c.Refuse(validation("XksKeyId is required with the origin %s.", origin))
	case origin != originXKS && in.XksKeyID.Set:
		c.Refuse(validation("XksKeyId is not valid with the origin %s.", origin))
	}
}

func (in *CreateKeyInput) spec() string {
	return in.KeySpec.Or(in.CustomerMasterKeySpec.Or(symmetricDefault))
}

func (in *CreateKeyInput) usage() string  { return in.KeyUsage.Or(usageEncryptDecrypt) }
func (in *CreateKeyInput) origin() string { return in.Origin.Or(originKMS) }

// multiRegion is the new key's place among related keys.
func (in *CreateKeyInput) multiRegion() string {
	if in.MultiRegion.V {
		return multiRegionPrimary
	}
	return ""
}

func (s *Service) createKey() operation.Operation {
	return operation.Change[CreateKeyInput, CreateKeyOutput, *conditions, *CreateKeyInput]{
		Name:    "CreateKey",
		Actions: []string{"kms:CreateKey", "kms:TagResource"},
		Subject: func(c *operation.Call, in *CreateKeyInput) (*conditions, error) {
			c.Show("keySpec", in.spec())
			c.Show("customerMasterKeySpec", in.spec())
			about := &conditions{
				caller:      c.Caller.Principal.Account,
				spec:        in.spec(),
				usage:       in.usage(),
				origin:      in.origin(),
				multiRegion: in.multiRegion(),
				known:       true,
				bypass:      in.BypassPolicyLockoutSafetyCheck,
			}
			about.tagging(in.Tags)
			return about, nil
		},
		Asks: func(c *operation.Call, in *CreateKeyInput, about *conditions, asks []authz.Ask) []authz.Ask {
			asks = append(asks, askOnAccount(c, "kms:CreateKey", "*", about))
			if len(in.Tags) > 0 {
				asks = append(asks, askOnAccount(c, "kms:TagResource", "*", about))
			}
			return asks
		},
		Run: s.runCreateKey,
	}.Operation()
}

func (s *Service) runCreateKey(c *operation.Call, tx store.Txn, in *CreateKeyInput, _ *conditions) (*CreateKeyOutput, error) {
	if err := in.makeable(c); err != nil {
		return nil, err
	}
	k := in.record(c)
	text := in.Policy.Or(policyDefault(c.Partition, k.Account))
	p, err := s.newPolicy(c, k, text, in.BypassPolicyLockoutSafetyCheck)
	if err != nil {
		return nil, err
	}
	if err := s.countKey(c.Context, tx, k.Account, k.Region); err != nil {
		return nil, err
	}
	keyStore, err := s.enterStore(c, tx, k)
	if err != nil {
		return nil, err
	}
	var wrapped []byte
	if k.Origin != originExternal {
		m, err := s.newMaterial(c, k)
		if err != nil {
			return nil, fmt.Errorf("generating material of key %s: %w", k.ID, err)
		}
		k.PublicKey, k.Material, k.Materials = m.public, m.id, []string{m.id}
		wrapped = m.wrapped
	}
	if err := insertKey(c, tx, k, p, wrapped); err != nil {
		return nil, fmt.Errorf("storing key %s: %w", k.ID, err)
	}
	c.Concerns(keyResource, k.arn(), k.Account)
	made := &Key{keyRecord: *k, ARN: k.arn(), keyStore: keyStore}
	return &CreateKeyOutput{KeyMetadata: made.metadata()}, nil
}

// newMaterial is the first material of a key.
type newMaterial struct {
	keyID   string // to which it is bound
	id      string
	wrapped []byte
	public  []byte // half of an asymmetric key
}

// newMaterial draws the material of a key that is being made, when all else that
// the call needs has been found to be right.
func (s *Service) newMaterial(c *operation.Call, k *keyRecord) (*newMaterial, error) {
	draw := func(ctx context.Context) (*newMaterial, error) {
		m, wrapped, err := s.keyring.Generate(ctx, k.binding())
		if err != nil {
			return nil, err
		}
		made := &newMaterial{keyID: k.ID, id: m.ID(), wrapped: wrapped}
		if k.hasPublic() {
			made.public, err = m.PublicKey()
		}
		return made, err
	}
	return drawn(c, k.Spec, draw)
}

// makeable refuses keys that the public model knows, but this server does not make.
func (in *CreateKeyInput) makeable(c *operation.Call) error {
	inStore := in.origin() == originCloudHSM || in.origin() == originXKS
	switch {
	case inStore && (in.spec() != symmetricDefault || in.MultiRegion.V):
		return fault.New(fault.UnsupportedOperation, "Only symmetric, single-Region keys can be in a custom key store.")
	case in.origin() == originExternal && !importable(in.spec()):
		return fault.New(fault.UnsupportedOperation, "Key material of the spec %s can't be imported.", in.spec())
	}
	return specNamed(in.spec()).makeable(c.Partition)
}

// record makes the record of a new key, still without its material.
func (in *CreateKeyInput) record(c *operation.Call) *keyRecord {
	k := &keyRecord{
		Region:      c.Region,
		ID:          ident.UUID(),
		Account:     c.Account(),
		Partition:   c.Partition,
		Created:     moment(c),
		Description: in.Description.V,
		Spec:        in.spec(),
		Usage:       in.usage(),
		Origin:      in.origin(),
		State:       stateEnabled,
		Manager:     managerCustomer,
		MultiRegion: in.multiRegion(),
		Tags:        slices.Clip(tagPairs(in.Tags)),

		CustomKeyStore: in.CustomKeyStoreID.V,
		XksKey:         in.XksKeyID.V,
	}
	if k.Origin == originExternal {
		k.State = statePendingImport
	}
	if in.MultiRegion.V {
		k.ID = ident.MultiRegionKeyID()
	}
	if made, ok := operation.Made[*newMaterial](c); ok {
		k.ID = made.keyID
	}
	return k
}

// moment is the call's time as records and answers carry it.
func moment(c *operation.Call) time.Time { return c.Time.UTC().Truncate(time.Millisecond) }

// insertKey stores a key with its policy and its wrapped material, if it has some yet.
func insertKey(c *operation.Call, tx store.Txn, k *keyRecord, p *policyRecord, wrapped []byte) error {
	if err := keyTable.Insert(c.Context, tx, k); err != nil {
		return err
	}
	if err := policyTable.Insert(c.Context, tx, p); err != nil {
		return err
	}
	if k.Material != "" {
		if err := k.insertMaterial(c.Context, tx, k.Material, k.Created, wrapped); err != nil {
			return err
		}
	}
	if err := resetTimers(c.Context, tx, nil, k); err != nil {
		return err
	}
	tx.Touch(keyEntity(k.Region, k.ID))
	return nil
}
