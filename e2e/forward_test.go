package e2e

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A forwarding is a service that may act for users, and a user for whom it does.
type forwarding struct {
	*stage
	service, other *service
	user           *caller
	key            string
}

func newForwarding(t *testing.T) *forwarding {
	t.Helper()
	f := &forwarding{stage: newStage(t)}
	f.service, f.other = f.register(rds, kmsActions), f.register(ec2, kmsActions)
	f.user = f.newUser(f.owner, "ann", identityPolicy("kms:* iam:* sts:*"))
	f.key = f.newKey()
	return f
}

// trades shows evidence, which may have been changed on the way.
func (f *forwarding) trades(e *evidence, change func(url.Values)) call {
	return func(_ context.Context, by *caller) error {
		form := e.form()
		if change != nil {
			change(form)
		}
		_, err := f.trade(by, form)
		return err
	}
}

// TestForwardAccessIsNotAbused: whatever is not a user's own fresh request to the
// very service that shows it is refused, and the refusal is recorded.
func TestForwardAccessIsNotAbused(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	good := f.ask(f.user, "rds", time.Now())
	f.play("good", allowed, f.service.caller, f.trades(good, nil))
	f.play("again", allowed, f.service.caller, f.trades(good, nil))

	f.play("by another service", denied, f.other.caller, f.trades(good, nil))
	f.play("for another service", denied, f.service.caller, f.trades(f.ask(f.user, "ec2", time.Now()), nil))
	for _, own := range []string{"kms", "iam", "sts"} {
		f.play("for "+own, denied, f.service.caller, f.trades(f.ask(f.user, own, time.Now()), nil))
	}
	f.play("by a user", denied, f.user, f.trades(good, nil))
	f.play("by the root user", denied, f.owner, f.trades(good, nil))
	f.play("of a service", denied, f.service.caller, f.trades(f.ask(f.other.caller, "rds", time.Now()), nil))
	f.play("of the service itself", denied, f.service.caller, f.trades(f.ask(f.service.caller, "rds", time.Now()), nil))
	f.play("expired, or replayed after expiry", denied, f.service.caller, f.trades(f.ask(f.user, "rds", before()), nil))
	f.play("from the future", denied, f.service.caller, f.trades(f.ask(f.user, "rds", time.Now().Add(20*time.Minute)), nil))

	for name, change := range map[string]func(url.Values){
		"method": func(form url.Values) { form.Set("Method", "GET") },
		"path":   func(form url.Values) { form.Set("Uri", "/other") },
		"query":  func(form url.Values) { form.Set("Uri", "/?more=1") },
		"body":   func(form url.Values) { form.Set("BodySha256", strings.Repeat("0", 64)) },
		"header": func(form url.Values) { setHeader(form, "Content-Type", "text/plain") },
		"host":   func(form url.Values) { setHeader(form, "Host", "rds.eu-west-1.amazonaws.com") },
		"date": func(form url.Values) {
			setHeader(form, "X-Amz-Date", time.Now().Add(-time.Minute).UTC().Format("20060102T150405Z"))
		},
		"signature": func(form url.Values) { setHeader(form, "Authorization", flipped(form)) },
		"key":       func(form url.Values) { setHeader(form, "Authorization", keyed(form, "AKIAAAAAAAAAAAAAAAAA")) },
	} {
		f.play("altered "+name, denied, f.service.caller, f.trades(good, change))
	}
	f.play("presigned", denied, f.service.caller, f.trades(f.presigned(), nil))

	via := f.through(f.user, f.service)
	f.play("chained", denied, f.service.caller, f.trades(f.ask(via, "rds", time.Now()), nil))
	f.play("chained, through another", denied, f.other.caller, f.trades(f.ask(via, "ec2", time.Now()), nil))
	f.play("itself a trade", denied, via, f.trades(good, nil))
	f.play("for no time", "ValidationError", f.service.caller, f.trades(good, func(form url.Values) { form.Set("DurationSeconds", "0") }))
	f.play("for too long", "ValidationError", f.service.caller, f.trades(good, func(form url.Values) { form.Set("DurationSeconds", "301") }))
	trail := f.checkTrail(t, 28)
	holds(t, "by another service", f.record(t, trail, "by another service"), object{
		"eventSource": "sts.amazonaws.com", "eventName": "CreateForwardAccessSession", "errorCode": "AccessDenied",
		"userIdentity": exactly{"type": "AWSService", "invokedBy": ec2}, "responseElements": nil,
	})
	signature := good.header.Get("Authorization")
	if _, signature, _ = strings.Cut(signature, "Signature="); signature == "" || strings.Contains(f.everything(), signature) {
		t.Errorf("the trail shows the signature %q of a user's request", signature)
	}
}

