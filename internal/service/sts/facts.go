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

	requestTags  pairs.Map
	tagKeys      []string
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
		return text(f.externalID)
	case "sts:rolesessionname":
		return text(f.sessionName)
	case "sts:sourceidentity":
		return text(f.sourceIdentity)
	case "sts:transitivetagkeys":
		return texts(f.transitive)
	case "aws:tagkeys":
		return texts(f.tagKeys)
	case "iam:passedtoservice":
		return text(f.passedTo)
	}
	return policy.Values{}
}

func text(s string) policy.Values { return policy.Values{Present: s != "", One: s} }

func texts(s []string) policy.Values { return policy.Values{Present: len(s) > 0, Multi: true, Many: s} }
