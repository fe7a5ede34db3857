package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"chatets/appliance/fault"
)

// Config says where the database is and how it is used.
type Config struct {
	Dir     string           // data directory; the file is Dir/chatets.db
	Readers int              // connections of the reader pool, 0 = 4
	Log     *slog.Logger     // nil discards
	Now     func() time.Time // nil = time.Now
	Version string           // version of the program, for the sentence of a newer database
}

// DB is an open database.
type DB struct {
	cfg    Config
	path   string
	write  *sql.DB
	read   *sql.DB
	writer *writer
}

// Stats are the figures of the writer since it was opened.
type Stats struct {
	Commits int64 // transactions committed
	Members int64 // updates that were part of them
	Largest int64 // most updates that shared one commit
	Bytes   int64 // size of the database file
}

// Open opens or makes the database of a data directory that is locked by Lock.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Readers == 0 {
		cfg.Readers = 4
	}
	db := &DB{cfg: cfg, path: filepath.Join(cfg.Dir, "chatets.db")}
	// SQLite would create the file with the umask's permissions.
	file, err := os.OpenFile(db.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, classify(fmt.Errorf("open the database: %w", err))
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.write, err = sql.Open("sqlite", db.dsn("_txlock=immediate",
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "cache_size(-16384)", "temp_store(MEMORY)", "secure_delete(ON)"))
	if err != nil {
		return nil, fmt.Errorf("open the writer: %w", err)
	}
	db.write.SetMaxOpenConns(1)
	conn, err := db.write.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "SELECT count(*) FROM sqlite_schema")
	}
	if err != nil {
		_ = db.write.Close()
		return nil, classify(fmt.Errorf("open the database: %w", err))
	}
	db.read, err = sql.Open("sqlite", db.dsn("", "busy_timeout(10000)", "query_only(ON)", "foreign_keys(ON)", "cache_size(-8192)", "temp_store(MEMORY)"))
	if err != nil {
		_ = db.write.Close()
		return nil, fmt.Errorf("open the readers: %w", err)
	}
	db.read.SetMaxOpenConns(cfg.Readers)
	db.read.SetMaxIdleConns(cfg.Readers)
	db.writer = newWriter(conn, cfg.Now)
	return db, nil
}

// dsn puts busy_timeout first, so that the pragmas after it wait for a lock too.
func (db *DB) dsn(option string, pragmas ...string) string {
	q := make([]string, 0, len(pragmas)+1)
	for _, p := range pragmas {
		q = append(q, "_pragma="+url.QueryEscape(p))
	}
	if option != "" {
		q = append(q, option)
	}
	return "file:" + (&url.URL{Path: db.path}).EscapedPath() + "?" + strings.Join(q, "&")
}

// Update runs fn in a transaction and returns once it is on the disk. The
// context given to fn cannot be cancelled; a caller whose ctx ends leaves only
// while its turn has not come. An error or panic of fn rolls back fn alone.
func (db *DB) Update(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return db.writer.update(ctx, fn)
}

// Read is the pool of connections that cannot write.
func (db *DB) Read() *sql.DB { return db.read }

// Check reads the whole database and reports damage as a fault.
func (db *DB) Check(ctx context.Context) error {
	var first string
	if err := db.read.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&first); err != nil {
		return classify(fmt.Errorf("quick_check: %w", err))
	}
	if first != "ok" {
		return damaged.Because(errors.New(first))
	}
	return nil
}

// Stats reports the writer's figures.
func (db *DB) Stats() Stats {
	s := Stats{Commits: db.writer.commits.Load(), Members: db.writer.members.Load(), Largest: db.writer.largest.Load()}
	if info, err := os.Stat(db.path); err == nil {
		s.Bytes = info.Size()
	}
	return s
}

// Waiting counts the updates whose turn has not come.
func (db *DB) Waiting() int { return db.writer.waiting() }

// Close finishes the waiting updates and closes the files.
func (db *DB) Close() error {
	db.writer.close()
	return errors.Join(db.read.Close(), db.writer.conn.Close(), db.write.Close())
}

var (
	damaged = fault.New(fault.Internal, "The database file is damaged.").Code("database-damaged").
		Cure("Stop ChatETS, keep the data directory as it is, and restore the last backup.")
	full = fault.New(fault.Full, "The disk of the data directory is full; nothing was saved.").
		Cure("Free space on it; reading goes on meanwhile.")
)

// classify names the failures of the machine that a person can mend.
func classify(err error) error {
	var e *driver.Error
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return full.Because(err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		return fault.New(fault.Unavailable, "The data directory cannot be written.").
			Cure("Check who owns it and that its file system is not mounted read-only.").Because(err)
	case !errors.As(err, &e):
		return err
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_FULL:
		return full.Because(err)
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return damaged.Because(err)
	case codes.SQLITE_READONLY, codes.SQLITE_CANTOPEN, codes.SQLITE_PERM:
		return fault.New(fault.Unavailable, "The data directory cannot be written.").
			Cure("Check who owns it and that its file system is not mounted read-only.").Because(err)
	}
	return err
}
