package root

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens both ends of a pseudo-terminal.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed string
		twice bool
		want  string // "" where it is refused
	}{
		{"correct horse\n", false, "correct horse"},
		{"correct horse\ncorrect horse\n", true, "correct horse"},
		{"correct horse\ncorrect house\n", true, ""},
	} {
		person, program := terminal(t)
		var questions bytes.Buffer
		if _, err := person.WriteString(c.typed); err != nil {
			t.Fatal(err)
		}
		got, err := ask(program, &questions, c.twice)
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: got %q, %v", c.typed, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "horse") {
			t.Errorf("the error repeats the passphrase: %v", err)
		}
		if n := strings.Count(questions.String(), ": \n"); n != 1 && !c.twice || n != 2 && c.twice {
			t.Errorf("asked %q", questions.String())
		}
	}
}

func TestAskWithoutTerminal(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := ask(r, &bytes.Buffer{}, false); !errors.Is(err, ErrSource) {
		t.Errorf("got %v", err)
	}
}
