package policies

import (
	"claviger/internal/ground/lint"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
)

// LintPoliciesInput asks for what is wrong with everything that is stored.
type LintPoliciesInput struct{}

// Validate accepts it.
func (in *LintPoliciesInput) Validate(*check.Checks) {}

// LintPoliciesOutput is what was found, account by account.
type LintPoliciesOutput struct{ Found []Found }

// A Found is a finding and what it is about.
type Found struct {
	About string
	lint.Finding
}

func (s *Service) lintPolicies() operation.Operation {
	return operation.Use[LintPoliciesInput, LintPoliciesOutput, struct{}, *LintPoliciesInput]{
		Name:    "LintPolicies",
		Actions: []string{"claviger:LintPolicies"},
		Asks:    asks[LintPoliciesInput]("claviger:LintPolicies"),
		Run:     s.runLintPolicies,
	}.Operation()
}

func (s *Service) runLintPolicies(c *operation.Call, _ *LintPoliciesInput, _ struct{}) (*LintPoliciesOutput, error) {
	out := &LintPoliciesOutput{}
	accounts, err := s.o.Identities.Accounts(c.Context)
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if err := s.o.Identities.EachStored(c.Context, r, account, func(d *authz.Stored) error { return out.lint(c, d) }); err != nil {
			return nil, err
		}
	}
	if err := s.o.Organizations.EachStored(c.Context, r, func(d *authz.Stored) error { return out.lint(c, d) }); err != nil {
		return nil, err
	}
	err = s.o.Keys.EachStored(c, func(d *authz.Stored) error {
		if err := out.lint(c, d); err != nil {
			return err
		}
		return s.lintGrants(c, d.About, out)
	})
	return out, err
}

// lint adds what is wrong with a document and with the texts beside it.
func (out *LintPoliciesOutput) lint(c *operation.Call, d *authz.Stored) error {
	about := d.About
	if d.Name != "" {
		about += " " + d.Name
	}
	if d.Type != "" {
		a, _ := arn.Parse(d.About)
		for _, f := range lint.Check(&lint.Document{Type: lint.Type(d.Type), Text: []byte(d.Text), Account: a.Account, ARN: d.About, Bound: d.Bound}) {
			out.Found = append(out.Found, Found{about, f})
		}
	}
	for _, text := range d.Texts {
		if lint.Secretive(text) {
			out.Found = append(out.Found, Found{about, lint.About("secret-text", "A name, tag or description looks like a secret.")})
		}
	}
	return c.Context.Err()
}

// lintGrants looks for grants of a key that are the same.
func (s *Service) lintGrants(c *operation.Call, key string, out *LintPoliciesOutput) error {
	first := map[string]string{}
	return s.o.Keys.EachGrant(c, key, func(g *authz.Held) error {
		if lint.Secretive(g.Name) {
			out.Found = append(out.Found, Found{key, lint.About("secret-text", "The name of grant %s looks like a secret.", g.ID)})
		}
		if id, ok := first[g.Equal]; ok {
			out.Found = append(out.Found, Found{key, lint.About("duplicate-grant", "Grant %s gives the same as grant %s.", g.ID, id)})
			return c.Context.Err()
		}
		first[g.Equal] = g.ID
		return c.Context.Err()
	})
}
