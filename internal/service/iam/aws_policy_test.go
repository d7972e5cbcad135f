package iam

import (
	"bytes"
	"encoding/json"
	"testing"
)

// Every policy of the catalogue compiles, and has an id of its own that never changes.
func TestAWSPolicies(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	for _, p := range awsPolicies.list {
		if _, err := p.compiled(p.arn("aws")); err != nil {
			t.Error(err)
		}
		if !namePattern.MatchString(p.Name) || !policyPathPattern.MatchString(p.Path) || p.Default < 1 || p.Created == 0 || p.Updated < p.Created || names[fold(p.Name)] {
			t.Errorf("%+v", p.managedPolicy)
		}
		names[fold(p.Name)] = true
		if !json.Valid([]byte(p.document)) || awsPolicies.byID[p.ID] != p || awsPolicies.byPath[p.Path+p.Name] != p {
			t.Errorf("%s", p.Name)
		}
	}
	if len(names) < 50 || len(awsPolicies.byID) != len(names) {
		t.Errorf("%d policies with %d ids", len(names), len(awsPolicies.byID))
	}
	const administrator = "ANPABMIQ4BM2HS3KINQ77"
	if id := awsPolicies.byPath["/AdministratorAccess"].ID; id != administrator {
		t.Errorf("the id of AdministratorAccess is %s: whoever has it attached names %s", id, administrator)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(awsPolicies.byPath["/AdministratorAccess"].document)); err != nil {
		t.Fatal(err)
	}
	if want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`; compact.String() != want {
		t.Errorf("got %s", compact.String())
	}
}

func TestSharesAreBounded(t *testing.T) {
	t.Parallel()
	var s shares
	for i := range sharesMax + 10 {
		s.keep(versionID(i), &share{})
	}
	if len(s.kept) != sharesMax {
		t.Errorf("%d are kept, want %d", len(s.kept), sharesMax)
	}
}
