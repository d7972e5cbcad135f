package app

import (
	"encoding/json"
	"strings"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// lastCall is the request id of the newest record.
func (w *world) lastCall() string {
	w.t.Helper()
	records, _ := w.records(1)
	return requestOf(w.t, records[len(records)-1])
}

func requestOf(t testing.TB, e audit.Entry) string {
	t.Helper()
	var r struct{ RequestID string }
	if err := json.Unmarshal(e.Record, &r); err != nil || r.RequestID == "" {
		t.Fatalf("%v: %s", err, e.Record)
	}
	return r.RequestID
}

// TestExplain: the operator is told why a call across accounts was refused or
// allowed, and for each account its own side.
func TestExplain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	explain := func(args ...string) string {
		t.Helper()
		text, err := operatorCommand(socket, append([]string{"explain"}, args...)...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return text
	}
	key := w.must(w.caller(stranger), "kms:CreateKey", &kms.CreateKeyInput{}).(*kms.CreateKeyOutput).KeyMetadata
	w.must(w.caller(stranger), "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: optional.Some(key.KeyID), Policy: optional.Some(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Own","Effect":"Allow","Principal":{"AWS":"` + stranger + `"},"Action":"kms:*","Resource":"*"},
		{"Sid":"Friends","Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:app":"shop"}}}]}`)})
	ann := w.userWith("ann", `"kms:Encrypt"`)
	encrypt := func(app string) (*authz.Credential, string, *kms.EncryptInput) {
		in := encrypting(key.ARN)
		in.EncryptionContext = pairs.Of(map[string]string{"app": app})
		return ann, "kms:Encrypt", in
	}
	as, name, in := encrypt("bank")
	w.refused(as, name, in, fault.AccessDenied)
	refused := w.lastCall()
	both := explain(refused)
	for _, want := range []string{
		"Encrypt of kms.amazonaws.com at ", "by arn:aws:iam::" + owner + ":user/ann\n", "refused: AccessDenied: User: ",
		"\nfor account " + owner + "\nkms:Encrypt on " + key.ARN + "\n  refused because no resource-based policy allows the kms:Encrypt action\n",
		"identity-based policies: allow\n    statement 1 of own: Allow, matches\n",
		"\nfor account " + stranger + "\n",
		"    statement 2 (Friends): Allow, does not match by its condition\n      - StringEquals kms:EncryptionContext:app: policy has \"shop\", request has \"bank\"\n",
		"    - for statement 2 (Friends), StringEquals \"shop\" must hold of kms:EncryptionContext:app, which is \"bank\"\n",
	} {
		if !strings.Contains(both, want) {
			t.Errorf("without %q it says\n%s", want, both)
		}
	}
	callers := explain("--account", owner, refused)
	if !strings.Contains(callers, "user/ann") || !strings.Contains(callers, "for account "+owner) || strings.Contains(callers, "Friends") || strings.Contains(callers, "for account "+stranger) {
		t.Errorf("the caller's account is told\n%s", callers)
	}
	owners := explain("--account", stranger, refused)
	if !strings.Contains(owners, "Friends") || strings.Contains(owners, "ann") || strings.Contains(owners, " of own") || strings.Contains(owners, "for account "+owner) {
		t.Errorf("the owner's account is told\n%s", owners)
	}
	if text, err := operatorCommand(socket, "explain", "--account", "999988887777", refused); err == nil || !strings.Contains(err.Error(), "NotFoundException") {
		t.Errorf("another account is told %s, %v", text, err)
	}
	if text, err := operatorCommand(socket, "explain", "00000000-0000-4000-8000-000000000000"); err == nil || !strings.Contains(err.Error(), "NotFoundException") {
		t.Errorf("of no call: %s, %v", text, err)
	}
	if _, err := operatorCommand(socket, "explain", "--account", "12", refused); err == nil {
		t.Error("an account of two digits")
	}

	as, name, in = encrypt("shop")
	w.must(as, name, in)
	allowed := w.lastCall()
	if text := explain(allowed); !strings.HasSuffix(text, "\nanswered\n\nkms:Encrypt\n  allowed by statement 2 (Friends) in the policy of the resource\n") {
		t.Errorf("of what was allowed:\n%s", text)
	}
	if text := explain("--account", owner, allowed); strings.Contains(text, "Friends") || !strings.Contains(text, "allowed by policies of the other account") {
		t.Errorf("the caller's account is told\n%s", text)
	}
	var answer explainAnswer
	if err := json.Unmarshal([]byte(explain("--account", stranger, "--json", allowed)), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Allowed) != 1 || answer.Allowed[0] != (toldReason{"kms:Encrypt", "statement 2 (Friends) in the policy of the resource"}) || strings.Contains(string(answer.Record), "user/ann") {
		t.Errorf("the owner's account is told %+v", answer)
	}
	if err := json.Unmarshal([]byte(explain("--json", refused)), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Explanations) != 2 || answer.Explanations[0].Account != owner || answer.Explanations[1].Premises[2].Gate != "policy of the resource" || answer.Explanations[1].Premises[2].Compared[0].Wanted[0] != "shop" {
		t.Errorf("in JSON: %+v", answer.Explanations)
	}

	// What no policy decided.
	if _, err := w.call(ann, "kms:Encrypt", &kms.EncryptInput{KeyID: optional.Some("nothing")}); err == nil {
		t.Fatal("a malformed call")
	}
	if text := explain(w.lastCall()); !strings.HasSuffix(text, "\nno policy refused it\n") {
		t.Errorf("of a malformed call:\n%s", text)
	}

	// The operator's own calls are on record.
	records, _ := w.records(1)
	if last := string(records[len(records)-1].Record); !strings.Contains(last, `"eventName":"ExplainCall"`) || !strings.Contains(last, `"requestId":"`) {
		t.Errorf("the last record is %s", last)
	}
}

// TestExplainRoot: a root user needs no policy, and a name that looks like another's
// request id is none.
func TestExplainRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some("ann")})
	text, err := operatorCommand(socket, "explain", w.lastCall())
	if err != nil || !strings.HasSuffix(text, "allowed by the account: its root user needs no policy there\n") {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := w.server.operate(t.Context(), "ExplainCall", func(any) {}); !fault.Is(err, fault.Validation) {
		t.Errorf("no request id: %v", err)
	}
}
