package app

import (
	"context"
	"errors"

	"claviger/internal/edge/xksclient"
	"claviger/internal/service/kms/xksproxy"
)

// reach has f reach the proxies of external key stores through a client.
func (f *foundations) reach(client *xksclient.Client) {
	f.proxies, f.reaches = through(client), client.Reaches
}

// through makes a transport of a client.
func through(client *xksclient.Client) xksproxy.Transport {
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
		return status, answer, failureOf(err)
	}
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
