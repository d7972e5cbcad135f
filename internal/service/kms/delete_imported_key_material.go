package kms

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteImportedKeyMaterialInput asks for imported material to be destroyed: the
// current one, unless another is named.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html
type DeleteImportedKeyMaterialInput struct {
	KeyID         optional.Of[string] `aws:"KeyId" audit:"keyId"`
	KeyMaterialID optional.Of[string] `aws:"KeyMaterialId" audit:"keyMaterialId"`
}

// DeleteImportedKeyMaterialOutput names the key and, of a symmetric one, its material.
type DeleteImportedKeyMaterialOutput struct {
	KeyID         string              `aws:"KeyId" audit:"keyId"` // its ARN
	KeyMaterialID optional.Of[string] `aws:"KeyMaterialId" audit:"keyMaterialId"`
}

// Validate checks the limits of the public model.
func (in *DeleteImportedKeyMaterialInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkMaterialID(c, in.KeyMaterialID)
}

func (s *Service) deleteImportedKeyMaterial() operation.Operation {
	return operation.Change[DeleteImportedKeyMaterialInput, DeleteImportedKeyMaterialOutput, *target, *DeleteImportedKeyMaterialInput]{
		Name:    "DeleteImportedKeyMaterial",
		Actions: []string{"kms:DeleteImportedKeyMaterial"},
		Subject: func(c *operation.Call, in *DeleteImportedKeyMaterialInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToChange)
		},
		Asks: asksOnKey[DeleteImportedKeyMaterialInput]("kms:DeleteImportedKeyMaterial", false),
		Run:  runDeleteImportedKeyMaterial,
	}.Operation()
}

func runDeleteImportedKeyMaterial(c *operation.Call, tx store.Txn, in *DeleteImportedKeyMaterialInput, t *target) (*DeleteImportedKeyMaterialOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.imported(); err != nil {
		return nil, err
	}
	if in.KeyMaterialID.Set && !k.hasMaterials() {
		return nil, fault.New(fault.UnsupportedOperation, "KeyMaterialId is not supported for keys of the spec %s.", k.Spec)
	}
	if err := k.ready(toRemove); err != nil {
		return nil, err
	}
	id := in.KeyMaterialID.Or(k.Material)
	i, known := k.entry(id)
	if in.KeyMaterialID.Set && !known {
		return nil, fault.New(NotFound, "Key material '%s' of key %s does not exist", id, k.ARN)
	}
	out := &DeleteImportedKeyMaterialOutput{KeyID: k.ARN, KeyMaterialID: k.materialID(id)}
	rec := k.keyRecord
	switch {
	case slices.Contains(k.Materials, id):
		err = rec.remove(c.Context, tx, id)
	case known && k.forgets(&k.History[i]): // it became the primary key without that material
		rec.forget(id)
	default:
		k.unchanged(tx)
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if err := k.put(c.Context, tx, &rec); err != nil {
		return nil, err
	}
	return out, nil
}
