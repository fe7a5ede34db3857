package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite/vfs"
)

// Snapshot writes the whole database as it is at this moment, opened, page after
// page: size bytes in all, which begin is told before the first. Until it returns
// the write-ahead log cannot be emptied, so w should not be slow.
func (db *DB) Snapshot(ctx context.Context, w io.Writer, begin func(size int64) error) error {
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	// The count is the first that is read: the transaction begins with it.
	var count int64
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_dbpage`).Scan(&count); err != nil {
		return db.named(fmt.Errorf("snapshot: %w", err))
	}
	if err := begin(count * vfs.PageSize); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT pgno, data FROM sqlite_dbpage`)
	if err != nil {
		return db.named(fmt.Errorf("snapshot: %w", err))
	}
	defer rows.Close()
	want := int64(1)
	for ; rows.Next(); want++ {
		var number int64
		var page sql.RawBytes
		if err := rows.Scan(&number, &page); err != nil {
			return db.named(fmt.Errorf("snapshot: %w", err))
		}
		if number != want || len(page) != vfs.PageSize {
			return fmt.Errorf("snapshot: page %d of %d bytes came in place of page %d", number, len(page), want)
		}
		if _, err := w.Write(page); err != nil {
			return classify(db.cfg.Dir, err)
		}
	}
	if err := rows.Err(); err != nil {
		return db.named(fmt.Errorf("snapshot: %w", err))
	}
	if want != count+1 {
		return fmt.Errorf("snapshot: %d pages came instead of %d", want-1, count)
	}
	return nil
}

// lockPage is the page of SQLite's locks, which is never written.
const lockPage = 0x40000000/vfs.PageSize + 1

// Install writes a database of size bytes, as Snapshot gave it, sealed into the
// data directory dir, which must hold none. Nothing is left of one that fails.
func Install(ctx context.Context, r io.Reader, size int64, keys secret.PageKeys, dir string) (err error) {
	final := filepath.Join(dir, "chatets.db")
	if _, err := os.Lstat(final); err == nil {
		return fault.New(fault.Conflict, "The directory to restore to holds a database already.").Code("restore-not-empty").
			Cure("Name an empty directory, or move what is there away.")
	}
	if size <= 0 || size%vfs.PageSize != 0 {
		return fmt.Errorf("a database of %d bytes: %w", size, io.ErrUnexpectedEOF)
	}
	part := final + ".restoring"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return classify(dir, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if err := errors.Join(installPages(ctx, r, size/vfs.PageSize, keys, out), out.Sync(), out.Close()); err != nil {
		return classify(dir, err)
	}
	if err := os.Rename(part, final); err != nil {
		return classify(dir, err)
	}
	return classify(dir, syncFolder(dir))
}

func installPages(ctx context.Context, r io.Reader, count int64, keys secret.PageKeys, out *os.File) error {
	seal, err := vfs.NewSealer(keys)
	if err != nil {
		return err
	}
	page := make([]byte, vfs.PageSize)
	for number := int64(1); number <= count; number++ {
		if _, err := io.ReadFull(r, page); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if number == lockPage {
			continue
		}
		sealed, err := seal.Page(uint32(number), page)
		if err != nil {
			return err
		}
		if _, err := out.WriteAt(sealed, (number-1)*vfs.PageSize); err != nil {
			return err
		}
	}
	return out.Truncate(count * vfs.PageSize)
}
