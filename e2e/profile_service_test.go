package e2e

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// A job is work of the predictor's service under a grant of its own. It is what
// the service remembers, also after a crash.
type job struct {
	name, id string
}

// begin is what the service does for CreateDataset and CreatePredictor. Without a
// key it has nothing to ask.
func (p *predictor) begin(user *caller, role, key string, j *job) error {
	if key == "" {
		return nil
	}
	if account := strings.Split(role, ":")[4]; account != user.account {
		return &smithy.GenericAPIError{Code: "InvalidInputException", Message: "the role is of another account"}
	}
	form := p.ask(user, "forecast", time.Now()).form()
	form.Set("PassRoleArn", role)
	c, err := p.trade(p.service.caller, form)
	if err != nil {
		return err
	}
	via := p.caller(c)
	for _, check := range []call{p.asks(&p.dataset), p.asks(nil)} {
		var dry smithy.APIError
		if err := check(p.t.Context(), via); !errors.As(err, &dry) || dry.ErrorCode() != "DryRunOperationException" {
			return err
		}
	}
	as := p.throughIssuer(p.assume(p.service.caller, role, "forecast"))
	if err := describe(key)(p.t.Context(), as); err != nil {
		return err
	}
	return granting{key: key, to: forecast, ops: "Decrypt GenerateDataKey", name: j.name, id: &j.id}.call(p.t.Context(), as)
}

// end is what the service does when the work is done.
func (p *predictor) end(role, key string, j *job) error {
	return retire(key, &j.id)(p.t.Context(), p.throughIssuer(p.assume(p.service.caller, role, "forecast")))
}

