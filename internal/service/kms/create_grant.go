package kms

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// CreateGrantInput asks for a principal to be let in to a key, for some
// operations and within a constraint.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
type CreateGrantInput struct {
	KeyID                    optional.Of[string] `aws:"KeyId" audit:"keyId"`
	GranteePrincipal         optional.Of[string] `aws:"GranteePrincipal" audit:"granteePrincipal"`
	RetiringPrincipal        optional.Of[string] `aws:"RetiringPrincipal" audit:"retiringPrincipal"`
	Operations               []string            `aws:"Operations" audit:"operations"`
	Constraints              *GrantConstraints   `aws:"Constraints" audit:"constraints"`
	GrantTokens              []string            `aws:"GrantTokens"`
	Name                     optional.Of[string] `aws:"Name" audit:"name"`
	DryRun                   optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
	GranteeServicePrincipal  optional.Of[string] `aws:"GranteeServicePrincipal" audit:"granteeServicePrincipal"`
	RetiringServicePrincipal optional.Of[string] `aws:"RetiringServicePrincipal" audit:"retiringServicePrincipal"`
}

// CreateGrantOutput names the grant.
type CreateGrantOutput struct {
	GrantToken string `aws:"GrantToken"`
	GrantID    string `aws:"GrantId" audit:"grantId"`
}

// GrantConstraints limit the calls for which a grant holds. At most one of the
// first two is given.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
type GrantConstraints struct {
	EncryptionContextSubset pairs.Map           `aws:"EncryptionContextSubset" audit:"encryptionContextSubset"`
	EncryptionContextEquals pairs.Map           `aws:"EncryptionContextEquals" audit:"encryptionContextEquals"`
	SourceARN               optional.Of[string] `aws:"SourceArn" audit:"sourceArn"`
}

// Limits of a constraint; those of a value in characters.
const (
	constraintPairsMax = 8
	constraintValueMax = 384
	sourceARNMin       = 20
	sourceARNMax       = 512
)

const (
	grantPrincipalMax   = 256
	servicePrincipalMax = 128
	grantNameMax        = 256
)

var (
	grantPrincipalPattern   = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
	servicePrincipalPattern = regexp.MustCompile(`^([A-Za-z0-9\-]+)\.([A-Za-z0-9\-]+)(\.[A-Za-z0-9\-]+)+$`)
	grantNamePattern        = regexp.MustCompile(`^[a-zA-Z0-9:/_-]+$`)
	sourceARNPattern        = regexp.MustCompile(`^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]+:[0-9]{12}:.+$`)
)

// Validate checks the limits of the public model, and all rules of a grant that
// don't depend on its key.
func (in *CreateGrantInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkPrincipal(c, "granteePrincipal", in.GranteePrincipal)
	checkPrincipal(c, "retiringPrincipal", in.RetiringPrincipal)
	checkService(c, "granteeServicePrincipal", in.GranteeServicePrincipal)
	checkService(c, "retiringServicePrincipal", in.RetiringServicePrincipal)
	checkOperations(c, in.Operations)
	checkGrantTokens(c, in.GrantTokens)
	c.Length("name", in.Name, 1, grantNameMax)
	c.Pattern("name", in.Name, grantNamePattern, grantNamePattern.String())
	in.Constraints.check(c)
	in.checkParties(c)
}

// checkPrincipal checks a member that names a principal of a grant.
func checkPrincipal(c *check.Checks, path string, name optional.Of[string]) {
	c.Length(path, name, 1, grantPrincipalMax)
	c.Pattern(path, name, grantPrincipalPattern, grantPrincipalPattern.String())
}

// checkService checks a member that names a service as a principal of a grant.
func checkService(c *check.Checks, path string, name optional.Of[string]) {
	c.Length(path, name, 1, servicePrincipalMax)
	c.Pattern(path, name, servicePrincipalPattern, servicePrincipalPattern.String())
}

func checkOperations(c *check.Checks, operations []string) {
	if !c.Required("operations", operations != nil) {
		return
	}
	c.Items("operations", true, len(operations), 1, len(operations))
	known := func(name string) bool { return slices.Contains(grantOperations, name) }
	if !slices.ContainsFunc(operations, func(name string) bool { return !known(name) }) {
		if setOf(operations...) == createsGrants {
			c.Refuse(validation("Grants must not contain only the CreateGrant operation."))
		}
		return
	}
	c.EachEnum("operations", operations, grantOperations...)
}

