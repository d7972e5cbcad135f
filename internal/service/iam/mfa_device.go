package iam

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"rsc.io/qr"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/totp"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// Quotas of virtual MFA devices: an account may have as many as it may have users.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	mfaDevicesMax        = usersMax
	mfaDevicesPerUserMax = 8
)

const (
	mfaDeviceNameMax = 226
	serialMin        = 9
	serialMax        = 256
	serialShown      = `[\w+=/:,.@-]+`
)

var serialPattern = regexp.MustCompile(`^[0-9A-Za-z_+=/:,.@-]+$`)

const (
	// seedSize is that of a seed in bytes: 64 characters of base32, as on AWS.
	seedSize = 40

	// codeSkew is how many time steps a code may be early or late (RFC 6238,
	// section 5.2).
	codeSkew = 1

	// driftMax is how many steps the clock of a device may be off that shows two
	// codes in a row: ten minutes (RFC 6238, section 6).
	driftMax = 20

	// typingMax is how many steps off tell nothing of a clock, but of how long it
	// took to type two codes.
	typingMax = 2
)

// An mfaDevice is a virtual MFA device. It counts for the user whose record names it.
type mfaDevice struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Path    string    `json:"path"`
	Name    string    `json:"name"`
	Created int64     `json:"created"` // seconds since 1970
	Seed    secret    `json:"seed"`
	Tags    pairs.Map `json:"tags,omitempty"`

	User    string `json:"user,omitempty"`    // unique id of the user who has it
	Enabled int64  `json:"enabled,omitempty"` // since when; seconds since 1970
	Drift   int64  `json:"drift,omitempty"`   // of its clock, in time steps
	Used    int64  `json:"used,omitempty"`    // time step of the newest code that was used
}

var mfaDevices = &store.Table[mfaDevice]{
	Schema: driver.Schema{
		Name:       "iam_mfa_device",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "id"}},
		Indexed:    []driver.Column{{Name: "folded"}},
		Indexes:    []driver.IndexSchema{{Name: "name", Columns: []string{"account", "folded"}, Unique: true}},
	},
	Version: 1,
	Key:     func(d *mfaDevice) store.Key { return mfaDeviceKey(d.Account, d.ID) },
	Indexed: func(d *mfaDevice) store.Key { return store.Key{store.S(fold(d.Path + d.Name))} },
	Account: func(d *mfaDevice) string { return d.Account },
}

func mfaDeviceKey(account, id string) store.Key { return store.Key{store.S(account), store.S(id)} }

// mfaDeviceEntity is what everything that was shown of a device rests on.
func mfaDeviceEntity(id string) string { return "mfa:" + id }

// drawSeed draws the seed of a device.
func drawSeed() secret {
	seed := make([]byte, seedSize)
	_, _ = rand.Read(seed) // never fails: crypto/rand ends the program instead
	return secret{confidential.New(seed)}
}

// base32Seed is the seed in the form that is typed into a device.
func (d *mfaDevice) base32Seed() []byte {
	return base32.StdEncoding.AppendEncode(nil, d.Seed.Reveal(reveal.Token{}))
}

// qrCode is the seed in the form that a camera reads: a PNG of a URI.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
func (d *mfaDevice) qrCode() (confidential.Bytes, error) {
	uri := "otpauth://totp/" + url.PathEscape(d.Name+"@"+d.Account) + "?secret=" + string(d.base32Seed()) + "&issuer=" + issuer
	code, err := qr.Encode(uri, qr.M)
	if err != nil {
		return confidential.Bytes{}, errors.New("drawing the seed of a device: it does not fit") // the cause would quote it
	}
	return confidential.New(code.PNG()), nil
}

// issuer is under what name a device lists its codes.
const issuer = "Claviger"

func (d *mfaDevice) serial(partition string) string {
	return mfaDeviceARN(partition, d.Account, d.Path, d.Name)
}

func mfaDeviceARN(partition, account, path, name string) string {
	return "arn:" + partition + ":iam::" + account + ":mfa" + path + name
}