// TestForecastService is the table of a service that works by a passed role.
func TestForecastService(t *testing.T) {
	t.Parallel()
	p := newPredictor(t)
	must[struct{}](t)(struct{}{}, dataKey(p.key, nil, &p.dataset)(t.Context(), p.owner))
	half := p.newUser(p.owner, "half", "")
	p.allowPassing("half")
	seen := len(p.order(t, p.key, 0))
	rows := 0
	// expects demands how a row ends and what the trail has of it on the key.
	expects := func(row string, err error, want string, calls ...string) {
		t.Helper()
		rows++
		if got, message := ended(err); got != want {
			t.Errorf("%s: %s %s, want %s", row, got, message, want)
		}
		got := p.order(t, p.key, seen)
		seen += len(got)
		if !slices.Equal(got, calls) {
			t.Errorf("%s: the trail has %q, want %q", row, got, calls)
		}
	}
	const asked, askedToo = "Decrypt DryRunOperationException", "GenerateDataKey DryRunOperationException"
	live := func() int { return len(must[[]string](t)(grantIDs(t.Context(), p.owner, p.key))) }

	dataset := &job{name: "import"}
	expects("1", p.begin(p.analyst, p.passed, p.key, dataset), allowed, asked, askedToo, "DescribeKey", "CreateGrant")
	expects("2", p.end(p.passed, p.key, dataset), allowed, "RetireGrant")
	if n := live(); n != 0 {
		t.Errorf("2: %d grants are left", n)
	}
	seen++ // the list
	expects("3", p.begin(half, p.passed, p.key, &job{}), denied, "Decrypt AccessDenied")
	if n := live(); n != 0 {
		t.Errorf("3: %d grants are left", n)
	}
	seen++

	statements := []string{statement(p.analyst.arn, "kms:Decrypt kms:GenerateDataKey", "")}
	put := func(more ...string) {
		t.Helper()
		must[struct{}](t)(struct{}{}, putKeyPolicy(p.key, append(statements, more...)...)(t.Context(), p.owner))
		seen++
	}
	put(statement(p.passed, "kms:DescribeKey kms:RetireGrant", viaForecast(region, house)))
	expects("4", p.begin(p.analyst, p.passed, p.key, &job{}), denied, asked, askedToo, "DescribeKey", "CreateGrant AccessDenied")
	put(statement(p.passed, passedActions, viaForecast("eu-west-1", house)))
	expects("8", p.begin(p.analyst, p.passed, p.key, &job{}), denied, asked, askedToo, "DescribeKey AccessDenied")
	put(p.statement)

	work := &job{name: "predictor"}
	ctx, service := t.Context(), p.service.caller
	expects("5, the predictor", p.begin(p.analyst, p.passed, p.key, work), allowed, asked, askedToo, "DescribeKey", "CreateGrant")
	expects("5, trained", dataKey(p.key, nil, &p.artifact)(ctx, service), allowed, "GenerateDataKey")
	expects("6, disabled", disable(p.key)(ctx, p.owner), allowed, "DisableKey")
	expects("6, forecast", decrypt(p.key, &p.artifact, nil, 32)(ctx, service), "DisabledException", "Decrypt DisabledException")
	expects("6, export", dataKey(p.key, nil, nil)(ctx, service), "DisabledException", "GenerateDataKey DisabledException")
	expects("6, enabled", enable(p.key)(ctx, p.owner), allowed, "EnableKey")
	expects("5, revoked", revoke(p.key, &work.id)(ctx, p.owner), allowed, "RevokeGrant")
	expects("5", decrypt(p.key, &p.artifact, nil, 32)(ctx, service), denied, "Decrypt AccessDenied")

	expects("7", p.begin(p.analyst, p.passed, "", &job{}), allowed)
	foreign := p.newRole(p.rootOf(partner), "ROLE_PASSED_TO_FORECAST", trusts(forecast), "")
	expects("9", p.begin(p.analyst, foreign, p.key, &job{}), "InvalidInputException")

	// The service crashes once the grant is made, begins again under the same
	// name, and finishes.
	crashed, again := &job{name: "import-2"}, &job{name: "import-2"}
	expects("10, crashed", p.begin(p.analyst, p.passed, p.key, crashed), allowed, asked, askedToo, "DescribeKey", "CreateGrant")
	expects("10, begun again", p.begin(p.analyst, p.passed, p.key, again), allowed, asked, askedToo, "DescribeKey", "CreateGrant")
	if crashed.id != again.id {
		t.Errorf("10: beginning again made another grant, %s beside %s", again.id, crashed.id)
	}
	expects("10, finished", p.end(p.passed, p.key, again), allowed, "RetireGrant")
	if n := live(); n != 0 {
		t.Errorf("10: %d grants are left", n)
	}

	// Keys of another kind are refused by the first thing that the service asks of
	// them, and have no grants.
	for spec, usage := range map[types.KeySpec]types.KeyUsageType{
		types.KeySpecEccNistP256: types.KeyUsageTypeSignVerify, types.KeySpecHmac256: types.KeyUsageTypeGenerateVerifyMac,
	} {
		other := *p
		other.dataset = []byte("of no key, so that nothing but the kind of this one is wrong")
		other.key = p.newKeyOf(spec, usage, statement(p.analyst.arn, "kms:Decrypt kms:GenerateDataKey", ""), p.statement)
		if got, message := ended(other.begin(p.analyst, p.passed, other.key, &job{})); got != "InvalidKeyUsageException" {
			t.Errorf("11: a key of the spec %s ended in %s %s", spec, got, message)
		}
		if ids := must[[]string](t)(grantIDs(t.Context(), p.owner, other.key)); len(ids) > 0 {
			t.Errorf("11: grants are left: %v", ids)
		}
		rows++
	}
	if rows != 20 {
		t.Errorf("%d rows were played, want 20", rows)
	}
}

