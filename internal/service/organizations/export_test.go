package organizations

import (
	"context"
	"crypto/rand"
	"testing"

	"claviger/internal/ground/store"
)

// Lose deletes a row behind the service's back.
func Lose(t *testing.T, s *store.Store, table, id, organization string) {
	t.Helper()
	var op store.OpID
	_, _ = rand.Read(op[:])
	_, err := s.Update(context.Background(), op, func(tx store.Txn) error {
		tx.Touch(organizationEntity(organization))
		switch table {
		case "organization":
			return lose(tx, organizations, id)
		case "unit", "parent":
			return lose(tx, units, id)
		case "account":
			return lose(tx, members, id)
		}
		return lose(tx, policies, id)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func lose[T any](tx store.Txn, table *store.Table[T], id string) error {
	_, rev, err := table.Get(context.Background(), tx, idKey(id))
	if err != nil {
		return err
	}
	return table.Delete(context.Background(), tx, idKey(id), rev)
}
