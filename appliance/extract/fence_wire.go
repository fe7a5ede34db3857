package extract

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// What goes through the two pipes: to the child frameBegin, then the question,
// then the file in chunks; back come frames of a kind, a length and JSON, each
// block in its own, so that neither side holds a document twice.
const (
	frameBegin   = 'G'
	frameLocked  = 'L' // the fence stands; its list of what this kernel lacks
	frameBlock   = 'B'
	frameEnd     = 'E' // what a document is beside its blocks
	framePicture = 'P'
	framePages   = 'N' // how many pages are done
	frameFault   = 'F'

	maxFrame    = 4 << 20
	maxPicture  = 32 << 20
	maxAnswer   = 512 << 20 // bytes of all frames of one document
	maxFile     = 512 << 20
	maxQuestion = 64 << 10
	chunk       = 64 << 10
)

var (
	errTooLarge = errors.New("the file is too large")
	errGarbage  = errors.New("the child wrote what no reader writes")
)

// question is what a child is asked. The file follows it.
type question struct {
	Name, Password string
	Size           int64 `json:",omitempty"` // a guess; 0 = not known
	Page, Width    int   `json:",omitempty"` // of a picture
	Plain          bool  `json:",omitempty"` // by the fallback reader
	// Languages are tesseract's; "" = the one it takes by itself.
	Languages string `json:",omitempty"`

	ocr  string // of the command line, not of the wire
	tell func(done, total int)
	// looked counts the pages that were read from their pictures, in a child.
	looked *int
}

// pages is how far a reader is; Looked counts those that were read from their pictures.
type pages struct{ Done, Total, Looked int }

// result is what a child says beside blocks.
type result struct {
	Title, Language string
	Pages           int
	Notes           []string
}

// refusal is a fault on the wire.
type refusal struct {
	Kind                        fault.Kind
	Code, Sentence, Cure, Cause string
}

// frames writes a child's answer.
type frames struct{ to *bufio.Writer }

func (f *frames) frame(kind byte, payload []byte) error {
	var head [5]byte
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	if _, err := f.to.Write(head[:]); err != nil {
		return err
	}
	_, err := f.to.Write(payload)
	return err
}

func (f *frames) json(kind byte, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.frame(kind, payload)
}

func (f *frames) locked(missing []string) error {
	if err := f.json(frameLocked, missing); err != nil {
		return err
	}
	return f.to.Flush()
}

// pages tells the parent how far the reader is, after each page that was read from
// its picture and otherwise a few times a second. That it cannot be told is
// noticed with the answer.
func (f *frames) pages(looked *int) func(done, total int) {
	var told time.Time
	last := 0
	return func(done, total int) {
		if now := time.Now(); *looked > last || now.Sub(told) > 300*time.Millisecond {
			told, last = now, *looked
			if f.json(framePages, pages{Done: done, Total: total, Looked: *looked}) == nil {
				_ = f.to.Flush()
			}
		}
	}
}

func (f *frames) document(d Document) error {
	for _, b := range d.Blocks {
		if err := f.json(frameBlock, b); err != nil {
			return err
		}
	}
	return f.json(frameEnd, result{d.Title, d.Language, d.Pages, d.Notes})
}

// finish says how it ended and is the exit code.
func (f *frames) finish(err error) int {
	if err != nil {
		r := fault.Of(err)
		err = f.json(frameFault, refusal{Kind: r.Kind, Code: r.Code, Sentence: r.Sentence, Cure: r.Cure, Cause: doc.First(err.Error(), 500)})
	}
	if err != nil || f.to.Flush() != nil {
		return exitAlone
	}
	return exitDone
}

func readQuestion(in io.Reader) (q question, err error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return q, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxQuestion {
		return q, errTooLarge
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(in, text); err != nil {
		return q, err
	}
	return q, json.Unmarshal(text, &q)
}

// readFile puts the chunks together; one of no length is the end.
func readFile(in io.Reader, size int64) ([]byte, error) {
	data := make([]byte, 0, min(max(size, 0), maxFile)+1)
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, err
		}
		n := int(binary.BigEndian.Uint32(head[:]))
		switch {
		case n == 0:
			return data, nil
		case n > chunk:
			return nil, errGarbage
		case len(data)+n > maxFile:
			return nil, errTooLarge
		}
		at := len(data)
		data = append(data, make([]byte, n)...)
		if _, err := io.ReadFull(in, data[at:]); err != nil {
			return nil, err
		}
	}
}

