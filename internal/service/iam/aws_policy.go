package iam

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"claviger/internal/ground/policy"
)

// awsPolicies are the policies that AWS manages, as far as they are known here:
// those that users of this server's services need, and those that others commonly
// attach. Documents, paths, versions and dates are those of AWS, but three, which
// would be many times as large, say no more than what concerns the services that
// Claviger could have.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var awsPolicies = loadAWSPolicies(awsPoliciesJSON)

//go:embed aws_policies.json
var awsPoliciesJSON []byte

// An awsPolicy is a policy that AWS manages, with the document of its only version here.
type awsPolicy struct {
	managedPolicy
	document string

	compile sync.Once
	share   *share
	err     error
}

type awsCatalogue struct {
	byID   map[string]*awsPolicy
	byPath map[string]*awsPolicy // by path and name, such as /job-function/Billing
	list   []*awsPolicy          // in the order of folded names
}

func loadAWSPolicies(source []byte) *awsCatalogue {
	var entries []struct {
		Name        string          `json:"name"`
		Path        string          `json:"path"`
		Version     int             `json:"version"`
		Created     time.Time       `json:"created"`
		Updated     time.Time       `json:"updated"`
		Description string          `json:"description"`
		Document    json.RawMessage `json:"document"`
	}
	if err := json.Unmarshal(source, &entries); err != nil {
		panic("iam: aws_policies.json: " + err.Error())
	}
	c := &awsCatalogue{byID: make(map[string]*awsPolicy), byPath: make(map[string]*awsPolicy)}
	for _, e := range entries {
		var document bytes.Buffer
		if err := json.Indent(&document, e.Document, "", "    "); err != nil {
			panic("iam: aws_policies.json: " + e.Name + ": " + err.Error())
		}
		p := &awsPolicy{
			managedPolicy: managedPolicy{
				ID:          awsPolicyID(e.Path + e.Name),
				Account:     awsAccount,
				Path:        e.Path,
				Name:        e.Name,
				Description: e.Description,
				Created:     e.Created.Unix(),
				Updated:     e.Updated.Unix(),
				Default:     e.Version,
				Last:        e.Version,
				Versions:    []policyVersion{{Number: e.Version, Created: e.Updated.Unix()}},
			},
			document: document.String(),
		}
		c.byID[p.ID], c.byPath[p.Path+p.Name] = p, p
		c.list = append(c.list, p)
	}
	slices.SortFunc(c.list, func(a, b *awsPolicy) int { return compareFolded(a.Name, b.Name) })
	return c
}

// awsPolicyID is the unique id of a policy that AWS manages. It stands in the records of those
// who have the policy attached, and so must never change. AWS's own ids stand in no reference.
func awsPolicyID(pathAndName string) string {
	sum := sha256.Sum256([]byte("AWS managed policy " + pathAndName))
	return "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// compiled returns p ready for decisions, which call it name. It never changes.
func (p *awsPolicy) compiled(name string) (*share, error) {
	p.compile.Do(func() {
		c, err := policy.Compile(policy.Identity, name, []byte(p.document), nil)
		if err != nil {
			p.err = fmt.Errorf("compiling policy %s of AWS: %w", p.Name, err)
			return
		}
		p.share = &share{policies: []*policy.Policy{c}}
	})
	return p.share, p.err
}
