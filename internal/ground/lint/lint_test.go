package lint_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/lint"
)

var update = flag.Bool("update", false, "print the page of rules anew")

// TestPage keeps the printed page of the rules true.
func TestPage(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	lint.Page(&page)
	const path = "../../../docs/policy-lint.md"
	if *update {
		if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	printed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(printed, page.Bytes()) {
		t.Errorf("%s is stale: run make golden", path)
	}
}

// statement is a document of the statements.
func statement(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// owned is a statement that lets the account administer its key.
const owned = `{"Sid":"Root","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}`

// keyOf is a key policy with an administrator.
func keyOf(statements ...string) string {
	return statement(append([]string{owned}, statements...)...)
}

// TestCheck has for each document the codes of all that is found.
func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		user = `"Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"}`
		star = `"Principal":{"AWS":"*"}`
	)
	conditional := func(action, condition string) string {
		return statement(`{"Effect":"Allow","Action":"` + action + `","Resource":"arn:aws:kms:us-east-1:111122223333:key/k","Condition":` + condition + `}`)
	}
	denied := func(condition string) string {
		return statement(`{"Effect":"Deny","Action":"kms:*","Resource":"*","Condition":` + condition + `}`)
	}
	tests := []struct {
		of       lint.Type
		document string
		want     string
	}{
		// What is fine.
		{lint.Identity, statement(`{"Effect":"Allow","Action":["kms:Encrypt","kms:Describe*","s3:GetThing"],"Resource":"arn:aws:kms:us-east-1:111122223333:key/k"}`), ""},
		{lint.Key, keyOf(), ""},
		{lint.Key, keyOf(`{"Effect":"Allow",` + user + `,"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}`), ""},
		{lint.Trust, statement(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`), ""},
		{lint.Service, statement(`{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*"}`), ""},
		{lint.Control, statement(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}}`), ""},
		{lint.Boundary, statement(`{"Effect":"Allow","Action":"*","Resource":"*"}`), ""},

		// What AWS refuses.
		{lint.Identity, `{`, "refused"},
		{lint.Trust, statement(`{"Effect":"Allow","Principal":{"aws":"111122223333"},"Action":"sts:AssumeRole"}`), "refused"},
		{lint.Session, statement(`{"Sid":"` + strings.Repeat("x", 2048) + `","Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}`), "too-large"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}`) + strings.Repeat(" ", 6200), ""},

		// What is inert.
		{lint.Identity, statement(`{"Effect":"Allow","Action":["kms:Encript","kms:Enc*","iam:Pass?ole"],"Resource":"arn:aws:iam::111122223333:role/r"}`), "unknown-action"},
		{lint.Identity, conditional("kms:Encrypt", `{"StringEquals":{"kms:ViaServices":"x"}}`), "unknown-key"},
		{lint.Identity, conditional("kms:Encrypt", `{"StringEquals":{"aws:PrincipalTag/":"x"}}`), "unknown-key"},
		{lint.Identity, conditional("kms:Encrypt", `{"StringEquals":{"aws:PrincipalTag/team":"x","saml:aud":"y","accounts.google.com:sub":"z"}}`), ""},
		{lint.Identity, conditional("kms:Sign", `{"StringEquals":{"kms:EncryptionContext:App":"x"}}`), "key-never-present"},
		{lint.Identity, conditional("kms:*", `{"StringEquals":{"kms:EncryptionContext:App":"x"}}`), ""},
		{lint.Identity, conditional("*", `{"StringEquals":{"iam:PassedToService":"x"}}`), ""},
		{lint.Identity, conditional("kms:TagResource", `{"StringEquals":{"aws:TagKeys":"x"}}`), "multi-valued-key"},
		{lint.Identity, conditional("kms:TagResource", `{"ForAnyValue:StringEquals":{"aws:TagKeys":"x"}}`), ""},
		{lint.Identity, conditional("kms:Encrypt", `{"StringEquals":{"kms:ViaService":"rds.*.amazonaws.com"}}`), "literal-wildcard"},
		{lint.Identity, conditional("kms:Encrypt", `{"StringLike":{"kms:ViaService":"rds.*.amazonaws.com"}}`), ""},
		{lint.Key, strings.Replace(keyOf(`{"Effect":"Allow",`+user+`,"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/a":"${aws:username}"}}}`), `"Version":"2012-10-17",`, "", 1), "literal-variable"},
		{lint.Identity, conditional("kms:Encrypt", `{"StringEquals":{"aws:SourceIp":"192.0.2.1"}}`), "wrong-operator"},
		{lint.Identity, conditional("kms:Encrypt", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600","aws:EpochTime":"1"}}`), ""},
		{lint.Identity, conditional("kms:Encrypt", `{"StringEquals":{"kms:ViaService":[]}}`), "no-values"},
		{lint.Key, keyOf(`{"Effect":"Allow",` + user + `,"Action":"kms:Encrypt"}`), "missing-element"},
		{lint.Key, keyOf(`{"Effect":"Allow",` + user + `,"Action":"kms:Encrypt","Resource":"arn:aws:kms:us-east-1:111122223333:alias/a"}`), "key-policy-resource"},
		{lint.Key, keyOf(`{"Effect":"Allow",` + user + `,"Action":["kms:CreateKey","s3:GetObject","kms:RetireGrant","kms:Encrypt"],"Resource":"*"}`), "key-policy-action key-policy-action key-policy-action"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":["kms:Encrypt","kms:Describe*"],"Resource":["arn:aws:kms:*:111122223333:alias/shop","arn:aws:kms:*:*:key/k"]}`), "alias-resource"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":["kms:Sign","kms:*Alias"],"Resource":["arn:aws:kms:*:111122223333:alias/shop"]}`), ""},
		{lint.Key, keyOf(`{"Effect":"Allow","Principal":{"AWS":"AIDAQWERTYUIOPASDFGH"},"Action":"kms:Encrypt","Resource":"*"}`), "gone-principal"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:Encrypt","Resource":"arn:aws:kms:*:*:key/a"}`, `{"Effect":"Allow","Action":["kms:Enc*","kms:Sign"],"Resource":"arn:aws:kms:*:*:key/*"}`), "shadowed"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:Sign","Resource":"*"}`, `{"Effect":"Allow","Action":"kms:Sign","Resource":"*"}`), "shadowed"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:Sign","Resource":"*"}`, `{"Effect":"Allow","Action":"kms:Sig?","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`), ""},
		{lint.Key, keyOf(`{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:Sign","Resource":"*"}`), ""},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:Sign","Resource":"*"}`, `{"Effect":"Deny","Action":"kms:*","Resource":"*"}`), "always-denied"},

		// What is dangerous.
		{lint.Key, keyOf(`{"Effect":"Allow",` + star + `,"Action":"kms:Encrypt","Resource":"*"}`), "public"},
		{lint.Key, keyOf(`{"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}}}`), ""},
		{lint.Key, keyOf(`{"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}}`), "public"},
		{lint.Trust, statement(`{"Effect":"Allow",` + star + `,"Action":"sts:AssumeRole"}`), "public"},
		{lint.Key, keyOf(`{"Effect":"Allow","Principal":{"Service":"rds.amazonaws.com"},"Action":"kms:Encrypt","Resource":"*"}`), "service-unbound"},
		{lint.Key, keyOf(`{"Effect":"Allow","Principal":{"Service":"rds.amazonaws.com"},"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}`), ""},
		{lint.Trust, statement(`{"Effect":"Allow","Principal":{"AWS":["444455556666","arn:aws:iam::111122223333:root"]},"Action":"sts:AssumeRole"}`), "foreign-trust"},
		{lint.Trust, statement(`{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`), ""},
		{lint.Key, keyOf(`{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*"}`), "not-principal"},
		{lint.Identity, statement(`{"Effect":"Allow","NotAction":"iam:*","Resource":"arn:aws:kms:*:*:key/k"}`), "not-action"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"*","Resource":"*"}`), "everything"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:CreateGrant","Resource":"*"}`), "create-grant"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:CreateGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}`), ""},
		{lint.Key, keyOf(`{"Effect":"Allow",` + user + `,"Action":"kms:CreateGrant","Resource":"*"}`), "create-grant"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}`), "any-key"},
		{lint.Identity, statement(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`), "pass-role"},
		{lint.Key, statement(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*"}`), "lockout"},
		{lint.Key, keyOf(`{"Effect":"Deny","Principal":"*","Action":"kms:Put*","Resource":"*"}`), "lockout"},
		{lint.Identity, conditional("kms:Encrypt", `{"ForAllValues:StringEquals":{"kms:ViaService":"x"}}`), "vacuous-set"},
		{lint.Identity, conditional("events:PutRule", `{"ForAllValues:StringEquals":{"events:source":"x"}}`), ""},
		{lint.Identity, conditional("kms:Encrypt", `{"ForAllValues:StringEquals":{"kms:ViaService":"x"},"Null":{"kms:ViaService":"false"}}`), ""},
		{lint.Identity, conditional("kms:Encrypt", `{"StringNotEquals":{"aws:PrincipalTag/team":"x"}}`), "absent-passes"},
		{lint.Identity, conditional("kms:Encrypt", `{"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}}`), ""},
		{lint.Identity, denied(`{"StringNotEquals":{"aws:PrincipalTag/team":"x"}}`), ""},
		{lint.Identity, conditional("kms:Encrypt", `{"StringEquals":{"aws:UserAgent":"password=hunter22"}}`), "secret-text"},
	}
	found := map[string]bool{"duplicate-grant": true} // of a store, not of a document
	for _, tt := range tests {
		d := lint.Document{Type: tt.of, Text: []byte(tt.document), Account: "111122223333", ARN: "arn:aws:kms:us-east-1:111122223333:key/k"}
		var codes []string
		for _, f := range lint.Check(&d) {
			codes = append(codes, f.Code)
			found[f.Code] = true
			if f.Sentence == "" || f.Advice == "" || f.Class == "" || f.Place.Line < 1 || f.Place.Column < 1 {
				t.Errorf("%s: %+v", tt.document, f)
			}
		}
		if got := strings.Join(codes, " "); got != tt.want {
			t.Errorf("%s %s:\n got %q\nwant %q", tt.of, tt.document, got, tt.want)
		}
	}
	for _, r := range lint.Rules {
		if !found[r.Code] {
			t.Errorf("no document is found to be %s", r.Code)
		}
	}
}

// TestPlaces: findings tell where they are about.
func TestPlaces(t *testing.T) {
	t.Parallel()
	document := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\n    \"Effect\": \"Allow\",\n    \"Action\": [\"kms:Sign\",\n      \"kms:Encript\"],\n    \"Resource\": \"arn:aws:kms:*:*:key/k\",\n    \"Condition\": {\"StringEquals\": {\"kms:SigningAlgorithm\": [\"RSA*\"], \"kms:Nothing\": \"x\"}}\n  }]\n}"
	var got []string
	for _, f := range lint.Check(&lint.Document{Type: lint.Identity, Text: []byte(document)}) {
		got = append(got, fmt.Sprintf("%d:%d %s", f.Place.Line, f.Place.Column, f.Code))
	}
	if want := []string{"6:7 unknown-action", "8:61 literal-wildcard", "8:70 unknown-key"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	refused := lint.Check(&lint.Document{Type: lint.Identity, Text: []byte("{\"Version\":\"2012-10-17\",\n\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:X\",\n\"Resource\":[\"*\",\"key\"]}}")})
	if len(refused) != 1 || fmt.Sprint(refused[0].Place) != "{3 17}" || refused[0].Sentence != `AWS refuses the document: Resource key must be in ARN format or "*".` {
		t.Errorf("%+v", refused)
	}
}

func TestGuess(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]lint.Type{
		statement(`{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}`): lint.Identity,
		keyOf(): lint.Key,
		statement(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`): lint.Trust,
		`{"Statement":{"Principal"}}`: lint.Key,
		`nonsense`:                    lint.Identity,
	} {
		if got := lint.Guess([]byte(document)); got != want {
			t.Errorf("%s is taken for %s, want %s", document, got, want)
		}
	}
}

func TestSecretive(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"AKIAIOSFODNN7EXAMPLE": true, "my password: hunter22": true, "API-KEY=abcdef": true, "-----BEGIN RSA PRIVATE KEY-----": true,
		"ghp_abcdefghijklmnopqrstuvwxyz0123456789": true, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x": true,
		"red": false, "secret": false, "token-service": false, "AKIA": false, "team/passwords": false, "": false,
	} {
		if lint.Secretive(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// FuzzCheck lints any text as any type: it must not panic, and places lie within
// the text.
func FuzzCheck(f *testing.F) {
	f.Add(uint8(0), statement(`{"Effect":"Allow","NotAction":["kms:*"],"Resource":["*",null],"Condition":{"Null":{"a":true},"ForAllValues:StringNotLike":{"kms:EncryptionContext:":["${x","*"]}}}`))
	f.Add(uint8(1), keyOf(`{"Effect":"Deny","NotPrincipal":{"Service":"x.y"},"NotAction":[],"NotResource":"?"}`))
	f.Add(uint8(2), `{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}`)
	f.Fuzz(func(t *testing.T, of uint8, text string) {
		for _, found := range lint.Check(&lint.Document{Type: lint.Types[int(of)%len(lint.Types)], Text: []byte(text)}) {
			if found.Sentence == "" || found.Place.Line < 1 || found.Place.Line > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
				t.Fatalf("%+v", found)
			}
		}
		lint.Guess([]byte(text))
	})
}
