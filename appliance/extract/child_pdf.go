package extract

import (
	"bytes"
	"context"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/pdf"
	"chatets/appliance/fault"
)

// reading is the engines of the product.
type reading struct{ pdf *pdf.Reader }

// open starts the parser of PDF for what may hold one: it needs files, which no
// child may open once the document is there.
func (r *reading) open(cache string, q question) error {
	media, err := Type(q.Name, nil)
	if cache == "" || q.Plain || err != nil || !MayHoldPDF(media) {
		return nil // another reader reads it, or says that none does
	}
	reader, err := pdf.Open(cache)
	if err != nil {
		return err
	}
	r.pdf = reader
	return nil
}

func (r *reading) warm(cache string) error { return pdf.Warm(cache) }

func (r *reading) read(ctx context.Context, q question, data []byte) (Document, error) {
	o := options{password: q.Password, pages: q.tell}
	if r.pdf != nil {
		o.pdf = r.pdf.Read
	}
	if q.ocr != "" {
		o.ocr = func(ctx context.Context, picture []byte) ([]byte, error) {
			tsv, err := recognise(ctx, q.ocr, q.Languages, picture)
			if q.looked != nil {
				*q.looked++
			}
			return tsv, err
		}
	}
	return parse(ctx, q.Name, data, o)
}

func (r *reading) render(ctx context.Context, q question, data []byte) ([]byte, error) {
	if media, err := Type(q.Name, data); err == nil && (media == PNG || media == JPEG) && q.Page == 1 {
		return pdf.DrawScan(data, q.Width)
	}
	if r.pdf == nil || !isPDF(data) {
		return nil, fault.New(fault.Unsupported, "Pages of this kind of file cannot be shown as pictures.").Cure("Open the text, or download the file.")
	}
	return r.pdf.Render(ctx, data, q.Password, q.Page, q.Width)
}

// pdfReader reads a PDF with the parser that a child has opened.
type pdfReader func(ctx context.Context, in doc.Input, b *doc.Builder) error

func isPDF(data []byte) bool { return bytes.Contains(data[:min(len(data), 512)], []byte("%PDF-")) }
