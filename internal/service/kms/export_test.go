package kms

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
	"weak"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/words/confidential"
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
		before := *rec
		state, spec, usage := string(rec.State), rec.Spec, rec.Usage
		edit(&state, &rec.Spec, &rec.Usage)
		if rec.State = keyState(state); rec.State == statePendingDeletion && rec.Deletion.IsZero() {
			rec.Deletion = rec.Created.AddDate(1, 0, 0)
		}
		if err := resetTimers(ctx, tx, &before, rec); err != nil {
			return err
		}
		if rec.Spec != spec || rec.Usage != usage { // its material was made for what it was before
			rec.Material, rec.Materials = "", nil
		}
		tx.Touch(keyEntity(region, id))
		return keyTable.Put(ctx, tx, rec, rev)
	})
	return err
}

// Give replaces the material of a key, so that a test knows what it is.
func Give(ctx context.Context, st *store.Store, ring *sealed.Keyring, region, id string, material []byte) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		rec, rev, err := keyTable.Get(ctx, tx, keyKey(region, id))
		if err != nil {
			return err
		}
		m, wrapped, err := ring.Import(rec.binding(), confidential.New(slices.Clone(material)))
		if err != nil {
			return err
		}
		if rec.hasPublic() {
			if rec.PublicKey, err = m.PublicKey(); err != nil {
				return err
			}
		}
		rec.Material, rec.Materials = m.ID(), append(rec.Materials, m.ID())
		tx.Touch(keyEntity(region, id))
		row := &materialRecord{Region: region, KeyID: id, ID: m.ID(), Account: rec.Account, Created: rec.Created, Wrapped: wrapped}
		return errors.Join(materialTable.Insert(ctx, tx, row), keyTable.Put(ctx, tx, rec, rev))
	})
	return err
}

// Plant gives a key material of which only the row is there.
func Plant(ctx context.Context, st *store.Store, region, id string) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		rec, rev, err := keyTable.Get(ctx, tx, keyKey(region, id))
		if err != nil {
			return err
		}
		row := &materialRecord{Region: region, KeyID: id, ID: "planted", Account: rec.Account, Created: rec.Created, Wrapped: []byte("planted")}
		rec.Material, rec.Materials = row.ID, []string{row.ID}
		tx.Touch(keyEntity(region, id))
		return errors.Join(materialTable.Insert(ctx, tx, row), keyTable.Put(ctx, tx, rec, rev))
	})
	return err
}

// Bare has a key list no material.
func Bare(ctx context.Context, st *store.Store, region, id string) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		rec, rev, err := keyTable.Get(ctx, tx, keyKey(region, id))
		if err != nil {
			return err
		}
		rec.Materials = nil
		tx.Touch(keyEntity(region, id))
		return keyTable.Put(ctx, tx, rec, rev)
	})
	return err
}

// wrappingKey is drawn once, as that takes long.
var wrappingKey = sync.OnceValues(func() (*sealed.WrappingKey, error) {
	return sealed.NewWrappingKey(context.Background(), "RSA_2048")
})

// ImportToken makes a token for material of a key, and the public key that
// belongs to it: the same for all.
func (s *Service) ImportToken(ctx context.Context, region, id, algorithm string, expires time.Time) (token, public []byte, err error) {
	wrapping, err := wrappingKey()
	if err != nil {
		return nil, nil, err
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		rec, _, err := keyTable.Get(ctx, r, keyKey(region, id))
		if err != nil {
			return err
		}
		token, err = s.sealImportToken(&Key{keyRecord: *rec, ARN: rec.arn()}, &importToken{wrapping, algorithm, expires})
		return err
	})
	return token, wrapping.PublicKey(), err
}

// Wrappable reports whether material of a spec can be wrapped so.
func Wrappable(partition, spec, usage, algorithm, under string) bool {
	k := &Key{keyRecord: keyRecord{Partition: partition, Spec: spec, Usage: usage}}
	return k.wrappable(algorithm, under) == nil
}

// The values of the members of GetParametersForImport.
var (
	WrappingAlgorithms = wrappingAlgorithms
	WrappingKeySpecs   = wrappingKeySpecs
)

