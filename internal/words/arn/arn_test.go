package arn_test

import (
	"testing"

	"claviger/internal/words/arn"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]arn.ARN{
		"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab": {Partition: "aws", Service: "kms", Region: "us-east-1", Account: "111122223333", Resource: "key/1234abcd-12ab-34cd-56ef-1234567890ab"},
		"arn:aws:iam::111122223333:root":                                              {Partition: "aws", Service: "iam", Account: "111122223333", Resource: "root"},
		"arn:aws-cn:s3:::bucket/key":                                                  {Partition: "aws-cn", Service: "s3", Resource: "bucket/key"},
		"arn:aws:logs:us-east-1:111122223333:log-group:a:log-stream:b":                {Partition: "aws", Service: "logs", Region: "us-east-1", Account: "111122223333", Resource: "log-group:a:log-stream:b"},
		"arn:aws:s3:::":       {},
		"arn:aws:s3::":        {},
		"arn:aws:::::":        {},
		"arn:aws::::x":        {},
		"arn::s3:::x":         {},
		"":                    {},
		"arn":                 {},
		"arn:":                {},
		"ARN:aws:s3:::x":      {},
		" arn:aws:s3:::x":     {},
		"alias/x":             {},
		"arn:aws:iam::1:":     {},
		"arn:aws:iam::1":      {},
		"arn:aws:s3:::\u00e9": {Partition: "aws", Service: "s3", Resource: "\u00e9"},
	} {
		got, ok := arn.Parse(s)
		if got != want || ok != (want != arn.ARN{}) {
			t.Errorf("%q: got %+v, %v", s, got, ok)
		}
		if ok && got.String() != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:kms:us-east-1:111122223333:key/x")
	f.Add("arn:aws:::::")
	f.Add("arn:::::")
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := arn.Parse(s)
		switch {
		case ok && a.String() != s:
			t.Errorf("%q became %q", s, a)
		case !ok && a != arn.ARN{}:
			t.Errorf("%q is refused and %+v", s, a)
		}
	})
}

func TestPartition(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1":      "aws",
		"eu-central-1":   "aws",
		"ap-southeast-2": "aws",
		"":               "aws",
		"cn-north-1":     "aws-cn",
		"us-gov-west-1":  "aws-us-gov",
		"eusc-de-east-1": "aws-eusc",
		"us-iso-east-1":  "aws-iso",
		"us-isob-east-1": "aws-iso-b",
		"eu-isoe-west-1": "aws-iso-e",
		"us-isof-east-1": "aws-iso-f",
	} {
		if got := arn.Partition(region); got != want {
			t.Errorf("%q is in %s, not %s", region, got, want)
		}
	}
}

func TestIsAccount(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"111122223333": true, "000000000000": true,
		"": false, "11112222333": false, "1111222233334": false, "11112222333x": false, "-11122223333": false,
		" 11122223333": false, "\u0661\u0661\u0661\u0661\u0661\u0661": false, // twelve bytes of Arabic digits
	} {
		if got := arn.IsAccount(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	if got := arn.Root("aws-cn", "111122223333"); got != "arn:aws-cn:iam::111122223333:root" {
		t.Error(got)
	}
}
