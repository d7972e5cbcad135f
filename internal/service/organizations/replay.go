package organizations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
)

// What took rights away is made again on a store that was put back as it was
// earlier, from the records of the trail; see package kms, which does the same.

// A replay makes a change again. It reports false where there is nothing to do.
type replay struct {
	about string   // what kind of thing the change was about
	names []string // members of the record that name it
	make  func(s *Service, ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error)
}

// replays lists what is made again. A policy or an account may belong to an
// organization that has several callers, so that ids alone name it; what has none
// is named by the account of the caller, which is the management account.
var replays = map[string]replay{
	"CloseAccount": {"closed", []string{"accountId"}, (*Service).closeAgain},

	"CreatePolicy": {"policy", []string{"policyId"}, (*Service).createPolicyAgain},
	"DeletePolicy": {"policy", []string{"policyId"}, (*Service).deletePolicyAgain},
	"UpdatePolicy": {"content", []string{"policyId"}, (*Service).updatePolicyAgain},
	"AttachPolicy": {"attached", []string{"policyId", "targetId"}, (*Service).attachAgain},
	"DetachPolicy": {"attached", []string{"policyId", "targetId"}, (*Service).detachAgain},

	"EnablePolicyType":  {"type", []string{"rootId", "policyType"}, (*Service).enableTypeAgain},
	"DisablePolicyType": {"type", []string{"rootId", "policyType"}, nothingAgain},

	"DeregisterDelegatedAdministrator": {"delegated", []string{"accountId", "servicePrincipal"}, (*Service).deregisterAgain},
	"RegisterDelegatedAdministrator":   {"delegated", []string{"accountId", "servicePrincipal"}, nothingAgain},
	"DisableAWSServiceAccess":          {"service", []string{"account", "servicePrincipal"}, (*Service).disableAccessAgain},
	"EnableAWSServiceAccess":           {"service", []string{"account", "servicePrincipal"}, nothingAgain},

	"CancelHandshake":  {"handshake", []string{"handshakeId"}, endAgain(handshakeCanceled)},
	"DeclineHandshake": {"handshake", []string{"handshakeId"}, endAgain(handshakeDeclined)},

	"PutResourcePolicy":    {"resource-policy", []string{"account"}, (*Service).putResourcePolicyAgain},
	"DeleteResourcePolicy": {"resource-policy", []string{"account"}, (*Service).deleteResourcePolicyAgain},

	"MoveAccount":        {"parent", []string{"accountId"}, (*Service).moveAgain},
	"CreateOrganization": {"organization", []string{"account"}, (*Service).otherOrganization},
	"DeleteOrganization": {"organization", []string{"account"}, (*Service).deleteOrganizationAgain},

	"AcceptHandshake":               {"member", []string{"account"}, (*Service).joinAgain},
	"LeaveOrganization":             {"member", []string{"account"}, (*Service).leaveAgain},
	"RemoveAccountFromOrganization": {"member", []string{"accountId"}, (*Service).leaveAgain},
}

// lostMember returns what a record says; its "account" is that of the caller.
func lostMember(l *operation.Lost, name string) string {
	if name == "account" {
		return l.Account
	}
	return l.Members[name]
}

// Trace says what a change was about, for Replay.
func (s *Service) Trace(l *operation.Lost) operation.Trace {
	r, known := replays[l.Name]
	if !known || l.Source != EventSource {
		return operation.Trace{}
	}
	if l.Name == "CreatePolicy" && l.Members["policyId"] == "" { // the answer has them, and no request
		l.Members["policyId"], l.Members["policyArn"] = l.Members["policy.policySummary.id"], l.Members["policy.policySummary.arn"]
	}
	t := operation.Trace{Subject: "organizations/" + r.about}
	for _, name := range r.names {
		value := lostMember(l, name)
		if value == "" {
			return operation.Trace{}
		}
		t.Subject += "/" + value
	}
	switch l.Name {
	case "UpdatePolicy":
		if l.Members["content"] == "" { // a new name limits nobody
			return operation.Trace{}
		}
	case "DisablePolicyType", "RegisterDelegatedAdministrator", "EnableAWSServiceAccess", "CreateOrganization":
		t.Gives = true
	}
	return t
}

