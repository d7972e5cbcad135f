package xks

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListExternalKeysInput asks for all external keys of a key store.
type ListExternalKeysInput struct {
	KeyStore optional.Of[string] `aws:"KeyStore" audit:"keyStore"`
}

// Validate checks the form of the prefix.
func (in *ListExternalKeysInput) Validate(c *check.Checks) { checkPrefix(c, in.KeyStore) }

// ListExternalKeysOutput are all external keys of a key store, in the order of their ids.
type ListExternalKeysOutput struct {
	ExternalKeys []ExternalKey `aws:"ExternalKeys"`
}

// listExternalKeys implements ListExternalKeys, which is the operator's.
func (s *Service) listExternalKeys() operation.Operation {
	return operation.Use[ListExternalKeysInput, ListExternalKeysOutput, struct{}, *ListExternalKeysInput]{
		Name:    "ListExternalKeys",
		Actions: []string{"claviger:ListExternalKeys"},
		Asks:    asksOperator[ListExternalKeysInput]("claviger:ListExternalKeys"),
		Run:     s.runListExternalKeys,
	}.Operation()
}

func (s *Service) runListExternalKeys(c *operation.Call, in *ListExternalKeysInput, _ struct{}) (*ListExternalKeysOutput, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	if _, _, err := getKeyStore(c.Context, r, in.KeyStore.V); errors.Is(err, store.ErrNotFound) {
		return nil, noSuchKeyStore(in.KeyStore.V)
	} else if err != nil {
		return nil, err
	}
	out := &ListExternalKeysOutput{ExternalKeys: []ExternalKey{}}
	err = scan(c.Context, r, externalKeyTable, keyStoreKey(in.KeyStore.V), func(rec *externalKeyRecord) {
		out.ExternalKeys = append(out.ExternalKeys, rec.shown())
	})
	if err != nil {
		return nil, fmt.Errorf("listing external keys: %w", err)
	}
	return out, nil
}
