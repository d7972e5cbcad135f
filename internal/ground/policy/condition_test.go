package policy_test

import (
	"fmt"
	"testing"

	"claviger/internal/ground/policy"
)

// met reports whether a request with the given facts satisfies a Condition.
func met(t testing.TB, version, condition string, f policy.Context) bool {
	t.Helper()
	document := fmt.Sprintf(`{"Version":%q,"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":%s}}`, version, condition)
	return policy.Decide(&policy.Input{
		Request:         policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: user(), Context: f},
		ResourceAccount: home,
		ResourcePolicy:  compile(t, policy.Resource, document),
	}).Allowed
}

// TestOperators has one key k; "" as got means that the request lacks it.
func TestOperators(t *testing.T) {
	t.Parallel()
	tests := []struct {
		operator, value, got string
		want                 bool
	}{
		{"StringEquals", `"a"`, "a", true},
		{"StringEquals", `"a"`, "A", false},
		{"StringEquals", `["b","a"]`, "a", true},
		{"StringEquals", `"a*"`, "ab", false},
		{"StringEquals", `"a*"`, "a*", true},
		{"StringEquals", `5`, "5", true},
		{"StringEquals", `true`, "true", true},
		{"StringNotEquals", `"a"`, "b", true},
		{"StringNotEquals", `["b","a"]`, "a", false},
		{"StringNotEquals", `["b","a"]`, "c", true},
		{"StringEqualsIgnoreCase", `"Straße"`, "sTRASSE", false},
		{"StringEqualsIgnoreCase", `"Äb"`, "äB", true},
		{"StringEqualsIgnoreCase", `"ab"`, "abc", false},
		{"StringEqualsIgnoreCase", `"abc"`, "ab", false},
		{"StringNotEqualsIgnoreCase", `"Äb"`, "äB", false},
		{"StringNotEqualsIgnoreCase", `"a"`, "b", true},
		{"StringLike", `"a*"`, "abc", true},
		{"StringLike", `"a?c"`, "abc", true},
		{"StringLike", `"a?c"`, "aéc", true},
		{"StringLike", `"a??c"`, "aéc", false},
		{"StringLike", `"A*"`, "abc", false},
		{"StringLike", `"*"`, "a\nb", true},
		{"StringLike", `"a?b"`, "a\nb", true},
		{"StringLike", `"*b*d"`, "abcbcd", true},
		{"StringLike", `"*b*d"`, "abcbc", false},
		{"StringLike", `"a**b"`, "ab", true},
		{"StringLike", `""`, "x", false},
		{"StringNotLike", `"a*"`, "abc", false},
		{"StringNotLike", `["x*","b*"]`, "abc", true},

		{"NumericEquals", `"10"`, "10.0", true},
		{"NumericEquals", `10`, "1e1", true},
		{"NumericEquals", `"0.1"`, "0.1000000000000000055511151231257827", false},
		{"NumericEquals", `"9007199254740993"`, "9007199254740992", false},
		{"NumericEquals", `"0"`, "-0.00", true},
		{"NumericEquals", `"007"`, "7", true},
		{"NumericEquals", `"10"`, "10abc", false},
		{"NumericEquals", `"10"`, " 10", false},
		{"NumericEquals", `"10"`, "0x0a", false},
		{"NumericNotEquals", `"10"`, "10.00", false},
		{"NumericNotEquals", `["10","11"]`, "12", true},
		{"NumericLessThan", `"10"`, "9.999999999999999999999", true},
		{"NumericLessThan", `"10"`, "10", false},
		{"NumericLessThan", `"-1"`, "-1.5", true},
		{"NumericLessThan", `"0.01"`, "0.009", true},
		{"NumericLessThan", `"0"`, "-0.1", true},
		{"NumericLessThan", `"1"`, "NaN", false},
		{"NumericLessThanEquals", `"10"`, "10", true},
		{"NumericLessThanEquals", `"10"`, "10.1", false},
		{"NumericGreaterThan", `"10"`, "1e2", true},
		{"NumericGreaterThan", `"10"`, "10", false},
		{"NumericGreaterThan", `["100","10"]`, "11", true},
		{"NumericGreaterThanEquals", `"10"`, "10", true},
		{"NumericGreaterThanEquals", `"10"`, "9", false},

		{"DateEquals", `"2026-07-01T12:00:00Z"`, "1782907200", true},
		{"DateEquals", `"1782907200"`, "2026-07-01T14:00:00+02:00", true},
		{"DateEquals", `"2026-07"`, "2026-07-01T00:00:00Z", true},
		{"DateEquals", `"2026"`, "2026-01-01", false}, // four digits are seconds
		{"DateEquals", `"2026T"`, "2026-01-01", true},
		{"DateEquals", `"2026-07-01T12:00:00.5Z"`, "1782907200.5", true},
		{"DateNotEquals", `"2026-07-01T12:00:00Z"`, "1782907200", false},
		{"DateNotEquals", `"2026-07-01T12:00:00Z"`, "1782907201", true},
		{"DateLessThan", `"2026-07-01T12:00:00Z"`, "2026-07-01T11:59:59.999Z", true},
		{"DateLessThan", `"2026-07-01T12:00:00Z"`, "2026-07-01T12:00:00Z", false},
		{"DateLessThan", `"2026-07-01"`, "soon", false},
		{"DateLessThan", `"9223372036854775807"`, "2026-07-01", true},
		{"DateLessThanEquals", `"2026-07-01T12:00:00Z"`, "2026-07-01T12:00:00Z", true},
		{"DateGreaterThan", `"2026-07-01T12:00:00-05:30"`, "2026-07-01T17:30:00Z", false},
		{"DateGreaterThan", `"2026-07-01T12:00:00-05:30"`, "2026-07-01T17:30:01Z", true},
		{"DateGreaterThan", `"-292275054"`, "0", true}, // a year, long before 1970
		{"DateGreaterThanEquals", `"2026-07-01T12:00:00Z"`, "2026-07-01T12:00:00Z", true},

		{"Bool", `"true"`, "true", true},
		{"Bool", `"TRUE"`, "true", true},
		{"Bool", `false`, "False", true},
		{"Bool", `"true"`, "false", false},
		{"Bool", `"true"`, "yes", false},
		{"BinaryEquals", `"QUI="`, "AB", true},
		{"BinaryEquals", `"QUI="`, "QUI=", false},

		{"IpAddress", `"10.0.0.0/8"`, "10.255.0.1", true},
		{"IpAddress", `"10.0.0.0/8"`, "11.0.0.1", false},
		{"IpAddress", `"10.1.2.3/8"`, "10.255.0.1", true},
		{"IpAddress", `"10.0.0.1"`, "10.0.0.1", true},
		{"IpAddress", `"10.0.0.1"`, "10.0.0.2", false},
		{"IpAddress", `"10.0.0.0/8"`, "::ffff:10.0.0.1", true},
		{"IpAddress", `"::ffff:10.0.0.0/104"`, "10.0.0.1", true},
		{"IpAddress", `"::ffff:10.0.0.1"`, "10.0.0.1", true},
		{"IpAddress", `"0.0.0.0/0"`, "2001:db8::1", false},
		{"IpAddress", `"::/0"`, "10.0.0.1", false},
		{"IpAddress", `"2001:db8::/32"`, "2001:0db8:0:0::1", true},
		{"IpAddress", `"2001:db8::1"`, "2001:0db8:0000::0001", true},
		{"IpAddress", `"2001:db8::/32"`, "2001:db9::1", false},
		{"IpAddress", `"10.0.0.0/8"`, "ten", false},
		{"NotIpAddress", `"10.0.0.0/8"`, "10.0.0.1", false},
		{"NotIpAddress", `["10.0.0.0/8","11.0.0.0/8"]`, "11.0.0.1", false},
		{"NotIpAddress", `"0.0.0.0/0"`, "2001:db8::1", true},

		{"ArnEquals", `"arn:aws:s3:::b*"`, "arn:aws:s3:::bucket/key", true},
		{"ArnLike", `"arn:aws:s3:::b*"`, "arn:aws:s3:::bucket/key", true},
		{"ArnLike", `"arn:aws:*:::bucket"`, "arn:aws:s3:::bucket", true},
		{"ArnLike", `"arn:aws:*:bucket:x:y"`, "arn:aws:s3:eu:bucket:x:y", false},
		{"ArnLike", `"arn:*:*:*:*:*"`, "arn:aws:s3:::a:b:c", true},
		{"ArnLike", `"arn:aws:s3:?:?:x"`, "arn:aws:s3:a:b:x", true},
		{"ArnLike", `"arn:aws:s3?::x:x"`, "arn:aws:s3:::x:x", false},
		{"ArnLike", `"arn:aws:s3:::x"`, "arn:aws:S3:::x", false},
		{"ArnLike", `"*"`, "arn:aws:s3:::x", true},
		{"ArnLike", `"*"`, "not an ARN", false},
		{"ArnLike", `"arn:aws:s3:::*"`, "arn:aws:s3::x", false},
		{"ArnNotEquals", `"arn:aws:s3:::b*"`, "arn:aws:s3:::bucket", false},
		{"ArnNotLike", `"arn:aws:s3:::b*"`, "arn:aws:s3:::x", true},

		{"Null", `"true"`, "", true},
		{"Null", `"false"`, "", false},
		{"Null", `"true"`, "x", false},
		{"Null", `false`, "x", true},
		{"Null", `["true","false"]`, "x", true},
		{"ForAnyValue:Null", `"true"`, "", true},
		{"ForAllValues:Null", `"false"`, "", false},
	}
	for _, test := range tests {
		f := facts{}
		if test.got != "" {
			f["k"] = one(test.got)
		}
		condition := fmt.Sprintf(`{%q:{"K":%s}}`, test.operator, test.value)
		if got := met(t, "2012-10-17", condition, f); got != test.want {
			t.Errorf("%s of %q: %v, want %v", condition, test.got, got, test.want)
		}
	}
}

