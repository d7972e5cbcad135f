package app

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"claviger/internal/edge/awsjson"
	"claviger/internal/edge/awsquery"
	"claviger/internal/edge/gateway"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/service/sts"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
)

// The laws of the house hold for every operation. Each needs one valid sample;
// an operation without one fails, and so does a sample without an operation.

func assign(to, from any) { reflect.ValueOf(to).Elem().Set(reflect.ValueOf(from).Elem()) }

// TestEveryOperationHasASample keeps table and samples equal.
func TestEveryOperationHasASample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name := range w.entrances {
		if samples[name] == nil {
			t.Errorf("%s has no sample", name)
		}
	}
	for name := range samples {
		if w.entrances[name] == nil {
			t.Errorf("the sample %s has no operation", name)
		}
	}
	if len(samples) < 30 {
		t.Errorf("only %d operations", len(samples))
	}
}

// TestSamplesSucceed makes sure that what the other laws refuse would have worked.
func TestSamplesSucceed(t *testing.T) {
	t.Parallel()
	everyOperation(t, func(t *testing.T, w *world, name string, in any) {
		if _, err := w.call(w.author(name), name, in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
}

// TestRefused: a refused call changes nothing and leaves exactly one record.
func TestRefused(t *testing.T) {
	t.Parallel()
	everyOperation(t, func(t *testing.T, w *world, name string, in any) {
		if w.entrances[name].Operation.AsksNothing {
			return
		}
		nobody := w.newUser(owner, "nobody")
		outsider := w.newUser(stranger, "outsider")
		for _, caller := range []*authz.Credential{nobody, outsider} {
			_, next := w.records(1)
			before := w.dump()
			_, err := w.call(caller, name, in)
			if !refusal(err) {
				t.Errorf("%s answers %s with %v", name, caller.Caller.Principal.ARN, err)
			}
			if w.dump() != before {
				t.Errorf("%s, refused to %s, changed the store", name, caller.Caller.Principal.ARN)
			}
			if records, _ := w.records(next); len(records) != 1 || !bytes.Contains(records[0].Record, []byte(`"errorCode"`)) {
				t.Errorf("%s, refused to %s, left %d records", name, caller.Caller.Principal.ARN, len(records))
			}
		}
	})
}

// refusal reports whether err says no: what the caller may not do, or what does
// not exist as far as the caller is concerned.
func refusal(err error) bool {
	return fault.Is(err, fault.AccessDenied) || fault.Is(err, "NotFoundException") || fault.Is(err, "NoSuchEntity")
}

// TestUsesDoNotWrite: an operation declared as a Use leaves the store as it was.
func TestUsesDoNotWrite(t *testing.T) {
	t.Parallel()
	everyOperation(t, func(t *testing.T, w *world, name string, in any) {
		caller := w.author(name)
		before := w.dump()
		w.must(caller, name, in)
		if changed := w.dump() != before; changed != w.entrances[name].Operation.Writes {
			t.Errorf("%s is declared to write: %v; it changed the store: %v", name, w.entrances[name].Operation.Writes, changed)
		}
	})
}

// TestSilent: a canary in every confidential member appears in no record, log,
// error, metric, side field or stored byte, in any spelling, on both stores.
func TestSilent(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "sqlite"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			var w *world
			dir := ""
			if store == "memory" {
				w = newWorld(t)
			} else {
				dir = t.TempDir()
				w = newDurableWorld(t, dir)
			}
			canaries := 0
			for name, sample := range samples {
				in := sample(w)
				secrets := collect(in)
				if name == "sts:CreateForwardAccessSession" && len(secrets) != 1 {
					t.Errorf("%s: %d signatures in the evidence", name, len(secrets))
				}
				out, err := w.call(w.author(name), name, in)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				secrets = append(secrets, collect(out)...)
				// Once more as somebody who is refused: refusals must be as silent.
				_, refused := w.call(w.caller(stranger), name, in)
				for _, secret := range secrets {
					canaries++
					if where := w.find(secret, dir, refused); where != "" {
						t.Errorf("%s shows a confidential member in %s", name, where)
					}
				}
			}
			if canaries < 10 {
				t.Errorf("only %d confidential values were searched for", canaries)
			}
			// The search itself must be able to find something.
			w.server.log.Info("leak", "value", base64.StdEncoding.EncodeToString([]byte("a planted canary value")))
			if w.find([]byte("a planted canary value"), dir, nil) == "" {
				t.Error("the search does not find a planted leak")
			}
		})
	}
}

// collect returns the confidential and binary values of a shape, and the
// signatures of evidence.
func collect(shape any) [][]byte {
	var found [][]byte
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch {
		case v.Type() == reflect.TypeFor[confidential.Bytes]():
			if b := secretBytes(v.Interface().(confidential.Bytes)); len(b) >= 8 {
				found = append(found, b)
			}
		case v.Type() == reflect.TypeFor[[]byte](): // ciphertexts: no secrets, and no business of a record's
			if v.Len() >= 8 {
				found = append(found, v.Bytes())
			}
		case v.Type() == reflect.TypeFor[sts.Header](): // for minutes it is as good as a password
			if _, signature, ok := strings.Cut(v.Interface().(sts.Header).Value, "Signature="); ok {
				found = append(found, []byte(signature))
			}
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case v.Kind() == reflect.Pointer && !v.IsNil():
			walk(v.Elem())
		}
	}
	walk(reflect.ValueOf(shape))
	return found
}

