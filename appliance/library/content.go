package library

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
)

// pageBlocks and pageCharacters are how much of a document's text is answered
// at once.
const (
	pageBlocks     = 200
	pageCharacters = 60_000
)

// Content is a page of a document's text.
type Content struct {
	Document Document
	Blocks   []extract.Block
	Next     int // character the next page begins at; -1 = this is the last one
}

// writeBlocks writes blocks as lines of JSON, which are read without holding
// all of them.
func writeBlocks(w io.Writer, blocks []extract.Block) error {
	b := bufio.NewWriter(w)
	encoder := json.NewEncoder(b)
	for _, block := range blocks {
		if err := encoder.Encode(block); err != nil {
			return err
		}
	}
	return b.Flush()
}

// keepBlocks stores the extracted text and returns the name of its blob.
func (l *Library) keepBlocks(ctx context.Context, workspace string, blocks []extract.Block) (string, error) {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := writeBlocks(w, blocks)
		written <- err
		_ = w.CloseWithError(err)
	}()
	ref, err := l.blobs.Put(ctx, workspace, r, math.MaxInt64-1)
	_ = r.Close() // ends the writer when Put has given up
	if failed := <-written; err == nil {
		err = failed
	}
	return ref.Name, err
}

// readPage finds the block that holds the character from, or the first one of a
// page where one is asked for, and reads a page of text on.
// What comes before is passed over by the end of its line alone: reading its
// JSON took most of the time near the end of a long document.
func readPage(r io.Reader, from, page int) (blocks []extract.Block, next int, err error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	characters := 0
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return blocks, -1, nil
		case err != nil && !errors.Is(err, io.EOF):
			return nil, 0, fmt.Errorf("read the text of a document: %w", err)
		}
		if end, known := endOf(line); len(blocks) == 0 && known && end < from {
			continue
		}
		if len(blocks) == 0 && page > 0 && pageOf(line) < page {
			continue
		}
		var block extract.Block
		switch err := json.Unmarshal(line, &block); {
		case err != nil:
			return nil, 0, fmt.Errorf("read the text of a document: %w", err)
		case block.End < from:
			continue
		case len(blocks) >= pageBlocks || len(blocks) > 0 && characters > pageCharacters:
			return blocks, block.Start, nil
		}
		blocks = append(blocks, block)
		characters += block.End - block.Start
	}
}

// pageOf is the page of a block as its line says it near its beginning, 0 for a
// line of another form.
func pageOf(line []byte) int {
	const mark = `,"Page":`
	i := bytes.Index(line[:min(len(line), 100)], []byte(mark))
	if i < 0 {
		return 0
	}
	digits, _, _ := bytes.Cut(line[i+len(mark):], []byte(","))
	page, err := strconv.Atoi(string(digits))
	if err != nil {
		return 0
	}
	return page
}

// endOf is the end of a block as its line says it last; not known for a line of
// another form.
func endOf(line []byte) (end int, known bool) {
	line = bytes.TrimRight(line, "}\n")
	i := bytes.LastIndex(line, []byte(`,"End":`))
	if i < 0 {
		return 0, false
	}
	end, err := strconv.Atoi(string(line[i+len(`,"End":`):]))
	return end, err == nil
}

// Open answers a page of a document's text, from the block that holds the
// character or, where one is asked for, from the page of the document, and
// records who reads it.
func (l *Library) Open(ctx context.Context, who Reach, id string, from, page int) (Content, error) {
	d, err := l.documentFor(ctx, who, id, Read, "document.open")
	if err != nil {
		return Content{}, err
	}
	if d.State != Ready {
		return Content{}, notReady(d)
	}
	if from < 0 || from >= max(d.Characters, 1) {
		return Content{}, wrong("query.from", fmt.Sprintf("The text has characters from 0 to %d.", d.Characters-1))
	}
	if page > d.Pages {
		return Content{}, fault.New(fault.NotFound, "The document has no page %d.", page).Cure("Choose a page from 1 to %d.", d.Pages)
	}
	file, err := l.blobs.Open(ctx, d.Workspace, d.content)
	if err != nil {
		return Content{}, err
	}
	blocks, next, err := readPage(file, from, page)
	if err := errors.Join(err, file.Close()); err != nil {
		return Content{}, err
	}
	if err := l.noteOpening(ctx, d); err != nil {
		return Content{}, err
	}
	return Content{Document: d, Blocks: blocks, Next: next}, nil
}

// note records who reads. Reading goes on while the disk is full; then the log
// has what the record lacks.
func (l *Library) note(ctx context.Context, e audit.Entry) (noted bool, err error) {
	err = l.store.note(ctx, e)
	if fault.Unwritten(err) {
		a := actor.From(ctx)
		l.log.Error("the disk is full: the record lacks an act", "act", e.Act, "actor", a.ID, "request", a.Request, "object", e.Object)
		return false, nil
	}
	return err == nil, err
}

// onePass is how long the pages of a document that one person reads count as
// opening it once.
const onePass = 10 * time.Minute

// readings remembers who is reading what, so that turning pages and jumping
// between citations is one entry of the record. It forgets at every start.
type readings struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

func (r *readings) first(key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, known := r.seen[key]; known && now.Sub(at) < onePass {
		return false
	}
	if r.seen == nil || len(r.seen) > 10_000 {
		r.seen = map[string]time.Time{}
	}
	r.seen[key] = now
	return true
}

func (r *readings) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, key)
}
