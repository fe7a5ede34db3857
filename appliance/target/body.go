package target

import (
	"context"
	"fmt"
	"io"
)

// span is how many bytes a read of length from offset gives of a file of size.
func span(size, offset, length int64) int64 {
	left := max(size-offset, 0)
	if length >= 0 {
		left = min(left, length)
	}
	return left
}

// live ends a copy when its context does.
type live struct {
	ctx context.Context
	r   io.Reader
}

// Read reads on while the context lasts.
func (l *live) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	return l.r.Read(p)
}

// body gives exactly the bytes that were announced; fewer are an error.
type body struct {
	r     io.ReadCloser
	left  int64
	ctx   context.Context
	where string
}

// Read reads up to the announced end.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	switch {
	case b.left == 0:
		return n, nil
	case err == io.EOF:
		return n, cut(b.where, fmt.Errorf("%d bytes are missing: %w", b.left, io.ErrUnexpectedEOF))
	case err != nil:
		return n, cut(b.where, err)
	}
	return n, nil
}

// Close closes the source.
func (b *body) Close() error { return b.r.Close() }