// check checks the constraints of a grant, of which there may be none.
func (g *GrantConstraints) check(c *check.Checks) {
	if g == nil {
		return
	}
	checkPairs(c, "constraints.encryptionContextSubset", g.EncryptionContextSubset)
	checkPairs(c, "constraints.encryptionContextEquals", g.EncryptionContextEquals)
	c.Length("constraints.sourceArn", g.SourceARN, sourceARNMin, sourceARNMax)
	c.Pattern("constraints.sourceArn", g.SourceARN, sourceARNPattern, sourceARNPattern.String())
	switch {
	case len(g.EncryptionContextSubset) > 0 && g.EncryptionContextEquals != nil:
		c.Refuse(validation("More than one constraint supplied"))
	case g.EncryptionContextEquals != nil && len(g.EncryptionContextEquals) == 0:
		// Taken as absent, it would let in every context.
		c.Refuse(validation("EncryptionContextEquals must not be empty"))
	}
}

// checkPairs checks the pairs of one constraint. Names that fold together would
// make a constraint that no call can satisfy.
func checkPairs(c *check.Checks, path string, context pairs.Map) {
	c.Items(path, true, len(context), 0, constraintPairsMax)
	for _, p := range context[:min(len(context), constraintPairsMax)] {
		c.Length(path+".member", optional.Some(p.Value), 0, constraintValueMax)
	}
	checkEncryptionContext(c, "EncryptionContext", context)
	if _, whole := foldContext(context); !whole {
		c.Refuse(validation("The names of a grant constraint must not differ in case only"))
	}
}

// checkParties checks who is named, and in which members.
func (in *CreateGrantInput) checkParties(c *check.Checks) {
	retirers := in.RetiringPrincipal.Set || in.RetiringServicePrincipal.Set
	switch {
	case in.GranteePrincipal.Set == in.GranteeServicePrincipal.Set:
		c.Refuse(validation("Exactly one of GranteePrincipal and GranteeServicePrincipal is required."))
	case in.RetiringPrincipal.Set && in.RetiringServicePrincipal.Set:
		c.Refuse(validation("Only one of RetiringPrincipal and RetiringServicePrincipal can be specified."))
	case in.GranteeServicePrincipal.Set && !retirers:
		c.Refuse(validation("A retiring principal is required with GranteeServicePrincipal."))
	case in.GranteeServicePrincipal.Set && (in.Constraints == nil || !in.Constraints.SourceARN.Set):
		c.Refuse(validation("The constraint SourceArn is required with GranteeServicePrincipal."))
	}
}

// constraint returns what g says. An empty Subset says nothing.
func (g *GrantConstraints) constraint() constraint {
	switch {
	case g == nil:
		return constraint{}
	case len(g.EncryptionContextEquals) > 0:
		return constraint{equalContext, g.EncryptionContextEquals, g.SourceARN.V}
	case len(g.EncryptionContextSubset) > 0:
		return constraint{subsetContext, g.EncryptionContextSubset, g.SourceARN.V}
	}
	return constraint{SourceARN: g.SourceARN.V}
}

// newGrant is the subject of a CreateGrant.
type newGrant struct {
	*target
	operations operationSet
	constraint constraint
}

func (s *Service) createGrant() operation.Operation {
	actions := []string{"kms:CreateGrant"}
	for _, name := range (^(createsGrants | retiresGrants)).names() {
		actions = append(actions, "kms:"+name)
	}
	return operation.Change[CreateGrantInput, CreateGrantOutput, *newGrant, *CreateGrantInput]{
		Name:    "CreateGrant",
		Actions: actions,
		Subject: s.newGrant,
		Asks: func(c *operation.Call, _ *CreateGrantInput, n *newGrant, asks []authz.Ask) []authz.Ask {
			ask := n.target.ask(c, "kms:CreateGrant", true)
			// A grant that lets the caller make grants must hold all that the new
			// one is to hold: rights of several are not combined.
			n.grants.need |= n.operations
			n.grants.child = &n.constraint
			return n.ofUser(c, append(asks, ask))
		},
		Run: s.runCreateGrant,
	}.Operation()
}

func (s *Service) newGrant(c *operation.Call, in *CreateGrantInput) (*newGrant, error) {
	t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
	if err != nil {
		return nil, err
	}
	n := &newGrant{target: t, operations: setOf(in.Operations...), constraint: in.Constraints.constraint()}
	t.encryption = n.constraint.Pairs
	t.conditions.grant = &grantConditions{
		forResource:    forResource(c),
		operations:     n.operations.names(),
		constraint:     n.constraint,
		grantee:        spelling(c.Partition, in.GranteePrincipal.V),
		granteeService: in.GranteeServicePrincipal.V,
		retirer:        spelling(c.Partition, in.RetiringPrincipal.V),
		retirerService: in.RetiringServicePrincipal.V,
	}
	return n, s.checkTokens(in.GrantTokens)
}

