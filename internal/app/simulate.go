package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"claviger/internal/simulate"
)

// simulateCommand plays a service of AWS against a running server.
type simulateCommand struct {
	Profile  string `arg:"" help:"The service: rds, forecast or voiceid."`
	Endpoint string `required:"" env:"AWS_ENDPOINT_URL" placeholder:"URL" help:"Where the server is."`
	Region   string `default:"us-east-1" env:"AWS_REGION,AWS_DEFAULT_REGION" placeholder:"NAME" help:"Region of the calls."`
	Socket   string `env:"CLAVIGER_SOCKET" type:"path" placeholder:"PATH" help:"Admin socket of the server, to register the services for this run."`
	Services string `type:"path" placeholder:"FILE" help:"Services that are registered already: what service-principal create --json printed, one after the other."`
	Key      string `placeholder:"ARN" help:"Try this key and its policy; a key of its own by default."`
	User     string `placeholder:"NAME" help:"Ask the service as this user; a user of its own by default. He has an access key more while it lasts."`
	Role     string `placeholder:"ARN" help:"Pass this role to the service; a role of its own by default."`
	Full     bool   `help:"voiceid: re-encrypt everything when the domain's key changes."`
	Trail    bool   `help:"Print what the trail has of it; needs --socket."`
}

// Run plays the profile and fails where a step ends otherwise than it should.
func (c *simulateCommand) Run(env *environment) error {
	if err := c.check(); err != nil {
		return err
	}
	profile, err := simulate.Named(c.Profile, simulate.Options{Full: c.Full})
	if err != nil {
		return usageError{err}
	}
	credentials := aws.Credentials{
		AccessKeyID:     env.getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: env.getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    env.getenv("AWS_SESSION_TOKEN"),
	}
	if !credentials.HasKeys() {
		return usage("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: the simulation needs an account's root user, or one who may make users, roles and keys")
	}
	services, err := c.registered()
	if err != nil {
		return err
	}
	made, err := c.register(profile, services)
	if err != nil {
		return errors.Join(err, c.disable(made))
	}
	return errors.Join(c.play(env, profile, credentials, services), c.disable(made))
}

func (c *simulateCommand) check() error {
	switch {
	case c.Full && c.Profile != "voiceid":
		return usage("--full is for the profile voiceid")
	case c.Role != "" && c.Profile != "forecast":
		return usage("--role is for the profile forecast: no other service is passed a role")
	case c.Trail && c.Socket == "":
		return usage("--trail needs --socket: the trail is read over it")
	case (c.User != "" || c.Role != "") && c.Key == "":
		return usage("--user and --role are tried on a key of yours: name it with --key")
	}
	return nil
}

// play runs the profile and prints each step as it ends.
func (c *simulateCommand) play(env *environment, profile *simulate.Profile, credentials aws.Credentials, services map[string]aws.Credentials) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Fprintln(env.stdout, profile.Head())
	played, err := simulate.Run(ctx, &simulate.Config{
		Endpoint: c.Endpoint, Region: c.Region, Credentials: credentials, Services: services,
		Key: c.Key, User: c.User, Role: c.Role,
		HTTP: &http.Client{
			Timeout:       time.Minute,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // what is signed for one server is for no other
		},
		Now:  time.Now,
		Each: func(r *simulate.Result) { _ = r.Print(env.stdout) }, // the exit code tells whoever does not read
	}, profile)
	if err != nil {
		return err
	}
	if c.Trail {
		if err := c.tell(env, played); err != nil {
			return err
		}
	}
	if err := played.Print(env.stdout); err != nil {
		return err
	}
	if failed := played.Failed(); failed > 0 {
		return fmt.Errorf("%d steps did not end as they should", failed)
	}
	return nil
}

// registered reads the services that the operator has registered.
func (c *simulateCommand) registered() (map[string]aws.Credentials, error) {
	services := make(map[string]aws.Credentials)
	if c.Services == "" {
		return services, nil
	}
	file, err := os.Open(c.Services)
	if err != nil {
		return nil, fmt.Errorf("reading the services: %w", err)
	}
	defer file.Close()
	for answers := json.NewDecoder(file); ; {
		var a createServicePrincipalAnswer
		if err := answers.Decode(&a); errors.Is(err, io.EOF) {
			return services, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the services in %s: %w", c.Services, err)
		}
		services[a.ServicePrincipal.Name] = aws.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey}
	}
}

// register registers those services of the profile that are not given, and
// returns their names.
func (c *simulateCommand) register(profile *simulate.Profile, services map[string]aws.Credentials) ([]string, error) {
	var made []string
	for _, s := range profile.Services {
		if _, given := services[s.Name]; given {
			continue
		}
		if c.Socket == "" {
			return made, usage("the profile needs the service principal %s: give its credentials with --services, or let it be registered with --socket", s.Name)
		}
		in := createServicePrincipalRequest{
			Name: s.Name, SigningName: s.SigningName, Actions: s.Actions,
			GrantsBeyondUser: s.GrantsBeyondUser, Infrastructure: s.Infrastructure,
		}
		err := post(c.Socket, "/service-principal/create", in, func(r io.Reader) error {
			var a createServicePrincipalAnswer
			if err := json.NewDecoder(r).Decode(&a); err != nil {
				return fmt.Errorf("reading the answer: %w", err)
			}
			services[s.Name] = aws.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey}
			made = append(made, s.Name)
			return nil
		})
		if err != nil {
			return made, fmt.Errorf("registering %s: %w", s.Name, err)
		}
	}
	return made, nil
}

// disable ends the services that were registered for the run.
func (c *simulateCommand) disable(names []string) error {
	var failed []error
	for _, name := range slices.Backward(names) {
		in := disableServicePrincipalRequest{Name: name}
		if err := post(c.Socket, "/service-principal/disable", in, func(io.Reader) error { return nil }); err != nil {
			failed = append(failed, fmt.Errorf("disabling %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// tell prints the records of the run.
func (c *simulateCommand) tell(env *environment, played *simulate.Played) error {
	fmt.Fprint(env.stdout, "\nWhat the trail has of it (time, outcome, call, who, on what):\n\n")
	return post(c.Socket, "/audit/tail", tailRequest{}, func(r io.Reader) error {
		for lines := json.NewDecoder(r); ; {
			var line tailLine
			if err := lines.Decode(&line); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("reading the trail: %w", err)
			}
			text, err := played.Line(line.Record)
			if err == nil && text != "" {
				_, err = fmt.Fprintln(env.stdout, text)
			}
			if err != nil {
				return err
			}
		}
	})
}
