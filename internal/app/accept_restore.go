package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strconv"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// errInMemory is the answer to what only a server that keeps things can do.
var errInMemory = errors.New("a development server keeps everything in memory only")

// stride is how far the head moves beyond all that is known when a restore is
// accepted. Where the trail was lost with the store, nobody knows how far the
// lost future went: this is more than any goes.
const stride = 1 << 32

type storeAcceptRestoreCommand struct {
	location
	Replay      bool   `default:"true" negatable:"" help:"Make again what was revoked, retired, disabled and deleted since, as the trail has it."`
	TrailLost   bool   `help:"Accept that nobody knows what is lost, because the trail was restored with the store, is shorter than it, or does not verify, or because the store is of a future that was given up: what was revoked since is in force again."`
	Head        string `type:"existingfile" placeholder:"FILE" help:"A head of the trail that audit verify --save-head wrote: the trail must still have it."`
	AcceptRows  bool   `help:"Accept rows that are not those that were last written, as store verify names them, for those that were."`
	LeaveFailed bool   `help:"Go on although something could not be made again."`
	DryRun      bool   `help:"Say what is lost and what would be made again, and accept nothing."`
	By          string `placeholder:"NAME" help:"Who accepts, for the record; the user of the operating system by default."`
	JSON        bool   `name:"json" help:"Print one JSON object."`
}

// A restoreReport says what accepting a restore did, or would do.
type restoreReport struct {
	Position    uint64        `json:"position"`    // where the store stood
	Recorded    uint64        `json:"recorded"`    // up to which change the trail knows
	Lost        uint64        `json:"lostRecords"` // records of changes that the store does not have
	Changes     []*lostChange `json:"changes"`     // what they say
	Unknown     bool          `json:"unknown"`     // whether more may be lost, of which nobody knows
	GivenUp     bool          `json:"givenUp"`     // whether the store is of a future that an earlier restore gave up
	Problems    []string      `json:"problems"`    // of the trail
	Incarnation string        `json:"incarnation"` // before
	Next        string        `json:"next"`        // after; empty with --dry-run
	Rows        bool          `json:"rows"`        // whether rows that were put back are accepted too
	Resumed     bool          `json:"resumed"`     // whether an interrupted run was finished
	Accepted    bool          `json:"accepted"`
}

// Run accepts that the store is older than the trail, or was restored: it says
// what is lost, makes again what can be and must be, and lets the server serve.
// Interrupted at any point, it can be run again.
func (c *storeAcceptRestoreCommand) Run(env *environment) error {
	if err := errors.Join(c.check(), c.checkUser()); err != nil {
		return err
	}
	ctx := context.Background()
	trail, err := c.hasTrail()
	if err != nil {
		return err
	}
	f, err := c.openWith(ctx, c.database, func() error {
		if c.TrailLost {
			return nil
		}
		return c.checkTrail()
	})
	if err != nil {
		return err
	}
	f.log = newLogger(env.stderr, "warn", "text")
	s, err := assemble(ctx, f)
	if err != nil {
		return err
	}
	report, err := c.accept(ctx, s, !trail)
	if report != nil {
		err = errors.Join(err, c.print(env.stdout, report))
	}
	return errors.Join(err, s.close())
}

