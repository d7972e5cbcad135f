package simulate_test

import (
	"strings"
	"testing"
	"time"

	"claviger/internal/simulate"
)

// TestProfiles: scripts use only what they have made, by whom they list, and say
// why a call is refused.
func TestProfiles(t *testing.T) {
	t.Parallel()
	steps := 0
	for _, name := range simulate.Names() {
		for _, full := range []bool{false, true} {
			p, err := simulate.Named(name, simulate.Options{Full: full})
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != name || !strings.HasPrefix(p.Head(), name+": ") {
				t.Errorf("the profile %s calls itself %s", name, p.Head())
			}
			for _, found := range [][]string{p.Unmade(), p.Unregistered(), p.Uncast()} {
				for _, sentence := range found {
					t.Errorf("%s: %s", name, sentence)
				}
			}
			for _, step := range p.Steps() {
				steps++
				if step.Want == simulate.Deny && step.Why == "" {
					t.Errorf("%s: %s by %s is refused and nobody says why", name, step.Call, step.Actor)
				}
			}
		}
	}
	if steps < 170 {
		t.Errorf("%d steps, want more", steps)
	}
	if _, err := simulate.Named("s3", simulate.Options{}); err == nil || !strings.Contains(err.Error(), "rds, forecast, voiceid") {
		t.Errorf("a profile that does not exist: %v", err)
	}
}

// TestOutcomes: refusals of both protocols are read, and what is none is a failure
// that repeats nothing of it.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body string
		want simulate.Outcome
		said string
	}{
		{`{"__type":"AccessDeniedException","Message":"no"}`, simulate.Deny, "no"},
		{`{"__type":"com.amazonaws.kms#DisabledException","message":"off"}`, "DisabledException", "off"},
		{`<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &amp; b</Message></Error></ErrorResponse>`, simulate.Deny, "a & b"},
		{`<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>`, "NoSuchEntity", ""},
		{`<html>secret</html>`, "UnknownError", "Bad Request"},
		{`{"__type":"OK","message":"fine"}`, "FAILURE", "OK: fine"},
		{``, "UnknownError", "Bad Request"},
	} {
		if got, said := simulate.Answered(400, []byte(test.body)); got != test.want || said != test.said {
			t.Errorf("%s is %s, %q", test.body, got, said)
		}
	}
}

// TestPrint: a step tells who did what, how it ended and was to end, and why.
func TestPrint(t *testing.T) {
	t.Parallel()
	step := simulate.Step{Scene: "It begins", Actor: "somebody", Call: "Decrypt", Want: simulate.Deny, Why: "the grant is gone"}
	for _, test := range []struct {
		result simulate.Result
		want   string
	}{
		{simulate.Result{Number: 1, Step: step, Got: simulate.Deny, Said: "no", Passed: true},
			"\nIt begins.\n  1  PASS  somebody: Decrypt\n           DENY, as expected: the grant is gone\n           \"no\"\n"},
		{simulate.Result{Number: 12, Step: step, Got: simulate.OK},
			"\nIt begins.\n 12  FAIL  somebody: Decrypt\n           OK, expected DENY: the grant is gone\n"},
		{simulate.Result{Number: 2, Step: step, Skipped: "there is no g1 to do it with"},
			"\nIt begins.\n  2  skip  somebody: Decrypt\n           left out: there is no g1 to do it with\n"},
	} {
		var b strings.Builder
		if err := test.result.Print(&b); err != nil || b.String() != test.want {
			t.Errorf("printed\n%s\nwant\n%s(%v)", b.String(), test.want, err)
		}
	}
	played := simulate.Played{Results: []simulate.Result{{Passed: true}, {Skipped: "x"}, {}}}
	var b strings.Builder
	if err := played.Print(&b); err != nil || b.String() != "\n1 of 2 steps ended as they should, 1 left out.\n" || played.Failed() != 1 {
		t.Errorf("printed %q, %d failed (%v)", b.String(), played.Failed(), err)
	}
}

const key = "arn:aws:kms:us-west-2:111122223333:key/1"

func line(name, more string) string {
	return `{"eventTime":"2026-01-02T03:04:05Z","eventSource":"kms.amazonaws.com","eventName":"` + name + `",
"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/simulate-abcdef-ann","invokedBy":"rds.amazonaws.com"},
"resources":[{"ARN":"` + key + `"}]` + more + `}`
}

// TestLine: a record becomes a line where it is about the run, and none otherwise.
func TestLine(t *testing.T) {
	t.Parallel()
	played := simulate.Played{Began: time.Date(2026, 1, 2, 3, 4, 5, 999, time.UTC), Suffix: "abcdef", Keys: []string{key}}
	const who = "ann through rds.amazonaws.com"
	for _, test := range []struct{ record, want string }{
		{line("Decrypt", `,"errorCode":"AccessDenied","requestParameters":{"encryptionContext":{"b":"2","a":"1"}}`),
			"03:04:05  AccessDenied                  Decrypt                          " + who + "  {a=1, b=2}"},
		{line("CreateGrant", `,"requestParameters":{"operations":["Decrypt"],"constraints":{"encryptionContextSubset":{"a":"1"}}},"responseElements":{"grantId":"0123456789"}`),
			"03:04:05  OK                            CreateGrant                      " + who + "  [Decrypt]  {a=1}  grant 01234567…"},
		{line("RetireGrant", `,"requestParameters":null,"additionalEventData":{"grantId":"0123456789"}`),
			"03:04:05  OK                            RetireGrant                      " + who + "  grant 01234567…"},
		{strings.ReplaceAll(line("Decrypt", ""), "kms.amazonaws.com", "sts.amazonaws.com"), ""},
		{strings.ReplaceAll(line("Decrypt", ""), "03:04:05", "03:04:04"), ""},
		{`{"eventName":"Decrypt","eventSource":"kms.amazonaws.com","resources":[]}`, ""},
	} {
		if got, err := played.Line([]byte(test.record)); err != nil || got != test.want {
			t.Errorf("%s\nis told as\n%s\nwant\n%s (%v)", test.record, got, test.want, err)
		}
	}
	for _, broken := range []string{`{"` + key, `{"eventSource":"kms.amazonaws.com","eventTime":"` + key + `"}`} {
		if got, err := played.Line([]byte(broken)); err == nil {
			t.Errorf("%s is told as %s", broken, got)
		}
	}
}

// FuzzAnswer: whatever a server answers is one outcome.
func FuzzAnswer(f *testing.F) {
	f.Add(400, []byte(`{"__type":"AccessDeniedException","Message":"no"}`))
	f.Add(403, []byte(`<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if got, _ := simulate.Answered(status, body); got == simulate.OK {
			t.Errorf("a refusal is %s", got)
		}
	})
}

// FuzzLine: no record stops the telling with more than an error.
func FuzzLine(f *testing.F) {
	f.Add([]byte(line("Decrypt", "")))
	played := simulate.Played{Suffix: "abcdef", Keys: []string{key}}
	f.Fuzz(func(t *testing.T, record []byte) {
		if text, err := played.Line(record); err != nil && text != "" {
			t.Errorf("%q and %v", text, err)
		}
	})
}
