package main

import (
	"bytes"
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
	"chatets/appliance/table"
)

// document is what the API says of a document.
type document struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Cure     string `json:"cure,omitempty"`
	Size     int64  `json:"size"`
	Chunks   int    `json:"chunks"`
	Progress *struct {
		Done  int64  `json:"done"`
		Total int64  `json:"total"`
		Note  string `json:"note"`
	} `json:"progress,omitempty"`
}

func newDocument(o *options) *cobra.Command {
	var base, name string
	var recursive bool
	add := &cobra.Command{
		Use:   "add FILE…",
		Short: "Add documents and wait until they can be cited",
		Example: `  chatets document add handbook/*.md --knowledge "Ward handbook"
  cat notes.md | chatets document add - --name notes.md --knowledge Notes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage{fault.New(fault.Invalid, "chatets document add needs at least one file.").Cure("chatets document add --help")}
			}
			files, err := collect(args, recursive)
			if err != nil {
				return err
			}
			return o.with(cmd, func(s *service) error { return o.addDocuments(cmd, s, files, base, name) })
		},
	}
	add.Flags().StringVar(&base, "knowledge", "", "name or id of the knowledge base (default the only one that is not the sample)")
	add.Flags().StringVar(&name, "name", "", "name of the document when it comes from standard input (-)")
	add.Flags().BoolVar(&recursive, "recursive", false, "add all files of the folders that are given")
	var of string
	list := &cobra.Command{
		Use: "list", Short: "List documents with their states", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error { return o.listDocuments(cmd, s, of) })
		},
	}
	list.Flags().StringVar(&of, "knowledge", "", "name or id of one knowledge base (default all)")
	return group("document", "Documents of the knowledge bases", add, list)
}

// collect turns arguments into files, and refuses folders unless they are wanted.
func collect(args []string, recursive bool) ([]string, error) {
	var files []string
	for _, arg := range args {
		if arg == "-" {
			files = append(files, arg)
			continue
		}
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.New(fault.NotFound, "There is no file %s.", arg).Cure("Nothing was added; check the path.")
		case err != nil:
			return nil, fault.New(fault.Forbidden, "The file %s cannot be read.", arg).Cure("Nothing was added; check its permissions.").Because(err)
		case !info.IsDir():
			files = append(files, arg)
			continue
		case !recursive:
			return nil, usage{fault.New(fault.Invalid, "%s is a folder.", arg).Cure("Add its files with --recursive.")}
		}
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fault.New(fault.Forbidden, "The folder %s cannot be read.", arg).Cure("Nothing was added; check its permissions.").Because(err)
		}
	}
	return files, nil
}

func (o *options) addDocuments(cmd *cobra.Command, s *service, files []string, base, name string) error {
	k, err := target(cmd, s, base)
	if err != nil {
		return err
	}
	added := []document{}
	failed := 0
	for _, file := range files {
		d, err := o.addDocument(cmd.Context(), s, k, file, name)
		if err != nil {
			failed++
			if errors.Is(err, context.Canceled) {
				return err
			}
			fmt.Fprintln(o.err, sentence(fmt.Errorf("%s: %w", file, err)))
			d = document{Name: filepath.Base(file), State: "failed", Reason: fault.Of(err).Sentence, Cure: fault.Of(err).Cure}
		}
		added = append(added, d)
	}
	if o.json {
		if err := o.printJSON(added); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fault.New(fault.Conflict, "%d of %d files were not added.", failed, len(files)).Cure("The reasons stand above.")
	}
	return nil
}

// target is the knowledge base to add to: the named one, or the only one there is.
func target(cmd *cobra.Command, s *service, base string) (knowledge, error) {
	if base != "" {
		return byName(cmd, s, base)
	}
	bases, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
	if err != nil {
		return knowledge{}, err
	}
	var own []knowledge
	for _, k := range bases {
		if k.OwnerName != "ChatETS" {
			own = append(own, k)
		}
	}
	if len(own) == 1 {
		return own[0], nil
	}
	return knowledge{}, usage{fault.New(fault.Invalid, "Which knowledge base? There are %d besides the sample.", len(own)).
		Cure("Give it with --knowledge, or make one: chatets knowledge add NAME")}
}

func (o *options) addDocument(ctx context.Context, s *service, k knowledge, file, name string) (document, error) {
	body, size, name, err := o.source(file, name)
	if err != nil {
		return document{}, err
	}
	defer body.Close()
	bar := o.bar(name)
	defer bar.end()
	var d document
	path := "/api/documents?knowledge=" + url.QueryEscape(k.ID) + "&name=" + url.QueryEscape(name)
	if err := s.Upload(ctx, path, &counted{r: body, tell: func(n int64) { bar.show("uploading", n, size) }}, size, &d); err != nil {
		return document{}, err
	}
	// The service tells how far it is when it is asked; there is no stream for it.
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		if err := s.Call(ctx, "GET", "/api/documents/"+d.ID, nil, &d); err != nil {
			tick.Stop()
			return document{}, err
		}
		if d.Progress != nil {
			bar.show(d.State, d.Progress.Done, d.Progress.Total)
		} else {
			bar.show(d.State, 0, 0)
		}
		if d.State == "ready" || d.State == "failed" {
			tick.Stop()
			break
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return d, ctx.Err()
		case <-tick.C:
		}
	}
	bar.end()
	if d.State == "failed" {
		return d, fault.New(fault.Conflict, "%s", d.Reason).Cure("%s", d.Cure)
	}
	if !o.json {
		o.say("Added %s: %d passages.", d.Name, d.Chunks)
	}
	return d, nil
}

// source opens a file, or standard input whose size is not known before its end.
func (o *options) source(file, name string) (io.ReadCloser, int64, string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, 0, "", fault.New(fault.Forbidden, "The file cannot be read.").Cure("Check its permissions.").Because(err)
		}
		info, err := f.Stat()
		if err != nil {
			return nil, 0, "", errors.Join(err, f.Close())
		}
		return f, info.Size(), filepath.Base(file), nil
	}
	if name == "" {
		return nil, 0, "", usage{fault.New(fault.Invalid, "A document from standard input needs a name.").Cure("Give it with --name.")}
	}
	text, err := io.ReadAll(o.in)
	if err != nil {
		return nil, 0, "", fmt.Errorf("read standard input: %w", err)
	}
	return io.NopCloser(bytes.NewReader(text)), int64(len(text)), name, nil
}

func (o *options) listDocuments(cmd *cobra.Command, s *service, of string) error {
	bases, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
	if err != nil {
		return err
	}
	if of != "" {
		k, err := byName(cmd, s, of)
		if err != nil {
			return err
		}
		bases = []knowledge{k}
	}
	return o.rows([]string{"id", "knowledge", "name", "state", "passages", "size", "reason"}, func(row func(...any) error) error {
		for _, k := range bases {
			documents, err := all[document](cmd.Context(), s, "/api/documents?knowledge="+url.QueryEscape(k.ID))
			if err != nil {
				return err
			}
			for _, d := range documents {
				if err := row(d.ID, k.Name, d.Name, d.State, d.Chunks, d.Size, d.Reason); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// counted tells how many bytes have been read.
type counted struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}

// progress draws one line on a terminal; elsewhere it is silent.
type progress struct {
	o     *options
	name  string
	drawn bool
	last  time.Time
}

func (o *options) bar(name string) *progress { return &progress{o: o, name: table.Clean(name)} }

const barWidth = 24

func (p *progress) show(what string, done, total int64) {
	if p.o.json || !p.o.interactive() || time.Since(p.last) < 50*time.Millisecond && done != total {
		return
	}
	p.drawn, p.last = true, time.Now()
	bar := ""
	if total > 0 {
		full := int(done * barWidth / total)
		bar = "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + fmt.Sprintf("] %3d %% ", done*100/total)
	}
	fmt.Fprintf(p.o.err, "\r\x1b[K%s %s%s", p.name, bar, what)
}

func (p *progress) end() {
	if p.drawn {
		p.drawn = false
		fmt.Fprint(p.o.err, "\r\x1b[K")
	}
}