// negations pairs each operator with a value that the request value y is not.
var negations = map[string]struct {
	value   string
	negated bool
	y       string
}{
	"StringEquals":              {`"x"`, false, "y"},
	"StringNotEquals":           {`"x"`, true, "y"},
	"StringEqualsIgnoreCase":    {`"x"`, false, "y"},
	"StringNotEqualsIgnoreCase": {`"x"`, true, "y"},
	"StringLike":                {`"x*"`, false, "y"},
	"StringNotLike":             {`"x*"`, true, "y"},
	"NumericEquals":             {`"1"`, false, "2"},
	"NumericNotEquals":          {`"1"`, true, "2"},
	"NumericLessThan":           {`"1"`, false, "2"},
	"NumericLessThanEquals":     {`"1"`, false, "2"},
	"NumericGreaterThan":        {`"3"`, false, "2"},
	"NumericGreaterThanEquals":  {`"3"`, false, "2"},
	"DateEquals":                {`"1"`, false, "2"},
	"DateNotEquals":             {`"1"`, true, "2"},
	"DateLessThan":              {`"1"`, false, "2"},
	"DateLessThanEquals":        {`"1"`, false, "2"},
	"DateGreaterThan":           {`"3"`, false, "2"},
	"DateGreaterThanEquals":     {`"3"`, false, "2"},
	"Bool":                      {`"true"`, false, "false"},
	"BinaryEquals":              {`"QQ=="`, false, "y"},
	"IpAddress":                 {`"10.0.0.1"`, false, "10.0.0.2"},
	"NotIpAddress":              {`"10.0.0.1"`, true, "10.0.0.2"},
	"ArnEquals":                 {`"arn:aws:s3:::x"`, false, "arn:aws:s3:::y"},
	"ArnLike":                   {`"arn:aws:s3:::x"`, false, "arn:aws:s3:::y"},
	"ArnNotEquals":              {`"arn:aws:s3:::x"`, true, "arn:aws:s3:::y"},
	"ArnNotLike":                {`"arn:aws:s3:::x"`, true, "arn:aws:s3:::y"},
}

