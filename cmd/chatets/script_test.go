package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"chatets/appliance"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

var update = flag.Bool("update", false, "write what the scripts compare with anew")

// TestMain makes the command itself a program that the scripts can run.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == appliance.ExtractChild {
		main() // a service of a script reads a document
	}
	testscript.Main(m, map[string]func(){"chatets": main})
}

// TestScripts runs the command as an operator does. Each script has a folder of
// its own, where ./data is the data directory.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Vars = slices.DeleteFunc(e.Vars, func(v string) bool { return strings.HasPrefix(v, "CHATETS_") })
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": scriptCode, "up": scriptUp, "down": scriptDown, "die": scriptDie, "mask": scriptMask,
			"sql": scriptSQL, "bytes": scriptBytes, "spoil": scriptSpoil, "chown": scriptChown, "shared": scriptShared,
			"modelserver": scriptModelServer, "lastline": scriptLastLine, "scanner": scriptScanner, "spoilall": scriptSpoilAll,
		},
	})
}

// scriptCode runs a program and wants its exact exit code: code 3 chatets ask x.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: code N program argument…")
	}
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("got exit code %d, want %d", got, want)
	}
}

// patience is how long a script waits for a service to come or go.
const patience = 60 * time.Second

var serves = regexp.MustCompile(`serves http://(\S+)`)

// scriptUp starts the service and waits until it serves: up argument…. Its
// output is in the files up.out and up.log, its address in $ADDRESS.
func scriptUp(ts *testscript.TestScript, neg bool, args []string) {
	out, err := os.Create(ts.MkAbs("up.out"))
	ts.Check(err)
	defer out.Close()
	log, err := os.Create(ts.MkAbs("up.log"))
	ts.Check(err)
	defer log.Close()
	program, err := exec.LookPath("chatets")
	ts.Check(err)
	cmd := exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), out, log
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "CHATETS_DATA"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		select {
		case <-done:
		case <-time.After(patience):
		}
	})
	ts.Setenv("SERVICE", strconv.Itoa(cmd.Process.Pid))
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if m := serves.FindStringSubmatch(ts.ReadFile("up.out")); m != nil {
			ts.Setenv("ADDRESS", m[1])
			return
		}
		select {
		case err := <-done:
			done <- err
			ts.Fatalf("the service ended at its start: %v\n%s", err, ts.ReadFile("up.log"))
		default:
		}
	}
	ts.Fatalf("the service does not get ready:\n%s", ts.ReadFile("up.log"))
}

// scriptDown ends the service with SIGTERM and waits until it is gone.
func scriptDown(ts *testscript.TestScript, _ bool, _ []string) { end(ts, syscall.SIGTERM) }

// scriptDie ends the service with SIGKILL.
func scriptDie(ts *testscript.TestScript, _ bool, _ []string) { end(ts, syscall.SIGKILL) }

func end(ts *testscript.TestScript, signal syscall.Signal) {
	pid, err := strconv.Atoi(ts.Getenv("SERVICE"))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, signal))
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return
		}
	}
	ts.Fatalf("the service does not end")
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// scriptMask writes standard output to the file masked, without what differs
// from run to run.
func scriptMask(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile("stdout")
	for i, id := range slices.Compact(uuid.FindAllString(text, -1)) {
		text = strings.ReplaceAll(text, id, "ID"+strconv.Itoa(i+1))
	}
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "WORK")
	for _, pattern := range args {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, "…")
	}
	ts.Check(os.WriteFile(ts.MkAbs("masked"), []byte(text), 0o600))
}

// scriptSQL changes the database behind the back of everybody: sql STATEMENT….
func scriptSQL(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs("data")
	keys, _, err := secret.Open(dir+".key", dir)
	ts.Check(err)
	ctx := context.Background()
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: keys.Pages(), Reserve: -1})
	ts.Check(err)
	ts.Check(db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, statement := range args {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	}))
	ts.Check(db.Close())
}

// scriptBytes writes a file of bytes that a script cannot hold: bytes FILE "\x00…".
func scriptBytes(ts *testscript.TestScript, _ bool, args []string) {
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// scriptSpoil overwrites the middle of a file with rubbish.
func scriptSpoil(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR, 0)
	ts.Check(err)
	info, err := f.Stat()
	ts.Check(err)
	from := int64(4096) // the first page of a database tells what it is
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, int(info.Size()-from)), from)
	ts.Check(errors.Join(err, f.Close()))
}

// scriptSpoilAll changes the last byte of every file below a folder.
func scriptSpoilAll(ts *testscript.TestScript, _ bool, args []string) {
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text[len(text)-1] ^= 0xff
		return os.WriteFile(path, text, 0o600)
	}))
	if files == 0 {
		ts.Fatalf("there is nothing in %s", args[0])
	}
}

// scriptChown gives files and all that is in them to a user: chown UID FILE….
func scriptChown(ts *testscript.TestScript, _ bool, args []string) {
	uid, err := strconv.Atoi(args[0])
	ts.Check(err)
	for _, file := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(file), func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, uid, uid))
		}))
	}
}

// scriptLastLine copies the last line of a file: lastline FROM TO.
func scriptLastLine(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(lines[len(lines)-1]+"\n"), 0o600))
}

// scriptShared makes a folder that every user can enter and goes there.
func scriptShared(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := os.MkdirTemp("", "shared")
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	ts.Check(os.Chmod(dir, 0o755))
	ts.Check(ts.Chdir(dir))
}
