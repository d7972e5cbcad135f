package app

import (
	"strings"
	"sync"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// keyOfAccount makes a key of an account with a policy.
func (w *world) keyOfAccount(account, statements string) optional.Of[string] {
	w.t.Helper()
	out := w.must(w.caller(account), "kms:CreateKey", &kms.CreateKeyInput{
		Policy: optional.Some(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	})
	return optional.Some(out.(*kms.CreateKeyOutput).KeyMetadata.ARN)
}

// opened lets the owner of a key do everything with it, and everybody use it.
func opened(account string) string {
	return `{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":"*","Action":["kms:Encrypt","kms:Decrypt","kms:DescribeKey"],"Resource":"*"}`
}

func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

// denial demands that a call is refused, with a text that ends as given.
func (w *world) denial(as *authz.Credential, name string, in any, end string) {
	w.t.Helper()
	if _, err := w.call(as, name, in); !fault.Is(err, fault.AccessDenied) || !strings.HasSuffix(err.Error(), end) {
		w.t.Errorf("%s: %v, want …%s", name, err, end)
	}
}

// TestServiceControl: what a service control policy denies is denied to the
// member's root user, its users and its sessions; the management account is
// limited by none. Nobody can leave where leaving is denied.
func TestServiceControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization()
	id := w.member()
	guard := w.controlPolicy(serviceControl, document(`{"Effect":"Deny","Action":["kms:ScheduleKeyDeletion","kms:DisableKey","organizations:LeaveOrganization"],"Resource":"*"}`))
	key := w.keyOfAccount(id.V, opened(id.V))
	deletion := &kms.ScheduleKeyDeletionInput{KeyID: key, PendingWindowInDays: optional.Some(7)}
	member := func() *authz.Credential { return w.caller(id.V) }

	user := w.newUser(id.V, "admin")
	w.must(member(), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: optional.Some("admin"), PolicyName: optional.Some("own"), PolicyDocument: optional.Some(sampleDocument)})
	reach := w.userWith("reach", `"sts:AssumeRole"`)
	session := w.assume(reach, assuming("arn:aws:iam::"+id.V+":role/OrganizationAccountAccessRole"))
	w.must(session, "kms:Encrypt", encrypting(key.V))

	w.attach(guard, root)
	arn := w.must(w.caller(owner), "organizations:DescribePolicy", &organizations.DescribePolicyInput{PolicyID: guard}).(*organizations.DescribePolicyOutput).Policy.PolicySummary.ARN
	end := "perform: kms:ScheduleKeyDeletion on resource: " + key.V + " with an explicit deny in a service control policy: " + arn
	session, err := w.again(session)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []*authz.Credential{member(), w.caller(user.AccessKeyID), session} {
		w.denial(who, "kms:ScheduleKeyDeletion", deletion, end)
		w.must(who, "kms:Encrypt", encrypting(key.V))
	}
	w.denial(member(), "organizations:LeaveOrganization", &organizations.LeaveOrganizationInput{}, "with an explicit deny in a service control policy: "+arn)
	own := w.keyOfAccount(owner, opened(owner))
	w.must(w.caller(owner), "kms:ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyID: own, PendingWindowInDays: optional.Some(7)})
	w.must(w.caller(stranger), "kms:Encrypt", encrypting(key.V)) // who is in no organization

	w.must(w.caller(owner), "organizations:DetachPolicy", &organizations.DetachPolicyInput{PolicyID: guard, TargetID: root})
	w.must(member(), "kms:ScheduleKeyDeletion", deletion)
}

// TestAllowedServices: every level must allow. Without AWS's own policy only
// what the others allow is left.
func TestAllowedServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization()
	id, unit := w.member(), w.orgUnit(root, "sandbox")
	key := w.keyOfAccount(id.V, opened(id.V))
	allows := w.controlPolicy(serviceControl, document(`{"Effect":"Allow","Action":["kms:Describe*","iam:*"],"Resource":"*"}`))
	w.attach(allows, unit)
	w.must(w.caller(owner), "organizations:DetachPolicy", &organizations.DetachPolicyInput{PolicyID: optional.Some("p-FullAWSAccess"), TargetID: unit})
	w.must(w.caller(id.V), "kms:Encrypt", encrypting(key.V)) // not below the unit yet
	w.must(w.caller(owner), "organizations:MoveAccount", &organizations.MoveAccountInput{AccountID: id, SourceParentID: root, DestinationParentID: unit})
	w.denial(w.caller(id.V), "kms:Encrypt", encrypting(key.V), "because no service control policy allows the kms:Encrypt action")
	w.must(w.caller(id.V), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: key})
	w.must(w.caller(id.V), "iam:ListUsers", &iam.ListUsersInput{})
	w.must(w.caller(owner), "organizations:UpdatePolicy", &organizations.UpdatePolicyInput{PolicyID: allows, Content: optional.Some(document(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`))})
	w.must(w.caller(id.V), "kms:Encrypt", encrypting(key.V))
	w.denial(w.caller(id.V), "iam:ListUsers", &iam.ListUsersInput{}, "because no service control policy allows the iam:ListUsers action")
	w.must(w.caller(owner), "organizations:DisablePolicyType", &organizations.DisablePolicyTypeInput{RootID: root, PolicyType: optional.Some(serviceControl)})
	w.must(w.caller(id.V), "iam:ListUsers", &iam.ListUsersInput{})
}

// TestResourceControl: a resource control policy keeps outsiders from keys of
// members whose own policies let them in, and members in.
func TestResourceControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization()
	w.enable(root, resourceControl)
	id := w.member()
	other := w.member()
	key, own := w.keyOfAccount(id.V, opened(id.V)), w.keyOfAccount(owner, opened(owner))
	described := w.must(w.caller(owner), "organizations:DescribeOrganization", &organizations.DescribeOrganizationInput{})
	organization := described.(*organizations.DescribeOrganizationOutput).Organization.ID
	outside := w.caller(stranger)
	w.must(outside, "kms:Encrypt", encrypting(key.V))

	perimeter := w.controlPolicy(resourceControl, document(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
		"Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"`+organization+`"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}`))
	w.attach(perimeter, root)
	w.denial(outside, "kms:Encrypt", encrypting(key.V), "with an explicit deny in a resource control policy")
	w.must(outside, "kms:Encrypt", encrypting(own.V)) // a key of the management account
	for _, who := range []string{id.V, other.V, owner} {
		w.must(w.caller(who), "kms:Encrypt", encrypting(key.V))
	}

	// A member who leaves is an outsider, and its own keys are open again.
	w.must(w.caller(owner), "organizations:RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: other})
	w.denial(w.caller(other.V), "kms:Encrypt", encrypting(key.V), "with an explicit deny in a resource control policy")
	w.must(w.caller(owner), "organizations:RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: id})
	w.must(outside, "kms:Encrypt", encrypting(key.V))
}

// TestPerimeterOfIdentities: a policy that keeps members from resources outside of
// their organization does not keep them from their own, nor from the policies of
// their keys.
func TestPerimeterOfIdentities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization()
	id := w.member()
	perimeter := w.controlPolicy(serviceControl, document(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}}`))
	w.attach(perimeter, root)
	key := w.keyOfAccount(id.V, opened(id.V))
	w.must(w.caller(id.V), "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: key, Policy: optional.Some(document(opened(id.V)))})
	outside := w.keyOfAccount(stranger, opened(stranger))
	w.refused(w.caller(id.V), "kms:Encrypt", encrypting(outside.V), fault.AccessDenied)

	// Nor does it keep them from what the organization lends them.
	lender := w.caller(owner)
	w.must(lender, "organizations:PutResourcePolicy", &organizations.PutResourcePolicyInput{Content: optional.Some(document(
		`{"Effect":"Allow","Principal":{"AWS":"` + id.V + `"},"Action":"organizations:ListPolicies","Resource":"*"}`))})
	w.must(w.caller(id.V), "organizations:ListPolicies", &organizations.ListPoliciesInput{Filter: optional.Some(serviceControl)})
}

// TestOrganizationInPolicies: key policies can speak of organizations and of
// places in them.
func TestOrganizationInPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization()
	inside, below := w.member(), w.member()
	unit := w.orgUnit(root, "team")
	w.must(w.caller(owner), "organizations:MoveAccount", &organizations.MoveAccountInput{AccountID: below, SourceParentID: root, DestinationParentID: unit})
	described := w.must(w.caller(owner), "organizations:DescribeOrganization", &organizations.DescribeOrganizationInput{})
	organization := described.(*organizations.DescribeOrganizationOutput).Organization.ID
	let := func(condition string) optional.Of[string] {
		return w.keyOfAccount(owner, `{"Effect":"Allow","Principal":{"AWS":"`+owner+`"},"Action":"kms:*","Resource":"*"},
			{"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":`+condition+`}`)
	}
	for condition, want := range map[string][3]bool{
		`{"StringEquals":{"aws:PrincipalOrgID":"` + organization + `"}}`:                                                                      {true, true, false},
		`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"` + organization + `/` + root.V + `/` + unit.V + `/*"}}`:                         {false, true, false},
		`{"StringEquals":{"aws:PrincipalOrgID":"${aws:ResourceOrgID}"}}`:                                                                      {true, true, false},
		`{"ForAnyValue:StringEquals":{"aws:ResourceOrgPaths":"` + organization + `/` + root.V + `/"},"Bool":{"aws:SecureTransport":"false"}}`: {true, true, true},
	} {
		key := let(condition)
		for i, who := range []string{inside.V, below.V, stranger} {
			if _, err := w.call(w.caller(who), "kms:Encrypt", encrypting(key.V)); (err == nil) != want[i] {
				t.Errorf("%s: account %d: %v", condition, i, err)
			}
		}
	}
}

// TestControlUnderLoad: no use and no change is recorded after the record of
// the change of an organization that forbids it.
func TestControlUnderLoad(t *testing.T) {
	t.Parallel()
	nothing := document(`{"Effect":"Deny","Action":"kms:*","Resource":"*"}`)
	closed := document(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`)
	for name, test := range map[string]struct {
		record string
		forbid func(w *world, root, id, unit optional.Of[string])
	}{
		"attach": {"AttachPolicy", func(w *world, root, _, _ optional.Of[string]) {
			w.attach(w.controlPolicy(serviceControl, nothing), root)
		}},
		"attach to resources": {"AttachPolicy", func(w *world, _, id, _ optional.Of[string]) {
			w.attach(w.controlPolicy(resourceControl, closed), id)
		}},
		"move": {"MoveAccount", func(w *world, root, id, unit optional.Of[string]) {
			w.must(w.caller(owner), "organizations:MoveAccount", &organizations.MoveAccountInput{AccountID: id, SourceParentID: root, DestinationParentID: unit})
		}},
		"close": {"CloseAccount", func(w *world, _, id, _ optional.Of[string]) {
			w.must(w.caller(owner), "organizations:CloseAccount", &organizations.CloseAccountInput{AccountID: id})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			root := w.organization()
			w.enable(root, resourceControl)
			id, unit := w.member(), w.orgUnit(root, "closed")
			key := w.keyOfAccount(id.V, opened(id.V))
			if name == "move" {
				w.attach(w.controlPolicy(serviceControl, nothing), unit)
			}
			caller := id.V
			if name == "attach to resources" {
				caller = stranger // who is an outsider
			}
			var clients sync.WaitGroup
			begun := make(chan struct{}, 64)
			for n := range 3 {
				clients.Go(func() {
					for i := range 500 {
						credential, err := w.server.iam.Credential(t.Context(), caller, "")
						if err != nil || credential.Refusal != nil {
							return
						}
						if (i+n)%4 == 0 && caller == id.V {
							_, err = w.call(credential, "kms:TagResource", &kms.TagResourceInput{KeyID: key, Tags: tags()})
						} else {
							_, err = w.call(credential, "kms:Encrypt", encrypting(key.V))
						}
						if err != nil {
							return
						}
						select {
						case begun <- struct{}{}:
						default:
						}
					}
				})
			}
			for range 20 {
				<-begun
			}
			test.forbid(w, root, id, unit)
			clients.Wait()
			w.noneAfter(test.record, caller)
		})
	}
}

