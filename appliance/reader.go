package appliance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"chatets/appliance/extract"
)

// reader reads documents in child processes of this binary. The first one that
// needs the PDF parser waits until it is compiled: some seconds, once in the life
// of a data directory, and a house without PDF files never pays for it.
type reader struct {
	fence *extract.Fence
	log   *slog.Logger
	turn  chan struct{} // held by who compiles
	done  bool          // belongs to who holds the turn
}

// self is this very program: not its path, which an update may have replaced, and
// which the owner of the data may not be able to reach when root started it.
const self = "/proc/self/exe"

// newReader makes the fence. The parser's compiled code lies beside the data.
func newReader(data string, log *slog.Logger) (*reader, error) {
	cache := filepath.Join(data, "cache", "extract")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, fmt.Errorf("folder of compiled code: %w", err)
	}
	ocr, err := exec.LookPath("tesseract")
	if err != nil {
		ocr = "" // scanned pages are then said not to have been read
	}
	fence, err := extract.NewFence(extract.FenceConfig{Command: []string{self, extract.Subcommand}, Cache: cache, OCR: ocr, Log: log, Now: time.Now})
	if err != nil {
		return nil, err
	}
	return &reader{fence: fence, log: log, turn: make(chan struct{}, 1)}, nil
}

// ready waits for the parser where the file may need it.
func (r *reader) ready(ctx context.Context, name string) error {
	media, err := extract.Type(name, nil)
	if err != nil || !extract.MayHoldPDF(media) {
		return nil
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), context.Cause(ctx))
	}
	defer func() { <-r.turn }()
	if r.done {
		return nil
	}
	err = r.fence.Warm(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.done = true
	if err != nil {
		r.log.Error("the PDF parser cannot be compiled: PDF files are read by the simpler reader, and their pages are not shown", "error", err)
	}
	if missing := r.fence.Report(); len(missing) > 0 {
		r.log.Warn("this system's kernel lacks a part of the fence around the readers of documents", "missing", missing)
	}
	return nil
}

// Read implements library.Reader.
func (r *reader) Read(ctx context.Context, q extract.Request, body io.Reader) (extract.Document, error) {
	if err := r.ready(ctx, q.Name); err != nil {
		return extract.Document{}, err
	}
	return r.fence.Read(ctx, q, body)
}

// Render implements library.Reader.
func (r *reader) Render(ctx context.Context, q extract.Request, body io.Reader, page, width int) ([]byte, error) {
	if err := r.ready(ctx, q.Name); err != nil {
		return nil, err
	}
	return r.fence.Render(ctx, q, body, page, width)
}
