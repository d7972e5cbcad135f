package lint

import (
	"fmt"
	"io"
)

// A Class says how bad a finding is.
type Class string

// The classes.
const (
	Refused Class = "error"  // AWS refuses the document
	Danger  Class = "danger" // lets in more than somebody may have meant
	Inert   Class = "inert"  // has no effect
)

// A Rule is something that the lint finds. Its code never changes its meaning.
type Rule struct {
	Code   string
	Class  Class
	About  string // what it finds, for the page
	Advice string // what to do
}

// Rules are all rules, in the order of the page.
var Rules = []Rule{
	{"refused", Refused, "AWS refuses the document; the finding has its words", "Write it as the grammar of policies has it."},
	{"too-large", Refused, "the document is larger than what it is for may be", "Split it, or shorten it with wildcards and variables."},

	{"unknown-action", Inert, "a service that is known here has no such action", "Correct the name; a wildcard must match an action that exists."},
	{"unknown-key", Inert, "no request has such a condition key", "Correct the name of the key."},
	{"key-never-present", Inert, "no action of the statement has the condition key in its requests", "Drop the condition, or the actions that it can't be about."},
	{"multi-valued-key", Inert, "a plain operator never matches a key that holds several values", "Use ForAnyValue or ForAllValues."},
	{"literal-wildcard", Inert, "an operator without wildcards compares * and ? as they are", "Use the Like form of the operator."},
	{"literal-variable", Inert, "a document without the version 2012-10-17 has no variables", "Set Version to 2012-10-17."},
	{"wrong-operator", Inert, "the operator compares another type than the key has", "Use an operator of the type of the key."},
	{"no-values", Inert, "an operator without values never matches", "Name values, or drop the condition."},
	{"missing-element", Inert, "a statement of a key policy without actions or resources has no effect", "Add the element that is missing."},
	{"key-policy-resource", Inert, "the resource of a key policy is the key itself, and other resources match nothing", "Use \"*\"."},
	{"alias-resource", Inert, "an alias never stands for its key: only actions on aliases are asked about it", "Name the key, or \"*\" with a condition on kms:ResourceAliases or kms:RequestAlias."},
	{"key-policy-action", Inert, "a key policy can't allow an action that is not about a key", "Allow it in a policy of the principal."},
	{"gone-principal", Inert, "a unique id stands for a user or role that was deleted", "Drop it, or name who is there now."},
	{"shadowed", Inert, "another statement says the same of everything that the statement covers", "Drop the statement."},
	{"always-denied", Inert, "a Deny covers everything that the statement allows", "Drop one of the two."},

	{"public", Danger, "everybody is let in, of all accounts", "Name principals, or narrow them by a condition on aws:PrincipalOrgID, aws:PrincipalAccount or aws:SourceArn."},
	{"service-unbound", Danger, "a service is let in for whomever it works", "Add a condition on aws:SourceArn or aws:SourceAccount."},
	{"foreign-trust", Danger, "another account may assume the role without an external id", "Add a condition on sts:ExternalId, or name a principal of that account that you know."},
	{"not-principal", Danger, "NotPrincipal denies everybody whose whole chain it does not name", "Use Principal \"*\" with a condition on aws:PrincipalArn."},
	{"not-action", Danger, "Allow with NotAction allows all that is not named, also what does not exist yet", "Name the actions that are meant."},
	{"everything", Danger, "all actions are allowed on all resources", "Name the services and resources that are needed."},
	{"create-grant", Danger, "whoever is allowed to make grants can pass on every use of the key", "Add a condition on kms:GrantIsForAWSResource, kms:ViaService, kms:GrantOperations or kms:GrantConstraintType."},
	{"any-key", Danger, "plaintext of every key that delegates to the account can be had, whatever it was encrypted for", "Name keys, or add a condition on kms:ViaService, kms:ResourceAliases, aws:ResourceTag or the encryption context."},
	{"pass-role", Danger, "every role can be passed to every service", "Name the roles, and add a condition on iam:PassedToService."},
	{"lockout", Danger, "nobody may change the key policy any more", "Let an account or an administrator call kms:PutKeyPolicy."},
	{"vacuous-set", Danger, "an Allow with ForAllValues matches requests that lack the key", "Add Null with the value false for the key."},
	{"absent-passes", Danger, "an Allow with a negated operator matches requests that lack the key", "Add Null with the value false for the key, or say what is allowed instead."},
	{"secret-text", Danger, "what looks like a secret stands in a name, a tag, an id or a value that many can read", "Change the secret, and keep it in a key store."},
	{"duplicate-grant", Danger, "a key has grants that give the same to the same principal: revoking one ends nothing", "Revoke all but one."},
}

// rule finds a rule by its code.
func rule(code string) *Rule {
	for i := range Rules {
		if Rules[i].Code == code {
			return &Rules[i]
		}
	}
	panic("lint: no rule " + code)
}

// Page prints the rules.
func Page(w io.Writer) {
	fmt.Fprint(w, "# What `claviger policy lint` finds\n\nPrinted from the rules by `make golden`; a test fails when this page is stale.\n\n"+
		"An *error* is what AWS refuses, a *danger* lets in more than somebody may have meant, and what is *inert* has no effect.\n"+
		"A code never changes its meaning. `lint` ends with exit code 1 where it finds an error or a danger.\n")
	for _, class := range []struct {
		class Class
		title string
	}{{Refused, "Errors"}, {Danger, "Dangers"}, {Inert, "Inert"}} {
		fmt.Fprintf(w, "\n## %s\n\n| code | finds | what to do |\n| --- | --- | --- |\n", class.title)
		for _, r := range Rules {
			if r.Class == class.class {
				fmt.Fprintf(w, "| `%s` | %s | %s |\n", r.Code, r.About, r.Advice)
			}
		}
	}
}