// TestVoiceIDService is the table of a domain, except what is about another key:
// see TestVoiceIDKeyChange.
func TestVoiceIDService(t *testing.T) {
	t.Parallel()
	v := newVoiceDomain(t)
	enrol := func(blob *[]byte) call { return objectKey(v.key1, ofDomain, blob) }
	var other []byte
	demanding := v.newKey(statement(v.role, voiceActions, `{"kms:EncryptionContext:aws:voiceid:domain:arn":"`+domain+`"}`))
	wrong := v.working(demanding, nil)
	wrong.under = subset(ofOtherDomain)

	v.play("1", allowed, v.via, v.working(v.key1, &v.g1).call)
	v.play("1, validated", allowed, v.service.caller, describe("alias/sample-key-alias", forAccount(house)))
	v.play("2", denied, v.via, wrong.call)
	v.play("3", allowed, v.service.caller, enrol(&v.blob1))
	v.play("4", denied, v.service.caller, decrypt(v.key1, &v.blob1, ofOtherDomain, 32))
	v.play("5", denied, v.service.caller, decrypt(v.key1, &v.blob1, nil, 32))
	v.play("7, disabled", allowed, v.owner, disable(v.key1))
	v.play("7, enrol", "DisabledException", v.service.caller, enrol(nil))
	v.play("7, evaluate", "DisabledException", v.service.caller, decrypt(v.key1, &v.blob1, ofDomain, 32))
	v.play("7, enabled", allowed, v.owner, enable(v.key1))
	v.play("7, enrol again", allowed, v.service.caller, enrol(&other))
	v.play("7, nothing lost", allowed, v.service.caller, decrypt(v.key1, &v.blob1, ofDomain, 32))
	v.play("6, revoked", allowed, v.owner, revoke(v.key1, &v.g1))
	v.play("6, enrol", denied, v.service.caller, enrol(nil))
	v.play("6, evaluate", denied, v.service.caller, decrypt(v.key1, &v.blob1, ofDomain, 32))
	v.play("12, granted again", allowed, v.via, v.working(v.key1, &v.g1).call)
	v.play("12, nothing lost", allowed, v.service.caller, decrypt(v.key1, &other, ofDomain, 32))
	v.play("12", allowed, v.service.caller, retire(v.key1, &v.g1))
	v.play("12, none left", allowed, v.owner, lists(v.key1))
	trail := v.checkTrail(t, 19)
	holds(t, "3", v.record(t, trail, "3"), object{"requestParameters": object{"encryptionContext": exactly{"aws:voiceid:domain:arn": domain}}})
	holds(t, "12", v.record(t, trail, "12"), object{"eventName": "RetireGrant", "additionalEventData": exactly{"grantId": v.g1}})
}

// A move is how a service takes what it has from one key to another. It says what
// it has come to as the domain would.
type move struct {
	status, message string
}

// run re-encrypts what is left to do, and stops where that fails.
func (m *move) run(ctx context.Context, v *voiceDomain, blobs ...*[]byte) error {
	*m = move{status: "IN_PROGRESS"}
	for _, blob := range blobs {
		if err := v.reEncrypt(blob, ofDomain, blob)(ctx, v.service.caller); err != nil {
			_, message := ended(err)
			*m = move{"FAILED", message}
			return err
		}
	}
	m.status = "COMPLETED"
	return nil
}