// Replay makes a change again that the trail has and the store may not have. It
// returns what its record shall say, nil where there is nothing to do: because
// the store is as the change left it, or what it was about is not there.
func (s *Service) Replay(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	r := replays[l.Name]
	done, err := r.make(s, ctx, tx, l)
	if err != nil || !done {
		return nil, err
	}
	return l.Again(now, append(slices.Clone(r.names), "policyArn", "type", "name", "description", "content")...), nil
}

func nothingAgain(*Service, context.Context, store.Txn, *operation.Lost) (bool, error) {
	return false, nil
}

// A lostPlace is an organization in which a change was made, with the account or
// the unit that it was about.
type lostPlace struct {
	*organization
	at     store.Rev
	entity entity
}

// lostOrganization returns an organization by its id, nil where there is none.
func lostOrganization(ctx context.Context, tx store.Txn, id string) (*lostPlace, error) {
	o, rev, err := organizations.Get(ctx, tx, idKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading organization %s: %w", id, err)
	}
	return &lostPlace{organization: o, at: rev}, nil
}

// ownLost returns the organization that the caller of a change managed, nil where
// it manages none, or one that was made since.
func (s *Service) ownLost(ctx context.Context, tx store.Txn, l *operation.Lost) (*lostPlace, error) {
	o, rev, err := s.ofAccount(ctx, tx, l.Account)
	if err != nil || o == nil || o.Management != l.Account || time.Unix(o.Created, 0).After(l.Time) {
		return nil, err
	}
	return &lostPlace{organization: o, at: rev}, nil
}

// lostTarget returns an account, a unit or a root with its organization. It is nil
// where there is none, and for an account that has joined since.
func lostTarget(ctx context.Context, tx store.Txn, id string, l *operation.Lost) (*lostPlace, error) {
	var e entity
	var in string
	var err error
	if strings.HasPrefix(id, "r-") || strings.HasPrefix(id, "ou-") {
		e.unit, e.rev, err = units.Get(ctx, tx, idKey(id))
		if err == nil {
			in, e.attached = e.unit.Organization, &e.unit.Attached
		}
	} else {
		e.member, e.rev, err = members.Get(ctx, tx, idKey(id))
		if err == nil {
			in, e.attached = e.member.Organization, &e.member.Attached
		}
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && e.member != nil && e.member.Joined.After(l.Time) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", id, err)
	}
	e.arn = id
	o, err := lostOrganization(ctx, tx, in)
	if err != nil || o == nil {
		return nil, err
	}
	o.entity = e
	return o, nil
}

// put writes the organization, and what the change was about.
func (o *lostPlace) put(ctx context.Context, tx store.Txn) error {
	if o.entity.arn != "" {
		if err := o.entity.put(ctx, tx); err != nil {
			return err
		}
	}
	return o.organization.put(ctx, tx, o.at)
}

func (s *Service) closeAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := lostTarget(ctx, tx, l.Members["accountId"], l)
	if err != nil || o == nil || o.entity.member == nil || o.entity.member.State != stateActive {
		return false, err
	}
	o.entity.member.State = stateSuspended
	return true, o.put(ctx, tx)
}

// errMembership keeps an account where it is: on its own nothing of its old
// organization limits it any more, and nothing that lets in the organization lets it in.
var errMembership = fmt.Errorf("the account is in the organization again, which gives it rights as well as it takes some: %w", operation.ErrNotAgain)

func (s *Service) leaveAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	account := l.Members["accountId"]
	if account == "" {
		account = l.Account
	}
	o, err := lostTarget(ctx, tx, account, l)
	if err != nil || o == nil {
		return false, err
	}
	return false, errMembership
}

// errOutside keeps an account on its own.
var errOutside = fmt.Errorf("the account is not in the organization any more, whose policies limit it no longer: %w", operation.ErrNotAgain)

