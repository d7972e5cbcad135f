package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// crowd is how many clients call at a time.
const crowd = 64

// TestGrantsComeAndGo makes and retires grants in sequence, then by many at a
// time: none is lost, and none is left. One of the crowd holds a grant through it all.
func TestGrantsComeAndGo(t *testing.T) {
	t.Parallel()
	rounds := 1_000
	if long() {
		rounds = 10_000
	}
	s := newStage(t)
	key := s.newKey()
	grantee := s.newUser(s.owner, "grantee", "")
	var keeper string
	must[struct{}](t)(struct{}{}, granting{key: key, to: grantee.arn, ops: "GenerateDataKey", under: subset(ofCustomer), id: &keeper}.call(t.Context(), s.owner))

	// round makes a grant for one purpose and retires it. Some rounds see that it
	// lets its grantee in, and no longer than it should.
	round := func(owner, user *caller, n int) error {
		var id string
		with := pairs{"n": itoa(n)}
		grant := granting{key: key, to: grantee.arn, retirer: grantee.arn, ops: "GenerateDataKey", under: equals(with), id: &id}
		if err := grant.call(t.Context(), owner); err != nil {
			return fmt.Errorf("creating: %w", err)
		}
		tried := n%20 == 0
		if tried {
			if err := dataKey(key, with, nil)(t.Context(), user); err != nil {
				return fmt.Errorf("using: %w", err)
			}
		}
		if err := retire(key, &id)(t.Context(), user); err != nil {
			return fmt.Errorf("retiring: %w", err)
		}
		if !tried {
			return nil
		}
		if got, message := ended(dataKey(key, with, nil)(t.Context(), user)); got != denied {
			return fmt.Errorf("using what was retired: %s %s", got, message)
		}
		return nil
	}
	for n := range rounds {
		if err := round(s.owner, grantee, n); err != nil {
			t.Fatalf("round %d: %v", n, err)
		}
	}
	s.alone(t, key, keeper)

	var next, done atomic.Int64
	var clients sync.WaitGroup
	for range crowd {
		owner, user := s.caller(s.owner.credentials), s.caller(grantee.credentials)
		clients.Go(func() {
			for n := int(next.Add(1)); n <= rounds; n = int(next.Add(1)) {
				if err := round(owner, user, n); err != nil {
					t.Errorf("round %d of the crowd: %v", n, err)
					return
				}
				done.Add(1)
			}
		})
	}
	clients.Wait()
	if int(done.Load()) != rounds {
		t.Errorf("the crowd finished %d rounds, want %d", done.Load(), rounds)
	}
	s.alone(t, key, keeper)
	if err := dataKey(key, ofCustomer, nil)(t.Context(), grantee); err != nil {
		t.Errorf("the grant that was kept: %v", err)
	}
}

// alone demands that a key has exactly one grant.
func (s *stage) alone(t *testing.T, key, id string) {
	t.Helper()
	if got := must[[]string](t)(grantIDs(t.Context(), s.owner, key)); !slices.Equal(got, []string{id}) {
		t.Errorf("the key has %d grants, want the one that was kept", len(got))
	}
}

// TestGrantsStandTogether: what many make at a time is there, each once, and goes
// as it came.
func TestGrantsStandTogether(t *testing.T) {
	t.Parallel()
	const each = 8
	s := newStage(t)
	key := s.newKey()
	grantee := s.newUser(s.owner, "grantee", "")
	ids := make([][]string, crowd)
	var clients sync.WaitGroup
	for c := range crowd {
		owner := s.caller(s.owner.credentials)
		clients.Go(func() {
			for range each {
				var id string
				if err := (granting{key: key, to: grantee.arn, ops: "GenerateDataKey", id: &id}).call(t.Context(), owner); err != nil {
					t.Errorf("creating: %v", err)
					return
				}
				ids[c] = append(ids[c], id)
			}
		})
	}
	clients.Wait()
	all := slices.Concat(ids...)
	slices.Sort(all)
	if got := must[[]string](t)(grantIDs(t.Context(), s.owner, key)); len(all) != crowd*each || !slices.Equal(got, all) {
		t.Fatalf("%d grants were answered, %d are listed, want %d", len(all), len(got), crowd*each)
	}
	for i, id := range all {
		if err := dataKey(key, nil, nil)(t.Context(), grantee); err != nil {
			t.Fatalf("with %d duplicates left: %v", len(all)-i, err)
		}
		must[struct{}](t)(struct{}{}, revoke(key, &id)(t.Context(), s.owner))
	}
	if got, message := ended(dataKey(key, nil, nil)(t.Context(), grantee)); got != denied {
		t.Errorf("with no duplicate left: %s %s", got, message)
	}
}

// An ending is something that ends what a crowd of clients does.
type ending struct {
	user *caller
	end  call
	want string // how calls end afterwards
}

