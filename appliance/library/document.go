package library

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/google/uuid"

	"chatets/appliance/audit"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
)

// Upload is a file on its way in.
type Upload struct {
	Knowledge string
	Name      string
	Folder    string // names with / between them; "" = in none
	Tags      []string
	Size      int64 // as announced; -1 = unknown
	Body      io.Reader
}

// Add keeps a file as a document of a knowledge base that who may edit. It
// returns once file and row are on the disk; reading it is a job. The same file
// under the same name is the same document.
func (l *Library) Add(ctx context.Context, who Reach, u Upload) (Document, error) {
	k, err := l.editable(ctx, who, u.Knowledge, "document.add")
	if err != nil {
		return Document{}, err
	}
	name, err := fileName(u.Name)
	if err != nil {
		return Document{}, err
	}
	folder, err := CleanFolder("query.folder", u.Folder)
	if err != nil {
		return Document{}, err
	}
	tags, err := cleanTags("query.tag", u.Tags, maxTags)
	if err != nil {
		return Document{}, err
	}
	if _, err := extract.Type(name, nil); err != nil {
		return Document{}, err
	}
	limit := int64(l.limit.Get(ctx)) * 1_000_000
	if u.Size > limit {
		return Document{}, tooLarge(limit, "Split it, or ask an administrator to raise the limit.")
	}
	body := bufio.NewReaderSize(u.Body, 4096)
	begin, err := body.Peek(512)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return Document{}, err
	case len(begin) == 0:
		return Document{}, fault.New(fault.Invalid, "The file is empty.").Cure("Check it and add it again.")
	}
	media, err := extract.Type(name, begin)
	if err != nil {
		return Document{}, err
	}
	if most := extract.Limit(media); limit > most {
		limit = most
		if u.Size > limit {
			return Document{}, tooLarge(limit, "A file of this kind may not be larger; split it into several.")
		}
	}
	ref, err := l.blobs.Put(ctx, k.Workspace, body, limit)
	if err != nil {
		return Document{}, err
	}
	d := Document{ID: uuid.Must(uuid.NewV7()).String(), Workspace: k.Workspace, Owner: who.who.ID, Knowledge: k.ID,
		Title: titleOf(name), Name: name, Type: media, Size: ref.Size, State: Waiting, Version: 1, Folder: folder, Tags: tags,
		Right: Edit, Manages: true, blob: ref.Name}
	added, err := l.keep(ctx, who, d)
	if err != nil {
		return Document{}, errors.Join(err, l.release(context.WithoutCancel(ctx), k.Workspace, ref.Name))
	}
	l.tell(k.Workspace, "document")
	return added, nil
}

// keep writes the row of a document whose blob is there. A copy of the file may
// be in the middle of being deleted; then the blob is gone, and nothing is lost
// by asking for the file once more.
func (l *Library) keep(ctx context.Context, who Reach, d Document) (Document, error) {
	l.files.RLock()
	defer l.files.RUnlock()
	file, err := l.blobs.Open(ctx, d.Workspace, d.blob)
	if err != nil {
		return Document{}, fault.New(fault.Unavailable, "A copy of this file was being deleted at the same moment.").Cure("Add it again.").Because(err)
	}
	if err := file.Close(); err != nil {
		return Document{}, err
	}
	return l.store.add(ctx, who, d)
}

// release removes blobs that no document uses.
func (l *Library) release(ctx context.Context, workspace string, names ...string) error {
	l.files.Lock()
	defer l.files.Unlock()
	for _, name := range names {
		if name == "" {
			continue
		}
		used, err := l.store.uses(ctx, workspace, name)
		if err != nil {
			return err
		}
		if used {
			continue
		}
		if err := l.blobs.Remove(ctx, workspace, name); err != nil {
			return err
		}
	}
	return nil
}

func tooLarge(limit int64, cure string) error {
	return fault.New(fault.TooLarge, "The file is larger than %d MB.", limit/1_000_000).Cure("%s", cure)
}

// editable is a knowledge base that who may edit.
func (l *Library) editable(ctx context.Context, who Reach, id, act string) (Knowledge, error) {
	k, err := l.store.knowledge(ctx, who, id)
	if err == nil {
		err = allows(k.Right, Edit)
	}
	return k, l.refuse(ctx, err, act, "knowledge", id)
}

// allows is an error unless the right is enough.
func allows(right, wanted string) error {
	switch {
	case right == None:
		return mayNotRead()
	case wanted == Edit && right != Edit:
		return mayNotEdit()
	}
	return nil
}

// Listing is a page of the documents of a knowledge base.
type Listing struct {
	Knowledge string
	Text      string // part of a title or a name, folded; "" = any
	State     State  // "" = any
	Filter    Filter
	Managed   bool   // also those that are managed and may not be read
	Before    string // id of the last document of the page before; "" = from the newest
	Limit     int
}

// Documents lists a knowledge base that who may read, the newest first.
func (l *Library) Documents(ctx context.Context, who Reach, q Listing) ([]Document, error) {
	if err := l.readsKnowledge(ctx, who, q.Knowledge); err != nil {
		return nil, err
	}
	return l.store.documents(ctx, who, q)
}

