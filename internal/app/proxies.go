package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"claviger/internal/edge/xksclient"
	"claviger/internal/service/kms/xksproxy"
)

// reach has f reach the proxies of external key stores through a client.
func (f *foundations) reach(client *xksclient.Client) {
	f.proxies, f.reaches = through(client, newSampler(f.log, "more failures of key stores' proxies")), client.Reaches
}

// through makes a transport of a client. What a proxy says of a failure, and what
// failed on the way to it, is for whoever runs the server: callers are told the
// cause in words of their own.
func through(client *xksclient.Client, failures *sampler) xksproxy.Transport {
	return func(ctx context.Context, r *xksproxy.Request) (int, []byte, error) {
		status, answer, err := client.Post(ctx, &xksclient.Request{
			Store:       r.To.Store,
			Endpoint:    r.To.Endpoint,
			Service:     r.To.Service,
			Path:        r.Path,
			Region:      r.To.Region,
			AccessKeyID: r.To.AccessKeyID,
			Secret:      r.To.Secret,
			Body:        r.Body,
			AnswerMax:   xksproxy.AnswerMax,
		})
		if err != nil {
			failures.warn("the proxy of a key store can't be used", "store", r.To.Store, "path", r.Path, "cause", err)
		} else if status != http.StatusOK {
			name, message := refusalOf(answer)
			failures.warn("the proxy of a key store refuses", "store", r.To.Store, "path", r.Path, "status", status, "error", name, "message", message)
		}
		return status, answer, failureOf(err)
	}
}

// refusalOf reads what a proxy says of a failure, as far as it is a text of the
// protocol: less than 512 printable characters.
func refusalOf(answer []byte) (name, message string) {
	var said struct {
		Name    string `json:"errorName"`
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(answer, &said) != nil || !printable(said.Name) || !printable(said.Message) {
		return "", ""
	}
	return said.Name, said.Message
}

func printable(s string) bool {
	return len(s) < 512 && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// failureOf gives an error of the client the name that it has in the service.
func failureOf(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, xksclient.ErrTimeout):
		return xksproxy.ErrTimeout
	case errors.Is(err, xksclient.ErrTLS):
		return xksproxy.ErrTLS
	case errors.Is(err, xksclient.ErrResponse):
		return xksproxy.ErrResponse
	}
	return xksproxy.ErrUnreachable
}
