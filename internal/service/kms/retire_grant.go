package kms

import (
	"errors"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// RetireGrantInput asks for a grant to be deleted, by who is done with it. The
// grant is named by a token, or by its key and its id.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html
type RetireGrantInput struct {
	GrantToken optional.Of[string] `aws:"GrantToken"`
	KeyID      optional.Of[string] `aws:"KeyId"`
	GrantID    optional.Of[string] `aws:"GrantId"`
	DryRun     optional.Of[bool]   `aws:"DryRun"`
}

// Validate checks the limits of the public model, and that one grant is named
// in one way.
func (in *RetireGrantInput) Validate(c *check.Checks) {
	c.Bytes("grantToken", in.GrantToken.Set, len(in.GrantToken.V), 1, grantTokenMax)
	c.Length("keyId", in.KeyID, 1, keyIDMax)
	if ids := in.KeyID.Set && in.GrantID.Set; in.GrantToken.Set == ids || in.KeyID.Set != in.GrantID.Set {
		c.Refuse(validation("Specify either a grant token or both a key ID and a grant ID."))
	}
	checkGrantID(c, in.GrantID)
}

// retirement is the subject of a RetireGrant.
type retirement struct {
	*target
	caller *authz.Caller
	id     string

	// grant is nil where there is none, of which the caller is not to know.
	grant *grantRecord
	rev   store.Rev
}

func (s *Service) retireGrant() operation.Operation {
	return operation.Change[RetireGrantInput, operation.None, *retirement, *RetireGrantInput]{
		Name:    "RetireGrant",
		Actions: []string{"kms:RetireGrant"},
		Subject: s.retirement,
		Asks: func(c *operation.Call, _ *RetireGrantInput, r *retirement, asks []authz.Ask) []authz.Ask {
			return append(asks, r.ask(c))
		},
		Run: s.runRetireGrant,
	}.Operation()
}

// retirement finds the grant that is to end. Where it is missing, the caller is
// told so if the key is of its account, or it is a service; to anybody else a
// grant that is missing is one that lets nobody retire it.
func (s *Service) retirement(c *operation.Call, in *RetireGrantInput) (*retirement, error) {
	r := &retirement{caller: c.Caller, id: in.GrantID.V}
	var err error
	if in.GrantToken.Set {
		r.target, r.id, err = s.keyOfToken(c, in.GrantToken.V)
	} else {
		r.target, err = s.keyOnly(c, in.KeyID.V, s.keyToChange)
	}
	if err == nil && r.key == nil && c.Caller.Principal.Kind == principal.Service {
		err = grantMissing(r.id) // as of a key that exists: nobody tells a service which do
	}
	if err != nil || r.key == nil {
		return r, err
	}
	if !r.hidden(c) {
		c.ShowAdditional("grantId", r.id)
	}
	reader, err := c.Reader()
	if err != nil {
		return nil, err
	}
	r.grant, r.rev, err = readGrant(c.Context, reader, r.key.Region, r.key.ID, r.id)
	switch {
	case err == nil:
		r.encryption = r.grant.Constraint.Pairs
		r.conditions.grant = &grantConditions{constraint: constraint{Kind: r.grant.Constraint.Kind}}
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	case !r.foreign(c) || c.Caller.Principal.Kind == principal.Service:
		return nil, grantMissing(r.id)
	}
	return r, nil
}

// keyOfToken finds the key of the grant that a token names, and the grant's id.
// Who has a token need not know either.
func (s *Service) keyOfToken(c *operation.Call, token string) (*target, string, error) {
	named, err := s.openToken(token)
	if err != nil {
		return nil, "", err
	}
	if named.Region != c.Region {
		return nil, "", errTokenOfNothing
	}
	k, err := s.keyToChange(c, named.KeyID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, "", errTokenOfNothing
	}
	if err != nil {
		return nil, "", err
	}
	t := &target{service: s, blind: true, owner: k.Account}
	t.holds(c, k)
	return t, named.GrantID, nil
}

var errTokenOfNothing = &fault.Fault{Code: NotFound, Message: "The grant of the grant token does not exist."}

// ask asks whether the caller may retire the grant. Only the grant itself lets
// anybody in.
func (r *retirement) ask(c *operation.Call) authz.Ask {
	ask := r.target.ask(c, "kms:RetireGrant", true)
	ask.Grants, ask.Refusal = nil, nil
	if r.grant != nil {
		ask.Grants = r
	}
	if r.hidden(c) {
		ask.Refusal = fault.New(fault.AccessDenied,
			"User: %s is not authorized to perform: kms:RetireGrant on resource: * because no resource-based policy allows the kms:RetireGrant action",
			c.Caller.Principal.ARN)
	}
	return ask
}

// Find implements authz.Grants: the retiring principal may retire the grant, so
// may the grantee if the grant says so, and for the account that issued it, or
// owns the key, whoever it allows to. A retiring principal or a grantee of
// another account needs no permission of its own.
// https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
func (r *retirement) Find(j *authz.Judge) (bool, error) {
	account := r.caller.Principal.Account
	admits := func(grade policy.Grade) bool { return grade != policy.None && j.Admits(grade, account) }
	if admits(gradeOf(r.grant.Retirer.Bound, r.caller)) {
		return true, nil
	}
	if r.grant.Operations.has(retiresGrants) && admits(gradeOf(r.grant.Grantee.Bound, r.caller)) {
		return true, nil
	}
	ours := account != "" && (account == r.grant.Issuer || account == r.grant.Account)
	return ours && admits(policy.Account), nil
}

func (s *Service) runRetireGrant(c *operation.Call, tx store.Txn, in *RetireGrantInput, r *retirement) (*operation.None, error) {
	k, err := r.found(c)
	if err != nil {
		return nil, err
	}
	if r.grant == nil { // nothing could let the caller in
		return nil, grantMissing(r.id)
	}
	if r.hidden(c) {
		c.ShowAdditional("grantId", r.id)
	}
	return s.endGrant(c, tx, k, r.grant, r.rev, in.DryRun)
}
