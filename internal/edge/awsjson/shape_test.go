package awsjson_test

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/awsjson"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

type spec string

type tag struct {
	Key   string `aws:"TagKey"`
	Value string `aws:"TagValue"`
}

type tree struct {
	Name     string `aws:"Name"`
	Children []tree `aws:"Children"`
}

// everything has a member of each type that the protocol carries.
type everything struct {
	String    string                  `aws:"String" audit:"string"`
	Named     spec                    `aws:"Named"`
	Bool      bool                    `aws:"Bool"`
	Int       int                     `aws:"Int"`
	Int32     int32                   `aws:"Int32"`
	Int64     int64                   `aws:"Int64"`
	Float     float64                 `aws:"Float"`
	Time      time.Time               `aws:"Time"`
	Blob      []byte                  `aws:"Blob"`
	Secret    confidential.Bytes      `aws:"Secret"`
	Text      confidential.Bytes      `aws:"Text,text"`
	Document  string                  `aws:"Document,document"`
	OptString optional.Of[string]     `aws:"OptString"`
	OptNamed  optional.Of[spec]       `aws:"OptNamed"`
	OptBool   optional.Of[bool]       `aws:"OptBool"`
	OptInt    optional.Of[int]        `aws:"OptInt"`
	OptInt64  optional.Of[int64]      `aws:"OptInt64"`
	OptFloat  optional.Of[float64]    `aws:"OptFloat"`
	OptTime   optional.Of[time.Time]  `aws:"OptTime"`
	Pairs     pairs.Map               `aws:"Pairs"`
	Strings   []string                `aws:"Strings"`
	Blobs     [][]byte                `aws:"Blobs"`
	Tags      []tag                   `aws:"Tags"`
	Nested    tag                     `aws:"Nested"`
	Pointer   *tag                    `aws:"Pointer"`
	Tree      *tree                   `aws:"Tree"`
	Secrets   []confidential.Bytes    `aws:"Secrets"`
	Ignored   map[string]func() error // no member
}

var everythingShape = awsjson.Plan(reflect.TypeFor[everything]())

func full() *everything {
	return &everything{
		String: "a\"\\/\b\f\n\r\t\x00é\u2028𝄞", Named: "RSA_2048", Bool: true, Int: -5, Int32: math.MinInt32, Int64: math.MaxInt64,
		Float: 1.5e-7, Time: time.UnixMilli(1718567315123).UTC(), Blob: []byte{0, 1, 2, 255},
		Secret: confidential.New([]byte("plain")), Text: confidential.New([]byte(`wJalr"/bPx`)), Document: `{"a":1}`,
		OptString: optional.Some(""), OptNamed: optional.Some(spec("x")), OptBool: optional.Some(false), OptInt: optional.Some(0),
		OptInt64: optional.Some(int64(-1)), OptFloat: optional.Some(math.Inf(-1)), OptTime: optional.Some(time.Unix(1568290320, 0).UTC()),
		Pairs:   pairs.Of(map[string]string{"b": "1", "a": "\x7f"}),
		Strings: []string{"", "x"}, Blobs: [][]byte{{}, {1}}, Tags: []tag{{"k", "v"}, {}}, Nested: tag{Key: "n"},
		Pointer: &tag{Value: "p"}, Tree: &tree{Name: "root", Children: []tree{{Name: "leaf"}, {Children: []tree{}}}},
		Secrets: []confidential.Bytes{confidential.New([]byte{}), confidential.New([]byte("s"))},
	}
}

const fullJSON = `{"String":"a\"\\/\u0008\u000c\n\r\t\u0000é` + "\u2028" + `𝄞","Named":"RSA_2048","Bool":true,"Int":-5,"Int32":-2147483648,` +
	`"Int64":9223372036854775807,"Float":1.5e-07,"Time":1718567315.123,"Blob":"AAEC/w==","Secret":"cGxhaW4=","Text":"wJalr\"/bPx",` +
	`"Document":"{\"a\":1}","OptString":"","OptNamed":"x","OptBool":false,"OptInt":0,"OptInt64":-1,"OptFloat":"-Infinity",` +
	`"OptTime":1568290320,"Pairs":{"a":"` + "\x7f" + `","b":"1"},"Strings":["","x"],"Blobs":["","AQ=="],` +
	`"Tags":[{"TagKey":"k","TagValue":"v"},{"TagKey":"","TagValue":""}],"Nested":{"TagKey":"n","TagValue":""},` +
	`"Pointer":{"TagKey":"","TagValue":"p"},"Tree":{"Name":"root","Children":[{"Name":"leaf"},{"Name":"","Children":[]}]},"Secrets":["","cw=="]}`