// send writes a question and the file to a child.
func send(to io.Writer, q question, body io.Reader) error {
	text, err := json.Marshal(q)
	if err != nil {
		return err
	}
	if len(text) > maxQuestion {
		return errTooLarge
	}
	out := bufio.NewWriterSize(to, chunk+4)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	if _, err := out.Write(append(head, text...)); err != nil {
		return brokenPipe{err}
	}
	buffer := make([]byte, chunk)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			_, _ = out.Write(binary.BigEndian.AppendUint32(nil, uint32(n))) // its error stays and comes with the next
			if _, err := out.Write(buffer[:n]); err != nil {
				return brokenPipe{err}
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	_, _ = out.Write([]byte{0, 0, 0, 0})
	if err := out.Flush(); err != nil {
		return brokenPipe{err}
	}
	return nil
}

// brokenPipe is a failure to write to a child, which says why itself; any other
// error of send is the file's.
type brokenPipe struct{ error }

// answer is what a child said, checked: it may have been taken over by the
// document, so nothing in it is believed.
type answer struct {
	missing  []string
	locked   bool
	ended    bool
	document Document
	picture  []byte
	refused  error
	tell     func(done, total int) // nil = nobody is told of pages
	looked   chan<- struct{}       // a page was read from its picture
	counted  int
}

func (a *answer) receive(from io.Reader) error {
	in := bufio.NewReaderSize(from, chunk)
	total, at := 0, 0
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return errGarbage
		}
		n, limit := int64(binary.BigEndian.Uint32(head[1:])), int64(maxFrame)
		if head[0] == framePicture {
			limit = maxPicture
		}
		if total += int(n); n > limit || total > maxAnswer || a.ended {
			return errGarbage
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(in, payload); err != nil {
			return errGarbage
		}
		if err := a.take(head[0], payload, &at); err != nil {
			return err
		}
	}
}

func (a *answer) take(kind byte, payload []byte, at *int) error {
	if !a.locked && kind != frameLocked {
		return errGarbage
	}
	switch kind {
	case frameLocked:
		a.locked = true
		if json.Unmarshal(payload, &a.missing) != nil || len(a.missing) > 20 {
			return errGarbage
		}
	case frameBlock:
		var b Block
		if json.Unmarshal(payload, &b) != nil || !sane(b, *at) || len(a.document.Blocks) >= doc.MaxBlocks || b.End > doc.MaxCharacters+maxFrame {
			return errGarbage
		}
		*at = b.End + 1
		a.document.Blocks = append(a.document.Blocks, b)
	case frameEnd:
		var r result
		if json.Unmarshal(payload, &r) != nil || len(r.Notes) > doc.MaxNotes || len(r.Title) > 4096 || len(r.Language) > 16 || r.Pages < 0 {
			return errGarbage
		}
		for i := range r.Notes {
			r.Notes[i] = doc.First(r.Notes[i], 500)
		}
		a.ended = true
		a.document.Title, a.document.Language, a.document.Pages, a.document.Notes = r.Title, r.Language, r.Pages, r.Notes
	case framePages:
		var p pages
		if json.Unmarshal(payload, &p) != nil || p.Done < 0 || p.Total < p.Done || p.Looked < a.counted {
			return errGarbage
		}
		if p.Looked > a.counted && a.looked != nil {
			select {
			case a.looked <- struct{}{}:
			default: // it is told already
			}
		}
		a.counted = p.Looked
		if a.tell != nil {
			a.tell(p.Done, p.Total)
		}
	case framePicture:
		a.ended, a.picture = true, payload
	case frameFault:
		var r refusal
		if json.Unmarshal(payload, &r) != nil || r.Sentence == "" || len(r.Sentence) > 1000 || len(r.Cure) > 1000 || len(r.Code) > 60 {
			return errGarbage
		}
		a.ended = true
		switch r.Kind {
		case fault.Invalid, fault.Unsupported, fault.TooLarge, fault.Internal:
		default:
			return errGarbage
		}
		f := fault.New(r.Kind, "%s", r.Sentence).Because(errors.New(doc.First(r.Cause, 500)))
		if r.Code != r.Kind.String() {
			f = f.Code(r.Code)
		}
		if r.Cure != "" {
			f = f.Cure("%s", r.Cure)
		}
		a.refused = f
	default:
		return errGarbage
	}
	return nil
}

// sane reports whether a block is one a Builder could have made at this place.
func sane(b Block, at int) bool {
	switch b.Kind {
	case Heading, Paragraph, Item, Code, Quote, Row:
	default:
		return false
	}
	if b.Start != at || b.Text == "" || b.End-b.Start != utf8.RuneCountInString(b.Text) || b.Level < 0 || b.Page < 0 || strings.ContainsRune(b.Text, 0) {
		return false
	}
	for _, x := range b.Boxes {
		for _, v := range []float32{x.X, x.Y, x.W, x.H} {
			if math.IsNaN(float64(v)) || v < -1 || v > 2 {
				return false
			}
		}
		if x.From < 0 || x.To < x.From || x.To > b.End-b.Start || x.Page < 0 {
			return false
		}
	}
	return true
}
