package backup

import (
	"context"
	"time"
)

// Carried is an archive or a set that was made and may still be somewhere: what is
// shredded later is still in it.
type Carried struct {
	ID   string
	Kind string
	Name string
	Made time.Time
	By   string
	Key  uint32
}

// Carried are the archives that were made before a time and are not known to be
// destroyed, the newest first.
func (b *Backups) Carried(ctx context.Context, before time.Time) ([]Carried, error) {
	rows, err := b.store.archives(ctx, before)
	all := []Carried{}
	for _, a := range rows {
		if a.State != "broken" {
			all = append(all, Carried{ID: a.ID, Kind: a.Kind, Name: a.Name, Made: a.Made, By: a.Owner, Key: a.Key})
		}
	}
	return all, err
}

// archives lists what was made, the newest first.
func (b *Backups) archives(ctx context.Context) ([]archiveRow, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	return b.store.archives(ctx, time.Time{})
}

func (b *Backups) archive(ctx context.Context, id string) (archiveRow, error) {
	if _, err := administers(ctx); err != nil {
		return archiveRow{}, err
	}
	return b.store.archive(ctx, id)
}

// forget takes an archive off the list once it was destroyed.
func (b *Backups) forget(ctx context.Context, id string) error {
	if err := mayArchive(ctx); err != nil {
		return err
	}
	err := b.store.forgetArchive(ctx, id)
	b.tell()
	return err
}
