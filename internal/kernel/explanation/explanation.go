// Package explanation says why a call was allowed or refused: to the trail, to
// whoever may decode an authorization message, and to a reader.
//
// What it holds of policies and requests is not for everybody. Each side of a
// call, the caller's account and the owner of the resource, has an explanation
// of its own, which is kept apart from the other's.
package explanation

import "claviger/internal/ground/policy"

// An Explanation is why one permission was given or refused, as far as its reader
// may know.
type Explanation struct {
	Action   string
	Resource string

	// Verdict is what the reader may know of the answer. Its Gate is ByNothing
	// where the other account's side refused.
	Verdict policy.Verdict

	// Premises are the statements that count, in the order of evaluation. The values
	// of a Comparison whose key is present are left out where they are the other
	// account's.
	Premises []policy.Premise

	// Cut says that premises were left out for their size.
	Cut bool
}

// Sides are an explanation for each account: of who was asked about and, where
// that is another, of the owner of the resource. Of what an account may not see
// it has nothing.
type Sides struct {
	Account string
	Own     *Explanation

	Owner   string // "" where Account owns the resource
	OfOwner *Explanation
}

// Of returns the part of an account, nil where it has none.
func (s *Sides) Of(account string) *Explanation {
	switch {
	case account == "":
		return nil
	case account == s.Account:
		return s.Own
	case account == s.Owner:
		return s.OfOwner
	}
	return nil
}
