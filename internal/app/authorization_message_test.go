package app

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/kms"
	"claviger/internal/service/sts"
	"claviger/internal/words/optional"
)

// TestAuthorizationMessage: a refusal over the wire carries a message, which who may
// decodes in the account, and which says nothing of another account's key.
func TestAuthorizationMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	settings := &common{Region: "us-east-1"}
	if err := settings.check(); err != nil {
		t.Fatal(err)
	}
	edge := w.server.gateway(settings)
	kmsCall := func(as *authz.Credential, operation, body string) message.Response {
		r := newRequest("POST", "/", body).with("content-type", "application/x-amz-json-1.1").with("x-amz-target", "TrentService."+operation)
		return edge.Handle(t.Context(), r.signedBy(as, "kms", "us-east-1", time.Now()).message())
	}
	key := w.key()
	ann := w.userWith("ann", `"kms:Decrypt"`)
	answer := kmsCall(ann, "Encrypt", `{"KeyId":"`+key+`","Plaintext":"aGVsbG8="}`)
	if answer.Status != 400 || answer.Explanation == "" || strings.Contains(string(answer.Body), answer.Explanation) {
		t.Fatalf("status %d, message %q: %s", answer.Status, answer.Explanation, answer.Body)
	}
	out := w.must(w.caller(owner), "sts:DecodeAuthorizationMessage", &sts.DecodeAuthorizationMessageInput{EncodedMessage: optional.Some(answer.Explanation)})
	var said struct {
		Allowed, ExplicitDeny bool
		Context               struct {
			Principal        struct{ ID, Name, ARN string }
			Action, Resource string
		}
	}
	if err := json.Unmarshal([]byte(out.(*sts.DecodeAuthorizationMessageOutput).DecodedMessage), &said); err != nil {
		t.Fatal(err)
	}
	p := &ann.Caller.Principal
	if c := said.Context; said.Allowed || said.ExplicitDeny || c.Principal.ID != p.ID || c.Principal.Name != "ann" || c.Principal.ARN != p.ARN || c.Action != "kms:Encrypt" || !strings.HasSuffix(c.Resource, ":key/"+key) {
		t.Errorf("it says %+v", said)
	}
	if answer := kmsCall(w.caller(owner), "ListKeys", "{}"); answer.Status != 200 || answer.Explanation != "" {
		t.Errorf("status %d with the message %q", answer.Status, answer.Explanation)
	}
	if answer := kmsCall(w.caller(owner), "Encrypt", `{"KeyId":"`+key+`"}`); answer.Status != 400 || answer.Explanation != "" {
		t.Errorf("a call that is malformed has the message %q", answer.Explanation)
	}

	// A key of another account and none there are refused alike.
	theirs := w.must(w.caller(stranger), "kms:CreateKey", &kms.CreateKeyInput{}).(*kms.CreateKeyOutput).KeyMetadata
	absent := "0" + theirs.KeyID[1:]
	if absent == theirs.KeyID {
		absent = "1" + theirs.KeyID[1:]
	}
	lengths := make(map[int]bool)
	for _, id := range []string{theirs.KeyID, absent} {
		answer := kmsCall(ann, "Encrypt", fmt.Sprintf(`{"KeyId":"arn:aws:kms:us-east-1:%s:key/%s","Plaintext":"aGVsbG8="}`, stranger, id))
		lengths[len(answer.Explanation)] = true
	}
	if len(lengths) != 1 || lengths[0] {
		t.Errorf("messages of the lengths %v", lengths)
	}

	// XML has it in the header too.
	form := url.Values{"Action": {"GetAccessKeyInfo"}, "AccessKeyId": {ann.AccessKeyID}, "Version": {"2011-06-15"}}
	r := newRequest("POST", "/", form.Encode()).with("content-type", "application/x-www-form-urlencoded")
	if answer := edge.Handle(t.Context(), r.signedBy(ann, "sts", "us-east-1", time.Now()).message()); answer.Status != 403 || answer.Explanation == "" {
		t.Errorf("status %d with the message %q: %s", answer.Status, answer.Explanation, answer.Body)
	}
}
