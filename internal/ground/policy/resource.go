package policy

import (
	"slices"
	"strings"
)

// A resource is an entry of Resource or NotResource.
type resource struct {
	whole pattern

	// wide are the partition, service, Region and account of an entry that
	// covers all resources of an account (its last part is the lone *), nil for
	// others. Only such an entry, and the lone *, covers actions that have no
	// type of resource.
	wide []pattern
}

// everything reports whether r is the lone *.
func (r *resource) everything() bool { return r.whole.any() }

// newResource compiles an entry of a document of the given kind. Entries that can
// be the ARN of nothing are broken.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func newResource(kind Kind, text string, vars grammar) (resource, error) {
	if text == "*" {
		p, err := newPattern(text, wildcards)
		return resource{whole: p}, err
	}
	text = padded(kind, text)
	p, err := newPattern(text, wildcards|parted|vars)
	if err != nil {
		return resource{}, err
	}
	parts := strings.SplitN(text, ":", arnColons+1)
	if len(parts) <= arnColons || vars != 0 && hasEarlyVariable(parts) {
		p.broken = true
		return resource{whole: p}, nil
	}
	r := resource{whole: p}
	if parts[arnColons] == "*" {
		parts[2] = Fold(parts[2]) // matched with the vendor of an action
		for _, part := range parts[1:arnColons] {
			p, err := newPattern(part, wildcards)
			if err != nil {
				return resource{}, err
			}
			r.wide = append(r.wide, p)
		}
	}
	return r, nil
}

// padded adds the parts that a short ARN lacks, as wildcards. In the policies of
// resources that is done only where the ARN ends with a wildcard itself.
func padded(kind Kind, text string) string {
	if kind.namesPrincipals() && !strings.HasSuffix(text, "*") {
		return text
	}
	if missing := arnColons - strings.Count(text, ":"); missing > 0 && strings.HasPrefix(text, "arn:") {
		text += strings.Repeat(":*", missing)
	}
	return text
}

// hasEarlyVariable reports whether a variable stands before the fifth colon,
// where AWS resolves none.
func hasEarlyVariable(parts []string) bool {
	return slices.ContainsFunc(parts[:arnColons], func(part string) bool { return strings.Contains(part, "${") })
}

// match reports whether r covers the resource of q.
func (r *resource) match(q *question) bool {
	if q.resource != "*" {
		return r.everything() || r.whole.match(q.resource, q)
	}
	return r.everything() || r.wide != nil &&
		r.wide[0].match(q.caller.Partition, q) &&
		r.wide[1].matchFold(q.vendor, q) &&
		r.wide[2].match(q.region(), q) &&
		r.wide[3].match(q.account, q)
}

// partitions are those that a resource may name.
var partitions = []string{"*", "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}

// iamPaths are what the resource part of an IAM ARN may begin with.
var iamPaths = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// regionalS3Paths are what the resource part of an S3 ARN begins with where the
// resource is of a Region. Buckets and objects are of none.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var regionalS3Paths = []string{"accesspoint/", "access-grants/", "async-request/", "job/", "storage-lens/", "storage-lens-group/"}

// checkResource returns what AWS says of an entry that it refuses: errLegacy
// comes before most other complaints about a document, any other text after
// them.
func checkResource(text string) error {
	if text == "*" {
		return nil
	}
	parts := strings.SplitN(text, ":", arnColons+1)
	if len(parts) == 1 {
		return notARN(text)
	}
	if !slices.Contains(partitions, parts[1]) {
		return badPartition(parts)
	}
	switch {
	case parts[0] != "arn":
		return notARN(text)
	case len(parts) == 2 || strings.ContainsAny(parts[2], "*?$"):
		return errRegexVendor
	case parts[2] == "" || len(parts) <= arnColons && strings.Contains(text, "::"):
		return errLegacy
	}
	return checkService(text, parts)
}

func notARN(text string) error {
	return &Malformed{Message: "Resource " + text + ` must be in ARN format or "*".`}
}

// badPartition shows the entry as AWS understood it: as an ARN, with a wildcard
// for each part that is missing.
func badPartition(parts []string) error {
	shown := append([]string{"arn"}, parts[1:]...)
	for len(shown) <= arnColons {
		shown = append(shown, "*")
	}
	return &Malformed{Message: `Partition "` + parts[1] + `" is not valid for resource "` + strings.Join(shown, ":") + `".`}
}

// checkService holds the rules of IAM and S3 for their own ARNs.
func checkService(text string, parts []string) error {
	if len(parts) <= arnColons {
		return nil
	}
	service, region, path := parts[2], parts[3], parts[arnColons]
	switch {
	case service == "iam" && region != "":
		return &Malformed{Message: "IAM resource " + text + " cannot contain region information."}
	case service == "iam" && path != "*" && path != "root" && !beginsWithAny(path, iamPaths):
		return errIAMPath
	case service == "s3" && region != "" && !beginsWithAny(path, regionalS3Paths):
		return &Malformed{Message: "Resource " + text + " can not contain region information."}
	}
	return nil
}

func beginsWithAny(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}
