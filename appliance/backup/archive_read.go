package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// ArchiveOrder is an archive to be read.
type ArchiveOrder struct {
	From io.Reader
	Dir  string // made; what lies there may only be empty
	// Unlock opens the keys of the directory once its keys.json is there.
	Unlock func(ctx context.Context, dir string) (*secret.Keyring, error)
	Told   func(step string, done int64) // bytes of the archive; nil = nobody
	Now    func() time.Time              // nil = time.Now
}

// Checked is what an archive was found to hold.
type Checked struct {
	Head    ArchiveHead
	Files   int
	Bytes   int64 // of the files, opened
	Damaged int   // files that were unreadable when it was made, and are not in it
}

// archiveSink takes what an archive holds.
type archiveSink struct {
	unlock   func(ctx context.Context, h ArchiveHead) (*secret.Keyring, error)
	database func(ctx context.Context, r io.Reader, size int64) error
	file     func(ctx context.Context, workspace, name string, r io.Reader) error
	told     func(done int64)
}

// VerifyArchive reads an archive to its end: every file is held against its name,
// the database is written to the directory and checked from the inside. The
// directory is empty again afterwards.
func VerifyArchive(ctx context.Context, o ArchiveOrder) (c Checked, err error) {
	if err := emptyDir(o.Dir); err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, emptied(o.Dir)) }()
	c, _, err = o.read(ctx, func(keys *secret.Keyring) (fileSink, error) {
		return verifying(keys), nil
	})
	return c, err
}

// ExtractArchive makes a data directory of an archive, with which the service can
// start. A failure at any byte of it leaves nothing.
func ExtractArchive(ctx context.Context, o ArchiveOrder) (r Restored, keys *secret.Keyring, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	begun := o.Now()
	if err := emptyDir(o.Dir); err != nil {
		return r, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, emptied(o.Dir))
		}
	}()
	c, keys, err := o.read(ctx, func(keys *secret.Keyring) (fileSink, error) {
		files, err := blob.Open(filepath.Join(o.Dir, "blobs"), keys)
		return func(ctx context.Context, workspace, _ string, r io.Reader) (string, error) {
			ref, err := files.Put(ctx, workspace, r, math.MaxInt64-1)
			return ref.Name, err
		}, err
	})
	if err != nil {
		return r, nil, err
	}
	r = Restored{Installation: c.Head.Installation, Point: c.Head.Made, At: o.Now().UTC(), Files: c.Files, Newest: c.Head.Made}
	r.Took = r.At.Sub(begun)
	return r, keys, r.write(o.Dir)
}

// fileSink takes a file and says what its content is named.
type fileSink func(ctx context.Context, workspace, name string, r io.Reader) (named string, err error)

// read reads an archive into the directory, its files into a sink.
func (o ArchiveOrder) read(ctx context.Context, open func(*secret.Keyring) (fileSink, error)) (c Checked, keys *secret.Keyring, err error) {
	told := o.Told
	if told == nil {
		told = func(string, int64) {}
	}
	step := StepKeys
	var put fileSink
	sink := archiveSink{told: func(done int64) { told(step, done) }}
	sink.unlock = func(ctx context.Context, h ArchiveHead) (*secret.Keyring, error) {
		c.Head = h
		told(step, 0)
		if err := os.WriteFile(filepath.Join(o.Dir, secret.DocumentName), h.Keys, 0o600); err != nil {
			return nil, err
		}
		if keys, err = o.Unlock(ctx, o.Dir); err != nil {
			return nil, lockedArchive(err, h.Made)
		}
		if put, err = open(keys); err != nil {
			return nil, err
		}
		step = StepDatabase
		return keys, nil
	}
	sink.database = func(ctx context.Context, r io.Reader, size int64) error {
		err := installDatabase(ctx, r, size, keys, o.Dir, func() { step = StepCheck })
		step = StepFiles
		if fault.Of(err).Code == "database-damaged" {
			err = fault.New(fault.Conflict, "The database in the archive is damaged; it was so when the archive was made.").Code(spoiltCode).
				Cure("Take an older archive, and check the service that made it: chatets doctor").Because(err)
		}
		return err
	}
	sink.file = func(ctx context.Context, workspace, name string, r io.Reader) error {
		named, err := put(ctx, workspace, name, r)
		if err == nil && named != name {
			err = spoiltArchive.Because(fmt.Errorf("the content of the file %s/%s does not belong to its name", workspace, name))
		}
		return err
	}
	end, err := readArchive(ctx, o.From, sink)
	c.Files, c.Bytes, c.Damaged = end.Files, end.Bytes, len(end.Damaged)
	return c, keys, roomIn(o.Dir, err)
}

// roomIn names the directory that is full: it is not the one of the service.
func roomIn(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || fault.Is(err, fault.Full) {
		return fault.New(fault.Full, "The disk of %s is full; nothing of the archive was left there.", dir).
			Cure("Free space on it, or name a directory on another disk.").Because(err)
	}
	return err
}

