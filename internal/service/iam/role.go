package iam

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// rolesMax is the quota of roles per account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const rolesMax = 1000

// Bounds of what a role may let a session last, in seconds. The least is also
// what a role lets it last that says nothing else.
const (
	sessionDefault = 3600
	sessionMax     = 43200
)

// A role with everything that allows or denies: who may assume it, and what its
// sessions may do, stand in its own record, so that a missing row can only take
// rights away.
type role struct {
	ID          string    `json:"id"` // AROA…
	Account     string    `json:"account"`
	Path        string    `json:"path"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Created     int64     `json:"created"`            // seconds since 1970
	Longest     int       `json:"longest"`            // seconds that a session may last
	Trust       trust     `json:"trust"`              // who may assume it
	Tags        pairs.Map `json:"tags,omitempty"`     // keys are unique without their case
	Policies    pairs.Map `json:"policies,omitempty"` // documents of the inline policies by name

	Attached []attachment `json:"attached,omitempty"` // managed policies
	Boundary *attachment  `json:"boundary,omitempty"` // permissions boundary
	Profiles []string     `json:"profiles,omitempty"` // ids of the instance profiles that it is in
}

var roles = &store.Table[role]{
	Schema: driver.Schema{
		Name:       "iam_role",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "account"}, {Name: "folded"}},
		Indexes:    []driver.IndexSchema{{Name: "name", Columns: []string{"account", "folded"}, Unique: true}},
	},
	Version: 1,
	Key:     func(r *role) store.Key { return roleKey(r.ID) },
	Indexed: func(r *role) store.Key { return nameKey(r.Account, r.Name) },
	Account: func(r *role) string { return r.Account },
}

func roleKey(id string) store.Key { return store.Key{store.S(id)} }

// roleEntity is what everything that was read of a role rests on.
func roleEntity(id string) string { return "pr:" + id }

// findRole looks a role up by name. The role is nil where there is none.
func findRole(ctx context.Context, r store.Reader, account, name string) (*role, store.Rev, error) {
	var found *role
	var rev store.Rev
	err := roles.Scan(ctx, r, "name", nameKey(account, name), nil, 1, func(o *role, at store.Rev) error {
		found, rev = o, at
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("looking up role %s of account %s: %w", name, account, err)
	}
	return found, rev, nil
}

// putRole replaces a role's record. What rests on the role ends with this commit.
func putRole(ctx context.Context, tx store.Txn, o role, rev store.Rev) error {
	if err := roles.Put(ctx, tx, &o, rev); err != nil {
		return fmt.Errorf("writing role %s: %w", o.ID, err)
	}
	tx.Touch(roleEntity(o.ID))
	return nil
}

// holding is what o's own record says of its policies.
func (o *role) holding() holding {
	return holding{owner: "role " + o.ID, inline: o.Policies, attached: o.Attached, boundary: o.Boundary}
}

func (o *role) arn(partition string) string {
	return roleARN(partition, o.Account, o.Path, o.Name)
}

func roleARN(partition, account, path, name string) string {
	return "arn:" + partition + ":iam::" + account + ":role" + path + name
}

// roleCaller returns what all sessions of a role have in common: the role as
// the issuer, its compiled policies and its tags. The error wraps
// store.ErrNotFound where the role is gone.
func (s *Service) roleCaller(ctx context.Context, r store.Reader, id string) (*authz.Caller, error) {
	o, rev, err := roles.Get(ctx, r, roleKey(id))
	if err != nil {
		return nil, fmt.Errorf("reading role %s: %w", id, err)
	}
	if _, _, err := getAccount(ctx, r, o.Account); err != nil {
		return nil, err
	}
	p := principal.Principal{
		Kind:       principal.RoleSession,
		Partition:  s.partition,
		Account:    o.Account,
		IssuerARN:  o.arn(s.partition),
		IssuerID:   o.ID,
		IssuerName: o.Name,
	}
	caller := &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, IssuerARN: p.IssuerARN, ID: o.ID},
		Tags:      o.Tags,
		Stamps: []store.Stamp{
			s.store.Stamp(r, roleEntity(o.ID)),
			s.store.Stamp(r, accountEntity(o.Account)),
		},
		Require: func(tx store.Txn) { roles.Require(tx, roleKey(o.ID), rev) },
	}
	return caller, s.endow(ctx, r, caller, o.holding())
}

// compileInline compiles inline policies. owner stands in the error.
func compileInline(documents pairs.Map, owner string) ([]*policy.Policy, error) {
	policies := make([]*policy.Policy, len(documents))
	for i, p := range documents {
		var err error
		// A document that no longer compiles might deny: without it the caller
		// must not be judged.
		if policies[i], err = policy.Compile(policy.Identity, p.Key, []byte(p.Value), nil); err != nil {
			return nil, fmt.Errorf("compiling policy %s of %s: %w", p.Key, owner, err)
		}
	}
	return policies, nil
}

// A Role as outputs show it.
type Role struct {
	Path                     string              `aws:"Path" audit:"path"`
	RoleName                 string              `aws:"RoleName" audit:"roleName"`
	RoleID                   string              `aws:"RoleId" audit:"roleId"`
	ARN                      string              `aws:"Arn" audit:"arn"`
	CreateDate               time.Time           `aws:"CreateDate" audit:"createDate"`
	AssumeRolePolicyDocument string              `aws:"AssumeRolePolicyDocument,document" audit:"assumeRolePolicyDocument"`
	Description              optional.Of[string] `aws:"Description" audit:"description"`
	MaxSessionDuration       optional.Of[int]    `aws:"MaxSessionDuration" audit:"maxSessionDuration"`
	Tags                     []Tag               `aws:"Tags" audit:"tags"`
	RoleLastUsed             *RoleLastUsed       `aws:"RoleLastUsed"`

	PermissionsBoundary *AttachedPermissionsBoundary `aws:"PermissionsBoundary" audit:"permissionsBoundary"`
}

// RoleLastUsed is the last call that a session of a role made. It is empty where
// there was none.
type RoleLastUsed struct {
	LastUsedDate optional.Of[time.Time] `aws:"LastUsedDate"`
	Region       optional.Of[string]    `aws:"Region"`
}

// shownRole returns o as an output shows it, without its tags and its boundary: lists leave them out.
func (s *Service) shownRole(c *operation.Call, r store.Reader, o *role) (Role, error) {
	document, err := s.shownTrust(c.Context, r, &o.Trust)
	if err != nil {
		return Role{}, err
	}
	return Role{
		Path:                     o.Path,
		RoleName:                 o.Name,
		RoleID:                   o.ID,
		ARN:                      o.arn(c.Partition),
		CreateDate:               seconds(o.Created),
		AssumeRolePolicyDocument: document,
		Description:              optional.Of[string]{V: o.Description, Set: o.Description != ""},
		MaxSessionDuration:       optional.Some(o.Longest),
	}, nil
}

func (s *Service) shownWholeRole(c *operation.Call, r store.Reader, o *role) (Role, error) {
	out, err := s.shownRole(c, r, o)
	out.Tags = tagList(o.Tags)
	out.PermissionsBoundary = shownBoundary(o.Boundary)
	return out, err
}

// Role returns the role of an ARN, for whoever wants to assume it. It is nil
// where there is no such role: ARNs are distinguished by case, and the path is a
// part of them.
//
// Every account has the roles aws:LABEL-infrastructure by convention. They have
// no ID, no Trust and no policies: each belongs to one service, and nobody else
// may assume it.
func (s *Service) Role(ctx context.Context, r store.Reader, name string) (*authz.Role, error) {
	a, ok := arn.Parse(name)
	if !ok || a.Partition != s.partition || a.Service != "iam" || a.Region != "" || !arn.IsAccount(a.Account) {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(a.Resource, "role/")
	if !ok {
		return nil, nil
	}
	if isInfrastructure(rest) {
		return s.infrastructureRole(ctx, r, a.Account, rest)
	}
	o, err := s.roleOf(ctx, r, a, name)
	if o == nil || err != nil {
		return nil, err
	}
	trust, err := o.Trust.compile(name)
	if err != nil {
		return nil, err
	}
	return &authz.Role{
		Account: o.Account,
		Name:    o.Name,
		ARN:     name,
		ID:      o.ID,
		Longest: time.Duration(o.Longest) * time.Second,
		Trust:   trust,
		Tags:    o.Tags,
		Stamp:   s.store.Stamp(r, roleEntity(o.ID)),
	}, nil
}

// roleOf returns the role whose ARN is name, which was parsed into a; nil where
// there is none.
func (s *Service) roleOf(ctx context.Context, r store.Reader, a arn.ARN, name string) (*role, error) {
	o, _, err := findRole(ctx, r, a.Account, name[strings.LastIndexByte(name, '/')+1:])
	if err != nil || o == nil || o.arn(s.partition) != name {
		return nil, err
	}
	return o, nil
}

// isInfrastructure reports whether a name is that of a role that exists by
// convention. No role that somebody creates can have it, because of the colon.
func isInfrastructure(name string) bool {
	rest, ok := strings.CutPrefix(name, "aws:")
	label, ended := strings.CutSuffix(rest, "-infrastructure")
	return ok && ended && labelPattern.MatchString(label)
}

// labelPattern is that of the first label of a service principal's name.
var labelPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func (s *Service) infrastructureRole(ctx context.Context, r store.Reader, account, name string) (*authz.Role, error) {
	exists, err := s.accountExists(ctx, r, account)
	if !exists || err != nil {
		return nil, err
	}
	return &authz.Role{
		Account: account,
		Name:    name,
		ARN:     roleARN(s.partition, account, "/", name),
		Longest: sessionMax * time.Second,
		Stamp:   s.store.Stamp(r, accountEntity(account)),
	}, nil
}