// joinAgain tells of an account that had joined an organization, where that is here.
func (s *Service) joinAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	a, _ := arn.Parse(l.Members["handshake.arn"])
	parts := strings.Split(a.Resource, "/")
	if len(parts) != 4 {
		return false, fmt.Errorf("record %d does not say which organization account %s joined: %w", l.Sequence, l.Account, operation.ErrNotAgain)
	}
	o, err := lostOrganization(ctx, tx, parts[1])
	if err != nil || o == nil {
		return false, err
	}
	m, _, err := members.Get(ctx, tx, idKey(l.Account))
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && m.Organization != o.ID:
		return false, errOutside
	case err != nil:
		return false, fmt.Errorf("reading account %s: %w", l.Account, err)
	}
	return false, nil
}

// errMoved keeps an account where it is: both places have policies that limit it.
var errMoved = fmt.Errorf("the account is where it was before, under other policies: %w", operation.ErrNotAgain)

func (s *Service) moveAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := lostTarget(ctx, tx, l.Members["accountId"], l)
	if err != nil || o == nil || o.entity.member == nil || o.entity.member.Parent == l.Members["destinationParentId"] {
		return false, err
	}
	return false, errMoved
}

// errOrganization keeps an organization with its policies, which limit its accounts.
var errOrganization = fmt.Errorf("an organization is there that was deleted: %w", operation.ErrNotAgain)

func (s *Service) deleteOrganizationAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := s.ownLost(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	return false, errOrganization
}

// otherOrganization tells of an organization in whose place another one was.
func (s *Service) otherOrganization(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := s.ownLost(ctx, tx, l)
	if err != nil || o == nil || !time.Unix(o.Created, 0).Before(l.Time.Truncate(time.Second)) {
		return false, err
	}
	return false, errOrganization
}

func (s *Service) deregisterAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := lostTarget(ctx, tx, l.Members["accountId"], l)
	if err != nil || o == nil || o.entity.member == nil {
		return false, err
	}
	m := o.entity.member
	at := m.delegation(l.Members["servicePrincipal"])
	if at < 0 {
		return false, nil
	}
	m.Delegations = slices.Delete(m.Delegations, at, at+1)
	return true, o.put(ctx, tx)
}

func (s *Service) disableAccessAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := s.ownLost(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	at := o.access(l.Members["servicePrincipal"])
	if at < 0 {
		return false, nil
	}
	o.Services = slices.Delete(o.Services, at, at+1)
	return true, o.put(ctx, tx)
}

// enableTypeAgain has policies of a type count. As before, every entity has AWS's
// own attached then, and nothing else.
func (s *Service) enableTypeAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	kind := controlOf(l.Members["policyType"])
	o, err := lostTarget(ctx, tx, l.Members["rootId"], l)
	if err != nil || o == nil || kind < 0 || o.Types[kind].Enabled {
		return false, err
	}
	o.Types[kind].Enabled, o.Types[kind].Since = true, l.Time
	return true, o.put(ctx, tx)
}

// endAgain ends an invitation that is open again.
func endAgain(state string) func(*Service, context.Context, store.Txn, *operation.Lost) (bool, error) {
	return func(_ *Service, ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
		h, rev, err := handshakes.Get(ctx, tx, idKey(l.Members["handshakeId"]))
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("reading handshake %s: %w", l.Members["handshakeId"], err)
		}
		if h.State != handshakeOpen {
			return false, nil
		}
		h.State, h.Ended = state, l.Time
		return true, putHandshake(ctx, tx, h, rev)
	}
}

// lostPolicy returns a policy of an organization, nil where there is none.
func lostPolicy(ctx context.Context, tx store.Txn, id string) (*controlPolicy, store.Rev, error) {
	p, rev, err := policies.Get(ctx, tx, idKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading policy %s: %w", id, err)
	}
	return p, rev, nil
}

// errNameTaken keeps a policy that was deleted since from being replaced.
var errNameTaken = fmt.Errorf("another policy has its name: %w", operation.ErrNotAgain)

