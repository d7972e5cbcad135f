package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/gateway"
	"claviger/internal/edge/message"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
)

// nobody knows no access key, so that whatever gets as far is refused with a
// code of its own.
type nobody struct{}

func (nobody) Credential(context.Context, string, string) (*authz.Credential, error) {
	return nil, fault.New(fault.UnrecognizedClient, "nobody")
}

// TestScope: a signature counts for a Region of the server's own partition
// that exists, and that the host name, if it names one, stands for.
func TestScope(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var refusals []fault.Code
	g := gateway.New(gateway.Options{
		Services: []gateway.Service{
			{Name: "iam", Protocol: gateway.Query, Version: "1", Global: true, Skew: time.Minute},
			{Name: "sts", Protocol: gateway.Query, Version: "1", Skew: time.Minute},
			{Name: "kms", Protocol: gateway.JSON, Target: "TrentService", Skew: time.Minute},
		},
		Credentials: nobody{},
		Regions:     []string{"us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"},
		Region:      "us-east-1",
		Now:         func() time.Time { return now },
		Refused:     func(_ *message.Request, _ string, err error) { refusals = append(refusals, fault.From(err).Code) },
	})
	cases := 0
	for _, test := range []struct {
		service, region, host string
		served                bool
	}{
		{"kms", "us-east-1", "127.0.0.1:4566", true},
		{"kms", "eu-west-1", "127.0.0.1:4566", true},
		{"kms", "eu-west-1", "kms.eu-west-1.example.org", true},
		{"kms", "us-east-1", "kms.eu-west-1.example.org", false},
		{"kms", "eu-west-1", "sts.eu-west-1.example.org", false},
		{"kms", "us-east-1", "kms-fips.us-east-1.example.org", false},
		{"kms", "mars-1", "127.0.0.1:4566", false},
		{"s3", "us-east-1", "127.0.0.1:4566", false},
		{"sts", "eu-west-1", "127.0.0.1:4566", true},
		{"iam", "us-east-1", "127.0.0.1:4566", true},
		{"iam", "us-east-1", "iam.example.org", true},
		{"iam", "eu-west-1", "127.0.0.1:4566", true},
		{"iam", "eu-west-1", "iam.example.org", false},
		{"kms", "cn-north-1", "127.0.0.1:4566", false},
		{"sts", "us-gov-west-1", "127.0.0.1:4566", false},
		{"iam", "cn-north-1", "127.0.0.1:4566", false},
		{"iam", "us-gov-west-1", "127.0.0.1:4566", false},
	} {
		refusals = nil
		answer := g.Handle(t.Context(), &message.Request{Method: "POST", Path: "/", Host: test.host, Header: []message.Field{
			{Name: "authorization", Value: "AWS4-HMAC-SHA256 Credential=AKIANOBODY/20260301/" + test.region + "/" + test.service +
				"/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)},
			{Name: "x-amz-date", Value: "20260301T120000Z"},
		}})
		if answer.Status < 400 || len(refusals) != 1 {
			t.Fatalf("%+v: answered %d, refused %v", test, answer.Status, refusals)
		}
		if served := refusals[0] == fault.UnrecognizedClient; served != test.served {
			t.Errorf("%+v: refused with %s", test, refusals[0])
		}
		cases++
	}
	if cases != 17 {
		t.Errorf("%d cases ran, want 17", cases)
	}
}

// TestFIPSHosts: a FIPS host name stands for its service and Region where the
// process runs in FIPS 140-3 mode, and is refused by name where it does not.
func TestFIPSHosts(t *testing.T) {
	t.Parallel()
	for _, mode := range []bool{false, true} {
		var refused fault.Code
		g := gateway.New(gateway.Options{
			Services:    []gateway.Service{{Name: "kms", Protocol: gateway.JSON, Target: "TrentService", Skew: time.Minute}},
			Credentials: nobody{}, Regions: []string{"us-east-1", "eu-west-1"}, Region: "us-east-1", FIPS: mode,
			Now:     func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
			Refused: func(_ *message.Request, _ string, err error) { refused = fault.From(err).Code },
		})
		for host, inMode := range map[string]fault.Code{
			"kms-fips.us-east-1.amazonaws.com": fault.UnrecognizedClient, // that of the signature
			"kms-fips.us-east-1.api.aws":       fault.UnrecognizedClient,
			"kms-fips.eu-west-1.amazonaws.com": fault.InvalidSignature, // another Region
		} {
			want, text := fault.Validation, "does not run in FIPS 140-3 mode and does not answer as kms-fips."
			if mode {
				want, text = inMode, ""
			}
			answer := g.Handle(t.Context(), &message.Request{Method: "POST", Path: "/", Host: host, Header: []message.Field{
				{Name: "authorization", Value: "AWS4-HMAC-SHA256 Credential=AKIANOBODY/20260301/us-east-1/kms/aws4_request, " +
					"SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)},
				{Name: "x-amz-date", Value: "20260301T120000Z"},
			}})
			if refused != want || !strings.Contains(string(answer.Body), text) {
				t.Errorf("%s, in FIPS mode %v: %s, %s", host, mode, refused, answer.Body)
			}
		}
	}
}
