package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/fault"
)

// restoreFlags are the flags of a restore, and of whoever looks what can be restored.
type restoreFlags struct {
	from, at, ca, fingerprint string
	set                       string
	secret, all, replace      bool
	apart                     bool
}

func newRestore(o *options) *cobra.Command {
	var r restoreFlags
	var to string
	cmd := &cobra.Command{
		Use:   "restore --from TARGET|FILE",
		Short: "Restore the data from a backup target or an archive, with the service stopped",
		Long: `Restore the data from a backup target, or from a portable archive, which is read and verified
to its end first, with the service stopped. The restored directory grows
beside the data directory, is verified and brought to this version, and then takes its place
in one step; what was there before is put aside under another name and never changed. If
anything fails, the data is as it was.

The database comes first: as soon as it is in place the service can start, and it fetches the
files by itself, those that somebody opens at once. With --all the command waits for them.

Afterwards everybody has to sign in again, and whatever was erased, and whoever was locked out,
after the restored point is so again. The recovery key alone opens a backup on a new machine;
a new key file is made for the service, and the command says where.`,
		Example: `  chatets restore --from file:///mnt/backup/chatets --recovery-key-stdin
  chatets restore --from file:///mnt/backup/chatets --at "2026-03-01 12:00" --to /srv/chatets
  chatets restore --from "s3://backup/chatets?endpoint=https://s3.clinic.example" --secret-stdin
  chatets restore --from sftp://chatets@box.clinic.example/backup --host-key SHA256:… --secret-stdin <id_ed25519
  chatets restore --from /mnt/usb/chatets.chatets --recovery-key-stdin`,
		Args: exactly(0, "no argument; use --from"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			if to != "" {
				if err := restoreTo(cmd, &cfg, to); err != nil {
					return err
				}
			}
			return o.restore(cmd.Context(), cfg, r)
		},
	}
	r.addTarget(cmd)
	f := cmd.Flags()
	f.StringVar(&r.at, "at", "latest", "`time` to restore, for example \"2026-03-01 12:00:05\" (of this machine) or 2026-03-01T12:00:05Z, or latest")
	f.StringVar(&to, "to", "", "`directory` to restore to (default the data directory)")
	f.StringVar(&r.set, "set", "", "`id` of a set in the target, or latest, in place of what is copied continuously")
	f.BoolVar(&r.all, "all", false, "wait until all files are there")
	f.BoolVar(&r.replace, "replace", false, "the data that is there may be of another installation; it is put aside")
	f.BoolVar(&r.apart, "no-targets", false, "forget the backup targets: to look at a point while the service goes on copying to them")
	f.BoolVar(&o.recoveryStdin, "recovery-key-stdin", false, "open the backup with the recovery key, read from the terminal or the first line of standard input")
	return cmd
}

// addTarget declares the flags that say where from.
func (r *restoreFlags) addTarget(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.from, "from", "", "the `target`, or the file of an archive: file:///path, s3://bucket/folder?endpoint=https://host&region=…, sftp://user@host:port/folder")
	f.StringVar(&r.ca, "ca", "", "`file` with the certificate of an S3 server's authority, PEM")
	f.StringVar(&r.fingerprint, "host-key", "", "`fingerprint` of an SFTP server's key, SHA256:…, as its administrator says it")
	f.BoolVar(&r.secret, "secret-stdin", false, "read the target's key or password from standard input, behind the recovery key or passphrase where one is read too")
}

// restoreTo names another place for the data; the key stays where it is configured,
// and by default lies beside the data.
func restoreTo(cmd *cobra.Command, cfg *config.Config, to string) error {
	dir, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	if cfg.Origin("key") == "default" {
		cfg.Key = dir + ".key"
	}
	cfg.Data = dir
	return nil
}

func (o *options) restore(ctx context.Context, cfg config.Config, r restoreFlags) (err error) {
	at, err := restoreTime(r.at)
	if err != nil {
		return err
	}
	if r.from == "" {
		return wrongUse("chatets restore --help", "chatets restore needs --from")
	}
	if err := o.unlocking(ctx, &cfg); err != nil {
		return err
	}
	from, err := o.restoreFrom(ctx, r, at)
	if err != nil {
		return err
	}
	bar := o.bar("Restoring")
	defer bar.end()
	got, err := appliance.Restore(ctx, appliance.RestoreOrder{Config: cfg, From: from, Replace: r.replace, Apart: r.apart, Version: version,
		Log: o.quietLog(cfg), Told: func(step string, done, total int64) { bar.show(step, done, total) }})
	bar.end()
	if ctx.Err() != nil && err != nil {
		return fault.New(fault.Cancelled, "Stopped; the data in %s is as it was.", cfg.Data).Because(err)
	}
	if err != nil {
		return err
	}
	return o.sayRestored(cfg, got, at, appliance.ArchiveThere(r.from))
}

// restoreFrom is where the data comes from: an archive where there is such a file,
// else a target.
func (o *options) restoreFrom(ctx context.Context, r restoreFlags, at time.Time) (appliance.RestoreSource, error) {
	if appliance.ArchiveThere(r.from) {
		if !at.IsZero() {
			return nil, wrongUse("leave --at out", "an archive holds one moment alone")
		}
		return appliance.FromArchive(r.from), nil
	}
	access, err := o.access(ctx, r)
	if r.set != "" {
		if !at.IsZero() {
			return nil, wrongUse("leave --at out", "a set holds one moment alone")
		}
		return appliance.FromSet(access, r.set), err
	}
	return appliance.FromTarget(access, at, r.all), err
}

