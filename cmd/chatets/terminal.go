package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"chatets/appliance/table"
)

// terminal is where a command reads and writes.
type terminal struct {
	in       *os.File
	out, err *os.File
	environ  []string
}

// columns is the width of the terminal behind f, and whether it is one.
func columns(f *os.File) (int, bool) {
	if !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil || n <= 0 {
		n = 80
	}
	return n, true
}

// say prints a line with foreign text made harmless.
func (t *terminal) say(format string, args ...any) {
	fmt.Fprintln(t.out, table.Clean(fmt.Sprintf(format, args...)))
}

// printJSON writes a value the way --json promises.
func (t *terminal) printJSON(value any) error {
	text, err := table.Marshal(value, "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, text)
	return err
}

// rows prints a list as a table, or as JSON with --json.
func (o *options) rows(columns []string, each func(row func(cells ...any) error) error) error {
	format := table.Text
	if o.json {
		format = table.JSON
	}
	w, err := table.New(o.out, format, columns...)
	if err != nil {
		return err
	}
	if err := each(w.Row); err != nil {
		return err
	}
	return w.Close()
}

// bytes is a size as a cell: exact for programs, short for people.
func (o *options) bytes(n int64) any {
	if o.json {
		return n
	}
	return size(n)
}

// size is a number of bytes for people.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), 0
	for f >= 1024 && unit < 4 {
		f, unit = f/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", f, " KMGT"[unit])
}

// count says how many there are of a thing; several is its word for more than
// one, with an s where none is given.
func count(n int, one string, several ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(several) > 0:
		return fmt.Sprintf("%d %s", n, several[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// maxPassword is how much is read of a password from standard input, in bytes.
const maxPassword = 4096

// password reads a password: from the first line of standard input where asked
// to, otherwise twice from the terminal without showing it. It is never an
// argument, because every user of the machine can read those.
func (t *terminal) password(ctx context.Context, stdin bool, prompt string) (string, error) {
	if stdin {
		return firstLine(t.in)
	}
	if !term.IsTerminal(int(t.in.Fd())) {
		return "", wrongUse("give it with --password-stdin", "there is no terminal to ask for the password")
	}
	first, err := t.hidden(ctx, prompt)
	if err != nil {
		return "", err
	}
	second, err := t.hidden(ctx, "Once more")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", wrongUse("try again", "the two passwords differ")
	}
	return first, nil
}

// firstLine reads up to a line break, byte by byte, so that what follows is left
// to whoever reads on.
func firstLine(r io.Reader) (string, error) {
	var line strings.Builder
	for b := make([]byte, 1); ; {
		n, err := r.Read(b)
		switch {
		case n == 1 && b[0] == '\n', errors.Is(err, io.EOF):
			return strings.TrimSuffix(line.String(), "\r"), nil
		case err != nil:
			return "", fmt.Errorf("read the password: %w", err)
		case line.Len() == maxPassword:
			return "", wrongUse("give the password alone on the first line", "the first line of standard input is too long for a password")
		}
		line.Write(b[:n])
	}
}

// hidden asks for a line without showing it. An interrupt gives the terminal its
// echo back.
func (t *terminal) hidden(ctx context.Context, prompt string) (string, error) {
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read the terminal: %w", err)
	}
	type read struct {
		text []byte
		err  error
	}
	done := make(chan read, 1)
	fmt.Fprint(t.err, table.Clean(prompt)+": ")
	defer fmt.Fprintln(t.err)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- read{text, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return "", fmt.Errorf("read the password: %w", r.err)
		}
		return string(r.text), nil
	case <-ctx.Done():
		// The reading itself cannot be stopped; it ends with the process.
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