// TestRecordsOfOrganizations: records show neither names nor addresses of
// accounts; what came of a request to make one has a record of its own.
func TestRecordsOfOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.organization()
	_, next := w.records(1)
	id := w.member()
	records, _ := w.records(next)
	var made, result audit.Entry
	for _, e := range records {
		switch text := string(e.Record); {
		case strings.Contains(text, `"eventName":"CreateAccount"`):
			made = e
		case strings.Contains(text, `"eventName":"CreateAccountResult"`):
			result = e
		}
		if strings.Contains(string(e.Record), "@example.com") || strings.Contains(string(e.Record), "a member") {
			t.Errorf("a record shows who it is: %s", e.Record)
		}
	}
	for _, part := range []string{`"eventSource":"organizations.amazonaws.com"`, `"email":"****"`, `"accountName":"****"`, `"state":"IN_PROGRESS"`} {
		if !strings.Contains(string(made.Record), part) {
			t.Errorf("no %s in %s", part, made.Record)
		}
	}
	for _, part := range []string{`"eventType":"AwsServiceEvent"`, `"state":"SUCCEEDED"`, `"accountId":"` + id.V + `"`} {
		if !strings.Contains(string(result.Record), part) {
			t.Errorf("no %s in %s", part, result.Record)
		}
	}
}
