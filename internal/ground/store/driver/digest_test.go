package driver

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSums holds the sums of tables against numbers of any size.
func TestSums(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	number := func(s Sum) *big.Int {
		n := new(big.Int).SetUint64(s.Hi)
		return n.Add(n.Lsh(n, 64), new(big.Int).SetUint64(s.Lo))
	}
	modulus := new(big.Int).Lsh(big.NewInt(1), 128)
	for range 200 {
		var all Sums
		want := make(map[uint32]*big.Int)
		rows := make(map[uint32]uint64)
		for range 20 {
			s := Sum{Table: random.Uint32N(5)}
			n, hi, lo := random.Uint64N(3), random.Uint64(), random.Uint64()>>random.UintN(64)
			if random.IntN(2) == 0 {
				s.Add(n, hi, lo)
			} else {
				s.Subtract(n, hi, lo)
			}
			if s.Rows|s.Hi|s.Lo == 0 {
				continue
			}
			all = all.Add(Sums{s})
			if want[s.Table] == nil {
				want[s.Table] = new(big.Int)
			}
			want[s.Table].Add(want[s.Table], number(s))
			rows[s.Table] += s.Rows
		}
		if !slices.IsSortedFunc(all, func(a, b Sum) int { return int(a.Table) - int(b.Table) }) || len(all) != len(want) {
			t.Fatalf("%+v", all)
		}
		for _, s := range all {
			if number(s).Cmp(want[s.Table].Mod(want[s.Table], modulus)) != 0 || s.Rows != rows[s.Table] {
				t.Errorf("%+v, want %x and %d rows", s, want[s.Table], rows[s.Table])
			}
		}
		var none Sums
		for _, s := range all {
			less := Sum{Table: s.Table}
			less.Subtract(s.Rows, s.Hi, s.Lo)
			none = append(none, less)
		}
		if left := all.Add(none); len(left) != 0 {
			t.Errorf("what was taken away is left: %+v", left)
		}
	}
}
