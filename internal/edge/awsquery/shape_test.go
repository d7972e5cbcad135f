package awsquery_test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"claviger/internal/edge/awsquery"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

type status string

type tag struct {
	Key   string `aws:"Key"`
	Value string `aws:"Value"`
}

type tree struct {
	Name     string `aws:"Name"`
	Children []tree `aws:"Children"`
}

// everything has a member of each type that the protocol carries.
type everything struct {
	String    string                  `aws:"String"`
	Named     status                  `aws:"Named"`
	Bool      bool                    `aws:"Bool"`
	Int       int                     `aws:"Int"`
	Int32     int32                   `aws:"Int32"`
	Float     float64                 `aws:"Float"`
	Time      time.Time               `aws:"Time"`
	Blob      []byte                  `aws:"Blob"`
	Secret    confidential.Bytes      `aws:"Secret"`
	Text      confidential.Bytes      `aws:"Text,text"`
	Document  string                  `aws:"Document,document"`
	OptPolicy optional.Of[string]     `aws:"OptPolicy,document"`
	OptString optional.Of[string]     `aws:"OptString"`
	OptBool   optional.Of[bool]       `aws:"OptBool"`
	OptInt    optional.Of[int]        `aws:"OptInt"`
	OptInt64  optional.Of[int64]      `aws:"OptInt64"`
	OptFloat  optional.Of[float64]    `aws:"OptFloat"`
	OptTime   optional.Of[time.Time]  `aws:"OptTime"`
	Pairs     pairs.Map               `aws:"Pairs"`
	Strings   []string                `aws:"Strings"`
	Times     []time.Time             `aws:"Times"`
	Tags      []tag                   `aws:"Tags"`
	Nested    tag                     `aws:"Nested"`
	Pointer   *tag                    `aws:"Pointer"`
	Tree      *tree                   `aws:"Tree"`
	Ignored   map[string]func() error // no member
}

var everythingShape = awsquery.Plan(reflect.TypeFor[everything]())

func parse(t testing.TB, raw string) *awsquery.Form {
	t.Helper()
	f, err := awsquery.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]everything{
		"":                                    {},
		"Action=x&Version=y&Unknown.a=1":      {},
		"String=&Named=a+b&Bool=true&Int=-7":  {Named: "a b", Bool: true, Int: -7},
		"Int32=-2147483648&Float=1.5e3":       {Int32: math.MinInt32, Float: 1500},
		"Time=2015-08-30T12:36:00Z":           {Time: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)},
		"Time=2015-08-30T14:36:00.25%2B02:00": {Time: time.Date(2015, 8, 30, 12, 36, 0, 25e7, time.UTC)},
		"Blob=AAEC/w%3D%3D":                   {Blob: []byte{0, 1, 2, 255}},
		"Blob=":                               {Blob: []byte{}},
		"Document=%7B%7D&OptPolicy=%257B":     {Document: "{}", OptPolicy: optional.Some("%7B")},
		"OptString=&OptBool=false&OptInt=0":   {OptString: optional.Some(""), OptBool: optional.Some(false), OptInt: optional.Some(0)},
		"OptInt64=9223372036854775807&OptFloat=-Infinity&OptTime=2015-08-30T12:36:00Z": {
			OptInt64: optional.Some(int64(math.MaxInt64)), OptFloat: optional.Some(math.Inf(-1)), OptTime: optional.Some(time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))},
		"Strings=":                             {Strings: []string{}},
		"Strings.member.1=a&Strings.member.2=": {Strings: []string{"a", ""}},
		"Strings.member.10=c&Strings.member.2=b&Strings.member.1=a": {Strings: []string{"a", "b", "c"}},
		"Strings.member.100000=z":                                   {Strings: []string{"z"}},
		"Strings.x=1&Stringsmember.1=b&Strings.members.1=1":         {},
		"Times.member.3=2015-08-30T12:36:00Z":                       {Times: []time.Time{time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)}},
		"Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.12.Key=l&Tags.member.2.Value=w&Tags.member.2.New=": {Tags: []tag{{"k", "v"}, {"", "w"}, {"l", ""}}},
		"Tags=":  {Tags: []tag{}},
		"Pairs=": {Pairs: pairs.Map{}},
		"Pairs.entry.2.key=b&Pairs.entry.2.value=2&Pairs.entry.7.key=a&Pairs.entry.7.value=": {Pairs: pairs.Map{{Key: "a"}, {Key: "b", Value: "2"}}},
		"Nested.Key=k&Nested.Other=o": {Nested: tag{Key: "k"}},
		"Pointer.Value=v":             {Pointer: &tag{Value: "v"}},
		"Pointer.Other=v":             {Pointer: &tag{}},
		"Tree.Children.member.1.Children.member.1.Name=leaf&Tree.Name=root": {Tree: &tree{Name: "root", Children: []tree{{Children: []tree{{Name: "leaf"}}}}}},
	} {
		var got everything
		if err := everythingShape.Decode(parse(t, raw), &got); err != nil {
			t.Errorf("%q: %v", raw, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%q is decoded as\n%+v\nwant\n%+v", raw, got, want)
		}
	}
}

