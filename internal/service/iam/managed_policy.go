package iam

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// Quotas of managed policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	managedPoliciesMax = 1500 // of an account
	versionsMax        = 5    // of a policy
	managedSizeMax     = 6144 // characters of a document without white space

	// managedBytesMax bounds the same document as it is kept: white space counts
	// nothing for the quota.
	managedBytesMax = 64 << 10
)

// awsAccount stands in the ARNs of the policies that AWS manages.
const awsAccount = "aws"

// A managedPolicy is a policy with a name of its own, which users, groups and roles
// can have attached or as their permissions boundary. Of its versions one is
// in force. The documents stand in rows of their own, so that a list of policies
// reads none of them.
type managedPolicy struct {
	ID          string          `json:"id"` // ANPA…
	Account     string          `json:"account"`
	Path        string          `json:"path"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Created     int64           `json:"created"`  // seconds since 1970
	Updated     int64           `json:"updated"`  // when the newest version was made
	Default     int             `json:"default"`  // number of the version in force
	Last        int             `json:"last"`     // the highest number that was ever given: none is given twice
	Versions    []policyVersion `json:"versions"` // oldest first
	Tags        pairs.Map       `json:"tags,omitempty"`
}

// A policyVersion is what a policy's record knows of a version.
type policyVersion struct {
	Number  int   `json:"number"`
	Created int64 `json:"created"`
}

var managedPolicies = &store.Table[managedPolicy]{
	Schema: driver.Schema{
		Name:       "iam_policy",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "account"}, {Name: "folded"}},
		Indexes:    []driver.IndexSchema{{Name: "name", Columns: []string{"account", "folded"}, Unique: true}},
	},
	Version: 1,
	Key:     func(p *managedPolicy) store.Key { return managedPolicyKey(p.ID) },
	Indexed: func(p *managedPolicy) store.Key { return nameKey(p.Account, p.Name) },
	Account: func(p *managedPolicy) string { return p.Account },
}

func managedPolicyKey(id string) store.Key { return store.Key{store.S(id)} }

// managedPolicyEntity is what everything that was read of a managed policy rests on.
func managedPolicyEntity(id string) string { return "po:" + id }

// A policyDocument is the document of one version. It never changes.
type policyDocument struct {
	Policy  string `json:"policy"`
	Number  int    `json:"number"`
	Account string `json:"account"`
	Text    string `json:"text"`
}

var policyDocuments = &store.Table[policyDocument]{
	Schema: driver.Schema{
		Name:       "iam_policy_document",
		PrimaryKey: []driver.Column{{Name: "policy"}, {Name: "number", Int: true}},
	},
	Version: 1,
	Key:     func(d *policyDocument) store.Key { return policyDocumentKey(d.Policy, d.Number) },
	Account: func(d *policyDocument) string { return d.Account },
}

func policyDocumentKey(id string, number int) store.Key {
	return store.Key{store.S(id), store.N(int64(number))}
}

// findManagedPolicy looks a customer managed policy up by name. The policy is nil where
// there is none.
func findManagedPolicy(ctx context.Context, r store.Reader, account, name string) (*managedPolicy, store.Rev, error) {
	var found *managedPolicy
	var rev store.Rev
	err := managedPolicies.Scan(ctx, r, "name", nameKey(account, name), nil, 1, func(p *managedPolicy, at store.Rev) error {
		found, rev = p, at
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("looking up policy %s of account %s: %w", name, account, err)
	}
	return found, rev, nil
}

// putManagedPolicy replaces the record of a policy. What rests on the policy ends with this commit.
func putManagedPolicy(ctx context.Context, tx store.Txn, p managedPolicy, rev store.Rev) error {
	if err := managedPolicies.Put(ctx, tx, &p, rev); err != nil {
		return fmt.Errorf("writing policy %s: %w", p.ID, err)
	}
	tx.Touch(managedPolicyEntity(p.ID))
	return nil
}

// document returns the text of a version of p.
func (p *managedPolicy) document(ctx context.Context, r store.Reader, number int) (string, error) {
	if p.Account == awsAccount {
		return awsPolicies().byID[p.ID].shownDocument(), nil
	}
	d, _, err := policyDocuments.Get(ctx, r, policyDocumentKey(p.ID, number))
	if errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("version %d of policy %s has no document: %w", number, p.ID, store.ErrDamaged)
	}
	if err != nil {
		return "", fmt.Errorf("reading version %d of policy %s: %w", number, p.ID, err)
	}
	return d.Text, nil
}

func (p *managedPolicy) arn(partition string) string {
	return managedPolicyARN(partition, p.Account, p.Path, p.Name)
}

func managedPolicyARN(partition, account, path, name string) string {
	return "arn:" + partition + ":iam::" + account + ":policy" + path + name
}

// version finds a version by its id; nil where there is none.
func (p *managedPolicy) version(id string) *policyVersion {
	for i := range p.Versions {
		if versionID(p.Versions[i].Number) == id {
			return &p.Versions[i]
		}
	}
	return nil
}

func versionID(number int) string { return "v" + strconv.Itoa(number) }

// checkManaged refuses a document that no managed policy can have.
func checkManaged(name, document string) error {
	if err := wellFormed(name, document); err != nil {
		return err
	}
	if characters, bytes := documentSize(document); characters > managedSizeMax || bytes > managedBytesMax {
		return fault.New(fault.LimitExceeded, "Cannot exceed quota for PolicySize: %d", managedSizeMax)
	}
	return nil
}

// A Policy is a managed policy as outputs show it. Description and Tags are absent in lists.
type Policy struct {
	PolicyName                    string              `aws:"PolicyName" audit:"policyName"`
	PolicyID                      string              `aws:"PolicyId" audit:"policyId"`
	ARN                           string              `aws:"Arn" audit:"arn"`
	Path                          string              `aws:"Path" audit:"path"`
	DefaultVersionID              string              `aws:"DefaultVersionId" audit:"defaultVersionId"`
	AttachmentCount               int                 `aws:"AttachmentCount" audit:"attachmentCount"`
	PermissionsBoundaryUsageCount int                 `aws:"PermissionsBoundaryUsageCount" audit:"permissionsBoundaryUsageCount"`
	IsAttachable                  bool                `aws:"IsAttachable" audit:"isAttachable"`
	Description                   optional.Of[string] `aws:"Description" audit:"description"`
	CreateDate                    time.Time           `aws:"CreateDate" audit:"createDate"`
	UpdateDate                    time.Time           `aws:"UpdateDate" audit:"updateDate"`
	Tags                          []Tag               `aws:"Tags" audit:"tags"`
}

// shown returns p as lists show it, with how often an account uses it.
func (p *managedPolicy) shown(partition string, u *policyUse) Policy {
	return Policy{
		PolicyName:                    p.Name,
		PolicyID:                      p.ID,
		ARN:                           p.arn(partition),
		Path:                          p.Path,
		DefaultVersionID:              versionID(p.Default),
		AttachmentCount:               u.Attachments,
		PermissionsBoundaryUsageCount: u.Boundaries,
		IsAttachable:                  p.attachable(),
		CreateDate:                    seconds(p.Created),
		UpdateDate:                    seconds(p.Updated),
	}
}

// attachable reports whether p can be attached. Policies of service-linked roles belong to
// their services.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
func (p *managedPolicy) attachable() bool {
	return p.Account != awsAccount || !strings.HasPrefix(p.Path, serviceLinkedPath)
}

// A PolicyVersion is a version of a managed policy as outputs show it. The
// document is shown by GetPolicyVersion alone.
type PolicyVersion struct {
	Document         optional.Of[string] `aws:"Document,document"`
	VersionID        string              `aws:"VersionId" audit:"versionId"`
	IsDefaultVersion bool                `aws:"IsDefaultVersion" audit:"isDefaultVersion"`
	CreateDate       time.Time           `aws:"CreateDate" audit:"createDate"`
}

func (p *managedPolicy) shownVersion(v *policyVersion) PolicyVersion {
	return PolicyVersion{VersionID: versionID(v.Number), IsDefaultVersion: v.Number == p.Default, CreateDate: seconds(v.Created)}
}
