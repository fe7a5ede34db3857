package backup

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

// A set is an archive in a target, in pieces: files that are there are not written
// again, and it shares nothing with what is copied continuously.
//
//	sets/files/WORKSPACE/NAME     a file, packed and sealed
//	sets/at/TIME-ID/database      the database
//	sets/at/TIME-ID/files         the names of its files, and those that were lost
//	sets/at/TIME-ID/head          as of an archive; written last: without it there is no set
const (
	setFiles   = "sets/files/"
	setsAt     = "sets/at/"
	setPurpose = "set"
)

// setContent is the list of a set's files. Each piece is bound to its name.
type setContent struct {
	Files   []string   `json:"files"` // WORKSPACE/NAME
	Damaged []lostFile `json:"damaged"`
}

// Set is a set that a target holds.
type Set struct {
	ID   string
	Made time.Time
	Size int64 // of its database, as it lies there
}

func (s Set) folder() string { return fmt.Sprintf("%s%013d-%s/", setsAt, s.Made.UnixMilli(), s.ID) }

// sealPiece packs and seals what write writes into a file of its own.
func sealPiece(ring *secret.Keyring, dir, name string, write func(io.Writer) error) (file *os.File, size int64, err error) {
	if file, err = os.CreateTemp(dir, "piece-*"); err != nil {
		return nil, 0, stagingFailed(err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return file, 0, err
	}
	sealed, err := ring.SealStream(setPurpose, file, []byte(name))
	if err != nil {
		return file, 0, stagingFailed(err)
	}
	packed, err := zstd.NewWriter(sealed, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return file, 0, err
	}
	if err := write(packed); err != nil {
		return file, 0, errors.Join(err, packed.Close())
	}
	if err := errors.Join(packed.Close(), sealed.Close()); err != nil {
		return file, 0, stagingFailed(err)
	}
	if size, err = file.Seek(0, io.SeekCurrent); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return file, size, err
}

// putPiece writes a piece of a set into a target.
func (w *archiveWriter) putPiece(ctx context.Context, t target.Target, ring *secret.Keyring, name string, write func(io.Writer) error) error {
	file, size, err := sealPiece(ring, w.b.staging(), name, write)
	if err != nil {
		return err
	}
	w.written += size
	return errors.Join(t.Put(ctx, name, file, size), file.Close())
}

// NewSet begins a set of everything as it is now in a target; it is made in the
// background, and its row says how it ended.
func (b *Backups) NewSet(ctx context.Context, targetID string) (id string, err error) {
	if err := mayArchive(ctx); err != nil {
		return "", errors.Join(err, b.store.refused(ctx, "backup.archive"))
	}
	row, t, err := b.opened(ctx, targetID)
	if err != nil {
		return "", err
	}
	if !b.archiving.TryLock() {
		return "", archiveRunning()
	}
	w := &archiveWriter{b: b, id: newID()}
	if err := b.store.beginArchive(ctx, archiveRow{ID: w.id, Name: row.Name, Kind: "set", Target: row.ID, Key: b.cfg.Keys.Current()}); err != nil {
		b.archiving.Unlock()
		return "", err
	}
	b.work.Go(func() {
		err := w.set(b.ctx, t)
		w.drop()
		b.archiving.Unlock() // before anybody sees that it has ended
		b.archived(context.WithoutCancel(ctx), w, err)
	})
	return w.id, nil
}

func archiveRunning() error {
	return fault.New(fault.Conflict, "Another archive is being made.").Code("archive-running").Cure("Wait until it is finished.")
}

// set makes the pieces of a set; what an earlier attempt wrote is not written again.
func (w *archiveWriter) set(ctx context.Context, t target.Target) error {
	ring, err := never(w.b.cfg.Keys, setPurpose)
	if err != nil {
		return err
	}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	there := map[string]bool{}
	for o, err := range t.List(ctx, setFiles, "") {
		if err != nil {
			return err
		}
		there[strings.TrimPrefix(o.Name, setFiles)] = true
	}
	content := setContent{Files: []string{}}
	err = w.each(ctx, func(workspace, name string) error {
		key := workspace + "/" + name
		if !there[key] {
			whole, size, err := w.look(ctx, workspace, name)
			if unreadable(err) {
				w.b.cfg.Log.Error("a file is missing in the set: it cannot be read", "workspace", workspace, "file", name, "error", err)
				content.Damaged = append(content.Damaged, lostFile{workspace, name})
				return nil
			}
			if err == nil {
				err = w.putPiece(ctx, t, ring, setFiles+key, func(to io.Writer) error { _, err := whole.WriteTo(to); return err })
			}
			if err != nil {
				return err
			}
			w.end.Bytes += size
		}
		content.Files = append(content.Files, key)
		return nil
	})
	if err != nil {
		return err
	}
	w.end.Files, w.end.Damaged = len(content.Files), content.Damaged
	folder := Set{ID: w.id, Made: w.head.Made}.folder()
	if err := w.putPiece(ctx, t, ring, folder+"database", func(to io.Writer) error {
		plain, err := w.b.staged(w.staged)
		if err == nil {
			_, err = io.Copy(to, plain)
		}
		return err
	}); err != nil {
		return err
	}
	if err := w.putPiece(ctx, t, ring, folder+"files", func(to io.Writer) error { return json.NewEncoder(to).Encode(content) }); err != nil {
		return err
	}
	w.head.Key = w.b.cfg.Keys.Current()
	if w.head.Keys, err = os.ReadFile(filepath.Join(w.b.cfg.Data, secret.DocumentName)); err != nil {
		return fmt.Errorf("the keys for a set: %w", err)
	}
	text, _, err := w.head.encode(archiveVersion)
	if err != nil {
		return err
	}
	return t.Put(ctx, folder+"head", bytes.NewReader(text), int64(len(text)))
}

// listSets lists the whole sets of a target, the oldest first, and what was left of
// others.
func listSets(ctx context.Context, t target.Target) (sets []Set, left []string, err error) {
	pieces := map[string][]target.Object{}
	var order []string
	for o, err := range t.List(ctx, setsAt, "") {
		if err != nil {
			return nil, nil, err
		}
		folder, _, _ := strings.Cut(strings.TrimPrefix(o.Name, setsAt), "/")
		if pieces[folder] == nil {
			order = append(order, folder)
		}
		pieces[folder] = append(pieces[folder], o)
	}
	for _, folder := range order {
		digits, id, _ := strings.Cut(folder, "-")
		ms, err := strconv.ParseInt(digits, 10, 64)
		s := Set{ID: id, Made: time.UnixMilli(ms).UTC()}
		whole := false
		for _, o := range pieces[folder] {
			switch o.Name {
			case s.folder() + "head":
				whole = err == nil
			case s.folder() + "database":
				s.Size = o.Size
			}
		}
		if whole {
			sets = append(sets, s)
			continue
		}
		for _, o := range pieces[folder] {
			left = append(left, o.Name)
		}
	}
	return sets, left, nil
}

// findSet is a set of a target by its id; "" or latest is the newest.
func findSet(ctx context.Context, t target.Target, id string) (Set, error) {
	sets, _, err := listSets(ctx, t)
	if err != nil {
		return Set{}, err
	}
	for _, s := range slices.Backward(sets) {
		if id == "" || id == "latest" || s.ID == id {
			return s, nil
		}
	}
	return Set{}, fault.New(fault.NotFound, "The backup target %s holds no such set.", t.String()).Code("set-missing").Cure("chatets backup list TARGET shows all")
}

// openPiece opens a piece of a set.
func openPiece(ctx context.Context, t target.Target, ring *secret.Keyring, name string) (io.Reader, func() error, error) {
	from, err := t.Get(ctx, name, 0, -1)
	if errors.Is(err, target.ErrNotFound) {
		return nil, nil, spoiltSet(name, err)
	}
	if err != nil {
		return nil, nil, err
	}
	plain, err := ring.OpenStream(setPurpose, from, []byte(name))
	if err != nil {
		return nil, nil, errors.Join(spoiltSet(name, err), from.Close())
	}
	packed, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, nil, errors.Join(spoiltSet(name, err), from.Close())
	}
	return packed, func() error { packed.Close(); return from.Close() }, nil
}

