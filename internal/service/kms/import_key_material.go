package kms

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// ImportKeyMaterialInput brings material for a key of the origin EXTERNAL.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html
type ImportKeyMaterialInput struct {
	KeyID                  optional.Of[string]    `aws:"KeyId" audit:"keyId"`
	ImportToken            []byte                 `aws:"ImportToken"`
	EncryptedKeyMaterial   []byte                 `aws:"EncryptedKeyMaterial"`
	ValidTo                optional.Of[time.Time] `aws:"ValidTo" audit:"validTo"`
	ExpirationModel        optional.Of[string]    `aws:"ExpirationModel" audit:"expirationModel"`
	ImportType             optional.Of[string]    `aws:"ImportType" audit:"importType"`
	KeyMaterialDescription optional.Of[string]    `aws:"KeyMaterialDescription" audit:"keyMaterialDescription"`
	KeyMaterialID          optional.Of[string]    `aws:"KeyMaterialId" audit:"keyMaterialId"`
}

// ImportKeyMaterialOutput names the key and, of a symmetric one, its material.
type ImportKeyMaterialOutput struct {
	KeyID         string              `aws:"KeyId" audit:"keyId"` // its ARN
	KeyMaterialID optional.Of[string] `aws:"KeyMaterialId" audit:"keyMaterialId"`
}

// Values of ExpirationModel.
const (
	materialExpires = "KEY_MATERIAL_EXPIRES"
	materialLasts   = "KEY_MATERIAL_DOES_NOT_EXPIRE"
)

// Values of ImportType.
const (
	newMaterialType      = "NEW_KEY_MATERIAL"
	existingMaterialType = "EXISTING_KEY_MATERIAL"
)

const (
	encryptedMaterialMax   = 6144
	materialDescriptionMax = 256
	materialIDLength       = 64
)

var (
	materialIDPattern          = regexp.MustCompile(`^[a-f0-9]+$`)
	materialDescriptionPattern = regexp.MustCompile(`^[a-zA-Z0-9:/_\s.-]+$`)
)

func checkMaterialID(c *check.Checks, id optional.Of[string]) {
	c.Length("keyMaterialId", id, materialIDLength, materialIDLength)
	c.Pattern("keyMaterialId", id, materialIDPattern, materialIDPattern.String())
}

// Validate checks the limits of the public model, and which members go together.
func (in *ImportKeyMaterialInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	if c.Required("importToken", in.ImportToken != nil) {
		c.Bytes("importToken", true, len(in.ImportToken), 1, importTokenMax)
	}
	if c.Required("encryptedKeyMaterial", in.EncryptedKeyMaterial != nil) {
		c.Bytes("encryptedKeyMaterial", true, len(in.EncryptedKeyMaterial), 1, encryptedMaterialMax)
	}
	c.Enum("expirationModel", in.ExpirationModel, materialExpires, materialLasts)
	c.Enum("importType", in.ImportType, newMaterialType, existingMaterialType)
	c.Length("keyMaterialDescription", in.KeyMaterialDescription, 0, materialDescriptionMax)
	c.Pattern("keyMaterialDescription", in.KeyMaterialDescription, materialDescriptionPattern, materialDescriptionPattern.String())
	checkMaterialID(c, in.KeyMaterialID)
	switch expires := in.model() == materialExpires; {
	case expires && !in.ValidTo.Set:
		c.Refuse(validation("A validTo date must be set if the ExpirationModel is %s", materialExpires))
	case !expires && in.ValidTo.Set:
		c.Refuse(validation("A validTo date must not be set if the ExpirationModel is %s", materialLasts))
	case in.ImportType.V == newMaterialType && in.KeyMaterialID.Set:
		c.Refuse(errMaterialIDOfNew)
	}
}

var errMaterialIDOfNew = validation("KeyMaterialId must not be set if the ImportType is %s", newMaterialType)

func (in *ImportKeyMaterialInput) model() string { return in.ExpirationModel.Or(materialExpires) }

func (s *Service) importKeyMaterial() operation.Operation {
	return operation.Change[ImportKeyMaterialInput, ImportKeyMaterialOutput, *target, *ImportKeyMaterialInput]{
		Name:    "ImportKeyMaterial",
		Actions: []string{"kms:ImportKeyMaterial"},
		Subject: func(c *operation.Call, in *ImportKeyMaterialInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.imports = &importConditions{expirationModel: in.model(), validTo: in.ValidTo}
			return t, nil
		},
		Asks: asksOnKey[ImportKeyMaterialInput]("kms:ImportKeyMaterial", false),
		Run:  s.runImportKeyMaterial,
	}.Operation()
}

