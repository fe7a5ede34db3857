package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"chatets/appliance/fault"
)

// Why a child was killed.
var (
	errHeavy = errors.New("the child took too much memory")
	errSlow  = errors.New("the child took too long")
)

// lowly is the priority of reading processes: whoever waits for an answer goes
// before them.
const lowly = 3

// starter starts all children from one thread: the kernel kills a child with
// the thread that started it, and Go's threads come and go. They inherit its
// priority, and it never gets another one back, so it ends with the starter.
type starter struct {
	work chan func()
	done chan struct{}
	once sync.Once
}

func newStarter() *starter {
	s := &starter{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread()
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, lowly) // 0 is this thread; without it reading is no worse than before
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *starter) start(c *exec.Cmd) error {
	result := make(chan error, 1)
	s.work <- func() { result <- c.Start() }
	return <-result
}

func (s *starter) close() {
	s.once.Do(func() { close(s.work) })
	<-s.done
}

// run is one child from start to end. Without a question it fills the folder of
// compiled code.
//
//  1. It starts, and its figures in /proc are opened before its fence closes them.
//  2. It is let go, raises the fence, and says so.
//  3. The question and the file go in while the answer comes out.
//  4. It is killed with all it started, whatever happened.
func (f *Fence) run(ctx context.Context, q *question, body io.Reader) (answer, error) {
	began := f.now()
	inner, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	defer context.AfterFunc(f.ctx, func() { kill(closing()) })()

	args := slices.Clone(f.command[1:])
	if f.cache != "" {
		args = append(args, "-cache", f.cache)
	}
	if f.ocr != "" {
		args = append(args, "-ocr", f.ocr)
	}
	if q == nil {
		args = append(args, "-warm")
	}
	cmd := exec.Command(f.command[0], args...)
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	errs := &tail{}
	cmd.Stderr = errs
	cmd.WaitDelay = 2 * time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return answer{}, fmt.Errorf("pipe to the reading process: %w", err)
	}
	// Not StdoutPipe: Wait would close it under the reader.
	out, childOut, err := os.Pipe()
	if err != nil {
		return answer{}, fmt.Errorf("pipe from the reading process: %w", err)
	}
	defer out.Close()
	cmd.Stdout = childOut
	err = f.starter.start(cmd)
	_ = childOut.Close() // the child's end
	if err != nil {
		return answer{}, fmt.Errorf("start the reading process: %w", err)
	}
	group := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // gone already is as good
	statm, err := os.Open("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/statm")
	if err != nil {
		group()
		_ = cmd.Wait()
		return answer{}, fmt.Errorf("watch the reading process: %w", err)
	}
	defer statm.Close()

	stopped := context.AfterFunc(inner, group)
	defer stopped()
	ended := make(chan struct{})
	var helpers sync.WaitGroup
	looked := make(chan struct{}, 1)
	helpers.Go(func() { f.watch(statm, q, looked, ended, kill) })
	helpers.Go(func() {
		if _, err := in.Write([]byte{frameBegin}); err != nil || q == nil {
			return // it has ended, and says itself why
		}
		var broken brokenPipe
		if err := send(in, *q, body); err != nil && !errors.As(err, &broken) {
			kill(err)
		}
	})
	a := answer{looked: looked}
	if q != nil {
		a.tell = q.tell
	}
	received := a.receive(out)
	group() // it has said all it may, or nonsense
	waited := cmd.Wait()
	_ = in.Close()
	close(ended)
	// A body that does not come to its end must not hold the worker's answer: the
	// reader of it ends with the caller's context.
	helpers.Wait()

	f.note(a)
	err = f.verdict(inner, a, q, received, waited, errs.String())
	if err != nil && (fault.Of(err).Kind == fault.Internal || fault.Of(err).Code == "file-crashed") && ctx.Err() == nil {
		f.log.Warn("a reading process failed", "took", f.now().Sub(began), "state", cmd.ProcessState.String(), "output", quiet(errs.String()), "error", err)
	}
	if err != nil {
		a = answer{}
	}
	return a, err
}

// verdict is what a child's end means for its document.
func (f *Fence) verdict(ctx context.Context, a answer, q *question, received, waited error, output string) error {
	switch cause := context.Cause(ctx); {
	case a.ended && received == nil:
		return a.refused
	case errors.Is(cause, errHeavy):
		return heavy(cause)
	case errors.Is(cause, errSlow):
		return slow(cause)
	case cause != nil:
		return cause
	case received != nil:
		return crashed(received)
	case q == nil && a.locked && exitCode(waited) <= 0:
		return nil
	case exitCode(waited) == exitNoFence:
		return fault.New(fault.Unavailable, "Files cannot be read safely on this machine.").Code("fence-missing").
			Cure("Run ChatETS on Linux with seccomp; its log says what is missing.").Because(fmt.Errorf("%s: %w", strings.TrimSpace(output), waited))
	case exitCode(waited) == exitWrong:
		return fmt.Errorf("the reading process was not asked as it must be: %w", waited)
	case strings.Contains(output, "out of memory") || strings.Contains(output, "cannot allocate memory"):
		return heavy(waited)
	}
	if waited == nil {
		waited = errGarbage
	}
	return crashed(waited)
}

func exitCode(waited error) int {
	var e *exec.ExitError
	if errors.As(waited, &e) {
		return e.ExitCode()
	}
	return 0
}

// watch kills a child that takes too much.
func (f *Fence) watch(statm *os.File, q *question, looked, ended <-chan struct{}, kill context.CancelCauseFunc) {
	began := time.Now()
	most := f.limits.time
	if q != nil {
		most += time.Duration(q.Size>>20) * f.limits.perMB
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(most)
	defer late.Stop()
	var buffer [128]byte
	for {
		select {
		case <-ended:
			return
		case <-late.C:
			kill(errSlow)
			return
		case <-looked:
			// A page that was read from its picture takes seconds, and there may be
			// hundreds of them.
			most = max(most, min(time.Since(began)+f.limits.look, f.limits.looking))
			late.Reset(most - time.Since(began))
			continue
		case <-tick.C:
		}
		n, err := statm.ReadAt(buffer[:], 0)
		if n == 0 && err != nil && !errors.Is(err, io.EOF) {
			continue // it ends just now
		}
		fields := strings.Fields(string(buffer[:n]))
		if len(fields) < 2 {
			continue
		}
		pages, err := strconv.ParseInt(fields[1], 10, 64)
		if err == nil && pages*int64(os.Getpagesize()) > f.limits.memory {
			kill(errHeavy)
			return
		}
	}
}

// note keeps what the kernel lacks, and says it once.
func (f *Fence) note(a answer) {
	if !a.locked {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.missing, a.missing) {
		f.missing = a.missing
		f.log.Info("the fence around readers is not complete on this machine", "missing", strings.Join(a.missing, ", "))
	}
}

// tail keeps the beginning of what a child says to its standard error.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const maxTail = 8 << 10

// Write implements io.Writer; what is too much is dropped.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p[:min(len(p), maxTail-t.text.Len())])
	return len(p), nil
}

// String is what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// quiet is of a child's last words what cannot quote the document: where it
// failed, and Go's own errors.
func quiet(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		own := strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "the fence") || strings.HasPrefix(line, "the reader") ||
			strings.HasPrefix(line, "\t/") || strings.Contains(line, "runtime error: ") && len(line) < 120
		if own && len(kept) < 12 {
			kept = append(kept, strings.ToValidUTF8(line[:min(len(line), 160)], ""))
		}
	}
	return strings.Join(kept, "; ")
}
