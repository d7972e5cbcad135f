package iam_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// TestSimulatePrincipalPolicy has the answer that AWS was recorded to give to a
// call like this, with the places of statements in the document.
func TestSimulatePrincipalPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const document = `{"Version": "2012-10-17", "Statement": {"Sid": "", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}`
	w.createUser("ann")
	w.put("ann", "p", document)
	w.createRole("r")
	do[operation.None](t, w.root(), "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: some("r"), PolicyName: some("p"), PolicyDocument: some(document)})
	for _, of := range []string{"user/ann", "role/r"} {
		out := do[iam.SimulatePolicyOutput](t, w.root(), "SimulatePrincipalPolicy", &iam.SimulatePrincipalPolicyInput{
			PolicySourceARN: some("arn:aws:iam::111122223333:" + of),
			ActionNames:     []string{"s3:PutObject", "s3:GetObjectVersion"},
			ResourceARNs:    []string{"arn:aws:s3:::bucket"},
		})
		name := strings.ReplaceAll(of, "/", "_") + "_p"
		matched := []iam.Statement{{SourcePolicyID: name, SourcePolicyType: "IAM Policy", StartPosition: iam.Position{Line: 1, Column: 41}, EndPosition: iam.Position{Line: 1, Column: 113}}}
		want := &iam.SimulatePolicyOutput{EvaluationResults: []iam.EvaluationResult{{
			EvalActionName: "s3:PutObject", EvalResourceName: "arn:aws:s3:::bucket", EvalDecision: "allowed", EvalDecisionDetails: pairs.Map{},
			MatchedStatements: matched, MissingContextValues: []string{},
			ResourceSpecificResults: []iam.ResourceSpecificResult{{
				EvalResourceName: "arn:aws:s3:::bucket", EvalResourceDecision: "allowed", MatchedStatements: matched, MissingContextValues: []string{},
			}},
		}, {
			EvalActionName: "s3:GetObjectVersion", EvalResourceName: "arn:aws:s3:::bucket", EvalDecision: "implicitDeny", EvalDecisionDetails: pairs.Map{},
			MatchedStatements: []iam.Statement{}, MissingContextValues: []string{},
			ResourceSpecificResults: []iam.ResourceSpecificResult{{
				EvalResourceName: "arn:aws:s3:::bucket", EvalResourceDecision: "implicitDeny", MatchedStatements: []iam.Statement{}, MissingContextValues: []string{},
			}},
		}}}
		if !reflect.DeepEqual(out, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", of, out, want)
		}
	}
}

// simulateOne simulates one action on one resource, "" for none.
func simulateOne(t *testing.T, w *world, in iam.SimulateCustomPolicyInput, action, resource string) iam.EvaluationResult {
	t.Helper()
	in.ActionNames = []string{action}
	if resource != "" {
		in.ResourceARNs = []string{resource}
	}
	return do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", &in).EvaluationResults[0]
}

func entry(key, kind string, values ...string) iam.ContextEntry {
	return iam.ContextEntry{ContextKeyName: some(key), ContextKeyType: some(kind), ContextKeyValues: values}
}

