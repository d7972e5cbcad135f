package organizations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/pairs"
)

// attachedMax is how many policies of a type may be attached to one entity, and
// contentMax how many characters a document may have.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const (
	attachedMax = 5
	contentMax  = 5120
)

// A control is a type of policies that limit what may be done.
type control struct {
	name  string
	slug  string // in ARNs
	kind  policy.Kind
	most  int // policies of an organization
	every controlPolicy
}

// controls are the types that there are. Their order is that of everything that
// is kept of each.
var controls = [2]control{
	{
		name: "SERVICE_CONTROL_POLICY", slug: "service_control_policy", kind: policy.ServiceControl, most: 10000,
		every: controlPolicy{
			ID: "p-FullAWSAccess", Name: "FullAWSAccess", Description: "Allows access to every operation",
			Content: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}`,
		},
	},
	{
		name: "RESOURCE_CONTROL_POLICY", slug: "resource_control_policy", kind: policy.ResourceControl, most: 1000,
		every: controlPolicy{
			ID: "p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", Description: "Allows access to every resource", Type: 1,
			Content: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": "*",
      "Action": "*",
      "Resource": "*"
    }
  ]
}`,
		},
	},
}

// resourceControl is the place of resource control policies in controls.
const resourceControl = 1

// policyTypes are those that the API knows. Only the control policies can be used.
var policyTypes = []string{
	"SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY", "BACKUP_POLICY", "AISERVICES_OPT_OUT_POLICY", "CHATBOT_POLICY",
	"DECLARATIVE_POLICY_EC2", "SECURITYHUB_POLICY", "INSPECTOR_POLICY", "UPGRADE_ROLLOUT_POLICY", "BEDROCK_POLICY", "S3_POLICY",
	"NETWORK_SECURITY_DIRECTOR_POLICY",
}

// controlOf returns the place of a type in controls, -1 for one that limits nothing.
func controlOf(name string) int {
	return slices.IndexFunc(controls[:], func(c control) bool { return c.name == name })
}

// A controlPolicy is a policy of an organization, or one of AWS's own, which
// belongs to none.
type controlPolicy struct {
	ID           string    `json:"id"` // p-…
	Organization string    `json:"organization"`
	Management   string    `json:"management"`
	Type         int       `json:"type"` // place in controls
	Name         string    `json:"name"`
	Description  string    `json:"description,omitempty"`
	Content      string    `json:"content"`
	Tags         pairs.Map `json:"tags,omitempty"`

	// Targets is to how many entities it is attached, as of an epoch of its type.
	Targets int `json:"targets,omitempty"`
	Epoch   int `json:"epoch,omitempty"`
}

var policies = &store.Table[controlPolicy]{
	Schema: driver.Schema{
		Name:       "organizations_policy",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "organization"}, {Name: "type", Int: true}, {Name: "name"}},
		Indexes: []driver.IndexSchema{
			{Name: "organization", Columns: []string{"organization"}},
			{Name: "name", Columns: []string{"organization", "type", "name"}, Unique: true},
		},
	},
	Version: 1,
	Key:     func(p *controlPolicy) store.Key { return idKey(p.ID) },
	Indexed: func(p *controlPolicy) store.Key {
		return store.Key{store.S(p.Organization), store.N(int64(p.Type)), store.S(p.Name)}
	},
	Account: func(p *controlPolicy) string { return p.Management },
}

// managed reports whether the policy is one of AWS's own.
func (p *controlPolicy) managed() bool { return p.Organization == "" }

