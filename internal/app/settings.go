package app

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"claviger/internal/edge/xksclient"
	"claviger/internal/ground/attestation"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/hsm"
	"claviger/internal/words/arn"
	"claviger/internal/words/ident"
)

// common are the settings that dev and serve share.
type common struct {
	Listen        string   `default:"127.0.0.1:4566" env:"CLAVIGER_LISTEN" placeholder:"ADDR" help:"Address that serves every API; port 0 picks a free one."`
	Region        string   `default:"us-east-1" env:"CLAVIGER_REGION" placeholder:"NAME" help:"Region where a request has none."`
	Regions       []string `env:"CLAVIGER_REGIONS" placeholder:"LIST" help:"Regions that exist; by default AWS's public ones of the same partition."`
	Quotas        []string `env:"CLAVIGER_QUOTAS" placeholder:"LIST" help:"Resource quotas of KMS in place of AWS's: keys=N and custom-key-stores=N of an account in a Region, aliases=N and grants=N of a key. There may be any number of grants by default; aws sets AWS's."`
	RequestQuotas []string `env:"CLAVIGER_REQUEST_QUOTAS" placeholder:"LIST" help:"Quotas of KMS requests a second for each account and Region: aws for all of AWS's, NAME=N for one, such as symmetric=500 or CreateKey=5. There are none by default."`
	Attestation   string   `name:"attestation-root" env:"CLAVIGER_ATTESTATION_ROOT" placeholder:"FILE" help:"Root certificates in PEM form that attestation documents must lead to; without it Recipient is not supported."`
	LogLevel      string   `default:"info" enum:"debug,info,warn,error" env:"CLAVIGER_LOG_LEVEL" help:"Lowest level that is logged: debug, info, warn or error."`
}

// outside are the settings of what lies outside of the server: the proxies of
// external key stores, and the tokens of CloudHSM key stores.
type outside struct {
	KeyStoreCA           string   `name:"key-store-ca" env:"CLAVIGER_KEY_STORE_CA" type:"path" placeholder:"FILE" help:"Certificate authorities in PEM that the proxies of external key stores may have their certificates from, beside the public ones."`
	KeyStoreAllowPrivate bool     `name:"key-store-allow-private" env:"CLAVIGER_KEY_STORE_ALLOW_PRIVATE" help:"Let the proxies of external key stores have addresses of private networks and of this machine. Whoever may create key stores can then send requests there."`
	KeyStoreAddresses    []string `name:"key-store-address" env:"CLAVIGER_KEY_STORE_ADDRESSES" placeholder:"NAME=HOST:PORT,..." help:"Where the proxy of an external key store is reached, by the host name of its endpoint or the name of its VPC endpoint service; by default the host's public address and port 443, and no VPC endpoint service exists."`
	CloudHSMClusters     []string `name:"cloudhsm-cluster" env:"CLAVIGER_CLOUDHSM_CLUSTERS" placeholder:"ID=MODULE:TOKEN:FILE,..." help:"What stands for a CloudHSM cluster: the path of a PKCS #11 module, the label of a token, and a file with the trust anchor's certificate in PEM. The password of a key store is the PIN of the token's user. Needs a build with cgo and the tag pkcs11."`
}

// clusters opens the tokens of CloudHSM key stores.
func (o *outside) clusters() (kms.Clusters, error) {
	var list []hsm.Cluster
	for _, text := range o.CloudHSMClusters {
		id, rest, _ := strings.Cut(text, "=")
		parts := strings.Split(rest, ":")
		if id == "" || len(parts) != 3 || slices.Contains(parts, "") {
			return nil, usage("%q does not say what stands for a CloudHSM cluster: ID=MODULE:TOKEN:FILE does", text)
		}
		anchor, err := os.ReadFile(parts[2])
		if err != nil {
			return nil, usage("the trust anchor of CloudHSM cluster %s: %w", id, err)
		}
		list = append(list, hsm.Cluster{ID: id, Module: parts[0], Token: parts[1], TrustAnchor: string(anchor)})
	}
	clusters, err := hsm.Open(list)
	if err != nil {
		return nil, usage("CloudHSM clusters: %w", err)
	}
	return clusters, nil
}

// reach has f reach what lies outside.
func (o *outside) reach(f *foundations) error {
	client, err := o.client()
	if err != nil {
		return err
	}
	if f.clusters, err = o.clusters(); err != nil {
		return err
	}
	f.reach(client)
	return nil
}

// client makes the client of the proxies.
func (o *outside) client() (*xksclient.Client, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	client, err := xksclient.New(options)
	if err != nil {
		return nil, usage("the certificate authorities of key stores in %s: %w", o.KeyStoreCA, err)
	}
	return client, nil
}

func (o *outside) options() (xksclient.Options, error) {
	options := xksclient.Options{AllowPrivate: o.KeyStoreAllowPrivate, Addresses: make(map[string]string), Now: time.Now}
	for _, text := range o.KeyStoreAddresses {
		name, address, _ := strings.Cut(text, "=")
		if host, port, err := net.SplitHostPort(address); err != nil || name == "" || host == "" || port == "" {
			return options, usage("%q does not say where the proxy of a key store is: NAME=HOST:PORT does", text)
		}
		options.Addresses[strings.ToLower(name)] = address
	}
	if o.KeyStoreCA != "" {
		var err error
		if options.Roots, err = os.ReadFile(o.KeyStoreCA); err != nil {
			return options, usage("the certificate authorities of key stores: %w", err)
		}
	}
	return options, nil
}

