package extract

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"chatets/appliance/fault"
)

// FenceConfig is what a Fence is made of.
type FenceConfig struct {
	Command []string // a program and arguments that run Child, the last being Subcommand
	Cache   string   // folder of compiled code, "" = none; children only read it
	OCR     string   // path of tesseract, "" = none
	Workers int      // documents read at once; 0 = 2, and never fewer than 2
	Log     *slog.Logger
	Now     func() time.Time // nil = time.Now
}

// Fence reads documents in processes that can do nothing else: no environment,
// no files, no network, no other process, bounded memory and time. What a
// document does to its reader it does to that one document.
type Fence struct {
	command []string
	cache   string
	ocr     string
	log     *slog.Logger
	now     func() time.Time
	queue   *queue
	starter *starter
	limits  limits

	ctx  context.Context
	stop context.CancelFunc
	busy sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	missing []string
}

// limits are when a child is killed.
type limits struct {
	memory int64 // bytes it may occupy
	time   time.Duration
	perMB  time.Duration
	// Each page that is read from its picture gives it so much more, up to an end.
	look, looking time.Duration
}

// NewFence returns a fence. The folder of compiled code is filled by a child
// that reads no document; see Warm.
func NewFence(c FenceConfig) (*Fence, error) {
	if len(c.Command) == 0 {
		return nil, errors.New("extract: no command for the reading process")
	}
	f := &Fence{command: slices.Clone(c.Command), cache: c.Cache, ocr: c.OCR, log: c.Log, now: c.Now,
		limits: limits{memory: 600 << 20, time: 120 * time.Second, perMB: 2 * time.Second, look: 90 * time.Second, looking: 100 * time.Minute}}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.now == nil {
		f.now = time.Now
	}
	workers := c.Workers
	if workers == 0 {
		workers = 2
	}
	f.queue = newQueue(max(workers, 2))
	f.starter = newStarter()
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f, nil
}

// Request is one document to read.
type Request struct {
	Name     string // as it was uploaded; its ending says which reader
	Password string // of a locked file
	Waiting  bool   // a person waits for it: it goes before what runs in the background
	Size     int64  // bytes, 0 = not known
	// Languages are tesseract's, as "eng+deu"; "" = the one it takes by itself.
	Languages string
	// Progress is told how many pages are done, of so many; nil = nobody is. It
	// must be quick.
	Progress func(done, total int)
	// Again opens the body once more, for a second attempt by another reader
	// after a crash; nil where the body can be sought in, or there is none.
	Again func() (io.ReadCloser, error)
}

// Read reads a document. Beside the refusals of the readers themselves it ends
// with fault.Invalid and the code file-crashed, file-too-heavy or file-too-slow. A
// reader that crashes gets a second attempt with the simpler one of its format.
// The body must end when ctx does: Read returns only after its last use of it.
func (f *Fence) Read(ctx context.Context, r Request, body io.Reader) (Document, error) {
	a, err := f.attempts(ctx, r, body, question{Name: r.Name, Password: r.Password, Size: r.Size, Languages: r.Languages, tell: r.Progress})
	if err == nil && (a.picture != nil || len(a.document.Blocks) == 0) {
		err = crashed(errGarbage)
	}
	return a.document, err
}

// Render draws a page, from 1, as a JPEG of about width pixels.
func (f *Fence) Render(ctx context.Context, r Request, body io.Reader, page, width int) ([]byte, error) {
	if page < 1 || width < 1 || width > 4096 {
		return nil, fault.New(fault.Invalid, "There is no such picture of a page.").Cure("Ask for a page from 1 and a width from 1 to 4096.")
	}
	a, err := f.attempts(ctx, r, body, question{Name: r.Name, Password: r.Password, Size: r.Size, Page: page, Width: width})
	if err == nil && len(a.picture) == 0 {
		err = crashed(errGarbage)
	}
	return a.picture, err
}

// Warm fills the folder of compiled code, in a child that reads no document.
// Without a folder it does nothing.
func (f *Fence) Warm(ctx context.Context) error {
	if f.cache == "" {
		return nil
	}
	leave, err := f.enter(ctx, false)
	if err != nil {
		return err
	}
	defer leave()
	_, err = f.run(ctx, nil, nil)
	return err
}

// Report is what this machine's kernel lacks of the fence, once a first child
// has told; empty means that all of it stands.
func (f *Fence) Report() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.missing)
}

// Close ends all children and waits for them.
func (f *Fence) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	f.busy.Wait()
	f.starter.close()
}

func (f *Fence) attempts(ctx context.Context, r Request, body io.Reader, q question) (answer, error) {
	leave, err := f.enter(ctx, r.Waiting)
	if err != nil {
		return answer{}, err
	}
	defer leave()
	a, err := f.run(ctx, &q, body)
	if err == nil || !isCrash(err) {
		return a, err
	}
	again, done := second(r, body)
	if again == nil {
		return a, err
	}
	defer done()
	q.Plain = q.Page == 0
	b, second := f.run(ctx, &q, again)
	if second != nil && !isCrash(second) && ctx.Err() == nil {
		return b, err // the simpler reader's refusal explains less than the crash
	}
	return b, second
}

// second is the body once more, nil where it cannot be had.
func second(r Request, body io.Reader) (io.Reader, func()) {
	if r.Again != nil {
		if again, err := r.Again(); err == nil {
			return again, func() { _ = again.Close() } // only read
		}
		return nil, nil
	}
	if s, ok := body.(io.Seeker); ok {
		if _, err := s.Seek(0, io.SeekStart); err == nil {
			return body, func() {}
		}
	}
	return nil, nil
}

// enter waits for a worker; leave gives it back.
func (f *Fence) enter(ctx context.Context, waiting bool) (leave func(), err error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, closing()
	}
	f.busy.Add(1)
	f.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.ctx, cancel)()
	if err := f.queue.enter(ctx, waiting); err != nil {
		f.busy.Done()
		if f.ctx.Err() != nil {
			return nil, closing()
		}
		return nil, err
	}
	return func() { f.queue.leave(waiting); f.busy.Done() }, nil
}

func closing() error {
	return fault.New(fault.Unavailable, "ChatETS is stopping.").Cure("Try again when it runs again.")
}

func crashed(cause error) error {
	return fault.New(fault.Invalid, "The reader of this file failed on it.").Code("file-crashed").
		Cure("The file may be damaged: save it again in its own program, or as PDF or plain text, and add that.").Because(cause)
}

func heavy(cause error) error {
	return fault.New(fault.Invalid, "Reading this file takes more memory than one file may have.").Code("file-too-heavy").
		Cure("Split it into smaller files, or save it with smaller pictures.").Because(cause)
}

func slow(cause error) error {
	return fault.New(fault.Invalid, "Reading this file takes longer than one file may.").Code("file-too-slow").
		Cure("Split it into smaller files, or save it again in its own program.").Because(cause)
}

func isCrash(err error) bool { return fault.Of(err).Code == "file-crashed" }