// TestSimulateCustomPolicy walks through what a simulation can be given.
func TestSimulateCustomPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		keyARN   = "arn:aws:kms:us-east-1:111122223333:key/k"
		otherKey = "arn:aws:kms:us-east-1:444455556666:key/k"
		bucket   = "arn:aws:s3:::bucket"
	)
	list := func(documents ...string) []string { return documents }
	condition := func(c string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":` + c + `}}`
	}
	keyPolicy := func(principal string) optional.Of[string] {
		return some(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"kms:*","Resource":"*"}}`)
	}
	ann, bob := some("arn:aws:iam::111122223333:user/ann"), some("arn:aws:iam::444455556666:user/bob")
	all := list(allowAll)
	tests := []struct {
		about    string
		in       iam.SimulateCustomPolicyInput
		resource string
		want     string
		matched  string // ids of the policies
		missing  string
		boundary string
		details  string
	}{
		{about: "allowed", in: iam.SimulateCustomPolicyInput{PolicyInputList: all}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "nothing allows", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(statement("Allow", "s3:*", "*"))}, want: "implicitDeny"},
		{about: "a Deny is the only statement shown", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(allowAll, statement("Deny", "kms:*", "*"))}, want: "explicitDeny", matched: "PolicyInputList.2"},
		{about: "resource", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(statement("Allow", "kms:*", keyARN))}, resource: keyARN, want: "allowed", matched: "PolicyInputList.1"},
		{about: "another resource", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(statement("Allow", "kms:*", keyARN))}, resource: otherKey, want: "implicitDeny"},
		{about: "boundary allows", in: iam.SimulateCustomPolicyInput{PolicyInputList: all, PermissionsBoundaryPolicyInputList: all}, want: "allowed", matched: "PolicyInputList.1", boundary: "true"},
		{about: "boundary says nothing", in: iam.SimulateCustomPolicyInput{PolicyInputList: all, PermissionsBoundaryPolicyInputList: list(statement("Allow", "s3:*", "*"))}, want: "implicitDeny", boundary: "false"},
		{about: "boundary denies", in: iam.SimulateCustomPolicyInput{PolicyInputList: all, PermissionsBoundaryPolicyInputList: list(statement("Deny", "kms:*", "*"))}, want: "explicitDeny", matched: "PermissionsBoundaryPolicyInputList.1", boundary: "false"},
		{about: "context is missing", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"StringEquals":{"kms:ViaService":"x","aws:PrincipalTag/Team":"${aws:username}"}}`))}, want: "implicitDeny", missing: "kms:ViaService aws:PrincipalTag/Team aws:username"},
		{about: "context is there", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"StringEquals":{"kms:ViaService":"x"}}`)), ContextEntries: []iam.ContextEntry{entry("KMS:viaservice", "string", "x")}}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "number", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"NumericLessThan":{"a:n":"10"}}`)), ContextEntries: []iam.ContextEntry{entry("a:nnn", "numeric", "1"), entry("a:n..", "numeric", "2")}}, want: "implicitDeny", missing: "a:n"},
		{about: "numbers", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"ForAllValues:NumericLessThan":{"abc:n":"10"}}`)), ContextEntries: []iam.ContextEntry{entry("abc:n", "numericList", "1", "9.5")}}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "address", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`)), ContextEntries: []iam.ContextEntry{entry("aws:SourceIp", "ip", "192.0.2.7")}}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "date", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}`)), ContextEntries: []iam.ContextEntry{entry("aws:CurrentTime", "date", "2019-04-25T11:00:00Z")}}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "Boolean", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"Bool":{"aws:SecureTransport":"true"}}`)), ContextEntries: []iam.ContextEntry{entry("aws:SecureTransport", "boolean", "false")}}, want: "implicitDeny"},
		{about: "bytes", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"BinaryEquals":{"some:bytes":"AAEC"}}`)), ContextEntries: []iam.ContextEntry{entry("some:bytes", "binary", "AAEC")}}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "a key without values is absent", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"Null":{"aws:TagKeys":"true"}}`)), ContextEntries: []iam.ContextEntry{entry("aws:TagKeys", "stringList")}}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "the name of the caller", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(condition(`{"StringEquals":{"aws:username":"ann"}}`)), CallerARN: ann}, want: "allowed", matched: "PolicyInputList.1"},
		{about: "key policy delegates", in: iam.SimulateCustomPolicyInput{PolicyInputList: all, CallerARN: ann, ResourcePolicy: keyPolicy("111122223333")}, resource: keyARN, want: "allowed", matched: "PolicyInputList.1 ResourcePolicy"},
		{about: "key policy does not", in: iam.SimulateCustomPolicyInput{PolicyInputList: all, CallerARN: ann, ResourcePolicy: keyPolicy("444455556666")}, resource: keyARN, want: "implicitDeny"},
		{about: "key policy names the caller", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(statement("Allow", "s3:*", "*")), CallerARN: ann, ResourcePolicy: keyPolicy(ann.V)}, resource: keyARN, want: "allowed", matched: "ResourcePolicy"},
		{about: "across accounts", in: iam.SimulateCustomPolicyInput{PolicyInputList: all, CallerARN: bob, ResourcePolicy: keyPolicy("444455556666")}, resource: keyARN, want: "allowed", matched: "PolicyInputList.1 ResourcePolicy", details: "IAM Policy=allowed Resource Policy=allowed"},
		{about: "across accounts, one side alone", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(statement("Allow", "s3:*", "*")), CallerARN: bob, ResourcePolicy: keyPolicy(bob.V)}, resource: keyARN, want: "implicitDeny", details: "IAM Policy=implicitDeny Resource Policy=allowed"},
		{about: "another owner", in: iam.SimulateCustomPolicyInput{PolicyInputList: list(statement("Allow", "s3:*", "*")), CallerARN: ann, ResourceOwner: some("arn:aws:iam::444455556666:root"), ResourcePolicy: some(`{"Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}}`)}, resource: bucket, want: "explicitDeny", matched: "ResourcePolicy", details: "IAM Policy=implicitDeny Resource Policy=explicitDeny"},
	}
	for _, tt := range tests {
		got := simulateOne(t, w, tt.in, "kms:Encrypt", tt.resource)
		var ids []string
		for _, s := range got.MatchedStatements {
			ids = append(ids, s.SourcePolicyID)
		}
		missing := got.MissingContextValues
		details := got.EvalDecisionDetails
		if tt.resource != "" {
			if len(got.ResourceSpecificResults) != 1 || len(missing) > 0 || details == nil {
				t.Errorf("%s: %+v", tt.about, got)
				continue
			}
			missing, details = got.ResourceSpecificResults[0].MissingContextValues, got.ResourceSpecificResults[0].EvalDecisionDetails
		} else if got.ResourceSpecificResults != nil || got.EvalDecisionDetails != nil || got.EvalResourceName != "*" {
			t.Errorf("%s: results of resources that were not asked about: %+v", tt.about, got)
		}
		boundary := ""
		if got.PermissionsBoundaryDecisionDetail != nil {
			boundary = fmt.Sprint(got.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary)
		}
		var shown []string
		for _, p := range details {
			shown = append(shown, p.Key+"="+p.Value)
		}
		if got.EvalDecision != tt.want || strings.Join(ids, " ") != tt.matched || strings.Join(missing, " ") != tt.missing || boundary != tt.boundary || strings.Join(shown, " ") != tt.details {
			t.Errorf("%s: %s by %v, missing %v, boundary %q, details %v", tt.about, got.EvalDecision, ids, missing, boundary, shown)
		}
	}
}