// Outline counts what the documents of a knowledge base can be narrowed by.
func (l *Library) Outline(ctx context.Context, who Reach, knowledge string) (Outline, error) {
	if err := l.readsKnowledge(ctx, who, knowledge); err != nil {
		return Outline{}, err
	}
	return l.store.outline(ctx, who, knowledge)
}

func (l *Library) readsKnowledge(ctx context.Context, who Reach, id string) error {
	k, err := l.store.knowledge(ctx, who, id)
	if err == nil {
		err = allows(k.Right, Read)
	}
	return l.refuse(ctx, err, "knowledge.open", "knowledge", id)
}

// Place puts a document into a folder and gives it tags; nil leaves what is.
func (l *Library) Place(ctx context.Context, who Reach, id string, folder *string, tags *[]string) (Document, error) {
	d, err := l.documentFor(ctx, who, id, Edit, "document.change")
	if err != nil {
		return Document{}, err
	}
	if folder != nil {
		if d.Folder, err = CleanFolder("body.folder", *folder); err != nil {
			return Document{}, err
		}
	}
	if tags != nil {
		if d.Tags, err = cleanTags("body.tags", *tags, maxTags); err != nil {
			return Document{}, err
		}
	}
	if err := l.store.place(ctx, who, d); err != nil {
		return Document{}, err
	}
	l.tell(d.Workspace, "document")
	return l.store.document(ctx, who, id)
}

// Document is one document that who may open. Its text and its file are opened
// with Open.
func (l *Library) Document(ctx context.Context, who Reach, id string) (Document, error) {
	return l.documentFor(ctx, who, id, Read, "document.open")
}

func (l *Library) documentFor(ctx context.Context, who Reach, id, wanted, act string) (Document, error) {
	d, err := l.store.document(ctx, who, id)
	if err == nil && d.Right == None {
		err = mayNotOpen()
	} else if err == nil {
		err = allows(d.Right, wanted)
	}
	return d, l.refuse(ctx, err, act, "document", id)
}

// File opens the file of a document as it was added, and records it.
func (l *Library) File(ctx context.Context, who Reach, id string) (Document, io.ReadCloser, error) {
	d, err := l.documentFor(ctx, who, id, Read, "document.download")
	if err != nil {
		return Document{}, nil, err
	}
	if err := l.mayServe(d); err != nil {
		return Document{}, nil, err
	}
	file, err := l.blobs.Open(ctx, d.Workspace, d.blob)
	if err != nil {
		return Document{}, nil, err
	}
	if _, err := l.note(ctx, opened("document.download", d)); err != nil {
		return Document{}, nil, errors.Join(err, file.Close())
	}
	return d, file, nil
}

func opened(act string, d Document) audit.Entry {
	return audit.Entry{Act: act, ObjectKind: "document", Object: d.ID, Workspace: d.Workspace, Detail: map[string]any{"knowledge": d.Knowledge, "version": d.Version}}
}

// Retry reads a document again that failed.
func (l *Library) Retry(ctx context.Context, who Reach, id string) (Document, error) {
	d, err := l.documentFor(ctx, who, id, Edit, "document.retry")
	if err != nil {
		return Document{}, err
	}
	if d.State == Quarantined {
		return Document{}, locked(d)
	}
	if err := l.store.retry(ctx, who, d); err != nil {
		return Document{}, err
	}
	l.tell(d.Workspace, "document")
	return l.store.document(ctx, who, id)
}

// Cancel stops reading a document; it stays, as failed, and can be read again.
func (l *Library) Cancel(ctx context.Context, who Reach, id string) (Document, error) {
	d, err := l.documentFor(ctx, who, id, Edit, "document.cancel")
	if err != nil {
		return Document{}, err
	}
	if !d.State.Working() {
		return Document{}, fault.New(fault.Conflict, "The document is not being read.").Code("not-working")
	}
	if err := l.store.note(ctx, audit.Entry{Act: "document.cancel", ObjectKind: "document", Object: d.ID, Workspace: d.Workspace}); err != nil {
		return Document{}, err
	}
	if err := l.queue.Cancel(ctx, d.job); err != nil && !fault.Is(err, fault.Conflict) {
		return Document{}, err
	}
	return l.store.document(ctx, who, id)
}

// RemoveDocument deletes a document.
func (l *Library) RemoveDocument(ctx context.Context, who Reach, id string) error {
	d, err := l.documentFor(ctx, who, id, Edit, "document.delete")
	if err != nil {
		return err
	}
	if d.State == Quarantined {
		return locked(d)
	}
	if err := l.store.remove(ctx, who, d); err != nil {
		return err
	}
	if d.State.Working() {
		// The job notices by itself that the document is gone; this only saves its time.
		if err := l.queue.Cancel(ctx, d.job); err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
			l.log.Warn("the reading of a deleted document goes on", "document", d.ID, "error", err)
		}
	}
	l.tell(d.Workspace, "document", "knowledge")
	return nil
}
