package kms_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// page is what all listings answer, and ask for.
type page struct {
	names  []string
	marker optional.Of[string]
	more   bool
}

// listings says how each one is called.
func listings(key string) map[string]func(a *actor, limit optional.Of[int], marker optional.Of[string]) page {
	return map[string]func(*actor, optional.Of[int], optional.Of[string]) page{
		"ListKeys": func(a *actor, limit optional.Of[int], marker optional.Of[string]) page {
			out := must[kms.ListKeysOutput](a, &kms.ListKeysInput{Limit: limit, Marker: marker})
			p := page{marker: out.NextMarker, more: out.Truncated}
			for _, k := range out.Keys {
				if k.KeyARN != keyARN(home, k.KeyID) {
					a.w.t.Errorf("listed %+v", k)
				}
				p.names = append(p.names, k.KeyID)
			}
			return p
		},
		"ListAliases":        aliasLister(optional.Of[string]{}),
		"ListAliases of key": aliasLister(str(key)),
		"ListResourceTags": func(a *actor, limit optional.Of[int], marker optional.Of[string]) page {
			out := must[kms.ListResourceTagsOutput](a, &kms.ListResourceTagsInput{KeyID: str(key), Limit: limit, Marker: marker})
			p := page{marker: out.NextMarker, more: out.Truncated}
			for _, tag := range out.Tags {
				p.names = append(p.names, tag.TagKey.V)
			}
			return p
		},
		"ListGrants":            grantLister(kms.ListGrantsInput{KeyID: str(key)}),
		"ListGrants of grantee": grantLister(kms.ListGrantsInput{KeyID: str(key), GranteePrincipal: str(home)}),
		"ListRetirableGrants": func(a *actor, limit optional.Of[int], marker optional.Of[string]) page {
			out := must[kms.ListRetirableGrantsOutput](a, &kms.ListRetirableGrantsInput{RetiringPrincipal: str(home), Limit: limit, Marker: marker})
			p := page{marker: out.NextMarker, more: out.Truncated}
			for _, g := range out.Grants {
				p.names = append(p.names, g.KeyID+" "+g.GrantID)
			}
			return p
		},
	}
}

func grantLister(in kms.ListGrantsInput) func(*actor, optional.Of[int], optional.Of[string]) page {
	return func(a *actor, limit optional.Of[int], marker optional.Of[string]) page {
		in := in
		in.Limit, in.Marker = limit, marker
		out := must[kms.ListGrantsOutput](a, &in)
		p := page{marker: out.NextMarker, more: out.Truncated}
		for _, g := range out.Grants {
			p.names = append(p.names, g.GrantID)
		}
		return p
	}
}

func aliasLister(key optional.Of[string]) func(*actor, optional.Of[int], optional.Of[string]) page {
	return func(a *actor, limit optional.Of[int], marker optional.Of[string]) page {
		out := must[kms.ListAliasesOutput](a, &kms.ListAliasesInput{KeyID: key, Limit: limit, Marker: marker})
		p := page{marker: out.NextMarker, more: out.Truncated}
		for _, alias := range out.Aliases {
			if alias.AliasARN != aliasARN(alias.AliasName) {
				a.w.t.Errorf("listed %+v", alias)
			}
			p.names = append(p.names, alias.AliasName)
		}
		return p
	}
}