// accept goes through the steps: see what there is to accept; fix what is
// accepted, and move the head beyond everything that the lost future had, in one
// commit; make again; leave the record; become the next incarnation.
func (c *storeAcceptRestoreCommand) accept(ctx context.Context, s *server, noTrail bool) (*restoreReport, error) {
	plan, report, err := c.survey(ctx, s, noTrail)
	if err != nil {
		return nil, err
	}
	// Who took a record out of the trail would undo a revocation.
	if report.Problems, err = c.examineTrail(ctx, s); err != nil {
		return nil, err
	}
	report.Unknown = report.Unknown || len(report.Problems) > 0
	accepted, err := s.acceptances(ctx, plan.Gap.From-1, plan.Last)
	if err != nil && !errors.Is(err, audit.ErrDamaged) { // that is among the problems
		return nil, err
	}
	var before []gap
	before, report.GivenUp = lostBefore(accepted, plan.Gap)
	shown, counting, err := s.lostChanges(ctx, plan.Gap, before, plan.Last)
	if err != nil && !errors.Is(err, audit.ErrDamaged) { // that is among the problems
		return nil, err
	}
	report.Changes, report.Lost = shown, uint64(len(shown))
	if c.DryRun || !plan.Replay {
		if err := s.foretell(ctx, counting, shown); err != nil {
			return nil, err
		}
	}
	if !plan.Replay {
		counting = nil
		leave(shown)
	}
	if c.DryRun {
		return report, nil
	}
	if n := len(report.Problems); n > 0 && !c.TrailLost {
		return report, usage("the trail does not verify, so that nobody can say what is lost: %d problems, the first: %s; "+
			"put the right trail in place, or accept that with --trail-lost", n, report.Problems[0])
	}
	if report.Unknown && !report.Resumed && !c.TrailLost {
		return report, usage("the trail tells nothing of what came after the backup: what was revoked, disabled or deleted since is in force again, " +
			"and nobody can say what it was; accept that with --trail-lost")
	}
	if report.GivenUp && !report.Resumed && !c.TrailLost {
		return report, usage("the store is of a future that an earlier restore gave up: what was given in it is in force again, " +
			"and not all that was taken away since can be made again; put another one in place, or accept that with --trail-lost")
	}
	if err := c.count(ctx, s); err != nil {
		return report, err
	}
	if !report.Resumed {
		if err := s.fix(ctx, plan); err != nil {
			return report, err
		}
	}
	if err := s.followTrail(ctx); err != nil {
		return report, err
	}
	if err := s.pipeline.Drain(ctx); err != nil {
		return report, fmt.Errorf("bringing the trail up to the store: %w", err)
	}
	if err := s.makeAgain(ctx, counting, shown); err != nil {
		return report, err
	}
	if n := count(shown, failed); n > 0 && !c.LeaveFailed {
		return report, fmt.Errorf("%d changes could not be made again, and the store is not accepted: put it right and run this again, or go on without them with --leave-failed", n)
	}
	if err := s.keys.SweepDeleted(ctx); err != nil {
		return report, err
	}
	if err := s.conclude(ctx, plan, report); err != nil {
		return report, err
	}
	report.Next, report.Rows, report.Accepted = s.incarnation.ID, plan.Rows, true
	return report, nil
}

// survey finds out what there is to accept.
func (c *storeAcceptRestoreCommand) survey(ctx context.Context, s *server, noTrail bool) (*accepting, *restoreReport, error) {
	at, err := s.position(ctx)
	if err != nil {
		return nil, nil, err
	}
	last, recorded, err := s.reached()
	if err != nil {
		return nil, nil, err
	}
	report := &restoreReport{Position: at, Recorded: recorded, Incarnation: s.incarnation.name(), Changes: []*lostChange{}}
	behind := report.Position < report.Recorded
	r := s.incarnation.Restored
	report.Unknown = noTrail || r != nil && r.Trail
	interrupted := s.incarnation.Accepting
	if a := interrupted; a != nil && !behind {
		report.Position, report.Resumed = a.Gap.From-1, true
		// What the first run had to be told, it was told.
		return a, report, nil
	}
	short := s.cutOff(ctx)
	if short != nil && !errors.Is(short, errCutOff) {
		return nil, nil, short
	}
	if !behind && r == nil && !noTrail && short == nil && !c.AcceptRows {
		if err := s.store.Sound(); err != nil {
			return nil, nil, fmt.Errorf("%w; %s", err, lookAtRows)
		}
		return nil, nil, usage("there is nothing to accept: the store has every change that the trail has, and was not restored; " +
			"rows that store verify names are accepted with --accept-rows")
	}
	a := &accepting{ID: drawIncarnation(), Last: last, Replay: c.Replay, Rows: c.AcceptRows, By: c.By}
	if a.By == "" {
		a.By = systemUser()
	}
	a.Gap = gap{From: report.Position + 1, To: max(report.Position, report.Recorded) + stride}
	if interrupted != nil { // put back as it was then: all that was to be made again may be lost once more
		a.Gap.From, a.Gap.Before = interrupted.Gap.From, interrupted.Gap.Before
		return a, report, nil
	}
	if a.Gap.Before, err = s.kept(ctx, report.Position, last); err != nil && !errors.Is(err, audit.ErrDamaged) { // see examineTrail
		return nil, nil, err
	}
	return a, report, nil
}

