package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite/vfs"
)

// wrongKey is a database that the keys do not open.
var wrongKey = fault.New(fault.Conflict, "The database is sealed with another key than the one that was given.").Code("key-wrong").
	Cure("Put the key (and keys.json) that was made with this data directory in its place, or restore the data directory and its key from the same backup.")

// look sees that the database file can be opened before SQLite touches it: one of
// an earlier build is sealed first, a wrong key and damage get their sentence.
func (db *DB) look(ctx context.Context) error {
	state, err := vfs.StateOf(db.path)
	if err != nil {
		return err
	}
	switch state {
	case vfs.New:
		return nil
	case vfs.Plain:
		return db.seal(ctx)
	case vfs.Foreign:
		return damaged.Because(errors.New("its first bytes are not those of a database"))
	}
	if err := db.discardPart(); err != nil {
		return err
	}
	damage, err := db.space.Fits(db.path)
	if errors.Is(err, vfs.ErrKey) {
		return wrongKey.Because(err)
	}
	if damage == nil && err == nil {
		damage, err = db.space.VerifyLog(db.path)
	}
	if damage != nil {
		return db.damageOf([]vfs.Damage{*damage})
	}
	return err
}

// olderKeys is a database with pages of a data key that is not among the keys.
var olderKeys = fault.New(fault.Conflict, "The database is sealed with a key that the key file of the data directory (keys.json) does not hold.").Code("key-older").
	Cure("Put the keys.json back that belongs to this data, the newest there was, or restore a backup of both together.")

// mostTurns is how many turns of the key an older keys.json may lack: a number far
// from the current one is rubbish.
const mostTurns = 10_000

// damageOf names the pages that do not open. One page with an unknown key is
// damage; several with the same are what an older keys.json makes of sound ones.
func (db *DB) damageOf(pages []vfs.Damage) error {
	for _, p := range pages {
		var missing vfs.NoKey
		current, _ := db.cfg.Keys.Current()
		if !errors.As(p.Err, &missing) || uint32(missing) < current || uint32(missing)-current > mostTurns {
			continue
		}
		if n, err := db.space.Under(db.path, uint32(missing)); err == nil && n > 1 {
			return olderKeys.Because(fmt.Errorf("%d pages are sealed with data key %d, which is not there", n, missing))
		}
	}
	var file, log []string
	var causes []error
	for _, p := range pages {
		name := strconv.FormatUint(uint64(p.Page), 10)
		if p.Log {
			log = append(log, name)
		} else {
			file = append(file, name)
		}
		causes = append(causes, fmt.Errorf("page %s: %w", name, p.Err))
	}
	var where []string
	if len(file) > 0 {
		where = append(where, plural(file)+" of the file")
	}
	if len(log) > 0 {
		where = append(where, plural(log)+" in its write-ahead log")
	}
	return fault.New(fault.Internal, "The database file is damaged: %s cannot be opened. It was changed outside of ChatETS, or the disk lost it.", strings.Join(where, " and ")).
		Code("database-damaged").Cure("Stop ChatETS, keep the data directory as it is, look at the disk (journalctl -k), and restore the last backup.").
		Because(errors.Join(causes...))
}

func plural(pages []string) string {
	if len(pages) == 1 {
		return "page " + pages[0]
	}
	return "pages " + strings.Join(pages[:len(pages)-1], ", ") + " and " + pages[len(pages)-1]
}

// unsealed reports whether SQLite failed because a page did not open.
func unsealed(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && (e.Code() == codes.SQLITE_IOERR_DATA || e.Code() == codes.SQLITE_NOTADB)
}

// named gives the failure of a statement its fault when a page did not open; any
// other failure is returned as it is.
func (db *DB) named(err error) error {
	if err == nil || !unsealed(err) {
		return err
	}
	pages := db.space.Damaged()
	if len(pages) == 0 {
		return damaged.Because(err)
	}
	return errors.Join(db.damageOf(pages), err)
}

// isNamed reports whether a failure has the sentence that damageOf gave it.
func isNamed(err error) bool {
	code := fault.Of(err).Code
	return code == "database-damaged" || code == "key-older"
}

// Check reads the whole database and reports damage as a fault: that every page
// opens, which names those that do not, and that what is in them fits together.
func (db *DB) Check(ctx context.Context) error {
	pages, err := db.space.Verify(ctx, db.path)
	if err != nil {
		return classify(db.cfg.Dir, fmt.Errorf("read the pages: %w", err))
	}
	if len(pages) > 0 {
		return db.damageOf(pages)
	}
	var first string
	if err := db.read.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&first); err != nil {
		return classify(db.cfg.Dir, fmt.Errorf("quick_check: %w", err))
	}
	if first != "ok" {
		return damaged.Because(errors.New(first))
	}
	return nil
}

// EmptyLog moves the write-ahead log into the database and cuts it to nothing, so
// that what was deleted is gone from it too. It waits for readers of an older
// state until ctx ends.
func (db *DB) EmptyLog(ctx context.Context) error {
	if r := db.replica.Load(); r != nil {
		// The log is the replica's, which holds it with a reader of its own.
		return classify(db.cfg.Dir, r.src.empty(ctx))
	}
	for {
		var busy, pages, moved int
		if err := db.read.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
			return classify(db.cfg.Dir, fmt.Errorf("empty the write-ahead log: %w", err))
		}
		if busy == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
