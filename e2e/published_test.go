package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// published is AWS's own model of a service, in two halves. The newest SDK has
// operations, members, types, which members of requests are required, enums and
// errors. It has no limits: those are in the model that the SDK before it shipped,
// whose last release is from July 2025. Of what has come since, this file has the
// limits that are known.
type published struct {
	constraints struct {
		Operations map[string]declaration
		Shapes     map[string]*constraint
	}
	client any // of the newest SDK; sends nothing
}

// A declaration is an operation of the older model, with the names of shapes.
type declaration struct {
	Input  struct{ Shape string }
	Output struct{ Shape, ResultWrapper string }
	Errors []struct{ Shape string }
}

// A constraint is a shape of the older model.
type constraint struct {
	Type      string
	Members   map[string]struct{ Shape string }
	Required  []string
	Member    struct{ Shape string }
	Min, Max  *int
	Pattern   string
	Sensitive bool
	Error     struct {
		Code           string
		HTTPStatusCode int
	}
}

// withLimits is the module whose archive has the older model.
const withLimits = "github.com/aws/aws-sdk-go@v1.55.8"

// readPublished reads the published model of a service, the older half of it from a
// folder. Neither half is part of this repository: the older one is fetched as a
// module, and nothing of it is built.
func readPublished(t *testing.T, service any, folder string) *published {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", withLimits)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if json.Unmarshal(out, &module) != nil || module.Dir == "" {
		t.Skipf("the published model can't be had, so nothing is compared with it: go mod download %s: %v %s", withLimits, err, module.Error)
	}
	file, err := os.ReadFile(filepath.Join(module.Dir, "models/apis", folder, "api-2.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := &published{client: service}
	if err := json.Unmarshal(file, &m.constraints); err != nil {
		t.Fatal(err)
	}
	if len(m.constraints.Operations) < 8 || len(m.constraints.Shapes) < 70 {
		t.Fatalf("the model has %d operations and %d shapes", len(m.constraints.Operations), len(m.constraints.Shapes))
	}
	for operation, of := range sinceOf[folder] {
		m.constraints.Operations[operation] = of
	}
	for name, s := range since[folder] {
		m.constraints.Shapes[name] = &s
	}
	for request, members := range sinceIn[folder] {
		for name, of := range members {
			m.shape(request).Members[name] = struct{ Shape string }{of}
		}
	}
	return m
}

// since are shapes with limits that models have got or changed since July 2025,
// sinceIn where they have got members of them, and sinceOf operations that they have got.
var (
	sinceOf = map[string]map[string]declaration{
		modelOfSTS: {"AssumeRoot": {
			Input:  struct{ Shape string }{"AssumeRootRequest"},
			Errors: []struct{ Shape string }{{"RegionDisabledException"}, {"ExpiredTokenException"}},
		}},
	}
	since = map[string]map[string]constraint{
		modelOfKMS: {
			"AccountIdType":                      {Type: "string", Min: ptr(12), Max: ptr(12), Pattern: `[0-9]{12}`},
			"BackingKeyIdType":                   {Type: "string", Min: ptr(64), Max: ptr(64), Pattern: `^[a-f0-9]+$`},
			"KeyMaterialDescriptionType":         {Type: "string", Min: ptr(0), Max: ptr(256), Pattern: `^[a-zA-Z0-9:/_\s.-]+$`},
			"XksProxyVpcEndpointServiceNameType": {Type: "string", Min: ptr(20), Max: ptr(64), Pattern: `^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$`},
		},
		modelOfSTS: {
			"AssumeRootRequest":       {Type: "structure", Members: map[string]struct{ Shape string }{}},
			"RootDurationSecondsType": {Type: "integer", Min: ptr(0), Max: ptr(900)},
			"TargetPrincipalType":     {Type: "string", Min: ptr(12), Max: ptr(2048)},
		},
	}
	sinceIn = map[string]map[string]map[string]string{
		modelOfSTS: {
			"AssumeRootRequest": {"TargetPrincipal": "TargetPrincipalType", "TaskPolicyArn": "PolicyDescriptorType", "DurationSeconds": "RootDurationSecondsType"},
		},
		modelOfKMS: {
			"CreateCustomKeyStoreRequest":      {"XksProxyVpcEndpointServiceOwner": "AccountIdType"},
			"DeleteImportedKeyMaterialRequest": {"KeyMaterialId": "BackingKeyIdType"},
			"ImportKeyMaterialRequest":         {"KeyMaterialDescription": "KeyMaterialDescriptionType", "KeyMaterialId": "BackingKeyIdType"},
			"UpdateCustomKeyStoreRequest":      {"XksProxyVpcEndpointServiceOwner": "AccountIdType"},
		},
	}
)

// Folders of the older models.
const (
	modelOfKMS = "kms/2014-11-01"
	modelOfIAM = "iam/2010-05-08"
	modelOfSTS = "sts/2011-06-15"
)

// The clients of the newest SDK that are asked what they know. They send nothing.
var (
	silent = aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }, HTTPClient: refusing{},
	}
	silentKMS = kms.NewFromConfig(silent)
	silentIAM = iam.NewFromConfig(silent)
	silentSTS = sts.NewFromConfig(silent)
)

