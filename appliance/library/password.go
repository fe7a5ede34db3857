package library

import (
	"context"
	"fmt"

	"chatets/appliance/fault"
)

const (
	passwordPurpose = "document-password"
	codeLocked      = "file-locked"
	codePages       = "reading-pages" // of a document whose pages are being read
)

// Unlock keeps the password of a locked file, sealed, and reads the document
// again with it. One that does not open the file is forgotten.
func (l *Library) Unlock(ctx context.Context, who Reach, id, password string) (Document, error) {
	d, err := l.documentFor(ctx, who, id, Edit, "document.unlock")
	switch {
	case err != nil:
		return Document{}, err
	case d.State == Quarantined:
		return Document{}, locked(d)
	case d.State != Failed || d.Code != codeLocked:
		return Document{}, fault.New(fault.Conflict, "The document does not wait for a password.").Code("not-locked").
			Cure("A password is asked for only where a file is locked and could not be opened.")
	case password == "":
		return Document{}, wrong("body.password", "Give the password of the file.")
	}
	sealed, err := l.keys.Seal(passwordPurpose, []byte(password), []byte(d.ID))
	if err != nil {
		return Document{}, fmt.Errorf("seal the password of a document: %w", err)
	}
	if err := l.store.unlock(ctx, who, d, sealed); err != nil {
		return Document{}, err
	}
	l.tell(d.Workspace, "document")
	return l.store.document(ctx, who, id)
}

// password is what opens a document's file, "" where none is known.
func (l *Library) password(ctx context.Context, d Document) (string, error) {
	sealed, err := l.store.password(ctx, d.ID)
	if err != nil || len(sealed) == 0 {
		return "", err
	}
	plain, err := l.keys.Open(passwordPurpose, sealed, []byte(d.ID))
	if err != nil {
		return "", fmt.Errorf("open the password of a document: %w", err)
	}
	return string(plain), nil
}
