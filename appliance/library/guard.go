package library

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/scan"
	"chatets/appliance/setting"
)

// What becomes of a file that the malware scanner gives no verdict on, because
// it does not answer or takes no file of that size.
const (
	holdUnjudged = "hold" // it is not read
	readUnjudged = "read" // it is read, and says that it was not scanned
)

const (
	silence     = 15 * time.Second // how long a scanner that did not answer is left alone
	pingTime    = 5 * time.Second
	mostTries   = 5      // with one file, of a scanner that answers otherwise
	mostRemoved = 10_000 // files whose tries are remembered
)

// guard asks the malware scanner about files. A scanner that does not answer is
// left alone for a moment, so that a thousand waiting files do not each wait for it.
type guard struct {
	gate     *egress.Gate
	log      *slog.Logger
	now      func() time.Time
	patience time.Duration
	back     func() // told when a scanner answers again, or another one is set
	address  *setting.Value[string]
	unjudged *setting.Value[string]

	mu      sync.Mutex
	scanner *scan.Scanner // nil = none
	silent  time.Time     // since when it does not answer; zero = it does
	next    time.Time     // before this it is not asked
	cause   error
	tries   map[string]int // by document: times that the scanner, which answers, gave no verdict
}

// watch declares the settings and follows them.
func (g *guard) watch(s *setting.Settings) {
	g.tries = map[string]int{}
	g.unjudged = setting.Declare(s, setting.Key[string]{
		Name: "scan.unjudged", Default: holdUnjudged,
		Help: "What becomes of a file that the malware scanner gives no verdict on, because it does not answer or the file is larger than it takes: hold (it is not read) or read (it is read, and says that it was not scanned).",
		Check: func(v string) error {
			if v != holdUnjudged && v != readUnjudged {
				return fault.New(fault.Invalid, "Give hold or read.")
			}
			return nil
		},
	})
	g.address = setting.Declare(s, setting.Key[string]{
		Name: "scan.address", Default: "",
		Help: "The malware scanner that is asked about each file before it is read: clamd:///run/clamav/clamd.ctl, clamd://host:3310 or icap://host:1344/service; empty = none.",
		Check: func(v string) error {
			s, err := g.open(v)
			if err == nil && s != nil {
				_, err = egress.New(egress.Config{Rules: s.Rules()}) // says what is wrong with a host
			}
			return err
		},
	})
	g.address.Watch(g.use)
}

func (g *guard) open(address string) (*scan.Scanner, error) {
	if address == "" {
		return nil, nil
	}
	return scan.New(scan.Config{Gate: g.gate, Address: address, Now: g.now, Patience: g.patience})
}

// use takes another scanner, and lets it, and no other, out of the gate.
func (g *guard) use(address string) {
	s, err := g.open(address)
	if err == nil && g.gate != nil {
		var rules []egress.Rule
		if s != nil {
			rules = s.Rules()
		}
		err = g.gate.Allow(scan.Purpose, rules)
	}
	if err != nil { // both were checked before the setting was taken
		g.log.Error("the malware scanner cannot be used", "error", err)
	}
	g.mu.Lock()
	g.scanner, g.silent, g.next, g.cause = s, time.Time{}, time.Time{}, nil
	clear(g.tries)
	g.mu.Unlock()
	if g.back != nil {
		g.back()
	}
}

// on reports whether there is a scanner.
func (g *guard) on() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.scanner != nil
}

// holds reports whether files without a verdict are not read.
func (g *guard) holds(ctx context.Context) bool { return g.unjudged.Get(ctx) == holdUnjudged }

// errHopeless is no verdict on one file by a scanner that answers, again and again.
var errHopeless = errors.New("the scanner answers, but not on this file")

