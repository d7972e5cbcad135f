package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/session"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/sts"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// service registers a service principal and returns its credential.
func (w *world) service(name, signingName string, infrastructure bool, actions ...string) *authz.Credential {
	w.t.Helper()
	out, err := w.server.operate(context.Background(), "CreateServicePrincipal", func(in any) {
		*in.(*iam.CreateServicePrincipalInput) = iam.CreateServicePrincipalInput{
			Name: optional.Some(name), SigningName: optional.Some(signingName), Actions: actions, Infrastructure: infrastructure,
		}
	})
	if err != nil {
		w.t.Fatalf("registering %s: %v", name, err)
	}
	return w.caller(out.(*iam.CreateServicePrincipalOutput).AccessKeyID)
}

const documentsName = "documents.example.com"

// documentsService returns the service of documents, registered once in a world.
func (w *world) documentsService() *authz.Credential {
	if w.documents == nil {
		w.documents = w.service(documentsName, documentsSigning, false, "kms:Encrypt")
	}
	return w.documents
}

// lent returns the credential of what was issued.
func (w *world) lent(c sts.Credentials) *authz.Credential {
	w.t.Helper()
	credential, err := w.server.iam.Credential(context.Background(), c.AccessKeyID, string(c.SessionToken.Reveal(reveal.Token{})))
	if err != nil {
		w.t.Fatalf("presenting the token of %s: %v", c.AccessKeyID, err)
	}
	return credential
}

// again looks up what is true of a credential now.
func (w *world) again(c *authz.Credential) (*authz.Credential, error) {
	return w.server.iam.Credential(context.Background(), c.AccessKeyID, c.Token)
}

// refused makes a call that must be refused with a code, and leave one record
// that says so.
func (w *world) refused(as *authz.Credential, name string, in any, code fault.Code) {
	w.t.Helper()
	_, from := w.records(1)
	if _, err := w.call(as, name, in); !fault.Is(err, code) {
		w.t.Errorf("%s by %s: %v, want %s", name, as.Caller.Principal.ARN, err, code)
	}
	records, _ := w.records(from)
	if len(records) != 1 || !bytes.Contains(records[0].Record, []byte(`"errorCode":"`+string(code)+`"`)) {
		w.t.Errorf("%s by %s, refused, left %d records", name, as.Caller.Principal.ARN, len(records))
	}
}

// newRole makes a role with a trust policy for a principal and an inline policy
// that allows actions.
func (w *world) newRole(account, name, principal, actions string) string {
	w.t.Helper()
	root := w.caller(account)
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":` + principal + `,"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}`
	w.must(root, "iam:CreateRole", &iam.CreateRoleInput{RoleName: optional.Some(name), Path: optional.Some("/jobs/"), AssumeRolePolicyDocument: optional.Some(trust), Tags: identityTags()})
	if actions != "" {
		document := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`
		w.must(root, "iam:PutRolePolicy", &iam.PutRolePolicyInput{RoleName: optional.Some(name), PolicyName: optional.Some("own"), PolicyDocument: optional.Some(document)})
	}
	return "arn:aws:iam::" + account + ":role/jobs/" + name
}

func assuming(roleARN string) *sts.AssumeRoleInput {
	return &sts.AssumeRoleInput{RoleARN: optional.Some(roleARN), RoleSessionName: optional.Some("job-1")}
}

// assume assumes a role and returns the credential of the session.
func (w *world) assume(as *authz.Credential, in *sts.AssumeRoleInput) *authz.Credential {
	w.t.Helper()
	return w.lent(w.must(as, "sts:AssumeRole", in).(*sts.AssumeRoleOutput).Credentials)
}

func encrypting(key string) *kms.EncryptInput {
	return &kms.EncryptInput{KeyID: optional.Some(key), Plaintext: canary()}
}

func ofUser(name string) string { return `{"AWS":"arn:aws:iam::` + owner + `:user/` + name + `"}` }

