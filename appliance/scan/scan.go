// Package scan asks a malware scanner about files, over clamd's own protocol or
// over ICAP.
//
// What a newcomer gets wrong: an error is not "clean". A scanner that is gone,
// slow, or says half a sentence leaves a file unjudged, and whoever asked decides
// what becomes of unjudged files.
package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// Purpose is the purpose under which the gate must let the scanner be reached.
const Purpose = "scan"

const (
	idle     = 30 * time.Second  // between two signs of life while a file is sent
	thinking = 120 * time.Second // from the last byte sent to the answer
	maxLine  = 4096
	maxName  = 200
)

// Dial opens a connection for a purpose; network is "unix" or "tcp".
type Dial func(ctx context.Context, purpose, network, address string) (net.Conn, error)

// Config is what a Scanner is made of.
type Config struct {
	Gate    *egress.Gate
	Dial    Dial             // nil = through Gate
	Address string           // "clamd:///run/clamav/clamd.ctl", "clamd://host:3310" or "icap://host:1344/service"
	Now     func() time.Time // nil = time.Now
	// Patience is how long an answer may take after the last byte of a file; 0 = two minutes.
	Patience time.Duration
}

// Verdict is what a scanner says about a file.
type Verdict struct {
	Clean bool
	Name  string // of what was found, "" where it is clean
}

// Scanner asks one malware scanner.
type Scanner struct {
	dial             Dial
	network, address string
	icap             *service // nil = clamd
	now              func() time.Time
	idle, thinking   time.Duration
}

// New returns a scanner; it connects only when it is asked.
func New(c Config) (*Scanner, error) {
	s := &Scanner{dial: c.Dial, now: c.Now, network: "tcp", address: c.Address, idle: idle, thinking: thinking}
	if s.now == nil {
		s.now = time.Now
	}
	if c.Patience > 0 {
		s.thinking = c.Patience
	}
	if s.dial == nil {
		if c.Gate == nil {
			return nil, errors.New("scan: neither a gate nor a way to dial")
		}
		s.dial = func(ctx context.Context, purpose, network, address string) (net.Conn, error) {
			if network == "unix" {
				return c.Gate.DialUnix(ctx, purpose, address)
			}
			return c.Gate.Dial(ctx, purpose, network, address)
		}
	}
	if err := s.find(c.Address); err != nil {
		return nil, fault.New(fault.Invalid, "The address of the malware scanner is not one that is understood.").
			Cure("Write clamd:///run/clamav/clamd.ctl, clamd://host:3310 or icap://host:1344/service.").Because(err)
	}
	return s, nil
}

// find reads the address.
func (s *Scanner) find(address string) error {
	switch rest, isClamd := strings.CutPrefix(address, "clamd://"); {
	case isClamd && strings.HasPrefix(rest, "/"):
		if s.network, s.address = "unix", rest; len(rest) > 107 { // what a Unix socket's name may have
			return errors.New("the path is too long")
		}
		return nil
	case isClamd:
		s.address = rest
	case strings.HasPrefix(address, "icap://"):
		var err error
		if s.icap, err = newService(address); err != nil {
			return err
		}
		s.address = s.icap.host
	default:
		return errors.New("neither clamd nor icap")
	}
	_, err := s.rule()
	return err
}

func (s *Scanner) rule() (egress.Rule, error) {
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return egress.Rule{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return egress.Rule{}, errors.New("no host and port")
	}
	return egress.Rule{Purpose: Purpose, Host: host, Port: int(n)}, nil
}

// Rules are what must be let out for this scanner; none where it is reached
// through a socket of this machine.
func (s *Scanner) Rules() []egress.Rule {
	r, err := s.rule()
	if s.network == "unix" || err != nil {
		return nil
	}
	return []egress.Rule{r}
}

// Scan streams a file to the scanner and returns its verdict. size is the
// file's length in bytes, 0 where it is not known. A file that got no verdict is
// an error: fault.TooLarge with the code scan-too-large, or fault.Unavailable
// with the code scan-failed.
func (s *Scanner) Scan(ctx context.Context, body io.Reader, size int64) (Verdict, error) {
	c, err := s.dial(ctx, Purpose, s.network, s.address)
	if err != nil {
		return Verdict{}, s.failed(ctx, err)
	}
	defer c.Close()
	// A deadline in the past wakes whoever reads or writes.
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	w := &wire{Conn: c, scanner: s, ctx: ctx}
	var v Verdict
	if s.icap != nil {
		v, err = s.icap.ask(w, body, size)
	} else {
		v, err = instream(w, body)
	}
	// clamd says this of a file of which it looked at a part only.
	if err == nil && strings.HasPrefix(v.Name, "Heuristics.Limits.Exceeded") {
		err = fmt.Errorf("%w: %s", errTooLarge, v.Name)
	}
	if err != nil {
		return Verdict{}, s.failed(ctx, err)
	}
	return v, nil
}

// Ping asks whether the scanner answers at all.
func (s *Scanner) Ping(ctx context.Context) error {
	c, err := s.dial(ctx, Purpose, s.network, s.address)
	if err != nil {
		return s.failed(ctx, err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	w := &wire{Conn: c, scanner: s, ctx: ctx}
	if s.icap != nil {
		err = s.icap.options(w)
	} else {
		err = ping(w)
	}
	if err != nil {
		return s.failed(ctx, err)
	}
	return nil
}

func (s *Scanner) failed(ctx context.Context, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var of bodyError
	if errors.As(cause, &of) {
		return of.error
	}
	if errors.Is(cause, errTooLarge) {
		return fault.New(fault.TooLarge, "The file is larger than the malware scanner takes.").Code("scan-too-large").
			Cure("An administrator can raise the scanner's limits (StreamMaxLength, MaxFileSize and MaxScanSize of clamd), or you can split the file.").Because(cause)
	}
	return fault.New(fault.Unavailable, "The malware scanner gave no verdict.").Code("scan-failed").
		Cure("Try again; if it happens again, an administrator should check that the scanner runs.").Because(cause)
}

var errTooLarge = errors.New("the scanner's limit of size is exceeded")

// bodyError is a failure to read the file that was to be scanned.
type bodyError struct{ error }

// wire is a connection whose every write and read has a deadline.
type wire struct {
	net.Conn
	scanner *Scanner
	ctx     context.Context // of the one scan this wire lives for
}

// Write implements io.Writer.
func (w *wire) Write(p []byte) (int, error) {
	if err := w.until(w.scanner.idle, w.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// Read implements io.Reader.
func (w *wire) Read(p []byte) (int, error) { return w.Conn.Read(p) }

// listen sets the time by which the whole answer must be there, however slowly
// it drips.
func (w *wire) listen() error { return w.until(w.scanner.thinking, w.Conn.SetReadDeadline) }

func (w *wire) until(d time.Duration, set func(time.Time) error) error {
	if err := set(w.scanner.now().Add(d)); err != nil {
		return err
	}
	return w.ctx.Err() // ended in between: its own deadline was just overwritten
}

// pour sends the file in pieces of at most 64 KiB, each through put.
func pour(body io.Reader, put func([]byte) error) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(body, buffer)
		if n > 0 {
			if err := put(buffer[:n]); err != nil {
				return fmt.Errorf("send the file: %w", err)
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return bodyError{err}
		}
	}
}

// plain is a name as a scanner gave it, fit to be shown.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(name), ""))
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	if name == "" {
		return "unnamed"
	}
	return name
}
