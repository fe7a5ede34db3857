package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// The names inside an archive.
const (
	entryDatabase = "database"
	entryFiles    = "files/"
	entryEnd      = "end.json"
)

// archiveEnd is the last entry: an archive without it is not whole.
type archiveEnd struct {
	Files   int        `json:"files"`
	Bytes   int64      `json:"bytes"` // of the files, opened
	Damaged []lostFile `json:"damaged"`
}

// lostFile is a file that could not be read when an archive or a set was made.
type lostFile struct {
	Workspace string `json:"workspace"`
	Name      string `json:"name"`
}

// archivePart is up to what size a file is held in memory: its size stands
// before it, and is known only at its end.
const archivePart = 4 << 20

// Archive is an archive that is being made.
type Archive struct {
	Head ArchiveHead // without the keys, which are read when the stream begins
	Name string      // a file name for it
	Body io.ReadCloser
}

// mayArchive lets in who may carry all data away, sealed: an operator or an owner.
func mayArchive(ctx context.Context) error {
	who := actor.From(ctx)
	return who.Need(who.Kind == actor.Operator || who.Kind == actor.Person && who.Role == actor.Owner)
}

// NewArchive begins an archive of everything as it is now. The state of the
// database is copied aside first, so that a slow reader of Body holds up nobody;
// files that are deleted meanwhile stay readable for it. Body must be closed.
func (b *Backups) NewArchive(ctx context.Context, name string) (a Archive, err error) {
	if err := mayArchive(ctx); err != nil {
		return a, errors.Join(err, b.store.refused(ctx, "backup.archive"))
	}
	if !b.archiving.TryLock() {
		return a, archiveRunning()
	}
	w := &archiveWriter{b: b, id: newID()}
	var once sync.Once
	finish := func(err error) {
		once.Do(func() {
			w.drop()
			b.archiving.Unlock() // before anybody sees that it has ended
			b.archived(context.WithoutCancel(ctx), w, err)
		})
	}
	if name == "" {
		name = "-"
	}
	if err := b.store.beginArchive(ctx, archiveRow{ID: w.id, Name: name, Kind: "file", Key: b.cfg.Keys.Current()}); err != nil {
		b.archiving.Unlock()
		return a, err
	}
	if err := w.prepare(ctx); err != nil {
		finish(err)
		return a, err
	}
	r, out := io.Pipe()
	a = Archive{Head: w.head, Name: "chatets-" + b.cfg.Installation[:min(8, len(b.cfg.Installation))] + w.head.Made.Format("-20060102-150405") + ".chatets", Body: r}
	b.work.Go(func() {
		err := w.write(ctx, out)
		finish(err)
		_ = out.CloseWithError(err)
	})
	b.tell()
	return a, nil
}

// archived notes how an archive ended.
func (b *Backups) archived(ctx context.Context, w *archiveWriter, err error) {
	row := archiveRow{ID: w.id, State: "whole", Bytes: w.written, Files: w.end.Files, Damaged: len(w.end.Damaged)}
	if err != nil {
		r := fault.Of(err)
		row.State, row.Why, row.Cure = "broken", r.Sentence, r.Cure
		if errors.Is(err, io.ErrClosedPipe) || errors.Is(err, context.Canceled) {
			row.Why, row.Cure = "Whoever fetched it left before its end.", "Make it again."
		}
	}
	if err := b.store.endArchive(ctx, row); err != nil {
		b.cfg.Log.Error("how an archive ended cannot be recorded", "archive", w.id, "error", err)
	}
	b.tell()
}

// archiveWriter makes one archive, or the objects of a set.
type archiveWriter struct {
	b       *Backups
	id      string
	head    ArchiveHead
	end     archiveEnd
	written int64
	staged  *os.File
	release func()
}

// staging is where copies of the database lie while they are carried away, sealed.
func (b *Backups) staging() string { return filepath.Join(b.cfg.Data, "archive") }

// prepare holds the files, copies the database aside and makes the head.
func (w *archiveWriter) prepare(ctx context.Context) (err error) {
	w.release = w.b.cfg.Blobs.Hold()
	if err := os.MkdirAll(w.b.staging(), 0o700); err != nil {
		return stagingFailed(err)
	}
	if w.staged, err = os.CreateTemp(w.b.staging(), "database-*"); err != nil {
		return stagingFailed(err)
	}
	// Nobody finds it by its name: it is gone with the process.
	if err := os.Remove(w.staged.Name()); err != nil {
		return err
	}
	if w.head.Database, err = w.b.stage(ctx, w.staged); err != nil {
		return err
	}
	w.head.ID, w.head.Installation, w.head.Version = w.id, w.b.cfg.Installation, w.b.cfg.Version
	w.head.Made = w.b.cfg.Now().UTC().Truncate(time.Millisecond)
	info, err := w.staged.Stat()
	if err != nil {
		return err
	}
	w.head.About = info.Size()
	return w.each(ctx, func(workspace, name string) error {
		w.head.About += w.b.cfg.Blobs.SizeHeld(workspace, name)
		return nil
	})
}

// drop gives back what prepare took.
func (w *archiveWriter) drop() {
	if w.release != nil {
		w.release()
	}
	if w.staged != nil {
		_ = w.staged.Close()
	}
}