// TestSimulateSeveral: of several resources the strictest answer is that of all.
func TestSimulateSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{"{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"arn:aws:s3:::a*\"},\n    {\"Effect\": \"Deny\", \"Action\": \"s3:*\", \"Resource\": \"arn:aws:s3:::ab\"}\n  ]\n}"},
		ActionNames:     []string{"s3:GetObject"},
		ResourceARNs:    []string{"arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:s3:::c"},
	}
	got := do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", &in).EvaluationResults[0]
	var decisions []string
	for _, r := range got.ResourceSpecificResults {
		decisions = append(decisions, r.EvalResourceDecision)
	}
	if got.EvalDecision != "explicitDeny" || len(got.MatchedStatements) != 0 || !slices.Equal(decisions, []string{"allowed", "explicitDeny", "implicitDeny"}) {
		t.Errorf("%+v", got)
	}
	// The second statement begins, as AWS counts, behind the first one.
	first, second := got.ResourceSpecificResults[0].MatchedStatements[0], got.ResourceSpecificResults[1].MatchedStatements[0]
	if first.StartPosition != (iam.Position{Line: 3, Column: 17}) || first.EndPosition != (iam.Position{Line: 4, Column: 73}) {
		t.Errorf("the first statement stands from %v to %v", first.StartPosition, first.EndPosition)
	}
	if second.StartPosition != first.EndPosition || second.EndPosition != (iam.Position{Line: 5, Column: 72}) {
		t.Errorf("the second statement stands from %v to %v", second.StartPosition, second.EndPosition)
	}
	in.ResourceARNs = []string{"arn:aws:s3:::a", "arn:aws:s3:::c"}
	if got := do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", &in).EvaluationResults[0]; got.EvalDecision != "implicitDeny" {
		t.Errorf("allowed and not: %+v", got)
	}
}

func TestSimulationPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := iam.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, MaxItems: optional.Some(2)}
	for i := range 5 {
		in.ActionNames = append(in.ActionNames, fmt.Sprintf("kms:Action%d", i))
	}
	var got []string
	for _, want := range []int{2, 2, 1} {
		out := do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", &in)
		if len(out.EvaluationResults) != want || out.IsTruncated != out.Marker.Set || out.IsTruncated != (want == 2) || len(out.Marker.V) > 320 {
			t.Fatalf("a page is %+v, want %d results", out, want)
		}
		for _, r := range out.EvaluationResults {
			got = append(got, r.EvalActionName)
		}
		in.Marker = out.Marker
	}
	if !slices.Equal(got, in.ActionNames) {
		t.Errorf("got %v", got)
	}
	in.Marker = optional.Of[string]{}
	in.Marker = do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", &in).Marker
	in.ActionNames = in.ActionNames[1:]
	refuse(t, w.root(), "SimulateCustomPolicy", &in, fault.Validation, "Invalid Marker.")
	if out := do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", &iam.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ActionNames: []string{}}); out.EvaluationResults == nil || len(out.EvaluationResults) != 0 {
		t.Errorf("no action: %+v", out)
	}
}

func TestSimulationRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	const one = "1 validation error detected: "
	with := func(change func(*iam.SimulateCustomPolicyInput)) *iam.SimulateCustomPolicyInput {
		in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ActionNames: []string{"kms:Encrypt"}}
		change(in)
		return in
	}
	given := func(entries ...iam.ContextEntry) *iam.SimulateCustomPolicyInput {
		return with(func(in *iam.SimulateCustomPolicyInput) { in.ContextEntries = entries })
	}
	policyOf := func(resource string) *iam.SimulateCustomPolicyInput {
		return with(func(in *iam.SimulateCustomPolicyInput) {
			in.ResourcePolicy, in.CallerARN, in.ResourceARNs = some(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`), some("arn:aws:iam::111122223333:user/ann"), strings.Fields(resource)
		})
	}
	long := func(n int) string { return strings.Repeat("x", n-len("kms:")) }
	tests := []struct {
		about   string
		in      *iam.SimulateCustomPolicyInput
		code    fault.Code
		message string // "" where it is fine
	}{
		{"nothing", &iam.SimulateCustomPolicyInput{}, fault.Validation, "2 validation errors detected: Value null at 'policyInputList' failed to satisfy constraint: Member must not be null; Value null at 'actionNames' failed to satisfy constraint: Member must not be null"},
		{"action of 128", with(func(in *iam.SimulateCustomPolicyInput) { in.ActionNames = []string{"kms:" + long(128)} }), "", ""},
		{"action of 129", with(func(in *iam.SimulateCustomPolicyInput) { in.ActionNames = []string{"kms:" + long(129)} }), fault.Validation, one + "Value at 'actionNames' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 3]"},
		{"action with a wildcard", with(func(in *iam.SimulateCustomPolicyInput) { in.ActionNames = []string{"kms:*"} }), iam.InvalidInput, `Invalid Input Actions: "kms:*" is not the name of an action.`},
		{"action without a service", with(func(in *iam.SimulateCustomPolicyInput) { in.ActionNames = []string{"Encrypt"} }), iam.InvalidInput, `Invalid Input Actions: "Encrypt" is not the name of an action.`},
		{"resource that is no ARN", with(func(in *iam.SimulateCustomPolicyInput) {
			in.ResourceARNs = []string{"14a050d4-021e-4efe-84bb-0871bf6d0fda"}
		}), iam.InvalidInput, "ResourceNames are not in a valid ARN format: 14a050d4-021e-4efe-84bb-0871bf6d0fda."},
		{"empty policy", with(func(in *iam.SimulateCustomPolicyInput) { in.PolicyInputList = []string{""} }), fault.Validation, one + "Value at 'policyInputList' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"malformed policy", with(func(in *iam.SimulateCustomPolicyInput) { in.PolicyInputList = []string{allowAll, "{}"} }), iam.InvalidInput, "Invalid Input Policies: PolicyInputList.2: Syntax errors in policy."},
		{"malformed boundary", with(func(in *iam.SimulateCustomPolicyInput) { in.PermissionsBoundaryPolicyInputList = []string{"{}"} }), iam.InvalidInput, "Invalid Input Policies: PermissionsBoundaryPolicyInputList.1: Syntax errors in policy."},
		{"two boundaries", with(func(in *iam.SimulateCustomPolicyInput) {
			in.PermissionsBoundaryPolicyInputList = []string{allowAll, allowAll}
		}), iam.InvalidInput, "Only one permissions boundary can be simulated."},
		{"owner that is a bare account", with(func(in *iam.SimulateCustomPolicyInput) { in.ResourceOwner = some("123456789012") }), iam.InvalidInput, "'123456789012' is not a valid as a Resource Owner."},
		{"owner", with(func(in *iam.SimulateCustomPolicyInput) { in.ResourceOwner = some("arn:aws:iam::123456789012:root") }), "", ""},
		{"caller that is a role", with(func(in *iam.SimulateCustomPolicyInput) { in.CallerARN = some("arn:aws:iam::111122223333:role/r") }), iam.InvalidInput, "Invalid Caller Arn: arn:aws:iam::111122223333:role/r is not the ARN of an IAM user."},
		{"resource policy without a caller", with(func(in *iam.SimulateCustomPolicyInput) {
			in.ResourcePolicy = some(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
		}), iam.InvalidInput, "CallerArn must be specified with a ResourcePolicy."},
		{"resource policy", policyOf("arn:aws:s3:::a arn:aws:s3:::b"), "", ""},
		{"resource policy of a role", policyOf("arn:aws:iam::111122223333:role/r"), iam.InvalidInput, "Simulation of resource-based policies isn't supported for IAM roles."},
		{"resource policy of two services", policyOf("arn:aws:s3:::a arn:aws:sqs:us-east-1:111122223333:q"), iam.InvalidInput, "The ResourcePolicy must be applicable to all of the resources."},
		{"key of 4", given(entry("a:bc", "string", "x")), fault.Validation, one + "Value at 'contextEntries.1.member.contextKeyName' failed to satisfy constraint: Member must have length greater than or equal to 5"},
		{"key of 256", given(entry("kms:"+long(256), "string", "x")), "", ""},
		{"key of 257", given(entry("kms:"+long(257), "string", "x")), fault.Validation, one + "Value at 'contextEntries.1.member.contextKeyName' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"type", given(entry("aws:k", "text", "x")), fault.Validation, one + "Value at 'contextEntries.1.member.contextKeyType' failed to satisfy constraint: Member must satisfy enum value set"},
		{"two values of a single key", given(entry("aws:k", "string", "x", "y")), iam.InvalidInput, "Invalid Context Entry: aws:k is no string, or stands twice."},
		{"no number", given(entry("aws:k", "numericList", "1", "1a")), iam.InvalidInput, "Invalid Context Entry: aws:k is no numericList, or stands twice."},
		{"no address", given(entry("aws:k", "ip", "1.2.3")), iam.InvalidInput, "Invalid Context Entry: aws:k is no ip, or stands twice."},
		{"no date", given(entry("aws:k", "date", "soon")), iam.InvalidInput, "Invalid Context Entry: aws:k is no date, or stands twice."},
		{"no Boolean", given(entry("aws:k", "boolean", "yes")), iam.InvalidInput, "Invalid Context Entry: aws:k is no boolean, or stands twice."},
		{"no Base64", given(entry("aws:k", "binary", "?")), iam.InvalidInput, "Invalid Context Entry: aws:k is no binary, or stands twice."},
		{"a key twice", given(entry("aws:k", "string", "x"), entry("AWS:K", "string", "y")), iam.InvalidInput, "Invalid Context Entry: AWS:K is no string, or stands twice."},
		{"unknown scenario", with(func(in *iam.SimulateCustomPolicyInput) { in.ResourceHandlingOption = some("EC2-Classic") }), iam.InvalidInput, `"EC2-Classic" is not a valid Resource Handling Option.`},
		{"scenario without its resources", with(func(in *iam.SimulateCustomPolicyInput) { in.ResourceHandlingOption = some("EC2-VPC-EBS") }), iam.InvalidInput, "The Resource Handling Option EC2-VPC-EBS needs a resource of type instance."},
		{"scenario", with(func(in *iam.SimulateCustomPolicyInput) {
			in.ResourceHandlingOption = some("EC2-VPC-EBS")
			for _, kind := range []string{"instance", "image", "security-group", "network-interface", "volume"} {
				in.ResourceARNs = append(in.ResourceARNs, "arn:aws:ec2:us-east-1:111122223333:"+kind+"/x")
			}
		}), "", ""},
	}
	for _, tt := range tests {
		_, err := w.root().call("SimulateCustomPolicy", tt.in)
		if tt.message != "" {
			checkFault(t, tt.about, err, tt.code, tt.message)
		} else if err != nil {
			t.Errorf("%s: %v", tt.about, err)
		}
	}
	for source, want := range map[string]string{
		"arn:aws:sts::111122223333:assumed-role/r/s": "InvalidInput: Invalid Entity Arn: arn:aws:sts::111122223333:assumed-role/r/s does not clearly define entity type and name.",
		"arn:aws:iam::111122223333:root":             "InvalidInput: Invalid Entity Arn: arn:aws:iam::111122223333:root does not clearly define entity type and name.",
		"arn:aws:iam::444455556666:user/ann":         "InvalidInput: Invalid Policy Source Arn: caller's account 111122223333 does not have access to policies in account 444455556666",
		"arn:aws:iam::111122223333:user/bob":         "NoSuchEntity: The user with name bob cannot be found.",
		"arn:aws:iam::111122223333:role/r":           "NoSuchEntity: The role with name r cannot be found.",
		"arn:aws:iam::111122223333:group/g":          "NoSuchEntity: The group with name g cannot be found.",
		"arn:aws:iam::1:user/":                       "InvalidInput: Invalid Entity Arn: arn:aws:iam::1:user/ does not clearly define entity type and name.",
		"too short":                                  "ValidationError: " + one + "Value at 'policySourceArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
	} {
		_, err := w.root().call("SimulatePrincipalPolicy", &iam.SimulatePrincipalPolicyInput{PolicySourceARN: some(source), ActionNames: []string{"kms:Encrypt"}})
		if err == nil || strings.Replace(err.Error(), string(fault.Validation), "ValidationError", 1) != want {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
		if _, err = w.root().call("GetContextKeysForPrincipalPolicy", &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceARN: some(source)}); err == nil {
			t.Errorf("keys of %s", source)
		}
	}
}

// TestSimulationLimit: policies that take very long are given up on.
func TestSimulationLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ActionNames: slices.Repeat([]string{"kms:Encrypt"}, 1000), MaxItems: optional.Some(1000)}
	for i := range 20 {
		in.ResourceARNs = append(in.ResourceARNs, fmt.Sprintf("arn:aws:kms:us-east-1:111122223333:key/%d", i))
	}
	if out := do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", in); len(out.EvaluationResults) != 1000 {
		t.Errorf("%d results", len(out.EvaluationResults))
	}
	in.ResourceARNs = slices.Repeat(in.ResourceARNs, 2)
	refuse(t, w.root(), "SimulateCustomPolicy", in, iam.PolicyEvaluation, "The simulation takes too much work. Ask for fewer actions or resources at a time.")
}

// TestSimulationAnswerLimit: an answer does not grow with the product of what is
// asked, by statements that match or by keys that are missing.
func TestSimulationAnswerLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	statements := strings.Repeat(`,{"Effect":"Allow","Action":"*","Resource":"*"}`, 2000)[1:]
	var keys []string
	for i := range 5000 {
		keys = append(keys, fmt.Sprintf(`"app:key%d":""`, i))
	}
	for name, document := range map[string]string{
		"statements": `{"Version":"2012-10-17","Statement":[` + statements + `]}`,
		"keys":       `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{` + strings.Join(keys, ",") + `}}}}`,
	} {
		in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{document}, ActionNames: slices.Repeat([]string{"kms:Encrypt"}, 1000), MaxItems: optional.Some(20)}
		result := do[iam.SimulatePolicyOutput](t, w.root(), "SimulateCustomPolicy", in).EvaluationResults[19]
		if len(result.MatchedStatements)+len(result.MissingContextValues) < 2000 {
			t.Errorf("%s: %d statements, %d keys", name, len(result.MatchedStatements), len(result.MissingContextValues))
		}
		in.MaxItems = optional.Some(1000)
		refuse(t, w.root(), "SimulateCustomPolicy", in, iam.PolicyEvaluation, "The simulation takes too much work. Ask for fewer actions or resources at a time.")
	}
}

func TestContextKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}`
	second := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team, 'none'}/${*}","Condition":{"StringLike":{"AWS:UserName":["${aws:userid}","${?}"],"s3:prefix":"x"}}}]}`
	out := do[iam.GetContextKeysForPolicyOutput](t, w.root(), "GetContextKeysForCustomPolicy", &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{first, second}})
	want := []string{"aws:username", "aws:CurrentTime", "aws:PrincipalTag/team", "aws:userid", "s3:prefix"}
	if !slices.Equal(out.ContextKeyNames, want) {
		t.Errorf("got %v, want %v", out.ContextKeyNames, want)
	}
	w.createUser("ann")
	w.put("ann", "p", first)
	out = do[iam.GetContextKeysForPolicyOutput](t, w.root(), "GetContextKeysForPrincipalPolicy", &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceARN: some("arn:aws:iam::111122223333:user/ann"), PolicyInputList: []string{second}})
	if !slices.Equal(out.ContextKeyNames, want) {
		t.Errorf("of the user: %v, want %v", out.ContextKeyNames, want)
	}
	if out = do[iam.GetContextKeysForPolicyOutput](t, w.root(), "GetContextKeysForCustomPolicy", &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{}}); out.ContextKeyNames == nil || len(out.ContextKeyNames) != 0 {
		t.Errorf("of no policies: %v", out.ContextKeyNames)
	}
	refuse(t, w.root(), "GetContextKeysForCustomPolicy", &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{"{}"}}, iam.InvalidInput, "Invalid Input Policies: PolicyInputList.1: Syntax errors in policy.")
}