// TestRevocationUnderLoad: what was ended is over for every call that is sent
// after the answer, whatever others are under way.
func TestRevocationUnderLoad(t *testing.T) {
	t.Parallel()
	const invalid = "UnrecognizedClientException"
	for name, begin := range map[string]func(s *stage, key string) ending{
		"grant revoked": func(s *stage, key string) ending {
			user := s.newUser(s.owner, "user", "")
			id := s.granted(key, user.arn)
			return ending{user, revoke(key, &id), denied}
		},
		"grant retired": func(s *stage, key string) ending {
			user := s.newUser(s.owner, "user", "")
			id := s.granted(key, user.arn)
			return ending{user, retire(key, &id), denied}
		},
		"key disabled": func(s *stage, key string) ending {
			user := s.newUser(s.owner, "user", "")
			s.granted(key, user.arn)
			return ending{user, disable(key), "DisabledException"}
		},
		"role deleted": func(s *stage, key string) ending {
			user := s.newUser(s.owner, "user", identityPolicy("sts:AssumeRole"))
			role := s.newRole(s.owner, "role", trusts("arn:aws:iam::"+house+":root"), "")
			s.granted(key, role)
			return ending{s.assume(user, role, "session"), func(ctx context.Context, by *caller) error {
				_, err := by.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: ptr("role")})
				return err
			}, invalid}
		},
		"user deleted": func(s *stage, key string) ending {
			user := s.newUser(s.owner, "user", "")
			s.granted(key, user.arn)
			return ending{user, func(ctx context.Context, by *caller) error {
				if _, err := by.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ptr("user"), AccessKeyId: &user.credentials.AccessKeyID}); err != nil {
					return err
				}
				_, err := by.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: ptr("user")})
				return err
			}, invalid}
		},
		"service disabled": func(s *stage, key string) ending {
			service := s.register(rds, kmsActions)
			must[struct{}](s.t)(struct{}{}, putKeyPolicy(key, statement(rds, "kms:GenerateDataKey", ""))(s.t.Context(), s.owner))
			return ending{service.caller, func(context.Context, *caller) error { s.disable(rds); return nil }, invalid}
		},
		"forward access ended": func(s *stage, key string) ending {
			user := s.newUser(s.owner, "user", "")
			s.granted(key, user.arn)
			via := s.through(user, s.register(rds, kmsActions))
			return ending{via, func(context.Context, *caller) error { s.disable(rds); return nil }, invalid}
		},
		"session ended": func(s *stage, key string) ending {
			user := s.newUser(s.owner, "user", "")
			s.granted(key, user.arn)
			out := must[*sts.GetSessionTokenOutput](s.t)(user.sts.GetSessionToken(s.t.Context(), &sts.GetSessionTokenInput{})).Credentials
			session := s.caller(aws.Credentials{AccessKeyID: *out.AccessKeyId, SecretAccessKey: *out.SecretAccessKey, SessionToken: *out.SessionToken})
			return ending{session, func(ctx context.Context, by *caller) error {
				_, err := by.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: ptr("user"), AccessKeyId: &user.credentials.AccessKeyID, Status: types.StatusTypeInactive})
				return err
			}, invalid}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			key := s.newKey()
			begin(s, key).underLoad(t, s, key)
		})
	}
}

// granted makes a grant of the key's use.
func (s *stage) granted(key, to string) string {
	s.t.Helper()
	var id string
	must[struct{}](s.t)(struct{}{}, granting{key: key, to: to, ops: "GenerateDataKey Decrypt", id: &id}.call(s.t.Context(), s.owner))
	return id
}

// underLoad lets the crowd call until the end was answered, and a few times more.
func (e ending) underLoad(t *testing.T, s *stage, key string) {
	t.Helper()
	var over atomic.Bool
	var calls, late atomic.Int64
	var clients sync.WaitGroup
	busy := make(chan struct{}, crowd)
	for range crowd {
		user := s.caller(e.user.credentials)
		clients.Go(func() {
			began := sync.OnceFunc(func() { busy <- struct{}{} })
			defer began()
			for after := 0; after < 3; {
				sentAfter := over.Load()
				got, message := ended(dataKey(key, nil, nil)(t.Context(), user))
				calls.Add(1)
				switch {
				case got != allowed && got != e.want:
					t.Errorf("a call ended with %s: %s", got, message)
					return
				case sentAfter && got != e.want:
					t.Errorf("a call that was sent after the answer ended with %s, want %s", got, e.want)
					return
				case sentAfter:
					after++
					late.Add(1)
				}
				began()
			}
		})
	}
	for range crowd { // everybody is at it
		<-busy
	}
	if err := e.end(t.Context(), s.caller(s.owner.credentials)); err != nil {
		t.Fatal(err)
	}
	over.Store(true)
	clients.Wait()
	if late.Load() != 3*crowd || calls.Load() < 4*crowd {
		t.Errorf("%d calls, %d of them after the end, want %d", calls.Load(), late.Load(), 3*crowd)
	}
}
