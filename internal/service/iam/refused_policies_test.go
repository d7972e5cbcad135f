package iam_test

import (
	"os"
	"strings"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

// TestRefusedPolicies puts the documents of testdata/refused_policies.txt, one a
// line, under the text with which AWS was recorded to refuse such a document.
func TestRefusedPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.createRole("r")
	w.createGroup("red")
	managed := w.createPolicy("good", allowAll)
	file, err := os.ReadFile("testdata/refused_policies.txt")
	if err != nil {
		t.Fatal(err)
	}
	ran, message := 0, ""
	for line := range strings.Lines(string(file)) {
		document := strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(document, "=== "); ok {
			message = title
		}
		if document == "" || strings.HasPrefix(document, "=== ") {
			continue
		}
		ran++
		_, err := w.root().call("PutUserPolicy", &iam.PutUserPolicyInput{UserName: some("ann"), PolicyName: some("p"), PolicyDocument: some(document)})
		checkFault(t, document, err, fault.MalformedPolicy, message)
		_, err = w.root().call("PutRolePolicy", &iam.PutRolePolicyInput{RoleName: some("r"), PolicyName: some("p"), PolicyDocument: some(document)})
		checkFault(t, document, err, fault.MalformedPolicy, message)
		_, err = w.root().call("PutGroupPolicy", &iam.PutGroupPolicyInput{GroupName: some("red"), PolicyName: some("p"), PolicyDocument: some(document)})
		checkFault(t, document, err, fault.MalformedPolicy, message)
		_, err = w.root().call("CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("bad"), PolicyDocument: some(document)})
		checkFault(t, document, err, fault.MalformedPolicy, message)
		_, err = w.root().call("CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyARN: some(managed), PolicyDocument: some(document)})
		checkFault(t, document, err, fault.MalformedPolicy, message)
	}
	if ran != 78 {
		t.Errorf("%d documents, want 78", ran)
	}
}
