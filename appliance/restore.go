package appliance

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/backup"
	"chatets/appliance/blob"
	"chatets/appliance/config"
	"chatets/appliance/directory/scim"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/key"
	"chatets/appliance/login"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// RestoreOrder is a data directory to be restored where no service runs.
type RestoreOrder struct {
	Config  config.Config // Data is the place, Key the key file; Ask and Recovery open what was sealed
	From    RestoreSource
	Replace bool // the place may hold the data of another installation
	Apart   bool // it copies to no target afterwards, and so takes none over
	Version string
	Log     *slog.Logger     // nil discards
	Now     func() time.Time // nil = time.Now
	Told    backup.Told      // nil = nobody
}

// RestoreSource opens where the data comes from: FromTarget or FromArchive.
type RestoreSource func(gate *egress.Gate) backup.Source

// RestoreOutcome is what a restore ended with.
type RestoreOutcome struct {
	backup.Restored
	Dir     string    // where the data is
	Aside   string    // where the data lies that was there before, "" = there was none
	Changed time.Time // when that was last changed
	Key     string    // the key file that opens it from now on, "" = it opens in another way
	KeyMade bool      // it was made for that
	Erased  int       // erasures and deactivations that were done again
}

// Lost is how much was written after the restored point, as far as it is known.
func (r RestoreOutcome) Lost() time.Duration {
	last := r.Newest
	if r.Changed.After(last) {
		last = r.Changed
	}
	return max(last.Sub(r.Point), 0)
}

// Restore puts restored data in the place of what is there.
//
//  1. A directory grows beside the place. Its keys are opened; a new way to them is
//     made by the rule of a first start.
//  2. The database is written, read to its end, and brought to this version.
//  3. In it all sessions and tokens end, and what was erased since is erased again.
//  4. The two directories change places; the old one is put aside.
//
// A failure, or a stop at any moment, leaves the place as it was.
func Restore(ctx context.Context, o RestoreOrder) (out RestoreOutcome, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Told == nil {
		o.Told = func(string, int64, int64) {}
	}
	begun := o.Now()
	gate, err := egress.New(egress.Config{Log: o.Log, Now: o.Now})
	if err != nil {
		return out, err
	}
	stage, err := backup.Stage(o.Config.Data, false, o.Now())
	if err != nil {
		return out, err
	}
	stage.Told = func(step string) { o.Told(step, 0, 0) }
	out.Dir, out.Changed = stage.Dir, lastChange(stage.Dir)
	r := restoring{o: o, gate: gate, out: &out, place: stage.Dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, stage.Drop(), r.dropKey())
		}
	}()
	source := o.From(gate)
	restored, keys, err := source.Fill(ctx, stage.New, r.unlock, o.Told)
	if err != nil {
		return out, err
	}
	out.Restored = restored
	o.Told(backup.StepFinish, 0, 1)
	if out.Erased, err = finishRestore(ctx, finishing{dir: stage.New, keys: keys, from: source, of: restored, apart: o.Apart, version: o.Version, log: o.Log, now: o.Now}); err != nil {
		return out, err
	}
	o.Told(backup.StepFinish, 1, 1)
	if err := ctx.Err(); err != nil {
		return out, err
	}
	out.Aside, err = stage.Switch(o.Now())
	out.Took = o.Now().Sub(begun)
	return out, err
}

// lastChange is when something was last written to the log of a directory's
// database; zero where that cannot be told.
func lastChange(dir string) (at time.Time) {
	if info, err := os.Stat(filepath.Join(dir, "chatets.db-wal")); err == nil && info.Size() > 0 {
		return info.ModTime().UTC()
	}
	return at
}

// restoring is a restore as far as its keys are concerned.
type restoring struct {
	o     RestoreOrder
	gate  *egress.Gate
	out   *RestoreOutcome
	place string
}

// unlock opens what was sealed and sees that a service can open it too.
func (r *restoring) unlock(ctx context.Context, dir string) (*secret.Keyring, error) {
	there, now := secret.InstallationOf(r.place), secret.InstallationOf(dir)
	if there != "" && now != "" && there != now && !r.o.Replace {
		return nil, fault.New(fault.Conflict, "What is to be restored is of another installation (%s) than the data in %s (%s).", now, r.place, there).Code("target-foreign").
			Cure("Check the address; if it is to take the place of that data, which is put aside and not deleted, say --replace.")
	}
	c := r.o.Config
	s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: c.Key, Credentials: c.Credentials, Gate: r.gate, Now: r.o.Now, Ask: c.Ask, Recovery: c.Recovery})
	if err != nil {
		return nil, closedKeys(err)
	}
	if c.Recovery != "" {
		if err := r.addWay(ctx, s); err != nil {
			return nil, err
		}
	}
	return s.Ring(), nil
}

// closedKeys says what to do where nothing opened what is to be restored.
func closedKeys(err error) error {
	f := fault.Of(err)
	switch f.Code {
	case "recovery-wrong":
		if f.Kind == fault.Invalid {
			return err
		}
		return fault.New(fault.Forbidden, "This recovery key does not open the backup.").Code(f.Code).
			Cure("A new recovery key revokes the one before: take the one that was made last.").Because(err)
	case "recovery-none":
		return fault.New(fault.Conflict, "The backup has no recovery key.").Code(f.Code).
			Cure("Put the key file of the installation back, and restore without --recovery-key-stdin.").Because(err)
	case "key-missing", "key-wrong", "key-closed", "key-unasked", "key-unreadable":
		return fault.New(f.Kind, "Nothing here opens the backup. %s", f.Sentence).Code(f.Code).
			Cure("Run the command again with --recovery-key-stdin and type the recovery key from its paper, or put the key file back at the place that --key names.").Because(err)
	}
	return err
}

