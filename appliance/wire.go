package appliance

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"chatets/appliance/backup"
	"chatets/appliance/chat"
	"chatets/appliance/directory"
	"chatets/appliance/directory/scim"
	"chatets/appliance/directory/sso"
	"chatets/appliance/encoder"
	"chatets/appliance/key"
	"chatets/appliance/library"
	"chatets/appliance/login"
	"chatets/appliance/model"
	"chatets/appliance/monitor"
	"chatets/appliance/transfer"
	"chatets/appliance/vector"
	"chatets/appliance/web"
)

// wire opens the capabilities, lowest first, and tells each what it needs of the
// others; then everything has its routes and its jobs.
func (a *Appliance) wire(ctx context.Context, assets Assets) error {
	notify := func(workspace, person, noun, id string) {
		a.web.Hub.Publish(web.Notice{Workspace: workspace, Person: person, Noun: noun, ID: id})
	}
	a.logins = login.New(login.Config{
		DB: a.db, Audit: a.audit, Accounts: a.accounts, Settings: a.settings, Keys: a.keys, Base: a.base, Log: a.log, Now: time.Now,
		Revoked: func(session string) {
			a.web.Revoked(session)
			if a.chat != nil {
				a.chat.SessionEnded(session)
			}
		},
	})
	a.dirs = directory.New(directory.Config{
		DB: a.db, Audit: a.audit, Accounts: a.accounts, Logins: a.logins, Keys: a.keys, Gate: a.gate, Jobs: a.jobs, Notify: notify, Log: a.log, Now: time.Now,
	})
	a.logins.UseVerifier(a.dirs)
	a.sso = sso.New(sso.Config{DB: a.db, Audit: a.audit, Accounts: a.accounts, Logins: a.logins, Keys: a.keys, Gate: a.gate, Notify: notify, Base: a.base, Log: a.log, Now: time.Now})
	a.logins.UseProviders(a.sso)
	a.transfer = transfer.New(transfer.Config{DB: a.db, Audit: a.audit, Accounts: a.accounts, Logins: a.logins, Notify: notify, Log: a.log})
	a.scim = scim.New(scim.Config{DB: a.db, Audit: a.audit, Accounts: a.accounts, Notify: notify, Log: a.log, Now: time.Now})
	a.models = model.New(model.Config{
		DB: a.db, Audit: a.audit, Settings: a.settings, Accounts: a.accounts, Keys: a.keys, Gate: a.gate, Folder: a.cfg.Models,
		Own: a.listeners, Instance: a.instance(), Notify: notify, Log: a.log, Now: time.Now,
	})
	a.models.Jobs(a.jobs)
	encodes, err := a.openReading(assets)
	if err != nil {
		return err
	}
	a.library = library.New(library.Config{
		DB: a.db, Audit: a.audit, Blobs: a.blobs, Settings: a.settings, Accounts: a.accounts, Keys: a.keys, Gate: a.gate, Reader: a.reader, Letters: a.reader.letters, Vectors: a.vectors, Encoder: encodes, Models: a.models, Tokens: chat.Tokens,
		Notify: notify, Log: a.log, Now: time.Now,
	})
	a.library.Jobs(a.jobs)
	a.backups = backup.New(backup.Config{
		DB: a.db, Audit: a.audit, Settings: a.settings, Keys: a.keys, Gate: a.gate, Blobs: a.blobs, Data: a.cfg.Data, Installation: a.instance(), Version: a.version,
		Skip: vector.Derived, Reopen: a.store.Reopen, Try: a.tryRestored, Prepare: a.prepareRestore, Leave: a.leave, Notify: notify, Log: a.log, Now: a.now,
	})
	a.monitor = &monitor.Monitor{Version: a.version, Jobs: a.jobs, Audit: a.audit, Log: a.log, Now: time.Now, Reporters: a.reporters(), Gauges: a.gauges(), Alarms: a.alarms(),
		Generation: func() string { return a.models.Generation(context.Background()) }}
	a.chat = &chat.Chat{
		Store: chat.Store{DB: a.db, Audit: a.audit}, Library: a.library, Models: a.models, Fresh: a.accounts.Fresh, Names: a.accounts.Names,
		Log: a.log, Now: time.Now, Notify: notify, Measure: a.monitor.Measure,
	}
	a.web.UseAuthenticator(a.logins)
	a.web.UseOperator(a.logins.Operator)
	a.notices = declareNotices(a.settings)
	a.web.UseBootstrap(a.notices.bootstrap(a.logins.Bootstrap))
	a.web.UseObserver(a.monitor.Observe)
	a.secrets = key.New(key.Config{Secrets: a.store, Store: key.Store{DB: a.db, Audit: a.audit}, Blobs: a.blobs, Columns: sealedColumns(), Erase: eraser{a.library}, Carried: a.carried, Keep: a.backups.KeepsKeys, Log: a.log, Now: a.now})
	a.routes()
	if err := a.secrets.Open(ctx); err != nil {
		return err
	}
	if err := a.dirs.Open(ctx); err != nil {
		return err
	}
	if err := a.sso.Open(ctx); err != nil {
		return err
	}
	if err := a.backups.Open(ctx); err != nil {
		return err
	}
	if err := a.models.Open(ctx); err != nil {
		return err
	}
	if err := a.library.Recover(ctx); err != nil {
		return err
	}
	if err := a.chat.Recover(ctx); err != nil {
		return err
	}
	return a.library.AddSample(ctx, SampleName, assets.Samples)
}