// refusing is a network that takes nothing.
type refusing struct{}

func (refusing) Do(*http.Request) (*http.Response, error) { return nil, errors.New("not sent") }

// shape returns the older model's shape, an empty one where it has none.
func (m *published) shape(name string) *constraint {
	if s := m.constraints.Shapes[name]; s != nil {
		return s
	}
	return &constraint{}
}

// output is the structure of the output of an operation.
func (m *published) output(operation string) *member {
	method, _ := reflect.TypeOf(m.client).MethodByName(operation)
	return &member{goType: method.Type.Out(0).Elem(), shape: m.shape(m.constraints.Operations[operation].Output.Shape)}
}

// input is the structure of the input of an operation.
func (m *published) input(operation string) *member {
	method, _ := reflect.TypeOf(m.client).MethodByName(operation)
	return &member{path: "", goType: method.Type.In(2).Elem(), shape: m.shape(m.constraints.Operations[operation].Input.Shape)}
}

var missingField = regexp.MustCompile(`missing required field, \w+Input\.(\w+)\.`)

// required lists the members without which the newest SDK sends nothing.
func (m *published) required(operation string) []string {
	method := reflect.ValueOf(m.client).MethodByName(operation)
	answer := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), reflect.New(method.Type().In(1).Elem())})
	var names []string
	for _, match := range missingField.FindAllStringSubmatch(answer[1].Interface().(error).Error(), -1) {
		names = append(names, match[1])
	}
	return names
}

// A member of the input of an operation, or an element of a list in it.
type member struct {
	name   string       // on the wire
	path   string       // in AWS's texts
	goType reflect.Type // in the newest SDK
	shape  *constraint  // in the older model
}

// kind is the type of a member in the words of the model.
func (f *member) kind() string {
	switch t := f.goType; {
	case t == reflect.TypeFor[[]byte]():
		return "blob"
	case t == reflect.TypeFor[*time.Time]():
		return "timestamp"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Map:
		return "map"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		return "structure"
	case t.Kind() == reflect.Bool, t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Int32, t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Int32:
		return "integer"
	}
	if _, values := f.goType.MethodByName("Values"); values {
		return "enum"
	}
	return "string"
}

// enum lists the values of an enum.
func (f *member) enum() []string {
	var list []string
	values := reflect.Zero(f.goType).MethodByName("Values").Call(nil)[0]
	for i := range values.Len() {
		list = append(list, values.Index(i).String())
	}
	slices.Sort(list)
	return list
}

// members of a structure, in the order of the SDK.
func (f *member) members(m *published) []*member {
	t := f.goType
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var list []*member
	for _, name := range fields(t) {
		field, _ := t.FieldByName(name)
		low := strings.ToLower(name[:1]) + name[1:]
		if _, has := f.shape.Members[low]; has {
			name = low // a few members are written so
		}
		list = append(list, &member{name: name, path: f.below(low), goType: field.Type, shape: m.shape(f.shape.Members[name].Shape)})
	}
	return list
}

// element is the first element of a list.
func (f *member) element(m *published) *member {
	return &member{path: f.below("1.member"), goType: f.goType.Elem(), shape: m.shape(f.shape.Member.Shape)}
}

// wire is the path of a member by its names on the wire.
func (f *member) wire() string {
	var names []string
	for _, name := range strings.Split(strings.ReplaceAll(f.path, ".1.member", ""), ".") {
		names = append(names, strings.ToUpper(name[:1])+name[1:])
	}
	return strings.Join(names, ".")
}

func (f *member) below(name string) string {
	if f.path == "" {
		return name
	}
	return f.path + "." + name
}
