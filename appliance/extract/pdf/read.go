package pdf

import (
	"context"
	"fmt"
	"strings"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// Read reads a document. The pages that are pictures of text are read by
// in.Recognise.
func (r *Reader) Read(ctx context.Context, in doc.Input, b *doc.Builder) error {
	document, pages, err := r.open(in.Data, in.Password)
	if err != nil {
		return err
	}
	defer r.close(document)
	j := &reading{reader: r, document: document, look: in.Recognise, b: b, objects: allObjects}
	if pages > maxPages {
		b.Note(fmt.Sprintf("The document has %d pages; only the first %d were read.", pages, maxPages))
		pages = maxPages
	}
	before := len(b.Blocks()) // of a file that this one lies in
	if t := r.title(document); t != "" && b.Title == "" {
		b.Title = t
	}
	w := &writer{b: b}
	var held []*leaf
	var sizes sizes
	for i := range pages {
		if err := b.Err(); err != nil {
			return err
		}
		p, err := j.leaf(ctx, i)
		if err != nil {
			return err
		}
		if in.Pages != nil {
			in.Pages(i+1, pages)
		}
		sizes.add(p.lines)
		held = append(held, p)
		// The first half of what is held has as much behind it as before it.
		if len(held) == window {
			held = w.write(held, window/2, &sizes)
		}
	}
	w.write(held, len(held), &sizes)
	w.flush()
	b.Pages = max(b.Pages, pages)
	if b.Title == "" {
		b.Title = heading(b.Blocks()[before:])
	}
	return j.result(pages)
}

// heading is the largest heading near the top of the first page.
func heading(blocks []doc.Block) string {
	best := doc.Block{Level: 3} // smaller ones are no title
	for _, x := range blocks[:min(len(blocks), 6)] {
		if x.Kind == doc.Heading && x.Page == 1 && x.Level < best.Level {
			best = x
		}
	}
	return best.Text
}

// write adds the first pages that are held and lets them go.
func (w *writer) write(held []*leaf, first int, s *sizes) []*leaf {
	unframe(held, first)
	w.size, w.plain = s.common(), s.bold*2 < s.all
	for _, p := range held[:first] {
		w.leaf(p)
	}
	return append([]*leaf(nil), held[first:]...)
}

// reading is one document that is being read.
type reading struct {
	reader   *Reader
	document references.FPDF_DOCUMENT
	look     func(ctx context.Context, picture []byte) (tsv []byte, err error) // nil = no OCR
	b        *doc.Builder
	objects  int // that may still be looked at

	broken, dense, pictures, filled int
	failed                          int // times in a row that OCR failed
}

// leaf reads one page. An error ends the reading of the document.
func (j *reading) leaf(ctx context.Context, index int) (*leaf, error) {
	p := &leaf{number: index + 1}
	s, err := j.reader.sheet(j.document, index)
	if err != nil {
		j.broken++
		return p, nil // counted; the other pages are read
	}
	words, err := j.reader.words(s)
	if err != nil {
		if fault.Of(err).Code == "file-bomb" {
			j.dense++
		} else {
			j.broken++
		}
		return p, nil // counted; the other pages are read
	}
	d := j.reader.drawing(s, &j.objects)
	if len(words) > 0 || d.cover >= 0.6 {
		j.filled++
	}
	// A few words on a picture of a page are a stamp of the scanner.
	if len(words) < 8 && d.cover >= 0.6 {
		if p.seen, err = j.picture(ctx, s); err != nil {
			return nil, err
		}
		if p.seen.words() <= len(words) {
			p.seen = nil
			j.pictures++
		} else {
			return p, nil
		}
	}
	straight := make([]word, 0, len(words))
	for _, x := range words {
		if x.turned {
			p.turned = append(p.turned, x)
		} else {
			straight = append(straight, x)
		}
	}
	p.lines = order(grids(bullets(straight, d.marks), d.rules))
	return p, nil
}

// picture reads the picture of a page; nil = nothing was found.
func (j *reading) picture(ctx context.Context, s *sheet) (*picture, error) {
	const patience = 3
	if j.look == nil || j.failed >= patience {
		return nil, nil
	}
	image, err := j.reader.draw(j.document, s.index, 2000)
	if err != nil {
		return nil, nil // a page that cannot be drawn counts as not read
	}
	tsv, err := j.look(ctx, image)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		j.failed++
		return nil, nil // the page counts as not read
	}
	j.failed = 0
	return fromTSV(string(tsv), s.index+1), nil
}

// result is what the reader of the document is told about the pages that could not be read.
func (j *reading) result(pages int) error {
	b := j.b
	if j.broken == pages {
		return damaged(nil)
	}
	if j.broken > 0 {
		b.Note(fmt.Sprintf("%s damaged and not read.", count(j.broken)))
	}
	if j.dense > 0 {
		b.Note(fmt.Sprintf("%s too full of characters and not read.", count(j.dense)))
	}
	if j.pictures == 0 {
		return nil
	}
	if j.pictures == j.filled {
		e := fault.New(fault.Invalid, "The PDF file holds only pictures of pages, no text.").Code("file-scanned")
		if j.look == nil {
			return e.Cure("Ask your administrator to install tesseract, which reads pictures; or add a version of the file that has text.")
		}
		return fault.New(fault.Invalid, "The PDF file holds only pictures of pages, and no letters were found in them.").Code("file-scanned").
			Cure("Scan it again upright and with 300 dots per inch, or add a version of the file that has text.")
	}
	b.Note(fmt.Sprintf("%s only a picture, whose text was not read.", count(j.pictures)))
	return nil
}

func count(pages int) string {
	if pages == 1 {
		return "1 page is"
	}
	return fmt.Sprintf("%d pages are", pages)
}

// title is the title in the file's own figures, unless a program put the name of a file there.
func (r *Reader) title(document references.FPDF_DOCUMENT) string {
	tags := []string{"Title"}
	meta, err := r.instance.GetMetaData(&requests.GetMetaData{Document: document, Tags: &tags})
	if err != nil || len(meta.Tags) == 0 {
		return "" // a title is a help only
	}
	t := doc.OneLine(meta.Tags[0].Value)
	low := strings.ToLower(t)
	for _, bad := range []string{"untitled", "microsoft word", "about:blank", "unbenannt", "document1"} {
		if strings.HasPrefix(low, bad) {
			return ""
		}
	}
	for _, end := range []string{".doc", ".docx", ".pdf", ".html", ".htm", ".tex", ".indd"} {
		if strings.HasSuffix(low, end) {
			return ""
		}
	}
	return t
}
