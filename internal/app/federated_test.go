package app

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// federate returns the credential of a federated user with a session policy that
// allows actions; "" is none.
func (w *world) federate(as *authz.Credential, name, actions string) *authz.Credential {
	w.t.Helper()
	in := &sts.GetFederationTokenInput{Name: optional.Some(name)}
	if actions != "" {
		in.Policy = optional.Some(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`)
	}
	return w.lent(w.must(as, "sts:GetFederationToken", in).(*sts.GetFederationTokenOutput).Credentials)
}

// TestFederatedUser: a federated user may do what both its session policy and its
// user's policies allow; without a session policy only what names it.
func TestFederatedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, named := w.key(), w.key()
	const bobARN = "arn:aws:sts::" + owner + ":federated-user/bob"
	w.must(w.caller(owner), "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: optional.Some(named), Policy: optional.Some(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + bobARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`)})
	ann := w.userWith("ann", `["kms:Encrypt","kms:ListKeys","sts:*","iam:*"]`)
	bob := w.federate(ann, "bob", `["kms:*","sts:*","iam:*"]`)
	w.must(bob, "kms:Encrypt", encrypting(key))
	w.refused(bob, "kms:GetKeyPolicy", &kms.GetKeyPolicyInput{KeyID: optional.Some(key)}, fault.AccessDenied) // the user may not
	narrow := w.federate(ann, "bob", `"kms:ListKeys"`)
	w.must(narrow, "kms:ListKeys", &kms.ListKeysInput{})
	w.refused(narrow, "kms:Encrypt", encrypting(key), fault.AccessDenied) // the session may not
	bare := w.federate(ann, "bob", "")
	w.refused(bare, "kms:ListKeys", &kms.ListKeysInput{}, fault.AccessDenied)
	w.refused(bare, "kms:Encrypt", encrypting(key), fault.AccessDenied)
	w.must(bare, "kms:Encrypt", encrypting(named))
	w.must(narrow, "kms:Encrypt", encrypting(named))
	w.refused(w.federate(ann, "eve", ""), "kms:Encrypt", encrypting(named), fault.AccessDenied)

	// What names the user lets in the session only as far as its session policy does.
	w.must(w.caller(owner), "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: optional.Some(named), Policy: optional.Some(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + ann.Caller.Principal.ARN + `"},"Action":["kms:Encrypt","kms:GetKeyPolicy"],"Resource":"*"}]}`)})
	w.must(bob, "kms:GetKeyPolicy", &kms.GetKeyPolicyInput{KeyID: optional.Some(named)})
	w.refused(narrow, "kms:Encrypt", encrypting(named), fault.AccessDenied)
	w.refused(bare, "kms:Encrypt", encrypting(named), fault.AccessDenied)
	w.must(w.caller(owner), "kms:CreateGrant", &kms.CreateGrantInput{KeyID: optional.Some(named), GranteePrincipal: optional.Some(ann.Caller.Principal.ARN), Operations: []string{"Encrypt"}})
	w.refused(bare, "kms:Encrypt", encrypting(named), fault.AccessDenied)

	// A root user's may do what the session policy allows, and no more.
	ofRoot := w.federate(w.caller(owner), "bob", `["kms:ListKeys","iam:*"]`)
	w.must(ofRoot, "kms:ListKeys", &kms.ListKeysInput{})
	w.refused(ofRoot, "kms:CreateKey", &kms.CreateKeyInput{}, fault.AccessDenied)
	w.refused(w.federate(w.caller(owner), "bob", ""), "kms:ListKeys", &kms.ListKeysInput{}, fault.AccessDenied)

	// IAM and STS are closed, but for who it is.
	role := w.newRole(owner, "Next", `{"AWS":"`+owner+`"}`, `"kms:*"`)
	for _, as := range []*authz.Credential{bob, ofRoot} {
		w.refused(as, "iam:ListUsers", &iam.ListUsersInput{}, fault.UnrecognizedClient)
		w.refused(as, "sts:AssumeRole", assuming(role), fault.AccessDenied)
		w.refused(as, "sts:GetSessionToken", &sts.GetSessionTokenInput{}, fault.AccessDenied)
		w.refused(as, "sts:GetFederationToken", &sts.GetFederationTokenInput{Name: optional.Some("eve")}, fault.AccessDenied)
		w.refused(as, "sts:DecodeAuthorizationMessage", &sts.DecodeAuthorizationMessageInput{EncodedMessage: optional.Some("x")}, fault.AccessDenied)
		who := w.must(as, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{}).(*sts.GetCallerIdentityOutput)
		if *who != (sts.GetCallerIdentityOutput{UserID: owner + ":bob", Account: owner, ARN: bobARN}) {
			t.Errorf("it is %+v", who)
		}
	}

	// The record says who, and through whom.
	records, _ := w.records(1)
	var r struct {
		UserIdentity struct {
			Type, PrincipalID, ARN, AccountID string
			SessionContext                    struct {
				SessionIssuer struct{ Type, PrincipalID, ARN, UserName string }
			}
		}
	}
	w.must(bob, "kms:ListKeys", &kms.ListKeysInput{})
	after, _ := w.records(uint64(len(records) + 1))
	if err := json.Unmarshal(after[0].Record, &r); err != nil {
		t.Fatal(err)
	}
	issuer, p := r.UserIdentity.SessionContext.SessionIssuer, &ann.Caller.Principal
	if u := r.UserIdentity; u.Type != "FederatedUser" || u.PrincipalID != owner+":bob" || u.ARN != bobARN || issuer.Type != "IAMUser" || issuer.ARN != p.ARN || issuer.PrincipalID != p.ID || issuer.UserName != "ann" {
		t.Errorf("recorded as %s", after[0].Record)
	}

	// It ends with the access key.
	w.must(w.caller(owner), "iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{
		UserName: optional.Some("ann"), AccessKeyID: optional.Some(ann.AccessKeyID), Status: optional.Some("Inactive"),
	})
	ended, err := w.again(bob)
	if err != nil {
		t.Fatal(err)
	}
	w.refused(ended, "kms:Encrypt", encrypting(key), fault.UnrecognizedClient)
	if got := ended.Caller.Principal; got.ARN != bobARN || got.IssuerARN != p.ARN || got.ID != owner+":bob" {
		t.Errorf("the session that has ended is %+v", got)
	}
}

// TestTagsOfFederatedUser: its tags stand over those of its user.
func TestTagsOfFederatedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.userWith("ann", `"*"`)
	w.must(w.caller(owner), "iam:TagUser", &iam.TagUserInput{UserName: optional.Some("ann"), Tags: []iam.Tag{
		{Key: optional.Some("Department"), Value: optional.Some("Marketing")}, {Key: optional.Some("Level"), Value: optional.Some("1")},
	}})
	ann = w.caller(ann.AccessKeyID)
	bob := w.lent(w.must(ann, "sts:GetFederationToken", &sts.GetFederationTokenInput{
		Name: optional.Some("bob"), Tags: []sts.Tag{{Key: optional.Some("department"), Value: optional.Some("engineering")}},
	}).(*sts.GetFederationTokenOutput).Credentials)
	got := bob.Caller.Tags
	if department, _ := got.Get("department"); len(got) != 2 || department != "engineering" {
		t.Errorf("tags %v", got)
	}
}

// TestRevokeOlderSessions: the policy with which AWS's console revokes the sessions
// of a role ends those that have begun, at once, and leaves later ones alone.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
func TestRevokeOlderSessions(t *testing.T) {
	t.Parallel()
	var clock atomic.Int64 // seconds since 1970
	clock.Store(time.Now().Unix())
	pass := func() time.Time { return time.Unix(clock.Add(10), 0) }
	w := newWorldWith(t, drivertest.Open(t), "", func(f *foundations) { f.now = func() time.Time { return time.Unix(clock.Load(), 0) } })
	key, ann := w.key(), w.userWith("ann", `"*"`)
	role := w.newRole(owner, "Worker", ofUser("ann"), `["kms:*","sts:*"]`)
	next := w.newRole(owner, "Next", `{"AWS":"`+role+`"}`, `"kms:*"`)
	older := w.assume(ann, assuming(role))
	chained := w.assume(older, assuming(next))
	w.must(older, "kms:Encrypt", encrypting(key))

	since := pass()
	w.must(w.caller(owner), "iam:PutRolePolicy", &iam.PutRolePolicyInput{
		RoleName: optional.Some("Worker"), PolicyName: optional.Some("AWSRevokeOlderSessions"), PolicyDocument: optional.Some(`{"Version":"2012-10-17","Statement":[{
			"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"` + since.UTC().Format("2006-01-02T15:04:05.000Z") + `"}}}]}`),
	})
	w.refused(older, "kms:Encrypt", encrypting(key), fault.AccessDenied) // held since before
	now, err := w.again(older)
	if err != nil {
		t.Fatal(err)
	}
	w.refused(now, "kms:Encrypt", encrypting(key), fault.AccessDenied)
	w.refused(now, "sts:AssumeRole", assuming(next), fault.AccessDenied)
	pass()
	w.must(w.assume(ann, assuming(role)), "kms:Encrypt", encrypting(key))
	// What was assumed with it meanwhile is a session of another role.
	w.must(chained, "kms:Encrypt", encrypting(key))
}
