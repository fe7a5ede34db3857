package extract

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// TestMain lets this binary be the child of the fences below. The name of a
// document says how its reader behaves.
func TestMain(m *testing.M) {
	if InChild() {
		os.Exit(serve(os.Stdin, os.Stdout, os.Args[2:], misbehaving{&reading{}}))
	}
	os.Exit(m.Run())
}

// misbehaving is the product's readers, and those a hostile document could have
// taken over.
type misbehaving struct{ *reading }

func (m misbehaving) read(ctx context.Context, q question, data []byte) (Document, error) {
	how, _, _ := strings.Cut(q.Name, ".")
	switch how {
	case "loop":
		for {
			runtime.Gosched()
		}
	case "memory":
		var held [][]byte
		for i := 0; ; i++ {
			block := make([]byte, 8<<20)
			for at := 0; at < len(block); at += 4096 {
				block[at] = byte(i)
			}
			held = append(held, block)
			runtime.KeepAlive(held)
		}
	case "space":
		_, err := syscall.Mmap(-1, 0, 2<<30, syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		return said("mmap", err)
	case "panic":
		panic("secret words of the document")
	case "fatal":
		var m map[string]int
		go func() { m["x"] = 1 }() // in a goroutine nobody recovers
		select {}
	case "once": // only the first reader fails
		if !q.Plain {
			os.Exit(3)
		}
	case "exit":
		os.Exit(0)
	case "garbage":
		_, _ = os.Stdout.Write(bytes.Repeat([]byte("garbage "), 1000))
		os.Exit(0)
	case "lie":
		f := &frames{to: bufio.NewWriter(os.Stdout)}
		_ = f.json(frameBlock, Block{Kind: Paragraph, Text: "abc", Start: 5, End: 8})
		return Document{}, f.to.Flush()
	case "scan":
		tsv, err := recognise(ctx, q.ocr, q.Languages, data)
		if err != nil {
			return said("ocr", err)
		}
		_, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		return said(string(tsv), err)
	case "attempt":
		return attempts(), nil
	case "weigh":
		q.Name = strings.TrimPrefix(q.Name, "weigh.")
		d, err := m.reading.read(ctx, q, data)
		if err != nil {
			return d, err
		}
		return weighed(d)
	case "hold":
		if string(data) == "forever" {
			select {}
		}
	}
	if !strings.HasSuffix(q.Name, ".pdf") {
		q.Name = "a.txt"
	}
	return m.reading.read(ctx, q, data)
}

// said is a document that holds what a call answered.
func said(what string, err error) (Document, error) {
	b := doc.NewBuilder(context.Background())
	b.Add(Block{Kind: Paragraph, Text: fmt.Sprintf("%s: %v", what, err)})
	return b.Document("x")
}

// attempts tries what a child must not be able to do, one block for each.
func attempts() Document {
	b := doc.NewBuilder(context.Background())
	say := func(what string, err error) {
		b.Add(Block{Kind: Paragraph, Text: fmt.Sprintf("%s: %v", what, err)})
	}
	for _, domain := range []int{unix.AF_INET, unix.AF_INET6, unix.AF_UNIX, unix.AF_NETLINK} {
		_, err := unix.Socket(domain, unix.SOCK_STREAM, 0)
		say("socket", err)
	}
	// From another thread, too: the filter must be on all of them.
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wait.Go(func() {
			runtime.LockOSThread()
			_, errs[i] = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		})
	}
	wait.Wait()
	for _, err := range errs {
		say("socketpair", err)
	}
	_, err := net.Dial("tcp", "127.0.0.1:1")
	say("dial", errors.Unwrap(errors.Unwrap(err)))
	say("ptrace", unix.PtraceAttach(os.Getppid()))
	say("kill", unix.Kill(os.Getppid(), 0))
	say("tgkill", unix.Tgkill(os.Getppid(), os.Getppid(), 0))
	say("prlimit", unix.Prlimit(os.Getppid(), unix.RLIMIT_CORE, &unix.Rlimit{}, nil))
	say("mount", unix.Mount("none", "/tmp", "tmpfs", 0, ""))
	say("unshare", unix.Unshare(unix.CLONE_NEWUSER))
	_, _, errno := unix.Syscall(unix.SYS_BPF, 0, 0, 0)
	say("bpf", errno)
	_, _, errno = unix.Syscall(unix.SYS_KEYCTL, 0, 0, 0)
	say("keyctl", errno)
	_, _, errno = unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	say("io_uring", errno)
	_, err = unix.Open("/etc/passwd", unix.O_RDONLY, 0)
	say("open", err)
	_, err = unix.Open("/tmp/chatets-fence-test", unix.O_CREAT|unix.O_RDWR, 0o600)
	say("create", err)
	say("unlink", unix.Unlink("/tmp/chatets-fence-test"))
	say("exec", unix.Exec("/bin/true", []string{"true"}, nil))
	_, _, errno = unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
	say("fork", errno)
	b.Add(Block{Kind: Code, Text: fmt.Sprintf("env %q", os.Environ())})
	dir, _ := unix.Getcwd(make([]byte, 100))
	b.Add(Block{Kind: Code, Text: fmt.Sprintf("cwd %d", dir)})
	open := 0
	for fd := 3; fd < 1024; fd++ {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && (st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size > 0 || st.Mode&unix.S_IFMT == unix.S_IFSOCK || st.Mode&unix.S_IFMT == unix.S_IFIFO) {
			open++
		}
	}
	b.Add(Block{Kind: Code, Text: fmt.Sprintf("open %d", open)})
	dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	nice, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	var core, size unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
	_ = unix.Getrlimit(unix.RLIMIT_FSIZE, &size)
	b.Add(Block{Kind: Code, Text: fmt.Sprintf("dumpable %d nice %d core %d size %d", dumpable, 20-nice, core.Max, size.Max)})
	d, _ := b.Document("x")
	return d
}

