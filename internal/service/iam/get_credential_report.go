package iam

import (
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// GetCredentialReportInput asks for the newest report of the caller's account.
type GetCredentialReportInput struct{}

// Validate has nothing to check.
func (in *GetCredentialReportInput) Validate(*check.Checks) {}

// GetCredentialReportOutput is the report, as CSV.
type GetCredentialReportOutput struct {
	Content       []byte    `aws:"Content"`
	ReportFormat  string    `aws:"ReportFormat"`
	GeneratedTime time.Time `aws:"GeneratedTime"`
}

// getCredentialReport implements GetCredentialReport. AWS's refusals have no text.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html
func (s *Service) getCredentialReport() operation.Operation {
	return operation.Use[GetCredentialReportInput, GetCredentialReportOutput, accountTarget, *GetCredentialReportInput]{
		Name:    "GetCredentialReport",
		Actions: []string{"iam:GetCredentialReport"},
		Subject: func(c *operation.Call, _ *GetCredentialReportInput) (accountTarget, error) { return s.ownRecord(c) },
		Asks:    asksOfAccount[GetCredentialReportInput]("iam:GetCredentialReport"),
		Run: func(c *operation.Call, _ *GetCredentialReportInput, t accountTarget) (*GetCredentialReportOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			report, _, err := getReport(c.Context, r, t.account.ID)
			switch {
			case err != nil:
				return nil, err
			case report == nil:
				return nil, &fault.Fault{Code: ReportNotPresent}
			case !report.counts(c.Time):
				return nil, &fault.Fault{Code: ReportExpired}
			}
			return &GetCredentialReportOutput{Content: report.Content, ReportFormat: "text/csv", GeneratedTime: seconds(report.Generated)}, nil
		},
	}.Operation()
}
