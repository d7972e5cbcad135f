package iam_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

// createOIDCProvider makes a provider of the first account and returns its ARN.
func (w *world) createOIDCProvider(host string) string {
	w.t.Helper()
	return do[iam.CreateOpenIDConnectProviderOutput](w.t, w.root(), "CreateOpenIDConnectProvider", &iam.CreateOpenIDConnectProviderInput{URL: some("https://" + host)}).OpenIDConnectProviderARN
}

// The life of a provider.
func TestOpenIDConnectProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	print40 := strings.Repeat("a", 40)
	in := &iam.CreateOpenIDConnectProviderInput{
		URL: some("https://token.example.com/x"), ClientIDList: []string{"two", "one", "two"}, ThumbprintList: []string{print40}, Tags: []iam.Tag{tag("k", "v")},
	}
	made := do[iam.CreateOpenIDConnectProviderOutput](t, w.root(), "CreateOpenIDConnectProvider", in)
	if made.OpenIDConnectProviderARN != "arn:aws:iam::111122223333:oidc-provider/token.example.com/x" || len(made.Tags) != 1 {
		t.Errorf("%+v", made)
	}
	refuse(t, w.root(), "CreateOpenIDConnectProvider", in, iam.EntityAlreadyExists, "Provider with url https://token.example.com/x already exists.")
	arn := some(made.OpenIDConnectProviderARN)
	get := func() *iam.GetOpenIDConnectProviderOutput {
		t.Helper()
		return do[iam.GetOpenIDConnectProviderOutput](t, w.root(), "GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderARN: arn})
	}
	if got := get(); got.URL != "token.example.com/x" || !slices.Equal(got.ClientIDList, []string{"one", "two"}) || !slices.Equal(got.ThumbprintList, []string{print40}) ||
		!got.CreateDate.Equal(start.Truncate(time.Second)) || len(got.Tags) != 1 {
		t.Errorf("%+v", got)
	}
	for range 2 { // again it changes nothing
		do[operation.None](t, w.root(), "AddClientIDToOpenIDConnectProvider", &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderARN: arn, ClientID: some("three")})
		do[operation.None](t, w.root(), "RemoveClientIDFromOpenIDConnectProvider", &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderARN: arn, ClientID: some("one")})
	}
	do[operation.None](t, w.root(), "UpdateOpenIDConnectProviderThumbprint", &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderARN: arn, ThumbprintList: []string{}})
	if got := get(); !slices.Equal(got.ClientIDList, []string{"three", "two"}) || got.ThumbprintList == nil || len(got.ThumbprintList) != 0 {
		t.Errorf("changed: %+v", got)
	}
	second := w.createOIDCProvider("A.example.com")
	list := do[iam.ListOpenIDConnectProvidersOutput](t, w.root(), "ListOpenIDConnectProviders", &iam.ListOpenIDConnectProvidersInput{})
	if !slices.Equal(list.OpenIDConnectProviderList, []iam.OpenIDConnectProviderListEntry{{ARN: second}, {ARN: arn.V}}) {
		t.Errorf("%+v", list)
	}
	if other := do[iam.ListOpenIDConnectProvidersOutput](t, w.otherRoot(), "ListOpenIDConnectProviders", &iam.ListOpenIDConnectProvidersInput{}); other.OpenIDConnectProviderList == nil || len(other.OpenIDConnectProviderList) != 0 {
		t.Errorf("another account has %+v", other)
	}
	gone := "OpenIDConnect Provider not found for arn " + arn.V
	refuse(t, w.otherRoot(), "GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderARN: arn}, iam.NoSuchEntity, gone)
	for range 2 {
		do[operation.None](t, w.root(), "DeleteOpenIDConnectProvider", &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderARN: arn})
	}
	refuse(t, w.root(), "GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderARN: arn}, iam.NoSuchEntity, gone)
	refuse(t, w.root(), "AddClientIDToOpenIDConnectProvider", &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderARN: arn, ClientID: some("x")}, iam.NoSuchEntity, gone)
	refuse(t, w.root(), "GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderARN: some("arn:aws:iam::111122223333:role/x")}, iam.InvalidInput, "ARN arn:aws:iam::111122223333:role/x is not valid.")
	refuse(t, w.root(), "GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderARN: some(strings.Repeat("x", 20))}, fault.Validation, "Invalid ARN:  Could not be parsed!")
}

func TestOpenIDConnectProviderRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	many := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, "c"+strconv.Itoa(i))
		}
		return ids
	}
	prints := func(n int) []string { return slices.Repeat([]string{strings.Repeat("a", 40)}, n) }
	const invalid = "Invalid Open ID Connect Provider URL"
	const one = "1 validation error detected: Value at '"
	ran := 0
	for _, tt := range []struct {
		in      iam.CreateOpenIDConnectProviderInput
		code    fault.Code
		message string
	}{
		{iam.CreateOpenIDConnectProviderInput{}, fault.Validation, "1 validation error detected: Value null at 'url' failed to satisfy constraint: Member must not be null"},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://" + strings.Repeat("a", 248))}, fault.Validation, one + "url' failed to satisfy constraint: Member must have length less than or equal to 255"},
		{iam.CreateOpenIDConnectProviderInput{URL: some("http://example.com")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("example.com")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com?x")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com:443")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://a@example.com")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com/a b")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com/é")}, fault.Validation, invalid},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com"), ThumbprintList: prints(6)}, iam.InvalidInput, "Thumbprint list must contain fewer than 5 entries."},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com"), ThumbprintList: []string{strings.Repeat("a", 39)}}, fault.Validation,
			one + "thumbprintList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 40, Member must have length greater than or equal to 40]"},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com"), ClientIDList: []string{strings.Repeat("a", 256)}}, fault.Validation,
			one + "clientIDList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 1]"},
		{iam.CreateOpenIDConnectProviderInput{URL: some("https://example.com"), ClientIDList: many(101)}, fault.LimitExceeded, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"},
	} {
		refuse(t, w.root(), "CreateOpenIDConnectProvider", &tt.in, tt.code, tt.message)
		ran++
	}
	if ran != 14 {
		t.Errorf("%d cases ran", ran)
	}
	full := do[iam.CreateOpenIDConnectProviderOutput](t, w.root(), "CreateOpenIDConnectProvider", &iam.CreateOpenIDConnectProviderInput{URL: some("https://full.example.com"), ClientIDList: many(99), ThumbprintList: prints(5)})
	add := func(id string) *iam.AddClientIDToOpenIDConnectProviderInput {
		return &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderARN: some(full.OpenIDConnectProviderARN), ClientID: some(id)}
	}
	do[operation.None](t, w.root(), "AddClientIDToOpenIDConnectProvider", add("c99"))
	do[operation.None](t, w.root(), "AddClientIDToOpenIDConnectProvider", add("c99"))
	refuse(t, w.root(), "AddClientIDToOpenIDConnectProvider", add("c100"), fault.LimitExceeded, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")

	w.update(func(tx store.Txn) error { return iam.SetProviders(t.Context(), tx, account, 99, 99) })
	last := w.createOIDCProvider("last.example.com")
	more := &iam.CreateOpenIDConnectProviderInput{URL: some("https://more.example.com")}
	refuse(t, w.root(), "CreateOpenIDConnectProvider", more, fault.LimitExceeded, "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100")
	do[operation.None](t, w.root(), "DeleteOpenIDConnectProvider", &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderARN: some(last)})
	do[iam.CreateOpenIDConnectProviderOutput](t, w.root(), "CreateOpenIDConnectProvider", more)
	w.createSAMLProvider("last")
	refuse(t, w.root(), "CreateSAMLProvider", &iam.CreateSAMLProviderInput{Name: some("more"), SAMLMetadataDocument: some(metadata(""))}, fault.LimitExceeded, "Cannot exceed quota for SAMLProvidersPerAccount: 100")
}