// examineTrail returns what is wrong with the trail.
func (c *storeAcceptRestoreCommand) examineTrail(ctx context.Context, s *server) ([]string, error) {
	var head []byte
	if c.Head != "" {
		var err error
		if head, err = os.ReadFile(c.Head); err != nil {
			return nil, fmt.Errorf("reading the head: %w", err)
		}
	}
	r, err := s.verifyWholeTrail(ctx, head)
	if err != nil {
		return nil, fmt.Errorf("verifying the trail: %w", err)
	}
	return append([]string{}, r.Problems...), nil
}

// systemUser names who runs this program, as far as the system says.
func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

func (s *server) position(ctx context.Context) (at uint64, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		at = r.Position()
		return nil
	})
	return at, err
}

// reached tells how far the trail got, see audit.Log.
func (s *server) reached() (last, outbox uint64, err error) {
	t, ok := s.trail.(interface{ Reached() (uint64, uint64) })
	if !ok {
		return 0, 0, errInMemory
	}
	last, outbox = t.Reached()
	return last, outbox, nil
}

// count takes the rows for those that were last written, or refuses a store in
// which they are not.
func (c *storeAcceptRestoreCommand) count(ctx context.Context, s *server) error {
	if c.AcceptRows {
		return s.store.Recount(ctx, tables())
	}
	if err := s.store.Sound(); err != nil {
		return fmt.Errorf("%w; %s", err, lookAtRows)
	}
	return nil
}

// fix writes down what is being accepted, and moves the head beyond the gap, in
// one commit. From here on no position of the lost future can be given again.
func (s *server) fix(ctx context.Context, plan *accepting) error {
	s.incarnation.Accepting = plan
	s.incarnation.Gaps = append(s.incarnation.Gaps, plan.Gap)
	if err := s.store.Advance(ctx, plan.Gap.To, map[string][]byte{metaIncarnation: s.incarnation.encode()}); err != nil {
		return fmt.Errorf("moving the store beyond what is lost: %w", err)
	}
	return nil
}

// What the record of an accepted restore says of the future that was lost, see lostBy.
const (
	acceptRestore  = "AcceptRestore"
	storePosition  = "storePosition"
	nextPosition   = "nextPosition"
	lastKeptRecord = "lastKeptRecord" // the Before of the gap
)

// lostBy returns the future that was lost by a restore, if the change was accepting it.
// Where it is not told where that begins within a batch, nor is the rest known well
// enough: in records of earlier versions, and see conclude.
func lostBy(l *operation.Lost) (g gap, ok bool) {
	if l.Source != operatorSource || l.Name != acceptRestore {
		return gap{}, false
	}
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(l.Members[name], 10, 64)
		ok = ok && err == nil
		return n
	}
	ok = true
	g = gap{From: number(storePosition) + 1, To: number(nextPosition) - 1, Before: number(lastKeptRecord)}
	return g, ok
}

