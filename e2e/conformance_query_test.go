package e2e

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// TestIAMConformance holds every operation of IAM to the published model. IAM words
// what breaks some of its patterns itself, and shows no values, as it was recorded.
func TestIAMConformance(t *testing.T) {
	t.Parallel()
	const slash = "The specified value for %s is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters."
	const slashes = "The specified value for %s is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
	p := dev(t)
	conform(t, p, speech{
		service: "iam", model: modelOfIAM, client: silentIAM, request: form("iam", "2010-05-08"), namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		invalid: "ValidationError", malformed: "MalformedInput", text: true, hides: true,
		// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
		common: []string{"AccessDenied"},
		own: map[string]own{
			`[\w+=,.@-]+`: {"The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", true},
			`(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`: {slashes, true},
			`((/[A-Za-z0-9\.,\+@=_-]+)*)/`:            {slashes, true},
			`pathPrefix ((/[A-Za-z0-9\.,\+@=_-]+)*)/`: {slash, true},
			`\u002F[\u0021-\u007F]*`:                  {slash, true},
			`accessKeyId [\w]+`:                       {"The specified value for %s is invalid. It must contain only alphanumeric characters.", false},
			`[\u0009\u000A\u000D\u0020-\u00FF]+`:      {"The specified value for %s is invalid. It must contain only printable ASCII characters.", false},
		},
		deviations: []deviation{
			{regexp.MustCompile(`^CreateLoginProfile$`), "**CreateLoginProfile without `Password`**"},
			{regexp.MustCompile(`^(Create|Update)SAMLProvider UnsupportedOperationException$`), "**SAML providers**"},
			{regexp.MustCompile(`^GetAccessKeyLastUsed NoSuchEntity$`), "**GetAccessKeyLastUsed of a key that does not exist**"},
			{regexp.MustCompile(`^GetAccessKeyLastUsed accessKeyLastUsed\.LastUsedDate of the answer$`), "**A key that was never used**"},
			{regexp.MustCompile(`^(CreateAccessKey accessKey|GetUser user)\.(UserName|Path) of the answer$`), "**The root user** has no"},
			{regexp.MustCompile(`\.permissionsBoundary\.permissionsBoundaryType of the answer$`), "**`PermissionsBoundaryType`**"},
			{regexp.MustCompile(`^Simulate\w+Policy .*\.sourcePolicyType of the answer$`), "`SourcePolicyType` is as AWS was seen to answer"},
			{regexp.MustCompile(`^Update(AccessKey|ServiceSpecificCredential) status enum$`), "**The status `Expired`**"},
		},
		operations: 140, probes: 1500, successes: 130,
	}, probed(t, p.account(bank)))
}

// TestSTSConformance holds every operation of STS to the published model, for a
// user who may assume a role.
func TestSTSConformance(t *testing.T) {
	t.Parallel()
	p := dev(t)
	ctx, root, a := t.Context(), p.account(bank), aws.String("a")
	p.user(root, "a", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`)
	key := must[*iam.CreateAccessKeyOutput](t)(root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: a})).AccessKey
	role := must[*iam.CreateRoleOutput](t)(root.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: a, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + bank + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}`)}))
	ask := form("sts", "2011-06-15")
	conform(t, p, speech{
		service: "sts", model: modelOfSTS, client: silentSTS, namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		request: func(operation string, in structure) raw {
			r := ask(operation, in)
			r.id, r.secret = *key.AccessKeyId, *key.SecretAccessKey
			return r
		},
		invalid: "ValidationError", malformed: "MalformedInput", text: true,
		// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
		common: []string{"AccessDenied", "InvalidParameterValue"},
		deviations: []deviation{
			{regexp.MustCompile(`^AssumeRole UnsupportedOperationException$`), "**`ProvidedContexts`** of AssumeRole"},
			{regexp.MustCompile(`^CreateForwardAccessSession$`), "**Forward access** is an API call"},
		},
		withheld:   deviation{regexp.MustCompile(`^(tokenCode|providedContexts\.1\.member\.contextAssertion)$`), "**The value of a one-time code or a context assertion**"},
		operations: 7, probes: 100, successes: 5,
	}, structure{"AccessKeyId": *key.AccessKeyId, "RoleArn": *role.Role.Arn})
}

// form makes the requests of a service with the Query protocol.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
func form(service, version string) func(string, structure) raw {
	return func(operation string, in structure) raw {
		values := url.Values{"Action": {operation}, "Version": {version}}
		for name, value := range in {
			fill(values, name, value)
		}
		return raw{service: service, contentType: "application/x-www-form-urlencoded", body: values.Encode()}
	}
}