// FuzzSimulate gives a simulation policies and context of anybody: it must answer
// or refuse.
func FuzzSimulate(f *testing.F) {
	w := newWorld(f)
	f.Add(allowAll, allowAll, "aws:SourceIp", "ip", "192.0.2.1", "kms:Encrypt", "arn:aws:kms:us-east-1:111122223333:key/k")
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"s3:*","Resource":"arn:aws:s3:::${aws:username}/*","Condition":{"NumericLessThan":{"a:bcd":"1e9"}}}}`, "", "a:bcd", "numericList", "1e400", "s3:Get", "*")
	f.Add(allowAll, "", "a:bcd", "dateList", "-292275054-01-01T00:00:00Z", "iam:X", "arn:::::")
	f.Add(allowAll, "", "a:bcd", "binary", "AAEC", "iam:X", "arn:aws:iam::1:role/x")
	f.Fuzz(func(t *testing.T, document, boundary, key, kind, value, action, resource string) {
		in := &iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{document}, ActionNames: []string{action}, ResourceARNs: []string{resource},
			ContextEntries: []iam.ContextEntry{entry(key, kind, value)},
		}
		if boundary != "" {
			in.PermissionsBoundaryPolicyInputList = []string{boundary}
		}
		out, err := w.root().call("SimulateCustomPolicy", in)
		if err != nil {
			if f := fault.From(err); f.Code != fault.Validation && f.Code != iam.InvalidInput && f.Code != iam.PolicyEvaluation {
				t.Fatalf("%v", err)
			}
			return
		}
		if r := out.(*iam.SimulatePolicyOutput).EvaluationResults; len(r) != 1 || r[0].EvalDecision == "" {
			t.Fatalf("%+v", r)
		}
	})
}

// TestSimulateWithManaged: managed policies count under their names, and the
// policies of the organization as they are.
func TestSimulateWithManaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	made := do[iam.CreatePolicyOutput](t, w.root(), "CreatePolicy", &iam.CreatePolicyInput{PolicyName: some("readers"), PolicyDocument: some(statement("Allow", "kms:*", "*"))})
	do[operation.None](t, w.root(), "AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: some("ann"), PolicyARN: some(made.Policy.ARN)})
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceARN: some("arn:aws:iam::111122223333:user/ann"), ActionNames: []string{"kms:Encrypt", "kms:Decrypt"}}
	simulate := func(a *actor) []iam.EvaluationResult {
		return do[iam.SimulatePolicyOutput](t, a, "SimulatePrincipalPolicy", in).EvaluationResults
	}
	got := simulate(w.root())
	if len(got) != 2 || got[0].EvalDecision != "allowed" || len(got[0].MatchedStatements) != 1 || got[0].MatchedStatements[0].SourcePolicyID != "readers" || got[0].OrganizationsDecisionDetail != nil {
		t.Errorf("%+v", got)
	}
	scp, err := policy.Compile(policy.ServiceControl, "limits", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	credential, err := w.iam.Credential(t.Context(), rootKeyID, "")
	if err != nil {
		t.Fatal(err)
	}
	member := *credential.Caller
	member.Place = &authz.Place{Organization: "o-example", Service: [][]*policy.Policy{{scp}}}
	got = simulate(&actor{w: w, caller: &member})
	if got[0].EvalDecision != "allowed" || !got[0].OrganizationsDecisionDetail.AllowedByOrganizations {
		t.Errorf("what the organization allows: %+v", got[0])
	}
	if got[1].EvalDecision != "explicitDeny" || got[1].OrganizationsDecisionDetail.AllowedByOrganizations || got[1].MatchedStatements[0].SourcePolicyType != "Service Control Policy" {
		t.Errorf("what it denies: %+v", got[1])
	}
}
