package e2e

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// with returns a client with temporary credentials.
func (p *process) with(c *types.Credentials) *client {
	made := p.signing("us-east-1", credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
	made.id = *c.AccessKeyId
	return made
}

// TestTokens: sessions of a role and of a federated user with the official SDK, and
// why one of them was refused: by message, and as the operator's command tells,
// while the server runs and once it has stopped.
func TestTokens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--init", "--account", rootAccount}, rootEnv...)
	ctx, root := t.Context(), p.root()
	ann := p.user(root, "ann", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:*","sts:*"],"Resource":"*"}}`)
	role := must[*iam.CreateRoleOutput](t)(root.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: ptr("Worker"), AssumeRolePolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootAccount + `"},"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"sts:ExternalId":"e-1"}}}]}`)})).Role
	must[*iam.PutRolePolicyOutput](t)(root.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role.RoleName, PolicyName: ptr("own"), PolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":{"Sid":"Team","Effect":"Allow","Action":"kms:ListKeys","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}}`)}))
	assume := func(team string) *sts.AssumeRoleInput {
		return &sts.AssumeRoleInput{
			RoleArn: role.Arn, RoleSessionName: ptr("job-1"), ExternalId: ptr("e-1"),
			Tags: []types.Tag{{Key: ptr("team"), Value: &team}}, MinimumSessionTokenSize: ptr(int32(2000)),
		}
	}
	_, err := ann.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: ptr("job-1")})
	refused(t, err, "AccessDenied", "User: arn:aws:iam::"+rootAccount+":user/ann is not authorized to perform: sts:AssumeRole on resource: "+*role.Arn)
	red := must[*sts.AssumeRoleOutput](t)(ann.sts.AssumeRole(ctx, assume("red")))
	if n := len(*red.Credentials.SessionToken); n < 2000 || n > 2001 || *red.SessionTokenSize != int32(n) || *red.SessionTokenUtilization != 49 || *red.PackedPolicySize != 49 {
		t.Errorf("a token of %d characters: %d, %d %%, %d %%", n, *red.SessionTokenSize, *red.SessionTokenUtilization, *red.PackedPolicySize)
	}
	must[*kms.ListKeysOutput](t)(p.with(red.Credentials).kms.ListKeys(ctx, nil))

	blue := p.with(must[*sts.AssumeRoleOutput](t)(ann.sts.AssumeRole(ctx, assume("blue"))).Credentials)
	_, err = blue.kms.ListKeys(ctx, nil)
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) {
		t.Fatal(err)
	}
	message := answer.HTTPResponse().Header.Get("X-Claviger-Authorization-Message")
	decoded := must[*sts.DecodeAuthorizationMessageOutput](t)(ann.sts.DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &message}))
	var said struct {
		Allowed bool
		Context struct {
			Principal  struct{ ID string }
			Action     string
			Conditions struct {
				Items []struct {
					Key    string
					Values struct{ Items []struct{ Value string } }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(*decoded.DecodedMessage), &said); err != nil {
		t.Fatal(err)
	}
	if c := said.Context; said.Allowed || c.Action != "kms:ListKeys" || c.Principal.ID != *role.RoleId+":job-1" || len(c.Conditions.Items) != 1 || c.Conditions.Items[0].Values.Items[0].Value != "blue" {
		t.Errorf("decoded %s", *decoded.DecodedMessage)
	}

	user := must[*sts.GetFederationTokenOutput](t)(ann.sts.GetFederationToken(ctx, &sts.GetFederationTokenInput{
		Name: ptr("bob"), Policy: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*"}}`),
	}))
	bob := p.with(user.Credentials)
	must[*kms.ListKeysOutput](t)(bob.kms.ListKeys(ctx, nil))
	_, err = bob.kms.ListAliases(ctx, nil)
	refused(t, err, "AccessDeniedException", "User: arn:aws:sts::"+rootAccount+":federated-user/bob is not authorized to perform: kms:ListAliases on resource: * because no session policy allows the kms:ListAliases action")
	if who := must[*sts.GetCallerIdentityOutput](t)(bob.sts.GetCallerIdentity(ctx, nil)); *who.UserId != rootAccount+":bob" || *who.Arn != *user.FederatedUser.Arn {
		t.Errorf("it is %s, %s", *who.UserId, *who.Arn)
	}
	if info := must[*sts.GetAccessKeyInfoOutput](t)(ann.sts.GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &ann.id})); *info.Account != rootAccount {
		t.Errorf("the access key is of account %s", *info.Account)
	}

	explain := func() {
		t.Helper()
		out, errs, code := command(t, []string{"explain", answer.ServiceRequestID(), "--data", dir})
		for _, want := range []string{"refused: AccessDenied: ", "statement 1 (Team) of own: Allow, does not match by its condition", `aws:PrincipalTag/team: policy has "red", request has "blue"`} {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("exit code %d, without %q: %s%s", code, want, out, errs)
			}
		}
	}
	explain()
	p.stop()
	explain()
}