// TestMissingKey has the table of absent keys for every operator.
func TestMissingKey(t *testing.T) {
	t.Parallel()
	if len(negations) != 26 {
		t.Fatalf("%d operators", len(negations))
	}
	for base, op := range negations {
		for _, form := range []struct {
			name string
			want bool
		}{
			{base, op.negated},
			{base + "IfExists", true},
			{"ForAllValues:" + base, true},
			{"ForAllValues:" + base + "IfExists", true},
			{"ForAnyValue:" + base, false},
			{"ForAnyValue:" + base + "IfExists", true},
		} {
			condition := fmt.Sprintf(`{%q:{"k":%s}}`, form.name, op.value)
			for name, f := range map[string]facts{"absent": {}, "empty": {"k": {Present: true, Multi: true}}} {
				if got := met(t, "2012-10-17", condition, f); got != form.want {
					t.Errorf("%s, %s: %v, want %v", condition, name, got, form.want)
				}
			}
			// A value that isn't the policy's: the plain answer of the operator.
			if got := met(t, "2012-10-17", condition, facts{"k": one(op.y)}); got != op.negated {
				t.Errorf("%s of %s: %v, want %v", condition, op.y, got, op.negated)
			}
			// An empty list: positive never matches, negated always.
			empty := fmt.Sprintf(`{%q:{"k":[]}}`, form.name)
			if got := met(t, "2012-10-17", empty, facts{"k": one(op.y)}); got != op.negated {
				t.Errorf("%s of %s: %v, want %v", empty, op.y, got, op.negated)
			}
			if got := met(t, "2012-10-17", condition, nil); got != form.want {
				t.Errorf("%s without context: %v, want %v", condition, got, form.want)
			}
		}
	}
}

