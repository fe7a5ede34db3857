package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	fallback "github.com/ledongthuc/pdf"

	"chatets/appliance/extract/doc"
)

// plainTime is what one page may take; a page can hold an endless loop.
const plainTime = 10 * time.Second

// Plain reads only the text, page by page, with a second parser: for files on
// which the first one dies.
func Plain(ctx context.Context, in doc.Input, b *doc.Builder) error {
	r, pages, err := guard(ctx, func() (*fallback.Reader, int, error) {
		r, err := fallback.NewReaderEncrypted(bytes.NewReader(in.Data), int64(len(in.Data)), once(in.Password))
		if err != nil {
			return nil, 0, err
		}
		return r, r.NumPage(), nil
	})
	switch {
	case errors.Is(err, fallback.ErrInvalidPassword):
		return locked(in.Password)
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return damaged(err)
	}
	for n := 1; n <= min(pages, maxPages); n++ {
		if err := b.Err(); err != nil {
			return err
		}
		text, _, err := guard(ctx, func() (string, int, error) {
			t, err := r.Page(n).GetPlainText(nil)
			return t, 0, err
		})
		if errors.Is(err, errSlow) {
			// The goroutine still uses the reader, so nobody else may.
			b.Note("Reading ended at a page that cannot be read.")
			break
		}
		if err != nil {
			b.Note("Some pages could not be read.")
			continue
		}
		for _, p := range strings.Split(text, "\n\n") {
			b.Add(doc.Block{Kind: doc.Paragraph, Page: n, Text: doc.OneLine(p)})
		}
	}
	if len(b.Blocks()) == 0 {
		return damaged(nil)
	}
	return nil
}

// once offers the password a single time: the parser asks until it gets "".
func once(password string) func() string {
	return func() string {
		p := password
		password = ""
		return p
	}
}

var errSlow = errors.New("a page took too long")

// guard turns panics into errors and leaves a call that does not end; its
// goroutine dies with the process of this document.
func guard[T any](ctx context.Context, f func() (T, int, error)) (T, int, error) {
	type result struct {
		value T
		n     int
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("the parser failed: %T", p)
			}
			done <- r
		}()
		r.value, r.n, r.err = f()
	}()
	timer := time.NewTimer(plainTime)
	defer timer.Stop()
	var none T
	select {
	case r := <-done:
		return r.value, r.n, r.err
	case <-ctx.Done():
		return none, 0, ctx.Err()
	case <-timer.C:
		return none, 0, errSlow
	}
}
