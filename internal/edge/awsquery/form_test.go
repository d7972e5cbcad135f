package awsquery_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"claviger/internal/edge/awsquery"
	"claviger/internal/words/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]map[string]string{
		"":                                    {"Action": ""},
		"Action=ListUsers&Version=2010-05-08": {"Action": "ListUsers", "Version": "2010-05-08", "action": ""},
		"&a=1&&b&":                            {"a": "1", "b": ""},
		"a=1=2&b=+%2B%20":                     {"a": "1=2", "b": " + "},
		"%41%c3%A9=%26%3d":                    {"Aé": "&="},
		"a=é&b=;":                             {"a": "é", "b": ";"},
	} {
		f, err := awsquery.Parse([]byte(raw))
		if err != nil {
			t.Errorf("%q: %v", raw, err)
			continue
		}
		for name, value := range want {
			if got := f.Get(name); got != value {
				t.Errorf("%q: %s is %q, want %q", raw, name, got, value)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const (
		escape = "The request has a parameter that is not validly percent-encoded."
		utf8   = "The request has a parameter that is not valid UTF-8."
		twice  = "The request has a parameter that stands twice."
	)
	for raw, want := range map[string]string{
		"a=%": escape, "a=%4": escape, "%zz=1": escape, "a=%4%41": escape, "a=%+1": escape,
		"a=%ff": utf8, "a=\xff": utf8, "\xc3=1": utf8, "a=%ed%a0%80": utf8,
		"a=1&a=1": twice, "a=1&b=2&%61=3": twice, "a&a": twice, "Action=a&Action=b": twice,
		strings.Repeat("&", 10000):             "The request has too many parameters.",
		strings.Repeat("a.", 300) + "=1":       "The request has a parameter whose name is too long.",
		strings.Repeat("%61", 513) + "=secret": "The request has a parameter whose name is too long.",
	} {
		_, err := awsquery.Parse([]byte(raw))
		if f, ok := err.(*fault.Fault); !ok || f.Code != fault.Serialization || f.Message != want {
			t.Errorf("%.40q: %v, want %q", raw, err, want)
		}
	}
}

// A form does not refer to the bytes that it was read from.
func TestParseCopies(t *testing.T) {
	t.Parallel()
	raw := []byte("Action=ListUsers")
	f, err := awsquery.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if got := f.Get("Action"); got != "ListUsers" {
		t.Errorf("Action is %q", got)
	}
}

// FuzzParse compares with net/url, which takes repeated names and invalid
// UTF-8 and refuses semicolons.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a=1&b=2", "a=%41+&b", "a=%", "&&=&", "a=1&a=2", "\xff=%c3%a9", "Tags.member.1.Key=k&Tags.member.1.Value=v"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		form, err := awsquery.Parse([]byte(raw))
		values, wantErr := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
		if err != nil {
			f, ok := err.(*fault.Fault)
			if !ok || wantErr == nil && strings.Contains(f.Message, "percent") {
				t.Fatalf("%q: %v, net/url has %v", raw, err, values)
			}
			return
		}
		if wantErr != nil {
			t.Fatalf("%q is taken, net/url says %v", raw, wantErr)
		}
		for name, list := range values {
			if len(list) != 1 || form.Get(name) != list[0] {
				t.Fatalf("%q: %q is %q, net/url has %q", raw, name, form.Get(name), list)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := []byte("Action=TagUser&Version=2010-05-08&UserName=alice")
	for i := range 10 {
		n := strconv.Itoa(i + 1)
		raw = append(raw, "&Tags.member."+n+".Key=k"+n+"&Tags.member."+n+".Value=some+value"...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := awsquery.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}
