package sts_test

import (
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/explanation"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func TestDecodeAuthorizationMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name, invalid = "DecodeAuthorizationMessage", "Message is not valid"
	ann, bob := w.user(account, "ann", ""), w.user(account, "bob", `"sts:DecodeAuthorizationMessage"`)
	refusal := &explanation.Explanation{Action: "kms:Encrypt", Resource: "*"}
	refusal.Verdict.Statement = -1
	of := func(text string) *sts.DecodeAuthorizationMessageInput {
		return &sts.DecodeAuthorizationMessageInput{EncodedMessage: some(text)}
	}
	message := w.messages.Encode(&ann.Principal, now, refusal)
	out := do[sts.DecodeAuthorizationMessageOutput](t, w, bob, name, of(message))
	const want = `{"allowed":false,"explicitDeny":false,"matchedStatements":{"items":[]},"failures":{"items":[]},"context":` +
		`{"principal":{"id":"AIDAann","name":"ann","arn":"arn:aws:iam::111122223333:user/ann"},"action":"kms:Encrypt","resource":"*","conditions":{"items":[]}}}`
	if out.DecodedMessage != want {
		t.Errorf("decoded %s\nwant    %s", out.DecodedMessage, want)
	}
	w.refuse(ann, name, of(message), fault.AccessDenied,
		"User: "+ann.Principal.ARN+" is not authorized to perform: sts:DecodeAuthorizationMessage because no identity-based policy allows the sts:DecodeAuthorizationMessage action")
	w.refuse(w.user(other, "eve", `"*"`), name, of(message), sts.InvalidAuthorizationMessage, invalid)
	w.refuse(bob, name, of(w.messages.Encode(&ann.Principal, now.Add(-25*time.Hour), refusal)), sts.InvalidAuthorizationMessage, invalid)
	for _, text := range []string{message + "\n", message[1:], "x", strings.Repeat("x", 10240)} {
		w.refuse(bob, name, of(text), sts.InvalidAuthorizationMessage, invalid)
	}
	if _, err := w.call(bob, name, of(strings.Repeat("x", 10241))); !fault.Is(err, fault.Validation) {
		t.Error(err)
	}
	if _, err := w.call(bob, name, &sts.DecodeAuthorizationMessageInput{EncodedMessage: optional.Of[string]{}}); !fault.Is(err, fault.Validation) {
		t.Error(err)
	}
}