// Become gives a key another manager and another place among related keys, as
// no operation does yet.
func Become(ctx context.Context, st *store.Store, region, id, manager, multiRegion string) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		rec, rev, err := keyTable.Get(ctx, tx, keyKey(region, id))
		if err != nil {
			return err
		}
		if rec.Manager = manager; rec.MultiRegion != multiRegion { // its material was made for what it was before
			rec.MultiRegion, rec.Material, rec.Materials = multiRegion, "", nil
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

// TokenOf makes a token of a grant that need not exist.
func (s *Service) TokenOf(region, keyID, grantID string) string {
	return s.sealToken(grantToken{Region: region, KeyID: keyID, GrantID: grantID})
}

// KeyRows counts what is stored of a key, by table.
func KeyRows(ctx context.Context, st *store.Store, region, id string) (map[string]int, error) {
	count := make(map[string]int)
	at := keyKey(region, id)
	err := st.View(ctx, func(r store.Reader) error {
		return errors.Join(
			countRows(ctx, r, keyTable, "", at, count),
			countRows(ctx, r, policyTable, "", at, count),
			countRows(ctx, r, materialTable, "", at, count),
			countRows(ctx, r, lastUseTable, "", at, count),
			countRows(ctx, r, grantCountTable, "", at, count),
			countRows(ctx, r, aliasTable, "key", at, count),
			countRows(ctx, r, grantTable, "", at, count),
			countRows(ctx, r, nameTable, "", at, count),
			countRows(ctx, r, granteeTable, "", at, count),
			countRows(ctx, r, entryTable, "", at, count),
			timerTable.Scan(ctx, r, "", nil, nil, 1<<20, func(t *timerRecord, _ store.Rev) error {
				if t.Region == region && t.KeyID == id {
					count[timerTable.Schema.Name+" "+string(t.Task)]++
				}
				return nil
			}),
		)
	})
	return count, err
}

func countRows[R any](ctx context.Context, r store.Reader, t *store.Table[R], index string, prefix store.Key, count map[string]int) error {
	return t.Scan(ctx, r, index, prefix, nil, 1<<20, func(*R, store.Rev) error {
		count[t.Schema.Name]++
		return nil
	})
}

// KeyCount returns how many keys an account is counted to have.
func KeyCount(ctx context.Context, st *store.Store, account, region string) (n int, err error) {
	err = st.View(ctx, func(r store.Reader) error {
		q, _, err := quotaTable.Get(ctx, r, quotaTable.Key(&quotaRecord{Account: account, Region: region}))
		if err == nil {
			n = q.Keys
		}
		return err
	})
	return n, err
}

// WrappedMaterial returns the current material of a key as it is stored, before
// the row is sealed.
func WrappedMaterial(ctx context.Context, st *store.Store, region, id string) (wrapped []byte, err error) {
	err = st.View(ctx, func(r store.Reader) error {
		return materialTable.Scan(ctx, r, "", keyKey(region, id), nil, 1, func(m *materialRecord, _ store.Rev) error {
			wrapped = m.Wrapped
			return nil
		})
	})
	return wrapped, err
}

// MaterialSchema declares the table of materials.
var MaterialSchema = &materialTable.Schema

// HeldMaterial returns the material of a key that is held in memory, without
// keeping it there.
func (s *Service) HeldMaterial(region, id string) weak.Pointer[sealed.Material] {
	k, ok := s.keys.get(keyName{region, id})
	if !ok {
		return weak.Pointer[sealed.Material]{}
	}
	return weak.Make(k.materials[k.Material])
}

// SetTimer starts a timer for a task, whatever the key's record says.
func SetTimer(ctx context.Context, st *store.Store, region, id, of string, due time.Time) error {
	_, err := st.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		return (&timerRecord{Task: task(of), Due: due, Region: region, KeyID: id, Account: "111122223333"}).start(ctx, tx)
	})
	return err
}

// ManagedNames are the aliases of AWS managed keys.
var ManagedNames = managedNames

// RequestQuotaOf names the quota that a call counts against.
var RequestQuotaOf = requestQuota

// Buckets is how many buckets are kept.
func (q *RequestQuotas) Buckets() int { return len(q.buckets) }

// Limits of the service.
const (
	KeysPerAccount = keysPerAccount
	AliasesPerKey  = aliasesPerKey
	TagsPerKey     = tagsPerKey
)
