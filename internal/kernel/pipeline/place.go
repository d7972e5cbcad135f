package pipeline

import (
	"fmt"

	"claviger/internal/kernel/authz"
	"claviger/internal/words/principal"
)

// place finds where the owner of a resource stands in its organization. The
// caller brings its own place along.
func (w *walk) place(ask *authz.Ask) error {
	asked := w.call.Caller
	if ask.Caller != nil {
		asked = ask.Caller
	}
	if asked.Place != nil && asked.Principal.Account == ask.Account {
		ask.Place = asked.Place
		return nil
	}
	var err error
	ask.Place, err = w.placeOf(ask.Account)
	return err
}

// placeSource finds where the account stands for whose resource a service calls.
func (w *walk) placeSource(asks []authz.Ask) (err error) {
	w.requires = w.requires[:0]
	w.call.Facts.SourcePlace = nil
	if len(asks) == 0 || w.call.Caller.Principal.Kind != principal.Service {
		return nil
	}
	w.call.Facts.SourcePlace, err = w.placeOf(w.call.Facts.SourceAccount)
	return err
}

// placeOf finds where an account stands, and has the call rest on it. It is nil
// for what belongs to no account.
func (w *walk) placeOf(account string) (*authz.Place, error) {
	if w.p.o.Places == nil || account == "" {
		return nil, nil
	}
	p, err := w.p.o.Places.Place(w.call.Context, account)
	if err != nil {
		return nil, fmt.Errorf("finding the organization of account %s: %w", account, err)
	}
	w.call.RestOn(p.Stamps...)
	if w.tx != nil && p.Require != nil {
		w.requires = append(w.requires, p.Require)
	}
	return p, nil
}
