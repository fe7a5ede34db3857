// Package appliance is the whole house in start order: New opens every room,
// Run serves until its context ends, Close gives everything back.
//
// What a newcomer gets wrong: this is the only package that knows all others. A
// room that seems to need another one of its own floor or above gets it here, as
// a function or a small interface.
package appliance

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/backup"
	"chatets/appliance/blob"
	"chatets/appliance/chat"
	"chatets/appliance/config"
	"chatets/appliance/directory"
	"chatets/appliance/directory/scim"
	"chatets/appliance/directory/sso"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/key"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
	"chatets/appliance/login"
	"chatets/appliance/model"
	"chatets/appliance/monitor"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/transfer"
	"chatets/appliance/vector"
	"chatets/appliance/web"
)

// Assets are the files that are compiled into the binary.
type Assets struct {
	UI      fs.FS  // the built pages
	Samples fs.FS  // documents of the sample knowledge base
	Weights []byte // of the built-in encoder; nil = passages are found by their words alone
}

// SampleName is the name of the knowledge base that every installation begins with.
const SampleName = "Getting to know ChatETS"

// Appliance is an opened data directory with everything that works on it.
type Appliance struct {
	cfg     config.Config
	log     *slog.Logger
	version string
	now     func() time.Time // of what waits for days: keys and backups
	known   *secret.Store    // of the run before, where this one goes on with restored data
	next    chan *backup.Ready

	lock     *sqlite.Lock
	store    *secret.Store
	keys     *secret.Keyring
	db       *sqlite.DB
	blobs    *blob.Store
	jobs     *job.Queue
	audit    *audit.Log
	settings *setting.Settings
	gate     *egress.Gate
	accounts *account.Accounts
	logins   *login.Logins
	dirs     *directory.Directories
	scim     *scim.Service
	sso      *sso.Providers
	transfer *transfer.Transfers
	models   *model.Models
	library  *library.Library
	vectors  *vector.Store
	reader   *reader
	chat     *chat.Chat
	backups  *backup.Backups
	monitor  *monitor.Monitor
	secrets  *key.Keys
	web      *web.Server
	notices  noticeSettings

	started time.Time
	watch   watch
}

// New opens the data directory of cfg, making it and its key on first use. Only
// one process can have a data directory open.
func New(ctx context.Context, cfg config.Config, assets Assets, log *slog.Logger, version string) (*Appliance, error) {
	return newAt(ctx, cfg, assets, log, version, time.Now, nil)
}

func newAt(ctx context.Context, cfg config.Config, assets Assets, log *slog.Logger, version string, now func() time.Time, known *secret.Store) (*Appliance, error) {
	a := &Appliance{cfg: cfg, log: log, version: version, now: now, known: known, next: make(chan *backup.Ready, 1), started: time.Now()}
	if err := a.open(ctx, assets); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// migrations lists the folders of the one sequence.
func migrations() []fs.FS {
	return []fs.FS{audit.Migrations, setting.Migrations, job.Migrations, account.Migrations, login.Migrations, directory.Migrations, scim.Migrations, sso.Migrations,
		model.Migrations, lexical.Migrations, vector.Migrations, library.Migrations, chat.Migrations, key.Migrations, blob.Migrations, backup.Migrations}
}

func (a *Appliance) open(ctx context.Context, assets Assets) (err error) {
	if a.cfg.Listen != "" {
		if err := web.CheckListen(a.cfg.Listen); err != nil {
			return err
		}
	}
	if err := backup.Settle(a.cfg.Data); err != nil {
		return err
	}
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return fault.New(fault.Unavailable, "The data directory %s cannot be made.", a.cfg.Data).
			Cure("Make it and give it to the service's user, or name another with --data.").Because(err)
	}
	if a.lock, err = sqlite.Claim(a.cfg.Data); err != nil {
		return err
	}
	if a.gate, err = egress.New(egress.Config{Log: a.log, Now: time.Now}); err != nil {
		return err
	}
	// The gate comes first: a key may lie with a server.
	a.store, err = secret.OpenStore(ctx, secret.Config{Dir: a.cfg.Data, File: a.cfg.Key, Credentials: a.cfg.Credentials, Gate: a.gate,
		Now: time.Now, Ask: a.cfg.Ask, Recovery: a.cfg.Recovery, Known: a.known})
	if err != nil {
		return err
	}
	a.keys = a.store.Ring()
	if a.store.Created() {
		a.log.Info("made a new master key; keep a copy of it apart from the data", "file", a.cfg.Key)
	}
	if a.db, err = sqlite.Open(ctx, sqlite.Config{Dir: a.cfg.Data, Keys: a.keys.Pages(), Log: a.log, Now: time.Now, Version: a.version}); err != nil {
		return err
	}
	if err := a.db.Migrate(ctx, migrations()...); err != nil {
		return err
	}
	if a.blobs, err = blob.Open(a.blobDir(), a.keys); err != nil {
		return err
	}
	if err := a.openSpine(ctx, assets); err != nil {
		return err
	}
	if err := a.startClock(ctx); err != nil {
		return err
	}
	return a.wire(ctx, assets)
}