// restoreTime reads --at; the zero time is the newest state.
func restoreTime(text string) (time.Time, error) {
	if text == "" || text == "latest" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, form := range []string{"2006-01-02 15:04:05.999", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongUse(`write it as "2026-03-01 12:00:05", as 2026-03-01T12:00:05Z, or latest`, "%q is no time", text)
}

// access is what it takes to reach the target: its secret is read as when it was
// added, and is asked for at a terminal.
func (o *options) access(ctx context.Context, r restoreFlags) (appliance.Access, error) {
	a := appliance.Access{URL: r.from}
	if !slices.ContainsFunc([]string{"file:", "s3:", "sftp:"}, func(scheme string) bool { return strings.HasPrefix(r.from, scheme) }) {
		abs, err := filepath.Abs(r.from)
		if err != nil {
			return a, err
		}
		info, err := os.Stat(abs)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return a, fault.New(fault.NotFound, "There is nothing at %s.", r.from).Cure("A target begins with file:, s3: or sftp:.")
		case err != nil:
			return a, fault.New(fault.Forbidden, "%s cannot be looked at.", r.from).Because(err)
		case !info.IsDir():
			return a, fault.New(fault.Unsupported, "%s is a file.", r.from).Cure("Name a backup target: file:///path, s3://… or sftp://…")
		}
		a.URL = "file://" + abs
	}
	if r.ca != "" {
		pem, err := certificates(r.ca)
		if err != nil {
			return a, err
		}
		a.CA = pem
	}
	if r.secret {
		text, err := io.ReadAll(io.LimitReader(o.in, maxSecret+1))
		if err != nil {
			return a, fmt.Errorf("read the secret: %w", err)
		}
		if a.Secret = string(text); len(text) > maxSecret {
			return a, wrongUse("give the secret alone", "standard input is too long for a secret")
		}
	} else if _, person := columns(o.in); person && !strings.HasPrefix(a.URL, "file:") {
		line, err := o.hidden(ctx, "Key or password of the target (S3: ACCESS:SECRET; a private key with --secret-stdin)")
		if err != nil {
			return a, err
		}
		a.Secret = line
	}
	if !strings.HasPrefix(a.URL, "sftp:") {
		return a, nil
	}
	line, fingerprint, err := appliance.HostKey(ctx, a.URL)
	if err != nil {
		return a, err
	}
	a.HostKey = line
	return a, compareHostKey(fingerprint, r.fingerprint)
}

// sayRestored tells what was restored and what was not, and what to do next.
func (o *options) sayRestored(cfg config.Config, got appliance.RestoreOutcome, asked time.Time, archive bool) error {
	lost := got.Lost()
	if o.json {
		damaged := got.Damaged
		if damaged == nil {
			damaged = []appliance.DamagedFile{}
		}
		return o.printJSON(map[string]any{"directory": got.Dir, "aside": got.Aside, "key": got.Key, "keyMade": got.KeyMade, "installation": got.Installation, "point": got.Point,
			"newest": got.Newest, "lostMs": lost.Milliseconds(), "tookMs": got.Took.Milliseconds(), "files": got.Files, "filesFollow": got.Rest != nil, "damaged": damaged, "erased": got.Erased})
	}
	o.say("Restored to %s: the state of %s, in %s.", got.Dir, got.Point.Local().Format("2006-01-02 15:04:05 MST"), got.Took.Round(100*time.Millisecond))
	switch {
	case !asked.IsZero():
		o.say("What came after it is not in it: %s up to the last change that is known.", lost.Round(time.Second))
	case lost > 0:
		o.say("Lost: %s between that and the last change that is known.", lost.Round(100*time.Millisecond))
	case archive:
		o.say("What was written after that moment is not in the archive.")
	default:
		o.say("No later change is known; lost is what was written in the last second or two before the loss.")
	}
	switch {
	case got.Rest != nil:
		o.say("The files follow while the service runs, those first that somebody opens.")
	default:
		o.say("%s restored.", count(got.Files, "file is", "files are"))
	}
	for _, d := range got.Damaged {
		o.say("Damaged in the target and not restored: file %s of workspace %s.", d.Name, d.Workspace)
	}
	if archive {
		o.say("An archive cannot know what was erased, or who was locked out, after it was made: do that again.")
	}
	if got.Erased > 0 {
		o.say("%s after that point done again.", count(got.Erased, "erasure or deactivation is", "erasures and deactivations are"))
	}
	if got.Aside != "" {
		o.say("What was there before lies in %s; remove it when you need it no more.", got.Aside)
	}
	switch {
	case got.KeyMade:
		o.say("A new key file was made: %s. Keep a copy of it apart from this machine.", got.Key)
	case got.Key != "":
		o.say("It opens with the key file %s.", got.Key)
	}
	o.say("All sessions, trusted devices, API keys and SCIM tokens have ended. Start the service: systemctl start chatets")
	return nil
}