// TestMultiValued has the rules for keys that hold several values.
func TestMultiValued(t *testing.T) {
	t.Parallel()
	tests := []struct {
		operator, value string
		got             policy.Values
		want            bool
	}{
		{"ForAllValues:StringEquals", `["a","b"]`, many("a", "b", "a"), true},
		{"ForAllValues:StringEquals", `["a","b"]`, many("a", "c"), false},
		{"ForAllValues:StringEquals", `["a","b"]`, one("a"), true},
		{"ForAllValues:StringEquals", `["a","b"]`, one("c"), false},
		{"ForAllValues:StringNotEquals", `["a","b"]`, many("c", "d"), true},
		{"ForAllValues:StringNotEquals", `["a","b"]`, many("c", "a"), false},
		{"ForAllValues:StringLike", `"a*"`, many("ab", "ac"), true},
		{"ForAllValues:StringEquals", `[]`, many("a"), false},
		{"ForAllValues:StringNotEquals", `[]`, many("a"), true},
		{"ForAllValues:StringEqualsIfExists", `"a"`, many("b"), false},
		{"ForAnyValue:StringEquals", `["a","b"]`, many("c", "b"), true},
		{"ForAnyValue:StringEquals", `["a","b"]`, many("c", "d"), false},
		{"ForAnyValue:StringEquals", `["a","b"]`, one("a"), true},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, many("a", "c"), true},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, many("a", "b"), false},
		{"ForAnyValue:StringLikeIfExists", `"a*"`, many("b"), false},
		{"ForAnyValue:NumericLessThan", `"5"`, many("7", "3"), true},
		{"ForAnyValue:IpAddress", `"10.0.0.0/8"`, many("11.0.0.1", "10.0.0.1"), true},
		{"StringEquals", `"a"`, many("a"), false},
		{"StringNotEquals", `"a"`, many("b"), false},
		{"StringEqualsIfExists", `"a"`, many("a"), false},
		{"StringLike", `"*"`, many("a", "b"), false},
		{"Null", `"false"`, many("a"), true},
		{"Null", `"true"`, many("a"), false},
		{"Null", `"true"`, many(), true},
		{"Null", `"false"`, many(), false},
	}
	for _, test := range tests {
		condition := fmt.Sprintf(`{%q:{"k":%s}}`, test.operator, test.value)
		if got := met(t, "2012-10-17", condition, facts{"k": test.got}); got != test.want {
			t.Errorf("%s of %+v: %v, want %v", condition, test.got, got, test.want)
		}
	}
}