// TestVoiceIDKeyChange gives a domain another key: first for what is new, then for
// everything. The service has metadata and a recording from before.
func TestVoiceIDKeyChange(t *testing.T) {
	t.Parallel()
	v := newVoiceDomain(t)
	var metadata, recording, fresh []byte
	open := func(key string, blob *[]byte) call { return decrypt(key, blob, ofDomain, 32) }
	v.play("created", allowed, v.via, v.working(v.key1, &v.g1).call)
	v.play("metadata", allowed, v.service.caller, objectKey(v.key1, ofDomain, &metadata))
	v.play("recording", allowed, v.service.caller, objectKey(v.key1, ofDomain, &recording))

	v.play("8, updated", allowed, v.via, v.working(v.key2, &v.g2).call)
	v.play("8", allowed, v.service.caller, v.reEncrypt(&metadata, ofDomain, &metadata))
	v.play("8, a new object", allowed, v.service.caller, objectKey(v.key2, ofDomain, &fresh))
	v.play("8, the old one", allowed, v.service.caller, open(v.key1, &recording))
	v.play("8, disabled", allowed, v.owner, disable(v.key1))
	v.play("8, the old one breaks", "DisabledException", v.service.caller, open(v.key1, &recording))
	v.play("8, metadata stay", allowed, v.service.caller, open(v.key2, &metadata))
	v.play("8, the new one stays", allowed, v.service.caller, open(v.key2, &fresh))

	var full move
	all := func(ctx context.Context, _ *caller) error { return full.run(ctx, v, &recording) }
	v.play("10", "DisabledException", v.service.caller, all)
	if full.status != "FAILED" || full.message != v.key1+" is disabled." {
		t.Errorf("10: %+v", full)
	}
	v.play("10, enabled", allowed, v.owner, enable(v.key1))
	v.play("10, again", allowed, v.service.caller, all)
	if full.status != "COMPLETED" {
		t.Errorf("10, again: %+v", full)
	}
	v.play("9, disabled", allowed, v.owner, disable(v.key1))
	for _, blob := range []*[]byte{&metadata, &recording, &fresh} {
		v.play("9", allowed, v.service.caller, open(v.key2, blob))
	}

	signer := v.newKeyOf(types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify, statement(v.role, voiceActions, voiceVia))
	rsa := v.newKeyOf(types.KeySpecRsa2048, types.KeyUsageTypeEncryptDecrypt, statement(v.role, voiceActions, voiceVia))
	for _, key := range []string{signer, rsa} {
		v.play("11", "ValidationException", v.via, v.working(key, nil).call)
		v.play("11, none", allowed, v.owner, lists(key))
	}
	trail := v.checkTrail(t, 22)
	holds(t, "8", v.record(t, trail, "8"), object{"eventName": "ReEncrypt", "resources": []any{object{"ARN": v.key1}, object{"ARN": v.key2}},
		"requestParameters": object{"sourceEncryptionContext": exactly{"aws:voiceid:domain:arn": domain}, "destinationEncryptionContext": exactly{"aws:voiceid:domain:arn": domain}}})
}

