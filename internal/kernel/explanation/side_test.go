package explanation_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/explanation"
	"claviger/internal/words/confidential"
)

const (
	account = "111122223333"
	owner   = "444455556666"
	request = "5f6d6c1e-0000-4000-8000-000000000001"
)

// keyring has a key for each account.
func keyring(t testing.TB, accounts ...string) *sealed.Keyring {
	t.Helper()
	root, err := sealed.NewRootKey(confidential.New(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		wrapped, err := k.Draw(a)
		if err == nil {
			err = k.Install(a, wrapped)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func everybody(string) bool { return true }

// refusal is the explanation of one in which everything says something.
func refusal() *explanation.Explanation {
	return &explanation.Explanation{
		Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:" + owner + ":key/k",
		Verdict: policy.Verdict{Explicit: true, Gate: policy.ByIdentity, Policy: "own", Statement: 1, Sid: "No"},
		Premises: []policy.Premise{
			{Gate: policy.ByIdentity, Statement: -1, Effect: "Allow"},
			{Gate: policy.ByIdentity, Policy: "own", Statement: 0, Sid: "Tag", Effect: "Allow", Failed: "Condition:StringEquals:aws:PrincipalTag/team", Compared: []policy.Comparison{
				{Operator: "StringEquals", Key: "aws:PrincipalTag/team", Wanted: []string{"red", "${aws:resourcetag/team}"}, Present: true, Got: []string{"green"}, Variables: []policy.Variable{
					{Key: "aws:resourcetag/team", Present: true, Value: "blue"}, {Key: "a:b"},
				}},
				{Operator: "Null", Key: "aws:SourceIp", Wanted: []string{"true"}, Met: true},
			}},
			{Gate: policy.ByIdentity, Policy: "own", Statement: 1, Sid: "No", Effect: "Deny", Matched: true, Actions: []string{"kms:*"}, Resources: []string{"*"}, Compared: []policy.Comparison{
				{Operator: "StringEquals", Key: "aws:ResourceTag/a", Wanted: []string{"b"}, Present: true, Met: true},
			}},
		},
	}
}

// ofOwner is what the other side learns of it.
func ofOwner() *explanation.Explanation {
	return &explanation.Explanation{
		Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:" + owner + ":key/k", Verdict: policy.Verdict{Statement: -1},
		Premises: []policy.Premise{{Gate: policy.ByResource, Side: policy.ResourceSide, Statement: -1, Effect: "Allow", Matched: true}},
	}
}

// TestSide: each account gets what was packed for it, and nobody else's.
func TestSide(t *testing.T) {
	t.Parallel()
	k := keyring(t, account, owner)
	sides := explanation.Sides{Account: account, Own: refusal(), Owner: owner, OfOwner: ofOwner()}
	side := sides.Side(k, request)
	both := []explanation.Part{{account, refusal()}, {owner, ofOwner()}}
	for who, want := range map[string][]explanation.Part{"": both, account: both[:1], owner: both[1:], "777788889999": nil} {
		got, reasons, err := explanation.ReadSide(side, k, request, func(a string) bool { return who == "" || a == who })
		if err != nil || reasons != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads %+v, %v, %v", who, got, reasons, err)
		}
	}
	if _, _, err := explanation.ReadSide(side, k, "another request", everybody); !errors.Is(err, explanation.ErrSide) {
		t.Errorf("the side field of another request: %v", err)
	}
	if bytes.Contains(side, []byte("green")) {
		t.Error("a value stands unsealed")
	}
	// An account that has no key has no part, and neither has one without premises.
	if got, _, err := explanation.ReadSide(sides.Side(keyring(t, owner), request), k, request, func(a string) bool { return a == account }); err != nil || got != nil {
		t.Errorf("read %+v, %v", got, err)
	}
	none := explanation.Sides{Account: account, Own: &explanation.Explanation{}}
	if side := none.Side(k, request); side != nil {
		t.Errorf("nothing is packed as %x", side)
	}
	for n := range side {
		if n == 0 {
			continue // no side field at all
		}
		if parts, _, err := explanation.ReadSide(side[:n], k, request, everybody); err == nil && len(parts) > 1 {
			t.Errorf("cut to %d bytes it reads %+v", n, parts)
		}
	}
}

// TestFirstVersion: what earlier versions wrote is read.
func TestFirstVersion(t *testing.T) {
	t.Parallel()
	k := keyring(t, account)
	box, err := k.Seal(account, []byte("side/"+request), []byte(`[{"gate":1,"statement":-1,"matched":false},{"gate":2,"policy":"p","statement":3,"sid":"S","effect":"Deny","matched":true}]`))
	if err != nil {
		t.Fatal(err)
	}
	side := append([]byte{1, 0, 12}, account...)
	side = append(side, 0, 0, 0, byte(len(box)))
	side = append(side, box...)
	got, _, err := explanation.ReadSide(side, k, request, everybody)
	want := []policy.Premise{{Gate: policy.ByIdentity, Statement: -1}, {Gate: policy.ByResource, Side: policy.ResourceSide, Policy: "p", Statement: 3, Sid: "S", Effect: "Deny", Matched: true}}
	if err != nil || len(got) != 1 || got[0].Account != account || !reflect.DeepEqual(got[0].Explanation.Premises, want) || got[0].Explanation.Verdict.Statement != -1 {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, _, err := explanation.ReadSide([]byte{9}, k, request, everybody); !errors.Is(err, explanation.ErrSide) {
		t.Errorf("of a later version: %v", err)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	want := []explanation.Reason{
		{Action: "kms:ReEncryptFrom", Gate: policy.ByResource, Statement: 0, Sid: "Enable"},
		{Action: "kms:ReEncryptTo", Gate: policy.ByIdentity, Policy: "own", Statement: 65534},
		{Action: "kms:Decrypt", Gate: policy.ByGrant, Statement: -1},
	}
	side := explanation.AppendReasons(nil, want)
	parts, got, err := explanation.ReadSide(side, nil, request, everybody)
	if err != nil || parts != nil || !slices.Equal(got, want) {
		t.Errorf("read %+v, %+v, %v", parts, got, err)
	}
	short := 0
	for n := 1; n < len(side); n++ {
		if _, got, err := explanation.ReadSide(side[:n], nil, request, everybody); errors.Is(err, explanation.ErrSide) {
			short++
		} else if err != nil || len(got) > 2 {
			t.Errorf("cut to %d bytes it reads %+v, %v", n, got, err)
		}
	}
	if short < len(side)-5 {
		t.Errorf("only %d of %d beginnings are refused", short, len(side))
	}
}

// TestBounds: what a policy or a request says at length is cut, and premises that
// decide stay.
func TestBounds(t *testing.T) {
	t.Parallel()
	k := keyring(t, account)
	e := refusal()
	long := strings.Repeat("é", 5000)
	e.Premises[1].Compared[0].Wanted = slices.Repeat([]string{long}, 50)
	e.Premises[1].Compared[0].Got = []string{long}
	last := e.Premises[2]
	e.Premises = e.Premises[:2]
	for i := range 2000 {
		near := e.Premises[1]
		near.Statement = i
		e.Premises = append(e.Premises, near)
	}
	e.Premises = append(e.Premises, last)
	sides := explanation.Sides{Account: account, Own: e}
	side := sides.Side(k, request)
	parts, _, err := explanation.ReadSide(side, k, request, everybody)
	if err != nil || len(parts) != 1 {
		t.Fatalf("%+v, %v", parts, err)
	}
	got := parts[0].Explanation
	if n := len(got.Premises); len(side) > 17<<10 || len(side) < 12<<10 || n < 3 || n > 20 || !got.Cut {
		t.Errorf("%d bytes with %d premises, cut: %v", len(side), n, got.Cut)
	}
	if end := got.Premises[len(got.Premises)-1]; !reflect.DeepEqual(end, last) {
		t.Errorf("what decided is %+v", end)
	}
	c := got.Premises[1].Compared[0]
	if len(c.Wanted) != 11 || c.Wanted[10] != "…" || c.Got[0] != strings.Repeat("é", 128)+"…" {
		t.Errorf("shortened to %q of %d values", c.Got, len(c.Wanted))
	}
}

func FuzzReadSide(f *testing.F) {
	k := keyring(f, account)
	sides := explanation.Sides{Account: account, Own: refusal()}
	f.Add(sides.Side(k, request), []byte(`{"premises":[]}`))
	f.Add(explanation.AppendReasons(nil, []explanation.Reason{{Action: "a"}}), []byte(`[]`))
	f.Fuzz(func(t *testing.T, side, plain []byte) {
		if _, _, err := explanation.ReadSide(side, k, request, everybody); err != nil && !errors.Is(err, explanation.ErrSide) {
			t.Error(err)
		}
		box, err := k.Seal(account, []byte("side/"+request), plain)
		if err != nil {
			t.Fatal(err)
		}
		for version := range byte(4) {
			side := append([]byte{version, 0, 12}, account...)
			side = append(side, byte(len(box)>>24), byte(len(box)>>16), byte(len(box)>>8), byte(len(box)))
			parts, _, err := explanation.ReadSide(append(side, box...), k, request, everybody)
			if err != nil && !errors.Is(err, explanation.ErrSide) {
				t.Error(err)
			}
			for _, part := range parts {
				explanation.Print(nowhere{}, part.Explanation) // must not panic
			}
		}
	})
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
