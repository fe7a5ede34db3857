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

// Read reads a document.
func (r *Reader) Read(ctx context.Context, in doc.Input, b *doc.Builder) error {
	document, pages, err := r.open(in.Data, in.Password)
	if err != nil {
		return err
	}
	defer r.close(document)
	if pages > maxPages {
		b.Note(fmt.Sprintf("The document has %d pages; only the first %d were read.", pages, maxPages))
		pages = maxPages
	}
	b.Title = r.title(document)
	var all [][]line
	broken, pictures := 0, 0
	texts := map[int]string{} // of pages that were read from their picture
	for i := range pages {
		if err := b.Err(); err != nil {
			return err
		}
		words, err := r.words(document, i)
		if err != nil {
			broken++
		} else if len(words) == 0 && r.pictured(document, i) {
			text, err := r.look(ctx, document, i)
			if err != nil {
				return err
			}
			if text == "" {
				pictures++
			}
			texts[i] = text
		}
		all = append(all, order(words))
	}
	if broken > 0 {
		b.Note(fmt.Sprintf("%d pages are damaged and were not read.", broken))
	}
	if pictures == pages {
		return fault.New(fault.Invalid, "The PDF file holds only pictures of pages, no text.").Code("file-scanned").
			Cure("Ask your administrator to install tesseract, which reads pictures; or add a version of the file that has text.")
	}
	if pictures > 0 {
		b.Note(fmt.Sprintf("%d pages are pictures and were not read.", pictures))
	}
	unframe(all)
	w := writer{b: b, size: common(all)}
	for i, lines := range all {
		if err := b.Err(); err != nil {
			return err
		}
		if text := texts[i]; text != "" {
			w.flush()
			for _, p := range strings.Split(text, "\n\n") {
				b.Add(doc.Block{Kind: doc.Paragraph, Page: i + 1, Text: doc.OneLine(p)})
			}
			continue
		}
		w.page(i+1, lines)
	}
	w.flush()
	b.Pages = max(b.Pages, pages)
	if broken == pages {
		return damaged(nil)
	}
	return nil
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

// pictured reports whether a page holds anything that could be a picture of text.
func (r *Reader) pictured(document references.FPDF_DOCUMENT, index int) bool {
	n, err := r.instance.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: at(document, index)})
	return err == nil && n.Count > 0
}

func (r *Reader) look(ctx context.Context, document references.FPDF_DOCUMENT, index int) (string, error) {
	if r.OCR == nil {
		return "", nil
	}
	picture, err := r.draw(document, index, 2000)
	if err != nil {
		return "", nil //nolint:nilerr // a page that cannot be drawn counts as not read
	}
	text, err := r.OCR(ctx, picture, r.Languages)
	if err != nil && ctx.Err() != nil {
		return "", ctx.Err()
	}
	return strings.TrimSpace(text), nil
}

// words are the words of a page with their places in fractions of the page as
// it is shown, whatever way it is turned.
func (r *Reader) words(document references.FPDF_DOCUMENT, index int) ([]word, error) {
	page := at(document, index)
	size, err := r.instance.GetPageSize(&requests.GetPageSize{Page: page})
	if err != nil {
		return nil, err
	}
	const fine = 100_000
	var p [3][2]float64
	for i, at := range [][2]float64{{0, 0}, {1000, 0}, {0, 1000}} {
		d, err := r.instance.FPDF_PageToDevice(&requests.FPDF_PageToDevice{Page: page, SizeX: fine, SizeY: fine, PageX: at[0], PageY: at[1]})
		if err != nil {
			return nil, err
		}
		p[i] = [2]float64{float64(d.DeviceX) / fine * size.Width, float64(d.DeviceY) / fine * size.Height}
	}
	show := func(x, y float64) (float64, float64) {
		return p[0][0] + x*(p[1][0]-p[0][0])/1000 + y*(p[2][0]-p[0][0])/1000, p[0][1] + x*(p[1][1]-p[0][1])/1000 + y*(p[2][1]-p[0][1])/1000
	}
	text, err := r.instance.GetPageTextStructured(&requests.GetPageTextStructured{Page: page, Mode: requests.GetPageTextStructuredModeChars, CollectFontInformation: true})
	if err != nil {
		return nil, err
	}
	var out []word
	var now word
	end := func() {
		if now.text != "" {
			out = append(out, now)
		}
		now = word{}
	}
	for i, c := range text.Chars {
		if i >= maxChars {
			break
		}
		if strings.TrimSpace(c.Text) == "" || c.Text == "\x00" {
			end()
			continue
		}
		x0, y0 := show(c.PointPosition.Left, c.PointPosition.Bottom)
		x1, y1 := show(c.PointPosition.Right, c.PointPosition.Top)
		x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
		if x1 < 0 || y1 < 0 || x0 > size.Width || y0 > size.Height {
			continue // outside the page: nobody sees it
		}
		text := c.Text
		if text == "\u0002" || text == "\u00ad" || text == "\ufffe" {
			text = "-" // how the parser marks a hyphen at a line's end
		}
		height := 0.0
		bold := false
		if f := c.FontInformation; f != nil {
			height = f.RenderedSize
			// The weight is a guess of the parser and often wrong.
			bold = strings.Contains(strings.ToLower(f.Name), "bold")
		}
		if height <= 0 {
			height = y1 - y0
		}
		if now.text != "" && (x0-now.x1 > height/4 || x0 < now.x0-height || y0 > now.y1+height/4 || y1 < now.y0-height/4) {
			end()
		}
		if now.text == "" {
			now = word{x0: x0, y0: y0, x1: x1, y1: y1, size: height, bold: bold, w: size.Width, h: size.Height}
		}
		now.text += text
		now.x0, now.x1, now.y0, now.y1 = min(now.x0, x0), max(now.x1, x1), min(now.y0, y0), max(now.y1, y1)
	}
	end()
	return out, nil
}
