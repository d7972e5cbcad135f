package sigv4_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
)

// The file holds the requests of AWS's public test suite for signers in both
// forms (those with normalised paths, and without the one that folds a header
// over several lines, which no HTTP server lets through).
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/published.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Method, Path, Query, Host, Body string
		Fields                                [][2]string
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	for _, v := range vectors {
		r := &message.Request{Method: v.Method, Path: v.Path, Query: v.Query, Host: v.Host, Body: []byte(v.Body)}
		for _, f := range v.Fields {
			r.Header = append(r.Header, message.Field{Name: f[0], Value: f[1]})
		}
		at := noon.Add(time.Minute)
		token := tokenOf(t, r)
		owner := &sigv4.Verifier{Credentials: lender{exampleID: temporary(exampleID, exampleSecret, token)}}
		credential, scope, err := owner.Verify(context.Background(), r, at)
		if token != "" {
			// Whoever has no token, or another one, does not know the key of the vector.
			for _, other := range []string{"", token + "x", token[1:]} {
				v := &sigv4.Verifier{Credentials: lender{exampleID: temporary(exampleID, exampleSecret, other)}}
				_, _, err := v.Verify(context.Background(), r, at)
				wantFault(t, err, fault.UnrecognizedClient, "The security token included in the request is invalid.")
			}
		}
		if reason, ok := unsignedTokens[v.Name]; ok {
			refused++
			wantFault(t, err, fault.InvalidSignature, reason)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		accepted++
		want := sigv4.Scope{AccessKeyID: exampleID, Date: "20150830", Region: "us-east-1", Service: "service"}
		if scope != want || credential.AccessKeyID != exampleID {
			t.Errorf("%s: signed by %s for %v", v.Name, credential.AccessKeyID, scope)
		}
	}
	if accepted != 58 || refused != 2 {
		t.Errorf("%d vectors were accepted and %d refused, want 58 and 2", accepted, refused)
	}
}

// unsignedTokens are the vectors that show how a client adds the session token
// after it has signed, as for services that want it so. Those of this server want
// it signed, as the SDKs do it for them: in the header form it is missing among
// the signed header fields, in the query form the signature is that of the URL
// without it.
var unsignedTokens = map[string]string{
	"post-sts-header-after/header": "'x-amz-security-token' must be a 'SignedHeader'",
	"post-sts-header-after/query":  "does not match the signature you provided",
}

// tokenOf returns the session token of a request, wherever it stands.
func tokenOf(t *testing.T, r *message.Request) string {
	t.Helper()
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		t.Fatal(err)
	}
	return r.Get("x-amz-security-token") + query.Get("X-Amz-Security-Token")
}

