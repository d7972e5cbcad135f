package kms

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/memory"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// ann holds grants without number.
func ann() *authz.Caller {
	p := principal.Principal{Kind: principal.User, Partition: "aws", Account: shelfOwner, ARN: "arn:aws:iam::" + shelfOwner + ":user/ann", ID: "AIDAANN"}
	return &authz.Caller{Principal: p, Policy: policy.Caller{Kind: p.Kind, Partition: "aws", Account: p.Account, ARN: p.ARN, ID: p.ID}}
}

func toAnn(operations string, kind constraintKind, context map[string]string) *grantRecord {
	return &grantRecord{
		Grantee:    party{Text: ann().Principal.ARN, Bound: grantee{granteeUser, "AIDAANN"}},
		Operations: setOf(operations),
		Constraint: constraint{Kind: kind, Pairs: pairs.Of(context)},
	}
}

// TestLookUps: a decision looks up the shapes and one entry for each shape that
// the call can fill, however many grants there are; a second one looks up nothing.
func TestLookUps(t *testing.T) {
	t.Parallel()
	s := newShelf(t, memory.New(), 1000)
	for i := range 50 {
		value := strconv.Itoa(i)
		s.put(toAnn("Decrypt", subsetContext, map[string]string{"tenant": value}))
		s.put(toAnn("Decrypt", subsetContext, map[string]string{"tenant": value, "volume": "v"}))
		s.put(toAnn("Decrypt", equalContext, map[string]string{"volume": value}))
		s.put(toAnn("Encrypt", anyContext, nil))
	}
	const shapes = 4
	for name, test := range map[string]struct {
		operation string
		context   map[string]string
		want      bool
		atMost    int64
	}{
		"one of many":        {"Decrypt", map[string]string{"tenant": "7", "other": "x"}, true, 3},
		"every shape fits":   {"Decrypt", map[string]string{"tenant": "7", "volume": "v"}, true, shapes + 1},
		"no match":           {"Decrypt", map[string]string{"tenant": "none", "volume": "none"}, false, shapes + 1},
		"nothing to match":   {"Decrypt", nil, false, 2},
		"another operation":  {"GenerateDataKey", map[string]string{"tenant": "7"}, false, 3},
		"duplicates":         {"Encrypt", nil, true, 2},
		"heedless, none has": {"DescribeKey", nil, false, 1},
	} {
		w := wish{caller: ann(), need: setOf(test.operation), context: pairs.Of(test.context)}
		// The key itself is read for the question, and not counted.
		s.service.grantees = newCache[granteeName, *granteeShapes](10)
		s.service.entries = newCache[entryName, *grantEntry](10)
		got, gets := s.allowed(w)
		if got != test.want || gets > test.atMost || gets > shapes+1 {
			t.Errorf("%s: allowed %t with %d look-ups, want %t with at most %d", name, got, gets, test.want, test.atMost)
		}
		if got, gets := s.allowed(w); got != test.want || gets != 0 {
			t.Errorf("%s, warm: allowed %t with %d look-ups", name, got, gets)
		}
	}
	stranger := *ann()
	stranger.Principal.Kind = principal.Root // grants on this key name users only
	if got, gets := s.allowed(wish{caller: &stranger, need: setOf("Encrypt")}); got || gets != 0 {
		t.Errorf("a form of principal that no grant names: allowed %t with %d look-ups", got, gets)
	}
}