// TestListings walks every listing by pages of every size.
func TestListings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{Tags: tags(7)}).KeyMetadata
	want := map[string][]string{"ListKeys": {key.KeyID}}
	for i := range 6 {
		want["ListKeys"] = append(want["ListKeys"], owner.createKey().KeyID)
		name := fmt.Sprintf("alias/%d", i)
		owner.createAlias(name, want["ListKeys"][i%2])
		want["ListAliases"] = append(want["ListAliases"], name)
		if i%2 == 0 {
			want["ListAliases of key"] = append(want["ListAliases of key"], name)
		}
	}
	for i := range 7 {
		on := want["ListKeys"][i%2]
		in := &kms.CreateGrantInput{KeyID: str(on), GranteePrincipal: str(home), RetiringPrincipal: str(home), Operations: []string{"Encrypt"}}
		if i == 4 {
			in.GranteePrincipal, in.RetiringPrincipal = str(abroad), optional.Of[string]{}
		}
		grant := must[kms.CreateGrantOutput](owner, in).GrantID
		if i%2 == 0 {
			want["ListGrants"] = append(want["ListGrants"], grant)
		}
		if i%2 == 0 && i != 4 {
			want["ListGrants of grantee"] = append(want["ListGrants of grantee"], grant)
		}
		if i != 4 {
			want["ListRetirableGrants"] = append(want["ListRetirableGrants"], keyARN(home, on)+" "+grant)
		}
	}
	for _, name := range []string{"ListGrants", "ListGrants of grantee", "ListRetirableGrants"} {
		slices.Sort(want[name])
	}
	// One of the predefined aliases has a key, the others have none; some of the
	// customer's come before them and some behind.
	want["ListKeys"] = append(want["ListKeys"], owner.described("alias/aws/rds").KeyID)
	owner.createAlias("alias/zebra", want["ListKeys"][1])
	want["ListAliases"] = append(append(want["ListAliases"], "alias/zebra"), kms.ManagedNames...)
	slices.Sort(want["ListAliases"])
	slices.Sort(want["ListKeys"])
	for _, tag := range tags(7) {
		want["ListResourceTags"] = append(want["ListResourceTags"], tag.TagKey.V)
	}
	w.root(abroad).createAlias("alias/0", w.root(abroad).createKey().KeyID) // nobody else's business

	for name, list := range listings(key.KeyID) {
		all := want[name]
		for size := 1; size <= len(all)+1; size++ {
			var got []string
			var marker optional.Of[string]
			for {
				p := list(owner, optional.Some(size), marker)
				got = append(got, p.names...)
				last := len(got) == len(all)
				if p.more == last || p.marker.Set == last || len(p.names) > size || len(p.marker.V) > 1024 {
					t.Fatalf("%s by %d: page %+v after %d of %d", name, size, p, len(got), len(all))
				}
				if last {
					break
				}
				marker = p.marker
			}
			if !slices.Equal(got, all) {
				t.Errorf("%s by %d\n got %q\nwant %q", name, size, got, all)
			}
		}
		if got := list(owner, optional.Of[int]{}, optional.Of[string]{}); !slices.Equal(got.names, all) || got.more {
			t.Errorf("%s without a limit: %+v", name, got)
		}
	}
}

func TestEmptyListings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	if out := must[kms.ListKeysOutput](owner, &kms.ListKeysInput{}); out.Keys == nil || len(out.Keys) > 0 || out.Truncated {
		t.Errorf("%+v", out)
	}
	w.recorded(`null`, `null`, `{}`)
	key := owner.createKey()
	if out := must[kms.ListAliasesOutput](owner, &kms.ListAliasesInput{KeyID: str(key.KeyID)}); out.Aliases == nil || len(out.Aliases) > 0 || out.Truncated {
		t.Errorf("%+v", out)
	}
	w.recorded(`{"keyId":"`+key.KeyID+`"}`, `null`, `{}`, ofKey(key))
	if out := must[kms.ListResourceTagsOutput](owner, &kms.ListResourceTagsInput{KeyID: str(key.KeyID)}); out.Tags == nil || len(out.Tags) > 0 || out.Truncated {
		t.Errorf("%+v", out)
	}
	if out := must[kms.ListGrantsOutput](owner, &kms.ListGrantsInput{KeyID: str(key.KeyID)}); out.Grants == nil || len(out.Grants) > 0 || out.Truncated {
		t.Errorf("%+v", out)
	}
	if out := must[kms.ListRetirableGrantsOutput](owner, &kms.ListRetirableGrantsInput{RetiringPrincipal: str(home)}); out.Grants == nil || len(out.Grants) > 0 || out.Truncated {
		t.Errorf("%+v", out)
	}
}

func TestListKeyPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	out := must[kms.ListKeyPoliciesOutput](owner, &kms.ListKeyPoliciesInput{KeyID: str(key.KeyID), Limit: optional.Some(1)})
	if !slices.Equal(out.PolicyNames, []string{"default"}) || out.Truncated {
		t.Errorf("%+v", out)
	}
	w.recorded(`{"keyId":"`+key.KeyID+`","limit":1}`, `null`, `{}`, ofKey(key))
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	for _, c := range []struct {
		in  any
		max int
	}{
		{&kms.ListAliasesInput{}, 100},
		{&kms.ListGrantsInput{KeyID: str(key.KeyID)}, 100},
		{&kms.ListRetirableGrantsInput{RetiringPrincipal: str(home)}, 100},
		{&kms.ListKeyPoliciesInput{KeyID: str(key.KeyID)}, 1000},
		{&kms.ListKeysInput{}, 1000},
		{&kms.ListResourceTagsInput{KeyID: str(key.KeyID)}, 50},
	} {
		set := func(n int) any {
			reflect.ValueOf(c.in).Elem().FieldByName("Limit").Set(reflect.ValueOf(optional.Some(n)))
			return c.in
		}
		for _, n := range []int{1, c.max - 1, c.max} {
			if _, err := owner.do(set(n)); err != nil {
				t.Errorf("%T by %d: %v", c.in, n, err)
			}
		}
		const one = "1 validation error detected: "
		owner.refused(set(0), fault.Validation, one+"Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
		owner.refused(set(c.max+1), fault.Validation, fmt.Sprintf("%sValue '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d", one, c.max+1, c.max))
	}
}

