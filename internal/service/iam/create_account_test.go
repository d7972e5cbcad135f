package iam_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

func (w *world) operator() *actor {
	return &actor{w: w, caller: &authz.Caller{Principal: principal.Principal{Kind: principal.Operator}}}
}

func TestCreateAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	drawn := do[iam.CreateAccountOutput](t, w.operator(), "CreateAccount", &iam.CreateAccountInput{})
	if !regexp.MustCompile(`^\d{12}$`).MatchString(drawn.AccountID) || !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(drawn.AccessKeyID) {
		t.Errorf("drew account %q, access key %q", drawn.AccountID, drawn.AccessKeyID)
	}
	if got := w.credential(drawn.AccessKeyID); string(got.Secret.Reveal(reveal.Token{})) != string(drawn.SecretAccessKey.Reveal(reveal.Token{})) ||
		got.Caller.Principal.ARN != "arn:aws:iam::"+drawn.AccountID+":root" {
		t.Errorf("the access key is of %+v", got.Caller.Principal)
	}
	const chosen = "777788889999"
	given := do[iam.CreateAccountOutput](t, w.operator(), "CreateAccount", &iam.CreateAccountInput{AccountID: some(chosen), Name: some("payments")})
	if given.AccountID != chosen || given.AccessKeyID == drawn.AccessKeyID {
		t.Errorf("got %+v", given)
	}
	refuse(t, w.operator(), "CreateAccount", &iam.CreateAccountInput{AccountID: some(chosen)}, iam.EntityAlreadyExists, "Account with id "+chosen+" already exists.")

	ids, err := w.iam.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{account, other, drawn.AccountID, chosen}
	slices.Sort(want)
	if !slices.Equal(ids, want) {
		t.Errorf("accounts are %v, want %v", ids, want)
	}
}

func TestCreateAccountRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const one = "1 validation error detected: Value '"
	long := strings.Repeat("n", 51)
	tests := []struct {
		in      iam.CreateAccountInput
		message string
	}{
		{iam.CreateAccountInput{AccountID: some("12345678901")}, one + `12345678901' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: \d{12}`},
		{iam.CreateAccountInput{AccountID: some("12345678901x")}, one + `12345678901x' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: \d{12}`},
		{iam.CreateAccountInput{Name: some(long)}, one + long + `' at 'name' failed to satisfy constraint: Member must have length less than or equal to 50`},
		{iam.CreateAccountInput{Name: some("a\tb")}, one + "a\tb" + `' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0020-\u007E]+`},
	}
	for _, tt := range tests {
		refuse(t, w.operator(), "CreateAccount", &tt.in, fault.Validation, tt.message)
	}
	// The action is asked for, and no policy of an account names it.
	everything := w.actorNamed("everything", "")
	if _, err := everything.call("CreateAccount", &iam.CreateAccountInput{}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("a user made an account: %v", err)
	}
	if asks := everything.asks; len(asks) != 1 || asks[0].Action != "claviger:CreateAccount" || asks[0].Resource != "*" {
		t.Errorf("asked %+v", asks)
	}
}

func TestCreateAccountOfOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := func(id, accessKeyID, secret string) error {
		_, err := w.store.Update(context.Background(), opID(), func(tx store.Txn) error {
			return w.iam.CreateAccount(t.Context(), tx, id, accessKeyID, text(secret), start)
		})
		return err
	}
	const fresh = "000011112222"
	for _, tt := range []struct{ about, id, accessKeyID, secret string }{
		{"a short account id", "1234", "AKIAFRESHFRESHFRESHF", "s"},
		{"an access key id with a hyphen", fresh, "AKIA-RESHFRESHFRESHF", "s"},
		{"an access key id of 129", fresh, strings.Repeat("A", 129), "s"},
		{"an empty secret", fresh, "AKIAFRESHFRESHFRESHF", ""},
	} {
		if err := create(tt.id, tt.accessKeyID, tt.secret); err == nil {
			t.Errorf("%s was accepted", tt.about)
		}
	}
	if err := create(account, "AKIAFRESHFRESHFRESHF", "s"); !errors.Is(err, store.ErrExists) {
		t.Errorf("an account that exists: %v", err)
	}
	if err := create(fresh, rootKeyID, "s"); !errors.Is(err, store.ErrExists) {
		t.Errorf("an access key that exists: %v", err)
	}
	if ids, err := w.iam.Accounts(t.Context()); err != nil || !slices.Equal(ids, []string{account, other}) {
		t.Errorf("accounts are %v, %v", ids, err)
	}
	if err := create(fresh, "short", "s"); err != nil {
		t.Errorf("a short access key id: %v", err)
	}
	if got := w.credential("short").Caller.Principal.Account; got != fresh {
		t.Errorf("the access key is of account %s", got)
	}
	id, secret := iam.DrawAccessKey()
	if len(id) != 20 || secret.Len() != 40 {
		t.Errorf("drew an id of %d and a secret of %d characters", len(id), secret.Len())
	}
	_, err := w.store.Update(t.Context(), opID(), func(tx store.Txn) error {
		return w.iam.CreateAccount(t.Context(), tx, "000011113333", "", confidential.Bytes{}, time.Now())
	})
	if err != nil {
		t.Errorf("an account without root access key: %v", err)
	}
}
