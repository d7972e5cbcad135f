package iam_test

import (
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// metadata is that of an identity provider, with attributes of its root.
func metadata(attributes string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"` + attributes + `>
  <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` + strings.Repeat("MIIC", 200) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>`
}

// createSAMLProvider makes a provider of the first account and returns its ARN.
func (w *world) createSAMLProvider(name string) string {
	w.t.Helper()
	return do[iam.CreateSAMLProviderOutput](w.t, w.root(), "CreateSAMLProvider", &iam.CreateSAMLProviderInput{Name: some(name), SAMLMetadataDocument: some(metadata(""))}).SAMLProviderARN
}

// The life of a provider.
func TestSAMLProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &iam.CreateSAMLProviderInput{Name: some("idp"), SAMLMetadataDocument: some(metadata(` validUntil="2030-01-02T03:04:05Z"`)), Tags: []iam.Tag{tag("k", "v")}}
	made := do[iam.CreateSAMLProviderOutput](t, w.root(), "CreateSAMLProvider", in)
	if made.SAMLProviderARN != "arn:aws:iam::111122223333:saml-provider/idp" || len(made.Tags) != 1 {
		t.Errorf("%+v", made)
	}
	refuse(t, w.root(), "CreateSAMLProvider", in, iam.EntityAlreadyExists, "Provider with name idp already exists.")
	arn := some(made.SAMLProviderARN)
	get := func() *iam.GetSAMLProviderOutput {
		t.Helper()
		return do[iam.GetSAMLProviderOutput](t, w.root(), "GetSAMLProvider", &iam.GetSAMLProviderInput{SAMLProviderARN: arn})
	}
	got := get()
	if got.SAMLMetadataDocument != in.SAMLMetadataDocument.V || len(got.SAMLProviderUUID) < 22 || !got.ValidUntil.Equal(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)) || len(got.Tags) != 1 {
		t.Errorf("%+v", got)
	}
	w.later = time.Hour
	do[iam.UpdateSAMLProviderOutput](t, w.root(), "UpdateSAMLProvider", &iam.UpdateSAMLProviderInput{SAMLProviderARN: arn, SAMLMetadataDocument: some(metadata(""))})
	if now := get(); now.SAMLProviderUUID != got.SAMLProviderUUID || !now.CreateDate.Equal(got.CreateDate) || !now.ValidUntil.Equal(start.Truncate(time.Second).Add(time.Hour).AddDate(100, 0, 0)) {
		t.Errorf("updated: %+v", now)
	}
	do[iam.UpdateSAMLProviderOutput](t, w.root(), "UpdateSAMLProvider", &iam.UpdateSAMLProviderInput{SAMLProviderARN: arn})
	list := do[iam.ListSAMLProvidersOutput](t, w.root(), "ListSAMLProviders", &iam.ListSAMLProvidersInput{})
	if len(list.SAMLProviderList) != 1 || list.SAMLProviderList[0].ARN != arn.V || !list.SAMLProviderList[0].CreateDate.Equal(got.CreateDate) {
		t.Errorf("%+v", list)
	}
	gone := "Manifest not found for arn " + arn.V
	refuse(t, w.otherRoot(), "GetSAMLProvider", &iam.GetSAMLProviderInput{SAMLProviderARN: arn}, iam.NoSuchEntity, gone)
	do[operation.None](t, w.root(), "DeleteSAMLProvider", &iam.DeleteSAMLProviderInput{SAMLProviderARN: arn})
	refuse(t, w.root(), "DeleteSAMLProvider", &iam.DeleteSAMLProviderInput{SAMLProviderARN: arn}, iam.NoSuchEntity, gone)
	refuse(t, w.root(), "UpdateSAMLProvider", &iam.UpdateSAMLProviderInput{SAMLProviderARN: arn}, iam.NoSuchEntity, gone)
}

func TestSAMLProviderRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := metadata("")
	for about, document := range map[string]string{
		"no XML":                strings.Repeat("x", 1000),
		"cut off":               good[:len(good)-5],
		"two roots":             good + good[strings.Index(good, "<md:Entity"):],
		"text behind":           good + "x",
		"another root":          strings.ReplaceAll(good, "EntityDescriptor", "EntitiesDescriptor"),
		"another namespace":     strings.Replace(good, "SAML:2.0:metadata", "SAML:1.0:metadata", 1),
		"no identity provider":  strings.ReplaceAll(good, "IDPSSODescriptor", "SPSSODescriptor"),
		"no key":                strings.ReplaceAll(good, "X509Certificate", "X509Subject"),
		"a declaration":         strings.Replace(good, "<md:Entity", `<!DOCTYPE x [<!ENTITY a "b">]><md:Entity`, 1),
		"an entity":             strings.Replace(good, "https://idp.example.com/sso", "&a;", 1),
		"an instruction":        strings.Replace(good, "<md:NameID", `<?x y?><md:NameID`, 1),
		"another encoding":      strings.Replace(good, "UTF-8", "ISO-8859-1", 1),
		"nested deeply":         strings.Replace(good, "<md:NameID", strings.Repeat("<a>", 65)+strings.Repeat("</a>", 65)+"<md:NameID", 1),
		"a time that is none":   metadata(` validUntil="tomorrow"`),
		"a time before history": metadata(` validUntil="0001-01-01T00:00:00Z"`),
	} {
		in := &iam.CreateSAMLProviderInput{Name: some("idp"), SAMLMetadataDocument: some(document)}
		if _, err := w.root().call("CreateSAMLProvider", in); !fault.Is(err, iam.InvalidInput) || fault.From(err).Message != "Could not parse metadata" {
			t.Errorf("%s: %v", about, err)
		}
	}
	refuse(t, w.root(), "CreateSAMLProvider", &iam.CreateSAMLProviderInput{Name: some("idp"), SAMLMetadataDocument: some(metadata(` validUntil="2026-03-04T05:06:07Z"`))},
		iam.InvalidInput, "The metadata is no longer valid since 2026-03-04T05:06:07Z")
	refuse(t, w.root(), "CreateSAMLProvider", &iam.CreateSAMLProviderInput{Name: some("a b"), SAMLMetadataDocument: some(good[:999])}, fault.Validation,
		"2 validation errors detected: Value at 'sAMLMetadataDocument' failed to satisfy constraint: Member must have length greater than or equal to 1000; "+
			`Value at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w._-]+`)
	const encrypted = "Encrypted assertions are not supported."
	refuse(t, w.root(), "CreateSAMLProvider", &iam.CreateSAMLProviderInput{Name: some("idp"), SAMLMetadataDocument: some(good), AssertionEncryptionMode: some("Required")}, fault.UnsupportedOperation, encrypted)
	refuse(t, w.root(), "CreateSAMLProvider", &iam.CreateSAMLProviderInput{Name: some("idp"), SAMLMetadataDocument: some(good), AddPrivateKey: text("key")}, fault.UnsupportedOperation, encrypted)
	arn := w.createSAMLProvider("idp")
	refuse(t, w.root(), "UpdateSAMLProvider", &iam.UpdateSAMLProviderInput{SAMLProviderARN: some(arn), AssertionEncryptionMode: optional.Some("Allowed")}, fault.UnsupportedOperation, encrypted)
}

func FuzzMetadata(f *testing.F) {
	f.Add(metadata(""))
	f.Add(metadata(` validUntil="2030-01-02T03:04:05.678+01:00"`))
	f.Add(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`)
	f.Add("<a xmlns='b'><c:d/></a>")
	f.Fuzz(func(t *testing.T, document string) {
		_, err := iam.MetadataEnd(document)
		if err != nil {
			return
		}
		if !strings.Contains(document, "EntityDescriptor") {
			t.Error("metadata of nobody")
		}
		for _, hides := range []string{"<!--", "CDATA", "<?xml"} { // where a declaration is text
			if strings.Contains(document, hides) {
				return
			}
		}
		if strings.Contains(document, "<!DOCTYPE") {
			t.Error("a document with declarations")
		}
	})
}