func TestConditionsAreJoined(t *testing.T) {
	t.Parallel()
	f := facts{"a": one("1"), "b": one("2")}
	for condition, want := range map[string]bool{
		`{}`:                                 true,
		`{"StringEquals":{}}`:                true,
		`{"NoSuchOperator":{}}`:              true,
		`{"StringEquals":{"a":"1","b":"2"}}`: true,
		`{"StringEquals":{"a":"1","b":"1"}}`: false,
		`{"StringEquals":{"a":"1"},"StringLike":{"b":"?"}}`:          true,
		`{"StringEquals":{"a":"1"},"StringLike":{"b":"??"}}`:         false,
		`{"StringEquals":{"a":"1","A":"2"}}`:                         false,
		`{"stringequals":{"a":"1"},"STRINGEQUALS":{"b":"2"}}`:        true,
		`{"stringequals":{"a":"1"},"STRINGEQUALS":{"b":"1"}}`:        false,
		`{"foranyvalue:stringlikeIFEXISTS":{"A":"1"}}`:               true,
		`{"StringEquals":{"a":["0","1"]},"Null":{"c":"true"}}`:       true,
		`{"NumericLessThan":{"a":"2"},"NumericGreaterThan":{"b":1}}`: true,
		`{"StringNotEquals":{"a":["0","2"]},"Null":{"a":["false"]}}`: true,
		`{"StringNotEqualsIfExists":{"a":["0","1"]}}`:                false,
		`{"Bool":{"aws:SecureTransport":"true"}}`:                    false,
		`{"BoolIfExists":{"aws:SecureTransport":"true"}}`:            true,
	} {
		if got := met(t, "2012-10-17", condition, f); got != want {
			t.Errorf("%s: %v, want %v", condition, got, want)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	f := facts{
		"aws:username":         one("alice"),
		"aws:principaltag/red": one("*"),
		"aws:principaltag/arn": one("arn:aws:s3:::b/x"),
		"empty":                one(""),
		"several":              many("a"),
		"flag":                 one("TRUE"),
		"k":                    one("alice"),
		"star":                 one("*"),
		"question":             one("?"),
		"dollar":               one("${aws:username}"),
		"path":                 one("home/alice/x"),
		"arn":                  one("arn:aws:s3:::b/x"),
	}
	tests := []struct {
		condition string
		want      bool
		in2008    bool
	}{
		{`{"StringEquals":{"k":"${aws:username}"}}`, true, false},
		{`{"StringEquals":{"k":"${AWS:UserName}"}}`, true, false},
		{`{"StringNotEquals":{"k":"${aws:username}"}}`, false, true},
		{`{"StringEqualsIgnoreCase":{"k":"A${aws:username, 'x'}"}}`, false, false},
		{`{"StringEqualsIgnoreCase":{"k":"${none, 'ALI'}CE"}}`, true, false},
		{`{"StringLike":{"path":"home/${aws:username}/*"}}`, true, false},
		{`{"StringLike":{"path":"*/${aws:username}/*"}}`, true, false},
		{`{"StringLike":{"path":"*${aws:username}"}}`, false, false},
		// What a variable stands for has no wildcards.
		{`{"StringLike":{"k":"${aws:PrincipalTag/red}"}}`, false, false},
		{`{"StringLike":{"star":"${aws:PrincipalTag/red}"}}`, true, false},
		{`{"StringLike":{"k":"${none, '*'}"}}`, false, false},
		// Escapes.
		{`{"StringLike":{"star":"${*}"}}`, true, false},
		{`{"StringLike":{"k":"${*}"}}`, false, false},
		{`{"StringLike":{"question":"${?}"}}`, true, false},
		{`{"StringEquals":{"dollar":"${$}{aws:username}"}}`, true, false},
		// Null: absent, empty, or many values.
		{`{"StringEquals":{"k":"${none}"}}`, false, false},
		{`{"StringNotEquals":{"k":"${none}"}}`, true, true},
		{`{"StringNotEquals":{"k":["${none}","alice"]}}`, false, false},
		{`{"StringEquals":{"k":["${none}","alice"]}}`, true, true},
		{`{"StringEquals":{"empty":"${empty}"}}`, false, false},
		{`{"StringLike":{"k":"${empty}*"}}`, false, false},
		{`{"StringLike":{"k":"${several}*"}}`, false, false},
		{`{"StringLike":{"k":"${several, 'alice'}"}}`, false, false},
		{`{"StringEquals":{"k":"${none, 'alice'}"}}`, true, false},
		{`{"StringEquals":{"k":"${empty, 'alice'}"}}`, true, false},
		{`{"StringEquals":{"empty":"${none, ''}"}}`, true, false},
		{`{"StringEquals":{"k":"${aws:username, 'bob'}"}}`, true, false},
		{`{"Bool":{"flag":"${flag}"}}`, true, false},
		{`{"Bool":{"k":"${aws:username}"}}`, false, false},
		{`{"ArnLike":{"arn":"${aws:PrincipalTag/arn}"}}`, true, false},
		{`{"ArnLike":{"arn":"arn:aws:s3:::b/${none, 'x'}"}}`, true, false},
		{`{"ArnLike":{"arn":"arn:aws:s3:::${aws:PrincipalTag/red}"}}`, false, false},
		{`{"ArnNotLike":{"arn":"arn:aws:s3:::${none}"}}`, true, true},
		{`{"StringEquals":{"${aws:username}":"alice"}}`, false, false},
		{`{"StringEquals":{"dollar":"${aws:username}"}}`, false, true},
	}
	for _, test := range tests {
		if got := met(t, "2012-10-17", test.condition, f); got != test.want {
			t.Errorf("%s: %v, want %v", test.condition, got, test.want)
		}
		if test.condition == `{"Bool":{"flag":"${flag}"}}` || test.condition == `{"Bool":{"k":"${aws:username}"}}` ||
			test.condition == `{"ArnLike":{"arn":"${aws:PrincipalTag/arn}"}}` {
			continue // not values of their operators where nothing is a variable
		}
		if got := met(t, "2008-10-17", test.condition, f); got != test.in2008 {
			t.Errorf("%s in 2008: %v, want %v", test.condition, got, test.in2008)
		}
	}
}

// TestManyVariables has more variables in one pattern than are kept at hand.
func TestManyVariables(t *testing.T) {
	t.Parallel()
	f := facts{"k": one("xyz0123456789abc")}
	value := "*"
	for i := range 10 {
		name := fmt.Sprintf("v%d", i)
		f[name] = one(fmt.Sprint(i))
		value += "${" + name + "}"
	}
	if !met(t, "2012-10-17", fmt.Sprintf(`{"StringLike":{"k":"%s*"}}`, value), f) {
		t.Error("ten variables don't match")
	}
	f["v9"] = one("x")
	if met(t, "2012-10-17", fmt.Sprintf(`{"StringLike":{"k":"%s*"}}`, value), f) {
		t.Error("the tenth variable isn't looked at")
	}
}

// keys records what it is asked for.
type keys []policy.Key

func (k *keys) Lookup(key *policy.Key) policy.Values {
	*k = append(*k, *key)
	return policy.Values{}
}

func TestKeyForm(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]policy.Key{
		"aws:SourceIp":                          {Name: "aws:sourceip"},
		"Department":                            {Name: "department"},
		"aws:RequestTag/Cost Center":            {Name: "aws:requesttag/cost center", Prefix: "aws:requesttag/", Suffix: "cost center"},
		"aws:ResourceTag/a:b/C":                 {Name: "aws:resourcetag/a:b/c", Prefix: "aws:resourcetag/", Suffix: "a:b/c"},
		"kms:EncryptionContext:App":             {Name: "kms:encryptioncontext:app", Prefix: "kms:encryptioncontext:", Suffix: "app"},
		"kms:EncryptionContext:aws:s3:arn":      {Name: "kms:encryptioncontext:aws:s3:arn", Prefix: "kms:encryptioncontext:", Suffix: "aws:s3:arn"},
		"kms:EncryptionContext:a/b":             {Name: "kms:encryptioncontext:a/b", Prefix: "kms:encryptioncontext:", Suffix: "a/b"},
		"kms:EncryptionContextKeys":             {Name: "kms:encryptioncontextkeys"},
		"kms:RecipientAttestation:PCR0":         {Name: "kms:recipientattestation:pcr0", Prefix: "kms:recipientattestation:", Suffix: "pcr0"},
		"secretsmanager:ResourceTag/X":          {Name: "secretsmanager:resourcetag/x", Prefix: "secretsmanager:resourcetag/", Suffix: "x"},
		"accounts.google.com:aud":               {Name: "accounts.google.com:aud"},
		"oidc.eks.eu.amazonaws.com/id/ABCD:sub": {Name: "oidc.eks.eu.amazonaws.com/id/abcd:sub"},
		"aws:RequestTag/É":                      {Name: "aws:requesttag/É", Prefix: "aws:requesttag/", Suffix: "É"},
	} {
		var asked keys
		met(t, "2012-10-17", fmt.Sprintf(`{"StringEquals":{%q:"x"}}`, written), &asked)
		if len(asked) != 1 || asked[0] != want {
			t.Errorf("%s: asked for %+v", written, asked)
		}
	}
}

// TestAmbiguous: a key that a request gives two values lets nobody in and keeps
// nobody out of a Deny, under every operator.
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	conditions := []string{
		`{"StringEquals":{"k":"a"}}`, `{"StringNotEquals":{"k":"a"}}`, `{"StringEqualsIfExists":{"k":"a"}}`,
		`{"ForAllValues:StringEquals":{"k":"a"}}`, `{"ForAnyValue:StringLike":{"k":"*"}}`,
		`{"Null":{"k":"true"}}`, `{"Null":{"k":"false"}}`, `{"StringEquals":{"other":"b","k":"a"}}`,
	}
	const allow = `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"`
	for _, condition := range conditions {
		for _, effect := range []string{"Allow", "Deny"} {
			document := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s}]}`, allow+`,"Condition":`+condition)
			if effect == "Deny" {
				document = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s},{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":%s}]}`, allow, condition)
			}
			verdict := policy.Decide(&policy.Input{
				Request: policy.Request{
					Action: "x:Do", Resource: "arn:aws:x:::y", Caller: user(),
					Context: facts{"k": {Ambiguous: true}, "other": one("b")},
				},
				ResourceAccount: home,
				ResourcePolicy:  compile(t, policy.Resource, document),
			})
			if verdict.Allowed || verdict.Explicit != (effect == "Deny") {
				t.Errorf("%s with %s: %+v", effect, condition, verdict)
			}
		}
	}
}
