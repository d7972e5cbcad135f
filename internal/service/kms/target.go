package kms

import (
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
)

// Resource types of records.
const (
	keyResource   = "AWS::KMS::Key"
	aliasResource = "AWS::KMS::Alias"
)

const aliasPrefix = "alias/"

// A reference is what a KeyId member names: a key or an alias of an account.
type reference struct {
	account string
	keyID   string // empty where an alias is named
	alias   string // "alias/…", empty where a key is named
	byARN   bool
}

// arn names what r refers to, in the call's Region.
func (r *reference) arn(c *operation.Call) string {
	resource := r.alias
	if resource == "" {
		resource = "key/" + r.keyID
	}
	return arn.ARN{Partition: c.Partition, Service: "kms", Region: c.Region, Account: r.account, Resource: resource}.String()
}

// refer reads a KeyId member: a key id, the ARN of a key, the name of an alias
// or the ARN of an alias. Ids and names belong to the caller's account; for a
// service that names no account they are nothing.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
func refer(c *operation.Call, text string) (reference, error) {
	if strings.HasPrefix(text, "arn:") {
		return referByARN(c, text)
	}
	switch account := c.Account(); {
	case account == "":
	case strings.HasPrefix(text, aliasPrefix):
		return reference{account: account, alias: text}, nil
	case isKeyID(text):
		return reference{account: account, keyID: text}, nil
	}
	return reference{}, fault.New(NotFound, "Invalid keyId '%s'", text)
}

func referByARN(c *operation.Call, text string) (reference, error) {
	a, ok := arn.Parse(text)
	if !ok || a.Service != "kms" || a.Partition != c.Partition || !arn.IsAccount(a.Account) {
		return reference{}, fault.New(InvalidARN, "Invalid arn: %s", text)
	}
	ref := reference{account: a.Account, byARN: true}
	if id, ok := strings.CutPrefix(a.Resource, "key/"); ok {
		ref.keyID = id
	} else if strings.HasPrefix(a.Resource, aliasPrefix) {
		ref.alias = a.Resource
	} else {
		return reference{}, fault.New(InvalidARN, "Invalid arn: %s", text)
	}
	if a.Region != c.Region {
		return reference{}, fault.New(NotFound, "Invalid arn %s", a.Region)
	}
	if ref.alias == "" && !isKeyID(ref.keyID) {
		return reference{}, fault.New(NotFound, "Invalid keyId '%s'", ref.keyID)
	}
	return ref, nil
}

// A target is the subject of a call on one key.
type target struct {
	reference
	conditions
	service *Service
	grants  grantSearch

	// key is nil where the call names something of another account that does
	// not exist: the caller is answered as if nothing had let it in.
	key *Key

	// blind says that the key was found through a ciphertext, so that a refusal
	// must not tell whether it exists.
	blind bool

	inside contents // of the ciphertext, in a decryption

	about string // ARN of the key; as it was named where there is no key
	owner string // account
}

// A keyReader is keyToUse or keyToChange.
type keyReader func(c *operation.Call, id string) (*Key, error)

// keyOrAlias finds the key for an operation that takes every form of KeyId.
func (s *Service) keyOrAlias(c *operation.Call, text string) (*target, error) {
	ref, err := refer(c, text)
	if err != nil {
		return nil, err
	}
	return s.find(c, ref, s.keyToUse)
}

// keyOnly finds the key for an operation that takes no alias.
func (s *Service) keyOnly(c *operation.Call, text string, read keyReader) (*target, error) {
	ref, err := refer(c, text)
	switch {
	case err != nil:
		return nil, err
	case ref.alias == "":
		return s.find(c, ref, read)
	case ref.byARN:
		return nil, errAlias
	default:
		return nil, fault.New(NotFound, "Invalid keyId '%s'", text)
	}
}

// find reads what ref names. What is missing in the caller's own account is
// NotFound; the caller has no business knowing what is missing in another.
func (s *Service) find(c *operation.Call, ref reference, read keyReader) (*target, error) {
	t := &target{reference: ref, service: s, owner: ref.account}
	id := ref.keyID
	if ref.alias != "" {
		a, err := s.aliasToUse(c, ref.account, ref.alias)
		if errors.Is(err, store.ErrNotFound) {
			return t.unbound(c)
		}
		if err != nil {
			return nil, err
		}
		id = a.keyID
	}
	k, err := read(c, id)
	switch {
	case err == nil && k.Account == ref.account:
		t.holds(c, k)
		return t, nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, err
	case ref.alias != "":
		return nil, fmt.Errorf("alias %s of account %s names key %s: %w", ref.alias, ref.account, id, store.ErrDamaged)
	default:
		return t.missing(c)
	}
}