func fence(t *testing.T, change func(*Fence)) *Fence {
	t.Helper()
	f, err := NewFence(FenceConfig{Command: []string{os.Args[0], Subcommand}, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(f)
	}
	t.Cleanup(f.Close)
	return f
}

func read(t *testing.T, f *Fence, name, text string) (Document, error) {
	t.Helper()
	return f.Read(t.Context(), Request{Name: name, Waiting: true, Size: int64(len(text))}, strings.NewReader(text))
}

func TestChildReadsAsParse(t *testing.T) {
	t.Parallel()
	f := fence(t, nil)
	text := strings.Repeat("The pump runs.\n\nThe valve is shut – ½ bar.\n\n", 30_000)
	got, err := read(t, f, "a.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse(t.Context(), "a.txt", []byte(text))
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("%d blocks, want %d; %v", len(got.Blocks), len(want.Blocks), err)
	}
	if _, err := read(t, f, "a.txt", ""); !fault.Is(err, fault.Invalid) || fault.Of(err).Cure == "" || isCrash(err) {
		t.Errorf("an empty file: %v", err)
	}
	t.Logf("this machine lacks %q", f.Report())
}

// TestTheFence tries from inside what a document that took its reader over would.
func TestTheFence(t *testing.T) {
	// Not parallel: a key in the environment and a descriptor without close-on-exec.
	t.Setenv("CHATETS_KEY", "a-secret-key")
	secret, err := os.CreateTemp(t.TempDir(), "key")
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	if _, err := secret.WriteString("secret"); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(secret.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	d, err := read(t, fence(t, nil), "attempt.txt", "x")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range d.Blocks {
		if b.Kind == Paragraph {
			n++
			if !strings.HasSuffix(b.Text, "operation not permitted") {
				t.Errorf("a child may: %s", b.Text)
			}
		}
	}
	if n < 27 {
		t.Errorf("only %d attempts", n)
	}
	all := texts(d)
	for _, want := range []string{"env []", "cwd 2", "open 0", "dumpable 0 nice 10 core 0 size 0"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in:\n%s", want, all)
		}
	}
	if strings.Contains(all, "secret") {
		t.Error("the key is seen")
	}
}

func texts(d Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		b.WriteString(block.Text + "\n")
	}
	return b.String()
}