// TestVolumeService is the table of a database volume, except what is about time
// and volume. Its rows about another account are played by the scenario of that.
func TestVolumeService(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	role := "arn:aws:iam::" + house + ":role/aws:ec2-infrastructure"
	v.machine = v.assume(v.compute.caller, role, instance)
	v.machineARN = v.machine.arn
	neighbour := v.assume(v.compute.caller, role, "i-0000000000000000")
	open := func(with pairs) call { return decrypt(v.key, &v.blob, with, 64) }

	// Who may not create grants, or may not decrypt, gets no database.
	v.play("2, the user", allowed, v.owner, putKeyPolicy(v.key, statement(v.customer.arn, "kms:GenerateDataKeyWithoutPlaintext kms:Decrypt", "")))
	v.play("2", denied, v.viaRDS, v.first().call)
	v.play("2, none", allowed, v.owner, lists(v.key))
	v.play("3, the user", allowed, v.owner, putKeyPolicy(v.key, statement(v.customer.arn, "kms:GenerateDataKeyWithoutPlaintext kms:CreateGrant", "")))
	v.play("3", denied, v.viaRDS, v.first().call)
	var direct string
	own := v.first()
	own.id = &direct
	v.play("3, directly", allowed, v.customer, own.call)
	v.play("3, revoked", allowed, v.owner, revoke(v.key, &direct))
	v.play("1, the user", allowed, v.owner, putKeyPolicy(v.key, statement(v.customer.arn, customerActions, "")))

	v.create()
	v.play("1", allowed, v.machine, open(ofBoth))
	v.play("4", denied, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt ReEncryptFrom", under: subset(ofDatabase)}.call)
	v.play("5", denied, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt", under: subset(ofVolume)}.call)
	v.play("6", allowed, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt", under: subset(ofBoth), id: &direct}.call)
	v.play("6, retired", allowed, v.owner, retire(v.key, &direct))
	v.play("7", denied, v.machine, open(ofDatabase))
	v.play("8", denied, neighbour, open(ofBoth))
	v.play("9", denied, v.machine, open(both(ofAnother, ofVolume)))

	// The grants are independent: without the first, the next attachment of a new
	// volume fails, and what is attached stays.
	v.play("10, revoked", allowed, v.owner, revoke(v.key, &v.g1))
	v.play("10, next volume", denied, v.rds, v.second().call)
	v.play("10, remain", allowed, v.owner, lists(v.key, &v.g2, &v.g3))
	v.play("10, reboot", allowed, v.machine, open(ofBoth))
	v.play("11, disabled", allowed, v.owner, disable(v.key))
	v.play("11, reboot", "DisabledException", v.machine, open(ofBoth))
	v.play("11, restore", "DisabledException", v.host, volumeKey(v.key, both(ofDatabase, pairs{"aws:ebs:id": "snap-1"}), nil))
	v.play("11, enabled", allowed, v.owner, enable(v.key))
	v.play("11, nothing lost", allowed, v.machine, open(ofBoth))
	v.play("12, the first", allowed, v.viaRDS, v.first().call)
	for _, id := range []*string{&v.g1, &v.g2, &v.g3} {
		v.play("12", allowed, v.rds, retire(v.key, id))
	}
	v.play("12, none left", allowed, v.owner, lists(v.key))

	// Starting again makes three new grants, for a new instance and a new volume.
	old := []string{v.g1, v.g2, v.g3}
	v.host = v.assume(v.compute.caller, v.hostRole, "i-again")
	v.machine = v.assume(v.compute.caller, role, "i-again")
	v.machineARN = v.machine.arn
	v.create()
	v.play("again", allowed, v.machine, open(ofBoth))
	for _, id := range []string{v.g1, v.g2, v.g3} {
		if slices.Contains(old, id) {
			t.Errorf("the grant %s is an old one", id)
		}
	}
	v.checkTrail(t, 39)
	got := v.order(t, v.key, 0)
	if first := slices.Index(got, "GenerateDataKeyWithoutPlaintext"); first < 0 || !slices.Equal(got[first-2:first+3],
		[]string{"CreateGrant", "CreateGrant", "GenerateDataKeyWithoutPlaintext", "CreateGrant", "Decrypt"}) {
		t.Errorf("the trail has the calls %q", got)
	}
}

// An operation is something that a service does later on, with what it rests on.
type operation struct {
	name    string
	by      *caller
	do      call
	through bool     // it is the user's, through the service, which a statement of the key policy allows
	uses    bool     // of key material or grants: a disabled key refuses it
	grants  []string // under which it works; none: a policy allows it
	wrong   call     // with another context; nil where it takes none
	refused string   // how that ends
	foreign call     // the same for another account
	alien   *caller
	missing string // how that ends
}

// A consumer is a service in the middle of its work.
type consumer struct {
	*stage
	key        string
	operations []operation
	with       []string          // statements of the key policy
	without    []string          // those without the one that names the service
	elsewhere  []string          // those with the service in another Region
	grant      map[string]func() // makes a grant anew
	ids        map[string]*string
	alias      func(alias string) call // what was made before, by way of an alias
	opener     *caller
}

// TestFailures plays everything that can go wrong against every later operation
// of three services: what the failure is about is refused, what it is not about
// goes on, and when it is over nothing is lost.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, service := range map[string]struct {
		begin func(*testing.T) *consumer
		cases int
	}{
		"rds":      {ofRDS, 82},
		"forecast": {ofForecast, 47},
		"voiceid":  {ofVoiceID, 58},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if n := service.begin(t).fail(); n != service.cases {
				t.Errorf("%d cases were played, want %d", n, service.cases)
			}
		})
	}
}