func TestDecodeConfidential(t *testing.T) {
	t.Parallel()
	var got everything
	if err := everythingShape.Decode(parse(t, "Secret=cGxhaW4%3D&Text=wJalr/%2B"), &got); err != nil {
		t.Fatal(err)
	}
	if s := string(got.Secret.Reveal(reveal.Token{})); s != "plain" {
		t.Errorf("the blob is %q", s)
	}
	if s := string(got.Text.Reveal(reveal.Token{})); s != "wJalr/+" {
		t.Errorf("the text is %q", s)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"Bool=True": "not a Boolean", "Bool=": "not a Boolean", "OptBool=1": "not a Boolean",
		"Int=": "not an Integer", "Int=1.0": "not an Integer", "Int=%2B1": "not an Integer", "Int=1_0": "not an Integer", "Int=9223372036854775808": "not an Integer", "Int32=2147483648": "not an Integer", "OptInt=x": "not an Integer",
		"Float=": "not a Float", "Float=0x1p4": "not a Float", "Float=inf": "not a Float", "Float=1e999": "not a Float", "OptFloat=nan": "not a Float",
		"Time=": "not a Timestamp", "Time=1440938160": "not a Timestamp", "Time=2015-08-30": "not a Timestamp", "OptTime=2015-02-30T00:00:00Z": "not a Timestamp", "Time=9999-12-31T23:59:59-01:00": "not a Timestamp", "Time=0000-12-31T00:00:00Z": "not a Timestamp",
		"Blob=A": "not valid Base64", "Blob=AAAA%0A": "not valid Base64", "Blob=AB%3D%3D": "not valid Base64", "Secret=*": "not valid Base64", "Blob=AA+A": "not valid Base64",
		"Strings=a": "a single value where", "Strings=&Strings.member.1=a": "a single value where", "Nested=x": "a single value where", "Nested=": "a single value where", "Pointer=x": "a single value where", "Pairs=x": "a single value where", "Tags=x": "a single value where",
		"Strings.member.0=a": "not numbered from 1 on", "Strings.member.01=a": "not numbered from 1 on", "Strings.member.x=a": "not numbered from 1 on", "Strings.member.=a": "not numbered from 1 on",
		"Strings.member.-1=a": "not numbered from 1 on", "Strings.member.100001=a": "not numbered from 1 on", "Strings.member.99999999999999999999=a": "not numbered from 1 on", "Tags.member..Key=a": "not numbered from 1 on", "Pairs.entry.a.key=a": "not numbered from 1 on",
		"Strings.member.1.x=a": "an element that is not of the expected form", "Tags.member.1=a": "an element that is not of the expected form", "Tags.member.1=a&Tags.member.1.Key=k": "an element that is not of the expected form",
		"Pairs.entry.1.key=a": "lacks its key or its value", "Pairs.entry.1.value=a": "lacks its key or its value", "Pairs.entry.1=a": "lacks its key or its value",
		"Pairs.entry.1.key=a&Pairs.entry.1.value=1&Pairs.entry.2.key=a&Pairs.entry.2.value=2": "a key that stands twice",
	} {
		var got everything
		err := everythingShape.Decode(parse(t, raw), &got)
		if f, ok := err.(*fault.Fault); !ok || f.Code != fault.Serialization || !strings.Contains(f.Message, want) {
			t.Errorf("%q: %v, want %q", raw, err, want)
		}
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	out := &everything{
		String: "<&>\"'\t\r\n\x00\x0b\uffff\xffé𝄞\ufffd", Named: "Active", Bool: true, Int: -5, Int32: 7, Float: 0.25,
		Time: time.Date(2015, 8, 30, 14, 36, 0, 999e6, time.FixedZone("x", 7200)), Blob: []byte{255}, Secret: confidential.New([]byte("plain")),
		Text: confidential.New([]byte("wJalr/+&")), Document: `{"é": "*-_.~"}`, OptPolicy: optional.Some("{}"), OptString: optional.Some(""), OptBool: optional.Some(false),
		OptInt: optional.Some(0), OptInt64: optional.Some(int64(1)), OptFloat: optional.Some(math.Inf(1)), OptTime: optional.Some(time.Time{}),
		Pairs: pairs.Of(map[string]string{"b": "2", "a": "<"}), Strings: []string{"x", ""}, Times: []time.Time{time.Unix(0, 0)},
		Tags: []tag{{"k", "v"}}, Pointer: &tag{}, Tree: &tree{Name: "r", Children: []tree{}},
	}
	const want = `<GetResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetResult>` +
		"<String>&lt;&amp;&gt;&#34;&#39;&#x9;&#xD;&#xA;\ufffd\ufffd\ufffd\ufffdé𝄞\ufffd</String><Named>Active</Named><Bool>true</Bool><Int>-5</Int><Int32>7</Int32><Float>0.25</Float>" +
		`<Time>2015-08-30T12:36:00Z</Time><Blob>/w==</Blob><Secret>cGxhaW4=</Secret><Text>wJalr/+&amp;</Text>` +
		`<Document>%7B%22%C3%A9%22%3A%20%22%2A-_.~%22%7D</Document><OptPolicy>%7B%7D</OptPolicy><OptString></OptString><OptBool>false</OptBool>` +
		`<OptInt>0</OptInt><OptInt64>1</OptInt64><OptFloat>Infinity</OptFloat><OptTime>0001-01-01T00:00:00Z</OptTime>` +
		`<Pairs><entry><key>a</key><value>&lt;</value></entry><entry><key>b</key><value>2</value></entry></Pairs>` +
		`<Strings><member>x</member><member></member></Strings><Times><member>1970-01-01T00:00:00Z</member></Times>` +
		`<Tags><member><Key>k</Key><Value>v</Value></member></Tags><Nested><Key></Key><Value></Value></Nested><Pointer><Key></Key><Value></Value></Pointer>` +
		`<Tree><Name>r</Name><Children></Children></Tree></GetResult><ResponseMetadata><RequestId>0-1</RequestId></ResponseMetadata></GetResponse>`
	if got := string(everythingShape.Append([]byte("> "), "Get", "https://iam.amazonaws.com/doc/2010-05-08/", "0-1", out)); got != "> "+want {
		t.Errorf("appended\n%s\nwant\n%s", got, want)
	}
	const empty = `<GetResponse xmlns="n"><GetResult><String></String><Named></Named><Bool>false</Bool><Int>0</Int><Int32>0</Int32><Float>0</Float><Document></Document>` +
		`<Nested><Key></Key><Value></Value></Nested></GetResult><ResponseMetadata><RequestId>0-1</RequestId></ResponseMetadata></GetResponse>`
	if got := string(everythingShape.Append(nil, "Get", "n", "0-1", &everything{})); got != empty {
		t.Errorf("appended\n%s\nwant\n%s", got, empty)
	}
	none := awsquery.Plan(reflect.TypeFor[operation.None]())
	const bare = `<TagUserResponse xmlns="n"><ResponseMetadata><RequestId>&lt;</RequestId></ResponseMetadata></TagUserResponse>`
	if got := string(none.Append(nil, "TagUser", "n", "<", &operation.None{})); got != bare {
		t.Errorf("appended\n%s\nwant\n%s", got, bare)
	}
	memberless := awsquery.Plan(reflect.TypeFor[struct{}]())
	const hollow = `<UpdateRoleResponse xmlns="n"><UpdateRoleResult></UpdateRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></UpdateRoleResponse>`
	if got := string(memberless.Append(nil, "UpdateRole", "n", "r", &struct{}{})); got != hollow {
		t.Errorf("appended\n%s\nwant\n%s", got, hollow)
	}
}

// FuzzAppend: any text makes a well-formed document, from which the text can be read back.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "a", "<&>\"'", "\r\n\t", "\x00\x1f\x7f", "é𝄞\ufffe\uffff", "\xff\xc3", "]]>"} {
		f.Add(s)
	}
	shape := awsquery.Plan(reflect.TypeFor[tag]())
	f.Fuzz(func(t *testing.T, s string) {
		document := shape.Append(nil, "Get", s, s, &tag{Key: s})
		var got struct {
			Key       string `xml:"GetResult>Key"`
			RequestID string `xml:"ResponseMetadata>RequestId"`
		}
		if err := xml.Unmarshal(document, &got); err != nil {
			t.Fatalf("%q makes %q: %v", s, document, err)
		}
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
				return '\ufffd'
			}
			return r
		}, s)
		if want = string([]rune(want)); got.Key != want || got.RequestID != want {
			t.Fatalf("%q is read back as %q and %q", s, got.Key, got.RequestID)
		}
	})
}

