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
	"sync"
	"sync/atomic"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite/vfs"
)

// Config says where the database is and how it is used.
type Config struct {
	Dir     string           // data directory; the file is Dir/chatets.db
	Keys    secret.PageKeys  // what its pages are sealed with
	Readers int              // connections of the reader pool, 0 = 4
	Reserve int64            // bytes kept aside for a full disk, 0 = 16 MiB, negative = none
	Log     *slog.Logger     // nil discards
	Now     func() time.Time // nil = time.Now
	Version string           // version of the program, for the sentence of a newer database
}

// DB is an open database.
type DB struct {
	cfg     Config
	path    string
	space   *vfs.Space
	write   *sql.DB
	read    *sql.DB
	writer  *writer
	replica atomic.Pointer[Replica]
	closing func() error
}

// Stats are the figures of the writer since it was opened.
type Stats struct {
	Commits int64 // transactions committed
	Members int64 // updates that were part of them
	Largest int64 // most updates that shared one commit
	Waiting int64 // updates whose turn has not come
	Bytes   int64 // size of the database file
	Reserve bool  // false: the disk was full and what was kept aside is gone
}

// Open opens or makes the database of a data directory that was claimed.
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
	if cfg.Reserve == 0 {
		cfg.Reserve = reserveSize
	}
	db := &DB{cfg: cfg, path: filepath.Join(cfg.Dir, "chatets.db")}
	kept := &reserve{file: filepath.Join(cfg.Dir, "reserve"), size: cfg.Reserve, log: cfg.Log}
	kept.find()
	var err error
	if db.space, err = vfs.Enter(cfg.Dir, cfg.Keys); err != nil {
		return nil, classify(cfg.Dir, fmt.Errorf("open the database: %w", err))
	}
	conn, err := db.openWriter(ctx)
	if fault.Is(err, fault.Full) && kept.free(cfg.Now()) {
		conn, err = db.openWriter(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.space.Close())
	}
	kept.hold()
	db.read, err = db.open("", "busy_timeout(10000)", "query_only(ON)", "cache_size(-8192)", "temp_store(MEMORY)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the readers: %w", err), conn.Close(), db.write.Close(), db.space.Close())
	}
	db.read.SetMaxOpenConns(cfg.Readers)
	db.read.SetMaxIdleConns(cfg.Readers)
	db.writer = &writer{conn: conn, now: cfg.Now, reserve: kept, wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		classify: func(err error) error { return classify(cfg.Dir, err) }}
	db.closing = sync.OnceValue(func() error {
		db.writer.close()
		r := db.replica.Load()
		if r != nil {
			r.finish()
		}
		// The writer goes last: the last connection empties the write-ahead log.
		// With a replica that is the replica's, and the log stays: the next start
		// goes on in it without another whole copy.
		err := errors.Join(db.read.Close(), conn.Close(), db.write.Close())
		if r != nil {
			err = errors.Join(err, r.src.close())
		}
		return errors.Join(err, db.space.Close())
	})
	go db.writer.serve()
	return db, nil
}

// openWriter opens the one connection that writes and sees that it can.
func (db *DB) openWriter(ctx context.Context) (*sql.Conn, error) {
	failed := func(err error) error { return classify(db.cfg.Dir, fmt.Errorf("open the database: %w", err)) }
	// SQLite would make the file with the permissions of the umask.
	file, err := os.OpenFile(db.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, failed(err)
	}
	if err := file.Close(); err != nil {
		return nil, failed(err)
	}
	if err := db.look(ctx); err != nil {
		return nil, failed(err)
	}
	db.write, err = db.open("_txlock=immediate", "busy_timeout(10000)", db.checkpoints(), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
		"cache_size(-16384)", "temp_store(MEMORY)", "secure_delete(ON)", "journal_size_limit(67108864)")
	if err != nil {
		return nil, failed(err)
	}
	db.write.SetMaxOpenConns(1)
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, errors.Join(failed(err), db.write.Close())
	}
	var mode string
	err = conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
	if err == nil && mode != "wal" {
		err = unfit.Because(fmt.Errorf("the journal mode is %s", mode))
	}
	if err == nil {
		// A file that is no database is noticed only when something is read.
		_, err = conn.ExecContext(ctx, "SELECT count(*) FROM sqlite_schema")
	}
	if err != nil {
		return nil, errors.Join(failed(err), conn.Close(), db.write.Close())
	}
	return conn, nil
}

// open opens a pool.
func (db *DB) open(option string, pragmas ...string) (*sql.DB, error) {
	return open(db.dsn(option, pragmas...), db.named)
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
	return uriOf(db.path) + "?" + strings.Join(q, "&")
}

// Update runs fn in a transaction and returns once it is on the disk. The
// context given to fn cannot be cancelled; a caller whose ctx ends leaves only
// while its turn has not come. An error or panic of fn rolls back fn alone.
func (db *DB) Update(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return db.writer.update(ctx, fn)
}

// Read is the pool of connections that cannot write.
func (db *DB) Read() *sql.DB { return db.read }

// Stats reports the writer's figures.
func (db *DB) Stats() Stats {
	w := db.writer
	s := Stats{Commits: w.commits.Load(), Members: w.members.Load(), Largest: w.largest.Load(), Waiting: int64(w.waiting()), Reserve: w.reserve.held.Load()}
	if info, err := os.Stat(db.path); err == nil {
		s.Bytes = info.Size()
	}
	return s
}

// Close finishes the waiting updates and closes the files. A second Close does
// nothing.
func (db *DB) Close() error { return db.closing() }