func TestBadDocumentsHurtThemselves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, code string }{
		{"memory.txt", "file-too-heavy"},
		{"loop.txt", "file-too-slow"},
		{"panic.txt", "file-crashed"},
		{"fatal.txt", "file-crashed"},
		{"exit.txt", "file-crashed"},
		{"garbage.txt", "file-crashed"},
		{"lie.txt", "file-crashed"},
		{"once.txt", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log := &tail{}
			f := fence(t, func(f *Fence) {
				if tt.name == "loop.txt" {
					f.limits.time = 2 * time.Second
				}
				f.log = slog.New(slog.NewTextHandler(log, nil))
			})
			d, err := read(t, f, tt.name, "words of the document")
			if tt.code == "" {
				if err != nil || !strings.Contains(texts(d), "words") {
					t.Errorf("got %v, %v", d, err)
				}
				return
			}
			if r := fault.Of(err); r.Kind != fault.Invalid || r.Code != tt.code || r.Cure == "" {
				t.Errorf("got %+v: %v", r, err)
			}
			if strings.Contains(log.String(), "words") {
				t.Errorf("the log quotes the document: %s", log)
			}
			if d, err := read(t, f, "good.txt", "Still here."); err != nil || texts(d) != "Still here.\n" {
				t.Errorf("the next document: %v, %v", d, err)
			}
		})
	}
}

func TestAddressSpaceIsBounded(t *testing.T) {
	t.Parallel()
	if d, err := read(t, fence(t, nil), "space.txt", "x"); err != nil || strings.Contains(texts(d), "cannot allocate") != limitSpace {
		t.Errorf("got %q, %v", texts(d), err)
	}
}

func TestCrashIsTriedTwice(t *testing.T) {
	t.Parallel()
	f := fence(t, nil)
	opened := 0
	again := func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(strings.NewReader("second")), nil
	}
	d, err := f.Read(t.Context(), Request{Name: "once.txt", Again: again}, io.MultiReader(strings.NewReader("first")))
	if err != nil || opened != 1 || texts(d) != "second\n" {
		t.Errorf("got %q, opened %d, %v", texts(d), opened, err)
	}
	if _, err := f.Read(t.Context(), Request{Name: "exit.txt", Again: again}, strings.NewReader("x")); !isCrash(err) || opened != 2 {
		t.Errorf("opened %d, %v", opened, err)
	}
	broken := errors.New("the disk fails")
	if _, err := f.Read(t.Context(), Request{Name: "a.txt"}, io.MultiReader(strings.NewReader("x"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("a body that fails: %v", err)
	}
}

type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestRecognise runs a program in tesseract's place: it gets the picture, and no
// more of the machine than its child.
func TestRecognise(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "tesseract")
	script := "#!/bin/sh\n[ \"$*\" = 'stdin stdout --psm 3 -l eng+deu tsv' ] || exit 1\n(: > " + program + ".new) 2>/dev/null && exit 2\nkill -0 $PPID && exit 3\ncat\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := NewFence(FenceConfig{Command: []string{os.Args[0], Subcommand}, OCR: program})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	d, err := f.Read(t.Context(), Request{Name: "scan.txt", Languages: "eng+deu"}, strings.NewReader("picture"))
	if err != nil || texts(d) != "picture: operation not permitted\n" {
		t.Errorf("got %q, %v", texts(d), err)
	}
}

