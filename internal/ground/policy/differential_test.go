package policy_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
)

// The public simulator that the decision is compared with. It is installed by
// npm where the test runs, is asked in a process of its own, and nothing of it
// is here.
const (
	simulator = "@cloud-copilot/iam-simulate@0.1.173"
	questions = 100_000
)

// TestAgreesWithTheSimulator asks the public simulator and Decide the same
// questions. Where the answers differ, one of the divergences must say why.
func TestAgreesWithTheSimulator(t *testing.T) {
	t.Parallel()
	if os.Getenv("CLAVIGER_LONG") == "" {
		t.Skip("a long run")
	}
	o := startOracle(t)
	verdicts, explained := map[string]int{}, map[string]int{}
	for seed := range uint64(questions) {
		tr := drawTrial(rand.New(rand.NewPCG(seed, 2012)))
		ours, theirs := tr.decide(t), o.ask(t, tr)
		verdicts[ours]++
		if ours == theirs {
			continue
		}
		answer, reasons := tr.explain(t)
		if answer != theirs {
			small := tr.shrink(func(smaller *trial) bool { return o.differs(t, smaller) })
			t.Fatalf("seed %d: we say %s, the simulator %s: %s", seed, small.decide(t), o.ask(t, small), small.text(t))
		}
		for _, why := range reasons {
			explained[why]++
		}
	}
	t.Logf("%d questions: %v", questions, verdicts)
	for _, d := range append(divergences, divergence{reason: sessionsLimit}) {
		if t.Logf("%d times: %s", explained[d.reason], d.reason); explained[d.reason] == 0 {
			t.Errorf("nothing rests on a divergence any more: %s", d.reason)
		}
	}
	if n := verdicts["Allowed"]; n < questions/10 || n > questions/2 {
		t.Errorf("%d of %d questions are allowed: they are lopsided", n, questions)
	}
}

// oracle is the simulator's process.
type oracle struct {
	in  io.Writer
	out *bufio.Reader
}

func startOracle(t *testing.T) *oracle {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("without %s there is no simulator to compare with: install Node.js 20", tool)
		}
	}
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", simulator)
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("the simulator can't be installed: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/simulator.mjs", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return &oracle{in, bufio.NewReader(out)}
}

// ask returns Allowed, ImplicitlyDenied or ExplicitlyDenied.
func (o *oracle) ask(t *testing.T, tr *trial) string {
	if _, err := io.WriteString(o.in, tr.text(t)+"\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := o.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer)
}

// differs reports whether the simulator answers tr otherwise than we do, and no
// divergence says why.
func (o *oracle) differs(t *testing.T, tr *trial) bool {
	answer, _ := tr.explain(t)
	theirs := o.ask(t, tr)
	return tr.decide(t) != theirs && answer != theirs
}

func (tr *trial) text(t *testing.T) string {
	text, err := json.Marshal(tr)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decide is Decide in the simulator's words.
func (tr *trial) decide(t *testing.T) string {
	v := policy.Decide(tr.input(t))
	switch {
	case v.Allowed:
		return "Allowed"
	case v.Explicit:
		return "ExplicitlyDenied"
	}
	return "ImplicitlyDenied"
}

// shrink leaves out what can be left out while keep holds.
func (tr *trial) shrink(keep func(*trial) bool) *trial {
	for again := true; again; {
		again = false
		for _, smaller := range tr.smaller() {
			if keep(smaller) {
				tr, again = smaller, true
				break
			}
		}
	}
	return tr
}

// smaller lists tr with one thing less.
func (tr *trial) smaller() []*trial {
	var all []*trial
	for _, list := range []func(*trial) *[]*drawn{
		func(c *trial) *[]*drawn { return &c.Identity },
		func(c *trial) *[]*drawn { return &c.Boundary },
	} {
		for i := range *list(tr) {
			c := *tr
			*list(&c) = slices.Delete(slices.Clone(*list(tr)), i, i+1)
			all = append(all, &c)
		}
	}
	if tr.Session != nil {
		c := *tr
		c.Session = nil
		all = append(all, &c)
	}
	if tr.ResourcePolicy != nil && tr.subject().rule == policy.Standard { // keys and roles are never without
		c := *tr
		c.ResourcePolicy = nil
		all = append(all, &c)
	}
	for _, tree := range []func(*trial) *[][]*drawn{
		func(c *trial) *[][]*drawn { return &c.ServiceControl },
		func(c *trial) *[][]*drawn { return &c.ResourceControl },
	} {
		for i := range *tree(tr) {
			c := *tr
			*tree(&c) = slices.Delete(slices.Clone(*tree(tr)), i, i+1)
			all = append(all, &c)
		}
	}
	for k := range tr.Context {
		c := *tr
		c.Context = maps.Clone(tr.Context)
		delete(c.Context, k)
		all = append(all, &c)
	}
	return append(all, tr.smallerDocuments()...)
}

// smallerDocuments lists tr with one document that says less.
func (tr *trial) smallerDocuments() []*trial {
	var all []*trial
	tr.each(func(d *drawn) {
		for _, less := range d.smaller() {
			before := *d
			*d = less
			all = append(all, tr.copy())
			*d = before
		}
	})
	return all
}
