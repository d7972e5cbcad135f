package sts

import (
	"claviger/internal/ground/policy"
	"claviger/internal/words/pairs"
)

// facts answer for the condition keys of an ask. What an operation does not set
// is absent.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
type facts struct {
	externalID     string
	sessionName    string
	sourceIdentity string
	passedTo       string // service to which a role is passed
	taskPolicy     string // ARN of the policy of a task

	requestTags  pairs.Map
	transitive   []string
	resourceTags pairs.Map // of the role
}

// Lookup implements policy.Context.
func (f *facts) Lookup(k *policy.Key) policy.Values {
	switch k.Prefix {
	case "aws:requesttag/":
		return policy.Named(f.requestTags, k.Suffix)
	case "aws:resourcetag/", "iam:resourcetag/":
		return policy.Named(f.resourceTags, k.Suffix)
	}
	switch k.Name {
	case "sts:externalid":
		return policy.Text(f.externalID)
	case "sts:rolesessionname":
		return policy.Text(f.sessionName)
	case "sts:sourceidentity":
		return policy.Text(f.sourceIdentity)
	case "sts:transitivetagkeys":
		return policy.Texts(f.transitive)
	case "aws:tagkeys":
		return policy.Texts(f.requestTags.Keys())
	case "sts:taskpolicyarn":
		return policy.Text(f.taskPolicy)
	case "iam:passedtoservice":
		return policy.Text(f.passedTo)
	}
	return policy.Values{}
}
