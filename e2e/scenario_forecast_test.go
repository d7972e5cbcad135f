package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const forecast = "forecast.amazonaws.com"

// A predictor is the cast of a service that works by a passed role.
type predictor struct {
	*stage
	key               string
	analyst           *caller
	passed            string // role
	service           *service
	session, asRole   *caller
	statement         string // of the key policy, for the role
	grant, grant2     string
	artifact, dataset []byte
}

const passedActions = "kms:DescribeKey kms:CreateGrant kms:RetireGrant"

func newPredictor(t *testing.T) *predictor {
	t.Helper()
	p := &predictor{stage: newStage(t)}
	p.service = p.register(forecast, kmsActions, "--grants-beyond-user")
	p.analyst = p.newUser(p.owner, "analyst", "")
	p.passed = p.newRole(p.owner, "ROLE_PASSED_TO_FORECAST", trusts(forecast), identityPolicy("kms:RetireGrant"))
	p.allowPassing("analyst")
	p.statement = statement(p.passed, passedActions, viaForecast(region, house))
	p.key = p.newKey(statement(p.analyst.arn, "kms:Decrypt kms:GenerateDataKey", ""), p.statement)
	p.session = p.assume(p.service.caller, p.passed, "forecast")
	p.asRole = p.throughIssuer(p.session)
	return p
}

// throughIssuer is a session of the passed role through the service that assumed
// it: its records do not name the service.
func (p *predictor) throughIssuer(session *caller) *caller {
	p.t.Helper()
	c := p.through(session, p.service)
	c.invokedBy = ""
	return c
}

func (p *predictor) allowPassing(user string) {
	p.t.Helper()
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"` + p.passed + `","Condition":{"StringEquals":{"iam:PassedToService":"` + forecast + `"}}}]}`
	must[*iam.PutUserPolicyOutput](p.t)(p.owner.iam.PutUserPolicy(p.t.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: ptr("pass"), PolicyDocument: &document}))
}

func viaForecast(region, account string) string {
	return `{"kms:ViaService":"forecast.` + region + `.amazonaws.com","kms:CallerAccount":"` + account + `"}`
}

// working is the grant of the service.
func (p *predictor) working() granting {
	return granting{key: p.key, to: forecast, ops: "Decrypt GenerateDataKey", id: &p.grant}
}

// asks is what the service tries in its user's name, without doing it.
func (p *predictor) asks(of *[]byte) call {
	return func(ctx context.Context, by *caller) error {
		if of != nil {
			_, err := by.kms.Decrypt(ctx, &kms.DecryptInput{KeyId: &p.key, CiphertextBlob: *of, DryRun: ptr(true)})
			return err
		}
		_, err := by.kms.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &p.key, KeySpec: types.DataKeySpecAes256, DryRun: ptr(true)})
		return err
	}
}

// TestScenarioForecast is the life of a grant that a passed role makes for a
// service, and who may not do the same.
func TestScenarioForecast(t *testing.T) {
	t.Parallel()
	p := newPredictor(t)
	half := p.newUser(p.owner, "half", "")
	visitor := p.newUser(p.owner, "visitor", "")
	bare := p.newRole(p.owner, "Bare", trusts(forecast), "")
	p.play("policy", allowed, p.owner, putKeyPolicy(p.key,
		statement(p.analyst.arn, "kms:Decrypt kms:GenerateDataKey", ""), statement(half.arn, "kms:Decrypt", ""), p.statement,
		statement(bare, passedActions, viaForecast(region, house))))
	viaAnalyst, viaHalf := p.through(p.analyst, p.service), p.through(half, p.service)

	// A role of the same name in another account, which the key policy lets in as
	// far as its conditions do.
	foreign := p.rootOf(partner)
	foreignRole := p.newRole(foreign, "ROLE_PASSED_TO_FORECAST", trusts(forecast), identityPolicy("kms:*"))
	asForeign := p.throughIssuer(p.assume(p.service.caller, foreignRole, "forecast"))
	shared := p.newKey(statement(foreignRole, passedActions, viaForecast(region, house)))

	pass := func(who *caller) call {
		return func(context.Context, *caller) error {
			form := p.ask(who, "forecast", time.Now()).form()
			form.Set("PassRoleArn", p.passed)
			_, err := p.trade(p.service.caller, form)
			return err
		}
	}
	p.play("pass", allowed, p.service.caller, pass(p.analyst))
	p.play("pass, visitor", denied, p.service.caller, pass(visitor))
	p.play("B1, the blob", allowed, p.owner, dataKey(p.key, nil, &p.dataset))
	p.play("B1, GenerateDataKey", "DryRunOperationException", viaAnalyst, p.asks(nil))
	p.play("B1, Decrypt", "DryRunOperationException", viaAnalyst, p.asks(&p.dataset))
	p.play("B2", denied, viaHalf, p.asks(nil))
	p.play("B2, Decrypt", "DryRunOperationException", viaHalf, p.asks(&p.dataset))
	p.play("B3", allowed, p.asRole, describe(p.key))
	p.play("B4", denied, p.session, describe(p.key))
	p.play("B5", allowed, p.asRole, p.working().call)
	p.play("B6", denied, asForeign, granting{key: shared, to: forecast, ops: "Decrypt GenerateDataKey"}.call)
	p.play("B7", allowed, p.service.caller, dataKey(p.key, nil, &p.artifact))
	p.play("B7, later", allowed, p.service.caller, decrypt(p.key, &p.artifact, nil, 32))
	p.play("B8", denied, p.service.caller, encrypt(p.key, nil))
	p.play("B13", allowed, p.throughIssuer(p.assume(p.service.caller, bare, "forecast")), granting{key: p.key, to: forecast, ops: "Decrypt", id: &p.grant2}.call)
	p.play("B13, retired by the key policy alone", denied, p.throughIssuer(p.assume(p.service.caller, bare, "forecast")), retire(p.key, &p.grant2))
	p.play("B13, revoked", allowed, p.owner, revoke(p.key, &p.grant2))
	p.play("B9", allowed, p.asRole, retire(p.key, &p.grant))
	p.play("B10", denied, p.service.caller, decrypt(p.key, &p.artifact, nil, 32))
	p.play("B11, granted", allowed, p.asRole, p.working().call)
	p.play("B11, used", allowed, p.service.caller, decrypt(p.key, &p.artifact, nil, 32))
	p.play("B11", allowed, p.owner, revoke(p.key, &p.grant))
	p.play("B11, after", denied, p.service.caller, decrypt(p.key, &p.artifact, nil, 32))
	p.play("B12, taken away", allowed, p.owner, putKeyPolicy(p.key, statement(p.passed, "kms:DescribeKey kms:RetireGrant", viaForecast(region, house))))
	p.play("B12, DescribeKey", allowed, p.asRole, describe(p.key))
	p.play("B12", denied, p.asRole, p.working().call)
	p.play("none left", allowed, p.owner, lists(p.key))
	p.checkTrail(t, 28)
}