// findDevice looks a device of an account up by its serial number. It is nil where
// there is none.
func (s *Service) findDevice(ctx context.Context, r store.Reader, account, serial string) (found *mfaDevice, rev store.Rev, err error) {
	name, ok := strings.CutPrefix(serial, mfaDeviceARN(s.partition, account, "", ""))
	if !ok {
		return nil, 0, nil
	}
	err = mfaDevices.Scan(ctx, r, "name", store.Key{store.S(account), store.S(fold(name))}, nil, 1, func(d *mfaDevice, at store.Rev) error {
		found, rev = d, at
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("looking up MFA device %s: %w", serial, err)
	}
	return found, rev, nil
}

// getDevice reads a device that its user's record names.
func getDevice(ctx context.Context, r store.Reader, account, id string) (*mfaDevice, store.Rev, error) {
	d, rev, err := mfaDevices.Get(ctx, r, mfaDeviceKey(account, id))
	if err != nil {
		return nil, 0, fmt.Errorf("reading MFA device %s: %w", id, err)
	}
	return d, rev, nil
}

// putDevice replaces a device's record. What was shown of it ends with this commit.
func putDevice(ctx context.Context, tx store.Txn, d mfaDevice, rev store.Rev) error {
	if err := mfaDevices.Put(ctx, tx, &d, rev); err != nil {
		return fmt.Errorf("writing MFA device %s: %w", d.ID, err)
	}
	tx.Touch(mfaDeviceEntity(d.ID))
	return nil
}

// A deviceTarget is the device that a call names, which may not exist.
type deviceTarget struct {
	serial string
	device *mfaDevice
	rev    store.Rev
}

// deviceNamed finds the device that a call names. One that does not exist is no
// error yet: whether the caller may know is decided first.
func (s *Service) deviceNamed(c *operation.Call, serial string) (deviceTarget, error) {
	r, err := c.Reader()
	if err != nil {
		return deviceTarget{}, err
	}
	d, rev, err := s.findDevice(c.Context, r, ownAccount(c), serial)
	if err != nil {
		return deviceTarget{}, err
	}
	if d != nil {
		c.RestOn(s.store.Stamp(r, mfaDeviceEntity(d.ID)))
	}
	return deviceTarget{serial: serial, device: d, rev: rev}, nil
}

// ask is one permission on t.
func (t *deviceTarget) ask(c *operation.Call, action string, f *facts) authz.Ask {
	if t.device == nil {
		resource := t.serial
		if !strings.HasPrefix(resource, "arn:") {
			resource = mfaDeviceARN(c.Partition, ownAccount(c), "/", resource)
		}
		return ask(c, action, resource, f)
	}
	f.resourceTags = t.device.Tags
	return ask(c, action, t.device.serial(c.Partition), f)
}

// exists refuses a target that does not exist. It is asked after the decision.
func (t *deviceTarget) exists() error {
	if t.device == nil {
		return noSuchDevice(t.serial)
	}
	return nil
}

func checkSerial(c *check.Checks, serial optional.Of[string]) {
	if c.Required("serialNumber", serial.Set) {
		c.Length("serialNumber", serial, serialMin, serialMax)
		c.Pattern("serialNumber", serial, serialPattern, serialShown)
	}
}

// checkCodes demands the form of two codes.
func checkCodes(c *check.Checks, one, two confidential.Bytes) {
	checkOneCode(c, "authenticationCode1", one)
	checkOneCode(c, "authenticationCode2", two)
}

func checkOneCode(c *check.Checks, path string, code confidential.Bytes) {
	if c.Required(path, code.IsSet()) {
		c.Bytes(path, true, code.Len(), totp.Digits, totp.Digits)
		c.Secret(path, code.Len() > 0 && code.Within("0123456789"), `[\d]+`)
	}
}

// synchronize takes two codes that d showed one after the other. They tell how
// far its clock is off, and can't be used again.
func (d *mfaDevice) synchronize(now time.Time, one, two confidential.Bytes) error {
	step := totp.Step(now)
	first, found := totp.Find(d.Seed.Reveal(reveal.Token{}), max(step-driftMax, d.Used+1), step+driftMax,
		one.Reveal(reveal.Token{}), two.Reveal(reveal.Token{}))
	if !found {
		return fault.New(InvalidAuthenticationCode, "Authentication code for device is not valid.")
	}
	d.Used = first + 1
	if d.Drift = d.Used - step; -typingMax <= d.Drift && d.Drift <= typingMax {
		d.Drift = 0
	}
	return nil
}

// CheckCode refuses a one-time code that is not one of the device with a serial
// number now, or was used before, and a device that is not the caller's. A code
// counts from one time step before its own to one after, 30 seconds each.
func (s *Service) CheckCode(ctx context.Context, r store.Reader, p *principal.Principal, serial string, code confidential.Bytes, now time.Time) error {
	_, _, _, err := s.matchCode(ctx, r, p, serial, code, now)
	return err
}

// UseCode is CheckCode, and sees to it that the code can't be used again. It
// commits a change of its own.
func (s *Service) UseCode(ctx context.Context, p *principal.Principal, serial string, code confidential.Bytes, now time.Time) error {
	_, err := s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		d, rev, step, err := s.matchCode(ctx, tx, p, serial, code, now)
		if err != nil {
			return err
		}
		used := *d
		used.Used = step
		// Nothing rests on what was used last: it is no part of any answer.
		return mfaDevices.Put(ctx, tx, &used, rev)
	})
	return err
}

