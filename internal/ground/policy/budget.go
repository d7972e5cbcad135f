package policy

// maxSteps bounds the work of one decision or explanation. The typical decision
// takes about 1,000 steps; a step is at most some tens of nanoseconds.
const maxSteps = 1 << 20

// lookupSteps is the price of asking the Context for a key, which may compare
// the key with every name in the request.
const lookupSteps = 256

// A budget is what is left of the steps of one decision.
//
// Documents and requests are often written by different people, and some pairs
// of them take time in proportion to the product of their lengths. Whoever does
// such work pays first, and gives up when refused. What it then answers doesn't
// matter: the decision as a whole is a refusal, since neither a Deny may be
// missed nor a negated test hold because nobody looked.
type budget struct {
	left int // below 0 where spent
}

// spend pays for n steps. It reports false if there are not that many left, and
// from then on always.
func (b *budget) spend(n int) bool {
	if b.left < n {
		b.left = -1
		return false
	}
	b.left -= n
	return true
}

// spent reports whether a payment was refused.
func (b *budget) spent() bool { return b.left < 0 }

// scanning is the price of comparing or searching n bytes, where that takes no
// more than a few instructions for several of them.
func scanning(n int) int { return 1 + n>>3 }
