package kms

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"claviger/internal/ground/store"
)

// Consistency reports where rows of a snapshot of store.Verify contradict each
// other: what a key lists and is not there, or is there and no key lists;
// counts; timers; the index of grants.
func (s *Service) Consistency(ctx context.Context, r store.Reader, report func(store.Problem)) error {
	counts := make(map[string]int)
	err := keyTable.Each(ctx, r, nil, func(k *keyRecord, _ store.Rev) error {
		counts[k.Account+"/"+k.Region]++
		return errors.Join(k.consistent(ctx, r, report), s.grantsConsistent(ctx, r, k, report))
	})
	if err != nil {
		return err
	}
	wrong := quotaTable.Reporter(report)
	if err := quotaTable.Each(ctx, r, nil, func(q *quotaRecord, _ store.Rev) error {
		if n := counts[q.Account+"/"+q.Region]; n != q.Keys {
			wrong(quotaTable.Key(q), "it counts %d keys, and there are %d", q.Keys, n)
		}
		delete(counts, q.Account+"/"+q.Region)
		return nil
	}); err != nil {
		return err
	}
	for place, n := range counts {
		account, region, _ := strings.Cut(place, "/")
		if _, there, err := quotaTable.Look(ctx, r, store.Key{store.S(account), store.S(region)}); err != nil {
			return err
		} else if !there {
			wrong(store.Key{store.S(account), store.S(region)}, "the row is missing, and there are %d keys", n)
		}
	}
	return s.ownersConsistent(ctx, r, report)
}

// consistent compares a key with all that it lists.
func (k *keyRecord) consistent(ctx context.Context, r store.Reader, report func(store.Problem)) error {
	wrong := keyTable.Reporter(report)
	at := keyKey(k.Region, k.ID)
	if _, there, err := policyTable.Look(ctx, r, at); err != nil {
		return err
	} else if !there {
		wrong(at, "its policy is missing")
	}
	for _, id := range k.Materials {
		if _, there, err := materialTable.Look(ctx, r, materialKey(k.Region, k.ID, id)); err != nil {
			return err
		} else if !there {
			wrong(at, "its material %s is missing", id)
		}
	}
	for _, name := range k.Aliases {
		a, there, err := aliasTable.Look(ctx, r, aliasKey(k.Account, k.Region, name))
		if err != nil {
			return err
		}
		if !there || a != nil && a.KeyID != k.ID {
			wrong(at, "its alias %s is missing or another key's", name)
		}
	}
	for _, t := range k.timers() {
		if _, there, err := timerTable.Look(ctx, r, timerTable.Key(t)); err != nil {
			return err
		} else if !there {
			wrong(at, "its timer for %s at %s is missing", t.Task, t.Due.Format("2006-01-02T15:04:05Z07:00"))
		}
	}
	if k.inStore() {
		if _, there, err := storedKeyTable.Look(ctx, r, storedKeyTable.Key(k.place())); err != nil {
			return err
		} else if !there {
			wrong(at, "its place in custom key store %s is missing", k.CustomKeyStore)
		}
	}
	for _, region := range k.relatedRegions() {
		other, there, err := keyTable.Look(ctx, r, keyKey(region, k.ID))
		if err != nil {
			return err
		}
		if !there || other != nil && !slices.Equal(other.ReplicaRegions, k.ReplicaRegions) {
			wrong(at, "its related key in %s is missing, or says otherwise", region)
		}
	}
	return nil
}