// TestSessionOfRole: a session does what its role may, within what it was limited
// to, and ends with its role.
func TestSessionOfRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.key()
	ann := w.newUser(owner, "ann")
	role := w.newRole(owner, "Worker", ofUser("ann"), `["kms:Encrypt","kms:DescribeKey","sts:*"]`)
	w.refused(ann, "kms:Encrypt", encrypting(key), fault.AccessDenied)

	worker := w.assume(ann, assuming(role))
	p := worker.Caller.Principal
	if p.Kind != principal.RoleSession || p.ARN != "arn:aws:sts::"+owner+":assumed-role/Worker/job-1" || p.IssuerARN != role || p.IssuerName != "Worker" {
		t.Errorf("the session is %+v", p)
	}
	w.must(worker, "kms:Encrypt", encrypting(key))
	w.refused(worker, "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(key)}, fault.AccessDenied)
	who := w.must(worker, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{}).(*sts.GetCallerIdentityOutput)
	if who.ARN != p.ARN || who.UserID != p.ID || who.Account != owner {
		t.Errorf("the session is told to be %+v", who)
	}
	w.refused(worker, "sts:GetSessionToken", &sts.GetSessionTokenInput{}, fault.AccessDenied)

	limiting := assuming(role)
	limiting.Policy = optional.Some(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:DescribeKey","kms:DisableKey"],"Resource":"*"}}`)
	limited := w.assume(ann, limiting)
	w.must(limited, "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: optional.Some(key)})
	w.refused(limited, "kms:Encrypt", encrypting(key), fault.AccessDenied)
	w.refused(limited, "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(key)}, fault.AccessDenied)

	limiting = assuming(role)
	limiting.PolicyARNs = []sts.PolicyDescriptorType{{ARN: optional.Some("arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser")}}
	managed := w.assume(ann, limiting)
	w.must(managed, "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: optional.Some(key)})
	w.refused(managed, "kms:Encrypt", encrypting(key), fault.AccessDenied)

	// What the role may is what its sessions may, at once.
	w.must(w.caller(owner), "iam:DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: optional.Some("Worker"), PolicyName: optional.Some("own")})
	w.refused(worker, "kms:Encrypt", encrypting(key), fault.AccessDenied)
	w.must(w.caller(owner), "iam:DeleteRole", &iam.DeleteRoleInput{RoleName: optional.Some("Worker")})
	for _, ended := range []*authz.Credential{worker, limited} {
		now, err := w.again(ended)
		if err != nil {
			t.Fatal(err)
		}
		w.refused(now, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{}, fault.UnrecognizedClient)
	}
	// A namesake is another role.
	w.newRole(owner, "Worker", ofUser("ann"), `"kms:*"`)
	if now, err := w.again(worker); err != nil || now.Refusal == nil {
		t.Errorf("a session of a role that was deleted goes on with its namesake: %v", err)
	}
}

// TestSessionTags: tags and source identity of a session count like those of a
// user, go on into the next role where they are to, and can't be replaced there.
func TestSessionTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	policy := `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Project":"keys","aws:SourceIdentity":"ann"}}},` +
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + owner + `:root"},"Action":"kms:PutKeyPolicy","Resource":"*"}]}`
	key := w.must(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{Policy: optional.Some(policy), BypassPolicyLockoutSafetyCheck: optional.Some(true)}).(*kms.CreateKeyOutput).KeyMetadata.KeyID
	ann := w.newUser(owner, "ann")
	first := w.newRole(owner, "First", ofUser("ann"), `["kms:*","sts:*"]`)
	next := w.newRole(owner, "Next", `{"AWS":"`+owner+`"}`, `"kms:*"`)

	w.refused(w.assume(ann, assuming(first)), "kms:Encrypt", encrypting(key), fault.AccessDenied)
	in := assuming(first)
	in.Tags = []sts.Tag{{Key: optional.Some("project"), Value: optional.Some("keys")}, {Key: optional.Some("team"), Value: optional.Some("blue")}}
	in.TransitiveTagKeys, in.SourceIdentity = []string{"project"}, optional.Some("ann")
	tagged := w.assume(ann, in)
	w.must(tagged, "kms:Encrypt", encrypting(key))
	if team, _ := tagged.Caller.Tags.Get("team"); team != "blue" {
		t.Errorf("the session's tag does not stand over the role's: %v", tagged.Caller.Tags)
	}

	chained := w.assume(tagged, assuming(next))
	w.must(chained, "kms:Encrypt", encrypting(key))
	if team, _ := chained.Caller.Tags.Get("team"); team != "red" || chained.Caller.Principal.SourceIdentity != "ann" {
		t.Errorf("of the first session the next has %v, %q", chained.Caller.Tags, chained.Caller.Principal.SourceIdentity)
	}
	replacing := assuming(next)
	replacing.Tags = []sts.Tag{{Key: optional.Some("PROJECT"), Value: optional.Some("other")}}
	w.refused(tagged, "sts:AssumeRole", replacing, sts.InvalidParameterValue)
	renaming := assuming(next)
	renaming.SourceIdentity = optional.Some("bob")
	w.refused(tagged, "sts:AssumeRole", renaming, fault.AccessDenied)
	long := assuming(next)
	long.DurationSeconds = optional.Some(3601)
	w.refused(tagged, "sts:AssumeRole", long, fault.Validation)
}

// trailed is what the tests look at of a record.
type trailed struct {
	EventName, ErrorCode, SharedEventID, RecipientAccountID, SourceIPAddress string
	ReadOnly                                                                 bool
	UserIdentity                                                             map[string]any
	RequestParameters, ResponseElements, AdditionalEventData                 map[string]any
	Resources                                                                []map[string]string
}

func decoded(t *testing.T, e audit.Entry) (r trailed) {
	t.Helper()
	if err := json.Unmarshal(e.Record, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRecordOfAssumeRole: both accounts have a record, which shows the new access
// key and neither secret nor token.
func TestRecordOfAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.userWith("ann", `"sts:AssumeRole"`)
	role := w.newRole(stranger, "Guest", ofUser("ann"), "")
	in := assuming(role)
	in.ExternalID, in.DurationSeconds = optional.Some("e:1"), optional.Some(900)
	_, from := w.records(1)
	out := w.must(ann, "sts:AssumeRole", in).(*sts.AssumeRoleOutput)
	records, _ := w.records(from)
	if len(records) != 2 || records[0].Account != owner || records[1].Account != stranger {
		t.Fatalf("%d records", len(records))
	}
	token := out.Credentials.SessionToken.Reveal(reveal.Token{})
	shared := ""
	for _, e := range records {
		r := decoded(t, e)
		credentials, _ := r.ResponseElements["credentials"].(map[string]any)
		user, _ := r.ResponseElements["assumedRoleUser"].(map[string]any)
		if r.EventName != "AssumeRole" || !r.ReadOnly || len(credentials) != 2 || credentials["accessKeyId"] != out.Credentials.AccessKeyID || credentials["expiration"] == "" ||
			user["arn"] != "arn:aws:sts::"+stranger+":assumed-role/Guest/job-1" || user["assumedRoleId"] != out.AssumedRoleUser.AssumedRoleID {
			t.Errorf("the record is %s", e.Record)
		}
		if r.RequestParameters["roleArn"] != role || r.RequestParameters["roleSessionName"] != "job-1" || r.RequestParameters["externalId"] != "e:1" || r.RequestParameters["durationSeconds"] != 900.0 {
			t.Errorf("the record shows as asked %v", r.RequestParameters)
		}
		if len(r.Resources) != 1 || r.Resources[0]["ARN"] != role || r.Resources[0]["type"] != "AWS::IAM::Role" || r.Resources[0]["accountId"] != stranger {
			t.Errorf("the record is about %v", r.Resources)
		}
		if bytes.Contains(e.Record, token) || r.SharedEventID == "" || shared != "" && shared != r.SharedEventID {
			t.Errorf("the record is %s", e.Record)
		}
		shared = r.SharedEventID
	}
}

// TestCredentialsOfUser: the credentials of GetSessionToken are the user's, but
// for IAM and most of STS, and end with the access key.
func TestCredentialsOfUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.key()
	ann := w.userWith("ann", `"*"`)
	next := w.newRole(owner, "Next", `{"AWS":"`+owner+`"}`, `"kms:*"`)
	temporary := w.lent(w.must(ann, "sts:GetSessionToken", &sts.GetSessionTokenInput{}).(*sts.GetSessionTokenOutput).Credentials)
	w.must(temporary, "kms:Encrypt", encrypting(key))
	w.must(temporary, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{})
	w.must(w.assume(temporary, assuming(next)), "kms:Encrypt", encrypting(key))
	w.must(ann, "iam:GetUser", &iam.GetUserInput{})
	w.refused(temporary, "iam:GetUser", &iam.GetUserInput{}, fault.UnrecognizedClient)
	w.refused(temporary, "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some("bob")}, fault.UnrecognizedClient)
	w.refused(temporary, "sts:GetSessionToken", &sts.GetSessionTokenInput{}, fault.AccessDenied)

	w.must(w.caller(owner), "iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{
		UserName: optional.Some("ann"), AccessKeyID: optional.Some(ann.AccessKeyID), Status: optional.Some("Inactive"),
	})
	now, err := w.again(temporary)
	if err != nil {
		t.Fatal(err)
	}
	w.refused(now, "kms:Encrypt", encrypting(key), fault.UnrecognizedClient)
}

// TestTokens: a token that is over is refused by name and on record. One that is
// not exactly ours is nobody's.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newRole(owner, "Worker", `{"AWS":"`+owner+`"}`, "")
	role := w.must(w.caller(owner), "iam:GetRole", &iam.GetRoleInput{RoleName: optional.Some("Worker")}).(*iam.GetRoleOutput).Role
	tokens := session.NewTokens(w.keyring)
	seal := func(tokens *session.Tokens, ends time.Time) (id, token string) {
		id = session.Draw()
		token, err := tokens.Seal(id, &session.Session{
			Kind: session.Role, Account: owner, ID: role.RoleID, Name: "s", ARN: role.ARN, Issued: ends.Add(-time.Hour), Expires: ends,
		})
		if err != nil {
			t.Fatal(err)
		}
		return id, token
	}
	now := time.Now().Truncate(time.Second)
	id, token := seal(tokens, now.Add(time.Hour))
	live, err := w.server.iam.Credential(t.Context(), id, token)
	if err != nil || live.Refusal != nil {
		t.Fatalf("a token of an hour: %v", err)
	}
	w.must(live, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{})

	oldID, old := seal(tokens, now)
	over, err := w.server.iam.Credential(t.Context(), oldID, old)
	if err != nil {
		t.Fatal(err)
	}
	w.refused(over, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{}, fault.ExpiredToken)

	another, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	foreign, _, err := sealed.Create(another)
	if err != nil {
		t.Fatal(err)
	}
	theirID, theirs := seal(session.NewTokens(foreign), now.Add(time.Hour))
	half := len(token) / 2
	altered := token[:half] + map[bool]string{true: "B", false: "A"}[token[half] == 'A'] + token[half+1:]
	cases := 0
	for what, pair := range map[string][2]string{
		"altered":                 {id, altered},
		"of another key":          {oldID, token},
		"of another server":       {theirID, theirs},
		"none":                    {id, ""},
		"with a key of an hour":   {id, old},
		"cut":                     {id, token[:half]},
		"with a long-term key":    {w.newUser(owner, "ann").AccessKeyID, token},
		"with a development user": {owner, token},
	} {
		cases++
		if c, err := w.server.iam.Credential(t.Context(), pair[0], pair[1]); !fault.Is(err, fault.UnrecognizedClient) || c != nil {
			t.Errorf("a token %s: %v", what, err)
		}
	}
	if cases != 8 {
		t.Errorf("%d cases ran", cases)
	}
}

// TestServiceAssumesRole: a service assumes a role that trusts it, in the account
// that has the record, and its sessions end with it.
func TestServiceAssumesRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.key()
	service := w.documentsService()
	role := w.newRole(owner, "Passed", `{"Service":"`+documentsName+`"}`, `["kms:Encrypt","sts:AssumeRole"]`)
	next := w.newRole(owner, "Next", `{"AWS":"`+owner+`"}`, `"kms:Encrypt"`)
	closed := w.newRole(owner, "Closed", `{"AWS":"`+owner+`"}`, "")
	w.refused(service, "sts:AssumeRole", assuming(closed), fault.AccessDenied)
	_, from := w.records(1)
	worker := w.assume(service, assuming(role))
	records, _ := w.records(from)
	if len(records) != 1 || records[0].Account != owner {
		t.Fatalf("%d records", len(records))
	}
	if r := decoded(t, records[0]); r.UserIdentity["type"] != "AWSService" || r.UserIdentity["invokedBy"] != documentsName || r.SourceIPAddress != documentsName || r.ResponseElements == nil {
		t.Errorf("the record is %s", records[0].Record)
	}
	if worker.Caller.IssuedTo != documentsName {
		t.Errorf("the session was issued to %q", worker.Caller.IssuedTo)
	}
	chained := w.assume(worker, assuming(next))
	w.must(worker, "kms:Encrypt", encrypting(key))
	w.must(chained, "kms:Encrypt", encrypting(key))
	w.disable(documentsName)
	for _, ended := range []*authz.Credential{worker, chained} {
		now, err := w.again(ended)
		if err != nil {
			t.Fatal(err)
		}
		w.refused(now, "kms:Encrypt", encrypting(key), fault.UnrecognizedClient)
	}
}

func (w *world) disable(service string) {
	w.t.Helper()
	if _, err := w.server.operate(context.Background(), "DisableServicePrincipal", func(in any) {
		in.(*iam.DisableServicePrincipalInput).Name = optional.Some(service)
	}); err != nil {
		w.t.Fatal(err)
	}
}

// TestInfrastructure: the role that a service has by convention has an identity
// and no rights, and is nobody else's.
func TestInfrastructure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ec2 := w.service("ec2.amazonaws.com", "ec2", true, "kms:Decrypt")
	plain := w.service("ebs.amazonaws.com", "ebs", false, "kms:Decrypt")
	in := &sts.AssumeRoleInput{RoleARN: optional.Some("arn:aws:iam::" + owner + ":role/aws:ec2-infrastructure"), RoleSessionName: optional.Some("i-1234567890abcdef0")}
	instance := w.assume(ec2, in)
	p := instance.Caller.Principal
	if p.ID != owner+":aws:ec2-infrastructure:i-1234567890abcdef0" || p.ARN != "arn:aws:sts::"+owner+":assumed-role/aws:ec2-infrastructure/i-1234567890abcdef0" {
		t.Errorf("the session is %+v", p)
	}
	w.refused(instance, "kms:Encrypt", encrypting(w.key()), fault.AccessDenied)
	for _, other := range []*authz.Credential{plain, w.userWith("ann", `"*"`), w.caller(owner)} {
		w.refused(other, "sts:AssumeRole", in, fault.AccessDenied)
	}
	own := *in
	own.RoleARN = optional.Some("arn:aws:iam::" + owner + ":role/aws:ebs-infrastructure")
	w.refused(plain, "sts:AssumeRole", &own, fault.AccessDenied)
	w.refused(ec2, "sts:AssumeRole", &own, fault.AccessDenied)
	// A service can't be its own user.
	evidence := newRequest("PUT", "/", "").signedBy(instance, "ec2", "us-east-1", time.Now())
	w.refused(ec2, "sts:CreateForwardAccessSession", trading(evidence), fault.AccessDenied)
}

// forward trades a user's request for a session.
func (w *world) forward(r *userRequest) *authz.Credential {
	w.t.Helper()
	out := w.must(w.documentsService(), "sts:CreateForwardAccessSession", trading(r)).(*sts.CreateForwardAccessSessionOutput)
	return w.lent(out.Credentials)
}

// request is what a user asks of the service of documents now.
func request(user *authz.Credential) *userRequest {
	return newRequest("PUT", "/documents/1?version=7", "text").signedBy(user, documentsSigning, "us-east-1", time.Now())
}

// TestForwardAccess: what a user has signed for a service lets the service do for
// the user what was registered, and nothing else, while everything stands.
func TestForwardAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.key()
	ann := w.userWith("ann", `"*"`)
	service := w.documentsService()
	role := w.newRole(owner, "Worker", ofUser("ann"), `"kms:*"`)

	asked := request(ann)
	in := trading(asked)
	in.SourceIP = optional.Some("192.0.2.9")
	_, from := w.records(1)
	out := w.must(service, "sts:CreateForwardAccessSession", in).(*sts.CreateForwardAccessSessionOutput)
	through := w.lent(out.Credentials)
	w.must(through, "kms:Encrypt", encrypting(key))
	records, _ := w.records(from)
	if len(records) != 2 || records[0].Account != owner || records[1].Account != owner {
		t.Fatalf("%d records", len(records))
	}
	trade, use := decoded(t, records[0]), decoded(t, records[1])
	if trade.UserIdentity["type"] != "AWSService" || trade.RequestParameters["path"] != "/documents/1" || trade.ResponseElements["userArn"] != ann.Caller.Principal.ARN ||
		trade.AdditionalEventData["evidenceAccessKeyId"] != ann.AccessKeyID || trade.AdditionalEventData["evidenceRegion"] != "us-east-1" {
		t.Errorf("the record of the trade is %s", records[0].Record)
	}
	signature := asked.header[len(asked.header)-1].Value
	if place := w.find([]byte(signature[strings.Index(signature, "Signature=")+10:]), "", nil); place != "" || strings.Contains(string(records[0].Record), "version=7") {
		t.Errorf("evidence is shown in %s", place)
	}
	if use.UserIdentity["invokedBy"] != documentsName || use.UserIdentity["arn"] != ann.Caller.Principal.ARN || use.SourceIPAddress != "192.0.2.9" {
		t.Errorf("the record of the use is %s", records[1].Record)
	}

	w.refused(through, "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: optional.Some(key)}, fault.AccessDenied)
	w.refused(through, "iam:GetUser", &iam.GetUserInput{}, fault.AccessDenied)
	w.refused(through, "sts:AssumeRole", assuming(role), fault.AccessDenied)
	w.refused(through, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{}, fault.AccessDenied)
	w.refused(through, "sts:GetSessionToken", &sts.GetSessionTokenInput{}, fault.AccessDenied)
	w.refused(through, "sts:CreateForwardAccessSession", in, fault.AccessDenied)

	// A session of a role is forwarded like a user, and ends with its role.
	worker := w.assume(ann, assuming(role))
	throughWorker := w.forward(request(worker))
	w.must(throughWorker, "kms:Encrypt", encrypting(key))
	w.must(w.caller(owner), "iam:DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: optional.Some("Worker"), PolicyName: optional.Some("own")})
	w.must(w.caller(owner), "iam:DeleteRole", &iam.DeleteRoleInput{RoleName: optional.Some("Worker")})
	w.ended(throughWorker)

	another := w.forward(request(ann))
	w.must(w.caller(owner), "iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{
		UserName: optional.Some("ann"), AccessKeyID: optional.Some(ann.AccessKeyID), Status: optional.Some("Inactive"),
	})
	w.ended(through)
	w.ended(another)
	w.refused(service, "sts:CreateForwardAccessSession", trading(request(ann)), fault.AccessDenied)

	bob := w.userWith("bob", `"kms:*"`)
	throughBob := w.forward(request(bob))
	w.disable(documentsName)
	w.ended(throughBob)
}

// ended demands that a credential opens nothing any more.
func (w *world) ended(c *authz.Credential) {
	w.t.Helper()
	now, err := w.again(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.refused(now, "kms:Encrypt", encrypting(w.key()), fault.UnrecognizedClient)
}

// TestEvidence: what is not exactly a request that a user has just signed for the
// service proves nothing. Every attempt is on record.
func TestEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.userWith("ann", `"*"`)
	service := w.documentsService()
	other := w.service("other.example.com", "other", false, "kms:Encrypt")
	through := w.forward(request(ann))
	now := time.Now()
	query := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {ann.AccessKeyID + "/" + now.UTC().Format("20060102") + "/us-east-1/documents/aws4_request"},
		"X-Amz-Date": {now.UTC().Format("20060102T150405Z")}, "X-Amz-Expires": {"300"}, "X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {strings.Repeat("0", 64)},
	}
	trade := "sts:CreateForwardAccessSession"
	w.must(service, trade, trading(request(ann)))
	cases := 0
	for what, attempt := range map[string]struct {
		by *authz.Credential
		in *sts.CreateForwardAccessSessionInput
	}{
		"for another service":  {other, trading(request(ann))},
		"for KMS":              {service, trading(newRequest("POST", "/", "").signedBy(ann, "kms", "us-east-1", now))},
		"of another partition": {service, trading(newRequest("GET", "/", "").signedBy(ann, documentsSigning, "cn-north-1", now))},
		"expired":              {service, trading(newRequest("GET", "/", "").signedBy(ann, documentsSigning, "us-east-1", now.Add(-6*time.Minute)))},
		"of the future":        {service, trading(newRequest("GET", "/", "").signedBy(ann, documentsSigning, "us-east-1", now.Add(6*time.Minute)))},
		"another path": {service, func() *sts.CreateForwardAccessSessionInput {
			in := trading(request(ann))
			in.URI.V = "/documents/2"
			return in
		}()},
		"another method": {service, func() *sts.CreateForwardAccessSessionInput {
			in := trading(request(ann))
			in.Method.V = "GET"
			return in
		}()},
		"another body": {service, func() *sts.CreateForwardAccessSessionInput {
			in := trading(request(ann))
			in.BodySHA256.V = strings.Repeat("0", 64)
			return in
		}()},
		"another host":          {service, trading(request(ann).with("host", "other.example.com"))},
		"another header":        {service, trading(request(ann).with("user-agent", "browser/2"))},
		"a header more":         {service, trading(request(ann).with("x-amz-more", "1"))},
		"without signature":     {service, trading(newRequest("GET", "/", ""))},
		"presigned":             {service, trading(newRequest("GET", "/?"+query.Encode(), ""))},
		"by forward access":     {service, trading(request(through))},
		"by the service itself": {service, trading(request(service))},
		"by an unknown key":     {service, trading(request(&authz.Credential{AccessKeyID: "AKIANOBODYNOBODYNOBO", Secret: ann.Secret}))},
		"with another secret":   {service, trading(request(&authz.Credential{AccessKeyID: ann.AccessKeyID, Secret: service.Secret}))},
		"by a user":             {ann, trading(request(ann))},
		"by a root user":        {w.caller(owner), trading(request(ann))},
	} {
		cases++
		t.Log(what)
		w.refused(attempt.by, trade, attempt.in, fault.AccessDenied)
	}
	if cases != 19 {
		t.Errorf("%d cases ran", cases)
	}

	// The window of evidence is the service's to use, and closes.
	almost := newRequest("GET", "/", "").signedBy(ann, documentsSigning, "us-east-1", now.Add(-4*time.Minute))
	w.must(service, trade, trading(almost))
}