func TestCancelKills(t *testing.T) {
	t.Parallel()
	f := fence(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	sent := make(chan struct{})
	go func() {
		_, err := f.Read(ctx, Request{Name: "hold.txt"}, io.MultiReader(strings.NewReader("forever"), signal{sent}))
		result <- err
	}()
	<-sent
	began := time.Now()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

type signal struct{ done chan struct{} }

// Read implements io.Reader: it says that all before it was taken.
func (s signal) Read([]byte) (int, error) { close(s.done); return 0, io.EOF }

func TestManyDocumentsAtOnce(t *testing.T) {
	t.Parallel()
	f := fence(t, nil)
	var wait sync.WaitGroup
	var running, most atomic.Int32
	for i := range 100 {
		wait.Go(func() {
			text := fmt.Sprintf("Document %d.", i)
			body := &counted{Reader: strings.NewReader(text), running: &running, most: &most}
			d, err := f.Read(t.Context(), Request{Name: "a.txt", Waiting: i%3 == 0}, body)
			running.Add(-1)
			if err != nil || texts(d) != text+"\n" {
				t.Errorf("document %d: %q, %v", i, texts(d), err)
			}
		})
	}
	wait.Wait()
	// A worker is given back a moment before its reader is counted off.
	if n := most.Load(); n < 1 || n > 4 {
		t.Errorf("%d documents were read at once", n)
	}
}

type counted struct {
	io.Reader
	once          sync.Once
	running, most *atomic.Int32
}

// Read implements io.Reader and counts the bodies that are being read.
func (c *counted) Read(p []byte) (int, error) {
	c.once.Do(func() {
		n := c.running.Add(1)
		for old := c.most.Load(); n > old && !c.most.CompareAndSwap(old, n); old = c.most.Load() {
		}
	})
	return c.Reader.Read(p)
}

func TestQueue(t *testing.T) {
	t.Parallel()
	q := newQueue(2)
	enter := func(waiting bool) { // must not wait
		t.Helper()
		if err := q.enter(t.Context(), waiting); err != nil {
			t.Fatal(err)
		}
	}
	enter(false)
	order := make(chan string, 10)
	stand := func(ctx context.Context, who string, waiting bool) {
		q.mu.Lock()
		before := len(*q.line(waiting))
		q.mu.Unlock()
		go func() {
			if q.enter(ctx, waiting) == nil {
				order <- who
			}
		}()
		for {
			q.mu.Lock()
			n := len(*q.line(waiting))
			q.mu.Unlock()
			if n > before {
				return
			}
			runtime.Gosched()
		}
	}
	stand(t.Context(), "background 1", false) // the last worker stays free
	enter(true)                               // for this person
	gone, cancel := context.WithCancel(t.Context())
	stand(t.Context(), "person 1", true)
	stand(gone, "nobody", true)
	stand(t.Context(), "person 2", true)
	cancel()
	for {
		q.mu.Lock()
		n := len(q.persons)
		q.mu.Unlock()
		if n == 2 {
			break
		}
		runtime.Gosched()
	}
	q.leave(false)
	if got := <-order; got != "person 1" {
		t.Errorf("first %s", got)
	}
	q.leave(true)
	if got := <-order; got != "person 2" {
		t.Errorf("second %s", got)
	}
	q.leave(true)
	if got := <-order; got != "background 1" {
		t.Errorf("third %s", got)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	f := fence(t, nil)
	sent, result := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := f.Read(t.Context(), Request{Name: "loop.txt"}, signal{sent})
		result <- err
	}()
	<-sent
	f.Close()
	if err := <-result; !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	var good bytes.Buffer
	w := &frames{to: bufio.NewWriter(&good)}
	_ = w.locked(nil)
	_ = w.document(Document{Title: "t", Blocks: []Block{{Kind: Paragraph, Text: "abc", End: 3}}})
	_ = w.to.Flush()
	f.Add(good.Bytes())
	f.Add([]byte("garbage"))
	f.Add([]byte("L\x00\x00\x00\x04nullB\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a answer
		if a.receive(bytes.NewReader(data)) != nil {
			return
		}
		at := 0
		for _, b := range a.document.Blocks {
			if !sane(b, at) {
				t.Fatalf("block %+v at %d", b, at)
			}
			at = b.End + 1
		}
	})
}
