// Package pdf reads PDF documents: words with their places become lines,
// columns, headings, paragraphs and rows of tables.
//
// What a newcomer gets wrong: the compiled code in the cache folder is native
// code that will be run. Warm alone fills it, in a process that reads no
// document; afterwards the folder is only read.
package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"

	"github.com/klippa-app/go-pdfium"
	pdferrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"chatets/appliance/fault"
)

const (
	memoryPages = 6144    // of 64 KiB: what the parser may use, below the limit of its process
	maxPages    = 5000    // of one document; the rest is noted
	maxChars    = 200_000 // of one page
	maxObjects  = 1500    // of one page that are looked at beside text
	allObjects  = 150_000 // of one document: the parser keeps each until its end
)

// Reader reads documents one after the other; it is not for several goroutines.
type Reader struct {
	pool     pdfium.Pool
	instance pdfium.Pdfium
	cache    wazero.CompilationCache
}

// Open starts the parser with the compiled code in the folder cache.
func Open(cache string) (*Reader, error) {
	ctx := context.Background()
	compiled, err := wazero.NewCompilationCacheWithDir(cache)
	if err != nil {
		return nil, fmt.Errorf("compiled code of the PDF parser: %w", err)
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context: experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(outside)),
		MinIdle: 0, MaxIdle: 1, MaxTotal: 1,
		// An empty file system: without it the parser would see the whole disk.
		FSConfig: wazero.NewFSConfig(),
		RuntimeConfig: wazero.NewRuntimeConfigCompiler().WithCompilationCache(compiled).WithMemoryLimitPages(memoryPages).
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling),
		Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the PDF parser: %w", err), compiled.Close(ctx))
	}
	instance, err := pool.GetInstanceWithContext(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the PDF parser: %w", err), pool.Close(), compiled.Close(ctx))
	}
	return &Reader{pool: pool, instance: instance, cache: compiled}, nil
}

// Warm fills the folder cache with compiled code; it reads no document.
func Warm(cache string) error {
	r, err := Open(cache)
	if err != nil {
		return err
	}
	return r.Close()
}

// Close ends the parser.
func (r *Reader) Close() error {
	return errors.Join(r.instance.Close(), r.pool.Close(), r.cache.Close(context.Background()))
}

// Render draws a page, from 1, as a JPEG picture of the width, 200 to 2400.
func (r *Reader) Render(ctx context.Context, data []byte, password string, page, width int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	document, pages, err := r.open(data, password)
	if err != nil {
		return nil, err
	}
	defer r.close(document)
	if page < 1 || page > pages {
		return nil, fault.New(fault.NotFound, "The document has no page %d.", page).Cure("Choose a page from 1 to %d.", pages)
	}
	return r.draw(document, page-1, min(max(width, 200), 2400))
}

func (r *Reader) draw(document references.FPDF_DOCUMENT, index, width int) ([]byte, error) {
	r.fill(document, index)
	// The height is bounded too: a page may be a thousand times as high as wide.
	out, err := r.instance.RenderPageInPixels(&requests.RenderPageInPixels{Page: at(document, index), Width: width, Height: 3 * width})
	if err != nil {
		return nil, damaged(err)
	}
	defer out.Cleanup()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, out.Result.RenderedImage, &jpeg.Options{Quality: 85}); err != nil {
		return nil, fmt.Errorf("picture of a page: %w", err)
	}
	return b.Bytes(), nil
}

func (r *Reader) open(data []byte, password string) (references.FPDF_DOCUMENT, int, error) {
	// The parser reads where it needs; a copy of the file in its memory would halve what is left.
	req := &requests.OpenDocument{FileReader: bytes.NewReader(data), FileReaderSize: int64(len(data))}
	if password != "" {
		req.Password = &password
	}
	opened, err := r.instance.OpenDocument(req)
	switch {
	case errors.Is(err, pdferrors.ErrPassword):
		return "", 0, locked(password)
	case err != nil:
		return "", 0, damaged(err)
	}
	count, err := r.instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil || count.PageCount < 1 {
		r.close(opened.Document)
		return "", 0, damaged(err)
	}
	return opened.Document, count.PageCount, nil
}

func (r *Reader) close(document references.FPDF_DOCUMENT) {
	// A failure leaves memory to a process that ends soon.
	_, _ = r.instance.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: document})
}

func at(document references.FPDF_DOCUMENT, index int) requests.Page {
	return requests.Page{ByIndex: &requests.PageByIndex{Document: document, Index: index}}
}

func locked(password string) error {
	e := fault.New(fault.Invalid, "The PDF file is locked with a password.").Code("file-locked").Cure("Give its password, or save it without one and add it again.")
	if password != "" {
		e = fault.New(fault.Invalid, "The password does not open the PDF file.").Code("file-locked").Cure("Check the password and try again.")
	}
	return e
}

func damaged(cause error) error {
	e := fault.New(fault.Invalid, "The PDF file is damaged or holds no pages.").Code("file-damaged").Cure("Open it in a PDF program, save it again, and add the new file.")
	if cause != nil {
		e = e.Because(cause)
	}
	return e
}
