package iam

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// PolicyEvaluation is the code for a simulation that can't be carried out.
const PolicyEvaluation fault.Code = "PolicyEvaluation"

const (
	actionNameMin, actionNameMax = 3, 128
	resourceNameMax              = 2048
	contextKeyMin, contextKeyMax = 5, 256
	handlingMax                  = 64
	sourceARNMin                 = 20

	// simulationSteps bounds the work of one call, whose policies the caller may
	// have written, and its answer: about a second, and 32 MiB. A byte is a step.
	simulationSteps = 32 << 20

	// shownStatementBytes is about what a statement takes in the answer beside the
	// name of its policy, and shownKeyBytes what a missing key does.
	shownStatementBytes = 400
	shownKeyBytes       = 17
)

// contextTypes are those of a context entry.
var contextTypes = []string{
	"string", "stringList", "numeric", "numericList", "boolean", "booleanList",
	"ip", "ipList", "binary", "binaryList", "date", "dateList",
}

// A ContextEntry is what a simulated request holds under a condition key.
type ContextEntry struct {
	ContextKeyName   optional.Of[string] `aws:"ContextKeyName" audit:"contextKeyName"`
	ContextKeyValues []string            `aws:"ContextKeyValues" audit:"contextKeyValues"`
	ContextKeyType   optional.Of[string] `aws:"ContextKeyType" audit:"contextKeyType"`
}

// SimulatePolicyOutput has a page of results, one for each action.
type SimulatePolicyOutput struct {
	EvaluationResults []EvaluationResult  `aws:"EvaluationResults"`
	IsTruncated       bool                `aws:"IsTruncated"`
	Marker            optional.Of[string] `aws:"Marker"`
}

// An EvaluationResult tells of one action, on all resources together and on each.
type EvaluationResult struct {
	EvalActionName                    string                             `aws:"EvalActionName"`
	EvalResourceName                  string                             `aws:"EvalResourceName"`
	EvalDecision                      string                             `aws:"EvalDecision"`
	MatchedStatements                 []Statement                        `aws:"MatchedStatements"`
	MissingContextValues              []string                           `aws:"MissingContextValues"`
	OrganizationsDecisionDetail       *OrganizationsDecisionDetail       `aws:"OrganizationsDecisionDetail"`
	PermissionsBoundaryDecisionDetail *PermissionsBoundaryDecisionDetail `aws:"PermissionsBoundaryDecisionDetail"`
	EvalDecisionDetails               pairs.Map                          `aws:"EvalDecisionDetails"`
	ResourceSpecificResults           []ResourceSpecificResult           `aws:"ResourceSpecificResults"`
}

// A ResourceSpecificResult tells of one action on one resource.
type ResourceSpecificResult struct {
	EvalResourceName                  string                             `aws:"EvalResourceName"`
	EvalResourceDecision              string                             `aws:"EvalResourceDecision"`
	MatchedStatements                 []Statement                        `aws:"MatchedStatements"`
	MissingContextValues              []string                           `aws:"MissingContextValues"`
	EvalDecisionDetails               pairs.Map                          `aws:"EvalDecisionDetails"`
	PermissionsBoundaryDecisionDetail *PermissionsBoundaryDecisionDetail `aws:"PermissionsBoundaryDecisionDetail"`
}

// A Statement is where a statement stands that determined a result.
type Statement struct {
	SourcePolicyID   string   `aws:"SourcePolicyId"`
	SourcePolicyType string   `aws:"SourcePolicyType"`
	StartPosition    Position `aws:"StartPosition"`
	EndPosition      Position `aws:"EndPosition"`
}

// A Position in a document, counted from 1 in characters.
type Position struct {
	Line   int `aws:"Line"`
	Column int `aws:"Column"`
}

// An OrganizationsDecisionDetail says what service control policies allow.
type OrganizationsDecisionDetail struct {
	AllowedByOrganizations bool `aws:"AllowedByOrganizations"`
}

// A PermissionsBoundaryDecisionDetail says what a permissions boundary allows.
type PermissionsBoundaryDecisionDetail struct {
	AllowedByPermissionsBoundary bool `aws:"AllowedByPermissionsBoundary"`
}

// simulated is what both operations that simulate ask.
type simulated struct {
	Policies       []string
	Boundaries     []string
	Actions        []string
	Resources      []string
	ResourcePolicy optional.Of[string]
	ResourceOwner  optional.Of[string]
	Caller         optional.Of[string]
	Entries        []ContextEntry
	Handling       optional.Of[string]
	Source         string // ARN whose policies count, too

	marker   optional.Of[string]
	maxItems optional.Of[int]
}

