package library

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/actor"
	"chatets/appliance/extract"
)

// AddSample makes a knowledge base of the Markdown files of a folder that
// everybody in the first workspace can read: once, and not again after somebody
// deleted it. A README.md speaks to developers and is left out.
func (l *Library) AddSample(ctx context.Context, name string, files fs.FS) error {
	made, err := l.store.sampled(ctx, name)
	if err != nil || made {
		return err
	}
	first, err := l.accounts.First(ctx)
	if err != nil {
		return err
	}
	who := ReachOf(actor.Actor{Kind: actor.System, ID: actor.SystemID, Workspace: first.ID})
	ctx = actor.With(ctx, who.who)
	k := l.newKnowledge(first.ID, actor.SystemID, name)

	// The files are kept before the one transaction that makes everything else:
	// a sample that is half there cannot be told from one whose documents were
	// deleted.
	documents, err := l.keepSample(ctx, k, files)
	if err != nil || len(documents) == 0 {
		return err
	}
	l.files.RLock()
	made, err = l.store.addSample(ctx, who, name, k, []Access{{Workspace: first.ID, Right: Read}}, documents)
	l.files.RUnlock()
	if err != nil {
		return fmt.Errorf("add the sample %q: %w", name, err)
	}
	if made {
		l.tell(first.ID, "knowledge", "document")
	}
	return nil
}

func (l *Library) keepSample(ctx context.Context, k Knowledge, files fs.FS) ([]Document, error) {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, err
	}
	var documents []Document
	for _, name := range names {
		if strings.EqualFold(path.Base(name), "README.md") {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		ref, err := l.blobs.Put(ctx, k.Workspace, bytes.NewReader(text), extract.Limit(extract.Markdown))
		if err != nil {
			return nil, errors.Join(err, l.releaseAll(ctx, documents))
		}
		now := l.now().UTC().Truncate(time.Millisecond)
		documents = append(documents, Document{ID: uuid.Must(uuid.NewV7()).String(), Workspace: k.Workspace, Owner: k.Owner, Knowledge: k.ID,
			Title: titleOf(name), Name: name, Type: extract.Markdown, Size: ref.Size, State: Waiting, Version: 1, Created: now, Updated: now, blob: ref.Name})
	}
	return documents, nil
}

func (l *Library) releaseAll(ctx context.Context, documents []Document) error {
	var errs []error
	for _, d := range documents {
		errs = append(errs, l.release(ctx, d.Workspace, d.blob))
	}
	return errors.Join(errs...)
}
