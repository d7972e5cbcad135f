package driver

import (
	"cmp"
	"math/bits"
)

// DigestKey is the key of the meta table under which an engine keeps the digest
// of all rows.
const DigestKey = "digest"

// A Sum sums up rows of one table: how many, and their hashes modulo 2^128.
type Sum struct {
	Table  uint32 // see package store
	Rows   uint64 // modulo 2^64, so that a difference can be negative
	Hi, Lo uint64
}

// Sums are the sums of tables, in their order and without those that are zero.
// They are not changed once they are made.
type Sums []Sum

// Add returns a + b.
func (a Sums) Add(b Sums) Sums {
	sum := make(Sums, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && cmp.Less(a[0].Table, b[0].Table):
			sum, a = append(sum, a[0]), a[1:]
		case len(a) == 0 || cmp.Less(b[0].Table, a[0].Table):
			sum, b = append(sum, b[0]), b[1:]
		default:
			s := a[0]
			s.Add(b[0].Rows, b[0].Hi, b[0].Lo)
			if s.Rows|s.Hi|s.Lo != 0 {
				sum = append(sum, s)
			}
			a, b = a[1:], b[1:]
		}
	}
	return sum
}

// Add adds to the sum of a table.
func (s *Sum) Add(rows, hi, lo uint64) {
	var carry uint64
	s.Rows += rows
	s.Lo, carry = bits.Add64(s.Lo, lo, 0)
	s.Hi, _ = bits.Add64(s.Hi, hi, carry)
}

// Subtract subtracts from the sum of a table.
func (s *Sum) Subtract(rows, hi, lo uint64) {
	var borrow uint64
	s.Rows -= rows
	s.Lo, borrow = bits.Sub64(s.Lo, lo, 0)
	s.Hi, _ = bits.Sub64(s.Hi, hi, borrow)
}

// A Roll carries the digest of all rows from one commit to the next. Its zero
// value leaves it as it is.
type Roll struct {
	Delta Sums // by how much the rows change
	// Next returns the digest that follows before, which is nil where there is
	// none. The head moves from one position to the other, and rows have
	// changed by delta: that of this Roll and of those that share the
	// transaction. An engine calls it once for each transaction, within it and
	// with what it finds stored, and must not be used by it. An error ends the
	// transaction, of which nothing is applied.
	Next func(from, to uint64, before []byte, delta Sums) (after []byte, err error)
}

// Join returns a Roll for a transaction that does both.
func (r Roll) Join(other Roll) Roll {
	if other.Next == nil {
		return r
	}
	return Roll{Delta: r.Delta.Add(other.Delta), Next: other.Next}
}