// TestPassedRole: a service learns whether its user may pass it a role, assumes
// the role, and acts for it without a word of itself.
func TestPassedRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.key()
	service := w.documentsService()
	role := w.newRole(owner, "Passed", `{"Service":"`+documentsName+`"}`, `"kms:Encrypt"`)
	for name, test := range map[string]struct {
		actions string
		want    fault.Code
	}{"ann": {`"iam:PassRole"`, ""}, "bob": {`"kms:*"`, fault.AccessDenied}} {
		in := trading(request(w.userWith(name, test.actions)))
		in.PassRoleARN = optional.Some(role)
		if test.want != "" {
			w.refused(service, "sts:CreateForwardAccessSession", in, test.want)
		} else {
			w.must(service, "sts:CreateForwardAccessSession", in)
		}
	}
	worker := w.assume(service, assuming(role))
	through := w.forward(request(worker))
	_, from := w.records(1)
	w.must(through, "kms:Encrypt", encrypting(key))
	records, _ := w.records(from)
	r := decoded(t, records[0])
	if _, said := r.UserIdentity["invokedBy"]; said || r.UserIdentity["type"] != "AssumedRole" || through.Caller.Via == nil {
		t.Errorf("the record is %s", records[0].Record)
	}
}

// TestOverTheWire: the operations as clients call them, through signature, form
// and XML.
func TestOverTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	settings := &common{Region: "us-east-1"}
	if err := settings.check(); err != nil {
		t.Fatal(err)
	}
	edge := w.server.gateway(settings)
	ann := w.newUser(owner, "ann")
	role := w.newRole(owner, "Worker", ofUser("ann"), `"kms:*"`)
	call := func(as *authz.Credential, form url.Values) message.Response {
		form.Set("Version", "2011-06-15")
		r := newRequest("POST", "/", form.Encode()).with("content-type", "application/x-www-form-urlencoded")
		return edge.Handle(t.Context(), r.signedBy(as, "sts", "us-east-1", time.Now()).message())
	}
	answer := call(ann, url.Values{
		"Action": {"AssumeRole"}, "RoleArn": {role}, "RoleSessionName": {"job-1"}, "Tags.member.1.Key": {"a"}, "Tags.member.1.Value": {"b"},
		"TransitiveTagKeys.member.1": {"a"}, "PolicyArns": {""},
	})
	worker := w.presented(t, answer)
	if value, _ := worker.Caller.Tags.Get("a"); value != "b" || !slices.Equal(worker.Caller.Transitive, []string{"a"}) {
		t.Errorf("the session has the tags %v", worker.Caller.Tags)
	}
	if r := call(worker, url.Values{"Action": {"GetCallerIdentity"}}); r.Status != 200 || !bytes.Contains(r.Body, []byte("<Arn>arn:aws:sts::"+owner+":assumed-role/Worker/job-1</Arn>")) {
		t.Errorf("status %d: %s", r.Status, r.Body)
	}
	if r := call(ann, url.Values{"Action": {"AssumeRole"}, "RoleArn": {role + "x"}, "RoleSessionName": {"job-1"}}); r.Status != 403 || !bytes.Contains(r.Body, []byte("<Code>AccessDenied</Code>")) {
		t.Errorf("status %d: %s", r.Status, r.Body)
	}
	altered := *worker
	altered.Token = worker.Token[1:]
	_, from := w.records(1)
	if r := call(&altered, url.Values{"Action": {"GetCallerIdentity"}}); r.Status != 403 || !bytes.Contains(r.Body, []byte("<Code>InvalidClientTokenId</Code>")) {
		t.Errorf("status %d: %s", r.Status, r.Body)
	}
	if records, _ := w.records(from); len(records) != 0 {
		t.Errorf("a stranger left %d records", len(records))
	}

	form := url.Values{"Action": {"CreateForwardAccessSession"}}
	asked := request(ann)
	form.Set("Method", asked.method)
	form.Set("Uri", asked.uri)
	form.Set("BodySha256", asked.hash())
	for i, f := range asked.header {
		at := "Headers.member." + string(rune('1'+i))
		form.Set(at+".Name", strings.ToUpper(f.Name))
		form.Set(at+".Value", f.Value)
	}
	through := w.presented(t, call(w.documentsService(), form))
	if through.Caller.Via == nil || through.Caller.Principal.ARN != ann.Caller.Principal.ARN {
		t.Errorf("the session is %+v", through.Caller.Principal)
	}
}

// presented reads credentials out of an answer and presents them.
func (w *world) presented(t *testing.T, r message.Response) *authz.Credential {
	t.Helper()
	between := func(name string) string {
		_, rest, _ := strings.Cut(string(r.Body), "<"+name+">")
		value, _, found := strings.Cut(rest, "</"+name+">")
		if !found {
			t.Fatalf("status %d, without %s: %s", r.Status, name, r.Body)
		}
		return value
	}
	c, err := w.server.iam.Credential(t.Context(), between("AccessKeyId"), between("SessionToken"))
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Secret.Reveal(reveal.Token{})) != between("SecretAccessKey") {
		t.Error("the answer has another secret")
	}
	return c
}