// check checks the limits of the public API.
func (in *simulated) check(c *check.Checks) {
	checkDocuments(c, "policyInputList", in.Policies)
	checkDocuments(c, "permissionsBoundaryPolicyInputList", in.Boundaries)
	if c.Required("actionNames", in.Actions != nil) {
		c.Each("actionNames", in.Actions, actionNameMin, actionNameMax, nil, "")
	}
	c.Each("resourceArns", in.Resources, 1, resourceNameMax, nil, "")
	if in.ResourcePolicy.Set {
		checkDocument(c, "resourcePolicy", in.ResourcePolicy)
	}
	c.Length("resourceOwner", in.ResourceOwner, 1, resourceNameMax)
	c.Length("callerArn", in.Caller, 1, resourceNameMax)
	for i := range in.Entries {
		at := "contextEntries." + strconv.Itoa(i+1) + ".member."
		c.Length(at+"contextKeyName", in.Entries[i].ContextKeyName, contextKeyMin, contextKeyMax)
		c.Enum(at+"contextKeyType", in.Entries[i].ContextKeyType, contextTypes...)
	}
	c.Length("resourceHandlingOption", in.Handling, 1, handlingMax)
	checkPage(c, in.marker, in.maxItems)
}

// checkDocuments is checkDocument for each of a list.
func checkDocuments(c *check.Checks, path string, documents []string) {
	for _, d := range documents {
		checkDocument(c, path, optional.Some(d))
	}
}

// A simulator answers for one call.
type simulator struct {
	in      *simulated
	policy  policy.Input // what is the same for all actions and resources
	account string       // of the simulated caller
	owner   string       // of resources whose ARN doesn't tell
	missing []string
	showing int // bytes that missing takes in a result
	work    *policy.Simulation

	ids       map[*policy.Policy]string // of stored policies
	spans     map[*policy.Policy][]policy.Span
	organised bool // the account is in an organization
}

// invalidInput refuses a value of a simulation.
func invalidInput(format string, args ...any) error { return fault.New(InvalidInput, format, args...) }

// simulate answers a call. from has the policies of the principal that it names,
// and is empty where it names none.
func (s *Service) simulate(c *operation.Call, in *simulated, from source) (*SimulatePolicyOutput, error) {
	m := &simulator{in: in, work: policy.NewSimulation(simulationSteps), spans: make(map[*policy.Policy][]policy.Span)}
	for _, prepare := range []func(*simulator, *operation.Call, source) error{
		(*simulator).resources, (*simulator).policies, (*simulator).caller, (*simulator).resourcePolicy, (*simulator).context,
	} {
		if err := prepare(m, c, from); err != nil {
			return nil, err
		}
	}
	l := listOf(c, c.Operation, in.digest())
	after, err := s.after(l, in.marker)
	if err != nil {
		return nil, err
	}
	first := 0
	if after != "" {
		if first, err = strconv.Atoi(after); err != nil {
			return nil, fmt.Errorf("reading marker %q: %w", after, err)
		}
	}
	to := min(first+in.maxItems.Or(maxItemsDefault), len(in.Actions))
	out := &SimulatePolicyOutput{EvaluationResults: []EvaluationResult{}}
	for _, action := range in.Actions[min(first, to):to] {
		r, err := m.result(action)
		if err != nil {
			return nil, err
		}
		out.EvaluationResults = append(out.EvaluationResults, r)
	}
	if to < len(in.Actions) {
		out.IsTruncated, out.Marker = true, s.marker(l, strconv.Itoa(to))
	}
	return out, nil
}