// policy returns a policy of the organization, or one of AWS's. It is nil where
// there is none. Of AWS's own the revision is zero.
func (o *organization) policy(ctx context.Context, r store.Reader, id string) (*controlPolicy, store.Rev, error) {
	for i := range controls {
		if controls[i].every.ID == id {
			return &controls[i].every, 0, nil
		}
	}
	p, rev, err := policies.Get(ctx, r, idKey(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && p.Organization != o.ID {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading policy %s: %w", id, err)
	}
	return p, rev, nil
}

func (o *organization) policyARN(partition string, p *controlPolicy) string {
	if p.managed() {
		return "arn:" + partition + ":organizations::aws:policy/" + controls[p.Type].slug + "/" + p.ID
	}
	return o.arn(partition, "policy", controls[p.Type].slug+"/"+p.ID)
}

// targets is to how many entities the policy is attached.
func (o *organization) targets(p *controlPolicy) int {
	if p.Epoch != o.Types[p.Type].Epoch {
		return 0
	}
	return p.Targets
}

// count adds n to the targets of a policy. AWS's own are not counted.
func (o *organization) count(ctx context.Context, tx store.Txn, id string, n int) error {
	p, rev, err := o.policy(ctx, tx, id)
	if err != nil {
		return err
	}
	if p == nil {
		return fmt.Errorf("policy %s of organization %s is attached and does not exist", id, o.ID)
	}
	if p.managed() {
		return nil
	}
	p.Targets, p.Epoch = o.targets(p)+n, o.Types[p.Type].Epoch
	if err := policies.Put(ctx, tx, p, rev); err != nil {
		return fmt.Errorf("counting the targets of policy %s: %w", id, err)
	}
	return nil
}

// check refuses a document that is too long or not of its type. AWS says no more
// of what is wrong.
func (c *control) check(content string) error {
	if utf8.RuneCountInString(content) > contentMax {
		return violates("POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum policy size.")
	}
	if _, err := policy.Compile(c.kind, "", []byte(content), nil); err != nil {
		return errMalformed
	}
	return nil
}

// attachments are the policies attached to an entity, by type.
type attachments [2]attachment

// An attachment has the ids of policies, as of an epoch of their type. In a
// newer epoch every entity has AWS's own policy attached, and nothing else.
type attachment struct {
	Epoch    int      `json:"epoch,omitempty"`
	Policies []string `json:"policies,omitempty"`
}

// attached returns the ids of the policies of a type that are attached to an
// entity. Before the first epoch no type was ever enabled.
func (o *organization) attached(a *attachments, kind int) []string {
	if a[kind].Epoch != o.Types[kind].Epoch || a[kind].Policies == nil {
		return []string{controls[kind].every.ID}
	}
	return a[kind].Policies
}

// attach sets the policies of a type that are attached to an entity.
func (o *organization) attach(a *attachments, kind int, ids []string) {
	a[kind] = attachment{Epoch: o.Types[kind].Epoch, Policies: ids}
}

// detachAll counts an entity out of the targets of its policies.
func (o *organization) detachAll(ctx context.Context, tx store.Txn, a *attachments) error {
	for kind := range controls {
		for _, id := range o.attached(a, kind) {
			if err := o.count(ctx, tx, id, -1); err != nil {
				return err
			}
		}
	}
	return nil
}

// A PolicySummary is what outputs show of a policy without its document.
type PolicySummary struct {
	ID          string `aws:"Id" audit:"id"`
	ARN         string `aws:"Arn" audit:"arn"`
	Name        string `aws:"Name" audit:"name"`
	Description string `aws:"Description" audit:"description"`
	Type        string `aws:"Type" audit:"type"`
	AWSManaged  bool   `aws:"AwsManaged" audit:"awsManaged"`
}

// A Policy as outputs show it.
type Policy struct {
	PolicySummary PolicySummary `aws:"PolicySummary" audit:"policySummary"`
	Content       string        `aws:"Content" audit:"content"`
}

func (o *organization) summary(partition string, p *controlPolicy) PolicySummary {
	return PolicySummary{
		ID:          p.ID,
		ARN:         o.policyARN(partition, p),
		Name:        p.Name,
		Description: p.Description,
		Type:        controls[p.Type].name,
		AWSManaged:  p.managed(),
	}
}

func (o *organization) shownPolicy(partition string, p *controlPolicy) Policy {
	return Policy{PolicySummary: o.summary(partition, p), Content: p.Content}
}