// createPolicyAgain makes a policy under the id that it had, attached to nothing.
// Its tags are lost: only who may change it can depend on them.
func (s *Service) createPolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	id, kind := l.Members["policyId"], controlOf(l.Members["type"])
	p, _, err := lostPolicy(ctx, tx, id)
	if err != nil || p != nil || kind < 0 {
		return false, err
	}
	a, ok := arn.Parse(l.Members["policyArn"])
	parts := strings.Split(a.Resource, "/")
	if !ok || len(parts) != 4 {
		return false, fmt.Errorf("record %d does not say of which organization policy %s was: %w", l.Sequence, id, operation.ErrNotAgain)
	}
	o, err := lostOrganization(ctx, tx, parts[1])
	if err != nil || o == nil {
		return false, err
	}
	p = &controlPolicy{
		ID: id, Organization: o.ID, Management: o.Management, Type: kind,
		Name: l.Members["name"], Description: l.Members["description"], Content: l.Members["content"],
	}
	if err := controls[kind].check(p.Content); err != nil {
		return false, fmt.Errorf("record %d has no document for policy %s: %w", l.Sequence, id, operation.ErrNotAgain)
	}
	taken := func(*controlPolicy, store.Rev) error { return errNameTaken }
	if err := policies.Scan(ctx, tx, "name", policies.Indexed(p), nil, 1, taken); err != nil {
		return false, err
	}
	if err := policies.Insert(ctx, tx, p); err != nil {
		return false, fmt.Errorf("writing policy %s: %w", id, err)
	}
	o.Types[kind].Policies++
	return true, o.put(ctx, tx)
}

// errAttached keeps a policy that is attached again.
var errAttached = fmt.Errorf("the policy is attached: %w", operation.ErrNotAgain)

func (s *Service) deletePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := lostPolicy(ctx, tx, l.Members["policyId"])
	if err != nil || p == nil {
		return false, err
	}
	o, err := lostOrganization(ctx, tx, p.Organization)
	if err != nil || o == nil {
		return false, err
	}
	if o.targets(p) > 0 {
		return false, errAttached
	}
	if err := policies.Delete(ctx, tx, idKey(p.ID), rev); err != nil {
		return false, fmt.Errorf("deleting policy %s: %w", p.ID, err)
	}
	o.Types[p.Type].Policies--
	return true, o.put(ctx, tx)
}

// updatePolicyAgain puts the whole document, which may allow more than the one
// before it as well as less. Name and description stay as they are.
func (s *Service) updatePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := lostPolicy(ctx, tx, l.Members["policyId"])
	if err != nil || p == nil || p.Content == l.Members["content"] {
		return false, err
	}
	if err := controls[p.Type].check(l.Members["content"]); err != nil {
		return false, fmt.Errorf("the policy of record %d: %w", l.Sequence, err)
	}
	o, err := lostOrganization(ctx, tx, p.Organization)
	if err != nil || o == nil {
		return false, err
	}
	p.Content = l.Members["content"]
	if err := policies.Put(ctx, tx, p, rev); err != nil {
		return false, fmt.Errorf("writing policy %s: %w", p.ID, err)
	}
	return true, o.put(ctx, tx)
}

// attachable returns what a policy was attached to or detached from, with the
// policy. Both are nil where either is not there, or where policies of the type
// do not count, or have begun to since: that has detached all of them.
func attachable(ctx context.Context, tx store.Txn, l *operation.Lost) (*lostPlace, *controlPolicy, error) {
	o, err := lostTarget(ctx, tx, l.Members["targetId"], l)
	if err != nil || o == nil {
		return nil, nil, err
	}
	p, _, err := o.policy(ctx, tx, l.Members["policyId"])
	if err != nil || p == nil || !o.Types[p.Type].Enabled || l.Time.Before(o.Types[p.Type].Since) {
		return nil, nil, err
	}
	return o, p, nil
}

