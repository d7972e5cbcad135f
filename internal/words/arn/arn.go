// Package arn parses and prints Amazon Resource Names.
//
// An ARN is six parts separated by colons; the last part may contain colons.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
package arn

import "strings"

// ARN is the name of a resource. The zero value names nothing.
type ARN struct {
	Partition string
	Service   string
	Region    string
	Account   string
	Resource  string
}

// Parse splits s into its parts. It reports false when s does not begin with
// "arn:", has fewer than six parts, or has an empty partition, service or resource.
func Parse(s string) (ARN, bool) {
	var a ARN
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return ARN{}, false
	}
	for _, part := range []*string{&a.Partition, &a.Service, &a.Region, &a.Account} {
		if *part, rest, ok = strings.Cut(rest, ":"); !ok {
			return ARN{}, false
		}
	}
	a.Resource = rest
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, false
	}
	return a, true
}

// String prints a in the form that Parse reads.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Partition returns the partition to which a Region belongs, by the Region's prefix.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func Partition(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return "aws"
}

// partitions are all but the first, whose Regions have no prefix in common.
var partitions = []struct{ prefix, name string }{
	{"cn-", "aws-cn"},
	{"us-gov-", "aws-us-gov"},
	{"eusc-", "aws-eusc"},
	{"us-iso-", "aws-iso"},
	{"us-isob-", "aws-iso-b"},
	{"eu-isoe-", "aws-iso-e"},
	{"us-isof-", "aws-iso-f"},
}

// IsAccount reports whether s is an account id: twelve decimal digits.
func IsAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Root returns the ARN of the root user of account.
func Root(partition, account string) string {
	return "arn:" + partition + ":iam::" + account + ":root"
}