// fail plays every failure and returns how many cases there were.
func (c *consumer) fail() int {
	before := len(c.played)
	setup := 0
	each := func(failure string, want func(*operation) string) {
		c.t.Helper()
		for i := range c.operations {
			o := &c.operations[i]
			c.play(failure+": "+o.name, want(o), o.by, o.do)
		}
	}
	change := func(row string, do call) {
		c.t.Helper()
		setup++
		c.play(row, allowed, c.owner, do)
	}
	fine := func(*operation) string { return allowed }
	each("before", fine)

	change("disabling", disable(c.key))
	each("key disabled", func(o *operation) string {
		if o.uses {
			return "DisabledException"
		}
		return allowed
	})
	change("enabling", enable(c.key))
	each("key enabled", fine)

	change("scheduling its deletion", scheduleDeletion(c.key))
	each("key pending deletion", func(o *operation) string {
		if o.uses {
			return "KMSInvalidStateException"
		}
		return allowed
	})
	change("cancelling its deletion", cancelDeletion(c.key))
	change("enabling after that", enable(c.key))
	each("deletion cancelled", fine)

	for _, end := range []struct {
		name string
		call func(string, *string) call
	}{{"revoked", revoke}, {"retired", retire}} {
		for name, id := range c.ids {
			change(end.name, end.call(c.key, id))
			each("grant "+end.name, func(o *operation) string {
				if slices.Contains(o.grants, name) {
					return denied
				}
				return allowed
			})
			c.grant[name]()
		}
	}
	for failure, statements := range map[string][]string{"statement lost": c.without, "wrong Region": c.elsewhere} {
		change(failure, putKeyPolicy(c.key, statements...))
		each(failure, func(o *operation) string {
			if o.through {
				return denied
			}
			return allowed
		})
		change(failure+", repaired", putKeyPolicy(c.key, c.with...))
	}
	for i := range c.operations {
		if o := &c.operations[i]; o.wrong != nil {
			c.play("wrong context: "+o.name, o.refused, o.by, o.wrong)
		}
		if o := &c.operations[i]; o.foreign != nil {
			c.play("wrong account: "+o.name, o.missing, o.alien, o.foreign)
		}
	}
	c.repoint()
	each("after", fine)
	n := len(c.played) - before - setup
	c.checkTrail(c.t, len(c.played))
	return n
}

// repoint turns an alias to another key. What exists names its key itself.
func (c *consumer) repoint() {
	name, other := "alias/of-the-service", c.newKey(c.with...)
	must[*kms.CreateAliasOutput](c.t)(c.owner.kms.CreateAlias(c.t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &c.key}))
	c.play("alias", allowed, c.opener, c.alias(name))
	must[*kms.UpdateAliasOutput](c.t)(c.owner.kms.UpdateAlias(c.t.Context(), &kms.UpdateAliasInput{AliasName: &name, TargetKeyId: &other}))
	c.play("alias re-pointed", denied, c.opener, c.alias(name))
	c.play("alias re-pointed, without it", allowed, c.opener, c.alias(""))
}

// opens decrypts a blob under a key that may be named by an alias, or not at all.
func opens(blob *[]byte, with pairs, options ...func(*kms.Options)) func(string) call {
	return func(alias string) call {
		return func(ctx context.Context, by *caller) error {
			in := &kms.DecryptInput{CiphertextBlob: *blob, EncryptionContext: with}
			if alias != "" {
				in.KeyId = &alias
			}
			_, err := by.kms.Decrypt(ctx, in, options...)
			return err
		}
	}
}

