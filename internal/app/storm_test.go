package app

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// TestVerifyBesideStorm: while callers change things of all kinds, and names go from
// one to another, no verification of the store finds a problem.
func TestVerifyBesideStorm(t *testing.T) {
	t.Parallel()
	storm(t, func(s *server, _ *location) { sound(t, s) })
}

// TestRestoreBesideStorm: each backup that is made while callers change things of all
// kinds is restored, accepted with what was lost made again, and verified.
func TestRestoreBesideStorm(t *testing.T) {
	t.Parallel()
	storm(t, func(s *server, l *location) { drill(t, s, l) })
}

// storm has callers change things, and does something beside them until they have ended.
func storm(t *testing.T, beside func(s *server, l *location)) {
	t.Helper()
	steps := 30
	if os.Getenv("CLAVIGER_LONG") != "" {
		steps = 200
	}
	l := initialised(t)
	s := serverOf(t, l, func(f *foundations) { f.development = true })
	defer s.mustClose(t)
	var callers, others sync.WaitGroup
	for n := range 4 {
		c := newChurn(t, s, n)
		callers.Go(func() {
			for range steps {
				c.step()
			}
		})
	}
	over := make(chan struct{})
	for _, do := range []func(s *server, l *location){
		beside,
		func(s *server, _ *location) { s.keepLastUses(t.Context()) },
	} {
		others.Go(func() {
			for {
				do(s, l)
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	callers.Wait()
	close(over)
	others.Wait()
	sound(t, s)
}

// drill backs a server up, restores the backup elsewhere and accepts it there.
func drill(t *testing.T, s *server, l *location) {
	t.Helper()
	var written bytes.Buffer
	carrier, err := store.CarrierOf(s.driver)
	if err == nil {
		err = s.writeBackup(t.Context(), carrier, &written)
	}
	if err != nil {
		t.Errorf("backing up: %v", err)
		return
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "one.backup")
	if err := os.WriteFile(file, written.Bytes(), 0o600); err != nil {
		t.Error(err)
		return
	}
	at := location{Data: filepath.Join(dir, "data"), Store: "sqlite:", RootKey: "file:" + filepath.Join(l.Data, rootKeyFile)}
	for _, command := range []interface{ Run(*environment) error }{
		&restoreCommand{location: at, From: file},
		&storeAcceptRestoreCommand{location: at, Replay: true, TrailLost: true, By: "storm"},
		&storeVerifyCommand{where{location: at}},
	} {
		out := new(bytes.Buffer)
		if err := command.Run(&environment{stdout: out, stderr: out}); err != nil {
			t.Errorf("%T: %v: %s", command, err, out)
			return
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

// A churn is a caller that changes what is its own, at random.
type churn struct {
	*world
	root  *authz.Credential
	keys  []*churnKey
	alias optional.Of[string]
	named bool // the alias is there
	users map[string]*churnUser
}

type churnKey struct {
	id           optional.Of[string]
	off, pending bool
}

// A churnUser is one of three that there may be at a time, of three names; nil is none.
type churnUser struct {
	policy bool
	access optional.Of[string]
}

func newChurn(t *testing.T, s *server, n int) *churn {
	c := &churn{world: &world{t: t, server: s, driver: s.driver, entrances: make(map[string]*pipeline.Entrance), names: n * 1_000_000}}
	c.enter()
	c.root = c.caller(owner)
	for range 3 {
		c.keys = append(c.keys, &churnKey{id: optional.Some(c.key())})
	}
	c.alias = optional.Some(c.fresh("alias/storm"))
	c.users = map[string]*churnUser{c.fresh("user"): nil, c.fresh("user"): nil, c.fresh("user"): nil}
	return c
}

func (c *churn) step() {
	k := c.keys[rand.IntN(len(c.keys))]
	var name string // of a user, or free; a map has no order
	for name = range c.users {
		break
	}
	user := c.users[name]
	steps := []func(){func() { c.turn(k) }, func() { c.schedule(k) }, func() { c.user(name) }}
	if !k.off && !k.pending {
		steps = append(steps, func() { c.use(k) }, func() { c.point(k) })
	}
	if user != nil {
		steps = append(steps, func() { c.policy(name, user) }, func() { c.access(name, user) }, func() { c.rename(name, user) })
	}
	steps[rand.IntN(len(steps))]()
}

func (c *churn) turn(k *churnKey) {
	switch {
	case k.pending:
		c.must(c.root, "kms:CancelKeyDeletion", &kms.CancelKeyDeletionInput{KeyID: k.id})
		k.off, k.pending = true, false
	case k.off:
		c.must(c.root, "kms:EnableKey", &kms.EnableKeyInput{KeyID: k.id})
		k.off = false
	default:
		c.must(c.root, "kms:DisableKey", &kms.DisableKeyInput{KeyID: k.id})
		k.off = true
	}
}

func (c *churn) schedule(k *churnKey) {
	if !k.pending {
		c.must(c.root, "kms:ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyID: k.id})
		k.pending = true
	}
}

// use uses a key, and has it used for a moment by somebody else.
func (c *churn) use(k *churnKey) {
	c.blob(k.id.V)
	out := c.must(c.root, "kms:CreateGrant", &kms.CreateGrantInput{
		KeyID: k.id, GranteePrincipal: optional.Some("arn:aws:iam::" + owner + ":root"), Operations: []string{"Encrypt"},
	}).(*kms.CreateGrantOutput)
	c.must(c.root, "kms:RevokeGrant", &kms.RevokeGrantInput{KeyID: k.id, GrantID: optional.Some(out.GrantID)})
}

func (c *churn) point(k *churnKey) {
	if c.named {
		c.must(c.root, "kms:DeleteAlias", &kms.DeleteAliasInput{AliasName: c.alias})
	} else {
		c.must(c.root, "kms:CreateAlias", &kms.CreateAliasInput{AliasName: c.alias, TargetKeyID: k.id})
	}
	c.named = !c.named
}

// user makes a user, or deletes the one of that name.
func (c *churn) user(name string) {
	user := c.users[name]
	if user == nil {
		c.must(c.root, "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some(name)})
		c.users[name] = new(churnUser)
		return
	}
	if user.access.Set {
		c.must(c.root, "iam:DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: optional.Some(name), AccessKeyID: user.access})
	}
	if user.policy {
		c.policy(name, user)
	}
	c.must(c.root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: optional.Some(name)})
	c.users[name] = nil
}

func (c *churn) policy(name string, user *churnUser) {
	of, policy := optional.Some(name), optional.Some("policy")
	if user.policy {
		c.must(c.root, "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: of, PolicyName: policy})
	} else {
		c.must(c.root, "iam:PutUserPolicy", &iam.PutUserPolicyInput{
			UserName: of, PolicyName: policy, PolicyDocument: optional.Some(document(`{"Effect":"Allow","Action":"kms:*","Resource":"*"}`)),
		})
	}
	user.policy = !user.policy
}

func (c *churn) access(name string, user *churnUser) {
	of := optional.Some(name)
	if !user.access.Set {
		out := c.must(c.root, "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: of}).(*iam.CreateAccessKeyOutput)
		user.access = optional.Some(out.AccessKey.AccessKeyID)
		return
	}
	status := optional.Some([]string{"Active", "Inactive"}[rand.IntN(2)])
	c.must(c.root, "iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: of, AccessKeyID: user.access, Status: status})
}

// rename gives a user a name that is free.
func (c *churn) rename(name string, user *churnUser) {
	for free, who := range c.users {
		if who == nil {
			c.must(c.root, "iam:UpdateUser", &iam.UpdateUserInput{UserName: optional.Some(name), NewUserName: optional.Some(free)})
			c.users[name], c.users[free] = nil, user
			return
		}
	}
}