// ofUser asks, where a service acts for the caller, whether the caller may call
// each operation of the grant under the grant's constraint: a service must not
// get more out of its users than they have, unless the operator trusts it with
// that. RetireGrant is nobody's to have but by grants; CreateGrant is asked for
// anyway.
func (n *newGrant) ofUser(c *operation.Call, asks []authz.Ask) []authz.Ask {
	if via := c.Caller.Via; via == nil || via.BeyondUser {
		return asks
	}
	for _, name := range (n.operations &^ (createsGrants | retiresGrants)).names() {
		t := *n.target
		t.conditions.grant = nil
		t.encryption = nil
		if n.key != nil && n.key.Spec == symmetricDefault && ofSymmetricKeys.has(setOf(name)) {
			t.encryption, t.algorithm = n.constraint.Pairs, symmetricDefault
		}
		ask := t.ask(c, "kms:"+name, true)
		ask.OfUser = true
		t.grants.child = &n.constraint // what a grant gave the user is passed on no wider
		asks = append(asks, ask)
	}
	return asks
}

func (s *Service) runCreateGrant(c *operation.Call, tx store.Txn, in *CreateGrantInput, n *newGrant) (*CreateGrantOutput, error) {
	k, err := n.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.ready(toGrant); err != nil {
		return nil, err
	}
	if err := n.fits(k); err != nil {
		return nil, err
	}
	g, err := s.grant(c, in, n, k)
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	if g, err = s.putOnce(c, tx, k, g); err != nil {
		return nil, err
	}
	c.ShowResponse("keyId", k.ARN)
	token := grantToken{Region: g.Region, KeyID: g.KeyID, GrantID: g.ID, Position: tx.Position() + 1}
	return &CreateGrantOutput{GrantToken: s.sealToken(token), GrantID: g.ID}, nil
}

// fits refuses what no grant on k can hold.
func (n *newGrant) fits(k *Key) error {
	if excess := n.operations &^ k.grantable(); excess != 0 {
		return validation("The operations [%s] can't be granted on %s, whose key spec is %s and whose key usage is %s.",
			strings.Join(excess.names(), ", "), k.ARN, k.Spec, k.Usage)
	}
	if n.constraint.Kind != anyContext && k.Spec != symmetricDefault {
		return validation("Encryption context constraints are valid for symmetric encryption keys only; the key spec of %s is %s.", k.ARN, k.Spec)
	}
	return nil
}

// grant makes the record of the grant that is asked for. Its issuer is the
// caller's account. A service has none: what it makes, under a grant of its own,
// the owner of the key issues, so that the grantee's account must agree to it
// wherever that is another one.
func (s *Service) grant(c *operation.Call, in *CreateGrantInput, n *newGrant, k *Key) (*grantRecord, error) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	g := &grantRecord{
		Region: k.Region, KeyID: k.ID, ID: grantID(random), Account: k.Account, Issuer: c.Caller.Principal.Account,
		Created: moment(c), Name: in.Name.V, Operations: n.operations, Constraint: n.constraint,
	}
	if g.Issuer == "" {
		g.Issuer = k.Account
	}
	var err error
	if g.Grantee, err = s.party(c, in.GranteePrincipal, in.GranteeServicePrincipal); err != nil {
		return nil, err
	}
	if g.Retirer, err = s.party(c, in.RetiringPrincipal, in.RetiringServicePrincipal); err != nil {
		return nil, err
	}
	if in.Name.Set {
		g.Fingerprint = s.fingerprint(g)
	}
	return g, nil
}

// party finds the principal that one of two members names; none where both are absent.
func (s *Service) party(c *operation.Call, anybody, service optional.Of[string]) (p party, err error) {
	switch {
	case anybody.Set:
		p.Text = anybody.V
		p.Bound, err = s.nameGrantee(c, p.Text)
	case service.Set:
		p.Text, p.Service = service.V, true
		p.Bound, err = s.nameService(c, p.Text)
	}
	return p, err
}

// putOnce stores g, unless g has a name and there is the same grant already:
// then it returns that one.
func (s *Service) putOnce(c *operation.Call, tx store.Txn, k *Key, g *grantRecord) (*grantRecord, error) {
	if g.Fingerprint == "" {
		return g, s.putGrant(c.Context, tx, k, g)
	}
	n, _, err := nameTable.Get(c.Context, tx, grantKey(g.Region, g.KeyID, string(g.Fingerprint)))
	if errors.Is(err, store.ErrNotFound) {
		return g, s.putGrant(c.Context, tx, k, g)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a name of a grant: %w", err)
	}
	same, rev, err := readGrant(c.Context, tx, g.Region, g.KeyID, n.GrantID)
	if err != nil {
		return nil, damaged(err)
	}
	if !same.repeats(g) {
		return nil, fmt.Errorf("the name of grant %s is that of another: %w", same.ID, store.ErrDamaged)
	}
	grantTable.Require(tx, grantTable.Key(same), rev)
	k.unchanged(tx)
	return same, nil
}
