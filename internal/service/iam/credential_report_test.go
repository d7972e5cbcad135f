package iam_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/service/iam"
	"claviger/internal/words/optional"
)

func TestCredentialReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	generate := func() string {
		t.Helper()
		return do[iam.GenerateCredentialReportOutput](t, w.root(), "GenerateCredentialReport", &iam.GenerateCredentialReportInput{}).State
	}
	get := &iam.GetCredentialReportInput{}
	refuse(t, w.root(), "GetCredentialReport", get, iam.ReportNotPresent, "")

	do[operation.None](t, w.root(), "UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyInput{MaxPasswordAge: optional.Some(30)})
	w.createUser("bob")
	w.createUser("Ann")
	key := w.createKey("ann").AccessKeyID
	do[iam.CreateLoginProfileOutput](t, w.root(), "CreateLoginProfile", login("ann", "Correct-1"))
	do[operation.None](t, w.root(), "EnableMFADevice", w.createDevice("phone").enable("ann"))
	w.iam.Recorded(1, account, start.Add(time.Minute), &record.Brief{Source: "kms.amazonaws.com", Region: "eu-west-1", AccessKeyID: key})
	if got := generate(); got != "STARTED" {
		t.Errorf("the first: %s", got)
	}
	if got := generate(); got != "COMPLETE" {
		t.Errorf("at once again: %s", got)
	}
	report := do[iam.GetCredentialReportOutput](t, w.root(), "GetCredentialReport", get)
	if report.ReportFormat != "text/csv" || !report.GeneratedTime.Equal(start.Truncate(time.Second)) {
		t.Errorf("%+v", report)
	}
	const created = "2026-03-04T05:06:07+00:00"
	want := `user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated
<root_account>,arn:aws:iam::111122223333:root,` + created + `,not_supported,no_information,not_supported,not_supported,false,true,` + created + `,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
Ann,arn:aws:iam::111122223333:user/Ann,` + created + `,true,no_information,` + created + `,2026-04-03T05:06:07+00:00,true,true,` + created + `,2026-03-04T05:07:07+00:00,eu-west-1,kms,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
bob,arn:aws:iam::111122223333:user/bob,` + created + `,false,N/A,N/A,N/A,false,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
`
	if got := string(report.Content); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if rows, err := csv.NewReader(strings.NewReader(string(report.Content))).ReadAll(); err != nil || len(rows) != 4 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	w.later = 4*time.Hour - time.Second
	do[iam.GetCredentialReportOutput](t, w.root(), "GetCredentialReport", get)
	w.later = 4 * time.Hour
	refuse(t, w.root(), "GetCredentialReport", get, iam.ReportExpired, "")
	if got := generate(); got != "STARTED" {
		t.Errorf("after it expired: %s", got)
	}
	refuse(t, w.otherRoot(), "GetCredentialReport", get, iam.ReportNotPresent, "")
}