var (
	errAllows       = fmt.Errorf("the policy also allows, and attaching it could give rights: %w", operation.ErrNotAgain)
	errDenies       = fmt.Errorf("the policy also denies, and detaching it would give rights: %w", operation.ErrNotAgain)
	errFull         = fmt.Errorf("the target has as many policies as it can have: %w", operation.ErrNotAgain)
	errLastAttached = fmt.Errorf("the target has no other policy: %w", operation.ErrNotAgain)
)

// attachAgain attaches a policy that can only take rights away: it allows
// nothing, or the target has a policy that allows everything already.
func (s *Service) attachAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, p, err := attachable(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	ids := o.attached(o.entity.attached, p.Type)
	allows, _ := policy.Effects(p.Content)
	switch {
	case slices.Contains(ids, p.ID):
		return false, nil
	case len(ids) >= attachedMax:
		return false, errFull
	case allows && !slices.Contains(ids, controls[p.Type].every.ID):
		return false, errAllows
	}
	o.attach(o.entity.attached, p.Type, append(slices.Clone(ids), p.ID))
	if err := o.count(ctx, tx, p.ID, +1); err != nil {
		return false, err
	}
	return true, o.put(ctx, tx)
}

// detachAgain detaches a policy that denies nothing, where another one is left.
func (s *Service) detachAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, p, err := attachable(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	ids := o.attached(o.entity.attached, p.Type)
	at := slices.Index(ids, p.ID)
	_, denies := policy.Effects(p.Content)
	switch {
	case at < 0:
		return false, nil
	case denies:
		return false, errDenies
	case len(ids) == 1:
		return false, errLastAttached
	}
	o.attach(o.entity.attached, p.Type, slices.Delete(slices.Clone(ids), at, at+1))
	if err := o.count(ctx, tx, p.ID, -1); err != nil {
		return false, err
	}
	return true, o.put(ctx, tx)
}

// errLends keeps an organization without a resource policy, which only lets in.
var errLends = fmt.Errorf("there is no resource policy, and one could only give rights: %w", operation.ErrNotAgain)

// putResourcePolicyAgain puts the whole policy in place of another one. Users and
// roles that are not here are let in by nothing.
func (s *Service) putResourcePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := s.ownLost(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	if a, ok := arn.Parse(l.Members["resourcePolicy.resourcePolicySummary.arn"]); ok && !strings.HasPrefix(a.Resource, "resourcepolicy/"+o.ID+"/") {
		return false, nil // of an organization that is gone
	}
	p, rev, err := o.resourcePolicy(ctx, tx)
	content := l.Members["content"]
	switch {
	case err != nil:
		return false, err
	case p == nil:
		return false, errLends
	case p.Content == content:
		return false, nil
	case content == "":
		return false, fmt.Errorf("record %d has no policy: %w", l.Sequence, operation.ErrNotAgain)
	}
	named, err := policy.Compile(policy.Resource, p.ID, []byte(content), nil)
	if err != nil {
		return false, fmt.Errorf("the policy of record %d: %w", l.Sequence, err)
	}
	p.Content, p.Bound = content, make(map[string]string)
	for _, who := range named.Principals() {
		if a, ok := arn.Parse(who.Name); !ok || a.Resource == "root" {
			continue
		}
		id, exists, err := s.accounts.Principal(ctx, tx, who.Name)
		if err != nil {
			return false, fmt.Errorf("resolving principal %s: %w", who.Name, err)
		}
		if exists && id != "" {
			p.Bound[who.Name] = id
		}
	}
	if err := resourcePolicies.Put(ctx, tx, p, rev); err != nil {
		return false, fmt.Errorf("writing the resource policy of organization %s: %w", o.ID, err)
	}
	return true, o.put(ctx, tx)
}

func (s *Service) deleteResourcePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, err := s.ownLost(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	p, rev, err := o.resourcePolicy(ctx, tx)
	if err != nil || p == nil {
		return false, err
	}
	if err := resourcePolicies.Delete(ctx, tx, idKey(o.ID), rev); err != nil {
		return false, fmt.Errorf("deleting the resource policy of organization %s: %w", o.ID, err)
	}
	return true, o.put(ctx, tx)
}
