package organizations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/optional"
)

// Feature sets of an organization.
const (
	allFeatures = "ALL"
	billingOnly = "CONSOLIDATED_BILLING"
)

// An organization is the guard record of everything in it: whoever changes the
// tree, a policy or an attachment writes it, so that two such changes never
// pass each other, and so that a call which rests on its revision rests on all
// of them.
type organization struct {
	ID         string `json:"id"`         // o-…
	Management string `json:"management"` // account
	Root       string `json:"root"`       // r-…
	Features   string `json:"features"`
	Created    int64  `json:"created"`  // seconds since 1970
	Accounts   int    `json:"accounts"` // the management account is one
	Units      int    `json:"units"`

	Services []serviceAccess `json:"services,omitempty"` // that have access to all accounts

	// Types is what is true of each type of control policies, in their order.
	Types [2]typeState `json:"types"`
}

// A typeState says whether policies of a type count. What was attached in an
// earlier epoch is attached no more: disabling a type detaches all of them.
type typeState struct {
	Enabled  bool `json:"enabled,omitempty"`
	Epoch    int  `json:"epoch,omitempty"`
	Policies int  `json:"policies,omitempty"` // how many there are

	// Since is when the type was enabled last: what was attached before is attached
	// no more. It is zero where that was not written down.
	Since time.Time `json:"since,omitzero"`
}

var organizations = &store.Table[organization]{
	Schema:  driver.Schema{Name: "organizations_organization", PrimaryKey: []driver.Column{{Name: "id"}}},
	Version: 1,
	Key:     func(o *organization) store.Key { return idKey(o.ID) },
	Account: func(o *organization) string { return o.Management },
}

func idKey(id string) store.Key { return store.Key{store.S(id)} }

// organizationEntity is what everything rests on that was read of an organization.
func organizationEntity(id string) string { return "og:" + id }

// memberEntity is what rests on an account being a member of some organization, or of none.
func memberEntity(account string) string { return "om:" + account }

// put writes the organization. Everything that rests on it ends with this
// commit: a revision that is required must never change under a stamp that is current.
func (o *organization) put(ctx context.Context, tx store.Txn, rev store.Rev) error {
	if err := organizations.Put(ctx, tx, o, rev); err != nil {
		return fmt.Errorf("writing organization %s: %w", o.ID, err)
	}
	tx.Touch(organizationEntity(o.ID))
	return nil
}

// arn names something of the organization.
func (o *organization) arn(partition, kind, id string) string {
	return "arn:" + partition + ":organizations::" + o.Management + ":" + kind + "/" + o.ID + "/" + id
}

// An Organization as outputs show it.
type Organization struct {
	ID                   string              `aws:"Id" audit:"id"`
	ARN                  string              `aws:"Arn" audit:"arn"`
	FeatureSet           string              `aws:"FeatureSet" audit:"featureSet"`
	MasterAccountARN     string              `aws:"MasterAccountArn" audit:"masterAccountArn"`
	MasterAccountID      string              `aws:"MasterAccountId" audit:"masterAccountId"`
	MasterAccountEmail   optional.Of[string] `aws:"MasterAccountEmail"`
	AvailablePolicyTypes []PolicyTypeSummary `aws:"AvailablePolicyTypes" audit:"availablePolicyTypes"`
}

// shown returns o as outputs show it. AWS calls AvailablePolicyTypes misleading,
// and has it name one type: ListRoots tells what is enabled.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
func (o *organization) shown(c *operation.Call, email string) Organization {
	shown := Organization{
		ID:                   o.ID,
		ARN:                  "arn:" + c.Partition + ":organizations::" + o.Management + ":organization/" + o.ID,
		FeatureSet:           o.Features,
		MasterAccountARN:     o.arn(c.Partition, "account", o.Management),
		MasterAccountID:      o.Management,
		MasterAccountEmail:   optional.Of[string]{V: email, Set: email != ""},
		AvailablePolicyTypes: []PolicyTypeSummary{},
	}
	if o.Features == allFeatures {
		shown.AvailablePolicyTypes = []PolicyTypeSummary{{Type: controls[0].name, Status: "ENABLED"}}
	}
	return shown
}

// A Root as outputs show it.
type Root struct {
	ID          string              `aws:"Id" audit:"id"`
	ARN         string              `aws:"Arn" audit:"arn"`
	Name        string              `aws:"Name" audit:"name"`
	PolicyTypes []PolicyTypeSummary `aws:"PolicyTypes" audit:"policyTypes"`
}

// A PolicyTypeSummary says that policies of a type count.
type PolicyTypeSummary struct {
	Type   string `aws:"Type" audit:"type"`
	Status string `aws:"Status" audit:"status"`
}

func (o *organization) shownRoot(partition string) Root {
	r := Root{ID: o.Root, ARN: o.arn(partition, "root", o.Root), Name: rootName, PolicyTypes: []PolicyTypeSummary{}}
	for i := range controls {
		if o.Types[i].Enabled {
			r.PolicyTypes = append(r.PolicyTypes, PolicyTypeSummary{Type: controls[i].name, Status: "ENABLED"})
		}
	}
	return r
}

// ofAccount returns the organization of an account, and its revision. It is nil
// where the account is in none, or does not exist.
func (s *Service) ofAccount(ctx context.Context, r store.Reader, account string) (*organization, store.Rev, error) {
	m, err := s.accounts.Membership(ctx, r, account)
	if errors.Is(err, store.ErrNotFound) || err == nil && m.Organization == "" {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	o, rev, err := organizations.Get(ctx, r, idKey(m.Organization))
	if err != nil {
		return nil, 0, fmt.Errorf("reading organization %s of account %s: %w", m.Organization, account, err)
	}
	return o, rev, nil
}
