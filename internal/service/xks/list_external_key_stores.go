package xks

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// ListExternalKeyStoresInput asks for all key stores.
type ListExternalKeyStoresInput struct{}

// Validate has nothing to check.
func (in *ListExternalKeyStoresInput) Validate(*check.Checks) {}

// ListExternalKeyStoresOutput are all key stores, in the order of their prefixes.
type ListExternalKeyStoresOutput struct {
	ExternalKeyStores []ExternalKeyStore `aws:"ExternalKeyStores"`
}

// listExternalKeyStores implements ListExternalKeyStores, which is the operator's.
func (s *Service) listExternalKeyStores() operation.Operation {
	return operation.Use[ListExternalKeyStoresInput, ListExternalKeyStoresOutput, struct{}, *ListExternalKeyStoresInput]{
		Name:    "ListExternalKeyStores",
		Actions: []string{"claviger:ListExternalKeyStores"},
		Asks:    asksOperator[ListExternalKeyStoresInput]("claviger:ListExternalKeyStores"),
		Run:     s.runListExternalKeyStores,
	}.Operation()
}

func (s *Service) runListExternalKeyStores(c *operation.Call, _ *ListExternalKeyStoresInput, _ struct{}) (*ListExternalKeyStoresOutput, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	out := &ListExternalKeyStoresOutput{ExternalKeyStores: []ExternalKeyStore{}}
	err = scan(c.Context, r, keyStoreTable, nil, func(rec *keyStoreRecord) {
		out.ExternalKeyStores = append(out.ExternalKeyStores, rec.shown())
	})
	if err != nil {
		return nil, fmt.Errorf("listing key stores: %w", err)
	}
	return out, nil
}
