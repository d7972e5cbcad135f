package awskms

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// findCredentials looks where AWS's own tools look first: in the environment, then
// in the profile of the shared credentials file. Roles of machines and containers
// it does not know.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
func findCredentials(getenv func(string) string, readFile func(string) ([]byte, error)) (aws.Credentials, error) {
	if id, secret := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: getenv("AWS_SESSION_TOKEN")}, nil
	}
	path, profile := getenv("AWS_SHARED_CREDENTIALS_FILE"), getenv("AWS_PROFILE")
	if path == "" && getenv("HOME") != "" {
		path = filepath.Join(getenv("HOME"), ".aws", "credentials")
	}
	if path == "" {
		return aws.Credentials{}, errNoCredentials
	}
	if profile == "" {
		profile = "default"
	}
	file, err := readFile(path)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("%w: %w", errNoCredentials, err)
	}
	who := readProfile(file, profile)
	if who.AccessKeyID == "" || who.SecretAccessKey == "" {
		return aws.Credentials{}, fmt.Errorf("%w, and %s has none for the profile %q", errNoCredentials, path, profile)
	}
	return who, nil
}

var errNoCredentials = errors.New("no credentials for the key management service: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE")

// readProfile reads one section of a credentials file. What it does not know it
// passes over, as AWS's tools do.
func readProfile(file []byte, profile string) (c aws.Credentials) {
	inside := false
	for line := range bytes.Lines(file) {
		text := strings.TrimSpace(string(line))
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			continue
		case text[0] == '[' && text[len(text)-1] == ']':
			inside = strings.TrimSpace(text[1:len(text)-1]) == profile
			continue
		}
		name, value, _ := strings.Cut(text, "=")
		value = strings.TrimSpace(value)
		if !inside {
			continue
		}
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			c.AccessKeyID = value
		case "aws_secret_access_key":
			c.SecretAccessKey = value
		case "aws_session_token":
			c.SessionToken = value
		}
	}
	return c
}
