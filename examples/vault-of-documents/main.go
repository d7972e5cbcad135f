// Vault-of-documents is an example of a service that works with its customers'
// keys, as the services of AWS do. README.md says how to try it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"claviger/examples/vault-of-documents/vault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "vault-of-documents:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context) error {
	listen := flag.String("listen", "127.0.0.1:8700", "address to serve")
	endpoint := flag.String("claviger", "http://127.0.0.1:4566", "endpoint of Claviger")
	region := flag.String("region", "us-east-1", "region of the service")
	principal := flag.String("principal", "vault.example.com", "service principal")
	dir := flag.String("data", "vault-data", "directory for vaults and sealed documents")
	flag.Parse()

	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if id == "" || secret == "" {
		return errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must hold the service principal's access key")
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	s, err := vault.New(vault.Options{
		Principal:   *principal,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		Endpoint:    *endpoint,
		Region:      *region,
		HTTP:        &http.Client{Timeout: 30 * time.Second},
		Dir:         *dir,
		Log:         log,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	log.Info("ready", "endpoint", "http://"+listener.Addr().String())
	return errors.Join(serve(ctx, listener, s), s.Close())
}

// serve answers requests until ctx ends, and those under way to their end.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      90 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		ending, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return server.Shutdown(ending)
	}
}
