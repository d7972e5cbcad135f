package policies

import (
	"reflect"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/words/pairs"
)

// TestGiven: entries become what a request holds, the encryption context included.
func TestGiven(t *testing.T) {
	t.Parallel()
	g, err := givenBy([]string{
		"aws:SourceIp=192.0.2.1", "KMS:EncryptionContext:App=a=b", "aws:TagKeys=x", "a:List=1", "a:list=2", "a:LIST=3", "aws:SourceArn=arn:aws:s3:::b", "a:Empty=",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]policy.Values{
		"aws:sourceip":              {Present: true, One: "192.0.2.1"},
		"kms:EncryptionContext:app": {Present: true, One: "a=b"},
		"kms:EncryptionContextKeys": policy.Texts([]string{"App"}),
		"aws:TagKeys":               policy.Texts([]string{"x"}),
		"A:List":                    policy.Texts([]string{"1", "2", "3"}),
		"a:Empty":                   {Present: true},
		"aws:CurrentTime":           {},
	} {
		k := policy.NewKey(name)
		if got := g.Lookup(&k); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
	if !reflect.DeepEqual(g.encryption, pairs.Of(map[string]string{"App": "a=b"})) || g.source != "arn:aws:s3:::b" {
		t.Errorf("%+v", g)
	}
	g.unknown = policy.Values{Open: true}
	for name, open := range map[string]bool{"aws:CurrentTime": true, "kms:ViaService": true, "aws:PrincipalTag/x": false, "kms:KeySpec": false, "aws:SourceIp": false} {
		k := policy.NewKey(name)
		if g.Lookup(&k).Open != open {
			t.Errorf("%s is open: %v", name, !open)
		}
	}
	for _, bad := range []string{"", "x", "x=y", "=", ":", "aws:SourceIp"} {
		if _, err := givenBy([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// FuzzGiven reads any entries: it must not panic, and answers for every name that
// it took.
func FuzzGiven(f *testing.F) {
	f.Add("aws:SourceIp=1", "kms:EncryptionContext:=x")
	f.Add("a:b=c", "A:B=d")
	f.Add("kms:encryptioncontext:\x00=\xff", ":=")
	f.Fuzz(func(t *testing.T, one, two string) {
		g, err := givenBy([]string{one, two})
		if err != nil {
			return
		}
		for _, entry := range []string{one, two} {
			name, _, _ := strings.Cut(entry, "=")
			k := policy.NewKey(name)
			if v := g.Lookup(&k); !v.Present {
				t.Fatalf("%q is absent: %+v", name, v)
			}
		}
	})
}