// TestDuplicatesAreCounted: equal grants are one entry; each that ends takes away
// its own right, and the last one the access.
func TestDuplicatesAreCounted(t *testing.T) {
	t.Parallel()
	s := newShelf(t, memory.New(), 100)
	var twins []*grantRecord
	for range 10 {
		g := toAnn("Decrypt", subsetContext, map[string]string{"a": "1"})
		s.put(g)
		twins = append(twins, g)
	}
	other := toAnn("Encrypt", subsetContext, map[string]string{"A": "1"})
	s.put(other)
	if n := s.rows(entryTable.Schema.Name); n != 1 {
		t.Errorf("%d entries for grants that agree", n)
	}
	decrypt := wish{caller: ann(), need: setOf("Decrypt"), context: pairs.Of(map[string]string{"a": "1"})}
	both := decrypt
	both.need |= setOf("Encrypt")
	if yes, _ := s.allowed(both); yes {
		t.Error("rights of different grants were combined")
	}
	for i, g := range twins {
		if yes, _ := s.allowed(decrypt); !yes {
			t.Errorf("no access with %d of %d grants left", len(twins)-i, len(twins))
		}
		s.drop(g)
	}
	if yes, _ := s.allowed(decrypt); yes {
		t.Error("access without a grant")
	}
	s.drop(other)
	for _, table := range []string{"kms_grant", "kms_grantee", "kms_grant_entry", "kms_grant_name"} {
		if n := s.rows(table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

// rows counts the rows of a table of grants.
func (s *shelf) rows(table string) int {
	s.t.Helper()
	n := 0
	err := s.store.View(s.t.Context(), func(r store.Reader) error {
		switch table {
		case "kms_grant":
			return grantTable.Scan(s.t.Context(), r, "", nil, nil, 1<<20, func(*grantRecord, store.Rev) error { n++; return nil })
		case "kms_grantee":
			return granteeTable.Scan(s.t.Context(), r, "", nil, nil, 1<<20, func(*granteeRecord, store.Rev) error { n++; return nil })
		case "kms_grant_entry":
			return entryTable.Scan(s.t.Context(), r, "", nil, nil, 1<<20, func(*entryRecord, store.Rev) error { n++; return nil })
		}
		return nameTable.Scan(s.t.Context(), r, "", nil, nil, 1<<20, func(*nameRecord, store.Rev) error { n++; return nil })
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// TestShapesAreLimited: a grantee's grants may have so many sets of names and no
// more; a grant too many leaves nothing behind.
func TestShapesAreLimited(t *testing.T) {
	t.Parallel()
	s := newShelf(t, memory.New(), 100)
	first := toAnn("Decrypt", subsetContext, map[string]string{"first": "v"})
	s.put(first)
	s.update(func(tx store.Txn) error { // as if there had been more grants
		of := s.service.granteeDigest(first.Grantee.Bound)
		rec, rev, err := granteeTable.Get(t.Context(), tx, grantKey(s.region, s.keyID, string(of)))
		if err != nil {
			return err
		}
		for i := 1; i < shapesMax; i++ {
			rec.Shapes = append(rec.Shapes, liveShape{shape{Kind: subsetContext, Names: []string{"n" + strconv.Itoa(i)}}, 1})
		}
		return granteeTable.Put(t.Context(), tx, rec, rev)
	})
	s.put(toAnn("Decrypt", subsetContext, map[string]string{"first": "w"}))
	before := s.rows("kms_grant")
	_, err := s.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error {
		return s.grant(t.Context(), tx, toAnn("Decrypt", subsetContext, map[string]string{"one more": "v"}))
	})
	if !fault.Is(err, fault.LimitExceeded) {
		t.Errorf("the grant too many: %v", err)
	}
	if after := s.rows("kms_grant"); after != before || before != 2 {
		t.Errorf("%d grants before, %d after", before, after)
	}
}

// TestNamesAreLimited: long names count, so that what a grantee's row holds is
// bounded, and a grant too many is refused in words.
func TestNamesAreLimited(t *testing.T) {
	t.Parallel()
	s := newShelf(t, memory.New(), 100)
	for i := 0; ; i++ {
		name := strconv.Itoa(i) + strings.Repeat("n", 8000)
		_, err := s.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error {
			return s.grant(t.Context(), tx, toAnn("Decrypt", subsetContext, map[string]string{name: "v"}))
		})
		if fault.Is(err, fault.LimitExceeded) {
			if i != shapeBytesMax/8002 {
				t.Errorf("%d grants were made", i)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestVolume: very many grants of one grantee on one key, most of them never
// looked at, with caches for a hundredth: the same number of look-ups as for one,
// and no memory that follows their number. There are two thousand, with
// CLAVIGER_LONG a hundred thousand, or as many as CLAVIGER_GRANTS says. It runs
// alone: the memory that it measures is that of all tests.
func TestVolume(t *testing.T) {
	grants := 2_000
	if os.Getenv("CLAVIGER_LONG") != "" {
		grants = 100_000
	}
	if n, err := strconv.Atoi(os.Getenv("CLAVIGER_GRANTS")); err == nil {
		grants = n
	}
	d, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(t, d, grants/100)
	s.load(grants, func(i int) *grantRecord {
		return toAnn("Decrypt", subsetContext, map[string]string{"volume": strconv.Itoa(i)})
	})
	s.load(grants/10, func(int) *grantRecord {
		return toAnn("Encrypt", subsetContext, map[string]string{"volume": "shared"})
	})
	const shapes = 1
	ask := func(operation, volume string, want bool) {
		w := wish{caller: ann(), need: setOf(operation), context: pairs.Of(map[string]string{"volume": volume, "more": "x"})}
		if got, gets := s.allowed(w); got != want || gets > shapes+1 {
			t.Fatalf("%s %s: allowed %t with %d look-ups", operation, volume, got, gets)
		}
	}
	ask("Decrypt", "0", true)
	before := heap()
	for range 200 {
		i := rand.IntN(grants)
		ask("Decrypt", strconv.Itoa(i), true)
		ask("Encrypt", strconv.Itoa(i), false)
		ask("Decrypt", "none "+strconv.Itoa(i), false)
		ask("Encrypt", "shared", true)
		ask("Decrypt", "shared", false)
	}
	if grew := heap() - before; grew > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grew>>20)
	}
	s.drop(s.any(t))
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// load stores grants, many in one transaction.
func (s *shelf) load(n int, make func(i int) *grantRecord) {
	s.t.Helper()
	const batch = driver.MaxWrites / 5 // a grant is up to five rows
	s.put(make(0))                     // from here on the key says which form its grantees have
	for i := 1; i < n; {
		start, end := i, min(i+batch, n)
		s.update(func(tx store.Txn) error {
			k, err := s.service.readKey(s.t.Context(), tx, s.region, s.keyID)
			if err != nil {
				return err
			}
			for i = start; i < end; i++ {
				if err := s.grantOn(s.t.Context(), tx, k, make(i)); err != nil {
					return fmt.Errorf("grant %d: %w", i, err)
				}
			}
			return nil
		})
	}
}

// any returns some grant of the key.
func (s *shelf) any(t *testing.T) *grantRecord {
	t.Helper()
	var found *grantRecord
	err := s.store.View(t.Context(), func(r store.Reader) error {
		return grantTable.Scan(t.Context(), r, "", nil, nil, 1, func(g *grantRecord, _ store.Rev) error {
			found = g
			return nil
		})
	})
	if err != nil || found == nil {
		t.Fatalf("no grant: %v", err)
	}
	return found
}
