package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// childDir names the data directory to a copy of this test binary that is to
// write until it is killed.
const childDir = "CHATETS_TEST_WRITE_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		err := writeForEver(dir)
		fmt.Fprintln(os.Stderr, "the writing child ended:", err)
		os.Exit(1)
	}
	if dir := os.Getenv(plainDir); dir != "" {
		notes, err := strconv.Atoi(os.Getenv("CHATETS_TEST_NOTES"))
		if err = errors.Join(err, makePlain(dir, notes)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(sealDir); dir != "" {
		if err := sealIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeForEver prints each name whose two rows it was told are safe.
func writeForEver(dir string) error {
	ctx := context.Background()
	lock, err := sqlite.Claim(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Version: "test", Reserve: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, schema); err != nil {
		return err
	}
	failed := make(chan error)
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
					if err := insert(name+"-a")(ctx, tx); err != nil {
						return err
					}
					return insert(name+"-b")(ctx, tx)
				}); err != nil {
					failed <- err
					return
				}
				fmt.Println(name)
			}
		}()
	}
	return <-failed
}

// TestKillLosesNothingAcknowledged kills a writing process with SIGKILL again
// and again. What it was told is safe must be there, and no half of an update.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	safe := map[string]bool{}
	for round := range 5 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		before := len(safe)
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break // and a line that is cut was not told
			}
			if err != nil {
				t.Fatal(err)
			}
			safe[strings.TrimSpace(line)] = true
			if len(safe)-before == 40+60*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed
		if len(safe)-before < 40 {
			t.Fatalf("round %d: the child wrote only %d", round, len(safe)-before)
		}
		db, err := open(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		found := names(t, db)
		for name := range safe {
			if !found[name+"-a"] || !found[name+"-b"] {
				t.Errorf("round %d: %s was acknowledged and is lost", round, name)
			}
		}
		for name := range found {
			if base, half := strings.CutSuffix(name, "-a"); half && !found[base+"-b"] {
				t.Errorf("round %d: half of %s is there", round, base)
			}
		}
		if err := db.Check(t.Context()); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d updates acknowledged in 5 rounds, none lost", len(safe))
}

// TestLockOfADeadProcess wants the claim back as soon as its process is dead.
func TestLockOfADeadProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Claim(dir)
	wantFault(t, err, fault.Conflict, "in use", strconv.Itoa(child.Process.Pid))
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	var once sync.Once
	until(t, func() bool {
		lock, err := sqlite.Claim(dir)
		if err != nil {
			once.Do(func() { t.Log(err) })
			return false
		}
		return lock.Close() == nil
	})
}
