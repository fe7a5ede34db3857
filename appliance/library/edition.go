package library

import (
	"context"
	"errors"
	"io"
	"strconv"

	"chatets/appliance/extract"
	"chatets/appliance/fault"
)

// cutting is the version of how documents are cut into passages. Documents that
// were cut by an older one are read again in the background after a start.
const cutting = 2

// indexed is the SQL of Document.indexed for the document d.
const indexed = `iif(d.edition = 0, d.id, d.id || '.' || d.edition)`

// indexed is the name that the indexes of words and meaning know the document's
// passages by. Every edition has its own, so that a new one can be built beside
// the one that answers, and one row decides which of them is found.
func (d Document) indexed() string {
	if d.edition == 0 {
		return d.ID
	}
	return d.ID + "." + strconv.Itoa(d.edition)
}

// clearEditions removes the passages of all editions of a document.
func (l *Library) clearEditions(ctx context.Context, d Document) error {
	list, err := l.store.editionsOf(ctx, d.ID)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := l.dropEdition(ctx, e); err != nil {
			return err
		}
	}
	return l.clear(ctx, d)
}

// dropEdition removes an edition that is not to be found, with its text.
func (l *Library) dropEdition(ctx context.Context, e Document) error {
	if err := l.clear(ctx, e); err != nil {
		return err
	}
	if err := l.release(ctx, e.Workspace, e.content); err != nil {
		return err
	}
	return l.store.forgetEdition(ctx, e)
}

// renewAll reads documents again that wait for it, one after another, until none
// does. It reports whether it did anything.
func (l *Library) renewAll(ctx context.Context) (bool, error) {
	did := false
	for ctx.Err() == nil {
		d, found, err := l.store.nextRenewal(ctx, l.away.bases(l.now()))
		if err != nil || !found {
			return did, err
		}
		did = true
		switch err := l.renew(ctx, d); {
		case err == nil, errors.Is(err, errGone):
			l.away.back(d.Knowledge)
		case ctx.Err() != nil:
			return did, nil
		case isAway(err):
			l.away.gone(d.Knowledge, l.now())
			_, reason, cure := reasonOf(err)
			if err := l.store.renewalWaits(ctx, d, reason, cure); err != nil {
				return did, err
			}
		default:
			_, reason, cure := reasonOf(err)
			l.log.Warn("a document could not be read again; its old passages stay", "document", d.ID, "error", err)
			if err := l.store.failRenewal(ctx, d, reason, cure); err != nil {
				return did, err
			}
		}
		l.tell(d.Workspace, "document", "knowledge")
	}
	return did, nil
}

// renew reads a document again and puts new passages in the place of the old
// ones, which answer until then:
//
//  1. The edition is noted as one that is not to be found.
//  2. What an attempt before left of it is removed, then its passages and words
//     are written, then their vectors.
//  3. One transaction makes it the one that is found and notes the old one.
//  4. The old one is removed in small steps by whoever finds the note.
//
// A kill anywhere leaves the old edition or the new one, whole.
func (l *Library) renew(ctx context.Context, d Document) error {
	if d.State == Failed {
		return l.store.readAnew(ctx, d)
	}
	if err := l.judgeAgain(ctx, d); err != nil {
		return err
	}
	next := d
	next.edition = d.edition + 1
	next.content = ""
	if err := l.store.beginEdition(ctx, d, next); err != nil {
		return err
	}
	if err := l.clear(ctx, next); err != nil {
		return err
	}
	read, err := l.text(ctx, d, false)
	if err != nil {
		return err
	}
	pieces := chunks(read, extract.HasSlides(d.Type))
	if next.content, err = l.keepBlocks(ctx, d.Workspace, read.Blocks); err != nil {
		return err
	}
	if err := l.store.nameText(ctx, d, next); err != nil {
		return errors.Join(err, l.release(context.WithoutCancel(ctx), d.Workspace, next.content))
	}
	next.Title, next.Chunks, next.Characters, next.Language, next.Pages, next.Note = read.Title, len(pieces), read.Characters(), read.Language, read.Pages, ""
	if len(read.Notes) > 0 {
		next.Note = read.Notes[0]
	}
	for len(pieces) > 0 {
		n := min(stageChunks, len(pieces))
		l.pause(ctx)
		if err := l.store.stageEdition(ctx, d, next, pieces[:n]); err != nil {
			return err
		}
		pieces = pieces[n:]
	}
	if err := l.meanEdition(ctx, d, next); err != nil {
		return err
	}
	return l.swapEdition(ctx, d, next)
}

// judgeAgain asks the malware scanner once more: it may know by now what it did
// not when the document was added. Then reading begins from the start, and ends in
// quarantine.
func (l *Library) judgeAgain(ctx context.Context, d Document) error {
	if d.Verdict == Released {
		return nil
	}
	open := func() (io.ReadCloser, error) { return l.blobs.Open(ctx, d.Workspace, d.blob) }
	v, asked, err := l.guard.judge(ctx, d.ID, d.Size, open)
	switch {
	case !asked, err == nil && v.Clean:
		return nil
	case err == nil:
		if err := l.store.readAnew(ctx, d); err != nil {
			return err
		}
		return errGone
	case ctx.Err() == nil && fault.Of(err).Code == "scan-failed" && l.guard.holds(ctx):
		return awayError{err}
	case ctx.Err() == nil && (fault.Of(err).Code == "scan-failed" || fault.Of(err).Code == "scan-too-large"):
		return nil // it was read without a verdict before
	}
	return err
}

// swapEdition makes an edition the one that is found, while nobody removes its text.
func (l *Library) swapEdition(ctx context.Context, d, next Document) error {
	l.files.RLock()
	defer l.files.RUnlock()
	file, err := l.blobs.Open(ctx, d.Workspace, next.content)
	if err != nil {
		return awayError{fault.New(fault.Unavailable, "A copy of this document was being deleted at the same moment.").Because(err)}
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := l.store.swapEdition(ctx, d, next); err != nil {
		return err
	}
	l.wakeEncoder()
	return nil
}

// tidy removes editions that are not found any more; it reports whether it did
// anything.
func (l *Library) tidy(ctx context.Context) (bool, error) {
	list, err := l.store.oldEditions(ctx)
	if err != nil {
		return false, err
	}
	for _, e := range list {
		if err := l.dropEdition(ctx, e); err != nil {
			return false, err
		}
	}
	return len(list) > 0, nil
}
