package awsjson_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"claviger/internal/edge/awsjson"
	"claviger/internal/words/optional"
)

// simple is what encoding/json can decode as well.
type simple struct {
	S optional.Of[string] `aws:"S"`
	I optional.Of[int]    `aws:"I"`
	B optional.Of[bool]   `aws:"B"`
	L []string            `aws:"L"`
	N *simple             `aws:"N"`
}

type empty struct{}

var (
	simpleShape = awsjson.Plan(reflect.TypeFor[simple]())
	emptyShape  = awsjson.Plan(reflect.TypeFor[empty]())
)

var seeds = []string{
	"", "{}", fullJSON, `{"S":"a","I":1,"B":true,"L":["x"],"N":{"S":"\ud834\udd1e"}}`, `{"s":1,"S":null,"S":1}`, `{"a":[[[{}]]],"b":{"a":1,"a":2}}`,
	`{"I":-0.0e1}`, `{"I":01}`, `{"S":"\udd1e"}`, "{\"S\":\"\xff\"}", `{"L":[null]}`, " {\"S\" : \"\\\"\\/\" } ", `{"":{"":{"":""}}}`,
	`{"Blob":"AAAA","Time":1.5e9,"Pairs":{"a":true,"b":-1},"Tags":[{}]}`, `[{}]`, `{"a":9E999,"b":{"c":1,"c":1}}`, `{"a":1}{`, `nul`, `{"\u0053":"x"}`,
}

// FuzzSkip compares which bodies are JSON, in the strict sense of this
// package, with what encoding/json says.
func FuzzSkip(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := emptyShape.Decode(body, &empty{})
		if want := strictObject(body); (err == nil) != want {
			t.Errorf("%q: %v, encoding/json takes it: %v", body, err, want)
		}
	})
}

// FuzzDecode compares values with those of encoding/json.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got simple
		err := simpleShape.Decode(body, &got)
		want, ok := reference(body)
		if !strictObject(body) {
			ok = false
		}
		if (err == nil) != ok {
			t.Fatalf("%q: %v, encoding/json takes it: %v", body, err, ok)
		}
		if err == nil && !reflect.DeepEqual(&got, want) {
			t.Fatalf("%q is decoded as %+v, by encoding/json as %+v", body, got, want)
		}
	})
}

// FuzzRoundTrip: what is accepted is written, and what is written is accepted
// and written again the same.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second everything
		if everythingShape.Decode(body, &first) != nil {
			return
		}
		once := everythingShape.Append(nil, &first)
		if err := everythingShape.Decode(once, &second); err != nil {
			t.Fatalf("%q was written as %q, which is refused: %v", body, once, err)
		}
		if twice := everythingShape.Append(nil, &second); !bytes.Equal(once, twice) {
			t.Fatalf("%q was written as %q and then as %q", body, once, twice)
		}
		if !json.Valid(once) {
			t.Fatalf("%q was written as %q, which is no JSON", body, once)
		}
	})
}

// reference decodes a simple by encoding/json, with exact names.
func reference(body []byte) (*simple, bool) {
	out := new(simple)
	if len(body) == 0 {
		return out, true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return nil, false
	}
	take := func(name string, into any) (set, ok bool) {
		raw := members[name]
		if raw == nil || string(raw) == "null" {
			return false, true
		}
		return true, json.Unmarshal(raw, into) == nil
	}
	var ok [4]bool
	out.S.Set, ok[0] = take("S", &out.S.V)
	out.I.Set, ok[1] = take("I", &out.I.V)
	out.B.Set, ok[2] = take("B", &out.B.V)
	var list []*string
	_, ok[3] = take("L", &list)
	if list != nil {
		out.L = []string{}
	}
	for _, s := range list {
		if s == nil || len(out.L) == 10000 {
			return nil, false
		}
		out.L = append(out.L, *s)
	}
	if raw := members["N"]; raw != nil && string(raw) != "null" {
		var nested bool
		if out.N, nested = reference(raw); !nested {
			return nil, false
		}
	}
	return out, ok == [4]bool{true, true, true, true}
}

// strictObject reports whether body is empty or a JSON object without repeated
// members, invalid Unicode, and nesting deeper than 64.
func strictObject(body []byte) bool {
	if len(body) == 0 {
		return true
	}
	if !json.Valid(body) || !utf8.Valid(body) || lonely(body) || bytes.TrimLeft(body, " \t\r\n")[0] != '{' {
		return false
	}
	type level struct {
		names map[string]bool // nil in a list
		name  bool            // a name comes next
	}
	var stack []level
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // some are beyond a float64
	for {
		token, err := d.Token()
		if err != nil {
			return true
		}
		top := len(stack) - 1
		if s, ok := token.(string); ok && top >= 0 && stack[top].name {
			if stack[top].names[s] {
				return false
			}
			stack[top].names[s], stack[top].name = true, false
			continue
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{map[string]bool{}, true})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
			top--
			fallthrough
		default:
			if top >= 0 && stack[top].names != nil {
				stack[top].name = true
			}
		}
		if len(stack) > 64 {
			return false
		}
	}
}

// lonely reports whether valid JSON escapes half a character.
func lonely(body []byte) bool {
	unit := func(i int) rune {
		if i+6 > len(body) || body[i] != '\\' || body[i+1] != 'u' {
			return 0
		}
		n, err := strconv.ParseUint(string(body[i+2:i+6]), 16, 16)
		if err != nil {
			return 0
		}
		return rune(n)
	}
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		r := unit(i)
		switch {
		case !utf16.IsSurrogate(r):
			i++
		case utf16.DecodeRune(r, unit(i+6)) == utf8.RuneError:
			return true
		default:
			i += 11
		}
	}
	return false
}
