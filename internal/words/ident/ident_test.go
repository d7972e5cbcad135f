package ident_test

import (
	"regexp"
	"strings"
	"testing"

	"claviger/internal/words/ident"
)

func TestDrawn(t *testing.T) {
	t.Parallel()
	kinds := map[string]struct {
		draw func() string
		form string
	}{
		"UUID":         {ident.UUID, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		"multi-Region": {ident.MultiRegionKeyID, `^mrk-[0-9a-f]{32}$`},
		"user":         {func() string { return ident.Unique("AIDA", 21) }, `^AIDA[A-Z2-7]{17}$`},
		"access key":   {func() string { return ident.Unique("AKIA", 20) }, `^AKIA[A-Z2-7]{16}$`},
	}
	for what, kind := range kinds {
		form := regexp.MustCompile(kind.form)
		seen := map[string]bool{}
		for range 1000 {
			id := kind.draw()
			if !form.MatchString(id) {
				t.Errorf("%s: %s has another form", what, id)
			}
			seen[id] = true
		}
		if len(seen) != 1000 {
			t.Errorf("%s: %d different of 1000", what, len(seen))
		}
	}
}

// TestSpread looks for positions that are less random than they should be.
func TestSpread(t *testing.T) {
	t.Parallel()
	at := make([]map[byte]bool, 21)
	for range 2000 {
		for i, c := range []byte(ident.Unique("AROA", 21)) {
			if at[i] == nil {
				at[i] = map[byte]bool{}
			}
			at[i][c] = true
		}
	}
	for i, seen := range at {
		if want := 32; i >= 4 && len(seen) != want {
			t.Errorf("position %d takes %d letters, not %d", i, len(seen), want)
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	const (
		uuid = "1234abcd-12ab-34cd-56ef-1234567890ab"
		mrk  = "mrk-1234abcd12ab34cd56ef1234567890ab"
	)
	for s, want := range map[string]struct{ uuid, mrk bool }{
		uuid:                                   {uuid: true},
		mrk:                                    {mrk: true},
		ident.UUID():                           {uuid: true},
		"":                                     {},
		uuid[1:]:                               {},
		uuid + "a":                             {},
		strings.ToUpper(uuid):                  {},
		"1234abcd-12ab-34cd-56ef-1234567890ag": {},
		"1234abcd012ab-34cd-56ef-1234567890ab": {},
		"1234abcd-12ab034cd-56ef-1234567890ab": {},
		"1234abcd-12ab-34cd056ef-1234567890ab": {},
		"1234abcd-12ab-34cd-56ef01234567890ab": {},
		"------------------------------------": {},
		mrk[1:]:                                {},
		mrk + "0":                              {},
		"MRK-" + mrk[4:]:                       {},
		mrk[:35] + "A":                         {},
		mrk[:35] + "-":                         {},
		"mrk_" + mrk[4:]:                       {},
	} {
		if ident.IsUUID(s) != want.uuid || ident.IsMultiRegionKeyID(s) != want.mrk {
			t.Errorf("%q: UUID %v, multi-Region %v", s, ident.IsUUID(s), ident.IsMultiRegionKeyID(s))
		}
	}
	for range 100 {
		if !ident.IsUUID(ident.UUID()) || !ident.IsMultiRegionKeyID(ident.MultiRegionKeyID()) {
			t.Fatal("what is drawn is not recognised")
		}
	}
}
