package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite/vfs"
)

// part is where the sealed form of a plain database grows.
func (db *DB) part() string { return db.path + ".sealing" }

// beside are the files SQLite keeps with a database.
var beside = [...]string{"-wal", "-shm", "-journal"}

// discardPart removes what an interrupted sealing left.
func (db *DB) discardPart() error {
	for _, end := range append([]string{""}, beside[:]...) {
		if err := os.Remove(db.part() + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// seal turns the plain database of an earlier build into a sealed one, once. A
// process that dies at any moment of it leaves one whole database:
//
//  1. What an attempt before left is removed.
//  2. The plain database takes in its log and is checked.
//  3. A sealed copy is made beside it, checked, compared, and brought to the disk.
//  4. The plain one's log, empty by now, is removed.
//  5. The copy takes the name.
//  6. The blocks of the plain one are written over.
func (db *DB) seal(ctx context.Context) error {
	begun := db.cfg.Now()
	if err := db.discardPart(); err != nil {
		return err
	}
	size := sizeOf(db.path) + sizeOf(db.path+"-wal")
	if free := space(db.cfg.Dir); free < size+size/8 {
		return fault.New(fault.Full, "The database is not encrypted yet, and encrypting it needs %d MB of free space; the disk has %d MB.", (size+size/8)>>20+1, free>>20).
			Cure("Free space on the disk of the data directory and start again; the database is as it was.")
	}
	db.cfg.Log.Info("the database is being encrypted, once", "bytes", size)
	err := db.sealCopy(ctx, size)
	if err != nil {
		return errors.Join(err, db.discardPart())
	}
	for _, end := range beside {
		if err := os.Remove(db.path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, db.discardPart())
		}
	}
	old, err := os.OpenFile(db.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer old.Close()
	// Replication cannot go on from the pages of another file: it begins anew.
	if err := os.RemoveAll(filepath.Join(replicaDir(db.cfg.Dir), "log")); err != nil {
		return errors.Join(err, db.discardPart())
	}
	if err := os.Rename(db.part(), db.path); err != nil {
		return errors.Join(err, db.discardPart())
	}
	if err := syncFolder(db.cfg.Dir); err != nil {
		return err
	}
	// The sealed database is in place; what follows only makes the plain one harder
	// to find on the disk, and fails nobody's start.
	if err := overwrite(old); err != nil {
		db.cfg.Log.Warn("the blocks of the database that was not encrypted could not be written over", "error", err)
	}
	db.cfg.Log.Info("the database is encrypted", "bytes", sizeOf(db.path), "took", db.cfg.Now().Sub(begun))
	return nil
}

// sealCopy makes the copy and compares it with the plain database.
func (db *DB) sealCopy(ctx context.Context, size int64) (err error) {
	plain, err := sql.Open("sqlite", uriOf(db.path)+"?vfs=unix&_pragma=busy_timeout(10000)&_pragma=temp_store(MEMORY)&_pragma=secure_delete(ON)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	plain.SetMaxOpenConns(1)
	var busy, pages, moved int
	if err := plain.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved); err != nil {
		return fmt.Errorf("take in the log of the plain database: %w", err)
	}
	if busy != 0 {
		return held
	}
	if err := sound(ctx, plain); err != nil {
		return err
	}
	stop := db.watchPart(size)
	_, err = plain.ExecContext(ctx, `VACUUM INTO ?`, uriOf(db.part())+"?vfs="+vfs.Name)
	stop()
	if err != nil {
		return fmt.Errorf("copy the plain database: %w", err)
	}
	if err := os.Chmod(db.part(), 0o600); err != nil {
		return err
	}
	if err := db.compare(ctx, plain); err != nil {
		return err
	}
	f, err := os.OpenFile(db.part(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncFolder(db.cfg.Dir))
}

// watchPart says in the log how far the copy is, until its result is called.
func (db *DB) watchPart(size int64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				db.cfg.Log.Info("the database is being encrypted", "bytes", sizeOf(db.part()), "of", size)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// compare opens the sealed copy as every later start does and wants in it what is
// in the plain database: the schema, and each table's rows.
func (db *DB) compare(ctx context.Context, plain *sql.DB) (err error) {
	copied, err := sql.Open("sqlite", uriOf(db.part())+"?_pragma=temp_store(MEMORY)&_pragma=query_only(ON)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	copied.SetMaxOpenConns(1)
	if err := sound(ctx, copied); err != nil {
		return fmt.Errorf("the encrypted copy: %w", err)
	}
	want, err := contents(ctx, plain)
	if err != nil {
		return err
	}
	got, err := contents(ctx, copied)
	if err != nil {
		return err
	}
	if got != want {
		return fault.New(fault.Internal, "The database could not be encrypted: its copy differs from it.").Code("sealing-failed").
			Cure("Start again; the database is as it was. If it happens twice, restore the last backup.").Because(fmt.Errorf("plain %s, copy %s", want, got))
	}
	return nil
}

// sound checks a database from the inside.
func sound(ctx context.Context, pool *sql.DB) error {
	var first string
	if err := pool.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&first); err != nil {
		return fmt.Errorf("integrity_check: %w", err)
	}
	if first != "ok" {
		return damaged.Because(errors.New(first))
	}
	return nil
}

// contents sums up a database: its schema, its version, and the rows and row
// numbers of each table.
func contents(ctx context.Context, pool *sql.DB) (string, error) {
	var all string
	if err := pool.QueryRowContext(ctx, `SELECT coalesce(group_concat(type || name || tbl_name || coalesce(sql, ''), ';' ORDER BY type, name), '') FROM sqlite_schema`).Scan(&all); err != nil {
		return "", fmt.Errorf("read the schema: %w", err)
	}
	var version int
	if err := pool.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return "", err
	}
	all = fmt.Sprintf("%s version %d", all, version)
	rows, err := pool.QueryContext(ctx, `SELECT name, sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	type table struct {
		name  string
		keyed bool
	}
	var tables []table
	for rows.Next() {
		var t table
		if err := rows.Scan(&t.name, &t.keyed); err != nil {
			return "", err
		}
		tables = append(tables, t)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return "", err
	}
	for _, t := range tables {
		ids := "rowid"
		if t.keyed {
			ids = "1"
		}
		var count int64
		var sum float64
		quoted := `"` + t.name + `"` // names of our own schema
		if err := pool.QueryRowContext(ctx, `SELECT count(*), total(`+ids+`) FROM `+quoted).Scan(&count, &sum); err != nil {
			return "", fmt.Errorf("count the rows of %s: %w", t.name, err)
		}
		all += fmt.Sprintf("; %s %d %g", t.name, count, sum)
	}
	return all, nil
}

func uriOf(name string) string { return "file:" + (&url.URL{Path: name}).EscapedPath() }

func sizeOf(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// overwrite writes zeros over a file that has no name any more.
func overwrite(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for off := int64(0); off < info.Size(); off += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), info.Size()-off)], off); err != nil {
			return err
		}
	}
	return f.Sync()
}
