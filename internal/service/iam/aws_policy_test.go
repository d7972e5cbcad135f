package iam

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/words/principal"
)

// Every policy of the catalogue compiles and allows what its document allows, and has
// an id of its own that never changes.
func TestAWSPolicies(t *testing.T) {
	t.Parallel()
	c := awsPolicies()
	names := make(map[string]bool)
	for _, p := range c.list {
		if _, err := p.compiled(p.arn("aws")); err != nil {
			t.Error(err)
		}
		if !namePattern.MatchString(p.Name) || !policyPathPattern.MatchString(p.Path) || p.Default < 1 || p.Created == 0 || p.Updated < p.Created || names[fold(p.Name)] {
			t.Errorf("%+v", p.managedPolicy)
		}
		names[fold(p.Name)] = true
		if strings.ContainsAny(p.document, "\n") || c.byID[p.ID] != p || c.byPath[p.Path+p.Name] != p {
			t.Errorf("%s", p.Name)
		}
	}
	if len(names) < 1500 || len(c.byID) != len(names) || len(names) != strings.Count(awsDocuments, "\n") {
		t.Errorf("%d policies with %d ids and %d documents", len(names), len(c.byID), strings.Count(awsDocuments, "\n"))
	}
	if !slices.IsSortedFunc(c.list, func(a, b *awsPolicy) int { return compareFolded(a.Name, b.Name) }) {
		t.Error("the list is in no order")
	}
	const administrator = "ANPABMIQ4BM2HS3KINQ77"
	if id := c.byPath["/AdministratorAccess"].ID; id != administrator {
		t.Errorf("the id of AdministratorAccess is %s: whoever has it attached names %s", id, administrator)
	}
	const want = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	if got := c.byPath["/AdministratorAccess"]; got.document != want {
		t.Errorf("got %s", got.document)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(c.byPath["/AdministratorAccess"].shownDocument())); err != nil || compact.String() != want {
		t.Errorf("got %s (%v)", compact.String(), err)
	}
}

// What a statement allows without a condition on every resource is allowed by the
// compiled policy, and what no statement names is not.
func TestAWSPoliciesDecide(t *testing.T) {
	t.Parallel()
	caller := &policy.Caller{Kind: principal.User, Partition: "aws", Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ann"}
	allows := func(p *awsPolicy, action string) bool {
		c, err := p.compiled(p.arn("aws"))
		if err != nil {
			t.Fatal(err)
		}
		request := policy.Request{Action: action, Resource: "*", Caller: caller}
		return policy.Decide(&policy.Input{Request: request, ResourceAccount: caller.Account, Identity: c.policies}).Allowed
	}
	allowed, spared := 0, 0
	for _, p := range awsPolicies().list {
		var d struct{ Statement oneOrMore[statementShape] }
		if err := json.Unmarshal([]byte(p.document), &d); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		names := func(s statementShape) bool { return s.NotAction == nil && !slices.Contains(s.Action, "*") }
		if !slices.ContainsFunc(d.Statement, func(s statementShape) bool { return !names(s) }) {
			if spared++; allows(p, "nosuch:Thing") {
				t.Errorf("%s allows what it does not name", p.Name)
			}
		}
		if slices.ContainsFunc(d.Statement, func(s statementShape) bool { return s.Effect == "Deny" }) {
			continue
		}
		for _, s := range d.Statement {
			if s.Condition != nil || !names(s) || !slices.Contains(s.Resource, "*") {
				continue
			}
			for _, action := range []string{s.Action[0], s.Action[len(s.Action)-1]} { // all would be millions of comparisons
				if allowed++; !allows(p, strings.ReplaceAll(action, "*", "Some")) {
					t.Errorf("%s does not allow %s", p.Name, action)
				}
			}
		}
	}
	if allowed < 1000 || spared < 1000 {
		t.Errorf("only %d actions that are allowed, %d policies that spare one", allowed, spared)
	}
}

// A statementShape is what the test looks at in a statement.
type statementShape struct {
	Effect                      string
	Action, NotAction, Resource oneOrMore[string]
	Condition                   json.RawMessage
}

// oneOrMore is a value of a policy that may stand without its brackets.
type oneOrMore[T any] []T

func (o *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(o))
	}
	*o = make([]T, 1)
	return json.Unmarshal(b, &(*o)[0])
}

// Every service that may have a role finds the policies that AWS attaches to it, but
// for one whose document is not known here.
func TestPoliciesOfLinkedServices(t *testing.T) {
	t.Parallel()
	for service, s := range linkedServices {
		for _, name := range s.policies {
			if awsPolicies().byPath[serviceLinkedPath+name] == nil && name != "AmazonLexBotPolicy" {
				t.Errorf("%s: no policy %s", service, name)
			}
		}
	}
}

func TestSharesAreBounded(t *testing.T) {
	t.Parallel()
	var s shares
	for i := range sharesMax + 10 {
		s.keep(versionID(i), &share{})
	}
	if len(s.kept) != sharesMax {
		t.Errorf("%d are kept, want %d", len(s.kept), sharesMax)
	}
}