// unbound is what becomes of a reference to an alias that has no key: it may be
// one of an AWS managed key that this call is the first to name.
func (t *target) unbound(c *operation.Call) (*target, error) {
	if t.foreign(c) {
		return t.missing(c)
	}
	k, err := t.service.unmade(c, t.reference.alias)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return t.missing(c)
	}
	t.holds(c, k)
	return t, nil
}

// holds makes k the target. The record names it at once, unless the caller
// doesn't know the key's ARN and may turn out to have no right to it.
func (t *target) holds(c *operation.Call, k *Key) {
	t.key = k
	t.about = k.ARN
	t.owner = k.Account
	t.conditions.of(&k.keyRecord)
	t.conditions.by(c)
	t.conditions.alias = t.reference.alias
	if !t.hidden(c) {
		c.Concerns(keyResource, k.ARN, k.Account)
	}
}

// foreign reports whether the target is of another account than the caller. All
// accounts are foreign to a service, also the one that it says it calls for.
func (t *target) foreign(c *operation.Call) bool { return t.owner != c.Caller.Principal.Account }

// hidden reports whether the caller, until allowed, must not learn the key's ARN.
func (t *target) hidden(c *operation.Call) bool {
	return t.foreign(c) && (t.blind || t.reference.alias != "")
}

// missing is what becomes of a reference to nothing. The record of a call on
// another account's key names the key as the caller did, whether it exists or not.
func (t *target) missing(c *operation.Call) (*target, error) {
	t.about = t.reference.arn(c)
	switch {
	case t.foreign(c):
		t.conditions.by(c)
		if t.reference.alias == "" {
			c.Concerns(keyResource, t.about, t.owner)
		}
		return t, nil
	case t.reference.alias != "":
		return nil, aliasMissing(t.about)
	default:
		return nil, keyMissing(t.about)
	}
}

// ask asks for one action on the key. crossAccount says whether callers of
// other accounts can be allowed at all.
func (t *target) ask(c *operation.Call, action string, crossAccount bool) authz.Ask {
	a := authz.Ask{
		Action:       action,
		Resource:     t.about,
		Account:      t.owner,
		Rule:         policy.ExplicitTrust,
		CrossAccount: crossAccount,
		Context:      &t.conditions,
	}
	if t.key != nil {
		a.Policy = t.key.policy
		a.Uncontrolled = t.key.Manager == managerAWS
		if need := setOf(strings.TrimPrefix(action, "kms:")); need != 0 && t.key.Grantees != 0 {
			t.grants = grantSearch{s: t.service, c: c, key: t.key, need: need, context: t.encryption}
			a.Grants = &t.grants
		}
	}
	switch {
	case t.blind:
		a.Refusal = errHidden
	case t.hidden(c):
		// An alias of another account: the usual text would give away that
		// the alias exists, and the id of its key.
		a.Refusal = fault.New(fault.AccessDenied,
			"User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %s action",
			c.Caller.Principal.ARN, action, t.reference.arn(c), action)
	}
	return a
}

// found returns the key of a call that was allowed, and has the record name it
// where it does not yet. An AWS managed key that does not exist yet is made first.
func (t *target) found(c *operation.Call) (*Key, error) {
	if t.key == nil { // no policy could allow it
		return nil, keyMissing(t.about)
	}
	if t.key.unmade != nil {
		return nil, t.service.makeManaged(c, t.key)
	}
	if t.hidden(c) {
		c.Concerns(keyResource, t.key.ARN, t.key.Account)
	}
	t.key.showStore(c)
	return t.key, nil
}

// asksOnKey makes the Asks of an operation that needs one action on one key.
func asksOnKey[In any](action string, crossAccount bool) func(*operation.Call, *In, *target, []authz.Ask) []authz.Ask {
	return func(c *operation.Call, _ *In, t *target, asks []authz.Ask) []authz.Ask {
		return append(asks, t.ask(c, action, crossAccount))
	}
}

// askOnAccount asks for an action without a resource type, or on a resource
// that has no policy of its own.
func askOnAccount(c *operation.Call, action, resource string, context *conditions) authz.Ask {
	return authz.Ask{
		Action:   action,
		Resource: resource,
		Account:  c.Account(),
		Rule:     policy.IdentityOnly,
		Context:  context,
	}
}
