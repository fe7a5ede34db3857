package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

const (
	ahead    = 16                     // documents that are uploaded while earlier ones are worked on
	soonest  = 50 * time.Millisecond  // between two looks at a document
	latest   = 500 * time.Millisecond // the same, for one that takes long
	stdinArg = "-"
)

// adding is one run of document add.
type adding struct {
	o         *options
	base      string
	name      string
	recursive bool
	folder    string   // to put the files in
	tags      []string // to put on them

	files   []string
	inside  map[string]string // folder of a file below the one that was given
	pending []sent            // uploaded and still worked on, the oldest first
	results []result
	failed  int
}

// sent is a file that the service has taken.
type sent struct {
	file string
	document
}

// result is what became of a file, as --json prints it.
type result struct {
	File string `json:"file"`
	document
}

// collect turns arguments into files. Nothing is added when one of them is not
// there, because then the whole command is in doubt.
func (a *adding) collect(args []string) error {
	if len(args) == 0 {
		return wrongUse("chatets document add --help", "chatets document add needs at least one file")
	}
	for _, arg := range args {
		if err := a.collectOne(arg); err != nil {
			return err
		}
	}
	switch {
	case len(a.files) == 0:
		return fault.New(fault.NotFound, "There are no files in %s.", strings.Join(args, ", ")).Cure("Hidden files and links are not added")
	case a.name != "" && len(a.files) > 1:
		return wrongUse("leave --name out, or add one file at a time", "one name cannot be given to %d files", len(a.files))
	}
	return nil
}

func (a *adding) collectOne(arg string) error {
	if arg == stdinArg {
		for _, f := range a.files {
			if f == stdinArg {
				return wrongUse("give - once", "standard input can be read only once")
			}
		}
		if a.name == "" {
			return wrongUse("give it with --name", "a document from standard input needs a name")
		}
		a.files = append(a.files, arg)
		return nil
	}
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return fault.New(fault.NotFound, "There is no file %s.", arg).Cure("Nothing was added; check the path").Because(err)
	case err != nil:
		return fault.New(fault.Forbidden, "The file %s cannot be looked at.", arg).Cure("Nothing was added; check its permissions").Because(err)
	case !info.IsDir():
		a.files = append(a.files, arg)
		return nil
	case !a.recursive:
		return wrongUse("add its files with --recursive", "%s is a folder", arg)
	}
	err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
		switch hidden := path != arg && strings.HasPrefix(d.Name(), "."); {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return filepath.SkipDir
		case !hidden && d.Type().IsRegular():
			a.files = append(a.files, path)
			if below, err := filepath.Rel(arg, filepath.Dir(path)); err == nil && below != "." {
				if a.inside == nil {
					a.inside = map[string]string{}
				}
				a.inside[path] = filepath.ToSlash(below)
			}
		}
		return nil
	})
	if err != nil {
		return fault.New(fault.Forbidden, "The folder %s cannot be read.", arg).Cure("Nothing was added; check its permissions").Because(err)
	}
	return nil
}

// run uploads the files in order and keeps the service busy: it works on the
// earlier ones meanwhile.
func (a *adding) run(cmd *cobra.Command, s *service) error {
	ctx := cmd.Context()
	k, err := target(cmd, s, a.base)
	if err != nil {
		return err
	}
	for _, file := range a.files {
		d, err := a.upload(ctx, s, k, file)
		if err != nil {
			if err := a.fail(ctx, file, document{Name: filepath.Base(file)}, err); err != nil {
				return err
			}
			continue
		}
		a.pending = append(a.pending, sent{file, d})
		if len(a.pending) > ahead {
			if err := a.settle(ctx, s); err != nil {
				return err
			}
		}
	}
	for len(a.pending) > 0 {
		if err := a.settle(ctx, s); err != nil {
			return err
		}
	}
	if a.o.json {
		if err := a.o.printJSON(a.results); err != nil {
			return err
		}
	}
	if a.failed > 0 {
		return fault.New(fault.Conflict, "%d of %d files could not be added.", a.failed, len(a.files)).Cure("The reasons stand above")
	}
	return nil
}