func (s *Service) runImportKeyMaterial(c *operation.Call, tx store.Txn, in *ImportKeyMaterialInput, t *target) (*ImportKeyMaterialOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.takes(in); err != nil {
		return nil, err
	}
	if err := k.ready(toImport); err != nil {
		return nil, err
	}
	if err := in.checkDate(c.Time); err != nil {
		return nil, err
	}
	token, err := s.openImportToken(k, in.ImportToken, c.Time)
	if err != nil {
		return nil, err
	}
	m, err := operation.Apart(c, func(ctx context.Context) (*newMaterial, error) {
		return s.unwrapImport(ctx, k, token, in.EncryptedKeyMaterial)
	})
	if err != nil {
		return nil, err
	}
	rec := k.keyRecord
	if err := rec.associate(in, m.id); err != nil {
		return nil, err
	}
	if !slices.Contains(rec.Materials, m.id) {
		rec.Materials = append(slices.Clone(rec.Materials), m.id)
		if err := rec.insertMaterial(c.Context, tx, m.id, moment(c), m.wrapped); err != nil {
			return nil, fmt.Errorf("storing material of key %s: %w", k.ID, err)
		}
	}
	rec.PublicKey = m.public
	rec.settle()
	if err := k.put(c.Context, tx, &rec); err != nil {
		return nil, err
	}
	return &ImportKeyMaterialOutput{KeyID: k.ARN, KeyMaterialID: k.materialID(m.id)}, nil
}

// takes refuses what is not for a key like k. Only symmetric keys can have more
// than one material, of which some would have to be told from others.
func (k *Key) takes(in *ImportKeyMaterialInput) error {
	if err := k.imported(); err != nil {
		return err
	}
	if !k.hasMaterials() && (in.ImportType.Set || in.KeyMaterialDescription.Set || in.KeyMaterialID.Set) {
		return fault.New(fault.UnsupportedOperation,
			"ImportType, KeyMaterialDescription and KeyMaterialId are not supported for keys of the spec %s.", k.Spec)
	}
	if k.MultiRegion == multiRegionReplica && in.KeyMaterialDescription.Set { // which is shared
		return notPrimary(&k.keyRecord)
	}
	return nil
}

// checkDate refuses a time that has passed, or is too far off.
func (in *ImportKeyMaterialInput) checkDate(now time.Time) error {
	if in.ValidTo.Set && (!in.ValidTo.V.After(now) || in.ValidTo.V.After(now.Add(validityMax))) {
		return validation("ValidTo must be in the future, and not more than 365 days from now.")
	}
	return nil
}

// unwrapImport opens wrapped material and takes it over as material of k.
func (s *Service) unwrapImport(ctx context.Context, k *Key, token *importToken, wrapped []byte) (*newMaterial, error) {
	material, err := token.wrapping.Unwrap(ctx, token.algorithm, wrapped)
	if err != nil {
		return nil, opened(err)
	}
	m, kept, err := s.keyring.Import(k.binding(), material)
	if errors.Is(err, sealed.ErrMaterial) {
		return nil, fault.New(IncorrectKeyMaterial, "The key material is not valid for a key of the spec %s.", k.Spec)
	}
	if errors.Is(err, sealed.ErrNotApproved) {
		return nil, notApproved("Key material such as this is")
	}
	if err != nil {
		return nil, fmt.Errorf("importing material of key %s: %w", k.ID, err)
	}
	made := &newMaterial{keyID: k.ID, id: m.ID(), wrapped: kept}
	if k.hasPublic() {
		made.public, err = m.PublicKey()
	}
	return made, err
}

// associate writes into the history that the material with an id is there. The
// first that comes is the key's own at once; another one waits for a rotation.
func (r *keyRecord) associate(in *ImportKeyMaterialInput, id string) error {
	first := r.Material == ""
	kind := existingMaterialType
	if first {
		kind = newMaterialType
	}
	kind = in.ImportType.Or(kind)
	i, known := r.entry(id)
	switch {
	case kind == newMaterialType && in.KeyMaterialID.Set:
		return errMaterialIDOfNew
	case in.KeyMaterialID.Set && in.KeyMaterialID.V != id:
		return fault.New(IncorrectKeyMaterial, "The key material is not the one that KeyMaterialId names.")
	case kind == existingMaterialType && !known:
		return fault.New(IncorrectKeyMaterial, "The key material is not one that was imported into the key before.")
	case kind == newMaterialType && known:
		return fault.New(IncorrectKeyMaterial, "The key material was imported into the key before.")
	}
	r.History = slices.Clone(r.History)
	if !known {
		if err := r.welcome(id); err != nil {
			return err
		}
	}
	if i < 0 {
		i = len(r.History)
		r.History = append(r.History, materialEntry{ID: id, Pending: !first, Awaits: r.ReplicaRegions})
	}
	if first {
		r.Material = id
	}
	e := &r.History[i]
	e.Gone = false
	e.Awaits = withoutRegion(e.Awaits, r.Region)
	e.Description = in.KeyMaterialDescription.Or(e.Description)
	e.ValidTo = in.ValidTo.V
	return nil
}

// welcome refuses new material where the key has no place for it.
func (r *keyRecord) welcome(id string) error {
	if r.MultiRegion == multiRegionReplica {
		return notPrimary(r)
	}
	if other := r.pending(); other != nil {
		return fault.New(InvalidState, "New key material (id: %s) cannot be imported into KMS key %s, because another key material (id: %s) is pending rotation.",
			id, r.arn(), other.ID)
	}
	return nil
}
