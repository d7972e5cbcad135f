package app

import (
	"encoding/json"
	"testing"

	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// TestEndedSessionIsRecorded: who calls with a session that is over is refused,
// and the record says who that was.
func TestEndedSessionIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.newUser(owner, "ann")
	w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{
		UserName: optional.Some("ann"), PolicyName: optional.Some("p"), PolicyDocument: optional.Some(sampleDocument),
	})
	issued := w.must(w.caller(ann.AccessKeyID), "sts:GetSessionToken", &sts.GetSessionTokenInput{}).(*sts.GetSessionTokenOutput).Credentials
	token := string(secretBytes(issued.SessionToken))
	lend := func() *authz.Credential {
		t.Helper()
		lent, err := w.server.iam.Credential(t.Context(), issued.AccessKeyID, token)
		if err != nil {
			t.Fatal(err)
		}
		return lent
	}
	held := lend() // as if its signature had been verified before the end
	w.must(held, "kms:ListKeys", &kms.ListKeysInput{})
	w.must(w.caller(owner), "iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{
		UserName: optional.Some("ann"), AccessKeyID: optional.Some(ann.AccessKeyID), Status: optional.Some("Inactive"),
	})
	_, from := w.records(1)
	for _, as := range []*authz.Credential{held, lend()} {
		if _, err := w.call(as, "kms:ListKeys", &kms.ListKeysInput{}); !fault.Is(err, fault.UnrecognizedClient) {
			t.Errorf("a call with a session that is over: %v", err)
		}
	}
	records, _ := w.records(from)
	if len(records) != 2 {
		t.Fatalf("%d records, want 2", len(records))
	}
	for _, e := range records {
		var r struct {
			ErrorCode    string
			UserIdentity struct{ Type, PrincipalID, ARN, AccessKeyID, UserName string }
		}
		if err := json.Unmarshal(e.Record, &r); err != nil {
			t.Fatal(err)
		}
		p := &ann.Caller.Principal
		if u := r.UserIdentity; e.Account != owner || r.ErrorCode == "" || u.Type != "IAMUser" || u.PrincipalID != p.ID || u.ARN != p.ARN || u.UserName != "ann" || u.AccessKeyID != issued.AccessKeyID {
			t.Errorf("recorded in account %q: %s", e.Account, e.Record)
		}
	}
}
