package policy_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"claviger/internal/ground/policy"
)

// TestSievesLetThrough draws statements, and requests that they may be about.
func TestSievesLetThrough(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aAbBzZ0*?-é")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		statement := draft{Effect: "Allow"}
		for range rapid.IntRange(1, 3).Draw(t, "actions") {
			statement.Action = append(statement.Action, rapid.SampledFrom([]string{"a:", "A:", "ab:", "*:"}).Draw(t, "vendor")+text.Draw(t, "name"))
		}
		asked := rapid.SampledFrom(statement.Action).Draw(t, "asked") // matched more often than not
		asked = strings.NewReplacer("*:", "ab:", "*", "", "?", "z").Replace(asked)
		if rapid.IntRange(0, 4).Draw(t, "not") == 0 {
			statement.Action, statement.NotAction = nil, statement.Action
		}
		for range rapid.IntRange(1, 3).Draw(t, "resources") {
			statement.Resource = append(statement.Resource, rapid.SampledFrom([]string{"arn:aws:x:::", "arn:aws:x:*:*:"}).Draw(t, "resource")+text.Draw(t, "tail")+
				rapid.SampledFrom([]string{"", "", "${tag}", "${*}", "${none, 'b'}"}).Draw(t, "variable"))
		}
		p := write(t, policy.Identity, []draft{statement})
		in := &policy.Input{Request: policy.Request{
			Action:   asked,
			Resource: rapid.SampledFrom([]string{"arn:aws:x:::", "*"}).Draw(t, "asked resource"),
			Caller:   user(),
			Context:  facts{"tag": one("b")},
		}}
		if in.Resource != "*" {
			tail := rapid.SampledFrom(statement.Resource).Draw(t, "asked tail")
			in.Resource += strings.NewReplacer("${tag}", "b", "${*}", "*", "${none, 'b'}", "b", "*", "", "?", "z").Replace(tail[strings.LastIndexByte(tail, ':')+1:])
		}
		if i := policy.Withheld(p, in); i >= 0 {
			t.Fatalf("a sieve withholds %+v from %s on %s", statement, in.Action, in.Resource)
		}
	})
}
