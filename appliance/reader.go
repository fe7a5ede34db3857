package appliance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chatets/appliance/extract"
)

// reader reads documents in child processes of this binary. The first one that
// needs the PDF parser waits until it is compiled: some seconds, once in the life
// of a data directory, and a house without PDF files never pays for it.
type reader struct {
	fence   *extract.Fence
	letters []string // languages of tesseract that are installed, in order of preference
	log     *slog.Logger
	turn    chan struct{} // held by who compiles
	done    bool          // belongs to who holds the turn
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
	letters := languagesOf(ocr, log)
	if len(letters) == 0 {
		ocr = ""
	}
	fence, err := extract.NewFence(extract.FenceConfig{Command: []string{self, extract.Subcommand}, Cache: cache, OCR: ocr, Log: log, Now: time.Now})
	if err != nil {
		return nil, err
	}
	return &reader{fence: fence, letters: letters, log: log, turn: make(chan struct{}, 1)}, nil
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

// languagesOf asks tesseract for its languages. It sees no document here.
func languagesOf(tesseract string, log *slog.Logger) []string {
	if tesseract == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, tesseract, "--list-langs")
	cmd.Env, cmd.Dir = []string{}, "/"
	out, err := cmd.Output()
	if err != nil {
		log.Error("tesseract is installed and does not run: scanned pages are not read", "error", err)
		return nil
	}
	var found []string
	lines := strings.Split(string(out), "\n")
	for _, line := range lines[1:] { // the first says where they are
		if name := strings.TrimSpace(line); extract.IsLanguages(name) && name != "osd" && name != "equ" && name != "snum" {
			found = append(found, name)
		}
	}
	rank := func(name string) int {
		if i := slices.Index([]string{"eng", "deu"}, name); i >= 0 {
			return i
		}
		return 2
	}
	slices.SortStableFunc(found, func(a, b string) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a, b)) })
	if len(found) == 0 {
		log.Warn("tesseract is installed without a language: scanned pages are not read", "cure", "apt-get install tesseract-ocr-eng tesseract-ocr-deu")
	}
	return found
}

// Read implements library.Reader.
func (r *reader) Read(ctx context.Context, q extract.Request, body io.Reader) (extract.Document, error) {
	if q.Languages == "" {
		q.Languages = strings.Join(r.letters[:min(len(r.letters), 3)], "+")
	}
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