// spoiltSet names the piece that is damaged or gone; the failures of the target
// stay what they are.
func spoiltSet(name string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	cure := "Take another set, or another target."
	if strings.HasPrefix(name, setFiles) {
		cure = "Take another set or target; delete that file there, so that the next set writes it again."
	}
	return fault.New(fault.Conflict, "The file %s of the backup target is damaged or missing.", name).Code(spoiltCode).Cure("%s", cure).Because(err)
}

// setReader reads one set.
type setReader struct {
	t    target.Target
	set  Set
	head ArchiveHead
	ring *secret.Keyring
}

func (r *setReader) open(ctx context.Context, unlock func(ArchiveHead) (*secret.Keyring, error)) (keys *secret.Keyring, err error) {
	from, err := r.t.Get(ctx, r.set.folder()+"head", 0, -1)
	if err != nil {
		return nil, spoiltSet(r.set.folder()+"head", err)
	}
	r.head, _, err = ReadArchiveHead(from)
	if err = errors.Join(err, from.Close()); err != nil {
		return nil, err
	}
	if keys, err = unlock(r.head); err != nil {
		return nil, err
	}
	r.ring, err = never(keys, setPurpose)
	return keys, err
}

// database writes the database of the set into a directory and checks it.
func (r *setReader) database(ctx context.Context, keys *secret.Keyring, dir string) error {
	name := r.set.folder() + "database"
	plain, done, err := openPiece(ctx, r.t, r.ring, name)
	if err != nil {
		return err
	}
	body := &noted{ctx: ctx, from: plain}
	err = installDatabase(ctx, body, r.head.Database, keys, dir, func() {})
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	if body.err != nil {
		err = spoiltSet(name, body.err)
	}
	return errors.Join(roomIn(dir, err), done())
}

