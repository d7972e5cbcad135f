package iam

import "time"

// MetadataEnd is metadataEnd.
func MetadataEnd(document string) (time.Time, error) { return metadataEnd(document) }
