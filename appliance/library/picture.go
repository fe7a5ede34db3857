package library

import (
	"context"
	"errors"

	"chatets/appliance/actor"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
)

// Picture draws a page, from 1, of a document that who may read, as a JPEG of
// about width pixels, and records who looks, as Open does.
func (l *Library) Picture(ctx context.Context, who Reach, id string, page, width int) ([]byte, error) {
	d, err := l.documentFor(ctx, who, id, Read, "document.open")
	switch {
	case err != nil:
		return nil, err
	case !extract.HasPictures(d.Type):
		return nil, fault.New(fault.NotFound, "Only the pages of PDF documents and of scans in PNG or JPEG are shown as pictures.").Code("no-pages").Cure("Read the document's text, or download the file.")
	case d.State != Ready:
		return nil, notReady(d)
	case page > d.Pages:
		return nil, fault.New(fault.NotFound, "The document has no page %d.", page).Cure("Choose a page from 1 to %d.", d.Pages)
	}
	file, err := l.blobs.Open(ctx, d.Workspace, d.blob)
	if err != nil {
		return nil, err
	}
	password, err := l.password(ctx, d)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	picture, err := l.reader.Render(ctx, extract.Request{Name: d.Name, Size: d.Size, Waiting: true, Password: password}, file, page, width)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return picture, l.noteOpening(ctx, d)
}

// notReady says why a document cannot be read now.
func notReady(d Document) error {
	if d.State == Quarantined {
		return locked(d)
	}
	if d.State == Failed {
		return fault.New(fault.Conflict, "The document could not be read: %s", d.Reason).Code("document-failed").Cure("%s", d.Cure)
	}
	return fault.New(fault.Conflict, "The document is still being read.").Code("document-not-ready").Cure("Try again in a moment.").RetryAfter(2)
}

// noteOpening records that the actor of ctx opens a document, once for all of
// its pages.
func (l *Library) noteOpening(ctx context.Context, d Document) error {
	a := actor.From(ctx)
	key := a.ID + "\n" + a.Session + "\n" + d.ID
	if !l.readings.first(key, l.now()) {
		return nil
	}
	noted, err := l.note(ctx, opened("document.open", d))
	if !noted {
		l.readings.forget(key)
	}
	return err
}
