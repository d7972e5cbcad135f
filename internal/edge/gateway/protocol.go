package gateway

import (
	"reflect"
	"strings"

	"claviger/internal/edge/awsjson"
	"claviger/internal/edge/awsquery"
	"claviger/internal/edge/message"
	"claviger/internal/edge/xksproxy"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

var noneType = reflect.TypeFor[operation.None]()

// A target is what a request asks for, and how its body is to be read.
type target struct {
	name    string
	bound   *bound // nil where the service has no such operation
	decode  func(in any) error
	refusal error // why there is no bound
}

// recorded is the name under which the request is recorded: the operation's
// name as it was sent if it could be one, else "Unknown".
func (t target) recorded() string {
	if len(t.name) < 1 || len(t.name) > 128 {
		return "Unknown"
	}
	for i := range len(t.name) {
		c := t.name[i] | 0x20
		if (c < 'a' || c > 'z') && (t.name[i] < '0' || t.name[i] > '9') {
			return "Unknown"
		}
	}
	return t.name
}

// target finds the operation that r asks for. A request that the protocol
// can't read at all is a call all the same, and recorded.
func (s *service) target(r *message.Request) target {
	switch s.Protocol {
	case Query:
		return s.queryTarget(r)
	case XKS:
		return s.proxyTarget(r)
	}
	return s.jsonTarget(r)
}

func (s *service) jsonTarget(r *message.Request) target {
	prefix, name := "", r.Get("x-amz-target")
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		prefix, name = name[:dot], name[dot+1:]
	}
	t := target{name: name, refusal: &fault.Fault{Code: fault.UnknownOperation}}
	if prefix != s.Target || r.Method != "POST" || r.Path != "/" || !isJSON(r.Get("content-type")) {
		return t
	}
	if t.bound = s.operations[name]; t.bound != nil {
		t.decode = func(in any) error { return t.bound.json.in.Decode(r.Body, in) }
	}
	return t
}

// isJSON reports whether a content type is that of AWS JSON 1.1 or 1.0.
func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.TrimSpace(kind)
	return kind == "application/x-amz-json-1.1" || kind == "application/x-amz-json-1.0"
}

// queryTarget reads the form in the body. It is in the query of the URL where
// there is no body: not for GET alone, as a presigned URL may be meant for POST.
func (s *service) queryTarget(r *message.Request) target {
	source := r.Body
	if r.Method == "GET" || len(r.Body) == 0 {
		source = []byte(r.Query)
	}
	form, err := awsquery.Parse(source)
	if err != nil {
		return target{refusal: err}
	}
	t := target{name: form.Get("Action")}
	t.refusal = fault.New(fault.UnknownOperation, "Could not find operation %s for version %s", t.name, form.Get("Version"))
	if (r.Method != "POST" && r.Method != "GET") || r.Path != "/" || form.Get("Version") != s.Version {
		return t
	}
	if t.bound = s.operations[t.name]; t.bound != nil {
		t.decode = func(in any) error { return t.bound.query.in.Decode(form, in) }
	}
	return t
}

// spell returns a code as the service's protocol spells it.
func (s *service) spell(code fault.Code) string {
	switch {
	case s.Protocol == XKS:
		name, _, _ := xksproxy.Error(&fault.Fault{Code: code})
		return name
	case code == fault.AccessDenied:
		return "AccessDenied" // records drop the protocol's suffix here, and only here
	case code == fault.InternalFailure && s.Internal != "":
		code = s.Internal
	}
	if s.Protocol == Query {
		name, _, _ := awsquery.Error(&fault.Fault{Code: code}, "", "")
		return name
	}
	name, _, _ := awsjson.Error(&fault.Fault{Code: code}, false)
	return name
}

// answerBytes is about what an answer takes.
const answerBytes = 512

func (s *service) success(b *bound, id string, out any) message.Response {
	response := message.Response{Status: 200, RequestID: id}
	switch {
	case s.Protocol == Query:
		response.ContentType = "text/xml"
		response.Body = b.query.out.Append(nil, b.entrance.Operation.Name, s.Namespace, id, out)
	case b.empty:
		response.ContentType = "application/x-amz-json-1.1"
	case s.Protocol == XKS:
		response.ContentType = "application/json"
		response.Body = b.json.out.Append(make([]byte, 0, answerBytes), out)
	default:
		response.ContentType = "application/x-amz-json-1.1"
		response.Body = b.json.out.Append(make([]byte, 0, answerBytes), out)
	}
	return response
}

func (s *service) failure(id string, err error) message.Response {
	f := *fault.From(err)
	if f.Code == fault.InternalFailure && s.Internal != "" {
		f.Code = s.Internal
	}
	response := message.Response{RequestID: id}
	if s.Protocol == XKS {
		return proxyFailure(response, &f)
	}
	if s.Protocol == Query {
		response.ContentType = "text/xml"
		_, response.Status, response.Body = awsquery.Error(&f, s.Namespace, id)
		return response
	}
	response.ContentType = "application/x-amz-json-1.1"
	response.ErrorType, response.Status, response.Body = awsjson.Error(&f, s.Capital)
	return response
}
