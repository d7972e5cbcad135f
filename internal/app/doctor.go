package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"claviger/internal/app/doctor"
	"claviger/internal/edge/httpfront"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/host"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres"
)

type doctorCommand struct {
	transport
	location
	Listen      string `default:"127.0.0.1:4566" env:"CLAVIGER_LISTEN" placeholder:"ADDR" help:"As of serve."`
	AdminListen string `default:"127.0.0.1:4567" env:"CLAVIGER_ADMIN_LISTEN" placeholder:"ADDR" help:"As of serve."`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// Run examines what a server stands on, with the settings that serve would have.
// It fails where it finds a problem.
func (c *doctorCommand) Run(env *environment) error {
	if err := c.location.check(); err != nil {
		return err
	}
	ctx := context.Background()
	findings := c.machine()
	findings = append(findings, c.network()...)
	findings = append(findings, c.database(ctx)...)
	findings = append(findings, c.contents(ctx)...)
	if err := c.report(env, findings); err != nil {
		return err
	}
	if n := doctor.Problems(findings); n > 0 {
		return fmt.Errorf("%d problems", n)
	}
	return nil
}

func (c *doctorCommand) report(env *environment, findings []doctor.Finding) error {
	if c.JSON {
		return printJSON(env.stdout, map[string]any{"findings": findings, "problems": doctor.Problems(findings)})
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Status, f.Check, f.Message)
		if f.Remedy != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", f.Remedy)
		}
	}
	return w.Flush()
}

// watched is for how long the clock is watched for jumps.
const watched = 200 * time.Millisecond

// machine examines clock, limits, disk and files.
func (c *doctorCommand) machine() []doctor.Finding {
	began := time.Now()
	timer := time.NewTimer(watched)
	limits, err := host.LimitsOf()
	findings := doctor.Limits(limits, err, sealed.Locked())
	var newest time.Time
	if _, missing := os.Stat(c.Data); missing == nil {
		disk, err := host.DiskOf(c.Data)
		findings = append(findings, doctor.Disk(disk, err, diskMin)...)
		if err != nil || !disk.Volatile && !disk.ReadOnly {
			findings = append(findings, doctor.Sync(doctor.SyncTime(c.Data, time.Now)))
		}
		var files []doctor.Finding
		files, newest = doctor.Owned(c.Data, c.user())
		findings = append(findings, files...)
		if user := c.user(); user != os.Geteuid() {
			findings = append(findings, doctor.Fine("files", fmt.Sprintf("the server is taken to run as user %d, to whom the trail belongs", user)))
		}
		findings = append(findings, c.leftovers()...)
	}
	<-timer.C
	now := time.Now()
	jumped := now.Round(0).Sub(began.Round(0)) - now.Sub(began) // by the wall, less by the monotonic clock
	kept, err := host.ClockOf()
	return append(doctor.Clock(now, jumped, newest, kept, err), findings...)
}

