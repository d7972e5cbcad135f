package policy

// MaxSteps and LookupSteps are known to the tests.
const (
	MaxSteps    = maxSteps
	LookupSteps = lookupSteps
)

// DecideWithin is Decide with another limit. It also returns the steps taken, limit
// where they did not suffice.
func DecideWithin(in *Input, limit int) (Verdict, int) {
	q := ask(in)
	q.left = limit
	v := q.answer()
	return v, limit - max(q.left, 0)
}

// ExplainWithin is Explain with another limit. It also returns the steps taken,
// limit where they did not suffice.
func ExplainWithin(in *Input, limit int) ([]Premise, int) {
	q := ask(in)
	q.left = limit
	p := q.explain()
	return p, limit - max(q.left, 0)
}

// Withheld returns the index of a statement of p that applies to the request of
// in although its sieve doesn't let it through, -1 where there is none.
func Withheld(p *Policy, in *Input) int {
	q := ask(in)
	for i := range p.statements {
		s := &p.statements[i]
		if v := newSieve(s); s.applies(&q) && !v.lets(&q.marks) {
			return i
		}
	}
	return -1
}
