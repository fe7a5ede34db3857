package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

const marker = "xylophone-marmalade-7f3a"

// origin is an installation that archives are made of.
type origin struct {
	b        *Backups
	dir      string
	db       *sqlite.DB
	secrets  *secret.Store
	recovery string
	files    map[string]string // workspace/name -> content
}

func newOrigin(t testing.TB) *origin {
	t.Helper()
	ctx := t.Context()
	o := &origin{dir: filepath.Join(t.TempDir(), "data"), files: map[string]string{}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(o.dir, 0o700))
	var err error
	o.secrets, err = secret.OpenStore(ctx, secret.Config{Dir: o.dir, File: o.dir + ".key"})
	must(err)
	o.recovery, _, err = o.secrets.NewRecovery()
	must(err)
	ring := o.secrets.Ring()
	o.db, err = sqlite.Open(ctx, sqlite.Config{Dir: o.dir, Keys: ring.Pages(), Reserve: -1})
	must(err)
	t.Cleanup(func() { _ = o.db.Close() })
	must(o.db.Migrate(ctx, audit.Migrations, blob.Migrations, Migrations))
	must(o.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `CREATE TABLE note (text TEXT)`)
		if err == nil {
			_, err = tx.Exec(ctx, `INSERT INTO note VALUES (?)`, marker)
		}
		return err
	}))
	blobs, err := blob.Open(filepath.Join(o.dir, "blobs"), ring)
	must(err)
	for i, text := range []string{"", strings.Repeat(marker+" ", 400), strings.Repeat("0123456789abcdef", archivePart/16+7)} {
		workspace := fmt.Sprintf("w-%d", i%2)
		ref, err := blobs.Put(ctx, workspace, strings.NewReader(text), math.MaxInt64-1)
		must(err)
		o.files[workspace+"/"+ref.Name] = text
	}
	log, err := audit.New(o.db, ring, time.Now)
	must(err)
	o.b = &Backups{store: store{db: o.db, audit: log}, cfg: Config{DB: o.db, Audit: log, Keys: ring, Blobs: blobs, Data: o.dir, Installation: "0123456789abcdef", Version: "1.2.3",
		Skip: func(w string) bool { return w == "derived" }, Log: slog.New(slog.DiscardHandler), Now: time.Now}}
	return o
}

func owner(ctx context.Context) context.Context {
	return actor.With(ctx, actor.Actor{Kind: actor.Operator, ID: "operator", Workspace: "w-0"})
}

// make makes an archive.
func (o *origin) make(t testing.TB) []byte {
	t.Helper()
	a, err := o.b.NewArchive(owner(t.Context()), "test.chatets")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(a.Body)
	if err := errors.Join(err, a.Body.Close()); err != nil {
		t.Fatal(err)
	}
	o.b.work.Wait()
	return text
}

// with opens keys as somebody on a new machine does.
func with(recovery string) func(context.Context, string) (*secret.Keyring, error) {
	return func(ctx context.Context, dir string) (*secret.Keyring, error) {
		s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: dir + ".nowhere", Recovery: recovery})
		if err != nil {
			return nil, err
		}
		return s.Ring(), nil
	}
}

func empty(t testing.TB, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) || len(entries) > 0 {
		t.Errorf("left in the directory: %v %v", entries, err)
	}
}

// TestArchiveOpensWithTheRecoveryKeyAlone makes a data directory of an archive on a
// machine that has nothing else.
func TestArchiveOpensWithTheRecoveryKeyAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	o := newOrigin(t)
	text := o.make(t)
	if bytes.Contains(text, []byte(marker)) {
		t.Error("the archive shows what is in it")
	}
	dir := filepath.Join(t.TempDir(), "new")
	c, err := VerifyArchive(ctx, ArchiveOrder{From: bytes.NewReader(text), Dir: dir, Unlock: with(o.recovery)})
	if err != nil || c.Files != len(o.files) || c.Damaged != 0 || c.Head.Version != "1.2.3" {
		t.Fatalf("verify: %+v, %v", c, err)
	}
	empty(t, dir)
	r, keys, err := ExtractArchive(ctx, ArchiveOrder{From: bytes.NewReader(text), Dir: dir, Unlock: with(o.recovery)})
	if err != nil || r.Files != len(o.files) {
		t.Fatalf("extract: %+v, %v", r, err)
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: keys.Pages(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var note string
	if err := db.Read().QueryRowContext(ctx, `SELECT text FROM note`).Scan(&note); err != nil || note != marker {
		t.Errorf("the note is %q: %v", note, err)
	}
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), keys)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range o.files {
		workspace, name, _ := strings.Cut(file, "/")
		plain, err := blobs.Open(ctx, workspace, name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(plain)
		if err := errors.Join(err, plain.Close()); err != nil || string(got) != want {
			t.Errorf("the file %s has %d bytes instead of %d: %v", file, len(got), len(want), err)
		}
	}
	if a, err := o.b.store.archive(ctx, c.Head.ID); err != nil || a.State != "whole" || a.Bytes != int64(len(text)) || a.Files != len(o.files) || a.Name != "test.chatets" {
		t.Errorf("the list says %+v, %v", a, err)
	}
}

