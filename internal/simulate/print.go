package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Head says what is going to be played, in one line.
func (p *Profile) Head() string { return p.Name + ": " + p.Title }

// Print writes a step as a reader wants it: who did what, what came of it and
// was to come of it, why, and what the server said.
func (r *Result) Print(w io.Writer) error {
	var b bytes.Buffer
	if r.Step.Scene != "" {
		fmt.Fprintf(&b, "\n%s.\n", r.Step.Scene)
	}
	verdict := "PASS"
	switch {
	case r.Skipped != "":
		verdict = "skip"
	case !r.Passed:
		verdict = "FAIL"
	}
	fmt.Fprintf(&b, "%3d  %s  %s: %s\n", r.Number, verdict, r.Step.Actor, r.Step.Call)
	switch {
	case r.Skipped != "":
		fmt.Fprintf(&b, "           left out: %s\n", r.Skipped)
	case r.Got == r.Step.Want:
		fmt.Fprintf(&b, "           %s, as expected%s\n", r.Got, because(r.Step.Why))
	default:
		fmt.Fprintf(&b, "           %s, expected %s%s\n", r.Got, r.Step.Want, because(r.Step.Why))
	}
	if r.Said != "" {
		fmt.Fprintf(&b, "           %q\n", r.Said)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// Print writes what became of the run.
func (p *Played) Print(w io.Writer) error {
	passed, skipped := 0, 0
	for i := range p.Results {
		switch r := &p.Results[i]; {
		case r.Skipped != "":
			skipped++
		case r.Passed:
			passed++
		}
	}
	text := fmt.Sprintf("%d of %d steps ended as they should", passed, len(p.Results)-skipped)
	if skipped > 0 {
		text += fmt.Sprintf(", %d left out", skipped)
	}
	_, err := fmt.Fprintf(w, "\n%s.\n", text)
	return err
}

// told is what a line about a record tells of it.
type told struct {
	EventTime         string `json:"eventTime"`
	EventName         string `json:"eventName"`
	EventSource       string `json:"eventSource"`
	ErrorCode         string `json:"errorCode"`
	RequestParameters struct {
		GranteePrincipal string   `json:"granteePrincipal"`
		Operations       []string `json:"operations"`
		Constraints      struct {
			Subset pairs `json:"encryptionContextSubset"`
			Equals pairs `json:"encryptionContextEquals"`
		} `json:"constraints"`
		Context     pairs  `json:"encryptionContext"`
		Source      pairs  `json:"sourceEncryptionContext"`
		Destination pairs  `json:"destinationEncryptionContext"`
		RoleARN     string `json:"roleArn"`
		GrantID     string `json:"grantId"`
	} `json:"requestParameters"`
	ResponseElements struct {
		GrantID string `json:"grantId"`
	} `json:"responseElements"`
	AdditionalEventData struct {
		GrantID string `json:"grantId"`
	} `json:"additionalEventData"`
	UserIdentity struct {
		ARN       string `json:"arn"`
		InvokedBy string `json:"invokedBy"`
		Type      string `json:"type"`
	} `json:"userIdentity"`
}

// Line tells of a record in the trail what a reader of the run looks for: when,
// who, what, on which context, and how it ended. It is empty for records of
// other calls than to KMS, and for those that are not about the run.
func (p *Played) Line(record []byte) (string, error) {
	if !p.about(record) {
		return "", nil
	}
	var t told
	if err := json.Unmarshal(record, &t); err != nil {
		return "", fmt.Errorf("reading a record: %w", err)
	}
	if t.EventSource != "kms.amazonaws.com" {
		return "", nil
	}
	at, err := time.Parse(time.RFC3339, t.EventTime)
	if err != nil {
		return "", fmt.Errorf("reading the time of a record: %w", err)
	}
	if at.Before(p.Began.Truncate(time.Second)) {
		return "", nil
	}
	end := "OK"
	if t.ErrorCode != "" {
		end = t.ErrorCode
	}
	return fmt.Sprintf("%s  %-28s  %-31s  %s%s", at.Format(time.TimeOnly), end, t.EventName, p.who(&t), t.matter()), nil
}

// about reports whether a record names what the run made or used.
func (p *Played) about(record []byte) bool {
	for _, key := range p.Keys {
		if bytes.Contains(record, []byte(key)) {
			return true
		}
	}
	return p.Suffix != "" && bytes.Contains(record, []byte("simulate-"+p.Suffix+"-"))
}

// who is the caller, without what all callers have in common.
func (p *Played) who(t *told) string {
	name := t.UserIdentity.ARN
	if i := strings.LastIndex(name, "::"); i >= 0 { // arn:aws:iam::111122223333:user/...
		_, name, _ = strings.Cut(name[i+2:], ":")
	}
	for _, kind := range []string{"user/", "assumed-role/"} {
		name = strings.TrimPrefix(name, kind)
	}
	name = strings.ReplaceAll(name, "simulate-"+p.Suffix+"-", "")
	switch {
	case name == "":
		return t.UserIdentity.InvokedBy
	case t.UserIdentity.InvokedBy != "":
		return name + " through " + t.UserIdentity.InvokedBy
	}
	return name
}

// matter is what the call was about, and which grant it made or ended.
func (t *told) matter() string {
	var b strings.Builder
	r := &t.RequestParameters
	if len(r.Operations) > 0 {
		fmt.Fprintf(&b, "  [%s]", strings.Join(r.Operations, ", "))
	}
	for _, p := range []pairs{r.Constraints.Subset, r.Constraints.Equals, r.Context, r.Source, r.Destination} {
		if len(p) > 0 {
			fmt.Fprintf(&b, "  %s", p)
		}
	}
	for _, id := range []string{t.ResponseElements.GrantID, t.AdditionalEventData.GrantID, r.GrantID} {
		if id != "" {
			fmt.Fprintf(&b, "  grant %.8s…", id)
		}
	}
	return b.String()
}