// leftovers are files that should be kept elsewhere.
func (c *doctorCommand) leftovers() []doctor.Finding {
	var findings []doctor.Finding
	if path := filepath.Join(c.Data, rootCredentialsFile); exists(path) {
		findings = append(findings, doctor.Doubtful("files", "keep them in a safe and remove the file", path+" still holds the root user's credentials"))
	}
	key := c.keyFile()
	if key == "" || !exists(key) { // what is missing shows when it is opened
		return findings
	}
	if c.keyBeside() {
		return append(findings, doctor.Doubtful("root key", "give it to the server from elsewhere: --root-key, or LoadCredential= in a systemd unit",
			key+" lies beside what it protects: a copy of the directory opens without anything else"))
	}
	return append(findings, doctor.Private("root key", key, c.user())...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// network examines addresses, certificates and proxies.
func (c *doctorCommand) network() []doctor.Finding {
	var findings []doctor.Finding
	if err := c.transport.check(); err != nil {
		findings = append(findings, doctor.Failed("settings", "correct them: serve refuses them, too", err))
	}
	for _, address := range []string{c.Listen, c.AdminListen, c.XksListen} {
		if address == "" {
			continue
		}
		local, err := loopback(address)
		if err != nil {
			findings = append(findings, doctor.Failed("address", "give HOST:PORT", err))
			continue
		}
		findings = append(findings, doctor.Listening(address, local, c.Cert != ""))
	}
	if c.Cert != "" && c.Key != "" {
		findings = append(findings, c.certificates()...)
	}
	if proxies, err := c.proxies(); err == nil {
		findings = append(findings, doctor.Proxies(proxies)...)
	}
	return findings
}

func (c *doctorCommand) certificates() []doctor.Finding {
	files, err := c.transport.read()
	if err != nil {
		return []doctor.Finding{doctor.Failed("certificate", "name files that the server may read, the key closed to others", err)}
	}
	defer clear(files.Key)
	opened, err := httpfront.NewTLS(files)
	if err != nil {
		return []doctor.Finding{doctor.Failed("certificate", "give a certificate and the key that it was made for, in PEM", err)}
	}
	return doctor.Certificate(opened.Certificate(), time.Now())
}

// database examines a PostgreSQL server; there is none to examine otherwise.
func (c *doctorCommand) database(ctx context.Context) []doctor.Finding {
	if !c.shared() {
		return nil
	}
	condition, err := postgres.Examine(ctx, c.Store, time.Now)
	if err != nil {
		return []doctor.Finding{doctor.Failed("database", "see docs/operating/postgresql.md for what is asked of a database", err)}
	}
	return doctor.Database(condition)
}

// contents examines keyring and trail: of a running server through its socket,
// else by opening them as serve does.
func (c *doctorCommand) contents(ctx context.Context) []doctor.Finding {
	if probe, err := dialSocket(ctx, c.socket()); err == nil {
		probe.Close()
		return append(c.readiness(ctx), c.verifyRunning())
	}
	findings := c.free()
	f, err := c.openWith(ctx, c.adopted, c.checkTrail)
	if errors.Is(err, errUninitialised) {
		return append(findings, doctor.Doubtful("keyring", "run claviger init", "nothing is initialised in "+c.place()))
	}
	if err != nil {
		return append(findings, unopened(err))
	}
	return append(append(findings, doctor.Fine("keyring", "the root key opens it")), stopped(ctx, f)...)
}

// stopped examines trail and store of a server that does not run, and closes the store.
func stopped(ctx context.Context, f foundations) (findings []doctor.Finding) {
	const check = "store"
	report, err := f.verify(ctx, f.trailOptions(time.Now), nil)
	if err == nil {
		findings = append(findings, present(ctx, f.driver, f.keyring, report.Outbox))
	}
	s, unopened := store.Open(ctx, f.driver, store.Options{Tables: tables(), Sealer: f.keyring})
	if unopened != nil {
		return append(findings, trailFinding(report, err), doctor.Failed(check, "look at the disk", unopened))
	}
	if err == nil {
		known, e := knownRecord(ctx, s)
		if e != nil {
			findings = append(findings, doctor.Failed(check, lookAtRows, e))
		} else if e := cutOffAt(report.Last, known); e != nil {
			report.Problems = append(report.Problems, e.Error())
		}
	}
	findings = append(findings, trailFinding(report, err))
	if err := s.Close(); err != nil {
		findings = append(findings, doctor.Failed(check, "look at the disk", err))
	}
	return findings
}

// unopened says why a store can't be opened.
func unopened(err error) doctor.Finding {
	switch {
	case errors.Is(err, store.ErrUnfinished):
		return doctor.Failed("store", "run claviger restore or claviger store copy again, as it was run before", err)
	case errors.Is(err, store.ErrOlder):
		return doctor.Doubtful("store", "start this version's server, which adds what is missing, and run the doctor again; see docs/operating/upgrade.md before",
			"an older version made it, and what is in it was not examined")
	case errors.Is(err, store.ErrLocked):
		return doctor.Failed("store", "wait for the command that has it open, or look for a server with another --data or --socket", err)
	}
	return doctor.Failed("keyring", "give the store and the root key that init made: --store, --data, --root-key", err)
}

// present examines whether the store is of the present, as far as the trail tells.
func present(ctx context.Context, d driver.Driver, keys store.Digester, recorded uint64) doctor.Finding {
	const check, remedy = "store", "see docs/operating/backup.md: put the right store in place, or " + goOn
	was, err := readIncarnation(ctx, d)
	if err != nil {
		return doctor.Failed(check, "look at the disk", err)
	}
	if was.Restored != nil || was.Accepting != nil {
		return doctor.Failed(check, remedy, errors.New("it was put back, and nobody has accepted yet what is lost by that"))
	}
	carrier, err := store.CarrierOf(d)
	if err == nil {
		err = withWhole(ctx, carrier, func(w driver.Whole) error {
			if w.Position() < recorded {
				return fmt.Errorf("it was rolled back: it ends at change %d, the trail has change %d", w.Position(), recorded)
			}
			values, err := store.ValuesOf(ctx, w)
			if err != nil {
				return err
			}
			return store.Reconcile(keys, w.Position(), values)
		})
	}
	if errors.Is(err, store.ErrAltered) {
		return doctor.Failed(check, lookAtRows, err)
	}
	if err != nil {
		return doctor.Failed(check, remedy, err)
	}
	return doctor.Fine(check, "it has every change that the trail has")
}

// free examines whether the addresses of a server that does not run are free.
func (c *doctorCommand) free() []doctor.Finding {
	var findings []doctor.Finding
	for _, address := range []string{c.Listen, c.XksListen, c.AdminListen} {
		if address == "" || address == adminListenDefault { // without which a server goes on
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			findings = append(findings, doctor.Failed("address", "stop what listens there, or give another one", err))
			continue
		}
		l.Close()
	}
	return findings
}

// readiness asks a running server how it does.
func (c *doctorCommand) readiness(ctx context.Context) []doctor.Finding {
	const check = "server"
	running := doctor.Fine(check, "one is running: it has opened store and keyring")
	local, err := loopback(c.AdminListen)
	if c.AdminListen == "" || err != nil || !local {
		return []doctor.Finding{running}
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.AdminListen+"/readyz", nil)
	if err != nil {
		return []doctor.Finding{running, doctor.Skipped(check, err.Error())}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return []doctor.Finding{running, doctor.Skipped(check, "its admin port does not answer at "+c.AdminListen)}
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return []doctor.Finding{running}
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096)) // what was read is told
	return []doctor.Finding{running, doctor.Failed(check, "see its log", errors.New(strings.Join(strings.Split(strings.TrimSpace(string(text)), "\n"), "; ")))}
}

// verifyRunning has a running server verify its trail.
func (c *doctorCommand) verifyRunning() doctor.Finding {
	var report audit.Report
	err := post(c.socket(), "/audit/verify", verifyRequest{}, func(r io.Reader) error { return readReport(r, &report) })
	return trailFinding(&report, err)
}

func trailFinding(report *audit.Report, err error) doctor.Finding {
	const check = "trail"
	switch {
	case err != nil:
		return doctor.Failed(check, "see that the trail's directory is whole and can be read", err)
	case report.Torn && len(report.Problems) == 1:
		return doctor.Doubtful(check, "start the server: it gives up what is torn, and leaves a record of that",
			fmt.Sprintf("its %d records verify; a write behind them was interrupted: %s", report.Records, report.Problems[0]))
	case len(report.Problems) > 0:
		return doctor.Failed(check, "keep the files as they are, and find out who or what has altered them; docs/operating/backup.md says what to do where they were cut off or put back",
			fmt.Errorf("it does not verify: %s", strings.Join(report.Problems, "; ")))
	}
	return doctor.Fine(check, fmt.Sprintf("its %d records verify, and none is missing that is known of; whether newer ones were cut off, only claviger audit verify --head can tell", report.Records))
}
