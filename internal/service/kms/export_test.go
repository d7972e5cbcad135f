package kms

import (
	"context"

	"claviger/internal/ground/store"
	"claviger/internal/words/ident"
)

// Edit changes the stored record of a key as no operation does yet: its state,
// spec or usage.
func Edit(ctx context.Context, st *store.Store, region, id string, edit func(state, spec, usage *string)) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		rec, rev, err := keyTable.Get(ctx, tx, keyKey(region, id))
		if err != nil {
			return err
		}
		state, spec, usage := string(rec.State), rec.Spec, rec.Usage
		edit(&state, &rec.Spec, &rec.Usage)
		rec.State = keyState(state)
		if rec.Spec != spec || rec.Usage != usage { // its material was made for what it was before
			rec.Material, rec.Materials = "", nil
		}
		tx.Touch(keyEntity(region, id))
		return keyTable.Put(ctx, tx, rec, rev)
	})
	return err
}

// Lose deletes the policy or the material of a key behind the service's back.
func Lose(ctx context.Context, st *store.Store, region, id string, material bool) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		tx.Touch(keyEntity(region, id))
		if !material {
			_, rev, err := policyTable.Get(ctx, tx, keyKey(region, id))
			if err != nil {
				return err
			}
			return policyTable.Delete(ctx, tx, keyKey(region, id), rev)
		}
		rec, _, err := keyTable.Get(ctx, tx, keyKey(region, id))
		if err != nil {
			return err
		}
		key := materialKey(region, id, rec.Material)
		_, rev, err := materialTable.Get(ctx, tx, key)
		if err != nil {
			return err
		}
		return materialTable.Delete(ctx, tx, key, rev)
	})
	return err
}

// SetCount sets how many keys an account is counted to have.
func SetCount(ctx context.Context, st *store.Store, account, region string, n int) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		q := &quotaRecord{Account: account, Region: region}
		old, rev, err := quotaTable.Get(ctx, tx, quotaTable.Key(q))
		if err != nil {
			return err
		}
		old.Keys = n
		return quotaTable.Put(ctx, tx, old, rev)
	})
	return err
}

// Limits of the service.
const (
	KeysPerAccount = keysPerAccount
	AliasesPerKey  = aliasesPerKey
	TagsPerKey     = tagsPerKey
)
