package iam

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/session"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// errEnded says that a session has ended before its time: something that it
// rests on is gone.
var errEnded = errors.New("iam: the session has ended")

// rememberedFor is how long after its time a session is still refused by name.
// Its holder can't be kept from calling, and every such call takes a place in the
// trail: who comes later is a stranger.
const rememberedFor = 24 * time.Hour

// temporary returns the credential of a session token. Who the session acts as
// is read anew, so that it ends with its role, its user, its service or the
// access key that it was issued with. Sessions that are over are lent with a
// Refusal, and are not kept: whoever sends one has it opened each time. Of one
// whose time is over nothing is read: no signature has been verified yet.
func (s *Service) temporary(ctx context.Context, accessKeyID, token string) (*authz.Credential, error) {
	t, err := s.tokens.Open(accessKeyID, token)
	if err != nil {
		return nil, unrecognized()
	}
	over := s.now().Sub(t.Expires)
	if over >= rememberedFor {
		return nil, unrecognized()
	}
	lent := &authz.Credential{AccessKeyID: accessKeyID, Token: token, Secret: s.tokens.SecretAccessKey(accessKeyID)}
	if over >= 0 {
		lent.Caller, lent.Refusal = s.remembered(accessKeyID, t), expired()
	} else if s.lost != nil && s.lost(t.Position) {
		lent.Caller, lent.Refusal = s.remembered(accessKeyID, t), unrecognized()
	} else if lent.Caller, lent.Refusal, err = s.sessionCaller(ctx, accessKeyID, t); errors.Is(err, errEnded) {
		lent.Caller, lent.Refusal = s.remembered(accessKeyID, t), unrecognized()
	} else if err != nil {
		return nil, err
	}
	if lent.Refusal == nil {
		return s.lend(ctx, lent)
	}
	s.snapshots.forget(accessKeyID)
	lent.Caller = powerless(lent.Caller)
	return lent, nil
}

// powerless returns who c is, without anything that allows or that lasts.
func powerless(c *authz.Caller) *authz.Caller {
	return &authz.Caller{Principal: c.Principal, IssuedTo: c.IssuedTo, Via: c.Via}
}

// sessionCaller returns whom a session acts as. The error is errEnded where
// there is no such caller any more; a refusal is that of the user behind a
// session of forward access.
func (s *Service) sessionCaller(ctx context.Context, accessKeyID string, t *session.Session) (*authz.Caller, *fault.Fault, error) {
	read := s.roleSession
	switch t.Kind {
	case session.Forward:
		return s.forwarded(ctx, t)
	case session.User:
		read = s.userSession
	case session.Federated:
		read = s.federatedSession
	case session.AssumedRoot:
		read = s.rootSession
	case session.Role:
	default:
		return nil, nil, errEnded // a later version's, which says what this one can't know
	}
	var caller *authz.Caller
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		if caller, err = read(ctx, r, t); err != nil {
			return err
		}
		return s.limit(ctx, r, caller, t)
	})
	if err != nil {
		return nil, nil, err
	}
	caller.Expires = t.Expires
	begin(&caller.Principal, accessKeyID, t)
	return caller, nil, nil
}

// begin marks p as the author of a session.
func begin(p *principal.Principal, accessKeyID string, t *session.Session) {
	p.AccessKeyID = accessKeyID
	p.Since, p.MFA, p.SourceIdentity = t.Issued, t.MFA, t.SourceIdentity
}

// limit gives c the session policies of a session. Without any c keeps none: an empty list
// would allow nothing. A managed policy counts as it is now. A session has ended of which one
// is gone: it might have denied.
func (s *Service) limit(ctx context.Context, r store.Reader, c *authz.Caller, t *session.Session) error {
	for _, id := range t.Managed {
		p, err := s.sharedPolicy(ctx, r, id)
		if errors.Is(err, store.ErrNotFound) {
			return errEnded
		}
		if err != nil {
			return err
		}
		c.Session = append(c.Session, p.policies...)
		rest(c, &authz.Caller{Stamps: p.stamps, Require: p.require})
	}
	for _, text := range t.Policies {
		p, err := policy.Compile(policy.Identity, "session", []byte(text), nil)
		if err != nil {
			return fmt.Errorf("compiling a session policy of %s: %w", c.Principal.ID, err)
		}
		c.Session = append(c.Session, p)
	}
	return nil
}

