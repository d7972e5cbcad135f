package iam

import (
	"context"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// instanceProfilesMax is the quota of instance profiles per account. A profile has
// one role at most.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const instanceProfilesMax = 1000

// An instanceProfile hands a role to instances. The role's record names the
// profiles that it is in.
type instanceProfile struct {
	ID      string    `json:"id"` // AIPA…
	Account string    `json:"account"`
	Path    string    `json:"path"`
	Name    string    `json:"name"`
	Created int64     `json:"created"` // seconds since 1970
	Tags    pairs.Map `json:"tags,omitempty"`
	Role    string    `json:"role,omitempty"` // unique id
}

var instanceProfiles = &store.Table[instanceProfile]{
	Schema: driver.Schema{
		Name:       "iam_instance_profile",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "account"}, {Name: "folded"}},
		Indexes:    []driver.IndexSchema{{Name: "name", Columns: []string{"account", "folded"}, Unique: true}},
	},
	Version: 1,
	Key:     func(p *instanceProfile) store.Key { return instanceProfileKey(p.ID) },
	Indexed: func(p *instanceProfile) store.Key { return nameKey(p.Account, p.Name) },
	Account: func(p *instanceProfile) string { return p.Account },
}

func instanceProfileKey(id string) store.Key { return store.Key{store.S(id)} }

// instanceProfileEntity is what everything that was shown of a profile rests on.
func instanceProfileEntity(id string) string { return "ip:" + id }

func (p *instanceProfile) arn(partition string) string {
	return instanceProfileARN(partition, p.Account, p.Path, p.Name)
}

func instanceProfileARN(partition, account, path, name string) string {
	return "arn:" + partition + ":iam::" + account + ":instance-profile" + path + name
}

// putInstanceProfile replaces a profile's record. What was shown of it ends with this commit.
func putInstanceProfile(ctx context.Context, tx store.Txn, p instanceProfile, rev store.Rev) error {
	if err := instanceProfiles.Put(ctx, tx, &p, rev); err != nil {
		return fmt.Errorf("writing instance profile %s: %w", p.ID, err)
	}
	tx.Touch(instanceProfileEntity(p.ID))
	return nil
}

// A profileTarget is the instance profile that a call names, which may not exist.
type profileTarget struct {
	name    string // as the call names it
	profile *instanceProfile
	rev     store.Rev
}

// profileNamed finds the instance profile that a call names. One that does not
// exist is no error yet: whether the caller may know is decided first.
func (s *Service) profileNamed(c *operation.Call, name string) (profileTarget, error) {
	r, err := c.Reader()
	if err != nil {
		return profileTarget{}, err
	}
	t := profileTarget{name: name}
	err = instanceProfiles.Scan(c.Context, r, "name", nameKey(ownAccount(c), name), nil, 1, func(p *instanceProfile, at store.Rev) error {
		t.profile, t.rev = p, at
		return nil
	})
	if err != nil {
		return t, fmt.Errorf("looking up instance profile %s of account %s: %w", name, ownAccount(c), err)
	}
	if t.profile != nil {
		c.RestOn(s.store.Stamp(r, instanceProfileEntity(t.profile.ID)))
	}
	return t, nil
}

// ask is one permission on t. The path of a profile that does not exist is not
// known; the plain one stands for it.
func (t *profileTarget) ask(c *operation.Call, action string, f *facts) authz.Ask {
	if t.profile == nil {
		return ask(c, action, instanceProfileARN(c.Partition, ownAccount(c), "/", t.name), f)
	}
	f.resourceTags = t.profile.Tags
	return ask(c, action, t.profile.arn(c.Partition), f)
}

// exists refuses a target that does not exist. It is asked after the decision.
func (t *profileTarget) exists() error {
	if t.profile == nil {
		return noSuchInstanceProfile(t.name)
	}
	return nil
}

// A placement is a role and the instance profile that it is to be in, or to leave.
type placement struct {
	profileTarget
	role roleTarget
}

func (s *Service) placement(c *operation.Call, profile, role optional.Of[string]) (p placement, err error) {
	if p.profileTarget, err = s.profileNamed(c, profile.V); err != nil {
		return p, err
	}
	p.role, err = s.roleNamed(c, role.V)
	return p, err
}

// exists refuses a placement of which a part does not exist, or of a role that is
// linked to a service.
func (p *placement) exists() error {
	if err := p.profileTarget.exists(); err != nil {
		return err
	}
	return p.role.modifiable()
}

// An InstanceProfile as outputs show it.
type InstanceProfile struct {
	Path                string    `aws:"Path" audit:"path"`
	InstanceProfileName string    `aws:"InstanceProfileName" audit:"instanceProfileName"`
	InstanceProfileID   string    `aws:"InstanceProfileId" audit:"instanceProfileId"`
	ARN                 string    `aws:"Arn" audit:"arn"`
	CreateDate          time.Time `aws:"CreateDate" audit:"createDate"`
	Roles               []Role    `aws:"Roles" audit:"roles"`
	Tags                []Tag     `aws:"Tags" audit:"tags"`
}

// shownProfile returns p as an output shows it, without its tags: lists leave them
// out. Of its role it shows as little as CreateRole does.
func (s *Service) shownProfile(c *operation.Call, r store.Reader, p *instanceProfile) (InstanceProfile, error) {
	out := InstanceProfile{
		Path:                p.Path,
		InstanceProfileName: p.Name,
		InstanceProfileID:   p.ID,
		ARN:                 p.arn(c.Partition),
		CreateDate:          seconds(p.Created),
		Roles:               []Role{},
	}
	if p.Role == "" {
		return out, nil
	}
	o, _, err := roles.Get(c.Context, r, roleKey(p.Role))
	if err != nil {
		return out, fmt.Errorf("reading role %s of instance profile %s: %w", p.Role, p.ID, err)
	}
	c.RestOn(s.store.Stamp(r, roleEntity(o.ID)))
	shown, err := s.shownRole(c, r, o)
	if err != nil {
		return out, err
	}
	shown.Description, shown.MaxSessionDuration = optional.Of[string]{}, optional.Of[int]{}
	out.Roles = append(out.Roles, shown)
	return out, nil
}

func (s *Service) shownProfiles(c *operation.Call, page []*instanceProfile) ([]InstanceProfile, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	shown := make([]InstanceProfile, len(page))
	for i, p := range page {
		if shown[i], err = s.shownProfile(c, r, p); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func noSuchInstanceProfile(name string) error {
	return fault.New(NoSuchEntity, "Instance Profile %s cannot be found.", name)
}
