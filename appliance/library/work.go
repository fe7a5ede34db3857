package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"chatets/appliance/extract"
	"chatets/appliance/fault"
	"chatets/appliance/job"
)

// The kinds of job and what they carry.
const (
	ingestKind = "library.ingest"
	purgeKind  = "library.purge"
)

type ingest struct {
	Document string `json:"document"`
}

type purge struct {
	Document  string `json:"document,omitempty"`
	Knowledge string `json:"knowledge,omitempty"`
}

// stageChunks is how many chunks go into one transaction, and clearChunks how
// many come out of one: taking words out of the index costs several times as
// much as putting them in, and nobody who writes should wait longer than that.
const (
	stageChunks = 15
	clearChunks = 5
)

// queue is what the library asks of the job queue outside of a transaction.
type queue interface {
	Cancel(ctx context.Context, id string) error
	Get(ctx context.Context, id string) (job.Job, error)
}

// Jobs registers the work of the library with the queue it will run in.
func (l *Library) Jobs(q *job.Queue) {
	l.store.queue, l.queue = q, q
	q.Handle(ingestKind, job.Options{Attempts: 3, Timeout: 2 * time.Hour}, l.ingest)
	q.Handle(purgeKind, job.Options{Attempts: 20, Timeout: 6 * time.Hour}, l.purge)
	q.OnEnd(ingestKind, l.ended)
	l.guard.back = func() {
		if err := q.Hasten(context.Background(), ingestKind); err != nil {
			l.log.Warn("documents that wait for the malware scanner wait a little longer", "error", err)
		}
	}
}