// A marker opens for the listing that made it, and for no other.
func TestMarkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, foreigner := w.root(home), w.root(abroad)
	key, other := owner.createKey(), owner.createKey()
	for _, k := range []kms.KeyMetadata{key, other} {
		owner.done(&kms.TagResourceInput{KeyID: str(k.KeyID), Tags: tags(2)})
		for i := range 2 {
			owner.createAlias(fmt.Sprintf("alias/%s/%d", k.KeyID, i), k.KeyID)
			owner.done(retire(k, owner.grant(k, home, nil, "Encrypt").GrantID)) // leaves nothing behind
			in := grantOf(k, home, nil, "Encrypt")
			in.RetiringPrincipal = str(home)
			must[kms.CreateGrantOutput](owner, in)
		}
	}
	w.user(home, "u")
	one := optional.Some(1)
	markers := make(map[string]optional.Of[string])
	for name, list := range listings(key.KeyID) {
		markers[name] = list(owner, one, optional.Of[string]{}).marker
	}
	markers["none"] = str("bm9uZQ")
	markers["long"] = str(strings.Repeat("A", 1024))
	markers["changed"] = str(markers["ListKeys"].V[1:])
	tried := 0
	for name, marker := range markers {
		for made, in := range map[string]any{
			"ListKeys":           &kms.ListKeysInput{Marker: marker},
			"ListAliases":        &kms.ListAliasesInput{Marker: marker},
			"ListAliases of key": &kms.ListAliasesInput{KeyID: str(key.KeyID), Marker: marker},
			"ListResourceTags":   &kms.ListResourceTagsInput{KeyID: str(key.KeyID), Marker: marker},
			"of another key":     &kms.ListResourceTagsInput{KeyID: str(other.KeyID), Marker: marker},
			"ListKeyPolicies":    &kms.ListKeyPoliciesInput{KeyID: str(key.KeyID), Marker: marker},

			"ListGrants":                &kms.ListGrantsInput{KeyID: str(key.KeyID), Marker: marker},
			"ListGrants of grantee":     &kms.ListGrantsInput{KeyID: str(key.KeyID), GranteePrincipal: str(home), Marker: marker},
			"grants of another grantee": &kms.ListGrantsInput{KeyID: str(key.KeyID), GranteePrincipal: str(abroad), Marker: marker},
			"grants of another key":     &kms.ListGrantsInput{KeyID: str(other.KeyID), Marker: marker},
			"one grant":                 &kms.ListGrantsInput{KeyID: str(key.KeyID), GrantID: str(strings.Repeat("0", 64)), Marker: marker},
			"ListRetirableGrants":       &kms.ListRetirableGrantsInput{RetiringPrincipal: str(home), Marker: marker},
			"of another retirer":        &kms.ListRetirableGrantsInput{RetiringPrincipal: str("arn:aws:iam::" + home + ":user/u"), Marker: marker},
		} {
			if made != name {
				owner.refused(in, kms.InvalidMarker, "Invalid marker")
				tried++
			}
		}
	}
	foreigner.refused(&kms.ListKeysInput{Marker: markers["ListKeys"]}, kms.InvalidMarker, "Invalid marker")
	if tried != 10*13-7 {
		t.Errorf("%d cases", tried)
	}
	for marker, says := range map[string]string{
		"":                        "Value '' at 'marker' failed to satisfy constraint: Member must have length greater than or equal to 1",
		strings.Repeat("A", 1025): "at 'marker' failed to satisfy constraint: Member must have length less than or equal to 1024",
		"\u0100":                  "Value '\u0100' at 'marker' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\u0020-\\u00FF]*",
		"\n":                      "Value '\n' at 'marker' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\u0020-\\u00FF]*",
	} {
		if _, err := owner.do(&kms.ListKeysInput{Marker: str(marker)}); !fault.Is(err, fault.Validation) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v", marker, err)
		}
	}
}
