// Package doctor judges the ground that a server stands on.
//
// Each check takes what was found out and says what is wrong with it, and what to
// do. Finding out is its caller's business, except for the files of a directory
// and the time that a disk takes, which are looked at here.
package doctor

import "fmt"

// A Status says how bad a finding is.
type Status string

// The statuses. A problem loses data, opens secrets, or keeps the server from
// serving; a warning may be meant so.
const (
	OK      Status = "ok"
	Unknown Status = "unknown" // this system does not tell, or something else is in the way
	Warning Status = "warning"
	Problem Status = "problem"
)

// A Finding is what a check has to say.
type Finding struct {
	Check   string `json:"check"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"` // what to do about it
}

func ok(check, format string, args ...any) Finding {
	return Finding{Check: check, Status: OK, Message: fmt.Sprintf(format, args...)}
}

func unknown(check, format string, args ...any) Finding {
	return Finding{Check: check, Status: Unknown, Message: fmt.Sprintf(format, args...)}
}

func warning(check, remedy, format string, args ...any) Finding {
	return Finding{Check: check, Status: Warning, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

func problem(check, remedy, format string, args ...any) Finding {
	return Finding{Check: check, Status: Problem, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Failed is a problem that is an error.
func Failed(check, remedy string, err error) Finding { return problem(check, remedy, "%v", err) }

// Fine is a finding that all is well.
func Fine(check, message string) Finding { return ok(check, "%s", message) }

// Doubtful is a warning.
func Doubtful(check, remedy, message string) Finding { return warning(check, remedy, "%s", message) }

// Skipped says why something was not looked at.
func Skipped(check, reason string) Finding { return unknown(check, "%s", reason) }

// Problems counts the findings that are problems.
func Problems(findings []Finding) int {
	n := 0
	for _, f := range findings {
		if f.Status == Problem {
			n++
		}
	}
	return n
}