// Recover settles documents whose job ended while the process died before it
// could say so. Call it once, before the queue runs.
func (l *Library) Recover(ctx context.Context) error {
	list, err := l.store.unfinished(ctx)
	if err != nil {
		return fmt.Errorf("find unfinished documents: %w", err)
	}
	for _, d := range list {
		j, err := l.queue.Get(ctx, d.job)
		switch {
		case err != nil && !fault.Is(err, fault.NotFound):
			return err
		case err == nil && (j.State == job.Waiting || j.State == job.InWork):
			continue
		}
		err = l.store.fail(ctx, d.ID, d.job, "interrupted", "Reading was interrupted.", "Read it again.")
		if fault.Unwritten(err) {
			// Reading goes on on a full disk; the next start tries again.
			l.log.Error("the disk is full: interrupted documents stay as they are", "error", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ingest reads a document. Whatever it did before it was killed is done again:
// chunks of the last attempt are cleared first, and none is visible before the
// last store call.
func (l *Library) ingest(ctx context.Context, j *job.Running) error {
	var p ingest
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(fmt.Errorf("payload: %w", err))
	}
	d, err := l.store.begin(ctx, p.Document, j.ID)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	l.tell(d.Workspace, "document")
	var waits held
	err = l.read(ctx, j, d)
	switch {
	case err == nil:
		l.tell(d.Workspace, "document", "knowledge")
		return nil
	case errors.Is(err, errGone):
		return nil
	case errors.Is(err, errCaught):
		l.tell(d.Workspace, "document", "knowledge")
		return nil
	case errors.As(err, &waits):
		return l.hold(ctx, d, err)
	case hopeless(err):
		return job.Permanent(errors.Join(err, l.failed(ctx, d, err)))
	case j.Last() && ctx.Err() == nil:
		return errors.Join(err, l.failed(ctx, d, err))
	}
	return err
}

// hopeless reports an error that the same file gives again.
func hopeless(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unsupported, fault.Invalid, fault.TooLarge, fault.NotFound, fault.Malformed:
		return true
	}
	return fault.Of(err).Code == "file-damaged"
}

func (l *Library) failed(ctx context.Context, d Document, err error) error {
	code, reason, cure := reasonOf(err)
	if e := l.store.fail(context.WithoutCancel(ctx), d.ID, d.job, code, reason, cure); e != nil {
		return e
	}
	l.tell(d.Workspace, "document")
	return nil
}

// reasonOf is what the page says beside a document that failed. What nobody
// classed has a sentence for requests, which does not fit here.
func reasonOf(err error) (code, reason, cure string) {
	r := fault.Of(err)
	if r.Kind == fault.Internal && r.Code == fault.Internal.String() {
		return r.Code, "Something in ChatETS failed while the document was read.", "Read it again; if it fails again, ask an administrator to look into the log."
	}
	return r.Code, r.Sentence, r.Cure
}

// read extracts, cuts and stores one document.
func (l *Library) read(ctx context.Context, j *job.Running, d Document) error {
	if err := l.clear(ctx, d); err != nil {
		return err
	}
	note, err := l.judge(ctx, d)
	if err != nil {
		return err
	}
	read, err := l.text(ctx, d, true)
	if err != nil {
		return err
	}
	pieces := chunks(read, extract.HasSlides(d.Type))
	if d.content, err = l.keepBlocks(ctx, d.Workspace, read.Blocks); err != nil {
		return err
	}
	// Once the row names the text, deleting the document removes it; until then
	// whoever gives up does.
	named := false
	defer func() {
		if named {
			return
		}
		if err := l.release(context.WithoutCancel(ctx), d.Workspace, d.content); err != nil {
			l.log.Warn("the text of a document that is not needed stays", "document", d.ID, "error", err)
		}
	}()
	d.Title, d.Chunks, d.Characters, d.Language = read.Title, len(pieces), read.Characters(), read.Language
	d.Note = note
	if len(read.Notes) > 0 {
		d.Note = noted(note, read.Notes[0])
	}
	d.Pages = read.Pages
	staged := 0
	for ; len(pieces)-staged > stageChunks; staged += stageChunks {
		if err := l.store.stage(ctx, d, pieces[staged:staged+stageChunks], staged, len(pieces)); err != nil {
			return err
		}
		if err := j.Progress(ctx, int64(staged), int64(len(pieces)), "passages"); err != nil {
			return err
		}
		l.tell(d.Workspace, "document")
	}
	err = l.finish(ctx, d, pieces[staged:])
	named = err == nil
	if named {
		l.wakeEncoder()
	}
	return err
}

// finish names the text in the document's row while nobody removes it: another
// document with the same text may be deleted at this moment.
func (l *Library) finish(ctx context.Context, d Document, last []chunk) error {
	l.files.RLock()
	defer l.files.RUnlock()
	file, err := l.blobs.Open(ctx, d.Workspace, d.content)
	if err != nil {
		return fault.New(fault.Unavailable, "A copy of this document was being deleted at the same moment.").Because(err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	return l.store.ready(ctx, d, last)
}

// clear removes the chunks and words of a document's edition in small steps.
func (l *Library) clear(ctx context.Context, d Document) error {
	left, err := l.store.cut(ctx, d)
	for ; err == nil && left; left, err = l.store.cut(ctx, d) {
		if err := l.store.clear(ctx, d, clearChunks); err != nil {
			return err
		}
	}
	return err
}

// text reads the document's file. Where somebody waits for it, it goes first.
func (l *Library) text(ctx context.Context, d Document, waiting bool) (extract.Document, error) {
	open := func() (io.ReadCloser, error) { return l.blobs.Open(ctx, d.Workspace, d.blob) }
	file, err := open()
	if err != nil {
		return extract.Document{}, err
	}
	password, err := l.password(ctx, d)
	if err != nil {
		return extract.Document{}, errors.Join(err, file.Close())
	}
	q := extract.Request{Name: d.Name, Size: d.Size, Waiting: waiting, Again: open, Password: password, Languages: l.letters.Get(ctx)}
	if d.State != Ready { // what is read again is shown as it was
		q.Progress = l.paged(ctx, d)
	}
	read, err := l.reader.Read(ctx, q, file)
	return read, errors.Join(err, file.Close())
}

// paged tells, a few times a second at most, how many pages were read: a scan of
// hundreds takes minutes.
func (l *Library) paged(ctx context.Context, d Document) func(done, total int) {
	told := l.now()
	return func(done, total int) {
		now := l.now()
		if now.Sub(told) < time.Second {
			return
		}
		told = now
		if err := l.store.paged(ctx, d, done, total); err != nil && ctx.Err() == nil && !errors.Is(err, errGone) {
			l.log.Warn("how far the reading of a document is cannot be written", "document", d.ID, "error", err)
		}
		l.tell(d.Workspace, "document")
	}
}

// ended writes down why a job was given up by the queue itself: cancelled, or
// out of attempts.
func (l *Library) ended(ctx context.Context, e job.Ended) {
	var p ingest
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return
	}
	code, reason, cure := "stopped", "Reading was stopped.", "Read it again when you want it."
	if e.State == job.Failed {
		code, reason, cure = reasonOf(e.Err)
	}
	// A reason that is there already is better and stays.
	if err := l.store.fail(ctx, p.Document, e.ID, code, reason, cure); err != nil {
		l.log.Error("the end of a document's reading cannot be written", "document", p.Document, "error", err)
	}
	l.tell(e.Workspace, "document")
}

// purge removes what a deleted document or knowledge base leaves: words and
// chunks in small steps, then the files nobody else uses, then the row that
// knows of them.
func (l *Library) purge(ctx context.Context, j *job.Running) error {
	var p purge
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(fmt.Errorf("payload: %w", err))
	}
	if p.Document != "" {
		return l.purgeDocument(ctx, p.Document)
	}
	ids, err := l.store.deletedOf(ctx, p.Knowledge)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if err := l.purgeDocument(ctx, id); err != nil {
			return err
		}
		if err := j.Progress(ctx, int64(i+1), int64(len(ids)), "documents"); err != nil {
			return err
		}
	}
	return l.store.dropKnowledge(ctx, p.Knowledge)
}

func (l *Library) purgeDocument(ctx context.Context, id string) error {
	d, err := l.store.deleted(ctx, id)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := l.clearEditions(ctx, d); err != nil {
		return err
	}
	if err := l.release(ctx, d.Workspace, d.blob, d.content); err != nil {
		return err
	}
	return l.store.drop(ctx, id)
}
