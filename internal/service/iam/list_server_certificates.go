package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListServerCertificatesInput asks for the certificates of servers of the caller's account.
type ListServerCertificatesInput struct {
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListServerCertificatesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// A ServerCertificateMetadata as outputs show it.
type ServerCertificateMetadata struct {
	Path                  string    `aws:"Path"`
	ServerCertificateName string    `aws:"ServerCertificateName"`
	ServerCertificateID   string    `aws:"ServerCertificateId"`
	ARN                   string    `aws:"Arn"`
	UploadDate            time.Time `aws:"UploadDate"`
	Expiration            time.Time `aws:"Expiration"`
}

// ListServerCertificatesOutput is the only page, and empty: none can be uploaded.
type ListServerCertificatesOutput struct {
	ServerCertificateMetadataList []ServerCertificateMetadata `aws:"ServerCertificateMetadataList"`
	IsTruncated                   bool                        `aws:"IsTruncated"`
	Marker                        optional.Of[string]         `aws:"Marker"`
}

// listServerCertificates implements ListServerCertificates.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServerCertificates.html
func (s *Service) listServerCertificates() operation.Operation {
	return operation.Use[ListServerCertificatesInput, ListServerCertificatesOutput, struct{}, *ListServerCertificatesInput]{
		Name:    "ListServerCertificates",
		Actions: []string{"iam:ListServerCertificates"},
		Asks: func(c *operation.Call, in *ListServerCertificatesInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			resource := arn.ARN{Partition: c.Partition, Service: "iam", Account: ownAccount(c), Resource: "server-certificate" + in.PathPrefix.Or("/")}
			return append(asks, ask(c, "iam:ListServerCertificates", resource.String(), &facts{}))
		},
		Run: func(c *operation.Call, in *ListServerCertificatesInput, _ struct{}) (*ListServerCertificatesOutput, error) {
			if _, err := s.after(listOf(c, "ListServerCertificates", in.PathPrefix.Or("/")), in.Marker); err != nil {
				return nil, err
			}
			return &ListServerCertificatesOutput{ServerCertificateMetadataList: []ServerCertificateMetadata{}}, nil
		},
	}.Operation()
}
