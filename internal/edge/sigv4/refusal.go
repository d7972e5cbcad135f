package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"claviger/internal/words/fault"
)

// The texts are those that AWS sends, where they are known.

func missing() error {
	return &fault.Fault{Code: fault.MissingAuthentication, Message: "Request is missing Authentication Token"}
}

// unrecognized is the one answer for keys that don't exist, that are inactive,
// and that come with a session token which isn't theirs.
func unrecognized() error {
	return &fault.Fault{Code: fault.UnrecognizedClient, Message: "The security token included in the request is invalid."}
}

func mismatch() error {
	return &fault.Fault{
		Code: fault.InvalidSignature,
		Message: "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
	}
}

func incomplete(text string) error {
	return &fault.Fault{Code: fault.IncompleteSignature, Message: text}
}

func invalid(text string) error {
	return &fault.Fault{Code: fault.InvalidSignature, Message: text}
}

// unsigned refuses a header field that has to be signed and is not.
func unsigned(name string) error {
	if name == "host" {
		return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return invalid("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
}

// malformed refuses an Authorization header. The header is named by its hash:
// whole, it might be a signature that is still good.
func malformed(text, header string) error {
	sum := sha256.Sum256([]byte(header))
	return incomplete(text + " (Hashed with SHA-256 and encoded with Base64) Authorization=" + base64.StdEncoding.EncodeToString(sum[:]))
}

// lacking refuses an Authorization header, or the parameters of a query, that
// has some of its parts missing. Each part is a name and what stands there.
func lacking(format string, parts ...[2]string) string {
	var b strings.Builder
	for _, part := range parts {
		if part[1] == "" {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(strings.Replace(format, "?", part[0], 1))
		}
	}
	return b.String()
}

func expired(stamp string, now time.Time, limit time.Duration) error {
	return invalid("Signature expired: " + stamp + " is now earlier than " + basic(now.Add(-limit)) +
		" (" + basic(now) + " - " + span(limit) + ")")
}

func early(stamp string, now time.Time, limit time.Duration) error {
	return invalid("Signature not yet current: " + stamp + " is still later than " + basic(now.Add(limit)) +
		" (" + basic(now) + " + " + span(limit) + ")")
}

func basic(t time.Time) string { return t.UTC().Format(stampLayout) }

// span writes a limit in minutes, as AWS does, or in seconds if it has some.
func span(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.FormatInt(int64(d/time.Minute), 10) + " min."
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + " sec."
}
