package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// TestSimulatedPolicies asks the public simulator of IAM and the operator's commands
// about the same user and key, with the server running and stopped.
func TestSimulatedPolicies(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--init", "--account", bank}, rootEnv...)
	root := p.root()
	clerk := "arn:aws:iam::" + bank + ":user/clerk"
	p.user(root, "clerk", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:app":"shop"}}}]}`)
	key := *must[*kms.CreateKeyOutput](t)(root.kms.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.Arn

	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &clerk, ActionNames: []string{"kms:Decrypt", "kms:Encrypt"}, ResourceArns: []string{key}}
	got := must[*iam.SimulatePrincipalPolicyOutput](t)(root.iam.SimulatePrincipalPolicy(ctx, in))
	if r := got.EvaluationResults; len(r) != 2 || r[0].EvalDecision != iamtypes.PolicyEvaluationDecisionTypeImplicitDeny ||
		fmt.Sprint(r[0].ResourceSpecificResults[0].MissingContextValues) != "[kms:EncryptionContext:app]" {
		t.Errorf("without a context: %+v", r)
	}
	in.ContextEntries = []iamtypes.ContextEntry{{
		ContextKeyName: aws.String("kms:EncryptionContext:app"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{"shop"},
	}}
	got = must[*iam.SimulatePrincipalPolicyOutput](t)(root.iam.SimulatePrincipalPolicy(ctx, in))
	if r := got.EvaluationResults; r[0].EvalDecision != iamtypes.PolicyEvaluationDecisionTypeAllowed || len(r[0].MatchedStatements) != 1 ||
		*r[0].MatchedStatements[0].SourcePolicyId != "user_clerk_own" || r[1].EvalDecision != iamtypes.PolicyEvaluationDecisionTypeImplicitDeny {
		t.Errorf("with a context: %+v", r)
	}
	names := must[*iam.GetContextKeysForPrincipalPolicyOutput](t)(root.iam.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: &clerk}))
	if fmt.Sprint(names.ContextKeyNames) != "[kms:EncryptionContext:app]" {
		t.Errorf("the keys are %v", names.ContextKeyNames)
	}
	_, err := root.iam.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String("arn:aws:iam::" + bank + ":root"), ActionNames: in.ActionNames})
	refused(t, err, "InvalidInput", "Invalid Entity Arn: arn:aws:iam::"+bank+":root does not clearly define entity type and name.")

	ask := func(state string) {
		t.Helper()
		line := []string{"policy", "simulate", "--data", dir, "--principal", clerk, "--action", "kms:Decrypt", "--resource", key, "--context", "kms:EncryptionContext:app=shop"}
		if out, errs, code := command(t, line); code != 0 || !strings.Contains(out, "allowed by statement 1 of own") {
			t.Errorf("%s: %s%s", state, out, errs)
		}
		out, errs, code := command(t, []string{"policy", "who-can", "--data", dir, "--json", "kms:Decrypt", key})
		var answer struct {
			Holders []struct {
				Principal string
				If        []string
			}
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil || code != 0 || len(answer.Holders) != 2 || answer.Holders[1].Principal != clerk || len(answer.Holders[1].If) != 1 {
			t.Errorf("%s: %v %s%s", state, err, out, errs)
		}
	}
	ask("running")
	if code := p.stop(); code != 0 {
		t.Fatalf("the server ended with %d", code)
	}
	ask("stopped")

	file := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(file, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, code := command(t, []string{"policy", "lint", file}); code != 1 || !strings.HasPrefix(out, file+":1:55: danger: any-key: ") {
		t.Errorf("lint ended with %d and printed %s", code, out)
	}
}