// addWay makes a way to the keys by the rule of a first start: a systemd credential
// where the unit has one, else a key file. One that is there is used: what it
// opened before is put aside, and opens with it as it did.
func (r *restoring) addWay(ctx context.Context, s *secret.Store) error {
	c := r.o.Config
	if c.Credentials != "" {
		_, err := s.AddSlot(ctx, secret.NewSlot{Kind: secret.CredentialKind})
		if err == nil || fault.Of(err).Code == "slot-there" {
			return nil
		}
		if fault.Of(err).Code != "key-missing" {
			return err
		}
	}
	r.out.Key = c.Key
	if _, err := os.Lstat(c.Key); errors.Is(err, os.ErrNotExist) {
		r.out.KeyMade = true
	}
	if gid, must := groupOf(r.place); must {
		if _, err := secret.MakeFile(c.Key, gid); err != nil {
			return err
		}
	}
	slot, err := s.AddSlot(ctx, secret.NewSlot{Kind: secret.FileKind, File: c.Key})
	if err != nil && fault.Of(err).Code != "slot-there" {
		return err
	}
	if err != nil {
		return nil
	}
	// The file that lay there on the machine that is gone is not coming back.
	for _, other := range s.Status().Slots {
		if other.Kind == secret.FileKind && other.Where == c.Key && other.ID != slot.ID {
			if _, err := s.RemoveSlot(other.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropKey takes the key file away that a restore made which failed.
func (r *restoring) dropKey() error {
	if !r.out.KeyMade {
		return nil
	}
	if err := os.Remove(r.out.Key); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// groupOf is the group that a key file made by root is for: that of the service,
// whose directory it is.
func groupOf(dir string) (gid int, must bool) {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return 0, false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return 0, false
	}
	return int(owner.Gid), true
}

// finishing is a restored directory before its first start.
type finishing struct {
	dir     string
	keys    *secret.Keyring
	from    backup.Source
	of      backup.Restored
	apart   bool
	version string
	log     *slog.Logger
	now     func() time.Time
}

// finishRestore brings the database to this version, ends all access, and does
// again what was erased since.
func finishRestore(ctx context.Context, f finishing) (erased int, err error) {
	list, err := f.from.Erased(ctx, f.keys, f.of.Point)
	if err != nil {
		return 0, err
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: f.dir, Keys: f.keys.Pages(), Reserve: -1, Log: f.log, Now: f.now, Version: f.version})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx, migrations()...); err != nil {
		return 0, err
	}
	record, err := audit.New(db, f.keys, f.now)
	if err != nil {
		return 0, err
	}
	if actor.From(ctx).ID == "" {
		ctx = actor.With(ctx, actor.Actor{Kind: actor.Operator, ID: actor.SystemID})
	}
	shreds := key.Store{DB: db, Audit: record}
	err = db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		ends := []func(context.Context, *sqlite.Tx) error{login.EndAccess, scim.EndAccess}
		if f.apart {
			ends = append(ends, backup.ForgetTargets)
		}
		for _, end := range ends {
			if err := end(ctx, tx); err != nil {
				return err
			}
		}
		for _, e := range list {
			var err error
			switch e.Act {
			case backup.ActShred:
				err = shreds.ShredAgain(ctx, tx, e.Kind, e.Subject, eraser{}.Scopes)
			case backup.ActDisable, backup.ActEnable:
				err = account.SetDisabled(ctx, tx, e.Subject, e.Act == backup.ActDisable)
			}
			if err != nil {
				return err
			}
		}
		return record.Record(ctx, tx, audit.Entry{Act: "backup.restore", ObjectKind: "installation", Object: f.of.Installation,
			Detail: map[string]any{"point": f.of.Point.UnixMilli(), "line": f.of.Line, "transaction": f.of.Transaction, "erased": len(list)}})
	})
	return len(list), err
}

// Access is a target and what it takes to reach it; DamagedFile is a file that a
// target did not give back whole; Point is a state that it can give back.
type (
	Access      = backup.Access
	DamagedFile = blob.Damage
	Point       = backup.Point
)

// PointsAt lists what can be restored from a target that no service copies to.
func PointsAt(ctx context.Context, a Access, from, to time.Time, step string, limit int) (list []Point, more bool, err error) {
	stretch, err := backup.ParseStep(step)
	if err != nil {
		return nil, false, err
	}
	gate, err := egress.New(egress.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		return nil, false, err
	}
	return backup.PointsAt(ctx, a, gate, backup.PointQuery{From: from, To: to, Step: stretch, Limit: limit})
}

// FromTarget restores from a backup target: the zero time is the newest state.
func FromTarget(a Access, at time.Time, all bool) RestoreSource {
	return func(gate *egress.Gate) backup.Source {
		return backup.FromTarget{Access: a, Gate: gate, At: at, All: all, Now: time.Now}
	}
}

// HostKey asks an SFTP server for its key, where no service can.
func HostKey(ctx context.Context, url string) (line, fingerprint string, err error) {
	gate, err := egress.New(egress.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		return "", "", err
	}
	return backup.AskHostKey(ctx, gate, url)
}
