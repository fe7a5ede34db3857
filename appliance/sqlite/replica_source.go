package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"chatets/appliance/sqlite/vfs"
)

// source is litestream as far as we use it: it copies the write-ahead log into
// numbered files beside the database and decides when the log is moved into it.
// What becomes of the files is ours: one installation has several targets, and
// every target its own pace.
type source struct {
	db  *litestream.DB
	dir string // of the numbered files
}

// openSource begins to copy the log. litestream is given a destination that keeps
// nothing.
func openSource(db *DB, dir string) (*source, error) {
	s := &source{db: litestream.NewDB(db.path), dir: filepath.Join(dir, "ltx", "0")}
	s.db.SetLogger(slog.New(slog.DiscardHandler)) // its failures come back as errors
	s.db.SetMetaPath(dir)
	s.db.MonitorInterval = 0
	s.db.ShutdownSyncTimeout = 0
	s.db.L0Retention = 0
	replica := litestream.NewReplicaWithClient(s.db, nowhere{s.db})
	replica.MonitorEnabled = false
	s.db.Replica = replica
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, classify(db.cfg.Dir, fmt.Errorf("replicate: %w", err))
	}
	if err := s.db.Open(); err != nil {
		return nil, fmt.Errorf("replicate: %w", err)
	}
	return s, nil
}

// sync copies what was committed since the last time.
func (s *source) sync(ctx context.Context) error {
	err := s.db.Sync(ctx)
	if errors.Is(err, litestream.ErrLTXCorrupted) || errors.Is(err, os.ErrNotExist) {
		// What lies beside the database cannot be used: a whole copy begins anew.
		err = errors.Join(s.db.ResetLocalState(ctx), os.MkdirAll(s.dir, 0o700))
		if err == nil {
			err = s.db.Sync(ctx)
		}
	}
	return err
}

// position is the newest transaction that was copied.
func (s *source) position() (uint64, error) {
	p, err := s.db.Pos()
	return uint64(p.TXID), err
}

// file is one numbered file on this machine.
type localFile struct {
	transaction uint64
	size        int64
	path        string
}

// files lists the numbered files in order.
func (s *source) files() ([]localFile, error) {
	entries, err := os.ReadDir(s.dir) // sorted by name, which is the number
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []localFile
	for _, e := range entries {
		first, last, err := ltx.ParseFilename(e.Name())
		if err != nil || first != last {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, localFile{uint64(last), info.Size(), filepath.Join(s.dir, e.Name())})
	}
	return list, nil
}

// path is the numbered file of a transaction.
func (s *source) path(transaction uint64) string {
	return s.db.LTXPath(0, ltx.TXID(transaction), ltx.TXID(transaction))
}

// snapshot is the whole database at a transaction. The log cannot be emptied
// until it is closed.
func (s *source) snapshot(ctx context.Context) (uint64, io.ReadCloser, error) {
	p, r, err := s.db.SnapshotReader(ctx)
	return uint64(p.TXID), r, err
}

// empty copies the log, moves it into the database and cuts it to nothing.
func (s *source) empty(ctx context.Context) error {
	return s.db.Checkpoint(ctx, litestream.CheckpointModeTruncate)
}

func (s *source) close() error { return s.db.Close(context.Background()) }

// pagesOf reads the pages of a numbered file or a snapshot.
type pagesOf struct {
	dec  *ltx.Decoder
	head ltx.Header
}

func decodePages(r io.Reader) (*pagesOf, error) {
	p := &pagesOf{dec: ltx.NewDecoder(r)}
	if err := p.dec.DecodeHeader(); err != nil {
		return nil, err
	}
	p.head = p.dec.Header()
	return p, nil
}

// next reads a page; behind the last one the file is checked.
func (p *pagesOf) next(data []byte) (uint32, error) {
	var head ltx.PageHeader
	err := p.dec.DecodePage(&head, data)
	if errors.Is(err, io.EOF) {
		if err := p.dec.Close(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	return head.Pgno, err
}

// nowhere is a destination that has everything already.
type nowhere struct{ db *litestream.DB }

func (nowhere) Type() string               { return "none" }
func (nowhere) Init(context.Context) error { return nil }
func (nowhere) SetLogger(*slog.Logger)     {}

func (n nowhere) LTXFiles(_ context.Context, level int, _ ltx.TXID, _ bool) (ltx.FileIterator, error) {
	p, err := n.db.Pos()
	if err != nil || level != 0 || p.TXID == 0 {
		return ltx.NewFileInfoSliceIterator(nil), err
	}
	return ltx.NewFileInfoSliceIterator([]*ltx.FileInfo{{MinTXID: p.TXID, MaxTXID: p.TXID}}), nil
}

func (nowhere) OpenLTXFile(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
	return nil, os.ErrNotExist
}

func (nowhere) WriteLTXFile(_ context.Context, level int, first, last ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	n, err := io.Copy(io.Discard, r)
	return &ltx.FileInfo{Level: level, MinTXID: first, MaxTXID: last, Size: n}, err
}

func (nowhere) DeleteLTXFiles(context.Context, []*ltx.FileInfo) error { return nil }
func (nowhere) DeleteAll(context.Context) error                       { return nil }

// openPage makes plain what a page is on this machine's disk.
func (db *DB) openPage(number uint32, data []byte) error {
	if err := db.space.OpenPage(number, data); err != nil {
		return db.damageOf([]vfs.Damage{{Page: number, Log: true, Err: err}})
	}
	return nil
}