// The example of AWS's own guide to signing.
func TestPublishedListUsers(t *testing.T) {
	t.Parallel()
	r := &message.Request{
		Method: "GET", Path: "/", Query: "Action=ListUsers&Version=2010-05-08", Host: "iam.amazonaws.com",
		Header: []message.Field{
			{Name: "content-type", Value: "application/x-www-form-urlencoded; charset=utf-8"},
			{Name: "x-amz-date", Value: "20150830T123600Z"},
			{Name: "authorization", Value: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, " +
				"SignedHeaders=content-type;host;x-amz-date, " +
				"Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
		},
	}
	if _, _, err := verifier().Verify(context.Background(), r, noon); err != nil {
		t.Error(err)
	}
}

func TestVerifyAccepts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *message.Request){
		"as it is": func(*message.Request) {},
		"no body":  func(r *message.Request) { r.Body = nil },
		"repeated field": func(r *message.Request) {
			r.Header = append(r.Header, message.Field{Name: "accept", Value: "b"}, message.Field{Name: "accept", Value: "a"})
		},
		"inner spaces":          func(r *message.Request) { r.Header[3].Value = "  attempt=1;   max=3 " },
		"escaped path":          func(r *message.Request) { r.Path = "/tags/arn%3Aaws%3Asecurityhub%3A%2F" },
		"dots in path":          func(r *message.Request) { r.Path = "/a/./../b//c/.." },
		"query":                 func(r *message.Request) { r.Query = "b=2&a=%2F+%20&a=&c&&d=a=b;c" },
		"host among the fields": func(r *message.Request) { r.Header = append(r.Header, message.Field{Name: "user-agent", Value: "x"}) },
	} {
		r := encrypt()
		change(r)
		signer("kms").sign(r)
		if _, _, err := verifier().Verify(context.Background(), r, noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An unsigned field that means nothing to us may be added on the way.
func TestVerifyIgnoresForeignFields(t *testing.T) {
	t.Parallel()
	r := encrypt()
	signer("kms").sign(r)
	r.Header = append(r.Header, message.Field{Name: "x-forwarded-for", Value: "192.0.2.1"}, message.Field{Name: "date", Value: "whatever"})
	if _, _, err := verifier().Verify(context.Background(), r, noon); err != nil {
		t.Error(err)
	}
}

func TestVerifyTakesDateHeader(t *testing.T) {
	t.Parallel()
	for _, date := range []string{"Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"} {
		r := encrypt()
		r.Header = append(r.Header, message.Field{Name: "date", Value: date})
		s := signer("kms")
		s.authorize(r, s.signed(r))
		if _, _, err := verifier().Verify(context.Background(), r, noon); err != nil {
			t.Errorf("%s: %v", date, err)
		}
	}
}

// The date that counts must be signed, or a signature would never grow old.
func TestVerifyRefusesUnsignedDateHeader(t *testing.T) {
	t.Parallel()
	r := encrypt()
	s := signer("kms")
	s.authorize(r, s.signed(r))
	r.Header = append(r.Header, message.Field{Name: "date", Value: "20150830T123600Z"})
	_, _, err := verifier().Verify(context.Background(), r, noon)
	wantFault(t, err, fault.InvalidSignature, "'date' must be a 'SignedHeader'")
}

// edit changes the Authorization header of a signed request.
func edit(old, replacement string) func(r *message.Request) {
	return func(r *message.Request) {
		f := &r.Header[len(r.Header)-1]
		if !strings.Contains(f.Value, old) {
			panic("nothing to replace: " + old)
		}
		f.Value = strings.Replace(f.Value, old, replacement, 1)
	}
}

func set(name, value string) func(r *message.Request) {
	return func(r *message.Request) {
		i := slices.IndexFunc(r.Header, func(f message.Field) bool { return f.Name == name })
		r.Header[i].Value = value
	}
}

func add(name, value string) func(r *message.Request) {
	return func(r *message.Request) { r.Header = append(r.Header, message.Field{Name: name, Value: value}) }
}

func drop(name string) func(r *message.Request) {
	return func(r *message.Request) {
		r.Header = slices.DeleteFunc(r.Header, func(f message.Field) bool { return f.Name == name })
	}
}

func TestVerifyRefusesChangedRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(r *message.Request)
		code   fault.Code
		text   string
	}{
		"no authorization":    {drop("authorization"), fault.MissingAuthentication, "Request is missing Authentication Token"},
		"two authorizations":  {add("authorization", "x"), fault.IncompleteSignature, "one Authorization header"},
		"empty authorization": {set("authorization", ""), fault.IncompleteSignature, "requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed"},
		"basic authorization": {set("authorization", "Basic eDp5"), fault.IncompleteSignature, "requires 'Credential'"},
		"other algorithm":     {edit("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), fault.IncompleteSignature, "Unsupported AWS 'algorithm'"},
		"no credential":       {edit("Credential=", "Credential1="), fault.IncompleteSignature, "unknown, empty or repeated"},
		"credential twice":    {edit("SignedHeaders=", "Credential="), fault.IncompleteSignature, "unknown, empty or repeated"},
		"no equal sign":       {edit("Signature=", "Signature"), fault.IncompleteSignature, "not a valid key=value pair"},
		"no signature": {func(r *message.Request) {
			f := &r.Header[len(r.Header)-1]
			f.Value = f.Value[:strings.LastIndex(f.Value, ",")]
		}, fault.IncompleteSignature, "requires 'Signature' parameter. (Hashed"},
		"line feed":            {edit(", S", "\n, S"), fault.IncompleteSignature, "characters that it can't have"},
		"not ASCII":            {edit("AKIDEXAMPLE", "AKIDEXÄMPLE"), fault.IncompleteSignature, "characters that it can't have"},
		"huge":                 {edit("AKIDEXAMPLE", strings.Repeat("A", 10000)), fault.IncompleteSignature, "too long"},
		"no date":              {drop("x-amz-date"), fault.IncompleteSignature, "requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		"two dates":            {add("x-amz-date", "20150830T123600Z"), fault.IncompleteSignature, "requires existence of either"},
		"date of another form": {set("x-amz-date", "2015-08-30T12:36:00Z"), fault.IncompleteSignature, "ISO-8601"},
		"date with fraction":   {set("x-amz-date", "20150830T1236.0Z"), fault.IncompleteSignature, "ISO-8601"},
		"impossible date":      {set("x-amz-date", "20150230T123600Z"), fault.IncompleteSignature, "ISO-8601"},
		"four elements":        {edit("/us-east-1/", "/"), fault.IncompleteSignature, "exactly 5 slash-delimited elements"},
		"six elements":         {edit("/us-east-1/", "/us/east/"), fault.IncompleteSignature, "exactly 5 slash-delimited elements"},
		"other terminator":     {edit("aws4_request", "aws5_request"), fault.IncompleteSignature, "valid terminator: 'aws4_request'"},
		"strange key":          {edit("AKIDEXAMPLE", "AKID-EXAMPLE"), fault.IncompleteSignature, "wrong form"},
		"strange region":       {edit("us-east-1", "US-EAST-1"), fault.IncompleteSignature, "wrong form"},
		"no region":            {edit("us-east-1", ""), fault.IncompleteSignature, "wrong form"},
		"unknown key":          {edit("AKIDEXAMPLE", "AKIDEXAMPLF"), fault.UnrecognizedClient, "The security token included in the request is invalid."},
		"temporary key":        {edit("AKIDEXAMPLE", "ASIAEXAMPLE"), fault.UnrecognizedClient, "The security token included in the request is invalid."},
		"session token":        {add("x-amz-security-token", "x"), fault.UnrecognizedClient, "The security token included in the request is invalid."},
		"scope of another day": {edit("20150830", "20150831"), fault.InvalidSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150831' != '20150830', from '20150830T123600Z'."},
		"unsorted names":       {edit("content-type;host", "host;content-type"), fault.IncompleteSignature, "sorted list"},
		"name twice":           {edit("content-type;host", "content-type;content-type;host"), fault.IncompleteSignature, "sorted list"},
		"name in upper case":   {edit(";host", ";Host"), fault.IncompleteSignature, "sorted list"},
		"empty name":           {edit(";host", ";"), fault.IncompleteSignature, "sorted list"},
		"host not signed":      {edit(";host", ""), fault.InvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		"target not signed":    {edit(";x-amz-target", ""), fault.InvalidSignature, "'x-amz-target' must be a 'SignedHeader'"},
		"date not signed":      {edit(";x-amz-date", ""), fault.InvalidSignature, "'x-amz-date' must be a 'SignedHeader'"},
		"type not signed":      {edit(";content-type", ""), fault.InvalidSignature, "'content-type' must be a 'SignedHeader'"},
		"foreign field":        {add("x-amz-source-arn", "arn:aws:s3:::b"), fault.InvalidSignature, "'x-amz-source-arn' must be a 'SignedHeader'"},
		"strange foreign name": {add("x-amz-\n", ""), fault.InvalidSignature, "does not match the signature you provided"},
		"missing field":        {drop("content-length"), fault.InvalidSignature, "does not match the signature you provided"},
		"another value more":   {add("x-amz-target", "TrentService.Decrypt"), fault.InvalidSignature, "does not match the signature you provided"},
		"foreign host field":   {add("host", "example.org"), fault.InvalidSignature, "does not match the signature you provided"},
		"line in a value":      {set("x-amz-target", "a\nhost:b"), fault.InvalidSignature, "does not match the signature you provided"},
		"payload unsigned":     {edit("Signature=", "Signature=0"), fault.InvalidSignature, "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		"signature cut":        {func(r *message.Request) { f := &r.Header[len(r.Header)-1]; f.Value = f.Value[:len(f.Value)-1] }, fault.InvalidSignature, "does not match"},
		"signature in capitals": {func(r *message.Request) {
			f := &r.Header[len(r.Header)-1]
			at := len(f.Value) - 64
			f.Value = f.Value[:at] + strings.ToUpper(f.Value[at:])
		}, fault.InvalidSignature, "does not match"},
		"method":           {func(r *message.Request) { r.Method = "PUT" }, fault.InvalidSignature, "does not match"},
		"method's case":    {func(r *message.Request) { r.Method = "post" }, fault.InvalidSignature, "does not match"},
		"absolute path":    {func(r *message.Request) { r.Path = "http://example.org/" }, fault.InvalidSignature, "does not match"},
		"broken escape":    {func(r *message.Request) { r.Query = "a=%2" }, fault.IncompleteSignature, "percent-encoded"},
		"strange escape":   {func(r *message.Request) { r.Query = "a=%zz" }, fault.IncompleteSignature, "percent-encoded"},
		"many parameters":  {func(r *message.Request) { r.Query = strings.Repeat("a&", 5000) }, fault.IncompleteSignature, "too many"},
		"many fields":      {func(r *message.Request) { r.Header = append(r.Header, make([]message.Field, 500)...) }, fault.IncompleteSignature, "too many"},
		"both forms":       {func(r *message.Request) { r.Query = "X-Amz-Signature=0" }, fault.IncompleteSignature, "not by both"},
		"both forms again": {func(r *message.Request) { r.Query = "X%2DAmz-Credential=0" }, fault.IncompleteSignature, "not by both"},
	} {
		r := encrypt()
		signer("kms").sign(r)
		c.change(r)
		credential, scope, err := verifier().Verify(context.Background(), r, noon)
		if credential != nil || scope != (sigv4.Scope{}) {
			t.Errorf("%s: was lent a credential", name)
		}
		t.Run(name, func(t *testing.T) { wantFault(t, err, c.code, c.text) })
	}
}

// A field that is understood has one value, also where its several values are
// signed: they would be signed as one and read as another.
func TestVerifyRefusesRepeatedMeaning(t *testing.T) {
	t.Parallel()
	for _, f := range []message.Field{
		{Name: "x-amz-target", Value: "TrentService.Decrypt"},
		{Name: "content-type", Value: "text/plain"},
		{Name: "x-amz-meta", Value: "a"},
	} {
		r := encrypt()
		r.Header = append(r.Header, f)
		if f.Name == "x-amz-meta" { // once is no harm
			signer("kms").sign(r)
			if _, _, err := verifier().Verify(context.Background(), r, noon); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			r = encrypt()
			r.Header = append(r.Header, f, f)
		}
		signer("kms").sign(r)
		_, _, err := verifier().Verify(context.Background(), r, noon)
		wantFault(t, err, fault.InvalidSignature, "does not match the signature you provided")
	}
}

// Declared hashes are signed themselves, so only the comparison refuses them.
func TestVerifyComparesDeclaredHash(t *testing.T) {
	t.Parallel()
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, c := range []struct {
		value string
		ok    bool
	}{
		{empty, true},
		{strings.ToUpper(empty), false},
		{"UNSIGNED-PAYLOAD", false},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", false},
		{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", false},
		{"", false},
	} {
		r := encrypt()
		r.Body = nil
		r.Header = append(r.Header, message.Field{Name: "x-amz-content-sha256", Value: c.value})
		signer("kms").sign(r)
		_, _, err := verifier().Verify(context.Background(), r, noon)
		if (err == nil) != c.ok {
			t.Errorf("header %q: %v", c.value, err)
		}
		r = &message.Request{Method: "GET", Path: "/", Host: "sts.amazonaws.com", Query: "X-Amz-Content-Sha256=" + c.value}
		signer("sts").presign(r, "60")
		_, _, err = verifier().Verify(context.Background(), r, noon)
		if (err == nil) != c.ok {
			t.Errorf("parameter %q: %v", c.value, err)
		}
	}
}

func TestVerifyHoldsTheClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		service string
		now     string
		text    string // "" where the request is taken
	}{
		{"kms", "20150830T123600Z", ""},
		{"kms", "20150830T124100Z", ""},
		{"kms", "20150830T123100Z", ""},
		{"kms", "20150830T124101Z", "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"},
		{"kms", "20150830T123059Z", "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"},
		{"iam", "20150830T125100Z", ""},
		{"iam", "20150830T125101Z", "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"},
		{"sts", "20150830T122059Z", "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)"},
	} {
		now, err := time.Parse("20060102T150405Z", c.now)
		if err != nil {
			t.Fatal(err)
		}
		r := encrypt()
		signer(c.service).sign(r)
		_, _, err = verifier().Verify(context.Background(), r, now.Add(900*time.Millisecond))
		if c.text == "" && err != nil {
			t.Errorf("%s at %s: %v", c.service, c.now, err)
		}
		if c.text != "" {
			wantFault(t, err, fault.InvalidSignature, c.text)
		}
	}
}

func TestPresigned(t *testing.T) {
	t.Parallel()
	const alive = "Action=GetCallerIdentity&Version=2011-06-15"
	for name, c := range map[string]struct {
		expires string
		after   time.Duration
		change  func(r *message.Request)
		code    fault.Code // "" where the request is taken
		text    string
	}{
		"at once":            {"60", 0, nil, "", ""},
		"at its end":         {"60", time.Minute, nil, "", ""},
		"after its end":      {"60", 61 * time.Second, nil, fault.InvalidSignature, "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T123701Z - 1 min.)"},
		"seconds":            {"90", 91 * time.Second, nil, fault.InvalidSignature, "- 90 sec.)"},
		"longest":            {"604800", 7 * 24 * time.Hour, nil, "", ""},
		"of the future":      {"60", -16 * time.Minute, nil, fault.InvalidSignature, "Signature not yet current"},
		"too long":           {"604801", 0, nil, fault.IncompleteSignature, "1 to 604800"},
		"no time":            {"0", 0, nil, fault.IncompleteSignature, "1 to 604800"},
		"negative":           {"-1", 0, nil, fault.IncompleteSignature, "1 to 604800"},
		"not a number":       {"6e1", 0, nil, fault.IncompleteSignature, "1 to 604800"},
		"absent":             {"", 0, nil, fault.IncompleteSignature, "AWS query-string parameters must include 'X-Amz-Expires'. Re-examine the query-string parameters."},
		"body":               {"60", 0, func(r *message.Request) { r.Body = []byte("x") }, fault.InvalidSignature, "does not match"},
		"another action":     {"60", 0, func(r *message.Request) { r.Query += "&Action=GetSessionToken" }, fault.InvalidSignature, "does not match"},
		"plus for its code":  {"60", 0, func(r *message.Request) { r.Query = strings.Replace(r.Query, "%2B", "+", 1) }, fault.InvalidSignature, "does not match"},
		"another spelling":   {"60", 0, func(r *message.Request) { r.Query = strings.Replace(r.Query, "Action", "%41ction", 1) }, "", ""},
		"two dates":          {"60", 0, func(r *message.Request) { r.Query += "&X-Amz-Date=20150830T123600Z" }, fault.IncompleteSignature, "must not be repeated"},
		"other algorithm":    {"60", 0, func(r *message.Request) { r.Query = strings.Replace(r.Query, "SHA256", "SHA1", 1) }, fault.IncompleteSignature, "X-Amz-Algorithm only supports"},
		"session token":      {"60", 0, func(r *message.Request) { r.Query += "&X-Amz-Security-Token=x" }, fault.UnrecognizedClient, "security token"},
		"unsigned field":     {"60", 0, add("x-amz-target", "x"), fault.InvalidSignature, "'x-amz-target' must be a 'SignedHeader'"},
		"header form beside": {"60", 0, add("authorization", "x"), fault.IncompleteSignature, "not by both"},
	} {
		r := &message.Request{Method: "GET", Path: "/", Query: alive + "&Text=a%2Bb", Host: "sts.us-east-1.amazonaws.com"}
		signer("sts").presign(r, c.expires)
		if c.change != nil {
			c.change(r)
		}
		_, _, err := verifier().Verify(context.Background(), r, noon.Add(c.after))
		t.Run(name, func(t *testing.T) {
			if c.code != "" {
				wantFault(t, err, c.code, c.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// No byte that is signed can become another one. (What is not signed is the
// space between the parts of the Authorization header.)
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	signed := encrypt()
	signed.Path, signed.Query = "/tags/arn%3Aaws", "b=2&a=1"
	signer("kms").sign(signed)
	build := func() *message.Request {
		r := *signed
		r.Header, r.Body = slices.Clone(r.Header), slices.Clone(r.Body)
		return &r
	}
	v := verifier()
	if _, _, err := v.Verify(context.Background(), build(), noon); err != nil {
		t.Fatal(err)
	}
	changed := 0
	try := func(part string, length int, change func(r *message.Request, i int, flip byte)) {
		for i := range length {
			for _, flip := range []byte{1, 2, 0x20, 0x80} {
				r := build()
				change(r, i, flip)
				if _, _, err := v.Verify(context.Background(), r, noon); err == nil {
					t.Errorf("byte %d of the %s was changed by %#x and the signature still holds", i, part, flip)
				}
				changed++
			}
		}
	}
	flipped := func(s string, i int, flip byte) string { return s[:i] + string([]byte{s[i] ^ flip}) + s[i+1:] }
	r := build()
	try("method", len(r.Method), func(r *message.Request, i int, flip byte) { r.Method = flipped(r.Method, i, flip) })
	try("path", len(r.Path), func(r *message.Request, i int, flip byte) { r.Path = flipped(r.Path, i, flip) })
	try("query", len(r.Query), func(r *message.Request, i int, flip byte) { r.Query = flipped(r.Query, i, flip) })
	try("host", len(r.Host), func(r *message.Request, i int, flip byte) { r.Host = flipped(r.Host, i, flip) })
	try("body", len(r.Body), func(r *message.Request, i int, flip byte) { r.Body[i] ^= flip })
	for at, f := range r.Header {
		try("name of "+f.Name, len(f.Name), func(r *message.Request, i int, flip byte) { r.Header[at].Name = flipped(f.Name, i, flip) })
		if f.Name == "authorization" {
			continue
		}
		try("value of "+f.Name, len(f.Value), func(r *message.Request, i int, flip byte) { r.Header[at].Value = flipped(f.Value, i, flip) })
	}
	authorization := r.Header[len(r.Header)-1].Value
	try("authorization", len(authorization), func(r *message.Request, i int, flip byte) {
		if authorization[i] == ' ' && authorization[i-1] == ',' {
			flip = 0x0c // to a comma
		}
		r.Header[len(r.Header)-1].Value = flipped(authorization, i, flip)
	})
	if changed < 2000 {
		t.Errorf("only %d changes were tried", changed)
	}
}

func TestVerifyReadsTheCredentialAnew(t *testing.T) {
	t.Parallel()
	credentials := lender{exampleID: credential(exampleID, exampleSecret)}
	v := &sigv4.Verifier{Credentials: credentials}
	r := encrypt()
	signer("kms").sign(r)
	verify := func() error {
		_, _, err := v.Verify(context.Background(), r, noon)
		return err
	}
	for range 3 {
		if err := verify(); err != nil {
			t.Fatal(err)
		}
	}
	credentials[exampleID] = credential(exampleID, "another secret")
	wantFault(t, verify(), fault.InvalidSignature, "does not match")
	credentials[exampleID] = credential(exampleID, exampleSecret)
	if err := verify(); err != nil {
		t.Error(err)
	}
	delete(credentials, exampleID)
	wantFault(t, verify(), fault.UnrecognizedClient, "invalid")
}

type broken struct {
	credential *authz.Credential
	err        error
}

func (b broken) Credential(context.Context, string, string) (*authz.Credential, error) {
	return b.credential, b.err
}

func TestVerifyTrustsNoBrokenLender(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	for name, b := range map[string]broken{
		"error":         {err: cause},
		"fault":         {err: fault.New(fault.ServiceUnavailable, "Later.")},
		"nothing":       {},
		"another key":   {credential: credential("AKIDOTHER", exampleSecret)},
		"another token": {credential: temporary(exampleID, exampleSecret, exampleToken)},
		"empty secret":  {credential: &authz.Credential{AccessKeyID: exampleID, Secret: confidential.New([]byte{})}},
	} {
		r := encrypt()
		s := signer("kms")
		s.secret = ""
		s.sign(r)
		v := &sigv4.Verifier{Credentials: b}
		_, _, err := v.Verify(context.Background(), r, noon)
		if err == nil || fault.Is(err, fault.UnrecognizedClient) || fault.Is(err, fault.InvalidSignature) {
			t.Errorf("%s: error is %v", name, err)
		}
		if b.err != nil && !errors.Is(err, b.err) {
			t.Errorf("%s: error %v lost its cause", name, err)
		}
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	s := sigv4.Scope{Region: "eu-west-1", Service: "kms"}
	if err := s.Require("eu-west-1", "kms"); err != nil {
		t.Error(err)
	}
	wantFault(t, s.Require("us-east-1", "kms"), fault.InvalidSignature, "Credential should be scoped to a valid region, not 'eu-west-1'. ")
	wantFault(t, s.Require("eu-west-1", "iam"), fault.InvalidSignature, "Credential should be scoped to correct service: 'iam'. ")
}

func TestPeek(t *testing.T) {
	t.Parallel()
	want := sigv4.Scope{AccessKeyID: exampleID, Date: "20150830", Region: "us-east-1", Service: "kms"}
	header, query := encrypt(), encrypt()
	signer("kms").sign(header)
	signer("kms").presign(query, "60")
	for _, r := range []*message.Request{header, query} {
		if got, err := sigv4.Peek(r); err != nil || got != want {
			t.Errorf("peeked %v, %v", got, err)
		}
	}
	if got, err := sigv4.Peek(encrypt()); got != (sigv4.Scope{}) || !fault.Is(err, fault.MissingAuthentication) {
		t.Errorf("peeked %v, %v at a request without a signature", got, err)
	}
}

// Once warm, a verification allocates nothing, with a session token or without.
func TestVerifyAllocatesNothing(t *testing.T) {
	ctx := context.Background()
	for _, token := range []string{"", strings.Repeat("t", 2000)} {
		v, r := sessionVerifier(token), encrypt()
		sessionSigner("kms", token).sign(r)
		var err error
		allocs := testing.AllocsPerRun(500, func() {
			if _, e := sigv4.Peek(r); e != nil {
				err = e
			}
			if _, _, e := v.Verify(ctx, r, noon); e != nil {
				err = e
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		// The race detector makes pools forget at random.
		if allocs > 0 && !raceEnabled {
			t.Errorf("%v allocations with a token of %d characters", allocs, len(token))
		}
	}
}