// ofRDS is a database that runs.
func ofRDS(t *testing.T) *consumer {
	v := newVolume(t)
	via := func(region string) string {
		return statement(v.customer.arn, customerActions, `{"kms:ViaService":"rds.`+region+`.amazonaws.com"}`)
	}
	c := &consumer{stage: v.stage, key: v.key, with: []string{via(region)}, elsewhere: []string{via("eu-west-1")}}
	must[struct{}](t)(struct{}{}, putKeyPolicy(v.key, c.with...)(t.Context(), v.owner))
	v.create()
	there := v.rootOf(partner)
	namesake := func(name, service, session string, by *service) *caller {
		return v.assume(by.caller, v.newRole(there, name, trusts(service), identityPolicy("kms:*")), session)
	}
	rds2 := namesake("RDS-Service", rds, "rds", v.database)
	host2 := namesake("RDS-Host-Role", ec2, instance, v.compute)
	machine2 := namesake("EC2-Instance-Role", ec2, instance, v.compute)
	user2 := v.through(v.newUser(there, "customer", identityPolicy("kms:*")), v.database)

	var spare string
	first, second, third := v.first(), v.second(), v.third()
	first.id, second.id, third.id = &spare, &spare, &spare
	narrower := third
	narrower.under = subset(ofVolume)
	unbound := second
	unbound.under = nil
	blob := v.blob
	c.operations = []operation{
		{name: "another database", by: v.viaRDS, do: first.call, through: true, uses: true, foreign: first.call, alien: user2, missing: denied},
		{name: "grant to a host", by: v.rds, do: second.call, uses: true, grants: []string{"g1"},
			wrong: unbound.call, refused: denied, foreign: second.call, alien: rds2, missing: denied},
		{name: "volume key", by: v.host, do: volumeKey(v.key, ofBoth, nil), uses: true, grants: []string{"g2"},
			wrong: volumeKey(v.key, ofAnother, nil), refused: denied, foreign: volumeKey(v.key, ofBoth, nil), alien: host2, missing: denied},
		{name: "attachment", by: v.host, do: third.call, uses: true, grants: []string{"g2"},
			wrong: narrower.call, refused: denied, foreign: third.call, alien: host2, missing: denied},
		{name: "boot", by: v.machine, do: decrypt(v.key, &blob, ofBoth, 64), uses: true, grants: []string{"g3"},
			wrong: decrypt(v.key, &blob, ofDatabase, 64), refused: denied, foreign: decrypt(v.key, &blob, ofBoth, 64), alien: machine2, missing: denied},
	}
	// What the operations make on the way lets nobody in who was not let in before:
	// grants of g1's kind are retired at once.
	for i := range c.operations {
		do := c.operations[i].do
		if c.operations[i].name == "volume key" || c.operations[i].name == "boot" {
			continue
		}
		c.operations[i].do = func(ctx context.Context, by *caller) error {
			if err := do(ctx, by); err != nil {
				return err
			}
			_, err := v.rds.kms.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &v.key, GrantId: &spare})
			return err
		}
	}
	c.ids = map[string]*string{"g1": &v.g1, "g2": &v.g2, "g3": &v.g3}
	c.grant = map[string]func(){
		"g1": func() { c.regrant(v.viaRDS, v.first()) },
		"g2": func() { c.regrant(v.rds, v.second()) },
		"g3": func() { c.regrant(v.host, v.third()) },
	}
	c.alias, c.opener = opens(&blob, ofBoth), v.machine
	return c
}

// regrant makes a grant that had ended.
func (c *consumer) regrant(by *caller, g granting) {
	c.t.Helper()
	must[struct{}](c.t)(struct{}{}, g.call(c.t.Context(), by))
}