// judge asks about a file. asked is false where there is no scanner. An error
// is no verdict: scan-failed and scan-too-large by their codes, anything else is
// of the file or of who asks.
func (g *guard) judge(ctx context.Context, document string, size int64, open func() (io.ReadCloser, error)) (v scan.Verdict, asked bool, err error) {
	s, err := g.ready(ctx)
	if s == nil || err != nil {
		return scan.Verdict{}, s != nil, err
	}
	file, err := open()
	if err != nil {
		return scan.Verdict{}, true, err
	}
	v, err = s.Scan(ctx, file, size)
	err = errors.Join(err, file.Close())
	switch {
	case err == nil:
		g.answered(s)
		g.forget(document)
	case fault.Of(err).Code == "scan-failed":
		// Is it the scanner, or this file?
		if e := g.ping(ctx, s); e != nil {
			g.fell(s, e)
		} else if g.tried(document) >= mostTries {
			err = errors.Join(err, errHopeless)
		}
	}
	return v, true, err
}

// ready is the scanner, with an error while it does not answer.
func (g *guard) ready(ctx context.Context) (*scan.Scanner, error) {
	g.mu.Lock()
	s, silent, next, cause := g.scanner, g.silent, g.next, g.cause
	g.mu.Unlock()
	switch {
	case s == nil || silent.IsZero():
		return s, nil
	case g.now().Before(next):
		return s, cause
	}
	if err := g.ping(ctx, s); err != nil {
		g.fell(s, err)
		return s, err
	}
	g.answered(s)
	return s, nil
}

func (g *guard) ping(ctx context.Context, s *scan.Scanner) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pingTime, fault.New(fault.Unavailable, "The malware scanner does not answer.").Code("scan-failed"))
	defer cancel()
	err := s.Ping(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(err, context.DeadlineExceeded) && cause != nil {
		return cause
	}
	return err
}

// fell notes that the scanner does not answer.
func (g *guard) fell(s *scan.Scanner, cause error) {
	if fault.Of(cause).Code != "scan-failed" {
		return // whoever asked has left
	}
	g.mu.Lock()
	first := g.scanner == s && g.silent.IsZero()
	if g.scanner == s {
		g.next, g.cause = g.now().Add(silence), cause
	}
	if first {
		g.silent = g.now()
	}
	g.mu.Unlock()
	if first {
		g.log.Error("the malware scanner does not answer", "unjudged", g.unjudged.Get(context.Background()), "error", cause)
	}
}

// answered notes that the scanner answers.
func (g *guard) answered(s *scan.Scanner) {
	g.mu.Lock()
	again := g.scanner == s && !g.silent.IsZero()
	if again {
		g.silent, g.next, g.cause = time.Time{}, time.Time{}, nil
	}
	g.mu.Unlock()
	if again {
		g.log.Info("the malware scanner answers again")
		if g.back != nil {
			g.back()
		}
	}
}

func (g *guard) tried(document string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.tries) > mostRemoved {
		clear(g.tries)
	}
	g.tries[document]++
	return g.tries[document]
}

func (g *guard) forget(document string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tries, document)
}

// test asks about a file of nobody, now, however silent the scanner was.
func (g *guard) test(ctx context.Context, size int64, body io.Reader) (scan.Verdict, error) {
	g.mu.Lock()
	s := g.scanner
	g.mu.Unlock()
	if s == nil {
		return scan.Verdict{}, fault.New(fault.Conflict, "No malware scanner is set.").Code("scan-off").Cure("Set its address first.")
	}
	v, err := s.Scan(ctx, body, max(size, 0))
	switch {
	case err == nil:
		g.answered(s)
	case fault.Of(err).Code == "scan-failed":
		if e := g.ping(ctx, s); e != nil {
			g.fell(s, e)
		}
	}
	return v, err
}

// state is whether the scanner answers now, and since when it does not.
func (g *guard) state(ctx context.Context) (on bool, silent time.Time, cause error) {
	g.mu.Lock()
	s := g.scanner
	g.mu.Unlock()
	if s == nil {
		return false, time.Time{}, nil
	}
	if err := g.ping(ctx, s); err != nil {
		g.fell(s, err)
	} else {
		g.answered(s)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return true, g.silent, g.cause
}

// Silent reports a malware scanner that is set and did not answer when it was
// last asked; for metrics.
func (l *Library) Silent() bool {
	l.guard.mu.Lock()
	defer l.guard.mu.Unlock()
	return !l.guard.silent.IsZero()
}