// request writes a struct as SDKs write requests: every member that is not absent.
func request(prefix string, v reflect.Value, into url.Values) {
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("aws"), ",")
		if name != "" {
			parameter(prefix+name, option, v.Field(i), into)
		}
	}
}

func parameter(name, option string, v reflect.Value, into url.Values) {
	switch x := v.Interface().(type) {
	case time.Time:
		into.Set(name, x.Format(time.RFC3339Nano))
		return
	case float64:
		into.Set(name, strings.TrimPrefix(strings.Replace(fmt.Sprint(x), "Inf", "Infinity", 1), "+"))
		return
	case []byte:
		if x != nil {
			into.Set(name, base64.StdEncoding.EncodeToString(x))
		}
		return
	case confidential.Bytes:
		switch b := x.Reveal(reveal.Token{}); {
		case !x.IsSet():
		case option == "text":
			into.Set(name, string(b))
		default:
			into.Set(name, base64.StdEncoding.EncodeToString(b))
		}
		return
	case pairs.Map:
		if x != nil && len(x) == 0 {
			into.Set(name, "")
		}
		for i, p := range x {
			into.Set(fmt.Sprintf("%s.entry.%d.key", name, i+1), p.Key)
			into.Set(fmt.Sprintf("%s.entry.%d.value", name, i+1), p.Value)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			request(name+".", v.Elem(), into)
		}
	case reflect.Slice:
		if !v.IsNil() && v.Len() == 0 {
			into.Set(name, "")
		}
		for i := range v.Len() {
			parameter(name+".member."+strconv.Itoa(i+1), "", v.Index(i), into)
		}
	case reflect.Struct:
		if set := v.FieldByName("Set"); !set.IsValid() {
			request(name+".", v, into)
		} else if set.Bool() {
			parameter(name, option, v.FieldByName("V"), into)
		}
	default:
		into.Set(name, fmt.Sprint(v.Interface()))
	}
}