func TestAppend(t *testing.T) {
	t.Parallel()
	if got := string(everythingShape.Append([]byte("> "), full())); got != "> "+fullJSON {
		t.Errorf("appended\n%s\nwant\n%s", got, fullJSON)
	}
	const empty = `{"String":"","Named":"","Bool":false,"Int":0,"Int32":0,"Int64":0,"Float":0,"Document":"","Nested":{"TagKey":"","TagValue":""}}`
	if got := string(everythingShape.Append(nil, &everything{})); got != empty {
		t.Errorf("appended\n%s\nwant\n%s", got, empty)
	}
	none := awsjson.Plan(reflect.TypeFor[operation.None]())
	if got := string(none.Append(nil, &operation.None{})); got != "{}" {
		t.Errorf("a struct without members is %s", got)
	}
}

// Empty lists and maps are not absent.
func TestAppendEmpty(t *testing.T) {
	t.Parallel()
	type lists struct {
		Strings []string           `aws:"Strings"`
		Tags    []tag              `aws:"Tags"`
		Pairs   pairs.Map          `aws:"Pairs"`
		Blob    []byte             `aws:"Blob"`
		Secret  confidential.Bytes `aws:"Secret"`
	}
	shape := awsjson.Plan(reflect.TypeFor[lists]())
	const want = `{"Strings":[],"Tags":[],"Pairs":{},"Blob":"","Secret":""}`
	got := string(shape.Append(nil, &lists{Strings: []string{}, Tags: []tag{}, Pairs: pairs.Map{}, Blob: []byte{}, Secret: confidential.New([]byte{})}))
	if got != want {
		t.Errorf("appended %s, want %s", got, want)
	}
	var back lists
	if err := shape.Decode([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	if back.Strings == nil || back.Tags == nil || back.Pairs == nil || back.Blob == nil || !back.Secret.IsSet() {
		t.Errorf("decoded %+v, in which something is absent", back)
	}
	back = lists{}
	if err := shape.Decode([]byte(`{"Strings":null,"Tags":null,"Pairs":null,"Blob":null,"Secret":null}`), &back); err != nil {
		t.Fatal(err)
	}
	if back.Strings != nil || back.Tags != nil || back.Pairs != nil || back.Blob != nil || back.Secret.IsSet() {
		t.Errorf("decoded %+v, in which something is present", back)
	}
}

func TestAppendReplacesInvalidUTF8(t *testing.T) {
	t.Parallel()
	shape := awsjson.Plan(reflect.TypeFor[tag]())
	if got, want := string(shape.Append(nil, &tag{Key: "a\xffb\xc3", Value: "\xed\xa0\x80"})), "{\"TagKey\":\"a\ufffdb\ufffd\",\"TagValue\":\"\ufffd\ufffd\ufffd\"}"; got != want {
		t.Errorf("appended %q, want %q", got, want)
	}
}

func TestAppendTime(t *testing.T) {
	t.Parallel()
	type at struct {
		Time time.Time `aws:"T"`
	}
	shape := awsjson.Plan(reflect.TypeFor[at]())
	for want, when := range map[string]time.Time{
		`{"T":0}`:              time.Unix(0, 0),
		`{"T":0.1}`:            time.Unix(0, 100e6),
		`{"T":0.001}`:          time.Unix(0, 1999999),
		`{"T":1568290320.05}`:  time.Unix(1568290320, 50e6),
		`{"T":-0.5}`:           time.Unix(-1, 500e6),
		`{"T":-62135596799}`:   time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
		`{"T":253402300799}`:   time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		`{}`:                   {},
		`{"T":1718567315.123}`: time.UnixMilli(1718567315123),
		`{"T":1718567315.12}`:  time.UnixMilli(1718567315120).In(time.FixedZone("x", 3600)),
	} {
		got := string(shape.Append(nil, &at{when}))
		if got != want {
			t.Errorf("%v is %s, want %s", when, got, want)
		}
		var back at
		if err := shape.Decode([]byte(got), &back); err != nil || !back.Time.Equal(when.Truncate(time.Millisecond)) {
			t.Errorf("%s is decoded as %v, %v", got, back.Time, err)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	var got everything
	if err := everythingShape.Decode([]byte(fullJSON), &got); err != nil {
		t.Fatal(err)
	}
	want := full()
	for _, c := range []struct{ got, want confidential.Bytes }{
		{got.Secret, want.Secret}, {got.Text, want.Text}, {got.Secrets[0], want.Secrets[0]}, {got.Secrets[1], want.Secrets[1]},
	} {
		if string(c.got.Reveal(reveal.Token{})) != string(c.want.Reveal(reveal.Token{})) || c.got.IsSet() != c.want.IsSet() {
			t.Error("a confidential member has another value")
		}
	}
	// The rest is comparable once the confidential members are out of the way.
	for _, e := range []*everything{&got, want} {
		e.Secret, e.Text, e.Secrets = confidential.Bytes{}, confidential.Bytes{}, nil
	}
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, *want)
	}
}

func TestDecodeSpellings(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]everything{
		"":                                      {},
		"{}":                                    {},
		" {\t}\r\n":                             {},
		`{"String":"x","Int":1}`:                {String: "x", Int: 1},
		`{"Int":1,"String":"x"}`:                {String: "x", Int: 1},
		`{ "Int" : -0 , "Bool":false}`:          {},
		`{"\u0049nt":7}`:                        {Int: 7},
		`{"int":7,"INT":8}`:                     {}, // names have case
		`{"String":"\ud834\udd1e\u00e9\/\"\\"}`: {String: "𝄞é/\"\\"},
		`{"String":null,"OptString":null,"Pointer":null,"Nested":null}`:        {},
		`{"New":{"a":[1,{"b":null}],"c":"\ud834\udd1e"},"Int":1,"Other":-1e9}`: {Int: 1},
		`{"Blob":"\/\/\/\/"}`:                                                          {Blob: []byte{255, 255, 255}},
		`{"Time":1568290320}`:                                                          {Time: time.Unix(1568290320, 0).UTC()},
		`{"Time":1.568290320E9}`:                                                       {Time: time.Unix(1568290320, 0).UTC()},
		`{"Time":1568290320.0004}`:                                                     {Time: time.Unix(1568290320, 0).UTC()},
		`{"Float":1,"OptFloat":"Infinity"}`:                                            {Float: 1, OptFloat: optional.Some(math.Inf(1))},
		`{"Pairs":{"b":true,"a":-1.50e3,"c":false,"d":"\u00e9"}}`:                      {Pairs: pairs.Map{{Key: "a", Value: "-1.50e3"}, {Key: "b", Value: "true"}, {Key: "c", Value: "false"}, {Key: "d", Value: "é"}}},
		`{"Tags":[{"TagValue":"v","TagKey":"k","Extra":[[]]}],"Pointer":{}}`:           {Tags: []tag{{"k", "v"}}, Pointer: &tag{}},
		`{"Strings":[` + strings.Repeat(`"",`, 9999) + `""]}`:                          {Strings: make([]string, 10000)},
		`{"X":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`:              {},
		`{"X":` + strings.Repeat(`{"X":`, 63) + "1" + strings.Repeat("}", 64):          {},
		`{"Int":9223372036854775807,"Int32":2147483647,"OptInt":-9223372036854775808}`: {Int: math.MaxInt64, Int32: math.MaxInt32, OptInt: optional.Some(math.MinInt64)},
	} {
		var got everything
		if err := everythingShape.Decode([]byte(body), &got); err != nil {
			t.Errorf("%.80s: %v", body, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%.80s is decoded as\n%+v\nwant\n%+v", body, got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const (
		syntax = "The request body is not well-formed JSON."
		utf8   = "The request body has a string that is not valid Unicode."
		twice  = "The request body has an object in which a member stands twice."
		deep   = "The request body is nested too deeply."
		long   = "The request body has a list or an object with too many elements."
		base64 = "The request body has a blob that is not valid Base64."
		when   = "The request body has a timestamp out of range."
		number = "NUMBER_VALUE can not be converted to an Integer"
	)
	var many strings.Builder
	for i := range 10001 {
		many.WriteString(`"` + strconv.Itoa(i) + `":0,`)
	}
	members := strings.TrimSuffix(many.String(), ",")
	for body, want := range map[string]string{
		" ": syntax, "x": syntax, "{": syntax, `{"`: syntax, `{"a`: syntax, `{"a"`: syntax, `{"a":`: syntax, `{"a":1`: syntax, `{"a":1,`: syntax,
		`{"a":1,}`: syntax, `{,}`: syntax, `{a:1}`: syntax, `{"a" 1}`: syntax, `{"a":1 "b":2}`: syntax, `{}}`: syntax, `{}{}`: syntax, `{} x`: syntax,
		"\ufeff{}": syntax, "nul": syntax, `{"a":nul}`: syntax, `{"a":truefalse}`: syntax, `{"a":'x'}`: syntax, `{"a":[1,]}`: syntax, `{"a":[}`: syntax, `{"a":[1}`: syntax,
		`{"a":01}`: syntax, `{"a":-}`: syntax, `{"a":1.}`: syntax, `{"a":.5}`: syntax, `{"a":1e}`: syntax, `{"a":+1}`: syntax, `{"a":1e+}`: syntax, `{"a":0x1}`: syntax,
		`{"a":NaN}`: syntax, `{"a":"\x"}`: syntax, `{"a":"\u12g4"}`: syntax, `{"a":"\u12"}`: syntax, `{"a":"\`: syntax, "{\"a\":\"\n\"}": syntax, "{\"a\":\"\\n\x1f\"}": syntax,
		`{"Int":1,}`: syntax, `{"Tags":[{"TagKey":"a"},]}`: syntax, `{"Pairs":{"a":"b",}}`: syntax, `{"Blob":"AAAA`: syntax, `{"Strings":["a" "b"]}`: syntax,
		"null": "NULL_VALUE can not be converted to a Structure", "[]": "Start of list found where not expected.", `"x"`: "STRING_VALUE can not be converted to a Structure", "1": "NUMBER_VALUE can not be converted to a Structure",
		"{\"a\":\"\xff\"}": utf8, "{\"\xff\":1}": utf8, "{\"a\":\"\\n\xc3\"}": utf8, "{\"a\":\"\xed\xa0\x80\"}": utf8, `{"a":"\ud834"}`: utf8, `{"a":"\ud834x"}`: utf8, `{"a":"\udd1e\ud834"}`: utf8,
		`{"a":"\ud834\ud834"}`: utf8, `{"a":"\ud834\n1234567890"}`: syntax, `{"String":"\udfff"}`: utf8, `{"\ud800":1}`: utf8,
		`{"a":1,"a":1}`: twice, `{"a":1,"\u0061":1}`: twice, `{"x":{"a":1,"b":2,"a":1}}`: twice, `{"x":[[{"a":1,"a":1}]]}`: twice,
		`{"Int":1,"Int":1}`: twice, `{"Int":null,"Int":1}`: twice, `{"Int":1,"\u0049nt":1}`: twice, `{"Tags":[{"TagKey":"a","TagKey":"a"}]}`: twice, `{"Pairs":{"a":"1","a":"1"}}`: twice, `{"Pointer":{"z":1,"z":1}}`: twice,
		`{"X":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`:                deep,
		`{"X":` + strings.Repeat(`{"X":`, 64):                                            deep,
		strings.Repeat(`{"Tree":{"Children":[`, 1) + strings.Repeat(`{"Children":[`, 31): deep,
		strings.Repeat("[", 1<<20):                                                       "Start of list found where not expected.", `{"X":` + strings.Repeat("[", 1<<20): deep,
		`{"Strings":[` + strings.Repeat(`"",`, 10000) + `""]}`: long, `{` + members + `}`: long, `{"Pairs":{` + members + `}}`: long, `{"Unknown":{` + members + `}}`: long,
		`{"Blob":"A"}`: base64, `{"Blob":"AA"}`: base64, `{"Blob":"AA="}`: base64, `{"Blob":"AB=="}`: base64, `{"Blob":"AA==AA=="}`: base64, `{"Blob":"AA==="}`: base64, `{"Blob":"AAA-"}`: base64, `{"Blob":"AA A"}`: base64,
		"{\"Blob\":\"AAAA\n\"}": base64, "{\"Blob\":\"AAAA\n\n\n\n\"}": base64, `{"Blob":"AAAA\n"}`: base64, `{"Blob":"AAA\n\n\n\nA"}`: base64, `{"Secret":"é"}`: base64, `{"Secrets":["*"]}`: base64,
		`{"Time":1e300}`: when, `{"Time":253402300800}`: when, `{"Time":-62135596801}`: when, `{"Time":1e999}`: when,
		`{"Time":"2020-01-01T00:00:00Z"}`: "STRING_VALUE can not be converted to a Timestamp",
		`{"Int":9223372036854775808}`:     number, `{"Int32":2147483648}`: number, `{"Int":1.0}`: number, `{"Int":1e2}`: number, `{"OptInt":1.5}`: number,
		`{"Int":"1"}`: "STRING_VALUE can not be converted to an Integer", `{"Int":true}`: "TRUE_VALUE can not be converted to an Integer", `{"Bool":"true"}`: "STRING_VALUE can not be converted to a Boolean",
		`{"Bool":1}`: "NUMBER_VALUE can not be converted to a Boolean", `{"String":1}`: "NUMBER_VALUE can not be converted to a String", `{"String":false}`: "FALSE_VALUE can not be converted to a String",
		`{"String":{}}`: "Start of structure or map found where not expected.", `{"String":[]}`: "Start of list found where not expected.", `{"Strings":"a"}`: "STRING_VALUE can not be converted to a List",
		`{"Strings":[null]}`: "NULL_VALUE can not be converted to a String", `{"Tags":[null]}`: "NULL_VALUE can not be converted to a Structure", `{"Pairs":{"a":null}}`: "NULL_VALUE can not be converted to a String",
		`{"Pairs":{"a":{}}}`: "Start of structure or map found where not expected.", `{"Pairs":["a"]}`: "Start of list found where not expected.", `{"Nested":"x"}`: "STRING_VALUE can not be converted to a Structure",
		`{"Blob":1}`: "NUMBER_VALUE can not be converted to a Blob", `{"Text":1}`: "NUMBER_VALUE can not be converted to a String", `{"Float":1e999}`: "NUMBER_VALUE can not be converted to a Float", `{"Float":"x"}`: "STRING_VALUE can not be converted to a Float",
	} {
		var got everything
		err := everythingShape.Decode([]byte(body), &got)
		f, ok := err.(*fault.Fault)
		if !ok || f.Code != fault.Serialization || f.Message != want {
			t.Errorf("%.60q: %v, want %q", body, err, want)
		}
	}
}

// What was decoded survives the body, whose memory others will use.
func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	body := []byte(fullJSON)
	var got everything
	if err := everythingShape.Decode(body, &got); err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'X'
	}
	if back := string(everythingShape.Append(nil, &got)); back != fullJSON {
		t.Errorf("after its body was overwritten the struct is\n%s", back)
	}
}

func TestFloatsThatAreNoNumbers(t *testing.T) {
	t.Parallel()
	type floats struct {
		A float64 `aws:"A"`
		B float64 `aws:"B"`
		C float64 `aws:"C"`
	}
	shape := awsjson.Plan(reflect.TypeFor[floats]())
	const want = `{"A":"NaN","B":"Infinity","C":"-Infinity"}`
	var got floats
	if err := shape.Decode([]byte(want), &got); err != nil || !math.IsNaN(got.A) || !math.IsInf(got.B, 1) || !math.IsInf(got.C, -1) {
		t.Errorf("decoded %v, %v", got, err)
	}
	if back := string(shape.Append(nil, &got)); back != want {
		t.Errorf("appended %s, want %s", back, want)
	}
}

func TestPlanIsForOneType(t *testing.T) {
	t.Parallel()
	for _, wrong := range []any{nil, tag{}, &tree{}, (*tag)(nil)} {
		func() {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "awsjson: ") {
					t.Errorf("%T was taken, or the panic is %q", wrong, text)
				}
			}()
			_ = awsjson.Plan(reflect.TypeFor[tag]()).Decode([]byte("{}"), wrong)
		}()
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	got := awsjson.Plan(reflect.TypeFor[encryptInput]()).Members()
	want := []string{"KeyId", "Plaintext", "EncryptionContext", "GrantTokens", "EncryptionAlgorithm", "DryRun"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("members are %q, want %q", got, want)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	type embedded struct{ tag }
	for name, shape := range map[string]reflect.Type{
		"no struct": reflect.TypeFor[string](),
		"a Go map": reflect.TypeFor[struct {
			A map[string]string `aws:"A"`
		}](),
		"an interface": reflect.TypeFor[struct {
			A any `aws:"A"`
		}](),
		"a small number": reflect.TypeFor[struct {
			A uint16 `aws:"A"`
		}](),
		"a pointer": reflect.TypeFor[struct {
			A *string `aws:"A"`
		}](),
		"list of pointers": reflect.TypeFor[struct {
			A []*tag `aws:"A"`
		}](),
		"list of optionals": reflect.TypeFor[struct {
			A []optional.Of[string] `aws:"A"`
		}](),
		"optional struct": reflect.TypeFor[struct {
			A optional.Of[tag] `aws:"A"`
		}](),
		"text of a string": reflect.TypeFor[struct {
			A string `aws:"A,text"`
		}](),
		"unknown option": reflect.TypeFor[struct {
			A string `aws:"A,omitempty"`
		}](),
		"a name twice": reflect.TypeFor[struct {
			A, B string `aws:"A"`
		}](),
		"a name to escape": reflect.TypeFor[struct {
			A string `aws:"a\"b"`
		}](),
		"unexported": reflect.TypeFor[struct {
			a string `aws:"A"`
		}](),
		"embedded": reflect.TypeFor[embedded](),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "awsjson: ") {
					t.Errorf("the plan was made, or panicked with %q", text)
				}
			}()
			awsjson.Plan(shape)
		})
	}
}