// lockedArchive says of an archive what was said of a data directory.
func lockedArchive(err error, made time.Time) error {
	r := fault.Of(err)
	switch {
	case r.Code == "recovery-wrong" && r.Kind == fault.Forbidden:
		return fault.New(r.Kind, "This recovery key does not open the archive.").Code(r.Code).
			Cure("Take the recovery key that was in force on %s, when it was made: a new one revokes the one before.", made.Format("2006-01-02")).Because(err)
	case r.Code == "recovery-none":
		return fault.New(r.Kind, "The archive opens with no recovery key: there was none when it was made.").Code(r.Code).
			Cure("Open it with a key file or the passphrase of its time.").Because(err)
	case r.Code == "key-newer":
		return newerArchive.Because(err)
	case r.Code == "key-damaged" && !errors.Is(err, os.ErrNotExist):
		return spoiltArchive.Because(err)
	case secret.Locked(err):
		return fault.New(fault.Conflict, "The archive does not open with the keys that are here. %s", strings.TrimPrefix(r.Sentence, "Nothing here opens the backup. ")).Code("archive-locked").
			Cure("Give the recovery key of its time with --recovery-key-stdin, its passphrase with --passphrase-stdin, or its key file with --key.").Because(err)
	}
	return err
}

// readArchive reads an archive to its end. What is wrong with the file is told
// before what the sink made of it, once the whole of it was looked at.
func readArchive(ctx context.Context, from io.Reader, sink archiveSink) (end archiveEnd, err error) {
	var start bytes.Buffer
	h, sum, err := ReadArchiveHead(io.TeeReader(from, &start))
	if err != nil {
		return end, err
	}
	keys, err := sink.unlock(ctx, h)
	if err != nil {
		return end, err
	}
	f := newFooted(from, start.Bytes())
	start = bytes.Buffer{}
	r := &archiveReader{ctx: ctx, f: f, keys: keys, sum: sum, sink: sink}
	err = r.contents()
	switch {
	case ctx.Err() != nil:
		return end, ctx.Err()
	case r.refused != nil:
		return end, r.refused // the sink's own failure: the archive may be sound
	case f.bad != nil:
		return end, unreadableArchive(f.bad)
	}
	if found := f.verdict(); found != nil {
		if f.bad != nil {
			return end, unreadableArchive(f.bad)
		}
		return end, found
	}
	if err != nil && fault.Of(err).Code != spoiltCode && fault.Of(err).Code != "newer-format" {
		err = spoiltArchive.Because(err)
	}
	return r.end, err
}

const spoiltCode = "archive-damaged"

func unreadableArchive(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return fault.New(fault.Unavailable, "The archive cannot be read to its end: the disk it lies on reports an error.").Code("archive-unreadable").
		Cure("Look at the system's log (journalctl -k), and copy it to another disk.").Because(err)
}

// archiveReader reads what is sealed in an archive.
type archiveReader struct {
	ctx     context.Context
	f       *footed
	keys    *secret.Keyring
	sum     []byte
	sink    archiveSink
	end     archiveEnd
	bytes   int64
	files   int
	refused error // by the sink
}

func (r *archiveReader) contents() error {
	plain, err := r.keys.OpenStream(archivePurpose, r.f, r.sum)
	if err != nil {
		return err
	}
	packed, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return err
	}
	defer packed.Close()
	t := tar.NewReader(packed)
	if err := r.entries(t); err != nil {
		return err
	}
	// Behind the last entry there is only what makes the stream whole.
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("something follows the last entry"), err)
	}
	_, err = io.Copy(io.Discard, packed)
	return err
}

func (r *archiveReader) entries(t *tar.Reader) error {
	database, last := false, ""
	for {
		h, err := t.Next()
		if err != nil {
			return errors.Join(errors.New("its last entry is missing"), err)
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("an entry of type %q", h.Typeflag)
		}
		rest, isFile := strings.CutPrefix(h.Name, entryFiles)
		workspace, name, _ := strings.Cut(rest, "/")
		switch {
		case h.Name == entryDatabase && !database:
			database = true
			err = r.give(t, func(body io.Reader) error { return r.sink.database(r.ctx, body, h.Size) })
		case isFile && database && blob.Valid(workspace, name) && rest > last:
			last = rest
			r.files++
			r.bytes += h.Size
			err = r.give(t, func(body io.Reader) error { return r.sink.file(r.ctx, workspace, name, body) })
		case h.Name == entryEnd && database:
			return r.last(t, h.Size)
		default:
			err = fmt.Errorf("an entry %.80q that does not belong there", h.Name)
		}
		if err != nil {
			return err
		}
		if r.sink.told != nil {
			r.sink.told(r.f.n)
		}
	}
}

func (r *archiveReader) last(t *tar.Reader, size int64) error {
	if size > 64<<20 {
		return fmt.Errorf("its last entry has %d bytes", size)
	}
	if err := json.NewDecoder(t).Decode(&r.end); err != nil {
		return err
	}
	if r.end.Files != r.files || r.end.Bytes != r.bytes {
		return fmt.Errorf("%d files of %d bytes, and %d of %d were written", r.files, r.bytes, r.end.Files, r.end.Bytes)
	}
	return nil
}

// give hands an entry to the sink and tells its failure from one of the archive.
func (r *archiveReader) give(t *tar.Reader, to func(io.Reader) error) error {
	body := &noted{ctx: r.ctx, from: t}
	err := to(body)
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	if err != nil && body.err == nil && fault.Of(err).Code != spoiltCode {
		r.refused = err
	}
	return err
}

// noted remembers that it was the reading that failed.
type noted struct {
	ctx  context.Context
	from io.Reader
	err  error
}

// Read reads on until the context ends.
func (n *noted) Read(p []byte) (int, error) {
	if err := n.ctx.Err(); err != nil {
		n.err = err
		return 0, err
	}
	got, err := n.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.err = err
	}
	return got, err
}