// setHeader changes a field of the evidence.
func setHeader(form url.Values, name, value string) {
	for key, v := range form {
		if strings.HasSuffix(key, ".Name") && v[0] == name {
			form.Set(strings.TrimSuffix(key, ".Name")+".Value", value)
		}
	}
}

func header(form url.Values, name string) string {
	for key, v := range form {
		if strings.HasSuffix(key, ".Name") && v[0] == name {
			return form.Get(strings.TrimSuffix(key, ".Name") + ".Value")
		}
	}
	return ""
}

// flipped is the authorization with one digit of the signature changed.
func flipped(form url.Values) string {
	text := header(form, "Authorization")
	last := byte('0')
	if text[len(text)-1] == last {
		last = '1'
	}
	return text[:len(text)-1] + string(last)
}

// keyed is the authorization with another access key id.
func keyed(form url.Values, id string) string {
	text := header(form, "Authorization")
	before, rest, _ := strings.Cut(text, "Credential=")
	_, rest, _ = strings.Cut(rest, "/")
	return before + "Credential=" + id + "/" + rest
}

// presigned is a request whose signature stands in the query.
func (f *forwarding) presigned() *evidence {
	f.t.Helper()
	host := "rds." + region + ".amazonaws.com"
	r := must[*http.Request](f.t)(http.NewRequest(http.MethodGet, "https://"+host+"/?Action=Create&X-Amz-Expires=300", nil))
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	signed, _, err := v4.NewSigner().PresignHTTP(f.t.Context(), f.user.credentials, r, empty, "rds", region, time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	u := must[*url.URL](f.t)(url.Parse(signed))
	return &evidence{method: r.Method, uri: u.RequestURI(), sum: empty, header: http.Header{"Host": {host}}}
}

// TestForwardAccessIsLimited: what a service gets for a user's request is for the
// actions that the operator registered, and never for identities.
func TestForwardAccessIsLimited(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	via := f.through(f.user, f.service)
	role := f.newRole(f.owner, "role", trusts("arn:aws:iam::"+house+":root"), "")
	f.play("registered", allowed, via, describe(f.key))
	f.play("itself", allowed, f.user, encrypt(f.key, nil))
	f.play("not registered", denied, via, encrypt(f.key, nil))
	f.play("not registered, disabling", denied, via, disable(f.key))
	for row, do := range map[string]call{
		"iam:GetUser": func(ctx context.Context, by *caller) error {
			_, err := by.iam.GetUser(ctx, &iam.GetUserInput{})
			return err
		},
		"iam:CreateAccessKey": func(ctx context.Context, by *caller) error {
			_, err := by.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{})
			return err
		},
		"iam:PutUserPolicy": func(ctx context.Context, by *caller) error {
			_, err := by.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: ptr("ann"), PolicyName: ptr("p"), PolicyDocument: ptr(identityPolicy("kms:*"))})
			return err
		},
		"sts:AssumeRole": func(ctx context.Context, by *caller) error {
			_, err := by.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: ptr("session")})
			return err
		},
		"sts:GetSessionToken": func(ctx context.Context, by *caller) error {
			_, err := by.sts.GetSessionToken(ctx, &sts.GetSessionTokenInput{})
			return err
		},
		"sts:GetCallerIdentity": func(ctx context.Context, by *caller) error {
			_, err := by.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		},
	} {
		f.play(row, denied, via, do)
	}
	f.play("for a resource", denied, via, describe(f.key, forAccount(house)))
	f.checkTrail(t, 11)
}