// TestBadArchives spoils an archive in every region of it: each gets its own
// sentence, and nothing is left.
func TestBadArchives(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	text := o.make(t)
	if err := os.Remove(o.dir + ".key"); err != nil { // this is another machine
		t.Fatal(err)
	}
	head := archiveStart + int(binary.BigEndian.Uint32(text[10:]))
	flip := func(at int, bit byte) []byte { b := bytes.Clone(text); b[at] ^= bit; return b }
	newer := func() []byte {
		b := bytes.Clone(text)
		binary.BigEndian.PutUint16(b[8:], 7)
		sum := sha256.New()
		sum.Write(b[:14])
		sum.Write(b[archiveStart:head])
		copy(b[14:], sum.Sum(nil))
		return b
	}
	type bad struct {
		text     []byte
		recovery string
		code     string
	}
	cases := map[string]bad{
		"no archive":                 {text: []byte("PK\x03\x04 something else"), code: "archive-foreign"},
		"nothing":                    {text: nil, code: "archive-foreign"},
		"a newer form":               {text: newer(), code: "newer-format"},
		"the wrong recovery key":     {text: text, recovery: newOrigin(t).recovery, code: "recovery-wrong"},
		"a mistyped recovery key":    {text: text, recovery: "AAAAAA-AAAAAA", code: "recovery-wrong"},
		"no key":                     {text: text, recovery: "-", code: "archive-locked"},
		"something behind its end":   {text: append(bytes.Clone(text), 0), code: "archive-cut"},
		"two of them":                {text: append(bytes.Clone(text), text...), code: "archive-cut"},
		"a piece taken out":          {text: append(bytes.Clone(text[:head+1000]), text[head+2000:]...), code: "archive-cut"},
		"cut in the magic":           {text: text[:5], code: "archive-cut"},
		"cut in the head":            {text: text[:head-9], code: "archive-cut"},
		"cut behind the head":        {text: text[:head], code: "archive-cut"},
		"cut before the foot":        {text: text[:len(text)-archiveFoot], code: "archive-cut"},
		"cut in the foot":            {text: text[:len(text)-1], code: "archive-cut"},
		"flipped version":            {text: flip(9, 2), code: "archive-damaged"},
		"flipped sum of the head":    {text: flip(20, 1), code: "archive-damaged"},
		"flipped magic of the foot":  {text: flip(len(text)-archiveFoot+2, 4), code: "archive-cut"},
		"flipped length in the foot": {text: flip(len(text)-archiveFoot+15, 4), code: "archive-cut"},
		"flipped sum in the foot":    {text: flip(len(text)-3, 4), code: "archive-damaged"},
	}
	for i := range 24 {
		at := head + i*(len(text)-archiveFoot-head)/24
		cases[fmt.Sprintf("cut at %d", at)] = bad{text: text[:at], code: "archive-cut"}
		cases[fmt.Sprintf("flipped at %d", at)] = bad{text: flip(at, 1<<(i%8)), code: "archive-damaged"}
		in := archiveStart + i*(head-archiveStart)/24
		cases[fmt.Sprintf("flipped in the head at %d", in)] = bad{text: flip(in, 1<<(i%8)), code: "archive-damaged"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recovery := c.recovery
			switch recovery {
			case "":
				recovery = o.recovery
			case "-":
				recovery = ""
			}
			dir := filepath.Join(t.TempDir(), "new")
			_, _, err := ExtractArchive(t.Context(), ArchiveOrder{From: bytes.NewReader(c.text), Dir: dir, Unlock: with(recovery)})
			if r := fault.Of(err); r.Code != c.code || r.Sentence == "" || r.Cure == "" {
				t.Errorf("extract: code %q of %v", r.Code, err)
			}
			empty(t, dir)
		})
	}
}

