package appliance

import (
	"context"
	"errors"
	"time"

	"path/filepath"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/backup"
	"chatets/appliance/blob"
	"chatets/appliance/library"
	"chatets/appliance/login"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
)

// tryRestored opens a restored data directory beside the running one as far as
// a sign-in and a search need it, and no further: nothing of it listens, copies
// to targets or works in the background.
func (a *Appliance) tryRestored(ctx context.Context, dir string, keys *secret.Keyring) (tried backup.Tried, err error) {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: keys.Pages(), Reserve: -1, Log: a.log, Now: time.Now, Version: a.version})
	if err != nil {
		return tried, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx, migrations()...); err != nil {
		return tried, err
	}
	if tried.People, err = login.Readable(ctx, db); err != nil {
		return tried, err
	}
	record, err := audit.New(db, keys, time.Now)
	if err != nil {
		return tried, err
	}
	settings, err := setting.New(ctx, db, record, time.Now)
	if err != nil {
		return tried, err
	}
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), keys)
	if err != nil {
		return tried, err
	}
	books := library.New(library.Config{DB: db, Audit: record, Blobs: blobs, Settings: settings, Accounts: account.New(db, record), Keys: keys, Gate: a.gate, Log: a.log, Now: time.Now})
	who := actor.Actor{Kind: actor.Operator, ID: actor.SystemID}
	tried.Searched, err = books.Probe(actor.With(ctx, who), library.ReachOf(who))
	return tried, err
}