// grantsConsistent compares the grants on a key with their index: what the
// grants call for, in any order, sums up to what the entries count.
func (s *Service) grantsConsistent(ctx context.Context, r store.Reader, k *keyRecord, report func(store.Problem)) error {
	at := keyKey(k.Region, k.ID)
	seed := maphash.MakeSeed()
	digest := func(of, entry digest, issuer string, operations operationSet) uint64 {
		b := appendText(appendText(appendText(nil, string(of)), string(entry)), issuer)
		return maphash.Bytes(seed, binary.BigEndian.AppendUint32(b, uint32(operations)))
	}
	var called, counted uint64
	err := grantTable.Each(ctx, r, at, func(g *grantRecord, _ store.Rev) error {
		of := s.granteeDigest(g.Grantee.Bound)
		folded := g.Constraint.folded()
		called += digest(of, s.entryDigest(entryOfContext, &folded), g.Issuer, g.Operations)
		if operations := g.Operations & heedless; operations != 0 {
			called += digest(of, s.entryDigest(entryHeedless, &constraint{SourceARN: g.Constraint.SourceARN}), g.Issuer, operations)
			called += digest(of, s.entryDigest(entryHeedlessAny, &constraint{}), g.Issuer, operations)
		}
		if g.Fingerprint == "" {
			return nil
		}
		n, there, err := nameTable.Look(ctx, r, grantKey(g.Region, g.KeyID, string(g.Fingerprint)))
		if err == nil && (!there || n != nil && n.GrantID != g.ID) {
			grantTable.Reporter(report)(grantTable.Key(g), "its name is missing or another grant's")
		}
		return err
	})
	if err != nil {
		return err
	}
	err = entryTable.Each(ctx, r, at, func(e *entryRecord, _ store.Rev) error {
		for _, right := range e.Rights {
			counted += uint64(right.Grants) * digest(e.Grantee, e.Entry, right.Issuer, right.Operations)
		}
		return nil
	})
	if err == nil && called != counted {
		entryTable.Reporter(report)(at, "the index of the grants on the key does not count what its grants call for")
	}
	return err
}

// ownersConsistent reports rows of keys that list them not, or are not there.
func (s *Service) ownersConsistent(ctx context.Context, r store.Reader, report func(store.Problem)) error {
	return errors.Join(
		policyTable.Each(ctx, r, nil, func(p *policyRecord, _ store.Rev) error {
			_, there, err := keyTable.Look(ctx, r, keyKey(p.Region, p.KeyID))
			if err == nil && !there {
				policyTable.Reporter(report)(policyTable.Key(p), "its key is missing")
			}
			return err
		}),
		materialTable.Each(ctx, r, nil, func(m *materialRecord, _ store.Rev) error {
			k, there, err := keyTable.Look(ctx, r, keyKey(m.Region, m.KeyID))
			if err == nil && (!there || k != nil && !slices.Contains(k.Materials, m.ID)) {
				materialTable.Reporter(report)(materialTable.Key(m), "its key is missing, or does not list it")
			}
			return err
		}),
		aliasTable.Each(ctx, r, nil, func(a *aliasRecord, _ store.Rev) error {
			k, there, err := keyTable.Look(ctx, r, keyKey(a.Region, a.KeyID))
			if err == nil && a.KeyID != "" && (!there || k != nil && !slices.Contains(k.Aliases, a.Name)) {
				aliasTable.Reporter(report)(aliasTable.Key(a), "its key is missing, or does not list it")
			}
			return err
		}),
		grantTable.Each(ctx, r, nil, func(g *grantRecord, _ store.Rev) error {
			return ofKey(ctx, r, g.Region, g.KeyID, func() { grantTable.Reporter(report)(grantTable.Key(g), "its key is missing") })
		}),
		timerTable.Each(ctx, r, nil, func(t *timerRecord, _ store.Rev) error {
			if t.Task != taskDelete && t.Task != taskRotate && t.Task != taskExpire {
				return nil
			}
			k, there, err := keyTable.Look(ctx, r, keyKey(t.Region, t.KeyID))
			if err == nil && (!there || k != nil && !slices.ContainsFunc(k.timers(), t.same)) {
				timerTable.Reporter(report)(timerTable.Key(t), "its key is missing, or says otherwise")
			}
			return err
		}),
	)
}

// ofKey calls missing where a key is not there, and not being swept up either.
func ofKey(ctx context.Context, r store.Reader, region, id string, missing func()) error {
	_, there, err := keyTable.Look(ctx, r, keyKey(region, id))
	if err != nil || there {
		return err
	}
	swept, err := beingSwept(ctx, r, region, id)
	if err != nil {
		return fmt.Errorf("looking for key %s: %w", id, err)
	}
	if !swept {
		missing()
	}
	return nil
}
