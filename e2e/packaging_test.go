package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const packaging = "../packaging"

// unit reads the unit of systemd: all values of each setting, in order.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(packaging, "claviger.service"))
	if err != nil {
		t.Fatal(err)
	}
	settings := make(map[string][]string)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, value, is := strings.Cut(line, "="); is && !strings.HasPrefix(line, "#") {
			settings[name] = append(settings[name], value)
		}
	}
	return settings
}

// TestUnit: the unit says what it must, systemd finds nothing wrong with it, and
// its exposure stays low.
func TestUnit(t *testing.T) {
	t.Parallel()
	settings := unit(t)
	for name, want := range map[string]string{
		"Type": "notify", "User": "claviger", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "MemoryDenyWriteExecute": "yes",
		"LimitCORE": "0", "CapabilityBoundingSet": "", "UMask": "0077", "StateDirectoryMode": "0700", "RestartPreventExitStatus": "2",
		"LoadCredential": "root.key:/etc/claviger/root.key",
		"ExecStart":      "/usr/bin/claviger serve --data /var/lib/claviger --root-key file:%d/root.key",
	} {
		if got := settings[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	analyze := tool(t, "systemd-analyze")
	text, err := os.ReadFile(filepath.Join(packaging, "claviger.service"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "claviger.service")
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("/usr/bin/claviger"), []byte(binary)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no"}, {"security", "--offline=true", "--threshold=20", "--no-pager"}} {
		if out, err := exec.Command(analyze, append(args, path)...).CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

// tool finds a program, and skips the test where it is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// TestUnitAllows watches a server that starts, works and stops: it makes no
// system call that the unit forbids, and no memory both written and executed.
func TestUnitAllows(t *testing.T) {
	t.Parallel()
	analyze, strace := tool(t, "systemd-analyze"), tool(t, "strace")
	allowed := make(map[string]bool)
	for _, filter := range unit(t)["SystemCallFilter"] {
		names, forbids := strings.CutPrefix(filter, "~")
		for _, name := range strings.Fields(names) {
			for _, call := range filterSet(t, analyze, name) {
				allowed[call] = !forbids
			}
		}
	}
	if len(allowed) < 200 {
		t.Fatalf("the unit speaks of %d system calls only", len(allowed))
	}
	seen := filepath.Join(t.TempDir(), "calls")
	p := startUnder(t, []string{strace, "-f", "-qq", "-o", seen},
		[]string{"serve", "--init", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data")}, rootEnv...)
	key, err := p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.root().kms.Sign(t.Context(), &kms.SignInput{KeyId: key.KeyMetadata.KeyId, Message: []byte("m"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256}); err != nil {
		t.Fatal(err)
	}
	p.look("/metrics")
	if code := p.stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	calls := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^\d+ +(?:<\.\.\. )?([a-z_0-9]+)[( ].*$`).FindAllStringSubmatch(string(text), -1) {
		calls[m[1]] = m[0]
		if strings.Contains(m[0], "PROT_WRITE|PROT_EXEC") {
			t.Errorf("the unit forbids memory as of %s", m[0])
		}
	}
	if len(calls) < 20 {
		t.Fatalf("only %d system calls were seen", len(calls))
	}
	for name, line := range calls {
		asRoot := name == "fchown" && os.Geteuid() == 0    // SQLite gives its files to the owner of the database, as root alone
		if !allowed[name] && !asRoot && name != "execve" { // which systemd itself makes
			t.Errorf("the unit forbids %s", line)
		}
	}
}

// filterSet are the system calls of a set of systemd's, or the one of that name.
func filterSet(t *testing.T, analyze, name string) []string {
	t.Helper()
	if !strings.HasPrefix(name, "@") {
		return []string{name}
	}
	out, err := exec.Command(analyze, "syscall-filter", "--no-pager", name).Output()
	if err != nil {
		t.Fatalf("systemd does not know %s: %v", name, err)
	}
	var calls []string
	for line := range strings.Lines(string(out)) {
		member := strings.TrimSpace(line)
		switch {
		case member == "" || strings.HasPrefix(member, "#") || member == name:
		case strings.HasPrefix(member, "@"):
			calls = append(calls, filterSet(t, analyze, member)...)
		default:
			calls = append(calls, member)
		}
	}
	return calls
}

// TestNotifies: a service manager hears when calls are served, and when no more.
func TestNotifies(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	p := start(t, []string{"serve", "--init", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data")},
		append([]string{"NOTIFY_SOCKET=" + path}, rootEnv...)...)
	heard := func() string {
		buffer := make([]byte, 1000)
		_ = socket.SetReadDeadline(time.Now().Add(30 * time.Second))
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	if got := heard(); got != "READY=1\nSTATUS=serving "+p.endpoint {
		t.Errorf("at the start it says %q", got)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
	if got := heard(); got != "STOPPING=1" {
		t.Errorf("at the end it says %q", got)
	}
}

// TestContainerfile: what is copied is there, and the image is what it should be.
// No engine builds it here; TestBareRoot runs what would be in it.
func TestContainerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(packaging, "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, last, found := strings.Cut(string(text), "\nFROM scratch\n")
	if !found || strings.Contains(last, "\nFROM ") || strings.Contains(last, "RUN ") {
		t.Error("the image is not made from scratch")
	}
	for _, line := range []string{"USER 65532:65532", "WORKDIR /", "VOLUME /claviger-data", `ENTRYPOINT ["/claviger"]`, `CMD ["serve"]`} {
		if !slices.Contains(strings.Split(last, "\n"), line) {
			t.Errorf("the image lacks %s", line)
		}
	}
	copies := 0
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(string(text), -1) {
		for _, source := range strings.Fields(m[1]) {
			copies++
			if _, err := os.Stat(filepath.Join("..", source)); err != nil {
				t.Errorf("it copies what is not there: %v", err)
			}
		}
	}
	if copies < 4 {
		t.Errorf("it copies %d files of the source", copies)
	}
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	if !strings.Contains(string(text), "FROM docker.io/library/golang:"+string(version[1])+"-") {
		t.Errorf("it is not built with Go %s", version[1])
	}
	// A directory that is copied by itself gets the mode 0755, one within another keeps its own.
	if !strings.Contains(string(text), "mkdir -m 0700 /out/root/claviger-data ") || !strings.Contains(last, "\nCOPY --from=build --chown=65532:65532 /out/root /\n") {
		t.Error("others may enter the data directory")
	}
	if !strings.Contains(string(text), "CGO_ENABLED=0 go build -trimpath ") {
		t.Error("the binary is not built as a static one")
	}
}

// TestBareRoot runs the binary as the image does: alone in a file system, as a
// user without a name, with a directory for its data.
func TestBareRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can change the root directory")
	}
	const nobody = 65532
	root := t.TempDir()
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.Chmod(root, 0o755),
		os.WriteFile(filepath.Join(root, "claviger"), program, 0o755),
		os.Mkdir(filepath.Join(root, "claviger-data"), 0o700), os.Chown(filepath.Join(root, "claviger-data"), nobody, nobody),
		os.Mkdir(filepath.Join(root, "tmp"), 0o700), os.Chown(filepath.Join(root, "tmp"), nobody, nobody),
	); err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "/claviger", args...)
		cmd.Dir = "/"
		cmd.Env = []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return cmd
	}
	if out, err := inside("init").CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0", "--admin-listen", ""}, {"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}} {
		cmd := inside(args...)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var ready struct{ Msg string }
		if err := json.NewDecoder(stdout).Decode(&ready); err != nil || ready.Msg != "ready" {
			t.Errorf("%s: %v\n%s", args[0], err, log.String())
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", args[0], err, log.String())
		}
	}
	if out, err := inside("audit", "verify").CombinedOutput(); err != nil || !strings.Contains(string(out), "the trail verifies") {
		t.Errorf("audit verify: %v\n%s", err, out)
	}
	if info, err := os.Stat(filepath.Join(root, "claviger-data", "root.key")); err != nil || info.Mode() != fs.FileMode(0o400) {
		t.Error(fmt.Sprint(info, err))
	}
}