func fill(into url.Values, name string, value any) {
	switch v := value.(type) {
	case structure:
		for inner, value := range v {
			fill(into, name+"."+inner, value)
		}
	case []any:
		if len(v) == 0 {
			into.Set(name, "")
		}
		for i, value := range v {
			fill(into, fmt.Sprintf("%s.member.%d", name, i+1), value)
		}
	default:
		into.Set(name, fmt.Sprint(v))
	}
}

// probed makes what the operations of IAM are about, under the names that the
// probes use, and returns the values of members that name it.
func probed(t *testing.T, root *client) structure {
	t.Helper()
	const (
		trust    = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}`
		document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}}`
		password = "Correct-Horse-7"
	)
	ctx, a, b := t.Context(), aws.String("a"), aws.String("b")
	metadata := `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"><IDPSSODescriptor>` +
		`<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` +
		strings.Repeat("MIIC", 200) + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`
	must[*organizations.CreateOrganizationOutput](t)(root.organizations.CreateOrganization(ctx, &organizations.CreateOrganizationInput{}))
	must[*organizations.EnableAWSServiceAccessOutput](t)(root.organizations.EnableAWSServiceAccess(ctx, &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String("iam.amazonaws.com")}))
	user := must[*iam.CreateUserOutput](t)(root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: a}))
	must[*iam.CreateUserOutput](t)(root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: b}))
	must[*iam.CreateGroupOutput](t)(root.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: a}))
	must[*iam.CreateGroupOutput](t)(root.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: b}))
	must[*iam.AddUserToGroupOutput](t)(root.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: a, UserName: a}))
	must[*iam.CreateRoleOutput](t)(root.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: a, AssumeRolePolicyDocument: aws.String(trust)}))
	must[*iam.CreateInstanceProfileOutput](t)(root.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: a}))
	must[*iam.CreateInstanceProfileOutput](t)(root.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: b}))
	must[*iam.AddRoleToInstanceProfileOutput](t)(root.iam.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: a, RoleName: a}))
	must[*iam.CreateLoginProfileOutput](t)(root.iam.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: a, Password: aws.String(password)}))
	must[*iam.PutUserPolicyOutput](t)(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: a, PolicyName: a, PolicyDocument: aws.String(document)}))
	must[*iam.PutGroupPolicyOutput](t)(root.iam.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: a, PolicyName: a, PolicyDocument: aws.String(document)}))
	must[*iam.PutRolePolicyOutput](t)(root.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: a, PolicyName: a, PolicyDocument: aws.String(document)}))
	must[*iam.UpdateAccountPasswordPolicyOutput](t)(root.iam.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{}))
	must[*iam.GenerateCredentialReportOutput](t)(root.iam.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{}))
	policy := must[*iam.CreatePolicyOutput](t)(root.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: a, PolicyDocument: aws.String(document)}))
	key := must[*iam.CreateAccessKeyOutput](t)(root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: a}))
	device := must[*iam.CreateVirtualMFADeviceOutput](t)(root.iam.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("device")}))
	issuer := must[*iam.CreateOpenIDConnectProviderOutput](t)(root.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://example.com")}))
	provider := must[*iam.CreateSAMLProviderOutput](t)(root.iam.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: b, SAMLMetadataDocument: &metadata}))
	linked := must[*iam.CreateServiceLinkedRoleOutput](t)(root.iam.CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("autoscaling.amazonaws.com"), CustomSuffix: b}))
	task := must[*iam.DeleteServiceLinkedRoleOutput](t)(root.iam.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: linked.Role.RoleName}))
	credential := must[*iam.CreateServiceSpecificCredentialOutput](t)(root.iam.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: a, ServiceName: aws.String("codecommit.amazonaws.com")}))
	for _, attach := range []error{
		second(root.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: a, PolicyArn: policy.Policy.Arn})),
		second(root.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: a, PolicyArn: policy.Policy.Arn})),
		second(root.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: a, PolicyArn: policy.Policy.Arn})),
	} {
		if attach != nil {
			t.Fatal(attach)
		}
	}
	return structure{
		"AccessKeyId": *key.AccessKey.AccessKeyId, "ActionNames": []any{"iam:GetUser"}, "Arn": *user.User.Arn,
		"AssumeRolePolicyDocument": trust, "AWSServiceName": "autoscaling.amazonaws.com", "DeletionTaskId": *task.DeletionTaskId,
		"OpenIDConnectProviderArn": *issuer.OpenIDConnectProviderArn, "Password": password, "PermissionsBoundary": *policy.Policy.Arn,
		"PolicyArn": *policy.Policy.Arn, "PolicyDocument": document, "PolicyInputList": []any{document}, "PolicySourceArn": *user.User.Arn,
		"SAMLMetadataDocument": metadata, "SAMLProviderArn": *provider.SAMLProviderArn,
		"SerialNumber": *device.VirtualMFADevice.SerialNumber, "ServiceName": "codecommit.amazonaws.com",
		"ServiceSpecificCredentialId": *credential.ServiceSpecificCredential.ServiceSpecificCredentialId, "Url": "https://example.org",

		"AddRoleToInstanceProfile.InstanceProfileName": "b", "CreateLoginProfile.UserName": "b",
		"UpdateAssumeRolePolicy.PolicyDocument": trust, "UpdateGroup.GroupName": "b", "UpdateUser.UserName": "b",
	}
}

func second[T any](_ T, err error) error { return err }

// An element of an answer.
type element struct {
	XMLName xml.Name
	Inner   []element `xml:",any"`
	Text    string    `xml:",chardata"`
}

// names of the elements within.
func (e element) names() []string {
	var list []string
	for _, inner := range e.Inner {
		list = append(list, inner.XMLName.Local)
	}
	return list
}

// under is the first element of a name, an empty one where there is none.
func (e element) under(name string) element {
	if i := slices.Index(e.names(), name); i >= 0 {
		return e.Inner[i]
	}
	return element{}
}

// document demands the form that the protocol gives an answer, and in it what the
// model lets the operation answer.
func (c *conformance) document(r reply) {
	var e element
	if err := xml.Unmarshal([]byte(r.body), &e); err != nil || e.XMLName.Space != c.namespace {
		c.differs(c.op+" answer", fmt.Sprintf("is no document of the service: %v %s", err, shortened(r.body)))
		return
	}
	id := e.under("ResponseMetadata").under("RequestId").Text
	want := []string{"ResponseMetadata"}
	_, older := c.m.constraints.Operations[c.op]
	output := c.m.output(c.op)
	switch {
	case r.code != "":
		id, want = e.under("RequestId").Text, []string{"Error", "RequestId"}
		inner := e.under("Error")
		if !slices.Equal(inner.names(), []string{"Type", "Code", "Message"}) || (inner.under("Type").Text == "Sender") != (r.status < 500) || inner.under("Message").Text == "" {
			c.differs(c.op+" error", shortened(r.body))
		}
	case older && c.m.constraints.Operations[c.op].Output.Shape != "", !older && len(output.members(c.m)) > 0:
		want = []string{c.op + "Result", "ResponseMetadata"}
		c.element(output, e.Inner[0])
	}
	if id == "" || id != r.requestID || !slices.Equal(e.names(), want) {
		c.differs(c.op+" answer", fmt.Sprintf("has the elements %q and the id %q, want %q and %q", e.names(), id, want, r.requestID))
	}
}

// element compares an element with the member that it is.
func (c *conformance) element(f *member, e element) {
	good := true
	switch f.kind() {
	case "structure":
		c.within(f, e)
		return
	case "list":
		for _, inner := range e.Inner {
			good = good && inner.XMLName.Local == "member"
			c.element(f.element(c.m), inner)
		}
	case "map":
		for _, inner := range e.Inner {
			good = good && inner.XMLName.Local == "entry" && slices.Equal(inner.names(), []string{"key", "value"})
		}
	case "boolean":
		good = e.Text == "true" || e.Text == "false"
	case "integer":
		_, err := strconv.Atoi(e.Text)
		good = err == nil
	case "timestamp":
		_, err := time.Parse(time.RFC3339, e.Text)
		good = err == nil
	case "enum":
		good = slices.Contains(f.enum(), e.Text)
	case "blob":
		_, err := base64.StdEncoding.DecodeString(e.Text)
		good = err == nil
	default:
		good = len(e.Inner) == 0
	}
	if !good {
		c.differs(c.place(f, "of the answer"), fmt.Sprintf("is no %s: %q %q", f.kind(), e.Text, e.names()))
	}
}

// within compares the members of a structure: those that the model demands are
// there, empty lists among them, and no others than it knows.
func (c *conformance) within(f *member, e element) {
	members := make(map[string]*member)
	for _, inner := range f.members(c.m) {
		members[inner.name] = inner
	}
	for i, inner := range e.Inner {
		name := inner.XMLName.Local
		if members[name] == nil || slices.Contains(e.names()[:i], name) {
			c.differs(c.op+" "+f.below(name)+" of the answer", "is no member of the model, or stands twice")
			continue
		}
		c.element(members[name], inner)
	}
	for _, name := range f.shape.Required {
		if !slices.Contains(e.names(), name) {
			c.differs(c.op+" "+f.below(name)+" of the answer", "is required, and is left out")
		}
	}
}