// TestArchiveOfAStoreAtWork deletes a file that the copied state names before it
// is written, damages another, and lets the reader of a third archive leave.
func TestArchiveOfAStoreAtWork(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	o := newOrigin(t)
	a, err := o.b.NewArchive(owner(ctx), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.b.NewArchive(owner(ctx), "y"); fault.Of(err).Code != "archive-running" {
		t.Errorf("a second archive at the same time: %v", err)
	}
	for file := range o.files {
		workspace, name, _ := strings.Cut(file, "/")
		if err := o.b.cfg.Blobs.Remove(ctx, workspace, name); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(a.Body)
	if err := errors.Join(err, a.Body.Close()); err != nil {
		t.Fatal(err)
	}
	c, err := VerifyArchive(ctx, ArchiveOrder{From: bytes.NewReader(text), Dir: filepath.Join(t.TempDir(), "v"), Unlock: with(o.recovery)})
	if err != nil || c.Files != len(o.files) {
		t.Errorf("files that went while the archive was made: %+v, %v", c, err)
	}
	o.b.work.Wait()

	ref, err := o.b.cfg.Blobs.Put(ctx, "w-0", strings.NewReader("to be damaged"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.dir, "blobs", "w-0", ref.Name[:2], ref.Name)
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed[len(sealed)-1] ^= 1
	if err := os.WriteFile(path, sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err = VerifyArchive(ctx, ArchiveOrder{From: bytes.NewReader(o.make(t)), Dir: filepath.Join(t.TempDir(), "v"), Unlock: with(o.recovery)})
	if err != nil || c.Files != 0 || c.Damaged != 1 {
		t.Errorf("an archive of a damaged file: %+v, %v", c, err)
	}

	left, err := o.b.NewArchive(owner(ctx), "left")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, left.Body, 100); err != nil {
		t.Fatal(err)
	}
	if err := left.Body.Close(); err != nil {
		t.Fatal(err)
	}
	o.b.work.Wait()
	if row, err := o.b.store.archive(ctx, left.Head.ID); err != nil || row.State != "broken" || row.Why == "" {
		t.Errorf("the list says of a broken archive %+v, %v", row, err)
	}
	if held, err := filepath.Glob(filepath.Join(o.dir, "blobs", ".tmp", "*")); err != nil || len(held) > 0 {
		t.Errorf("still held: %v %v", held, err)
	}
	if staged, err := os.ReadDir(filepath.Join(o.dir, "archive")); err != nil || len(staged) > 0 {
		t.Errorf("still staged: %v %v", staged, err)
	}
}

// TestArchiveWhileKeysTurn rotates the keys without pause: each archive carries the
// key it is sealed with.
func TestArchiveWhileKeysTurn(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	stop := make(chan struct{})
	var turning sync.WaitGroup
	turning.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := o.secrets.NewDataKey(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 3 {
		if _, err := VerifyArchive(t.Context(), ArchiveOrder{From: bytes.NewReader(o.make(t)), Dir: filepath.Join(t.TempDir(), "v"), Unlock: with(o.recovery)}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	turning.Wait()
}

// FuzzArchive reads anything as an archive.
func FuzzArchive(f *testing.F) {
	o := newOrigin(f)
	whole := o.make(f)
	f.Add(whole[:min(len(whole), 20000)])
	f.Add(whole[:archiveStart])
	f.Add([]byte(archiveMagic))
	ring := o.secrets.Ring()
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := readArchive(t.Context(), bytes.NewReader(text), archiveSink{
			unlock:   func(context.Context, ArchiveHead) (*secret.Keyring, error) { return ring, nil },
			database: func(_ context.Context, r io.Reader, _ int64) error { _, err := io.Copy(io.Discard, r); return err },
			file:     func(_ context.Context, _, _ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
		})
		if err == nil && !bytes.Equal(text, whole) {
			t.Error("something else was taken for an archive")
		}
		if r := fault.Of(err); err != nil && (r.Code == "" || r.Cure == "") {
			t.Errorf("no sentence: %v", err)
		}
	})
}
