package doctor_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"claviger/internal/app/doctor"
	"claviger/internal/ground/host"
	"claviger/internal/ground/store/postgres"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// expect demands that one of findings has a status and a text, and that whatever
// is worse than it says what to do.
func expect(t *testing.T, what string, found []doctor.Finding, status doctor.Status, text string) {
	t.Helper()
	hit := false
	for _, f := range found {
		hit = hit || f.Status == status && strings.Contains(f.Message, text)
		if (f.Status == doctor.Problem || f.Status == doctor.Warning) && f.Remedy == "" {
			t.Errorf("%s: %q does not say what to do", what, f.Message)
		}
		if status == doctor.OK && f.Status != doctor.OK {
			t.Errorf("%s: %+v", what, f)
		}
	}
	if !hit {
		t.Errorf("%s: found %+v, want %s %q", what, found, status, text)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	kept := host.Clock{Synchronised: true, ErrorMax: 2500}
	minute := time.Minute
	for what, test := range map[string]struct {
		jumped time.Duration
		newest time.Time
		kept   host.Clock
		err    error
		status doctor.Status
		text   string
	}{
		"kept":              {0, noon.Add(-time.Hour), kept, nil, doctor.OK, "to within 2.5ms"},
		"not kept":          {0, noon, host.Clock{}, nil, doctor.Warning, "nothing keeps it"},
		"jumped":            {-51 * time.Millisecond, noon, kept, nil, doctor.Warning, "jumped by -51ms"},
		"jitter":            {50 * time.Millisecond, noon, kept, nil, doctor.OK, ""},
		"behind its files":  {0, noon.Add(minute + time.Second), kept, nil, doctor.Problem, "it is behind"},
		"a little behind":   {0, noon.Add(minute), kept, nil, doctor.OK, ""},
		"not told":          {0, noon, host.Clock{}, host.ErrUnknown, doctor.Unknown, "does not tell"},
		"not told, because": {0, noon, host.Clock{}, errors.New("EPERM"), doctor.Unknown, "EPERM"},
	} {
		expect(t, what, doctor.Clock(noon, test.jumped, test.newest, test.kept, test.err), test.status, test.text)
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	const least = 16 << 20
	for what, test := range map[string]struct {
		disk   host.Disk
		err    error
		status doctor.Status
		text   string
	}{
		"good":       {host.Disk{Kind: "ext4", Free: 1 << 30}, nil, doctor.OK, "ext4, 1 GiB are left"},
		"not known":  {host.Disk{Free: 1 << 30}, nil, doctor.OK, "no known kind"},
		"tight":      {host.Disk{Kind: "xfs", Free: 1<<30 - 1}, nil, doctor.Warning, "1023 MiB are left"},
		"still room": {host.Disk{Kind: "xfs", Free: least}, nil, doctor.Warning, "16 MiB are left"},
		"full":       {host.Disk{Kind: "xfs", Free: least - 1}, nil, doctor.Problem, "it is full"},
		"memory":     {host.Disk{Kind: "tmpfs", Free: 1 << 40, Volatile: true}, nil, doctor.Problem, "tmpfs is memory"},
		"network":    {host.Disk{Kind: "nfs", Free: 1 << 40, Remote: true}, nil, doctor.Warning, "nfs lies on another machine"},
		"container":  {host.Disk{Kind: "overlay", Free: 1 << 40, Layered: true}, nil, doctor.Problem, "belongs to a container"},
		"read-only":  {host.Disk{Kind: "ext4", Free: 1 << 40, ReadOnly: true}, nil, doctor.Problem, "for reading only"},
		"failing":    {host.Disk{}, errors.New("EIO"), doctor.Problem, "EIO"},
		"not told":   {host.Disk{}, host.ErrUnknown, doctor.Unknown, "does not tell"},
	} {
		expect(t, what, doctor.Disk(test.disk, test.err, least), test.status, test.text)
	}
}

func TestSync(t *testing.T) {
	t.Parallel()
	for took, status := range map[time.Duration]doctor.Status{
		14 * time.Microsecond: doctor.Warning, 15 * time.Microsecond: doctor.OK,
		50 * time.Millisecond: doctor.OK, 51 * time.Millisecond: doctor.Warning,
	} {
		expect(t, took.String(), []doctor.Finding{doctor.Sync(took, nil)}, status, "a synced write took")
	}
	expect(t, "failing", []doctor.Finding{doctor.Sync(0, errors.New("EROFS"))}, doctor.Problem, "EROFS")
	if took, err := doctor.SyncTime(t.TempDir(), time.Now); err != nil || took <= 0 {
		t.Errorf("a synced write took %s: %v", took, err)
	}
	if _, err := doctor.SyncTime(filepath.Join(t.TempDir(), "none"), time.Now); err == nil {
		t.Error("a write to a directory that is not there succeeded")
	}
}

func TestSyncLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := doctor.SyncTime(dir, time.Now); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("it leaves %v: %v", left, err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	good := host.Limits{Files: host.Limit{Now: 1024, Most: 4096}, Locked: host.Limit{Now: 1 << 26, Most: 1 << 26}}
	expect(t, "good", doctor.Limits(good, nil, true), doctor.OK, "4096 open files")
	few := good
	few.Files.Most = 4095
	expect(t, "few files", doctor.Limits(few, nil, true), doctor.Warning, "4095 files")
	core := good
	core.Core = host.Limit{Now: 1, Most: host.Unlimited}
	expect(t, "core files", doctor.Limits(core, nil, true), doctor.Problem, "core files")
	expect(t, "not locked", doctor.Limits(good, nil, false), doctor.Warning, "can't be locked")
	expect(t, "not told", doctor.Limits(host.Limits{}, host.ErrUnknown, true), doctor.Unknown, "does not tell")
	expect(t, "failing", doctor.Limits(host.Limits{}, errors.New("EINVAL"), true), doctor.Unknown, "EINVAL")
}

func TestFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing here")
	}
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(dir, "store.db")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, doctor.LostAndFound), 0o755); err != nil {
		t.Fatal(err)
	}
	self := os.Geteuid()
	found, newest := doctor.Owned(dir, self)
	expect(t, "closed", found, doctor.OK, "2 files and directories")
	if age := time.Since(newest); age > time.Hour || age < -time.Hour {
		t.Errorf("the newest file is of %s", newest)
	}
	expect(t, "one file", doctor.Private("root key", file, self), doctor.OK, "closed to others")
	expect(t, "another's", doctor.Private("root key", file, self+1), ownedByOther(self), "store.db")
	found, _ = doctor.Owned(dir, self+1)
	expect(t, "all another's", found, doctor.Problem, fmt.Sprintf("%s belongs to user %d, and the server would run as user %d", file, self, self+1))
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	found, _ = doctor.Owned(dir, self)
	expect(t, "group may read", found, doctor.Problem, "others may use "+file+" (mode 0640)")
	if err := errors.Join(os.Chmod(file, 0o600), os.Chmod(dir, 0o711), os.Symlink("/etc/hosts", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	found, _ = doctor.Owned(dir, self)
	expect(t, "others may enter", found, doctor.Problem, "others may use "+dir+" (mode 0711)")
	expect(t, "a link", found, doctor.Warning, "leads elsewhere")
	link := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	found, newest = doctor.Owned(link, self)
	expect(t, "a link to all of it", found, doctor.Problem, "others may use "+real+" (mode 0711)")
	if expect(t, "a link to all of it", found, doctor.Warning, link+" leads elsewhere"); newest.IsZero() {
		t.Error("behind a link there is no newest file")
	}
	found, _ = doctor.Owned(filepath.Join(dir, "none"), self)
	expect(t, "not there", found, doctor.Problem, "no such file")
	expect(t, "one that is not there", doctor.Private("root key", filepath.Join(dir, "none"), self), doctor.Problem, "no such file")
}

// ownedByOther is what is found of a file of ours by another user, who only reads it: root may lend it.
func ownedByOther(self int) doctor.Status {
	if self == 0 {
		return doctor.OK
	}
	return doctor.Problem
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	leaf := func(change func(*x509.Certificate)) *x509.Certificate {
		c := &x509.Certificate{
			Subject: pkix.Name{CommonName: "kms.example.com"}, DNSNames: []string{"kms.example.com"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)},
			NotBefore: noon.Add(-day), NotAfter: noon.Add(14 * day), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		change(c)
		return c
	}
	for what, test := range map[string]struct {
		change func(*x509.Certificate)
		status doctor.Status
		text   string
	}{
		"good":           {func(*x509.Certificate) {}, doctor.OK, "for kms.example.com, 10.0.0.1, until 2026-03-15"},
		"expires":        {func(c *x509.Certificate) { c.NotAfter = noon.Add(14*day - 1) }, doctor.Warning, "it expires at"},
		"expired":        {func(c *x509.Certificate) { c.NotAfter = noon.Add(-1) }, doctor.Problem, "it expired at"},
		"not yet":        {func(c *x509.Certificate) { c.NotBefore = noon.Add(1) }, doctor.Problem, "not valid before"},
		"no names":       {func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }, doctor.Problem, "no names but its subject's"},
		"for clients":    {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, doctor.Problem, "not for servers"},
		"for everything": {func(c *x509.Certificate) { c.ExtKeyUsage = nil }, doctor.OK, ""},
	} {
		expect(t, what, doctor.Certificate(leaf(test.change), noon), test.status, test.text)
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for text, status := range map[string]doctor.Status{
		"10.0.0.0/8": doctor.OK, "127.0.0.1/32": doctor.OK, "fd00::/32": doctor.OK,
		"0.0.0.0/0": doctor.Problem, "10.0.0.0/7": doctor.Problem, "::/0": doctor.Problem, "fd00::/31": doctor.Problem,
		"203.0.113.7/32": doctor.Warning,
	} {
		expect(t, text, doctor.Proxies([]netip.Prefix{netip.MustParsePrefix(text)}), status, "")
	}
	if found := doctor.Proxies(nil); len(found) != 0 {
		t.Errorf("without proxies: %v", found)
	}
}

func TestListening(t *testing.T) {
	t.Parallel()
	expect(t, "loopback", []doctor.Finding{doctor.Listening("127.0.0.1:1", true, false)}, doctor.OK, "this machine only")
	expect(t, "TLS", []doctor.Finding{doctor.Listening("0.0.0.0:1", false, true)}, doctor.OK, "by TLS")
	expect(t, "clear", []doctor.Finding{doctor.Listening("0.0.0.0:1", false, false)}, doctor.Problem, "in the clear")
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		change func(*postgres.Condition)
		status doctor.Status
		text   string
	}{
		"good":              {func(*postgres.Condition) {}, doctor.OK, "PostgreSQL 15.14 with checksums"},
		"no checksums":      {func(c *postgres.Condition) { c.Checksums = false }, doctor.Warning, "no checksums"},
		"few connections":   {func(c *postgres.Condition) { c.Connections = 33 }, doctor.Problem, "33 connections"},
		"standbys":          {func(c *postgres.Condition) { c.Standbys = 2 }, doctor.Warning, "2 standbys and waits for none"},
		"named standby":     {func(c *postgres.Condition) { c.Standbys, c.Synchronous = 2, "FIRST 1 (b)" }, doctor.OK, ""},
		"another clock":     {func(c *postgres.Condition) { c.ClockOff = -time.Minute - time.Second }, doctor.Warning, "1m1s apart"},
		"almost this clock": {func(c *postgres.Condition) { c.ClockOff = time.Minute }, doctor.OK, ""},
	} {
		c := postgres.Condition{Version: "15.14", Checksums: true, Connections: 34}
		test.change(&c)
		expect(t, what, doctor.Database(c), test.status, test.text)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	found := []doctor.Finding{
		doctor.Fine("a", "well"), doctor.Doubtful("b", "do", "doubt"), doctor.Skipped("c", "skipped"), doctor.Failed("d", "do", errors.New("fails")),
	}
	if n := doctor.Problems(found); n != 1 {
		t.Errorf("%d problems, want 1", n)
	}
}
