package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance"
	"chatets/appliance/client"
	"chatets/appliance/config"
	"chatets/appliance/fault"
)

// archiveMade is an archive or set of the list, as the API tells it.
type archiveMade struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	By      string    `json:"by"`
	Made    time.Time `json:"made"`
	State   string    `json:"state"`
	Bytes   int64     `json:"bytes"`
	Files   int       `json:"files"`
	Damaged int       `json:"damaged"`
	Why     string    `json:"why,omitempty"`
	Cure    string    `json:"cure,omitempty"`
}

func newArchiveCreate(o *options) *cobra.Command {
	var split string
	cmd := &cobra.Command{
		Use: "create FILE|-|TARGET", Short: "Make a portable archive, or a set in a backup target, of everything", Args: exactly(1, "a file, - for standard output, or the name of a target"),
		Long: `Make one sealed file of the database as it is at this moment and of all documents. It opens on
a new machine with the recovery key that is in force now, or with any other way to the keys
that there is now. The service goes on meanwhile. The file has its name once it is whole:
until then it is called FILE.part, and nothing is left of one that fails. With --split it
becomes FILE.001, FILE.002 and so on.

With the name of a backup target it makes a set there: what an earlier set wrote is not written
again, also after an attempt that broke off. A name with a slash or a dot is a file.`,
		Example: `  chatets backup create /mnt/usb/chatets-2026-11.chatets
  chatets backup create /mnt/usb/chatets.chatets --split 4G
  chatets backup create Disk
  chatets backup create - | ssh vault 'cat >chatets.chatets'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			part, err := splitSize(split)
			if err != nil {
				return err
			}
			return o.createArchive(cmd, args[0], part)
		},
	}
	cmd.Flags().StringVar(&split, "split", "", "make parts of at most this `size`, as 4G or 700M")
	return cmd
}

// splitSize reads a size as people write it; 0 where none is given.
func splitSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	digits, unit := strings.ToUpper(strings.TrimSpace(text)), int64(1)
	for i, letter := range []string{"K", "M", "G", "T"} {
		if rest, found := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(digits, "B"), "I"), letter); found {
			digits, unit = rest, 1<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > (1<<62)/unit || n*unit < 64<<10 {
		return 0, wrongUse("give a size like 4G or 700M", "%q is no size to split at; the smallest is 64K", text)
	}
	return n * unit, nil
}

func (o *options) createArchive(cmd *cobra.Command, name string, split int64) error {
	path, err := "", error(nil)
	if name != "-" {
		if path, err = filepath.Abs(name); err != nil {
			return err
		}
	} else if split > 0 {
		return wrongUse("name a file", "standard output cannot be split")
	}
	if strings.ContainsAny(name, "/.") {
		cfg, err := o.config(cmd)
		if err != nil {
			return err
		}
		if child, err := o.fromChild(cmd, cfg); child != nil || err != nil {
			if err != nil {
				return err
			}
			return o.saveFromChild(cmd.Context(), child, path, split)
		}
	}
	return o.with(cmd, func(s *service) error {
		t, found, err := setTarget(cmd, s, name)
		switch {
		case err != nil:
			return err
		case found && split > 0:
			return wrongUse("leave --split out", "a set in a backup target is not split")
		case found:
			return o.createSet(cmd, s, t)
		}
		body, err := s.Fetch(cmd.Context(), "POST", "/api/backup/archive", map[string]string{"name": name})
		if err != nil {
			return err
		}
		defer body.Close()
		facts, err := o.saveArchive(cmd.Context(), body, path, split)
		if err != nil {
			return whyBroken(cmd.Context(), s, facts, err)
		}
		made, err := archiveEnded(cmd.Context(), s, facts.ID)
		if err != nil {
			return err
		}
		facts.Files, facts.Damaged = made.Files, made.Damaged
		return o.sayArchive(name, facts)
	})
}

func (o *options) saveArchive(ctx context.Context, body io.Reader, path string, split int64) (appliance.ArchiveFacts, error) {
	bar := o.bar("archive")
	defer bar.end()
	return appliance.SaveArchive(ctx, body, path, split, o.out, func(done, total int64) { bar.show("writing", done, total) })
}

// archiveEnded asks how the service saw the end; its own word comes a moment after
// the last byte.
func archiveEnded(ctx context.Context, s *service, id string) (made archiveMade, err error) {
	for deadline := time.Now().Add(time.Minute); ; {
		err = s.Call(ctx, "GET", "/api/backup/archives/"+url.PathEscape(id), nil, &made)
		if err != nil || made.State != "begun" || time.Now().After(deadline) {
			return made, err
		}
		select {
		case <-ctx.Done():
			return made, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// whyBroken asks the service why it sent no more.
func whyBroken(ctx context.Context, s *service, facts appliance.ArchiveFacts, err error) error {
	code := fault.Of(err).Code
	if facts.ID == "" || ctx.Err() != nil || code == "archive-disk-full" || code == "archive-unwritable" {
		return err
	}
	if made, asked := archiveEnded(ctx, s, facts.ID); asked == nil && made.State == "broken" && made.Why != "" {
		return fault.New(fault.Unavailable, "%s", made.Why).Code("archive-broken").Cure("%s", made.Cure).Because(err)
	}
	return fault.New(fault.Unavailable, "The service sent no whole archive; nothing was left of it.").Code("archive-broken").Cure("Look into its log, and try again.").Because(err)
}

func (o *options) sayArchive(name string, facts appliance.ArchiveFacts) error {
	if name == "-" {
		fmt.Fprintf(o.err, "Archive: %s, %s.\n", size(facts.Bytes), count(facts.Files, "file"))
		return nil
	}
	if o.json {
		return errors.Join(o.printJSON(facts), lacking(facts.Damaged))
	}
	in := ""
	if facts.Parts > 0 {
		in = ", in " + count(facts.Parts, "part")
	}
	o.say("%s holds everything as it was on %s: %s%s.", name, day(facts.Made), size(facts.Bytes), in)
	o.sayOpens(facts)
	o.say("Check it where it is kept: chatets backup verify %s", name)
	return lacking(facts.Damaged)
}

// lacking is the end of a command whose archive is whole and the store was not.
func lacking(n int) error {
	if n == 0 {
		return nil
	}
	return integrity{fault.New(fault.Conflict, "The archive lacks %s that could not be read when it was made.", count(n, "file")).Code("archive-lacks").
		Cure("The log of the service names them; fetch them from another backup, or add the documents again.")}
}

func (o *options) sayOpens(facts appliance.ArchiveFacts) {
	recovery := false
	for _, s := range facts.OpensWith {
		if s.Kind == "recovery" {
			recovery = true
			o.say("It opens with the recovery key made on %s.", day(s.Made))
		}
	}
	if !recovery {
		o.say("Note: there is no recovery key. Without a copy of the key this archive is worth nothing: chatets key recovery new, then make it again.")
	}
}

// fromChild starts this command once more where root would have to become the
// owner of the data directory for good: the archive comes from there, and root
// writes it where root may. nil where that is not needed.
func (o *options) fromChild(cmd *cobra.Command, cfg config.Config) (*exec.Cmd, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if _, err := o.running(cmd.Context(), cfg); err == nil || fault.Of(err).Code != client.Absent {
		return nil, nil // it is asked over its socket, which changes nobody
	}
	info, err := os.Stat(cfg.Data)
	if err != nil {
		return nil, nil // with says so
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid == 0 {
		return nil, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"chatets", "backup", "create", "-"}
	for name, value := range o.flags {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			args = append(args, "--"+name+"="+*value)
		}
	}
	if o.passphraseStdin {
		args = append(args, "--passphrase-stdin")
	}
	child := exec.CommandContext(cmd.Context(), self)
	child.Args, child.Env, child.Stdin, child.Stderr = args, o.environ, o.in, o.err
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	return child, nil
}

func (o *options) saveFromChild(ctx context.Context, child *exec.Cmd, path string, split int64) error {
	body, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	facts, err := o.saveArchive(ctx, body, path, split)
	if err != nil {
		_ = child.Cancel()
	}
	// It has said itself what failed there.
	if ended := child.Wait(); ended != nil && err != nil && fault.Of(err).Code != "archive-disk-full" && fault.Of(err).Code != "archive-unwritable" {
		return fault.New(fault.Unavailable, "The archive was not made; nothing was left of it.").Code("archive-broken").Cure("The reason stands above.").Because(errors.Join(err, ended))
	}
	if err != nil {
		return err
	}
	return o.sayArchive(path, facts)
}

func newArchiveList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list [FILE|TARGET]", Short: "List the archives that were made or the sets of a target, or say what an archive is",
		Long: `Without a name: the archives and sets that were made and are not known to be destroyed. With a
file: when and where it was made, and what it opens with; no key is needed for that. With the
name of a backup target: its sets.`,
		Args: atMost(1, "a file or the name of a target at most"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && meantArchive(args[0]) {
				facts, err := appliance.ListArchive(args[0])
				if err != nil {
					return err
				}
				return o.showArchive(args[0], facts)
			}
			return o.with(cmd, func(s *service) error {
				if len(args) == 1 {
					t, err := targetNamed(cmd, s, args[0])
					if err != nil {
						return err
					}
					return o.listSets(cmd, s, t)
				}
				var got struct {
					Items []archiveMade `json:"items"`
				}
				if err := s.Call(cmd.Context(), "GET", "/api/backup/archives", nil, &got); err != nil {
					return err
				}
				return o.rows([]string{"made", "kind", "name", "state", "bytes", "files", "why", "id"}, func(row func(...any) error) error {
					for _, a := range got.Items {
						if err := row(day(a.Made), a.Kind, a.Name, a.State, o.bytes(a.Bytes), a.Files, a.Why, a.ID); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func (o *options) showArchive(name string, facts appliance.ArchiveFacts) error {
	if o.json {
		return o.printJSON(facts)
	}
	o.say("%s: made %s by ChatETS %s, installation %s, %s.", name, day(facts.Made), facts.Version, facts.Installation, size(facts.Bytes))
	if facts.Parts > 0 {
		o.say("It has %s.", count(facts.Parts, "part"))
	}
	for _, s := range facts.OpensWith {
		o.say("It opens with: %s %s, made %s.", s.Kind, s.Where, day(s.Made))
	}
	o.say("Its end is there. To read all of it: chatets backup verify %s", name)
	return nil
}

func newArchiveVerify(o *options) *cobra.Command {
	var scratch, set string
	cmd := &cobra.Command{
		Use: "verify FILE|TARGET", Short: "Read an archive or a set to its end and check all that is in it", Args: exactly(1, "a file or the name of a target"),
		Long: `Read an archive to its end: every file is held against its name, and the database is written to
a scratch directory, sealed, and checked from the inside. Nothing is changed, and the service
is not needed; a key is: the key file, the passphrase, or with --recovery-key-stdin the
recovery key that was in force when it was made. The sets of a backup target are read by the
service, the newest where --set names no other.`,
		Example: "  chatets backup verify /mnt/usb/chatets.chatets --recovery-key-stdin < paper.txt",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !meantArchive(args[0]) {
				return o.verifyTarget(cmd, args[0], set)
			}
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			if err := o.unlockingArchive(cmd.Context(), &cfg); err != nil {
				return err
			}
			dir, err := os.MkdirTemp(scratch, "chatets-verify-")
			if err != nil {
				return fault.New(fault.Unavailable, "No scratch directory can be made.").Cure("Name one on a disk with room for the database: --scratch DIR").Because(err)
			}
			bar := o.bar("archive")
			facts, err := appliance.VerifyArchive(cmd.Context(), cfg, args[0], dir, func(done, total int64) { bar.show("reading", done, total) })
			bar.end()
			if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
				return err
			}
			if o.json {
				return errors.Join(o.printJSON(facts), lacking(facts.Damaged))
			}
			o.say("%s is whole: made %s, a database of %s, %s of %s.", args[0], day(facts.Made), size(facts.Database), count(facts.Files, "file"), size(facts.Content))
			return lacking(facts.Damaged)
		},
	}
	cmd.Flags().StringVar(&set, "set", "", "`id` of a set of the target (default the newest)")
	cmd.Flags().StringVar(&scratch, "scratch", "", "`directory` with room for the database (default that of temporary files)")
	cmd.Flags().BoolVar(&o.recoveryStdin, "recovery-key-stdin", false, "open it with the recovery key, read from the first line of standard input")
	return cmd
}

// meantArchive tells a file from the name of a target.
func meantArchive(name string) bool {
	return strings.ContainsAny(name, "/.") || appliance.ArchiveThere(name)
}

// verifyTarget reads a set; the recovery key is for it and not for the data
// directory, which a command without the service opens as always.
func (o *options) verifyTarget(cmd *cobra.Command, name, set string) error {
	recovery := ""
	if o.recoveryStdin {
		line, err := o.secretLine(cmd.Context(), "Recovery key")
		if err != nil {
			return err
		}
		recovery, o.recoveryStdin = line, false
	}
	return o.with(cmd, func(s *service) error {
		t, err := targetNamed(cmd, s, name)
		if err != nil {
			return err
		}
		return o.verifySet(cmd, s, t, set, recovery)
	})
}

// unlockingArchive fills in how an archive is opened: unlike the data directory,
// the service may run and root need not ask first.
func (o *options) unlockingArchive(ctx context.Context, cfg *config.Config) error {
	switch {
	case o.recoveryStdin:
		line, err := o.secretLine(ctx, "Recovery key")
		cfg.Recovery = line
		return err
	case o.passphraseStdin:
		line, err := firstLine(o.in)
		cfg.Ask = once(line)
		return err
	}
	cfg.Ask = o.askPassphrase(false)
	return nil
}

func newArchiveForget(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "forget ID", Short: "Take an archive off the list, because it was destroyed", Args: exactly(1, "the id of an archive, as chatets backup list shows it"),
		Long: "Take an archive off the list, because it was destroyed. The archive itself is not touched: ChatETS\ncannot reach it. What is shredded later does not name it any more.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				var made archiveMade
				at := "/api/backup/archives/" + url.PathEscape(args[0])
				if err := s.Call(cmd.Context(), "GET", at, nil, &made); err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "DELETE", at, nil, nil); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(made)
				}
				o.say("%s, made %s, is off the list.", made.Name, day(made.Made))
				return nil
			})
		},
	}
}

// atMost wants no more than n arguments and says which.
func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return wrongUse(cmd.CommandPath()+" --help", "%s takes %s", cmd.CommandPath(), what)
	}
}
