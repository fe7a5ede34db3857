package appliance

import (
	"context"
	"errors"
	"io"
	"time"

	"chatets/appliance/backup"
	"chatets/appliance/config"
	"chatets/appliance/egress"
	"chatets/appliance/secret"
)

// ArchiveFacts is what an archive on a disk says of itself, and what a reading to
// its end found.
type ArchiveFacts struct {
	ID           string        `json:"id"`
	Installation string        `json:"installation"`
	Made         time.Time     `json:"made"`
	Version      string        `json:"version"`
	Bytes        int64         `json:"bytes"`
	Parts        int           `json:"parts,omitempty"`
	Database     int64         `json:"database"`
	OpensWith    []ArchiveSlot `json:"opensWith"`
	About        int64         `json:"-"`

	Files   int   `json:"files,omitempty"`
	Content int64 `json:"content,omitempty"` // bytes of the files, opened
	Damaged int   `json:"damaged,omitempty"`
}

// ArchiveSlot is one way an archive opens.
type ArchiveSlot struct {
	Kind  string    `json:"kind"`
	Where string    `json:"where,omitempty"`
	Made  time.Time `json:"made"`
}

func factsOf(h backup.ArchiveHead, size int64, parts int) ArchiveFacts {
	f := ArchiveFacts{ID: h.ID, Installation: h.Installation, Made: h.Made, Version: h.Version, Bytes: size, Parts: parts, Database: h.Database, About: h.About, OpensWith: []ArchiveSlot{}}
	for _, s := range secret.SlotsOf(h.Keys) {
		f.OpensWith = append(f.OpensWith, ArchiveSlot{Kind: string(s.Kind), Where: s.Where, Made: s.Made})
	}
	return f
}

// ListArchive reads the beginning of an archive and sees that its end is there. No
// key is needed.
func ListArchive(path string) (ArchiveFacts, error) {
	file, err := backup.OpenArchiveFile(path)
	if err != nil {
		return ArchiveFacts{}, err
	}
	defer file.Close()
	h, _, err := backup.ReadArchiveHead(file)
	return factsOf(h, file.Size, file.Parts), err
}

// unlockFor opens the keys of a directory as a start does that has its key, its
// person, or its recovery key.
func unlockFor(cfg config.Config) func(context.Context, string) (*secret.Keyring, error) {
	return func(ctx context.Context, dir string) (*secret.Keyring, error) {
		gate, err := egress.New(egress.Config{Now: time.Now})
		if err != nil {
			return nil, err
		}
		s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: cfg.Key, Credentials: cfg.Credentials, Gate: gate, Now: time.Now, Ask: cfg.Ask, Recovery: cfg.Recovery})
		if err != nil {
			return nil, err
		}
		return s.Ring(), nil
	}
}

// VerifyArchive reads an archive to its end; see backup.VerifyArchive. The scratch
// directory is made and may only be empty.
func VerifyArchive(ctx context.Context, cfg config.Config, path, scratch string, told func(done, total int64)) (ArchiveFacts, error) {
	file, err := backup.OpenArchiveFile(path)
	if err != nil {
		return ArchiveFacts{}, err
	}
	defer file.Close()
	c, err := backup.VerifyArchive(ctx, backup.ArchiveOrder{From: file, Dir: scratch, Unlock: unlockFor(cfg), Told: func(_ string, done int64) { told(done, file.Size) }})
	f := factsOf(c.Head, file.Size, file.Parts)
	f.Files, f.Content, f.Damaged = c.Files, c.Bytes, c.Damaged
	return f, err
}

// SaveArchive writes an archive that the service sends into a file, or into parts;
// an empty path means that out takes it.
func SaveArchive(ctx context.Context, from io.Reader, path string, split int64, out io.Writer, told func(done, total int64)) (ArchiveFacts, error) {
	say := func(h backup.ArchiveHead, done int64) { told(done, max(h.About, done)) }
	var h backup.ArchiveHead
	var size int64
	var err error
	if path == "" {
		h, size, err = backup.CopyArchive(out, from, say)
	} else {
		h, size, err = backup.WriteArchiveFile(ctx, path, split, from, say)
	}
	parts := 0
	if split > 0 {
		parts = int((size + split - 1) / split)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() != nil {
		err = ctx.Err()
	}
	return factsOf(h, size, parts), err
}

// ArchiveThere reports whether there is a file of that name, or the first part of
// an archive.
func ArchiveThere(path string) bool { return backup.ArchiveThere(path) }

// FromArchive restores from a portable archive.
func FromArchive(path string) RestoreSource {
	return func(*egress.Gate) backup.Source { return backup.FromArchive{Path: path, Now: time.Now} }
}

// FromSet restores from a set of a backup target, by its id or the latest.
func FromSet(a Access, set string) RestoreSource {
	return func(gate *egress.Gate) backup.Source {
		return backup.FromSet{From: backup.FromTarget{Access: a, Gate: gate, Now: time.Now}, Set: set}
	}
}
