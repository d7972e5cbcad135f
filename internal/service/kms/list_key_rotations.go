package kms

import (
	"slices"
	"strconv"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListKeyRotationsInput asks for the rotations of a key, or for all its materials.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html
type ListKeyRotationsInput struct {
	KeyID              optional.Of[string] `aws:"KeyId" audit:"keyId"`
	IncludeKeyMaterial optional.Of[string] `aws:"IncludeKeyMaterial" audit:"includeKeyMaterial"`
	Limit              optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker             optional.Of[string] `aws:"Marker" audit:"marker"`
}

// ListKeyRotationsOutput is a page of them, the oldest first.
type ListKeyRotationsOutput struct {
	Rotations  []RotationsListEntry `aws:"Rotations"`
	NextMarker optional.Of[string]  `aws:"NextMarker"`
	Truncated  bool                 `aws:"Truncated"`
}

// RotationsListEntry describes a material of a key, and the rotation that made
// it the current one.
type RotationsListEntry struct {
	KeyID                  string                 `aws:"KeyId"` // its ARN
	KeyMaterialID          string                 `aws:"KeyMaterialId"`
	KeyMaterialDescription optional.Of[string]    `aws:"KeyMaterialDescription"`
	ImportState            optional.Of[string]    `aws:"ImportState"`
	KeyMaterialState       string                 `aws:"KeyMaterialState"`
	ExpirationModel        optional.Of[string]    `aws:"ExpirationModel"`
	ValidTo                optional.Of[time.Time] `aws:"ValidTo"`
	RotationDate           optional.Of[time.Time] `aws:"RotationDate"`
	RotationType           optional.Of[string]    `aws:"RotationType"`
}

const (
	listKeyRotationsMax     = 1000
	listKeyRotationsDefault = 100
)

// Values of IncludeKeyMaterial.
const (
	rotationsOnly  = "ROTATIONS_ONLY"
	allKeyMaterial = "ALL_KEY_MATERIAL"
)

// Values of RotationType.
const (
	rotationAutomatic = "AUTOMATIC"
	rotationOnDemand  = "ON_DEMAND"
)

// Values of ImportState.
const (
	materialImported = "IMPORTED"
	materialMissing  = "PENDING_IMPORT"
)

// Values of KeyMaterialState.
const (
	materialCurrent    = "CURRENT"
	materialNonCurrent = "NON_CURRENT"
	materialPending    = "PENDING_ROTATION"
	materialAwaited    = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
)

// Validate checks the limits of the public model.
func (in *ListKeyRotationsInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	c.Enum("includeKeyMaterial", in.IncludeKeyMaterial, allKeyMaterial, rotationsOnly)
	checkPage(c, in.Limit, listKeyRotationsMax)
	checkMarker(c, in.Marker)
}

func (s *Service) listKeyRotations() operation.Operation {
	return operation.Use[ListKeyRotationsInput, ListKeyRotationsOutput, *target, *ListKeyRotationsInput]{
		Name:    "ListKeyRotations",
		Actions: []string{"kms:ListKeyRotations"},
		Subject: func(c *operation.Call, in *ListKeyRotationsInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToUse)
		},
		Asks: asksOnKey[ListKeyRotationsInput]("kms:ListKeyRotations", false),
		Run:  s.runListKeyRotations,
	}.Operation()
}

func (s *Service) runListKeyRotations(c *operation.Call, in *ListKeyRotationsInput, t *target) (*ListKeyRotationsOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if !k.hasMaterials() {
		return nil, errNoRotation
	}
	include := in.IncludeKeyMaterial.Or(rotationsOnly)
	list := listing{"ListKeyRotations " + include, k.ARN}
	last, more, err := s.after(c, list, in.Marker)
	if err != nil {
		return nil, err
	}
	history := k.history()
	from := 0
	if more {
		// Its place in the history. A material that goes is the last one, so that
		// the places of others stay.
		if from, err = strconv.Atoi(last); err != nil {
			return nil, err
		}
	}
	out := &ListKeyRotationsOutput{Rotations: []RotationsListEntry{}}
	limit := in.Limit.Or(listKeyRotationsDefault)
	for i := from; i < len(history); i++ {
		e := &history[i]
		if include == rotationsOnly && e.Rotated.IsZero() || e.Gone && k.forgets(e) {
			continue
		}
		if len(out.Rotations) == limit {
			out.Truncated = true
			out.NextMarker = s.mark(c, list, strconv.Itoa(i))
			break
		}
		out.Rotations = append(out.Rotations, k.rotationEntry(e))
	}
	return out, nil
}

// rotationEntry describes a material as the API does.
func (k *Key) rotationEntry(e *materialEntry) RotationsListEntry {
	entry := RotationsListEntry{KeyID: k.ARN, KeyMaterialID: e.ID, KeyMaterialState: materialNonCurrent}
	switch {
	case len(e.Awaits) > 0 || e.Pending && e.Gone:
		entry.KeyMaterialState = materialAwaited
	case e.Pending:
		entry.KeyMaterialState = materialPending
	case e.ID == k.Material:
		entry.KeyMaterialState = materialCurrent
	}
	if k.Origin == originExternal {
		e.describe(&entry, k.Region)
	}
	if !e.Rotated.IsZero() {
		entry.RotationDate = optional.Some(e.Rotated)
		entry.RotationType = optional.Some(rotationAutomatic)
		if e.OnDemand {
			entry.RotationType = optional.Some(rotationOnDemand)
		}
	}
	return entry
}

// describe tells of the imported material of a key in a Region what only such has.
func (e *materialEntry) describe(entry *RotationsListEntry, region string) {
	entry.KeyMaterialDescription = optional.Of[string]{V: e.Description, Set: e.Description != ""}
	switch {
	case e.Gone || slices.Contains(e.Awaits, region):
		entry.ImportState = optional.Some(materialMissing)
	case e.ValidTo.IsZero():
		entry.ImportState = optional.Some(materialImported)
		entry.ExpirationModel = optional.Some(materialLasts)
	default:
		entry.ImportState = optional.Some(materialImported)
		entry.ExpirationModel = optional.Some(materialExpires)
		entry.ValidTo = optional.Some(e.ValidTo)
	}
}