// fail notes and tells why a file was not added. What is no business of the
// file ends the command.
func (a *adding) fail(ctx context.Context, file string, d document, why error) error {
	if ctx.Err() != nil {
		return a.stopped(ctx, 0)
	}
	if r := fault.Of(why); r.Kind == fault.Unavailable && r.Code != "file-unreadable" {
		return why
	}
	a.failed++
	r := fault.Of(why)
	if d.State != "quarantined" {
		d.State = "failed"
	}
	d.Reason, d.Cure, d.Progress = r.Sentence, r.Cure, nil
	a.results = append(a.results, result{file, d})
	fmt.Fprintln(a.o.err, sentenceFor(file, why))
	return nil
}

// stopped is the end of a command by a signal: what was taken stays; more counts
// what is not in pending.
func (a *adding) stopped(ctx context.Context, more int) error {
	e := fault.New(fault.Cancelled, "Stopped.")
	if n := len(a.pending) + more; n > 0 {
		e = fault.New(fault.Cancelled, "Stopped; %s taken before and still to be worked on by the service.", count(n, "document was", "documents were"))
	}
	return e.Because(ctx.Err())
}

func (a *adding) upload(ctx context.Context, s *service, k knowledge, file string) (document, error) {
	body, size, name, err := a.open(file)
	if err != nil {
		return document{}, err
	}
	defer body.Close()
	bar := a.o.bar(name)
	defer bar.end()
	var d document
	query := url.Values{"knowledge": {k.ID}, "name": {name}, "tag": a.tags}
	if folder := strings.Trim(a.folder+"/"+a.inside[file], "/"); folder != "" {
		query.Set("folder", folder)
	}
	path := "/api/documents?" + query.Encode()
	err = s.Upload(ctx, path, body, size, func(n int64) { bar.show("uploading", n, size) }, &d)
	return d, err
}

// open opens a file, or standard input and other pipes, whose size is not known
// before their end.
func (a *adding) open(file string) (io.ReadCloser, int64, string, error) {
	if file == stdinArg {
		return io.NopCloser(a.o.in), -1, a.name, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, "", fault.New(fault.Forbidden, "The file cannot be read.").Code("file-unreadable").
			Cure("Give user %d the right to read it, or add it while the service runs", os.Getuid()).Because(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, "", errors.Join(fmt.Errorf("look at the file: %w", err), f.Close())
	}
	name, size := a.name, info.Size()
	if name == "" {
		name = filepath.Base(file)
	}
	if !info.Mode().IsRegular() {
		size = -1
	}
	return f, size, name, nil
}

// settle waits for the oldest document that is still worked on.
func (a *adding) settle(ctx context.Context, s *service) error {
	p := a.pending[0]
	a.pending = a.pending[1:]
	bar := a.o.bar(p.Name)
	defer bar.end()
	d := p.document
	// The service tells how far it is when it is asked; there is no stream for it.
	wait := time.NewTimer(0)
	defer wait.Stop()
	for pause := soonest; ; pause = min(latest, pause*3/2) {
		select {
		case <-ctx.Done():
			return a.stopped(ctx, 1)
		case <-wait.C:
		}
		id := d.ID
		d = document{}
		if err := s.Call(ctx, "GET", "/api/documents/"+url.PathEscape(id), nil, &d); err != nil {
			if ctx.Err() != nil {
				return a.stopped(ctx, 1)
			}
			return a.fail(ctx, p.file, p.document, err)
		}
		switch d.State {
		case "ready":
			bar.end()
			a.results = append(a.results, result{p.file, d})
			if !a.o.json {
				a.o.say("Added %s: %s.", d.Name, count(d.Chunks, "passage"))
			}
			return nil
		case "waiting":
			if d.Code != "scan-waiting" {
				break
			}
			// It may be hours until the scanner answers; nobody is kept here for that.
			bar.end()
			a.results = append(a.results, result{p.file, d})
			fmt.Fprintln(a.o.err, sentenceFor(p.file, fault.New(fault.Conflict, "%s", d.Reason).Cure("%s", d.Cure)))
			return nil
		case "failed", "quarantined":
			bar.end()
			return a.fail(ctx, p.file, d, fault.New(fault.Conflict, "%s", d.Reason).Cure("%s", d.Cure))
		}
		if d.Progress != nil {
			bar.show(d.State, d.Progress.Done, d.Progress.Total)
		} else {
			bar.show(d.State, 0, 0)
		}
		wait.Reset(pause)
	}
}
