package inference

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const lineLimit = 16 << 20

// errLineSize is what a reader of lines says of a line over the limit.
var errLineSize = errors.New("a line is larger than 16 MiB")

// lines reads an answer of one JSON document per line, of any length up to the
// limit and however the network cut it.
type lines struct {
	r     *bufio.Reader
	limit int
	long  []byte // a line that does not fit into r's buffer
	first bool
}

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, 32<<10), limit: lineLimit, first: true}
}

// next gives the next line that is not blank, without its end and valid until the
// next call. A last line without an end is given too; after it, and for every
// other failure, comes the reader's error.
func (l *lines) next() ([]byte, error) {
	for {
		line, err := l.line()
		if l.first && len(line) > 0 {
			l.first = false
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// ready reports whether the next line has come already.
func (l *lines) ready() bool {
	come, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(come, '\n') >= 0
}

func (l *lines) line() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.long)+len(part) > l.limit {
			return nil, errLineSize
		}
		if err == nil && len(l.long) == 0 {
			return part, nil
		}
		l.long = append(l.long, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.long, err
		}
	}
}