// conclude leaves the record and makes the store its next incarnation. A crash
// in between leaves a record more, which says the same.
func (s *server) conclude(ctx context.Context, plan *accepting, report *restoreReport) error {
	err := s.pipeline.CarryOut(ctx, operatorSource, func(tx store.Txn) (*operation.Event, error) {
		tx.Touch("incarnation") // a commit that has nothing else to write
		number := func(n uint64) string { return strconv.FormatUint(n, 10) }
		e := &operation.Event{Name: acceptRestore, Time: s.now(), Region: "", Details: []operation.Member{
			{Name: "acceptedBy", Value: plan.By},
			{Name: "incarnation", Value: plan.ID},
			{Name: "previousIncarnation", Value: s.incarnation.name()},
			{Name: storePosition, Value: number(plan.Gap.From - 1)},
			{Name: "trailPosition", Value: number(report.Recorded)},
			{Name: nextPosition, Value: number(plan.Gap.To + 1)},
			{Name: "trailLost", Value: strconv.FormatBool(report.Unknown)},
			{Name: "givenUp", Value: strconv.FormatBool(report.GivenUp)},
			{Name: "rowsAccepted", Value: strconv.FormatBool(plan.Rows)},
			{Name: "replayed", Value: strconv.FormatBool(plan.Replay)},
			{Name: "lostChanges", Value: number(report.Lost)},
			{Name: "madeAgain", Value: strconv.Itoa(count(report.Changes, madeAgain))},
			{Name: "toDoByHand", Value: strconv.Itoa(count(report.Changes, byHand))},
			{Name: "failed", Value: strconv.Itoa(count(report.Changes, failed))},
			{Name: "lastLostRecord", Value: number(plan.Last)},
		}}
		// A store that was put back as it was in the midst of accepting, which has moved
		// beyond the same gap before, has a part of what lies in this one: nobody is to
		// conclude from the record that all of that was lost.
		before := s.incarnation.Gaps[:len(s.incarnation.Gaps)-1]
		if !slices.ContainsFunc(before, func(g gap) bool { return g.From == plan.Gap.From }) {
			e.Details = append(e.Details, operation.Member{Name: lastKeptRecord, Value: number(plan.Gap.Before)})
		}
		return e, nil
	})
	if err != nil {
		return fmt.Errorf("recording what was accepted: %w", err)
	}
	s.incarnation.ID, s.incarnation.Restored, s.incarnation.Accepting = plan.ID, nil, nil
	if err := s.store.PutMeta(ctx, map[string][]byte{metaIncarnation: s.incarnation.encode()}); err != nil {
		return fmt.Errorf("accepting the store: %w", err)
	}
	return nil
}

// leave says of what would be made again that it is not.
func leave(shown []*lostChange) {
	for _, c := range shown {
		if c.Outcome == toBeMade {
			c.Outcome, c.Reason = byHand, "nothing is made again"
		}
	}
}

func count(list []*lostChange, outcome string) (n int) {
	for _, c := range list {
		if c.Outcome == outcome {
			n++
		}
	}
	return n
}

func (c *storeAcceptRestoreCommand) print(w io.Writer, r *restoreReport) error {
	if c.JSON {
		return printJSON(w, r)
	}
	fmt.Fprintf(w, "The store stands at change %d, the trail knows of changes up to %d.\n", r.Position, r.Recorded)
	for _, p := range r.Problems {
		fmt.Fprintf(w, "problem of the trail: %s\n", p)
	}
	if r.GivenUp {
		fmt.Fprintln(w, "The store is of a future that an earlier restore gave up: run store verify on it, and look at what was given then.")
	}
	switch {
	case len(r.Problems) > 0:
		fmt.Fprintln(w, "The trail does not verify: whether more is lost than it tells is not known.")
	case r.Unknown:
		fmt.Fprintln(w, "The trail was restored with the store: what came after the backup is not known.")
	case r.Lost == 0:
		fmt.Fprintln(w, "No change is lost.")
	}
	if r.Lost > 0 {
		fmt.Fprintf(w, "%d records tell of changes that the store does not have:\n", r.Lost)
	}
	for _, l := range r.Changes {
		l.print(w)
	}
	if n := count(r.Changes, byHand) + count(r.Changes, failed); n > 0 {
		fmt.Fprintf(w, "%d of them took something away that is back, or may be, until somebody takes it away again:\n", n)
		for _, l := range r.Changes {
			if l.Outcome == byHand || l.Outcome == failed {
				l.print(w)
			}
		}
	}
	if r.Resumed {
		fmt.Fprintln(w, "An interrupted run was finished: what it made again is not counted here.")
	}
	if r.Rows {
		fmt.Fprintln(w, "What is in the store counts as what was last written.")
	}
	if r.Accepted {
		fmt.Fprintf(w, "Accepted: the store is now incarnation %s.\n", r.Next)
	}
	return nil
}