// bare is a key by its id alone, which a service means in the account that it names.
func bare(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// ofForecast is a predictor in training.
func ofForecast(t *testing.T) *consumer {
	p := newPredictor(t)
	user := statement(p.analyst.arn, "kms:Decrypt kms:GenerateDataKey", "")
	c := &consumer{stage: p.stage, key: p.key, with: []string{user, p.statement}, without: []string{user},
		elsewhere: []string{user, statement(p.passed, passedActions, viaForecast("eu-west-1", house))}}
	c.regrant(p.asRole, p.working())
	must[struct{}](t)(struct{}{}, dataKey(p.key, nil, &p.artifact)(t.Context(), p.service.caller))
	there := p.rootOf(partner)
	foreign := p.throughIssuer(p.assume(p.service.caller, p.newRole(there, "ROLE_PASSED_TO_FORECAST", trusts(forecast), identityPolicy("kms:*")), "forecast"))
	var spare string
	another := p.working()
	another.id = &spare
	begin := func(ctx context.Context, by *caller) error {
		if err := another.call(ctx, by); err != nil {
			return err
		}
		_, err := p.owner.kms.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &p.key, GrantId: &spare})
		return err
	}
	work := func(ctx context.Context, by *caller) error {
		_, err := by.kms.Decrypt(ctx, &kms.DecryptInput{KeyId: ptr(bare(p.key)), CiphertextBlob: p.artifact}, forAccount(partner))
		return err
	}
	c.operations = []operation{
		{name: "look at the key", by: p.asRole, do: describe(p.key), through: true, foreign: describe(p.key), alien: foreign, missing: denied},
		{name: "begin an import", by: p.asRole, do: begin, through: true, uses: true, foreign: another.call, alien: foreign, missing: denied},
		{name: "write", by: p.service.caller, do: dataKey(p.key, nil, nil), uses: true, grants: []string{"g"}},
		{name: "read", by: p.service.caller, do: decrypt(p.key, &p.artifact, nil, 32), uses: true, grants: []string{"g"},
			wrong: decrypt(p.key, &p.artifact, ofCustomer, 32), refused: "InvalidCiphertextException",
			foreign: work, alien: p.service.caller, missing: denied},
	}
	c.ids = map[string]*string{"g": &p.grant}
	c.grant = map[string]func(){"g": func() { c.regrant(p.asRole, p.working()) }}
	c.alias, c.opener = opens(&p.artifact, nil, forAccount(house)), p.service.caller
	return c
}

// ofVoiceID is a domain in use.
func ofVoiceID(t *testing.T) *consumer {
	v := newVoiceDomain(t)
	c := &consumer{stage: v.stage, key: v.key1, with: []string{statement(v.role, voiceActions, voiceVia)},
		elsewhere: []string{statement(v.role, voiceActions, `{"kms:ViaService":"voiceid.eu-west-1.amazonaws.com"}`)}}
	c.regrant(v.via, v.working(v.key1, &v.g1))
	c.regrant(v.via, v.working(v.key2, &v.g2))
	must[struct{}](t)(struct{}{}, objectKey(v.key1, ofDomain, &v.blob1)(t.Context(), v.service.caller))
	there := v.rootOf(partner)
	foreign := v.through(v.newUser(there, "SampleUser", identityPolicy("kms:*")), v.service)
	var spare string
	another := v.working(v.key1, &spare)
	update := func(ctx context.Context, by *caller) error {
		if err := another.call(ctx, by); err != nil {
			return err
		}
		_, err := v.owner.kms.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &v.key1, GrantId: &spare})
		return err
	}
	c.operations = []operation{
		{name: "another domain", by: v.via, do: update, through: true, uses: true, foreign: another.call, alien: foreign, missing: denied},
		{name: "look at the key", by: v.service.caller, do: describe(v.key1), grants: []string{"g"},
			foreign: describe(bare(v.key1), forAccount(partner)), alien: v.service.caller, missing: denied},
		{name: "enrol", by: v.service.caller, do: objectKey(v.key1, ofDomain, nil), uses: true, grants: []string{"g"},
			wrong: objectKey(v.key1, ofOtherDomain, nil), refused: denied},
		{name: "evaluate", by: v.service.caller, do: decrypt(v.key1, &v.blob1, ofDomain, 32), uses: true, grants: []string{"g"},
			wrong: decrypt(v.key1, &v.blob1, ofOtherDomain, 32), refused: denied},
		{name: "move", by: v.service.caller, do: v.reEncrypt(&v.blob1, ofDomain, nil), uses: true, grants: []string{"g"},
			wrong: v.reEncrypt(&v.blob1, ofOtherDomain, nil), refused: denied},
	}
	c.ids = map[string]*string{"g": &v.g1}
	c.grant = map[string]func(){"g": func() { c.regrant(v.via, v.working(v.key1, &v.g1)) }}
	c.alias, c.opener = opens(&v.blob1, ofDomain, forAccount(house)), v.service.caller
	return c
}
