package key

import (
	"context"
	"slices"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// What can be shredded.
const (
	ofWorkspace = "workspace"
	ofPerson    = "person"
)

// Eraser removes what only other rooms can remove in order.
type Eraser interface {
	// RemoveKnowledge deletes a knowledge base of a workspace with its documents;
	// that ends in the background.
	RemoveKnowledge(ctx context.Context, workspace, id string) error
	// Scopes are the names under which a workspace's files are kept and sealed.
	Scopes(workspace string) []string
}

// Shred is one thing that is made unreadable.
type Shred struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind" enum:"workspace,person"`
	Subject string     `json:"subject" doc:"Id of what is shredded."`
	Asked   time.Time  `json:"asked"`
	Removed *time.Time `json:"removed,omitempty" doc:"When its rows and files were gone and the keys of its files destroyed."`
	Until   *time.Time `json:"until,omitempty" doc:"When the key of its old pages can be destroyed at the earliest."`
	Ended   *time.Time `json:"ended,omitempty" doc:"When that key was destroyed: since then nothing of it can be read from the data directory or a copy of it made since."`
	// Carried are the archives that still hold it.
	Carried []Carried `json:"carried" doc:"Archives and sets made before that still hold it: destroy them, or the recovery key of their time."`

	scopes []string
	key    uint32
}

// Carried is an archive that was made and cannot be reached.
type Carried struct {
	ID   string    `json:"id"`
	Kind string    `json:"kind" enum:"file,set" doc:"A file, or a set in a backup target."`
	Name string    `json:"name" doc:"The file it was made as; of a set the name of its target."`
	Made time.Time `json:"made"`
	By   string    `json:"by" doc:"Id of who made it."`
	Key  uint32    `json:"key" doc:"Number of the data key that was current when it was made."`
}

// Shred begins to make a workspace or a person unreadable.
func (k *Keys) Shred(ctx context.Context, kind, subject string) (Shred, error) {
	if err := may(ctx, false); err != nil {
		return Shred{}, err
	}
	workspaces, err := k.store.shreddable(ctx, kind, subject)
	if err != nil {
		return Shred{}, err
	}
	var scopes []string
	for _, w := range workspaces {
		scopes = append(scopes, k.c.Erase.Scopes(w)...)
	}
	s, err := k.store.addShred(ctx, kind, subject, scopes)
	k.Wake()
	if err != nil {
		return s, err
	}
	s.Carried, err = k.carried(ctx, k.c.Now())
	return s, err
}

// carried are the archives made before a time.
func (k *Keys) carried(ctx context.Context, before time.Time) ([]Carried, error) {
	if k.c.Carried == nil {
		return []Carried{}, nil
	}
	return k.c.Carried(ctx, before)
}

// shreds are the newest, with the time that each waits for.
func (k *Keys) shreds(ctx context.Context) ([]Shred, error) {
	all, err := k.store.shreds(ctx, false)
	if err != nil {
		return nil, err
	}
	until, err := k.Until(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		before := k.c.Now()
		if all[i].Removed != nil {
			before = *all[i].Removed
		}
		if all[i].Carried, err = k.carried(ctx, before); err != nil {
			return nil, err
		}
		if all[i].Removed != nil && all[i].Ended == nil && !until.IsZero() {
			all[i].Until = &until
		}
	}
	return all, err
}

// removeShredded takes each thing that is to be shredded as far as it goes now;
// waiting says that its knowledge bases are still being deleted.
//  1. its knowledge bases are deleted by the room that knows how;
//  2. its other rows;
//  3. the keys of its files, and the files: a workspace's keys are destroyed, those
//     of a person's workspaces exchanged;
//  4. a new data key becomes current, so that the pages which held its rows are
//     sealed anew and their old key comes to its end.
func (k *Keys) removeShredded(ctx context.Context) (waiting bool, err error) {
	open, err := k.store.shreds(ctx, true)
	if err != nil {
		return false, err
	}
	for _, s := range open {
		if s.Removed != nil {
			continue
		}
		left, err := k.removeKnowledge(ctx, s)
		if err != nil {
			return false, err
		}
		if left {
			waiting = true
			continue
		}
		if err := k.store.sweep(ctx, s); err != nil {
			return false, err
		}
		if err := k.shredFiles(s); err != nil {
			return false, err
		}
		last := k.c.Secrets.Ring().Current()
		if err := k.c.Secrets.NewDataKey(); err != nil {
			return false, err
		}
		if err := k.store.removed(ctx, s, last, k.c.Secrets.Status().Serial); err != nil {
			return false, err
		}
	}
	return waiting, nil
}

func (k *Keys) removeKnowledge(ctx context.Context, s Shred) (left bool, err error) {
	bases, hidden, err := k.store.knowledgeOf(ctx, s)
	if err != nil {
		return false, err
	}
	for _, b := range bases {
		if err := k.c.Erase.RemoveKnowledge(ctx, b.workspace, b.id); err != nil && !fault.Is(err, fault.NotFound) {
			return false, err
		}
	}
	return len(bases) > 0 || hidden > 0, nil
}

func (k *Keys) shredFiles(s Shred) error {
	if s.Kind == ofPerson {
		return k.c.Secrets.RenewScopes(s.scopes...)
	}
	if err := k.c.Secrets.DestroyScopes(s.scopes...); err != nil {
		return err
	}
	for _, scope := range s.scopes {
		if err := k.c.Blobs.RemoveAll(scope); err != nil {
			return err
		}
	}
	return nil
}

// endShreds ends those whose last data key is destroyed.
func (k *Keys) endShreds(ctx context.Context) error {
	open, err := k.store.shreds(ctx, true)
	if err != nil {
		return err
	}
	for _, s := range open {
		there := slices.ContainsFunc(k.c.Secrets.Status().Keys, func(key secret.KeyStatus) bool { return key.Number <= s.key })
		if s.Removed == nil || there {
			continue
		}
		if err := k.store.ended(ctx, s); err != nil {
			return err
		}
		k.c.Log.Info("shredded; nothing of it can be read here any more", "kind", s.Kind, "subject", s.Subject)
	}
	return nil
}

// entry is the record of a step of a shred.
func (s Shred) entry(act string) audit.Entry {
	e := audit.Entry{Act: act, ObjectKind: s.Kind, Object: s.Subject, Detail: map[string]any{"shred": s.ID}}
	if s.Kind == ofWorkspace {
		e.Workspace = s.Subject
	}
	return e
}
