package simulate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Config says where a profile plays, and with what.
type Config struct {
	Endpoint string
	Region   string

	// Credentials of the account in which it plays, who may make users, roles
	// and keys there.
	Credentials aws.Credentials

	// Services are the credentials of the profile's service principals, by their names.
	Services map[string]aws.Credentials

	// Key, User and Role are the operator's own, whose policies he tries: ARN of
	// the key, name of the user who asks the service, ARN of the role that is
	// passed to it. What is empty is made for the run. Steps that change the key
	// are then left out.
	Key, User, Role string

	HTTP *http.Client
	Now  func() time.Time
	Each func(*Result) // is told of each step when it is done; may be nil
}

// A Result is how a step ended.
type Result struct {
	Number  int
	Step    Step
	Skipped string // why the step was left out; empty where it was taken
	Got     Outcome
	Said    string // what the server said, or what is wrong with its answer
	Passed  bool
}

// Played is what remains of a run.
type Played struct {
	Began   time.Time
	Account string
	Suffix  string   // in the names of everything that was made
	Keys    []string // ARNs
	Results []Result
}

// Failed counts the steps that did not end as they should.
func (p *Played) Failed() int {
	failed := 0
	for i := range p.Results {
		if !p.Results[i].Passed && p.Results[i].Skipped == "" {
			failed++
		}
	}
	return failed
}

// Run plays a profile: it makes what the profile needs, takes every step, and
// takes away what it made. The error tells what kept it from playing; steps that
// end otherwise than they should are in the results.
func Run(ctx context.Context, c *Config, p *Profile) (*Played, error) {
	s := &stage{
		config:   c,
		profile:  p,
		server:   &server{endpoint: strings.TrimSuffix(c.Endpoint, "/") + "/", region: c.Region, http: c.HTTP, now: c.Now},
		users:    make(map[string]aws.Credentials),
		userARNs: make(map[string]string),
		roleARNs: make(map[role]string),
		sessions: make(map[session]aws.Credentials),
		kept:     make(map[string]any),
		grants:   make(map[string]string),
		ended:    make(map[string]bool),
	}
	for _, service := range p.Services {
		if _, ok := c.Services[service.Name]; !ok {
			return nil, fmt.Errorf("no credentials of the service principal %s were given", service.Name)
		}
	}
	played := &Played{Began: c.Now()}
	err := s.set(ctx)
	if err == nil {
		played.Results = s.play(ctx)
	}
	played.Account, played.Suffix, played.Keys = s.account, s.suffix, s.keys
	// What was made goes, also when the run was interrupted.
	if left := s.clear(context.WithoutCancel(ctx)); left != nil {
		err = errors.Join(err, fmt.Errorf("clearing up: %w", left))
	}
	if err == nil {
		err = ctx.Err()
	}
	return played, err
}

func (s *stage) play(ctx context.Context) []Result {
	var results []Result
	for i, step := range s.profile.script.steps {
		if ctx.Err() != nil {
			break
		}
		r := Result{Number: i + 1, Step: *step}
		r.Step.Call = s.fill(step.Call)
		if step.alters && slices.Contains(s.own, false) {
			r.Skipped = "it would change a key that is not the simulation's own"
		} else {
			s.take(ctx, &r)
		}
		results = append(results, r)
		if s.config.Each != nil {
			s.config.Each(&r)
		}
	}
	return results
}

// take takes a step and judges how it ended.
func (s *stage) take(ctx context.Context, r *Result) {
	out, err := s.call(ctx, &r.Step)
	if missing := (*missing)(nil); errors.As(err, &missing) {
		r.Skipped = missing.Error()
		return
	}
	r.Got, r.Said = outcome(err)
	r.Said = s.shorten(r.Said)
	r.Passed = r.Got == r.Step.Want
	if err != nil {
		return
	}
	for member, name := range r.Step.keep {
		s.kept[name] = out[member]
	}
	if r.Step.check == nil {
		return
	}
	if err := r.Step.check(s, out); err != nil {
		r.Passed, r.Said = false, err.Error()
	}
}

// shorten takes out of a text what is the same in all, and long.
func (s *stage) shorten(text string) string {
	account := ":" + s.account + ":"
	short := []string{"simulate-" + s.suffix + "-", "", "arn:" + s.partition + ":iam:" + account, "", "arn:" + s.partition + ":sts:" + account, ""}
	for i, arn := range s.keys {
		short = append(short, arn, keyNumber(i).text)
	}
	return strings.NewReplacer(short...).Replace(text)
}

// outcome reads how a call ended.
func outcome(err error) (Outcome, string) {
	if err == nil {
		return OK, ""
	}
	var answer *refused
	if !errors.As(err, &answer) {
		return "FAILURE", err.Error()
	}
	switch code := Outcome(answer.Code); code {
	case "AccessDenied", "AccessDeniedException":
		return Deny, answer.Message
	case OK, Deny: // words of ours, which no error can claim
		return "FAILURE", answer.Error()
	default:
		return code, answer.Message
	}
}
