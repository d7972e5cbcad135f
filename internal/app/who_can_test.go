package app

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/policies"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// TestWhoCanIsExact compares who could with what is answered, under key policies
// put together at random: whoever is allowed in some request is listed, and whoever
// is listed without a condition is allowed in every one. Simulations, in their turn,
// are compared with calls.
func TestWhoCanIsExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.caller(owner)
	users := []string{"ann", "bob", "carol"}
	for i, name := range users {
		w.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some(name), Tags: []iam.Tag{{Key: optional.Some("team"), Value: optional.Some([]string{"red", "blue", "blue"}[i])}}})
	}
	w.must(root, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: optional.Some("bob"), PolicyName: optional.Some("own"), PolicyDocument: optional.Some(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
		{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:app":"shop"}}}]}`)})
	w.must(root, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: optional.Some("ann"), PolicyName: optional.Some("own"), PolicyDocument: optional.Some(sampleDocument)})
	credentials := map[string]*authz.Credential{}
	for _, name := range users {
		made := w.must(root, "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: optional.Some(name)})
		credentials[name] = w.caller(made.(*iam.CreateAccessKeyOutput).AccessKey.AccessKeyID)
	}
	id := w.key()
	key := "arn:aws:kms:us-east-1:" + owner + ":key/" + id

	var requests [][]string // every way to fill the keys that conditions are on
	for _, app := range []string{"", "kms:EncryptionContext:app=shop", "kms:EncryptionContext:app=other"} {
		for _, source := range []string{"", "aws:SourceIp=192.0.2.7", "aws:SourceIp=198.51.100.7"} {
			for _, factor := range []string{"", "aws:MultiFactorAuthPresent=true", "aws:MultiFactorAuthPresent=false"} {
				requests = append(requests, strings.Fields(app+" "+source+" "+factor))
			}
		}
	}
	principals := []string{`"*"`, `{"AWS":"` + owner + `"}`, `{"AWS":"arn:aws:iam::` + owner + `:user/ann"}`, `{"AWS":["arn:aws:iam::` + owner + `:user/bob","arn:aws:iam::` + owner + `:user/carol"]}`}
	conditions := []string{
		`{}`, `{"StringEquals":{"kms:EncryptionContext:app":"shop"}}`, `{"StringNotEquals":{"kms:EncryptionContext:app":"shop"}}`, `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`,
		`{"StringEquals":{"aws:PrincipalTag/team":"red"}}`, `{"Null":{"aws:SourceIp":"true"}}`, `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`,
		`{"StringEquals":{"kms:EncryptionContext:app":"shop","aws:PrincipalTag/team":"blue"}}`, `{"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}}`,
	}
	random := rand.New(rand.NewPCG(1, 2))
	sure, could, compared := 0, 0, 0
	for range 60 {
		statements := []string{`{"Sid":"Admin","Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"kms:PutKeyPolicy","Resource":"*"}`}
		for range 1 + random.IntN(3) {
			effect := []string{"Allow", "Allow", "Deny"}[random.IntN(3)]
			statements = append(statements, fmt.Sprintf(`{"Effect":"%s","Principal":%s,"Action":"kms:Encrypt","Resource":"*","Condition":%s}`,
				effect, principals[random.IntN(len(principals))], conditions[random.IntN(len(conditions))]))
		}
		document := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		w.must(root, "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: optional.Some(id), Policy: optional.Some(document)})
		listed := map[string]policies.Holder{}
		for _, h := range operated[policies.WhoCanOutput](t, w, "WhoCan", policies.WhoCanInput{Action: "kms:Encrypt", Resource: key}).Holders {
			listed[h.Principal] = h
		}
		for _, name := range users {
			arn := "arn:aws:iam::" + owner + ":user/" + name
			h, isListed := listed[arn]
			certain := isListed && len(h.If) == 0 && len(h.Unless) == 0
			for _, request := range requests {
				allowed := operated[policies.SimulatePoliciesOutput](t, w, "SimulatePolicies", policies.SimulatePoliciesInput{Principal: arn, Action: "kms:Encrypt", Resource: key, Context: request}).Allowed
				if len(request) == 0 || len(request) == 1 && strings.HasPrefix(request[0], "kms:") {
					compared++
					if called := w.encrypts(credentials[name], id, request); called != allowed {
						t.Errorf("%s\n%s with %v: simulated as %v, called: %v", document, name, request, allowed, called)
					}
				}
				if allowed && !isListed || certain && !allowed {
					t.Errorf("%s\n%s with %v: allowed is %v, listed as %+v", document, name, request, allowed, h)
				}
			}
			if certain {
				sure++
			} else if isListed {
				could++
			}
		}
	}
	if sure < 10 || could < 30 || compared != 60*3*3 {
		t.Errorf("%d were certain, %d possible, %d compared", sure, could, compared)
	}
}

// encrypts reports whether somebody may encrypt under a context of one pair, or none.
func (w *world) encrypts(as *authz.Credential, id string, request []string) bool {
	w.t.Helper()
	in := &kms.EncryptInput{KeyID: optional.Some(id), Plaintext: canary()}
	if len(request) == 1 {
		_, value, _ := strings.Cut(request[0], "=")
		in.EncryptionContext = pairs.Of(map[string]string{"app": value})
	}
	_, err := w.call(as, "kms:Encrypt", in)
	if err != nil && !fault.Is(err, fault.AccessDenied) {
		w.t.Fatal(err)
	}
	return err == nil
}

// operated makes a call of the operator's that must succeed.
func operated[Out, In any](t *testing.T, w *world, name string, in In) *Out {
	t.Helper()
	out, err := w.server.operate(t.Context(), name, func(to any) { *to.(*In) = in })
	if err != nil {
		t.Fatalf("%s: %v", name, fault.From(err))
	}
	return out.(*Out)
}
