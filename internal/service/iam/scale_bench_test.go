package iam_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/words/optional"
)

// crowdOfAccount is how many users, roles and policies an account has at most: its quota of roles.
const crowdOfAccount = 1000

// A crowd is a world on SQLite with many users, as many roles and as many policies.
type crowd struct {
	*world
	size  int
	calls int // of operations that make something
	facts authz.Facts
	judge authz.Judge
	keys  map[string]*policy.Policy // policy of a key, by account
}

func newCrowd(b *testing.B, size int) *crowd {
	d, err := sqlite.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	c := &crowd{
		world: worldOn(b, iam.Options{}, &countingDriver{Driver: d}),
		size:  size,
		facts: authz.Facts{Time: start, Region: "us-east-1", Secure: true},
		keys:  make(map[string]*policy.Policy),
	}
	const batch = 50 // of six rows each: a transaction writes 500 at most
	for from := 0; from < size; from += batch {
		id := accountOf(from)
		c.update(func(tx store.Txn) error {
			if from > 0 && from%crowdOfAccount == 0 {
				if err := c.iam.CreateAccount(b.Context(), tx, id, "", text(""), start); err != nil {
					return err
				}
			}
			return iam.Fill(b.Context(), tx, id, from, min(from+batch, size), statement("Allow", "kms:List*", "*"), statement("Allow", "kms:Encrypt", "*"))
		})
		c.keys[id], err = policy.Compile(policy.KeyPolicy, "default", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",
			"Principal":{"AWS":"arn:aws:iam::`+id+`:root"},"Action":"kms:*","Resource":"*"}}`), nil)
		if err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// accountOf is the account of the user, role and policy with a number.
func accountOf(i int) string {
	if i < crowdOfAccount {
		return account
	}
	return fmt.Sprintf("%012d", i/crowdOfAccount)
}

// any is the number of some user, role or policy of the first account.
func (c *crowd) any() int { return rand.IntN(min(c.size, crowdOfAccount)) }

// decide looks a user up by the access key, and judges a call on a key whose policy lets the
// account in, as the walk of every call does.
func (c *crowd) decide(i int) {
	credential, err := c.iam.Credential(context.Background(), iam.FilledKey(i), "")
	if err != nil {
		c.t.Fatal(err)
	}
	owner := credential.Caller.Principal.Account
	ask := authz.Ask{
		Action: "kms:Encrypt", Resource: "arn:aws:kms:us-east-1:111122223333:key/k", Account: owner,
		Rule: policy.ExplicitTrust, CrossAccount: true, Policy: c.keys[owner],
	}
	if err := c.judge.Allow(&c.facts, credential.Caller, &ask); err != nil {
		c.t.Fatal(err)
	}
}

// cool ends what is in memory of a user and the policies.
func (c *crowd) cool(i int) {
	c.update(func(tx store.Txn) error { return iam.Cool(context.Background(), tx, accountOf(i), i) })
}

// change makes a call of the root user.
func (c *crowd) change(name string, in any) {
	if _, err := c.root().call(name, in); err != nil {
		c.t.Fatal(err)
	}
	c.calls++
}

// BenchmarkCrowd measures in turns among 10 users, roles and policies, among 1,000 of each, and
// among 10,000 or as many as CLAVIGER_PRINCIPALS says. The ratios are those of medians. Measured are
//
//   - warm: decisions for a caller who is in memory;
//   - cold: decisions for a caller who must be read, with the policies that must be compiled;
//   - others: decisions right after a change of somebody else;
//   - changes, durable.
func BenchmarkCrowd(b *testing.B) {
	many := 10_000
	if n, err := strconv.Atoi(os.Getenv("CLAVIGER_PRINCIPALS")); err == nil {
		many = n
	}
	crowds := []*crowd{newCrowd(b, 10), newCrowd(b, 1000), newCrowd(b, many)}
	number := func(name string, i int) optional.Of[string] { return some(fmt.Sprint(name, i)) }
	for _, test := range []struct {
		name   string
		before func(*crowd) int // not measured; returns a number for run
		times  int
		run    func(*crowd, int)
	}{
		{"warm", func(*crowd) int { return 7 }, 1000, (*crowd).decide},
		{"cold", func(c *crowd) int {
			i := rand.IntN(c.size)
			c.cool(i)
			return i
		}, 1, (*crowd).decide},
		{"others", func(c *crowd) int {
			c.decide(7)
			c.change("TagUser", &iam.TagUserInput{UserName: some("user8"), Tags: []iam.Tag{{Key: some("team"), Value: some("red")}}})
			return 7
		}, 1, (*crowd).decide},
		{"CreateUser", (*crowd).any, 1, func(c *crowd, _ int) {
			c.change("CreateUser", &iam.CreateUserInput{UserName: number("new", c.calls)})
		}},
		{"PutUserPolicy", (*crowd).any, 1, func(c *crowd, i int) {
			c.change("PutUserPolicy", &iam.PutUserPolicyInput{UserName: number("user", i), PolicyName: some("own"), PolicyDocument: some(statement("Allow", "kms:Encrypt", fmt.Sprint("arn:aws:kms:*:*:key/", c.calls)))})
		}},
		{"AttachRolePolicy", func(c *crowd) int {
			i := c.any()
			c.change("DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: number("role", i), PolicyARN: number("arn:aws:iam::"+account+":policy/policy", i)})
			return i
		}, 1, func(c *crowd, i int) {
			c.change("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: number("role", i), PolicyARN: number("arn:aws:iam::"+account+":policy/policy", i)})
		}},
		{"TagRole", (*crowd).any, 1, func(c *crowd, i int) {
			c.change("TagRole", &iam.TagRoleInput{RoleName: number("role", i), Tags: []iam.Tag{{Key: some("team"), Value: number("v", c.calls)}}})
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			took := make([][]time.Duration, len(crowds))
			for range b.N {
				for i, c := range crowds {
					n := test.before(c)
					start := time.Now()
					for range test.times {
						test.run(c, n)
					}
					took[i] = append(took[i], time.Since(start))
				}
			}
			median := func(i int) float64 {
				slices.Sort(took[i])
				return float64(took[i][len(took[i])/2]) / float64(test.times)
			}
			b.ReportMetric(median(0), "ns/op")
			b.ReportMetric(median(1)/median(0), "1000÷10")
			b.ReportMetric(median(2)/median(0), fmt.Sprintf("%d÷10", many))
		})
	}
}