func (s *Service) matchCode(ctx context.Context, r store.Reader, p *principal.Principal, serial string, code confidential.Bytes, now time.Time) (*mfaDevice, store.Rev, int64, error) {
	if p.Kind != principal.User {
		return nil, 0, 0, wrongDevice()
	}
	u, _, err := users.Get(ctx, r, userKey(p.ID))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, 0, wrongDevice()
	}
	if err != nil {
		return nil, 0, 0, fmt.Errorf("reading user %s: %w", p.ID, err)
	}
	d, rev, err := s.findDevice(ctx, r, u.Account, serial)
	if err != nil {
		return nil, 0, 0, err
	}
	if d == nil || d.User != u.ID || !slices.Contains(u.MFADevices, d.ID) {
		return nil, 0, 0, wrongDevice()
	}
	step := totp.Step(now)
	if !s.guesses.take(d.ID, step) {
		return nil, 0, 0, wrongCode()
	}
	at := step + d.Drift
	matched, found := totp.Find(d.Seed.Reveal(reveal.Token{}), max(at-codeSkew, d.Used+1), at+codeSkew, code.Reveal(reveal.Token{}))
	if !found {
		return nil, 0, 0, wrongCode()
	}
	s.guesses.forget(d.ID)
	return d, rev, matched, nil
}

// freeGuesses is how many wrong codes in a row are looked at as they come. After
// that one for each time step is, until a right one comes (RFC 4226, section 7.3).
const freeGuesses = 5

// guesses counts the codes that were tried in a row for a device. A start forgets
// them. It grows with the devices that codes were guessed of, which their users
// alone can do.
type guesses struct {
	mu    sync.Mutex
	tried map[string]guess // by the device's id
}

type guess struct {
	times int
	step  int64 // of the last one
}

// take reports whether a code may be looked at, and counts it.
func (g *guesses) take(id string, step int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := g.tried[id]
	if last.times >= freeGuesses && step <= last.step {
		return false
	}
	if g.tried == nil {
		g.tried = make(map[string]guess)
	}
	g.tried[id] = guess{last.times + 1, step}
	return true
}

// forget forgets the codes that were tried before a right one.
func (g *guesses) forget(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tried, id)
}

// A VirtualMFADevice as outputs show it. The seed is shown once, when the device
// is made.
type VirtualMFADevice struct {
	SerialNumber     string                 `aws:"SerialNumber" audit:"serialNumber"`
	Base32StringSeed confidential.Bytes     `aws:"Base32StringSeed"`
	QRCodePNG        confidential.Bytes     `aws:"QRCodePNG"`
	User             *User                  `aws:"User" audit:"user"`
	EnableDate       optional.Of[time.Time] `aws:"EnableDate" audit:"enableDate"`
	Tags             []Tag                  `aws:"Tags" audit:"tags"`
}

func noSuchDevice(serial string) error {
	return fault.New(NoSuchEntity, "VirtualMFADevice with serial number %s doesn't exist.", serial)
}

func notOfUser() error { return fault.New(NoSuchEntity, "MFA Device invalid for user.") }

// wrongDevice and wrongCode refuse a second factor of a call of STS.
func wrongDevice() error {
	return fault.New(fault.AccessDenied, "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
}

func wrongCode() error {
	return fault.New(fault.AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}