// secretBytes reads a confidential value.
func secretBytes(b confidential.Bytes) []byte { return b.Reveal(reveal.Token{}) }

// find searches everything that the world writes for secret, in every spelling.
func (w *world) find(secret []byte, dir string, err error) string {
	places := map[string]string{"the log": w.log.String(), "the store": w.dump()}
	if err != nil {
		places["an error"] = err.Error()
	}
	records, _ := w.records(1)
	var all, sides strings.Builder
	for _, e := range records {
		all.Write(e.Record)
		if len(e.Side) == 0 {
			continue
		}
		parts, reasons, err := explanation.ReadSide(e.Side, w.keyring, requestOf(w.t, e), func(string) bool { return true })
		if err != nil {
			w.t.Fatalf("the side field of %s: %v", e.Record, err)
		}
		for _, p := range parts {
			fmt.Fprintf(&sides, "%s %+v\n", p.Account, *p.Explanation)
		}
		fmt.Fprintf(&sides, "%+v\n", reasons)
	}
	places["a record"], places["a side field"] = all.String(), sides.String()
	places["a metric"] = scrape(w.t, w.server)
	if dir != "" {
		places["a file"] = files(dir)
	}
	for place, content := range places {
		for _, spelling := range spellings(secret) {
			if strings.Contains(content, spelling) {
				return place
			}
		}
	}
	return ""
}

func spellings(secret []byte) []string {
	std := base64.StdEncoding.EncodeToString(secret)
	return []string{
		string(secret), std, strings.TrimRight(std, "="),
		base64.URLEncoding.EncodeToString(secret),
		hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
		fmt.Sprint(secret), url.QueryEscape(string(secret)), strings.Trim(fmt.Sprintf("%q", secret), `"`),
	}
}

func files(dir string) string {
	var all strings.Builder
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			content, _ := os.ReadFile(path)
			all.Write(content)
		}
		return nil
	})
	return all.String()
}

// TestListedAsAskingNothing keeps the list of operations that need no permission.
func TestListedAsAskingNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, e := range w.entrances {
		want := name == "sts:GetCallerIdentity" || name == "sts:GetSessionToken"
		if e.Operation.AsksNothing != want {
			t.Errorf("%s asks nothing: %v", name, e.Operation.AsksNothing)
		}
	}
}

// TestAsksAreDeclared: an operation asks for the actions that it lists, each of
// its service's own. But whether a role may be passed, services ask of their users.
func TestAsksAreDeclared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, e := range w.entrances {
		service, _, _ := strings.Cut(name, ":")
		for _, action := range e.Operation.Actions {
			if !strings.HasPrefix(action, service+":") && action != "iam:PassRole" {
				t.Errorf("%s lists the action %s", name, action)
			}
		}
	}
}

// TestWarmUsesReadNoStore: a cryptographic call reads no store when its key is
// at hand.
func TestWarmUsesReadNoStore(t *testing.T) {
	t.Parallel()
	counting := &countingDriver{Driver: drivertest.Open(t)}
	w := newWorldOn(t, counting, "")
	for _, name := range []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateRandom", "kms:DescribeKey",
		"kms-xks-proxy:Encrypt", "kms-xks-proxy:Decrypt", "kms-xks-proxy:GetKeyMetadata", "kms-xks-proxy:GetHealthStatus"} {
		in := samples[name](w)
		caller := w.author(name)
		w.must(caller, name, in) // warms
		before := counting.snapshots.Load()
		for range 10 {
			w.must(caller, name, in)
		}
		if n := counting.snapshots.Load() - before; n != 0 {
			t.Errorf("%s read the store %d times when warm", name, n)
		}
	}
}

// TestPlansExist: both codecs can carry every shape, and members have one name each.
func TestPlansExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range w.server.services {
		for _, op := range s.Operations {
			for _, shape := range []reflect.Type{op.In, op.Out} {
				seen := make(map[string]bool)
				for _, name := range members(shape) {
					if seen[name] {
						t.Errorf("%s of %s has the member %s twice", shape, op.Name, name)
					}
					seen[name] = true
				}
				switch s.Protocol {
				case gateway.JSON:
					awsjson.Plan(shape)
				case gateway.Query:
					awsquery.Plan(shape)
				}
			}
		}
	}
}

// everyOperation runs f for each operation with a fresh world and sample.
func everyOperation(t *testing.T, f func(t *testing.T, w *world, name string, in any)) {
	t.Helper()
	for name, sample := range samples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f(t, w, name, sample(w))
		})
	}
}
