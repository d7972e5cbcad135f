package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"claviger/internal/ground/audit"
)

type auditCommand struct {
	Tail   auditTailCommand   `cmd:"" help:"Print records of the trail, one JSON object a line."`
	Verify auditVerifyCommand `cmd:"" help:"Verify the trail: seals, Merkle roots, chain, signatures, sequence."`
}

type auditTailCommand struct {
	where
	From   int64 `default:"1" placeholder:"N" help:"First sequence number to print."`
	Follow bool  `short:"f" help:"Go on printing as records come."`
}

// Run prints records as they stand in the trail.
func (c *auditTailCommand) Run(env *environment) error {
	return c.call(env, "/audit/tail", tailRequest{From: c.From, Follow: c.Follow}, func(r io.Reader) error {
		lines := json.NewDecoder(r)
		for {
			var line tailLine
			if err := lines.Decode(&line); errors.Is(err, io.EOF) {
				return nil
			} else if errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("reading the trail: the server broke off, since it was stopped or for a reason that its log has: %w", err)
			} else if err != nil {
				return fmt.Errorf("reading the trail: %w", err)
			}
			var err error
			if c.JSON {
				err = printJSON(env.stdout, line)
			} else {
				_, err = fmt.Fprintf(env.stdout, "%s\n", line.Record)
			}
			if err != nil {
				return err
			}
		}
	})
}

type auditVerifyCommand struct {
	where
	Head     string `type:"path" placeholder:"FILE" help:"A head kept from an earlier time: detects records cut off since."`
	SaveHead string `type:"path" placeholder:"FILE" help:"Write the present head there, for a later --head."`
}

// Run verifies the whole trail and fails where it finds a problem. That of a store
// which was put back is verified too.
func (c *auditVerifyCommand) Run(env *environment) error {
	var in verifyRequest
	if c.Head != "" {
		head, err := os.ReadFile(c.Head)
		if err != nil {
			return fmt.Errorf("reading the head: %w", err)
		}
		in.Head = head
	}
	err := c.callAnyway(env, "/audit/verify", in, func(r io.Reader) error {
		var report audit.Report
		if err := readReport(r, &report); err != nil {
			return err
		}
		return c.report(env, &report)
	})
	if errors.Is(err, audit.ErrDamaged) {
		noneBegins(newLogger(env.stderr, "warn", "text"), err)
		return c.unopened(env, in.Head)
	}
	return err
}

// unopened verifies a trail to which nothing can be appended: its end is damaged, and
// perhaps more of it.
func (c *auditVerifyCommand) unopened(env *environment, head []byte) error {
	ctx := context.Background()
	f, err := c.open(ctx)
	if err != nil {
		return err
	}
	report, err := f.verify(ctx, f.trailOptions(time.Now), head)
	if err = errors.Join(err, f.driver.Close()); err != nil {
		return err
	}
	return c.report(env, report)
}

func readReport(r io.Reader, into *audit.Report) error {
	if err := json.NewDecoder(r).Decode(into); err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	return nil
}

func (c *auditVerifyCommand) report(env *environment, report *audit.Report) error {
	if c.SaveHead != "" && len(report.Problems) == 0 {
		if err := writeDurably(c.SaveHead, report.Head); err != nil {
			return fmt.Errorf("saving the head: %w", err)
		}
	}
	if c.JSON {
		if err := printJSON(env.stdout, report); err != nil {
			return err
		}
	} else {
		printReport(env.stdout, report, c.Head != "")
	}
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("the trail does not verify: %d problems", n)
	}
	return nil
}

func printReport(w io.Writer, report *audit.Report, headGiven bool) {
	fmt.Fprintf(w, "%d records (%d to %d) in %d batches of %d segments\n",
		report.Records, report.First, report.Last, report.Batches, report.Segments)
	for _, recovery := range report.Recoveries {
		fmt.Fprintf(w, "recovered: %s\n", recovery)
	}
	for _, problem := range report.Problems {
		fmt.Fprintf(w, "problem: %s\n", problem)
	}
	switch {
	case report.Anchored:
		fmt.Fprintln(w, "nothing has been cut off since the given head")
	case !headGiven:
		fmt.Fprintln(w, "no head was given: records cut off at the end can't be detected")
	}
	if len(report.Problems) == 0 {
		fmt.Fprintln(w, "the trail verifies")
	}
}
