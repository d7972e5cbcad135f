package sealed

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPages reads what the kernel says of the pages that keys lie in.
func TestPages(t *testing.T) {
	t.Parallel()
	k := drawKey()
	defer runtime.KeepAlive(k)
	flags := vmFlags(t, fmt.Sprintf("%p", k.slot())[2:])
	want := []string{"dd", "wf"} // not dumped, wiped on fork
	if Locked() {
		want = append(want, "lo")
	}
	for _, flag := range want {
		if !strings.Contains(flags+" ", " "+flag+" ") {
			t.Errorf("flag %s is not among%s", flag, flags)
		}
	}
}

// vmFlags returns the flags of the mapping in which an address lies.
func vmFlags(t *testing.T, address string) string {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("this system has no smaps:", err)
	}
	at := hexNumber(t, address)
	inside := false
	for line := range strings.Lines(string(smaps)) {
		line = strings.TrimSpace(line)
		if from, to, ok := strings.Cut(strings.Fields(line)[0], "-"); ok {
			inside = hexNumber(t, from) <= at && at < hexNumber(t, to)
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return flags
		}
	}
	t.Fatal("the key's page is in no mapping")
	return ""
}

func hexNumber(t *testing.T, s string) (n uint64) {
	t.Helper()
	if _, err := fmt.Sscanf(s, "%x", &n); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return n
}

// TestUnlocked runs itself again without the right to lock memory.
func TestUnlocked(t *testing.T) {
	const variable = "SEALED_TEST_UNLOCKED"
	if os.Getenv(variable) != "" {
		forbidLocking(t)
		if Locked() {
			t.Error("memory is said to be locked")
		}
		s := getScratch()
		defer s.release()
		drawKey().derive(s, labelRow, nil, &s.derived)
		return
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestUnlocked$")
	cmd.Env = append(os.Environ(), variable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func forbidLocking(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&h, &none[0]); err != nil {
		t.Fatal(err)
	}
}