// each names all files that are part of an archive, in order.
func (w *archiveWriter) each(ctx context.Context, do func(workspace, name string) error) error {
	workspaces, err := w.b.cfg.Blobs.HeldWorkspaces()
	if err != nil {
		return err
	}
	for _, workspace := range workspaces {
		if w.b.cfg.Skip(workspace) {
			continue
		}
		names, err := w.b.cfg.Blobs.ListHeld(ctx, workspace)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := errors.Join(do(workspace, name), ctx.Err()); err != nil {
				return err
			}
		}
	}
	return nil
}

// delayed is a writer whose way is opened later.
type delayed struct {
	held bytes.Buffer
	to   io.Writer
}

// Write holds back what comes before the way is open.
func (l *delayed) Write(p []byte) (int, error) {
	if l.to == nil {
		return l.held.Write(p)
	}
	return l.to.Write(p)
}

// begin makes the head with the keys.json that holds the key of the stream: a
// rotation at this moment must not put another below it.
func (w *archiveWriter) begin(way *delayed) (text []byte, sealed io.WriteCloser, err error) {
	for {
		*way = delayed{}
		w.head.Key = w.b.cfg.Keys.Current()
		if w.head.Keys, err = os.ReadFile(filepath.Join(w.b.cfg.Data, secret.DocumentName)); err != nil {
			return nil, nil, fmt.Errorf("the keys for an archive: %w", err)
		}
		text, sum, err := w.head.encode(archiveVersion)
		if err != nil {
			return nil, nil, err
		}
		if sealed, err = w.b.cfg.Keys.SealStream(archivePurpose, way, sum); err != nil {
			return nil, nil, err
		}
		if secret.NumberOf(way.held.Bytes()) == w.head.Key {
			return text, sealed, nil
		}
	}
}

// write gives out the archive.
func (w *archiveWriter) write(ctx context.Context, to io.Writer) (err error) {
	out := &summed{to: to, sum: sha256.New()}
	defer func() { w.written = out.n }()
	var way delayed
	text, sealed, err := w.begin(&way)
	if err != nil {
		return err
	}
	if _, err := out.Write(append(text, way.held.Bytes()...)); err != nil {
		return err
	}
	way.to = out
	packed, err := zstd.NewWriter(sealed, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	if err != nil {
		return err
	}
	t := tar.NewWriter(packed)
	if err := w.entries(ctx, t); err != nil {
		return errors.Join(err, packed.Close()) // sealed stays open: what was written never looks whole
	}
	if err := errors.Join(t.Close(), packed.Close(), sealed.Close()); err != nil {
		return err
	}
	_, err = out.Write(foot(out.n, out.sum.Sum(nil)))
	return err
}

func (w *archiveWriter) entries(ctx context.Context, t *tar.Writer) error {
	if err := w.entry(t, entryDatabase, w.head.Database); err != nil {
		return err
	}
	plain, err := w.b.staged(w.staged)
	if err != nil {
		return err
	}
	if _, err = io.Copy(t, plain); err != nil {
		return err
	}
	err = w.each(ctx, func(workspace, name string) error {
		whole, size, err := w.look(ctx, workspace, name)
		switch {
		case unreadable(err):
			w.b.cfg.Log.Error("a file is missing in the archive: it cannot be read", "workspace", workspace, "file", name, "error", err)
			w.end.Damaged = append(w.end.Damaged, lostFile{workspace, name})
			return nil
		case err != nil:
			return err
		}
		if err := w.entry(t, entryFiles+workspace+"/"+name, size); err != nil {
			return err
		}
		if _, err := whole.WriteTo(t); err != nil {
			return err
		}
		w.end.Files++
		w.end.Bytes += size
		return nil
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(w.end)
	if err == nil {
		err = w.entry(t, entryEnd, int64(len(text)))
	}
	if err == nil {
		_, err = t.Write(text)
	}
	return err
}

// unreadable reports whether a file is damaged or gone, as against a disk that
// does not give it now.
func unreadable(err error) bool {
	code := fault.Of(err).Code
	return err != nil && (code == "file-damaged" || code == "file-missing")
}

func (w *archiveWriter) entry(t *tar.Writer, name string, size int64) error {
	return t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: w.head.Made, Format: tar.FormatPAX})
}

// look reads a file to its end, which holds it against its name, and gives its
// content and size: a small one from memory, a large one by a second reading.
func (w *archiveWriter) look(ctx context.Context, workspace, name string) (io.WriterTo, int64, error) {
	plain, err := w.b.cfg.Blobs.OpenHeld(ctx, workspace, name)
	if err != nil {
		return nil, 0, err
	}
	var small bytes.Buffer
	size, err := io.Copy(&small, io.LimitReader(plain, archivePart))
	if err == nil {
		var more int64
		more, err = io.Copy(io.Discard, plain)
		size += more
	}
	if err = errors.Join(err, plain.Close()); err != nil {
		return nil, 0, err
	}
	if size == int64(small.Len()) {
		return &small, size, nil
	}
	return reading2(func(to io.Writer) (int64, error) {
		plain, err := w.b.cfg.Blobs.OpenHeld(ctx, workspace, name)
		if err != nil {
			return 0, err
		}
		n, err := io.Copy(to, plain)
		return n, errors.Join(err, plain.Close())
	}), size, nil
}

// reading2 is a second reading.
type reading2 func(io.Writer) (int64, error)

// WriteTo reads once more.
func (a reading2) WriteTo(w io.Writer) (int64, error) { return a(w) }
