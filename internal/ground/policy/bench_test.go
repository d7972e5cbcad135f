package policy_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
)

// typicalKeyPolicy has three statements, with conditions on the encryption
// context and on a tag.
const typicalKeyPolicy = `{"Version":"2012-10-17","Id":"key-default-1","Statement":[
	{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*",
		"Condition":{"StringEquals":{"kms:EncryptionContext:app":"billing"}}},
	{"Sid":"Allow use by tag","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/apps/batch"},
		"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*",
		"Condition":{"StringEquals":{"aws:ResourceTag/team":"payments","kms:EncryptionContext:app":["billing","ledger"]}}},
	{"Sid":"Only over TLS","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`

// typicalIdentity has ten statements, of which the ninth decides.
const typicalIdentity = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":["arn:aws:s3:::billing","arn:aws:s3:::billing/*"]},
	{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:111122223333:billing-*"},
	{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:*:*:*"},
	{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:us-east-1:111122223333:table/billing"},
	{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:us-east-1:111122223333:secret:billing/*"},
	{"Effect":"Allow","Action":["kms:ListKeys","kms:ListAliases"],"Resource":"*"},
	{"Effect":"Deny","Action":["kms:ScheduleKeyDeletion","kms:PutKeyPolicy","kms:Disable*"],"Resource":"*"},
	{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:us-east-1:111122223333:key/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"payments"}}},
	{"Effect":"Allow","Action":["kms:Encrypt","kms:GenerateDataKey*"],"Resource":"arn:aws:kms:*:111122223333:key/*",
		"Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}},
	{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/apps/*"}]}`

// typicalFacts answers as a service does: by comparing names.
type typicalFacts struct{}

func (*typicalFacts) Lookup(k *policy.Key) policy.Values {
	switch k.Prefix {
	case "kms:encryptioncontext:":
		if k.Suffix == "app" {
			return one("billing")
		}
	case "aws:resourcetag/", "aws:principaltag/":
		if k.Suffix == "team" {
			return one("payments")
		}
	case "":
		switch k.Name {
		case "aws:securetransport":
			return one("true")
		case "aws:sourceip":
			return one("10.1.2.3")
		case "aws:epochtime":
			return one("1782907200")
		}
	}
	return policy.Values{}
}

// typical is a decision as most calls need one: a session whose account the key
// policy trusts, and whose role is allowed.
func typical(t testing.TB) *policy.Input {
	return &policy.Input{
		Request:         policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: session(), Context: &typicalFacts{}},
		Rule:            policy.ExplicitTrust,
		ResourceAccount: home,
		CrossAccount:    true,
		ResourcePolicy:  compile(t, policy.KeyPolicy, typicalKeyPolicy),
		Identity:        []*policy.Policy{compile(t, policy.Identity, typicalIdentity)},
	}
}

var verdict policy.Verdict // keeps the compiler from leaving decisions out

func TestNoAllocations(t *testing.T) {
	full := typical(t)
	limits := []*policy.Policy{compile(t, policy.Identity, modern(`
		{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/${aws:PrincipalTag/none, '0a1b2c3d'}","Condition":{
			"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]},
			"DateGreaterThan":{"aws:EpochTime":"2026-01-01T00:00:00Z"},
			"NumericLessThan":{"aws:EpochTime":9999999999.5},
			"ForAllValues:StringLike":{"aws:TagKeys":["a*"]},
			"StringEqualsIgnoreCase":{"aws:ResourceTag/team":"PAYMENTS"},
			"StringNotLike":{"aws:ResourceTag/team":"*x*y*"},
			"ArnLikeIfExists":{"aws:SourceArn":"arn:aws:s3:::*"},
			"Null":{"aws:SourceVpc":"true"}}}`))}
	full.Boundary, full.Session = limits, limits
	full.Service = [][]*policy.Policy{limits, limits}
	wide := &policy.Input{
		Request:         policy.Request{Action: "kms:ListKeys", Resource: "*", Caller: session(), Context: &typicalFacts{}},
		Rule:            policy.IdentityOnly,
		ResourceAccount: home,
		Identity:        []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Allow","Action":"kms:List*","Resource":"arn:aws:kms:*:*:*"}`))},
	}
	for name, in := range map[string]*policy.Input{"typical": typical(t), "every gate": full, "no type of resource": wide} {
		if v := policy.Decide(in); !v.Allowed {
			t.Errorf("%s: %+v", name, v)
		}
		if n := testing.AllocsPerRun(100, func() { verdict = policy.Decide(in) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	in := typical(b)
	b.ReportAllocs()
	for b.Loop() {
		verdict = policy.Decide(in)
	}
	if !verdict.Allowed {
		b.Fatalf("%+v", verdict)
	}
}

// BenchmarkHMAC is the yardstick of BenchmarkDecide.
func BenchmarkHMAC(b *testing.B) {
	mac := hmac.New(sha256.New, make([]byte, 32))
	message, sum := make([]byte, 256), make([]byte, 0, sha256.Size)
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(message)
		sum = mac.Sum(sum[:0])
	}
}

// BenchmarkTenPolicies decides for a principal with ten policies of ten
// statements each, and prints the ratio of that to an HMAC-SHA-256 of 256 bytes.
// The last policy allows. The others are about many services, about other
// actions of one, or about the same action on other keys.
func BenchmarkTenPolicies(b *testing.B) {
	other := func(action string) string {
		var list []string
		for i := range 10 {
			list = append(list, fmt.Sprintf(`{"Effect":"Allow","Action":[%s],"Resource":"arn:aws:kms:*:111122223333:key/%d"}`, action, i))
		}
		return modern(strings.Join(list, ","))
	}
	for name, text := range map[string]string{
		"services": strings.Replace(typicalIdentity, `["kms:Encrypt","kms:GenerateDataKey*"]`, `"kms:GenerateDataKey*"`, 1),
		"actions":  other(`"kms:Decrypt","kms:Verify*"`),
		"keys":     other(`"kms:Encrypt","kms:Decrypt"`),
	} {
		b.Run(name, func(b *testing.B) {
			in := typical(b)
			for range 9 {
				in.Identity = append([]*policy.Policy{compile(b, policy.Identity, text)}, in.Identity...)
			}
			ratio(b, func() { verdict = policy.Decide(in) })
			if !verdict.Allowed {
				b.Fatalf("%+v", verdict)
			}
		})
	}
}

// ratio measures f in turns with an HMAC-SHA-256 of 256 bytes.
func ratio(b *testing.B, f func()) {
	mac := hmac.New(sha256.New, make([]byte, 32))
	message, sum := make([]byte, 256), make([]byte, 0, sha256.Size)
	var took, yardstick time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		for range 100 {
			f()
		}
		middle := time.Now()
		for range 100 {
			mac.Reset()
			mac.Write(message)
			sum = mac.Sum(sum[:0])
		}
		took += middle.Sub(start)
		yardstick += time.Since(middle)
	}
	b.ReportMetric(float64(took)/float64(yardstick), "÷HMAC")
}

func BenchmarkCompile(b *testing.B) {
	for name, text := range map[string]string{"key": typicalKeyPolicy, "identity": typicalIdentity} {
		kind := map[string]policy.Kind{"key": policy.KeyPolicy, "identity": policy.Identity}[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := policy.Compile(kind, name, []byte(text), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecideLarge has many statements of which none but the last applies.
func BenchmarkDecideLarge(b *testing.B) {
	statements := ""
	for i := range 100 {
		statements += fmt.Sprintf(`{"Effect":"Allow","Action":["kms:Decrypt","kms:Verify*"],"Resource":"arn:aws:kms:*:111122223333:key/%d"},`, i)
	}
	in := typical(b)
	in.Identity = []*policy.Policy{compile(b, policy.Identity, modern(statements+`{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}`))}
	for b.Loop() {
		verdict = policy.Decide(in)
	}
	if !verdict.Allowed {
		b.Fatalf("%+v", verdict)
	}
}