// issuer returns the caller whose access key a session was issued with.
func (s *Service) issuer(ctx context.Context, r store.Reader, t *session.Session) (*authz.Caller, error) {
	if s.development && arn.IsAccount(t.IssuedWith) {
		caller, _, err := s.rootCaller(ctx, r, t.IssuedWith, t.IssuedWith)
		if errors.Is(err, store.ErrNotFound) {
			return nil, errEnded
		}
		return caller, err
	}
	_, caller, err := s.owner(ctx, r, t.IssuedWith)
	if fault.Is(err, fault.UnrecognizedClient) {
		return nil, errEnded
	}
	return caller, err
}

// userSession returns the user or root user who asked for a session.
func (s *Service) userSession(ctx context.Context, r store.Reader, t *session.Session) (*authz.Caller, error) {
	caller, err := s.issuer(ctx, r, t)
	if err != nil {
		return nil, err
	}
	p := &caller.Principal
	if p.Kind != principal.User && p.Kind != principal.Root || p.ID != t.ID || p.Account != t.Account {
		return nil, errEnded // the access key is another's now
	}
	return caller, nil
}

// everything is what a root user may do, in the language of policies: a session in
// its name is no root user, and needs a policy.
var everything = func() *policy.Policy {
	p, err := policy.Compile(policy.Identity, "root", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		panic("iam: " + err.Error())
	}
	return p
}()

// federatedSession returns a federated user: the user or root user who asked, under
// another name, with tags of its own over that one's.
func (s *Service) federatedSession(ctx context.Context, r store.Reader, t *session.Session) (*authz.Caller, error) {
	caller, err := s.userSession(ctx, r, t)
	if err != nil {
		return nil, err
	}
	if caller.Principal.Kind == principal.Root {
		caller.Identity = []*policy.Policy{everything}
	}
	federate(&caller.Principal, t.Name)
	p := &caller.Principal
	caller.Policy.Kind, caller.Policy.ARN, caller.Policy.IssuerARN = p.Kind, p.ARN, p.IssuerARN
	caller.Tags = overlay(caller.Tags, t.Tags)
	return caller, nil
}

// federate makes of the user or root user p one that it federates.
func federate(p *principal.Principal, name string) {
	p.IssuerARN, p.IssuerID, p.IssuerName = p.ARN, p.ID, p.Name
	p.Kind, p.Name = principal.FederatedUser, ""
	p.ARN = "arn:" + p.Partition + ":sts::" + p.Account + ":federated-user/" + name
	p.ID = p.Account + ":" + name
}

// service returns the service that a session was issued to, as it is registered now.
func (s *Service) service(ctx context.Context, r store.Reader, t *session.Session) (*authz.Caller, error) {
	caller, err := s.issuer(ctx, r, t)
	if err != nil {
		return nil, err
	}
	if p := &caller.Principal; p.Kind != principal.Service || p.Name != t.IssuedTo {
		return nil, errEnded
	}
	return caller, nil
}

// roleSession returns a session of a role.
func (s *Service) roleSession(ctx context.Context, r store.Reader, t *session.Session) (*authz.Caller, error) {
	caller, err := s.assumed(ctx, r, t)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errEnded
	}
	if err != nil {
		return nil, err
	}
	if caller.Principal.Account != t.Account {
		return nil, errEnded
	}
	if t.IssuedTo != "" {
		service, err := s.service(ctx, r, t)
		if err != nil {
			return nil, err
		}
		if t.Role != "" && (!service.Registration.Infrastructure || conventionalRole(t.IssuedTo) != t.Role) {
			return nil, errEnded
		}
		caller.IssuedTo, caller.IssuedWith = t.IssuedTo, t.IssuedWith
		rest(caller, service)
	}
	nameSession(&caller.Principal, t.Name)
	caller.Policy.ARN = caller.Principal.ARN
	caller.Tags = overlay(caller.Tags, t.Tags)
	caller.Transitive = t.Transitive
	return caller, nil
}

// assumed returns the role of a session. The error wraps store.ErrNotFound where
// it is gone.
func (s *Service) assumed(ctx context.Context, r store.Reader, t *session.Session) (*authz.Caller, error) {
	switch {
	case t.Role == "":
		return s.roleCaller(ctx, r, t.ID)
	case t.IssuedTo == "":
		return nil, errEnded // only services assume roles that exist by convention
	}
	exists, err := s.accountExists(ctx, r, t.Account)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, errEnded
	}
	p := s.conventional(t.Account, t.Role)
	return &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, IssuerARN: p.IssuerARN, ID: p.IssuerID},
		Stamps:    []store.Stamp{s.store.Stamp(r, accountEntity(t.Account))},
	}, nil
}

