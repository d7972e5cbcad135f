package iam

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// GetAccountAuthorizationDetailsInput asks for a page of everything that allows and denies in the
// caller's account.
type GetAccountAuthorizationDetailsInput struct {
	Filter   []string            `aws:"Filter" audit:"filter"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
}

// Validate checks the limits of the public API.
func (in *GetAccountAuthorizationDetailsInput) Validate(c *check.Checks) {
	c.HideValues()
	c.EachEnum("filter", in.Filter, entityUser, entityRole, entityGroup, entityLocal, entityAWS)
	checkPage(c, in.Marker, in.MaxItems)
}

// detailsBytesMax bounds the documents of a page, in bytes: the item that passes it is the last.
// AWS, too, answers with fewer items than asked for.
const detailsBytesMax = 1 << 20

// GetAccountAuthorizationDetailsOutput is a page of users, then groups, roles, the managed policies
// of the account, and those of AWS that it uses, each in the order of their folded names.
type GetAccountAuthorizationDetailsOutput struct {
	UserDetailList  []UserDetail          `aws:"UserDetailList"`
	GroupDetailList []GroupDetail         `aws:"GroupDetailList"`
	RoleDetailList  []RoleDetail          `aws:"RoleDetailList"`
	Policies        []ManagedPolicyDetail `aws:"Policies"`
	IsTruncated     bool                  `aws:"IsTruncated"`
	Marker          optional.Of[string]   `aws:"Marker"`
}

// A UserDetail is a user with its policies. As AWS shows them, only its inline policies are
// left out where there are none.
type UserDetail struct {
	Path                    string                       `aws:"Path"`
	UserName                string                       `aws:"UserName"`
	UserID                  string                       `aws:"UserId"`
	ARN                     string                       `aws:"Arn"`
	CreateDate              time.Time                    `aws:"CreateDate"`
	UserPolicyList          []PolicyDetail               `aws:"UserPolicyList"`
	GroupList               []string                     `aws:"GroupList"`
	AttachedManagedPolicies []AttachedPolicy             `aws:"AttachedManagedPolicies"`
	PermissionsBoundary     *AttachedPermissionsBoundary `aws:"PermissionsBoundary"`
	Tags                    []Tag                        `aws:"Tags"`
}

// A GroupDetail is a group with its policies.
type GroupDetail struct {
	Path                    string           `aws:"Path"`
	GroupName               string           `aws:"GroupName"`
	GroupID                 string           `aws:"GroupId"`
	ARN                     string           `aws:"Arn"`
	CreateDate              time.Time        `aws:"CreateDate"`
	GroupPolicyList         []PolicyDetail   `aws:"GroupPolicyList"`
	AttachedManagedPolicies []AttachedPolicy `aws:"AttachedManagedPolicies"`
}

// A RoleDetail is a role with its policies.
type RoleDetail struct {
	Path                     string                       `aws:"Path"`
	RoleName                 string                       `aws:"RoleName"`
	RoleID                   string                       `aws:"RoleId"`
	ARN                      string                       `aws:"Arn"`
	CreateDate               time.Time                    `aws:"CreateDate"`
	AssumeRolePolicyDocument string                       `aws:"AssumeRolePolicyDocument,document"`
	InstanceProfileList      []InstanceProfile            `aws:"InstanceProfileList"`
	RolePolicyList           []PolicyDetail               `aws:"RolePolicyList"`
	AttachedManagedPolicies  []AttachedPolicy             `aws:"AttachedManagedPolicies"`
	PermissionsBoundary      *AttachedPermissionsBoundary `aws:"PermissionsBoundary"`
	Tags                     []Tag                        `aws:"Tags"`
}

// A PolicyDetail is an inline policy.
type PolicyDetail struct {
	PolicyName     string `aws:"PolicyName"`
	PolicyDocument string `aws:"PolicyDocument,document"`
}

// A ManagedPolicyDetail is a managed policy with its versions.
type ManagedPolicyDetail struct {
	PolicyName                    string              `aws:"PolicyName"`
	PolicyID                      string              `aws:"PolicyId"`
	ARN                           string              `aws:"Arn"`
	Path                          string              `aws:"Path"`
	DefaultVersionID              string              `aws:"DefaultVersionId"`
	AttachmentCount               int                 `aws:"AttachmentCount"`
	PermissionsBoundaryUsageCount int                 `aws:"PermissionsBoundaryUsageCount"`
	IsAttachable                  bool                `aws:"IsAttachable"`
	Description                   optional.Of[string] `aws:"Description"`
	CreateDate                    time.Time           `aws:"CreateDate"`
	UpdateDate                    time.Time           `aws:"UpdateDate"`
	PolicyVersionList             []PolicyVersion     `aws:"PolicyVersionList"`
}

// getAccountAuthorizationDetails implements GetAccountAuthorizationDetails.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func (s *Service) getAccountAuthorizationDetails() operation.Operation {
	return operation.Use[GetAccountAuthorizationDetailsInput, GetAccountAuthorizationDetailsOutput, struct{}, *GetAccountAuthorizationDetailsInput]{
		Name:    "GetAccountAuthorizationDetails",
		Actions: []string{"iam:GetAccountAuthorizationDetails"},
		Asks: func(c *operation.Call, _ *GetAccountAuthorizationDetailsInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:GetAccountAuthorizationDetails", "*", &facts{}))
		},
		Run: s.runGetAccountAuthorizationDetails,
	}.Operation()
}

func (s *Service) runGetAccountAuthorizationDetails(c *operation.Call, in *GetAccountAuthorizationDetailsInput, _ struct{}) (*GetAccountAuthorizationDetailsOutput, error) {
	filter := slices.Clone(in.Filter)
	slices.Sort(filter)
	l := listOf(c, "GetAccountAuthorizationDetails", strings.Join(slices.Compact(filter), "\x00"))
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	d := &details{
		s: s, c: c, r: r,
		at:  progress{after: after, left: in.MaxItems.Or(maxItemsDefault)},
		out: &GetAccountAuthorizationDetailsOutput{UserDetailList: []UserDetail{}, GroupDetailList: []GroupDetail{}, RoleDetailList: []RoleDetail{}, Policies: []ManagedPolicyDetail{}},
	}
	for _, part := range []struct {
		letter, kind string
		walk         func(after string) error
	}{
		{"a", entityUser, func(after string) error { return walk(c, users, after, d.user) }},
		{"b", entityGroup, func(after string) error { return walk(c, groups, after, d.group) }},
		{"c", entityRole, func(after string) error { return walk(c, roles, after, d.role) }},
		{"d", entityLocal, func(after string) error { return walk(c, managedPolicies, after, d.local) }},
		{"e", entityAWS, d.aws},
	} {
		if len(filter) > 0 && !slices.Contains(filter, part.kind) {
			continue
		}
		if after, ok := d.at.part(part.letter); ok {
			if err := part.walk(after); err != nil {
				return nil, err
			}
		}
	}
	if d.at.more {
		d.out.IsTruncated, d.out.Marker = true, s.marker(l, d.at.last)
	}
	return d.out, nil
}

// details is a page in the making. Its methods add an item, and report false where
// the page is full.
type details struct {
	s   *Service
	c   *operation.Call
	r   store.Reader
	at  progress
	out *GetAccountAuthorizationDetailsOutput

	bytes int // of the documents so far
}

// weigh notes the size of a document.
func (d *details) weigh(text string) {
	if d.bytes += len(text); d.bytes > detailsBytesMax {
		d.at.left = 0
	}
}

func (d *details) user(u *user) (bool, error) {
	if !d.at.take("a", u.Name) {
		return false, nil
	}
	all, err := groupsOf(d.c.Context, d.r, u)
	if err != nil {
		return false, err
	}
	names := make([]string, len(all))
	for i, g := range all {
		names[i] = g.Name
	}
	var inline []PolicyDetail
	if len(u.Policies) > 0 {
		inline = d.inline(u.Policies)
	}
	d.out.UserDetailList = append(d.out.UserDetailList, UserDetail{
		Path:                    u.Path,
		UserName:                u.Name,
		UserID:                  u.ID,
		ARN:                     u.arn(d.c.Partition),
		CreateDate:              seconds(u.Created),
		UserPolicyList:          inline,
		GroupList:               names,
		AttachedManagedPolicies: shownAttachments(u.Attached),
		PermissionsBoundary:     shownBoundary(u.Boundary),
		Tags:                    append([]Tag{}, tagList(u.Tags)...),
	})
	return true, nil
}

func (d *details) group(g *group) (bool, error) {
	if !d.at.take("b", g.Name) {
		return false, nil
	}
	d.out.GroupDetailList = append(d.out.GroupDetailList, GroupDetail{
		Path:                    g.Path,
		GroupName:               g.Name,
		GroupID:                 g.ID,
		ARN:                     g.arn(d.c.Partition),
		CreateDate:              seconds(g.Created),
		GroupPolicyList:         d.inline(g.Policies),
		AttachedManagedPolicies: shownAttachments(g.Attached),
	})
	return true, nil
}

func (d *details) role(o *role) (bool, error) {
	if !d.at.take("c", o.Name) {
		return false, nil
	}
	trust, err := d.s.shownTrust(d.c.Context, d.r, &o.Trust)
	if err != nil {
		return false, err
	}
	d.weigh(trust)
	profiles := make([]InstanceProfile, len(o.Profiles))
	for i, id := range slices.Sorted(slices.Values(o.Profiles)) {
		p, _, err := instanceProfiles.Get(d.c.Context, d.r, instanceProfileKey(id))
		if err != nil {
			return false, fmt.Errorf("reading instance profile %s: %w", id, err)
		}
		if profiles[i], err = d.s.shownProfile(d.c, d.r, p); err != nil {
			return false, err
		}
	}
	d.out.RoleDetailList = append(d.out.RoleDetailList, RoleDetail{
		Path:                     o.Path,
		RoleName:                 o.Name,
		RoleID:                   o.ID,
		ARN:                      o.arn(d.c.Partition),
		CreateDate:               seconds(o.Created),
		AssumeRolePolicyDocument: trust,
		InstanceProfileList:      profiles,
		RolePolicyList:           d.inline(o.Policies),
		AttachedManagedPolicies:  shownAttachments(o.Attached),
		PermissionsBoundary:      shownBoundary(o.Boundary),
		Tags:                     append([]Tag{}, tagList(o.Tags)...),
	})
	return true, nil
}

func (d *details) local(p *managedPolicy) (bool, error) { return d.policy("d", p) }

// aws adds the policies of AWS that the account uses and whose folded name is greater than after.
func (d *details) aws(after string) error {
	uses, err := policyUsesOf(d.c.Context, d.r, ownAccount(d.c))
	if err != nil {
		return err
	}
	for _, p := range awsPolicies().list {
		if uses[p.ID] == nil || fold(p.Name) <= after {
			continue
		}
		if more, err := d.policy("e", &p.managedPolicy); !more || err != nil {
			return err
		}
	}
	return nil
}

func (d *details) policy(letter string, p *managedPolicy) (bool, error) {
	u, _, err := getPolicyUse(d.c.Context, d.r, ownAccount(d.c), p.ID)
	if err != nil {
		return false, err
	}
	if p.Account == awsAccount && u.Attachments == 0 && u.Boundaries == 0 {
		return true, nil
	}
	if !d.at.take(letter, p.Name) {
		return false, nil
	}
	versions := make([]PolicyVersion, len(p.Versions))
	for i := range p.Versions {
		v := &p.Versions[len(p.Versions)-1-i] // the newest first
		text, err := p.document(d.c.Context, d.r, v.Number)
		if err != nil {
			return false, err
		}
		d.weigh(text)
		versions[i] = p.shownVersion(v)
		versions[i].Document = optional.Some(text)
	}
	shown := p.shown(d.c.Partition, u)
	d.out.Policies = append(d.out.Policies, ManagedPolicyDetail{
		PolicyName:                    shown.PolicyName,
		PolicyID:                      shown.PolicyID,
		ARN:                           shown.ARN,
		Path:                          shown.Path,
		DefaultVersionID:              shown.DefaultVersionID,
		AttachmentCount:               shown.AttachmentCount,
		PermissionsBoundaryUsageCount: shown.PermissionsBoundaryUsageCount,
		IsAttachable:                  shown.IsAttachable,
		Description:                   optional.Of[string]{V: p.Description, Set: p.Description != ""},
		CreateDate:                    shown.CreateDate,
		UpdateDate:                    shown.UpdateDate,
		PolicyVersionList:             versions,
	})
	return true, nil
}

func (d *details) inline(documents pairs.Map) []PolicyDetail {
	list := make([]PolicyDetail, len(documents))
	for i, p := range documents {
		d.weigh(p.Value)
		list[i] = PolicyDetail{PolicyName: p.Key, PolicyDocument: p.Value}
	}
	return list
}
