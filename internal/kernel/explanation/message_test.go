package explanation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/explanation"
	"claviger/internal/words/principal"
)

// TestMessage: the form of AWS, for the account that was refused, for a day.
func TestMessage(t *testing.T) {
	t.Parallel()
	messages := explanation.NewMessages(keyring(t))
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	user := &principal.Principal{Kind: principal.User, Account: account, ID: "AIDAANN", Name: "ann", ARN: "arn:aws:iam::" + account + ":user/ann"}
	text := messages.Encode(user, at, refusal())
	got, err := messages.Decode(account, text, at.Add(explanation.MessageLasts-time.Second))
	const conditions = `[{"key":"aws:Resource","values":{"items":[{"value":"key/k"}]}},{"key":"aws:Account","values":{"items":[{"value":"444455556666"}]}},` +
		`{"key":"aws:Region","values":{"items":[{"value":"eu-west-1"}]}},{"key":"aws:ID","values":{"items":[{"value":"k"}]}},` +
		`{"key":"aws:Service","values":{"items":[{"value":"kms"}]}},{"key":"aws:Type","values":{"items":[{"value":"key"}]}},` +
		`{"key":"aws:ARN","values":{"items":[{"value":"arn:aws:kms:eu-west-1:444455556666:key/k"}]}},` +
		`{"key":"aws:PrincipalTag/team","values":{"items":[{"value":"green"}]}}]`
	const want = `{"allowed":false,"explicitDeny":true,"matchedStatements":{"items":[{"statementId":"No","effect":"DENY","principals":{"items":[{"value":"AIDAANN"}]},` +
		`"principalGroups":{"items":[]},"actions":{"items":[{"value":"kms:*"}]},"resources":{"items":[{"value":"*"}]},` +
		`"conditions":{"items":[{"key":"aws:ResourceTag/a","values":{"items":[{"value":"b"}]}}]}}]},"failures":{"items":[]},` +
		`"context":{"principal":{"id":"AIDAANN","name":"ann","arn":"arn:aws:iam::111122223333:user/ann"},"action":"kms:Encrypt",` +
		`"resource":"arn:aws:kms:eu-west-1:444455556666:key/k","conditions":{"items":` + conditions + `}}}`
	if err != nil || got != want {
		t.Errorf("decoded\n%s, %v\nwant\n%s", got, err, want)
	}
	other := byte('A')
	if text[20] == other {
		other = 'B'
	}
	for what, try := range map[string]struct {
		account, text string
		after         time.Duration
	}{
		"expired":            {account, text, explanation.MessageLasts},
		"of another account": {owner, text, 0},
		"altered":            {account, text[:20] + string(other) + text[21:], 0},
		"cut":                {account, text[:len(text)-1], 0},
		"on two lines":       {account, text[:20] + "\n" + text[20:], 0},
		"none":               {account, "", 0},
	} {
		if got, err := messages.Decode(try.account, try.text, at.Add(try.after)); !errors.Is(err, explanation.ErrMessage) || got != "" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

// TestImplicitMessage: without a Deny nothing denies, and a session has no name.
func TestImplicitMessage(t *testing.T) {
	t.Parallel()
	messages := explanation.NewMessages(keyring(t))
	e := refusal()
	e.Verdict = policy.Verdict{Gate: policy.ByIdentity, Statement: -1}
	e.Premises, e.Resource = append(e.Premises[:2:2], policy.Premise{Gate: policy.ByResource, Statement: 0, Effect: "Allow", Matched: true}), "*"
	session := &principal.Principal{Kind: principal.RoleSession, Account: account, ID: "AROAR:s", Name: "unused", ARN: "arn:aws:sts::" + account + ":assumed-role/R/s"}
	now := time.Now()
	got, err := messages.Decode(account, messages.Encode(session, now, e), now)
	const want = `{"allowed":false,"explicitDeny":false,"matchedStatements":{"items":[]},"failures":{"items":[]},` +
		`"context":{"principal":{"id":"AROAR:s","arn":"arn:aws:sts::111122223333:assumed-role/R/s"},"action":"kms:Encrypt","resource":"*",` +
		`"conditions":{"items":[{"key":"aws:PrincipalTag/team","values":{"items":[{"value":"green"}]}}]}}}`
	if err != nil || got != want {
		t.Errorf("decoded\n%s, %v\nwant\n%s", got, err, want)
	}
}

// TestMessageFits: a message has room in the header of an answer, whatever the
// policies say.
func TestMessageFits(t *testing.T) {
	t.Parallel()
	messages := explanation.NewMessages(keyring(t))
	e := refusal()
	for range 1000 {
		p := e.Premises[1]
		p.Policy = strings.Repeat("p", 128)
		e.Premises = append(e.Premises, p)
	}
	e.Resource = "arn:aws:kms:eu-west-1:" + owner + ":key/" + strings.Repeat("k", 2048)
	text := messages.Encode(&principal.Principal{Account: account, ARN: strings.Repeat("a", 600)}, time.Now(), e)
	if len(text) > 8<<10 {
		t.Errorf("a message of %d characters", len(text))
	}
	if _, err := messages.Decode(account, text, time.Now()); err != nil {
		t.Error(err)
	}
}