var regionName = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]+){1,3}-[0-9]{1,2}$`)

// check completes and checks the settings.
func (c *common) check() error {
	if _, err := c.quotas(); err != nil {
		return err
	}
	if len(c.Regions) == 0 {
		c.Regions = slices.DeleteFunc(slices.Clone(publicRegions), func(region string) bool {
			return arn.Partition(region) != c.partition()
		})
	}
	for _, region := range c.Regions {
		if !regionName.MatchString(region) {
			return usage("%q is not the name of a Region", region)
		}
		if arn.Partition(region) != c.partition() {
			return usage("the Regions %q and %q are of different partitions, of which a server has one", c.Region, region)
		}
	}
	if !slices.Contains(c.Regions, c.Region) {
		return usage("the Region %q is not among the Regions that exist", c.Region)
	}
	return nil
}

// attestation reads the root certificates of attestation documents; nil where
// none are given.
func (c *common) attestation() (*attestation.Verifier, error) {
	if c.Attestation == "" {
		return nil, nil
	}
	file, err := os.ReadFile(c.Attestation)
	if err != nil {
		return nil, usage("reading the attestation root: %w", err)
	}
	v, err := attestation.New(file)
	if err != nil {
		return nil, usage("the attestation root %s: %w", c.Attestation, err)
	}
	return v, nil
}

// partition is that of the server's accounts and Regions.
func (c *common) partition() string { return arn.Partition(c.Region) }

// loopback reports whether an address to listen on can be reached from this machine only.
func loopback(address string) (bool, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return false, usage("%q is not an address to listen on: %w", address, err)
	}
	if host == "localhost" {
		return true, nil
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback(), nil
}

// rootCredentials are the long-term credentials of the first account's root user.
type rootCredentials struct {
	accessKeyID string
	secret      string
	given       bool
}

// readRootCredentials reads the credentials from the environment, where each
// may be named directly or by a file.
func readRootCredentials(getenv func(string) string) (rootCredentials, error) {
	id, err := fromEnvironment(getenv, "CLAVIGER_ROOT_ACCESS_KEY_ID")
	if err != nil {
		return rootCredentials{}, err
	}
	secret, err := fromEnvironment(getenv, "CLAVIGER_ROOT_SECRET_ACCESS_KEY")
	if err != nil {
		return rootCredentials{}, err
	}
	if (id == "") != (secret == "") {
		return rootCredentials{}, usage("CLAVIGER_ROOT_ACCESS_KEY_ID and CLAVIGER_ROOT_SECRET_ACCESS_KEY must be given together")
	}
	if id != "" && !accessKeyID.MatchString(id) {
		return rootCredentials{}, usage("CLAVIGER_ROOT_ACCESS_KEY_ID must have 1 to 128 letters or digits")
	}
	return rootCredentials{id, secret, id != ""}, nil
}

var accessKeyID = regexp.MustCompile(`^\w{1,128}$`)

func fromEnvironment(getenv func(string) string, name string) (string, error) {
	value, path := getenv(name), getenv(name+"_FILE")
	if value != "" && path != "" {
		return "", usage("%s and %s_FILE must not both be given", name, name)
	}
	if path == "" {
		return value, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", usage("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// drawRootCredentials makes credentials as AWS forms them.
func drawRootCredentials() rootCredentials {
	return rootCredentials{accessKeyID: ident.Unique("AKIA", 20), secret: ident.Secret(40)}
}

func checkAccount(id string) error {
	if !arn.IsAccount(id) {
		return usage("an account id has twelve digits, %q has not", id)
	}
	return nil
}

func newLogger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the command line accepts only its names
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// clientCommands is what a newcomer pastes into a shell.
func clientCommands(endpoint, region, bundle string, credentials rootCredentials) string {
	export := fmt.Sprintf("export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s", credentials.accessKeyID, credentials.secret)
	if credentials.given {
		export = "export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...   # the credentials you gave"
	}
	if bundle != "" {
		export += "\n    export AWS_CA_BUNDLE=" + bundle
	}
	return fmt.Sprintf(`    export AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=%s
    %s

    aws --endpoint-url "$AWS_ENDPOINT_URL" sts get-caller-identity
    KEY_ID=$(aws --endpoint-url "$AWS_ENDPOINT_URL" kms create-key --query KeyMetadata.KeyId --output text)
    printf 'hello\n' > hello.txt
    aws --endpoint-url "$AWS_ENDPOINT_URL" kms encrypt --key-id "$KEY_ID" --plaintext fileb://hello.txt \
        --query CiphertextBlob --output text | base64 -d > hello.encrypted
    aws --endpoint-url "$AWS_ENDPOINT_URL" kms decrypt --ciphertext-blob fileb://hello.encrypted \
        --query Plaintext --output text | base64 -d
`, endpoint, region, export)
}
