package extract

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"chatets/appliance/fault"
)

// Subcommand is the first argument of a child. The commands of a Fence end with
// it: the binary's path, then Subcommand.
const Subcommand = "extract-child"

// The exit codes of a child.
const (
	exitDone    = 0
	exitWrong   = 64 // it was not asked as a Fence asks
	exitPanic   = 70
	exitNoFence = 71 // the fence could not be raised; no document was read
	exitAlone   = 72 // the parent is gone
)

// InChild reports whether this process was started as a child of a Fence.
func InChild() bool { return len(os.Args) > 1 && os.Args[1] == Subcommand }

// ChildOfTest lets a test's binary serve as the child of the fences it makes:
// call it first in TestMain, and give NewFence the Command
// []string{os.Args[0], extract.Subcommand}. In the child it does not return.
func ChildOfTest() {
	if InChild() {
		os.Exit(Child(os.Stdin, os.Stdout, os.Args[2:]))
	}
}

// Child is the other side of a Fence: it locks itself in, reads one document
// from in, writes what it holds to out, and returns the process's exit code.
// Without the fence it does not read.
func Child(in io.Reader, out io.Writer, args []string) int { return serve(in, out, args, &reading{}) }

// engines is what reads in a child; tests put misbehaving ones in its place.
type engines interface {
	// Open makes ready what needs files, before the document comes.
	open(cache string, q question) error
	read(ctx context.Context, q question, data []byte) (Document, error)
	render(ctx context.Context, q question, data []byte) ([]byte, error)
	warm(cache string) error
}

func serve(in io.Reader, out io.Writer, args []string, e engines) (code int) {
	defer func() {
		if p := recover(); p != nil {
			// The value may quote the document; the log must not.
			why := fmt.Sprintf("%T", p)
			var bug runtime.Error
			if err, ok := p.(error); ok && errors.As(err, &bug) {
				why = bug.Error()
			}
			fmt.Fprintf(os.Stderr, "the reader failed: %s\n%s", why, debug.Stack())
			code = exitPanic
		}
	}()
	flags := flag.NewFlagSet(Subcommand, flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	cache := flags.String("cache", "", "folder of compiled code")
	ocr := flags.String("ocr", "", "path of tesseract")
	warm := flags.Bool("warm", false, "fill the folder of compiled code and end")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return exitWrong
	}
	// The parent opens our figures in /proc, which the fence closes, and then
	// sends one byte that is no part of a document.
	var begin [1]byte
	if _, err := io.ReadFull(in, begin[:]); err != nil || begin[0] != frameBegin {
		fmt.Fprintln(os.Stderr, "This reads one document for the running service and is no command for people; use: chatets document add FILE")
		return exitWrong
	}
	w := &frames{to: bufio.NewWriterSize(out, 64<<10)}
	missing, err := lock(wall{write: *warm, open: true, exec: *ocr != "" && !*warm}, *cache, *ocr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "the fence cannot be raised: %v\n", err)
		return exitNoFence
	}
	if *warm {
		if err := w.locked(missing); err != nil {
			return exitAlone
		}
		return w.finish(e.warm(*cache))
	}
	q, err := readQuestion(in)
	if err != nil {
		return exitWrong
	}
	var looked int
	q.ocr, q.tell, q.looked = *ocr, w.pages(&looked), &looked
	if err := e.open(*cache, q); err != nil {
		fmt.Fprintf(os.Stderr, "the reader cannot be opened: %v\n", err)
		return exitPanic
	}
	// From here no file can be opened. Tesseract opens its own, so with it only
	// landlock, where the kernel has it, keeps the rest of the disk away.
	if *ocr == "" {
		if err := (wall{}).raise(); err != nil {
			fmt.Fprintf(os.Stderr, "the fence cannot be raised: %v\n", err)
			return exitNoFence
		}
	}
	if err := w.locked(missing); err != nil {
		return exitAlone
	}
	data, err := readFile(in, q.Size)
	if errors.Is(err, errTooLarge) {
		return w.finish(tooLarge())
	}
	if err != nil {
		return exitAlone
	}
	// The parent says nothing more; the pipe ends when it dies.
	go func() {
		_, _ = in.Read(make([]byte, 1)) // whatever it is, nobody waits any more
		os.Exit(exitAlone)
	}()
	ctx := context.Background()
	if q.Page > 0 {
		picture, err := e.render(ctx, q, data)
		if err == nil {
			err = w.frame(framePicture, picture)
		}
		return w.finish(err)
	}
	d, err := e.read(ctx, q, data)
	if err == nil {
		err = w.document(d)
	}
	return w.finish(err)
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "The file is larger than ChatETS reads.").Code("file-too-heavy").Cure("Split it into several documents.")
}
