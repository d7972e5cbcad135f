package app

import (
	"os"
	"strings"
	"testing"

	"claviger/internal/service/organizations"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// TestRefusedEverywhere hands the documents that IAM refuses in AWS's words to where other services
// take documents of the same language: STS refuses them in the same words, and Organizations in the
// one sentence that it has.
func TestRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	some := optional.Some[string]
	root := w.organization()
	w.enable(root, resourceControl)
	role := some("arn:aws:iam::" + owner + ":role/" + w.bareRole().V)
	ann := w.userWith("ann", `"*"`)
	file, err := os.ReadFile("../service/iam/testdata/refused_policies.txt")
	if err != nil {
		t.Fatal(err)
	}
	ran, message := 0, ""
	for line := range strings.Lines(string(file)) {
		document := strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(document, "=== "); ok {
			message = title
			continue
		}
		if document == "" {
			continue
		}
		ran++
		ofType := func(kind string) *organizations.CreatePolicyInput {
			return &organizations.CreatePolicyInput{Name: some(w.fresh("bad")), Description: some(""), Type: some(kind), Content: some(document)}
		}
		const unmet = "The provided policy document does not meet the requirements of the specified policy type."
		for _, call := range []struct {
			name, message string
			in            any
		}{
			{"sts:AssumeRole", message, &sts.AssumeRoleInput{RoleARN: role, RoleSessionName: some("one"), Policy: some(document)}},
			{"sts:GetFederationToken", message, &sts.GetFederationTokenInput{Name: some("bob"), Policy: some(document)}},
			{"organizations:CreatePolicy", unmet, ofType(serviceControl)},
			{"organizations:CreatePolicy", unmet, ofType(resourceControl)},
		} {
			as := ann
			if strings.HasPrefix(call.name, "organizations:") {
				as = w.caller(owner)
			}
			_, err := w.call(as, call.name, call.in)
			if f := fault.From(err); err == nil || f.Code != fault.MalformedPolicy || f.Message != call.message {
				t.Errorf("%s of %s:\n got %v\nwant %s", call.name, document, err, call.message)
			}
		}
	}
	if ran != 78 {
		t.Errorf("%d documents", ran)
	}
}