// openReading opens what documents are read, encoded and found with.
func (a *Appliance) openReading(assets Assets) (library.Encoder, error) {
	var err error
	if a.reader, err = newReader(a.cfg.Data, a.log); err != nil {
		return nil, err
	}
	a.vectors = vector.New(vector.Config{DB: a.db, Blobs: a.blobs, Log: a.log, Now: time.Now})
	if len(assets.Weights) == 0 {
		return nil, nil
	}
	e, err := encoder.New(assets.Weights)
	if err != nil {
		a.log.Error("the built-in encoder cannot be used: passages are found by their words alone", "error", err)
		return nil, nil
	}
	return e, nil
}

func (a *Appliance) routes() {
	api := a.web.API
	a.audit.Routes(api)
	a.settings.Routes(api)
	a.accounts.Routes(api, a.web.Hub)
	a.logins.Routes(api, a.web.Hub)
	a.dirs.Routes(api)
	a.scim.Routes(api)
	a.sso.Routes(api)
	a.transfer.Routes(api)
	a.models.Routes(api)
	a.library.Routes(api)
	a.chat.Routes(api)
	a.backups.Routes(api)
	a.monitor.Routes(api)
	a.secrets.Routes(api)
	a.notices.routes(api)
	a.ownRoutes(api)
}

// listeners are the addresses we serve ourselves.
func (a *Appliance) listeners() []string {
	if addr := a.web.Addr(); addr != "" {
		return []string{addr}
	}
	return nil
}

// reporters are the checks of /ready. The key and the schema were checked when
// the data directory was opened.
func (a *Appliance) reporters() []monitor.Reporter {
	return []monitor.Reporter{
		monitor.Report{Name: "database", Check: func(ctx context.Context) error {
			var one int
			return a.db.Read().QueryRowContext(ctx, `SELECT 1`).Scan(&one)
		}},
		monitor.Report{Name: "writing", Check: func(context.Context) error { return cmp.Or(a.db.Halted(), a.writable()) }},
	}
}

// gauges are the figures of /metrics that are read when they are asked for.
func (a *Appliance) gauges() []monitor.Gauge {
	figure := func(read func() float64) func(context.Context) (float64, error) {
		return func(context.Context) (float64, error) { return read(), nil }
	}
	return []monitor.Gauge{
		monitor.One("database_bytes", "Size of the database file.", figure(func() float64 { return float64(a.db.Stats().Bytes) })),
		monitor.One("database_checked_age_seconds", "Time since all pages of the database had been read in the background, or since the start.", figure(a.checkedAge)),
		monitor.One("database_commits", "Transactions committed since the start.", figure(func() float64 { return float64(a.db.Stats().Commits) })),
		monitor.One("database_updates", "Updates that were part of them; more than commits means that commits are shared.", figure(func() float64 { return float64(a.db.Stats().Members) })),
		monitor.One("http_connections", "Open connections.", figure(func() float64 { return float64(a.web.Stats().Connections) })),
		monitor.One("event_streams", "Open event streams.", figure(func() float64 { return float64(a.web.Stats().Streams) })),
		monitor.One("sessions", "Sessions that have not expired.", func(ctx context.Context) (float64, error) {
			n, err := a.logins.Open(ctx)
			return float64(n), err
		}),
		{Name: "documents", Help: "Documents by state.", Label: "state", Read: func(ctx context.Context) (map[string]float64, error) {
			counts, err := a.library.Counts(ctx)
			if err != nil {
				return nil, err
			}
			figures := map[string]float64{}
			for state, n := range counts {
				figures[string(state)] = float64(n)
			}
			return figures, nil
		}},
		monitor.One("malware_scanner_silent", "1 while the malware scanner that is set does not answer; documents then wait, or are read without a verdict.", figure(func() float64 {
			if a.library.Silent() {
				return 1
			}
			return 0
		})),
		{Name: "backup_lag_seconds", Help: "Age of the oldest change that a backup target has not.", Label: "target", Read: a.backups.Lags},
		{Name: "backup_files_waiting", Help: "Files that a backup target lacks.", Label: "target", Read: a.backups.Waiting},
		{Name: "backup_bytes", Help: "What a backup target holds of the database and of files.", Label: "target", Read: a.backups.Sizes},
		{Name: "backup_failing", Help: "1 while a backup target fails.", Label: "target", Read: a.backups.Trouble},
		{Name: "backup_drill_passed", Help: "1 where the last restore that was tried from a backup target succeeded, 0 where it failed.", Label: "target", Read: a.backups.DrillPassed},
		{Name: "backup_drill_age_seconds", Help: "Time since a backup target passed a drill.", Label: "target", Read: a.backups.DrillAges},
		{Name: "backup_drill_seconds", Help: "How long the last drill took that a backup target passed.", Label: "target", Read: a.backups.DrillTimes},
		monitor.One("open_pages", "Pages with an open connection for notices.", figure(func() float64 { return float64(a.web.Stats().Notices) })),
	}
}

// sealedColumns are the columns that hold sealed values; whoever adds one adds it
// here. An old key is not destroyed while a value that is not listed lies under it.
func sealedColumns() []key.Column {
	return []key.Column{
		{Table: "server", Name: "token", Purpose: "model-token"},
		{Table: "directory", Name: "secret", Purpose: "directory-password"},
		{Table: "document", Name: "password", Purpose: "document-password"},
		{Table: "sso_provider", Name: "secret", Purpose: "sso-provider"},
		{Table: "sso_session", Name: "hint", Purpose: "sso-hint"},
		{Table: "backup_target", Name: "secret", Purpose: "backup-target"},
		{Table: "totp", Name: "secret", Purpose: "totp", ID: "person"},
	}
}

func (a *Appliance) blobDir() string { return filepath.Join(a.cfg.Data, "blobs") }