// conventional returns the issuer of sessions of a role that every account has
// without a record: such as aws:ec2-infrastructure. It has no policies.
func (s *Service) conventional(account, role string) principal.Principal {
	return principal.Principal{
		Kind:       principal.RoleSession,
		Partition:  s.partition,
		Account:    account,
		IssuerARN:  roleARN(s.partition, account, "/", role),
		IssuerID:   account + ":" + role,
		IssuerName: role,
	}
}

// nameSession gives the issuer of sessions the name of one.
func nameSession(p *principal.Principal, name string) {
	p.ARN = "arn:" + p.Partition + ":sts::" + p.Account + ":assumed-role/" + p.IssuerName + "/" + name
	p.ID = p.IssuerID + ":" + name
}

// overlay returns the tags of a role with those of a session over them. Their
// keys have no letter case, as in aws:PrincipalTag.
func overlay(under, over pairs.Map) pairs.Map {
	if len(over) == 0 {
		return under
	}
	taken := make(map[string]bool, len(over))
	for _, tag := range over {
		taken[policy.Fold(tag.Key)] = true
	}
	tags := make([]pairs.Pair, 0, len(under)+len(over))
	for _, tag := range under {
		if !taken[policy.Fold(tag.Key)] {
			tags = append(tags, tag)
		}
	}
	m, _ := pairs.New(append(tags, over...)) // what stood twice was left out
	return m
}

// forwarded returns the user of a session of forward access, with the service
// that acts for it. It rests on everything that the user's own credentials rest
// on, and on the service.
func (s *Service) forwarded(ctx context.Context, t *session.Session) (*authz.Caller, *fault.Fault, error) {
	var service *authz.Caller
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		service, err = s.service(ctx, r, t)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	own, err := s.Credential(ctx, t.AccessKeyID, t.Token)
	if fault.Is(err, fault.UnrecognizedClient) {
		return nil, nil, errEnded
	}
	if err != nil {
		return nil, nil, err
	}
	caller := *own.Caller
	if caller.Via != nil || caller.Principal.Kind == principal.Service || caller.Principal.Account != t.Account {
		return nil, nil, errEnded // forward access does not chain
	}
	if caller.IssuedTo != t.IssuedTo {
		caller.Principal.InvokedBy = t.IssuedTo
	}
	caller.Via = via(t, service.Registration)
	if caller.Expires.IsZero() || t.Expires.Before(caller.Expires) {
		caller.Expires = t.Expires
	}
	rest(&caller, service)
	return &caller, own.Refusal, nil
}

func via(t *session.Session, registration *authz.Registration) *authz.Via {
	address, _ := netip.ParseAddr(t.Address) // none where the service told none
	return &authz.Via{
		Registration: registration,
		Services:     []string{registration.Name},
		Region:       t.Region,
		Address:      address,
		UserAgent:    t.UserAgent,
	}
}

// remembered returns whom a session that is over acted as, as far as its token
// tells: for the record of the call that is refused.
func (s *Service) remembered(accessKeyID string, t *session.Session) *authz.Caller {
	if t.Kind == session.Forward {
		return s.rememberedForward(t)
	}
	c := &authz.Caller{Principal: s.bearer(t), IssuedTo: t.IssuedTo}
	begin(&c.Principal, accessKeyID, t)
	return c
}

// bearer returns the role session or user that a token is about.
func (s *Service) bearer(t *session.Session) principal.Principal {
	if t.Role != "" {
		p := s.conventional(t.Account, t.Role)
		nameSession(&p, t.Name)
		return p
	}
	p := principal.Principal{Partition: s.partition, Account: t.Account, ARN: t.ARN, ID: t.ID}
	name := t.ARN[strings.LastIndexByte(t.ARN, '/')+1:]
	switch {
	case t.Kind == session.Role:
		p.Kind, p.IssuerARN, p.IssuerID, p.IssuerName = principal.RoleSession, t.ARN, t.ID, name
		nameSession(&p, t.Name)
	case t.ID == t.Account:
		p.Kind = principal.Root
	default:
		p.Kind, p.Name = principal.User, name
	}
	if t.Kind == session.Federated {
		federate(&p, t.Name)
	}
	return p
}

// rememberedForward asks the user's own token, where there is one.
func (s *Service) rememberedForward(t *session.Session) *authz.Caller {
	c := &authz.Caller{Principal: s.bearer(t)}
	c.Principal.AccessKeyID = t.AccessKeyID
	if own, err := s.tokens.Open(t.AccessKeyID, t.Token); err == nil && own.Kind != session.Forward {
		c = s.remembered(t.AccessKeyID, own)
	}
	if c.IssuedTo != t.IssuedTo {
		c.Principal.InvokedBy = t.IssuedTo
	}
	c.Via = via(t, &authz.Registration{Name: t.IssuedTo})
	return c
}
