package secret_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatets/appliance/secret"
)

// TestMain is, in a process of its own, the one that changes keys until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CHATETS_TEST_TURN_KEYS"); dir != "" {
		if err := turnKeys(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// turnKeys rotates, adds scopes and makes recovery keys without end; each value it
// tells of was sealed with keys that were on the disk.
func turnKeys(dir string) error {
	s, err := secret.OpenStore(context.Background(), secret.Config{Dir: filepath.Join(dir, "data"), File: filepath.Join(dir, "key")})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if _, err := s.Rotate(); err != nil {
			return err
		}
		sealed, err := s.Ring().Seal("kill", fmt.Appendf(nil, "value %d", i), nil)
		if err != nil {
			return err
		}
		fmt.Printf("%x\n", sealed)
		_, release, err := s.Ring().SealFor(fmt.Sprint("scope", i), io.Discard, nil)
		if err != nil {
			return err
		}
		release()
		if _, _, err := s.NewRecovery(); err != nil {
			return err
		}
	}
}

// TestKilled kills a process that changes keys, again and again: the directory
// always opens with its key file, and every value that was told of opens.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	var values [][]byte
	for round := range 25 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "CHATETS_TEST_TURN_KEYS="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if lines.Scan() {
			// At a moment that nobody chose: somewhere in the next rotation.
			kill := time.AfterFunc(time.Duration(round)*700*time.Microsecond, func() { _ = cmd.Process.Kill() })
			for again := true; again; again = lines.Scan() {
				var sealed []byte
				if _, err := fmt.Sscanf(lines.Text(), "%x", &sealed); err == nil {
					values = append(values, sealed)
				}
			}
			kill.Stop()
		}
		_ = cmd.Process.Kill()
		if err := cmd.Wait(); err == nil || said.Len() > 0 {
			t.Fatalf("round %d: the process ended by itself: %v %s", round, err, said.String())
		}
		s, err := secret.OpenStore(t.Context(), secret.Config{Dir: filepath.Join(dir, "data"), File: filepath.Join(dir, "key")})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for i, v := range values {
			if _, err := s.Ring().Open("kill", v, nil); err != nil {
				t.Fatalf("round %d: value %d of %d: %v", round, i, len(values), err)
			}
		}
		st := s.Status()
		files := 0
		for _, slot := range st.Slots {
			if slot.Kind == secret.FileKind {
				files++
			}
		}
		if files != 1 {
			t.Fatalf("round %d: %d slots for the file", round, files)
		}
		for _, folder := range []string{dir, filepath.Join(dir, "data")} {
			if left, err := filepath.Glob(filepath.Join(folder, ".*-*")); err != nil || len(left) > 0 {
				t.Errorf("round %d: left %v, %v", round, left, err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "data", "keys.json.old")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("round %d: the predecessor is still there", round)
		}
	}
	if len(values) < 25 {
		t.Errorf("only %d values", len(values))
	}
}
