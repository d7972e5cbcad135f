package app

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// rootKey makes an access key of the root user of the world's account.
func (w *world) rootKey() string {
	w.t.Helper()
	return w.must(w.caller(owner), "iam:CreateAccessKey", &iam.CreateAccessKeyInput{}).(*iam.CreateAccessKeyOutput).AccessKey.AccessKeyID
}

// opensNothing fails the test where an access key still counts.
func (w *world) opensNothing(id string) {
	w.t.Helper()
	if _, err := w.server.iam.Credential(w.t.Context(), id, ""); !fault.Is(err, fault.UnrecognizedClient) {
		w.t.Errorf("the access key %s: %v", id, err)
	}
}

// TestRootCredentialsReset: the command prints what opens the account from then on, and
// what was there before opens nothing, nor does a session that was begun with it.
func TestRootCredentialsReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	before := w.rootKey()
	session := w.lent(w.must(w.caller(before), "sts:GetSessionToken", &sts.GetSessionTokenInput{}).(*sts.GetSessionTokenOutput).Credentials)
	_, from := w.records(1)

	printed, err := operatorCommand(socket, "root-credentials", "reset", owner)
	form := regexp.MustCompile(`^account               = ` + owner + `\naws_access_key_id     = (AKIA[A-Z2-7]{16})\naws_secret_access_key = (\S{40})\ndeleted access keys   = ` + before + `\n$`)
	made := form.FindStringSubmatch(printed)
	if err != nil || made == nil {
		t.Fatalf("%v: reset printed\n%s", err, printed)
	}
	w.opensNothing(before)
	if again, err := w.again(session); err != nil || again.Refusal == nil {
		t.Errorf("the session of before: %+v, %v", again, err)
	}
	if arn := w.caller(made[1]).Caller.Principal.ARN; arn != "arn:aws:iam::"+owner+":root" {
		t.Errorf("the access key is of %s", arn)
	}
	var answer resetRootCredentialsAnswer
	text, err := operatorCommand(socket, "root-credentials", "reset", owner, "--json")
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil || answer.AccountID != owner || !slices.Equal(answer.DeletedAccessKeyIDs, made[1:2]) || len(answer.SecretAccessKey) != 40 {
		t.Errorf("%v: reset printed %s", err, text)
	}
	checkOperatorRecords(t, w, from, []string{"ResetRootCredentials", "ResetRootCredentials"}, made[2], answer.SecretAccessKey)

	if _, err := operatorCommand(socket, "root-credentials", "reset", "1234"); !errors.As(err, new(usageError)) {
		t.Errorf("of no account: %v", err)
	}
	if _, err := operatorCommand(socket, "root-credentials", "reset", "999999999999"); err == nil || !strings.Contains(err.Error(), "cannot be found") {
		t.Errorf("of an account that is not there: %v", err)
	}
}

// TestRootCredentialsAgain: access keys of a root user that were reset after a backup
// open nothing behind its restore, however often they were.
func TestRootCredentialsAgain(t *testing.T) {
	t.Parallel()
	var first string
	p := newPast(t, func(w *world) { first = w.rootKey() })
	in := &iam.ResetRootCredentialsInput{AccountID: optional.Some(owner)}
	p.operate("ResetRootCredentials", in)
	sound(t, p.server)
	p.operate("ResetRootCredentials", in)
	sound(t, p.server)
	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, report, []string{"ResetRootCredentials made again", "ResetRootCredentials nothing to do"})
	w := p.serving(dir)
	sound(t, w.server)
	w.opensNothing(first)

	// What the trail says of making it again is as good as what it said first.
	p.dir = dir
	dir = p.putBack()
	if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil {
		t.Fatal(err)
	}
	w = p.serving(dir)
	sound(t, w.server)
	w.opensNothing(first)
}
