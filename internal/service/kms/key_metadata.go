package kms

import (
	"time"

	"claviger/internal/words/optional"
)

// KeyMetadata describes a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
type KeyMetadata struct {
	AWSAccountID             string                    `aws:"AWSAccountId" audit:"aWSAccountId"`
	KeyID                    string                    `aws:"KeyId" audit:"keyId"`
	ARN                      string                    `aws:"Arn" audit:"arn"`
	CreationDate             time.Time                 `aws:"CreationDate" audit:"creationDate"`
	Enabled                  bool                      `aws:"Enabled" audit:"enabled"`
	Description              string                    `aws:"Description" audit:"description"`
	KeyUsage                 string                    `aws:"KeyUsage" audit:"keyUsage"`
	KeyState                 string                    `aws:"KeyState" audit:"keyState"`
	DeletionDate             optional.Of[time.Time]    `aws:"DeletionDate" audit:"deletionDate"`
	Origin                   string                    `aws:"Origin" audit:"origin"`
	ExpirationModel          optional.Of[string]       `aws:"ExpirationModel" audit:"expirationModel"`
	ValidTo                  optional.Of[time.Time]    `aws:"ValidTo" audit:"validTo"`
	KeyManager               string                    `aws:"KeyManager" audit:"keyManager"`
	KeySpec                  string                    `aws:"KeySpec" audit:"keySpec"`
	CustomerMasterKeySpec    string                    `aws:"CustomerMasterKeySpec" audit:"customerMasterKeySpec"`
	EncryptionAlgorithms     []string                  `aws:"EncryptionAlgorithms" audit:"encryptionAlgorithms"`
	SigningAlgorithms        []string                  `aws:"SigningAlgorithms" audit:"signingAlgorithms"`
	KeyAgreementAlgorithms   []string                  `aws:"KeyAgreementAlgorithms" audit:"keyAgreementAlgorithms"`
	MacAlgorithms            []string                  `aws:"MacAlgorithms" audit:"macAlgorithms"`
	EncapsulationAlgorithms  []string                  `aws:"EncapsulationAlgorithms" audit:"encapsulationAlgorithms"`
	MultiRegion              bool                      `aws:"MultiRegion" audit:"multiRegion"`
	MultiRegionConfiguration *MultiRegionConfiguration `aws:"MultiRegionConfiguration" audit:"multiRegionConfiguration"`
	CurrentKeyMaterialID     optional.Of[string]       `aws:"CurrentKeyMaterialId" audit:"currentKeyMaterialId"`

	// Of a key in a custom key store.
	CustomKeyStoreID    optional.Of[string]  `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
	CloudHSMClusterID   optional.Of[string]  `aws:"CloudHsmClusterId" audit:"cloudHsmClusterId"`
	XksKeyConfiguration *XksKeyConfiguration `aws:"XksKeyConfiguration" audit:"xksKeyConfiguration"`

	// PendingDeletionWindowInDays is how long a primary key will wait once its
	// last replica is gone; DeletionDate is not known before.
	PendingDeletionWindowInDays optional.Of[int] `aws:"PendingDeletionWindowInDays" audit:"pendingDeletionWindowInDays"`
}

// MultiRegionConfiguration lists the related keys of a multi-Region key.
type MultiRegionConfiguration struct {
	MultiRegionKeyType string           `aws:"MultiRegionKeyType" audit:"multiRegionKeyType"`
	PrimaryKey         MultiRegionKey   `aws:"PrimaryKey" audit:"primaryKey"`
	ReplicaKeys        []MultiRegionKey `aws:"ReplicaKeys" audit:"replicaKeys"`
}

// MultiRegionKey names one of them.
type MultiRegionKey struct {
	ARN    string `aws:"Arn" audit:"arn"`
	Region string `aws:"Region" audit:"region"`
}

// XksKeyConfiguration names the external key of a key in an external key store.
type XksKeyConfiguration struct {
	ID string `aws:"Id" audit:"id"`
}

// metadata describes the key as the API does, with what it owes to its custom
// key store.
func (k *Key) metadata() KeyMetadata {
	m := k.keyRecord.metadata()
	if k.keyStore == nil {
		return m
	}
	m.KeyState = string(k.state())
	m.Enabled = k.state() == stateEnabled
	m.CustomKeyStoreID = optional.Some(k.keyStore.ID)
	m.CurrentKeyMaterialID = optional.Of[string]{} // what there is of it here is only a half
	if k.keyStore.Cluster != nil {
		m.CloudHSMClusterID = optional.Some(k.keyStore.Cluster.ID)
	}
	if k.XksKey != "" {
		m.XksKeyConfiguration = &XksKeyConfiguration{ID: k.XksKey}
	}
	return m
}

// metadata describes the key as the API does.
func (r *keyRecord) metadata() KeyMetadata {
	m := KeyMetadata{
		AWSAccountID:          r.Account,
		KeyID:                 r.ID,
		ARN:                   r.arn(),
		CreationDate:          r.Created,
		Enabled:               r.State == stateEnabled,
		Description:           r.Description,
		KeyUsage:              r.Usage,
		KeyState:              string(r.State),
		Origin:                r.Origin,
		KeyManager:            r.Manager,
		KeySpec:               r.Spec,
		CustomerMasterKeySpec: r.Spec,
		MultiRegion:           r.MultiRegion != "",
		CurrentKeyMaterialID:  r.materialID(r.Material),

		EncryptionAlgorithms:    r.algorithms(usageEncryptDecrypt),
		SigningAlgorithms:       r.algorithms(usageSignVerify),
		KeyAgreementAlgorithms:  r.algorithms(usageKeyAgreement),
		MacAlgorithms:           r.algorithms(usageMAC),
		EncapsulationAlgorithms: r.algorithms(usageEncapsulateDecapsulate),
	}
	switch r.State {
	case statePendingDeletion:
		m.DeletionDate = optional.Some(r.Deletion)
	case statePendingReplicaDeletion:
		m.PendingDeletionWindowInDays = optional.Some(r.Window)
	}
	if r.Origin == originExternal {
		model, validTo := r.expiration()
		m.ExpirationModel = optional.Of[string]{V: model, Set: model != ""}
		m.ValidTo = optional.Of[time.Time]{V: validTo, Set: !validTo.IsZero()}
	}
	if m.MultiRegion {
		m.MultiRegionConfiguration = r.configuration()
	}
	return m
}