// openSpine opens what all capabilities stand on.
func (a *Appliance) openSpine(ctx context.Context, assets Assets) (err error) {
	a.jobs = &job.Queue{DB: a.db, Log: a.log, Now: time.Now}
	if a.audit, err = audit.New(a.db, a.keys, time.Now); err != nil {
		return err
	}
	if a.settings, err = setting.New(ctx, a.db, a.audit, time.Now); err != nil {
		return err
	}
	a.accounts = account.New(a.db, a.audit)
	if err := a.accounts.EnsureFirst(ctx); err != nil {
		return err
	}
	a.web = web.New(web.Config{
		Listen: a.cfg.Listen, Socket: a.cfg.Socket, BaseURL: a.cfg.BaseURL, TrustedProxies: a.cfg.TrustedProxies,
		UI: assets.UI, Version: a.version, Log: a.log, Now: time.Now, CSRFKey: a.keys.Sub("csrf"), Instance: a.instance(),
	})
	return nil
}

// Run serves the pages, the API and the socket until ctx ends.
func (a *Appliance) Run(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return a.vectors.Run(ctx) })
	work.Go(func() error { return a.library.Run(ctx) })
	work.Go(func() error { return a.jobs.Run(ctx) })
	work.Go(func() error { return a.dirs.Run(ctx) })
	work.Go(func() error { return a.models.Run(ctx) })
	work.Go(func() error { return a.chat.Run(ctx) })
	work.Go(func() error { return a.secrets.Run(ctx) })
	work.Go(func() error { return a.backups.Run(ctx) })
	work.Go(func() error { return a.monitor.Run(ctx) })
	work.Go(func() error { return a.checkPages(ctx) })
	work.Go(func() error { return a.web.Run(ctx) })
	work.Go(func() error { return a.awaitLeave(ctx) })
	return work.Wait()
}

// instance is by what the installation knows its own requests again.
func (a *Appliance) instance() string { return hex.EncodeToString(a.keys.Sub("instance")[:8]) }

// Ready is closed once requests are answered.
func (a *Appliance) Ready() <-chan struct{} { return a.web.Ready() }

// Addr is the TCP address, "" before Ready and in offline mode.
func (a *Appliance) Addr() string { return a.web.Addr() }

// SetupLink is the one-time link that makes the first administrator; "" when
// there is an owner already.
func (a *Appliance) SetupLink() string {
	link, err := a.setupLink(context.Background())
	if err != nil {
		a.log.Error("the set-up link cannot be made", "error", err)
	}
	return link
}

func (a *Appliance) setupLink(ctx context.Context) (string, error) {
	token, needed, err := a.logins.SetupToken(ctx)
	if err != nil || !needed {
		return "", err
	}
	return a.base() + "/setup#" + token, nil
}

// base is the address of this server as links name it.
func (a *Appliance) base() string {
	if a.cfg.BaseURL != "" {
		return a.cfg.BaseURL
	}
	if a.Addr() == "" { // a command with the service stopped
		return ""
	}
	return "http://" + a.Addr()
}

// OpenAPI is the description of the HTTP API, OpenAPI 3.1 as JSON.
func (a *Appliance) OpenAPI() ([]byte, error) { return a.web.OpenAPI() }

// Close gives everything back, the last opened first; after a failed New too.
func (a *Appliance) Close() error {
	var errs []error
	if a.reader != nil {
		a.reader.fence.Close()
	}
	if a.vectors != nil {
		errs = append(errs, a.vectors.Close())
	}
	if a.backups != nil {
		a.backups.Close()
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the data directory: %w", err)
	}
	return nil
}