// TestForwardAccessEnds: it ends with everything that it rests on, at once, and
// the call that comes too late is recorded.
func TestForwardAccessEnds(t *testing.T) {
	t.Parallel()
	const invalid, unknown = "UnrecognizedClientException", "InvalidClientTokenId"
	for name, test := range map[string]struct {
		end     func(*forwarding) call
		use     string // how a call ends then
		another string // how the trade of evidence signed before ends then
	}{
		"access key": {func(f *forwarding) call {
			return func(ctx context.Context, by *caller) error {
				_, err := by.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: ptr("ann"), AccessKeyId: &f.user.credentials.AccessKeyID, Status: types.StatusTypeInactive})
				return err
			}
		}, invalid, denied},
		"access key deleted": {func(f *forwarding) call {
			return func(ctx context.Context, by *caller) error {
				_, err := by.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ptr("ann"), AccessKeyId: &f.user.credentials.AccessKeyID})
				return err
			}
		}, invalid, denied},
		"policy": {func(*forwarding) call {
			return func(ctx context.Context, by *caller) error {
				_, err := by.iam.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: ptr("ann"), PolicyName: ptr("own")})
				return err
			}
		}, denied, allowed},
		"service": {func(f *forwarding) call {
			return func(context.Context, *caller) error {
				f.disable(rds)
				return nil
			}
		}, invalid, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForwarding(t)
			via, e := f.through(f.user, f.service), f.ask(f.user, "rds", time.Now())
			f.play("before", allowed, via, describe(f.key))
			if err := test.end(f)(t.Context(), f.owner); err != nil {
				t.Fatal(err)
			}
			f.play("after", test.use, via, describe(f.key))
			late := f.played[len(f.played)-1]
			f.play("another trade", test.another, f.service.caller, f.trades(e, nil))
			if test.another == unknown { // nobody's key any more: such a call has no author
				f.played = f.played[:len(f.played)-1]
			}
			f.play("the owner", allowed, f.owner, describe(f.key))
			trail := f.checkTrail(t, len(f.played))
			if len(trail[late.id]) != 1 {
				t.Errorf("the call that came too late left %d records", len(trail[late.id]))
			}
		})
	}
}

// disable ends a service principal.
func (s *stage) disable(name string) {
	s.t.Helper()
	if _, errs, code := command(s.t, []string{"service-principal", "disable", name, "--socket", s.admin}); code != 0 {
		s.t.Fatalf("service-principal disable ended with %d: %s", code, errs)
	}
}

// TestForwardAccessOfSession: a user's session lends itself as the user does, and
// what came of it ends with the role.
func TestForwardAccessOfSession(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	role := f.newRole(f.owner, "worker", trusts("arn:aws:iam::"+house+":root"), identityPolicy("kms:*"))
	via := f.through(f.assume(f.user, role, "session"), f.service)
	f.play("before", allowed, via, describe(f.key))
	must[*iam.DeleteRolePolicyOutput](t)(f.owner.iam.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: ptr("worker"), PolicyName: ptr("own")}))
	f.play("without the policy", denied, via, describe(f.key))
	must[*iam.DeleteRoleOutput](t)(f.owner.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: ptr("worker")}))
	f.play("without the role", "UnrecognizedClientException", via, describe(f.key))
	f.checkTrail(t, 3)
}

// TestSourceIsForServices: who is no service can't say for whose resource it calls.
func TestSourceIsForServices(t *testing.T) {
	t.Parallel()
	f := newForwarding(t)
	f.play("a user", denied, f.user, describe(f.key, forAccount(house)))
	f.play("through a service", denied, f.through(f.user, f.service), describe(f.key, forAccount(house)))
	f.play("a service", denied, f.service.caller, func(ctx context.Context, by *caller) error {
		_, err := by.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &f.key}, forAccount(house))
		return err
	})
	must[struct{}](t)(struct{}{}, putKeyPolicy(f.key, statement(rds, "kms:DescribeKey", `{"aws:SourceAccount":"`+house+`"}`))(t.Context(), f.owner))
	f.play("a service with permission", allowed, f.service.caller, describe(f.key, forAccount(house)))
	f.play("for another account", denied, f.service.caller, describe(f.key, forAccount(partner)))
	f.checkTrail(t, 5)
}