// What a client writes is what the operation gets.
func TestDecodeWhatClientsWrite(t *testing.T) {
	t.Parallel()
	text := rapid.StringN(0, 20, 60)
	tags := rapid.Custom(func(t *rapid.T) tag { return tag{text.Draw(t, "key"), text.Draw(t, "value")} })
	var trees func(depth int) *rapid.Generator[tree]
	trees = func(depth int) *rapid.Generator[tree] {
		return rapid.Custom(func(t *rapid.T) tree {
			out := tree{Name: text.Draw(t, "name")}
			if depth > 0 && rapid.Bool().Draw(t, "parent") {
				out.Children = rapid.SliceOfN(trees(depth-1), 0, 3).Draw(t, "children")
			}
			return out
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		when := time.Unix(rapid.Int64Range(-1e9, 1e10).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanos")).UTC()
		root := trees(2).Draw(t, "tree")
		want := everything{
			String: text.Draw(t, "string"), Named: status(text.Draw(t, "named")), Bool: rapid.Bool().Draw(t, "bool"), Int: rapid.Int().Draw(t, "int"),
			Int32: rapid.Int32().Draw(t, "int32"), Float: rapid.Float64().Draw(t, "float"), Time: when, Blob: rapid.SliceOf(rapid.Byte()).Draw(t, "blob"),
			Document: text.Draw(t, "document"), OptTime: optional.Some(when), Strings: rapid.SliceOf(text).Draw(t, "strings"),
			Tags: rapid.SliceOfN(tags, 0, 15).Draw(t, "tags"), Nested: tags.Draw(t, "nested"), Tree: &root,
			Pairs: pairs.Of(rapid.MapOf(text, text).Draw(t, "pairs")),
		}
		if rapid.Bool().Draw(t, "set") {
			want.OptString, want.OptInt = optional.Some(text.Draw(t, "optional string")), optional.Some(rapid.Int().Draw(t, "optional int"))
			want.OptBool, want.OptInt64 = optional.Some(rapid.Bool().Draw(t, "optional bool")), optional.Some(rapid.Int64().Draw(t, "optional int64"))
		}
		values := make(url.Values)
		request("", reflect.ValueOf(want), values)
		form, err := awsquery.Parse([]byte(values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		var got everything
		if err := everythingShape.Decode(form, &got); err != nil {
			t.Fatalf("%s: %v", values.Encode(), err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is decoded as\n%+v\nwant\n%+v", values.Encode(), got, want)
		}
		decoder := xml.NewDecoder(strings.NewReader(string(everythingShape.Append(nil, "Get", "n", "id", &got))))
		for err == nil {
			_, err = decoder.Token()
		}
		if err != io.EOF {
			t.Fatalf("the answer is not well-formed: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", "String=a&Int=1&Bool=true", "Strings=&Tags.member.1.Key=k", "Strings.member.10=c&Strings.member.2=b", "Pairs.entry.1.key=a&Pairs.entry.1.value=b",
		"Tree.Children.member.1.Children.member.1.Name=leaf", "Time=2015-08-30T12:36:00Z&OptTime=2015-08-30T12:36:00.5%2B01:00", "Nested.Key=k&Pointer.Key=", "Blob=AAEC&Secret=AAAA&Text=%00",
		"Strings.member.01=a", "Tags.member.1=x", "Float=1e400", "Nested=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		form, err := awsquery.Parse([]byte(raw))
		if err != nil {
			return
		}
		var first, second everything
		if err := everythingShape.Decode(form, &first); err != nil {
			if !fault.Is(err, fault.Serialization) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		// What was understood can be asked for again.
		values := make(url.Values)
		request("", reflect.ValueOf(first), values)
		form, err = awsquery.Parse([]byte(values.Encode()))
		if err != nil {
			t.Fatalf("%q was written as %q: %v", raw, values.Encode(), err)
		}
		if err := everythingShape.Decode(form, &second); err != nil {
			t.Fatalf("%q was written as %q: %v", raw, values.Encode(), err)
		}
		one, two := everythingShape.Append(nil, "Get", "n", "id", &first), everythingShape.Append(nil, "Get", "n", "id", &second)
		if string(one) != string(two) {
			t.Fatalf("%q makes\n%s\nand then\n%s", raw, one, two)
		}
	})
}

func TestPlanIsForOneType(t *testing.T) {
	t.Parallel()
	for _, wrong := range []any{nil, tag{}, &tree{}, (*tag)(nil)} {
		func() {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "awsquery: ") {
					t.Errorf("%T was taken, or the panic is %q", wrong, text)
				}
			}()
			_ = awsquery.Plan(reflect.TypeFor[tag]()).Decode(parse(t, "Key=k"), wrong)
		}()
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	if got, want := awsquery.Plan(reflect.TypeFor[tag]()).Members(), []string{"Key", "Value"}; !reflect.DeepEqual(got, want) {
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
		"list of lists": reflect.TypeFor[struct {
			A [][]string `aws:"A"`
		}](),
		"list of optionals": reflect.TypeFor[struct {
			A []optional.Of[string] `aws:"A"`
		}](),
		"optional struct": reflect.TypeFor[struct {
			A optional.Of[tag] `aws:"A"`
		}](),
		"optional blob": reflect.TypeFor[struct {
			A optional.Of[[]byte] `aws:"A"`
		}](),
		"text of a string": reflect.TypeFor[struct {
			A string `aws:"A,text"`
		}](),
		"document of bytes": reflect.TypeFor[struct {
			A []byte `aws:"A,document"`
		}](),
		"unknown option": reflect.TypeFor[struct {
			A tag `aws:"A,flat"`
		}](),
		"a name twice": reflect.TypeFor[struct {
			A, B string `aws:"A"`
		}](),
		"a name with a dot": reflect.TypeFor[struct {
			A string `aws:"A.B"`
		}](),
		"unexported": reflect.TypeFor[struct {
			a string `aws:"A"`
		}](),
		"embedded": reflect.TypeFor[embedded](),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "awsquery: ") {
					t.Errorf("the plan was made, or panicked with %q", text)
				}
			}()
			awsquery.Plan(shape)
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	type createUser struct {
		UserName optional.Of[string] `aws:"UserName"`
		Path     optional.Of[string] `aws:"Path"`
		Tags     []tag               `aws:"Tags"`
	}
	shape := awsquery.Plan(reflect.TypeFor[createUser]())
	form := parse(b, "Action=CreateUser&Version=2010-05-08&UserName=alice&Tags.member.1.Key=a&Tags.member.1.Value=b")
	b.ReportAllocs()
	for b.Loop() {
		var in createUser
		if err := shape.Decode(form, &in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	shape := awsquery.Plan(reflect.TypeFor[tree]())
	out := &tree{Name: "root", Children: make([]tree, 20)}
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = shape.Append(dst[:0], "ListTrees", "https://iam.amazonaws.com/doc/2010-05-08/", "5a1b2c3d-0000-4000-8000-1234567890ab", out)
	}
}
