package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var servesAt = regexp.MustCompile(`serves (http://\S+)`)

// A process is a server that runs beside us.
type process struct {
	cmd  *exec.Cmd
	base string
}

// begin starts a program and waits until it says where it serves.
func begin(ctx context.Context, log string, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stderr = file
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := servesAt.FindStringSubmatch(lines.Text()); m != nil {
			p.base = m[1]
			go func() { // what it still says is not to fill the pipe
				for lines.Scan() {
				}
			}()
			return p, nil
		}
	}
	p.stop()
	said, _ := os.ReadFile(log)
	return nil, fmt.Errorf("%s does not serve: %s", filepath.Base(name), bytes.TrimSpace(said))
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// cpu is the processor time the process has used.
func (p *process) cpu() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name and may hold blanks; the 14th and 15th count
	// hundredths of a second.
	_, rest, found := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 13 {
		return 0, errors.New("the system does not say how long a process ran")
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}