// digest is what a marker is bound to: everything that is asked.
func (in *simulated) digest() string {
	text, err := json.Marshal(in)
	if err != nil {
		panic("iam: strings that can't be marshalled: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// resources checks the names of actions and of resources.
func (m *simulator) resources(*operation.Call, source) error {
	for _, a := range m.in.Actions {
		vendor, name, ok := strings.Cut(a, ":")
		if !ok || vendor == "" || name == "" || strings.ContainsAny(a, "*? ") || strings.Contains(name, ":") {
			return invalidInput("Invalid Input Actions: %q is not the name of an action.", a)
		}
	}
	if len(m.in.Resources) == 0 {
		m.in.Resources = []string{"*"}
	}
	for _, r := range m.in.Resources {
		if _, ok := arn.Parse(r); r != "*" && !ok {
			return invalidInput("ResourceNames are not in a valid ARN format: %s.", r)
		}
	}
	return m.handling()
}

// scenarios are the kinds of resources that the scenarios of EC2 need.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
var scenarios = map[string][]string{
	"EC2-VPC-InstanceStore":        {"instance", "image", "security-group", "network-interface"},
	"EC2-VPC-InstanceStore-Subnet": {"instance", "image", "security-group", "network-interface", "subnet"},
	"EC2-VPC-EBS":                  {"instance", "image", "security-group", "network-interface", "volume"},
	"EC2-VPC-EBS-Subnet":           {"instance", "image", "security-group", "network-interface", "subnet", "volume"},
}

// handling checks that the resources of a scenario are there.
func (m *simulator) handling() error {
	if !m.in.Handling.Set {
		return nil
	}
	needed, ok := scenarios[m.in.Handling.V]
	if !ok {
		return invalidInput("%q is not a valid Resource Handling Option.", m.in.Handling.V)
	}
	for _, kind := range needed {
		if !slices.ContainsFunc(m.in.Resources, func(r string) bool {
			a, ok := arn.Parse(r)
			return ok && a.Service == "ec2" && strings.HasPrefix(a.Resource, kind+"/")
		}) {
			return invalidInput("The Resource Handling Option %s needs a resource of type %s.", m.in.Handling.V, kind)
		}
	}
	return nil
}

// policies compiles what the caller and its boundary may do.
func (m *simulator) policies(_ *operation.Call, from source) error {
	given, err := compileInputs("PolicyInputList", m.in.Policies)
	if err != nil {
		return err
	}
	m.policy.Identity = slices.Concat(from.identity(), given)
	m.policy.Boundary = from.boundary()
	if m.in.Boundaries != nil {
		m.policy.Boundary, err = compileInputs("PermissionsBoundaryPolicyInputList", m.in.Boundaries)
	}
	if len(m.policy.Boundary) > 1 {
		return invalidInput("Only one permissions boundary can be simulated.")
	}
	m.ids = from.ids
	if from.place != nil {
		m.policy.Service, m.organised = from.place.Service, from.place.Organization != ""
	}
	return err
}

// compileInputs compiles the documents of a list; nil where there are none.
func compileInputs(list string, texts []string) ([]*policy.Policy, error) {
	var compiled []*policy.Policy
	for i, text := range texts {
		name := list + "." + strconv.Itoa(i+1)
		p, err := policy.Compile(policy.Identity, name, []byte(text), nil)
		if err != nil {
			return nil, invalidPolicy(name, err)
		}
		compiled = append(compiled, p)
	}
	return compiled, nil
}

// invalidPolicy refuses a document of a simulation.
func invalidPolicy(name string, err error) error {
	var malformed *policy.Malformed
	if errors.As(err, &malformed) {
		return invalidInput("Invalid Input Policies: %s: %s", name, malformed.Message)
	}
	return fmt.Errorf("compiling policy %s: %w", name, err)
}

// caller makes the simulated caller: the one that is named, or the principal
// whose policies are simulated.
func (m *simulator) caller(c *operation.Call, from source) error {
	m.policy.Caller = &policy.Caller{Kind: principal.User, Partition: c.Partition, Account: ownAccount(c)}
	if from.caller != nil {
		m.policy.Caller = &from.caller.Policy
	}
	if m.in.Caller.Set {
		a, ok := arn.Parse(m.in.Caller.V)
		if !ok || a.Service != "iam" || a.Region != "" || !arn.IsAccount(a.Account) || !strings.HasPrefix(a.Resource, "user/") {
			return invalidInput("Invalid Caller Arn: %s is not the ARN of an IAM user.", m.in.Caller.V)
		}
		m.policy.Caller = &policy.Caller{Kind: principal.User, Partition: a.Partition, Account: a.Account, ARN: m.in.Caller.V}
	}
	m.account, m.owner = m.policy.Caller.Account, m.policy.Caller.Account
	if m.in.ResourceOwner.Set {
		a, ok := arn.Parse(m.in.ResourceOwner.V)
		if !ok || a.Service != "iam" || a.Resource != "root" || !arn.IsAccount(a.Account) {
			return invalidInput("'%s' is not a valid as a Resource Owner.", m.in.ResourceOwner.V)
		}
		m.owner = a.Account
	}
	return nil
}

// resourcePolicy compiles the policy that all resources are to have.
func (m *simulator) resourcePolicy(_ *operation.Call, from source) error {
	if !m.in.ResourcePolicy.Set {
		return nil
	}
	if m.policy.Caller.ARN == "" {
		return invalidInput("CallerArn must be specified with a ResourcePolicy.")
	}
	kind := policy.Resource
	for i, r := range m.in.Resources {
		a, _ := arn.Parse(r)
		switch {
		case a.Service == "iam":
			return invalidInput("Simulation of resource-based policies isn't supported for IAM roles.")
		case i > 0 && a.Service != service(m.in.Resources[0]):
			return invalidInput("The ResourcePolicy must be applicable to all of the resources.")
		case a.Service == "kms":
			kind = policy.KeyPolicy
		}
	}
	var err error
	if m.policy.ResourcePolicy, err = policy.Compile(kind, "ResourcePolicy", []byte(m.in.ResourcePolicy.V), nil); err != nil {
		return invalidPolicy("ResourcePolicy", err)
	}
	return nil
}

func service(resource string) string {
	a, _ := arn.Parse(resource)
	return a.Service
}

// context makes the request's context, and notes which keys of the policies it lacks.
func (m *simulator) context(_ *operation.Call, from source) error {
	facts := simulatedFacts{given: map[string]policy.Values{}, caller: m.policy.Caller, tags: from.tags()}
	for _, e := range m.in.Entries {
		kind := e.ContextKeyType.Or("string")
		if !e.ContextKeyType.Set && len(e.ContextKeyValues) > 1 {
			kind = "stringList"
		}
		name := policy.Fold(e.ContextKeyName.V)
		values, ok := policy.TypedValues(kind, e.ContextKeyValues)
		if _, twice := facts.given[name]; !ok || twice || name == "" {
			return invalidInput("Invalid Context Entry: %s is no %s, or stands twice.", e.ContextKeyName.V, kind)
		}
		facts.given[name] = values
	}
	m.policy.Context = &facts
	m.missing = []string{}
	all := slices.Concat(m.policy.Identity, m.policy.Boundary)
	if m.policy.ResourcePolicy != nil {
		all = append(all, m.policy.ResourcePolicy)
	}
	for _, key := range contextKeys(all) {
		if k := policy.NewKey(key); !facts.Lookup(&k).Present {
			if _, given := facts.given[policy.Fold(key)]; !given {
				m.missing = append(m.missing, key)
				m.showing += shownKeyBytes + len(key)
			}
		}
	}
	return nil
}

// contextKeys lists the keys that policies name, each once.
func contextKeys(policies []*policy.Policy) []string {
	keys := []string{}
	seen := map[string]bool{}
	for _, p := range policies {
		for _, key := range p.ContextKeys() {
			if folded := policy.Fold(key); !seen[folded] {
				seen[folded] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// simulatedFacts answer for the condition keys of a simulated request: those
// that are given, and what is known of its caller.
type simulatedFacts struct {
	given  map[string]policy.Values
	caller *policy.Caller
	tags   pairs.Map
}

// Lookup implements policy.Context.
func (f *simulatedFacts) Lookup(k *policy.Key) policy.Values {
	if v, ok := f.given[k.Name]; ok {
		return v
	}
	if tag, ok := strings.CutPrefix(k.Name, "aws:principaltag/"); ok {
		return policy.Named(f.tags, tag)
	}
	c := f.caller
	name := c.ARN
	switch {
	case c.Kind == principal.RoleSession:
		name = c.IssuerARN
	case !strings.Contains(name, ":user/"):
		name = "" // a group calls nothing
	}
	switch k.Name {
	case "aws:principalarn":
		return policy.Text(name)
	case "aws:principalaccount":
		return policy.Text(c.Account)
	case "aws:username":
		if c.Kind == principal.User {
			return policy.Text(name[strings.LastIndexByte(name, '/')+1:])
		}
	case "aws:userid":
		if c.Kind == principal.User {
			return policy.Text(c.ID)
		}
	}
	return policy.Values{}
}

// result simulates one action.
func (m *simulator) result(action string) (EvaluationResult, error) {
	r := EvaluationResult{
		EvalActionName:       action,
		EvalResourceName:     m.in.Resources[0],
		MatchedStatements:    []Statement{},
		MissingContextValues: []string{},
	}
	all := policy.Allowed
	organization := true
	for _, resource := range m.in.Resources {
		o, cross, err := m.decide(action, resource)
		if err != nil {
			return r, err
		}
		of := ResourceSpecificResult{
			EvalResourceName:     resource,
			EvalResourceDecision: decisionNames[decision(o)],
			MatchedStatements:    m.statements(o),
			MissingContextValues: m.missing,
		}
		if m.policy.Boundary != nil {
			of.PermissionsBoundaryDecisionDetail = &PermissionsBoundaryDecisionDetail{o.Boundary == policy.Allowed}
		}
		if cross {
			of.EvalDecisionDetails = pairs.Of(map[string]string{
				"IAM Policy":      decisionNames[o.Identity],
				"Resource Policy": decisionNames[o.Resource],
			})
		}
		all = stricter(all, decision(o))
		organization = organization && o.Service == policy.Allowed
		r.ResourceSpecificResults = append(r.ResourceSpecificResults, of)
	}
	r.EvalDecision = decisionNames[all]
	if m.organised {
		r.OrganizationsDecisionDetail = &OrganizationsDecisionDetail{organization}
	}
	m.summarise(&r)
	return r, nil
}

// summarise says of all resources what is said of each. Only what was asked about
// resources by name has results of its own.
func (m *simulator) summarise(r *EvaluationResult) {
	if len(r.ResourceSpecificResults) == 1 {
		only := r.ResourceSpecificResults[0]
		r.MatchedStatements, r.EvalDecisionDetails = only.MatchedStatements, only.EvalDecisionDetails
	}
	if m.policy.Boundary != nil {
		allowed := !slices.ContainsFunc(r.ResourceSpecificResults, func(of ResourceSpecificResult) bool {
			return !of.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary
		})
		r.PermissionsBoundaryDecisionDetail = &PermissionsBoundaryDecisionDetail{allowed}
	}
	if slices.Equal(m.in.Resources, []string{"*"}) {
		r.MissingContextValues, r.ResourceSpecificResults = m.missing, nil
		return
	}
	if r.EvalDecisionDetails == nil {
		r.EvalDecisionDetails = pairs.Map{}
	}
}

// decide simulates one action on one resource. cross says that the resource is of
// another account.
func (m *simulator) decide(action, resource string) (o policy.Outcome, cross bool, err error) {
	in := m.policy
	in.Action, in.Resource, in.ResourceAccount, in.Rule, in.CrossAccount = action, resource, m.account, policy.IdentityOnly, true
	if in.ResourcePolicy != nil {
		in.Rule, in.ResourceAccount = policy.Standard, m.owner
		if a, _ := arn.Parse(resource); arn.IsAccount(a.Account) {
			in.ResourceAccount = a.Account
		}
		if service(resource) == "kms" {
			in.Rule = policy.ExplicitTrust
		}
	}
	o, ok := m.work.Decide(&in)
	shown := m.showing
	for _, match := range o.Matched {
		shown += shownStatementBytes + len(match.Policy.Name())
	}
	if !ok || !m.work.Spend(shown) {
		return o, false, fault.New(PolicyEvaluation, "The simulation takes too much work. Ask for fewer actions or resources at a time.")
	}
	return o, in.ResourceAccount != m.account, nil
}

// decision is the effect of a verdict.
func decision(o policy.Outcome) policy.Effect {
	switch {
	case o.Explicit:
		return policy.ExplicitDeny
	case o.Verdict.Allowed:
		return policy.Allowed
	}
	return policy.ImplicitDeny
}

// stricter is what is said of two resources together.
func stricter(a, b policy.Effect) policy.Effect {
	switch {
	case a == policy.ExplicitDeny || b == policy.ExplicitDeny:
		return policy.ExplicitDeny
	case a == policy.ImplicitDeny || b == policy.ImplicitDeny:
		return policy.ImplicitDeny
	}
	return policy.Allowed
}

var decisionNames = map[policy.Effect]string{
	policy.Allowed:      "allowed",
	policy.ExplicitDeny: "explicitDeny",
	policy.ImplicitDeny: "implicitDeny",
}

// policyTypes are what AWS was seen to call the policies of a gate, which is not
// what its model lists.
var policyTypes = map[policy.Gate]string{
	policy.ByIdentity:       "IAM Policy",
	policy.ByResource:       "Resource Policy",
	policy.ByBoundary:       "Permissions Boundary Policy",
	policy.ByServiceControl: "Service Control Policy",
}

func (m *simulator) statements(o policy.Outcome) []Statement {
	list := []Statement{}
	for _, match := range o.Matched {
		spans := m.spans[match.Policy]
		if spans == nil {
			spans = match.Policy.Spans()
			m.spans[match.Policy] = spans
		}
		at := spans[match.Statement]
		id := cmp.Or(m.ids[match.Policy], match.Policy.Name())
		list = append(list, Statement{id, policyTypes[match.Gate], Position(at.Start), Position(at.End)})
	}
	return list
}