func (r *setReader) content(ctx context.Context) (c setContent, err error) {
	name := r.set.folder() + "files"
	plain, done, err := openPiece(ctx, r.t, r.ring, name)
	if err != nil {
		return c, err
	}
	if err = json.NewDecoder(plain).Decode(&c); err != nil {
		err = spoiltSet(name, err)
	}
	return c, errors.Join(err, done())
}

// file gives one file of the set to put, and holds it against its name.
func (r *setReader) file(ctx context.Context, key string, put fileSink) error {
	workspace, name, _ := strings.Cut(key, "/")
	if !blob.Valid(workspace, name) {
		return spoiltSet(setFiles+key, errors.New("no name of a file"))
	}
	plain, done, err := openPiece(ctx, r.t, r.ring, setFiles+key)
	if err != nil {
		return err
	}
	body := &noted{ctx: ctx, from: plain}
	named, err := put(ctx, workspace, name, body)
	switch {
	case body.err != nil:
		err = spoiltSet(setFiles+key, body.err)
	case err == nil && named != name:
		err = spoiltSet(setFiles+key, errors.New("its content does not belong to its name"))
	}
	return errors.Join(err, done())
}

// verifying is the sink of a reading that keeps nothing.
func verifying(keys *secret.Keyring) fileSink {
	return func(_ context.Context, workspace, _ string, r io.Reader) (string, error) {
		sum := blob.Naming(keys, workspace)
		_, err := io.Copy(sum, r)
		return hex.EncodeToString(sum.Sum(nil)), err
	}
}

// FromSet restores from a set of a backup target.
type FromSet struct {
	From FromTarget
	Set  string // id, or latest
}

// Fill implements Source.
func (f FromSet) Fill(ctx context.Context, dir string, unlock Unlock, told Told) (r Restored, keys *secret.Keyring, err error) {
	begun := f.From.Now()
	t, err := f.From.Access.Open(f.From.Gate)
	if err != nil {
		return r, nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	set, err := findSet(ctx, t, f.Set)
	if err != nil {
		return r, nil, err
	}
	s := setReader{t: t, set: set}
	keys, err = s.open(ctx, func(h ArchiveHead) (*secret.Keyring, error) {
		if err := os.WriteFile(filepath.Join(dir, secret.DocumentName), h.Keys, 0o600); err != nil {
			return nil, err
		}
		keys, err := unlock(ctx, dir)
		if err != nil {
			return nil, lockedArchive(err, h.Made)
		}
		return keys, nil
	})
	if err != nil {
		return r, nil, err
	}
	told(StepDatabase, 0, 1)
	if err := s.database(ctx, keys, dir); err != nil {
		return r, nil, err
	}
	c, err := s.content(ctx)
	if err != nil {
		return r, nil, err
	}
	files, err := blob.Open(filepath.Join(dir, "blobs"), keys)
	if err != nil {
		return r, nil, err
	}
	for i, key := range c.Files {
		told(StepFiles, int64(i), int64(len(c.Files)))
		err := s.file(ctx, key, func(ctx context.Context, workspace, _ string, body io.Reader) (string, error) {
			ref, err := files.Put(ctx, workspace, body, math.MaxInt64-1)
			return ref.Name, err
		})
		if err != nil {
			return r, nil, roomIn(dir, err)
		}
	}
	r = Restored{Installation: s.head.Installation, Point: s.head.Made, Newest: s.head.Made, At: f.From.Now().UTC(), Files: len(c.Files)}
	r.Took = r.At.Sub(begun)
	return r, keys, r.write(dir)
}

// Erased implements Source: the target knows what was erased since.
func (f FromSet) Erased(ctx context.Context, keys *secret.Keyring, after time.Time) ([]Erasure, error) {
	return f.From.Erased(ctx, keys, after)
}
