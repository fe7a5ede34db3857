package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

const maxSecret = 16000 // bytes of a private key

// backupTarget is what the API says of a backup target.
type backupTarget struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Kind         string     `json:"kind"`
	URL          string     `json:"url"`
	Wait         bool       `json:"wait"`
	State        string     `json:"state"`
	Why          string     `json:"why,omitempty"`
	Cure         string     `json:"cure,omitempty"`
	BehindMs     int64      `json:"behindMs"`
	LastChangeAt *time.Time `json:"lastChangeAt,omitempty"`
	OldestAt     *time.Time `json:"oldestAt,omitempty"`
	FilesWaiting int64      `json:"filesWaiting"`
	Bytes        int64      `json:"bytes"`
	Keeps        bool       `json:"keeps"`
}

// backupTrial is what a test of a target found.
type backupTrial struct {
	TookMs      int64 `json:"tookMs"`
	Conditional bool  `json:"conditional"`
	Deletes     bool  `json:"deletes"`
	SameDisk    bool  `json:"sameDisk"`
}

func newBackup(o *options) *cobra.Command {
	return group("backup", "Where the data is copied to, and what can be restored from there", newBackupPoints(o), group("target", "Backup targets: directories, S3 buckets, SFTP servers",
		newTargetAdd(o), newTargetList(o), newTargetTest(o), newTargetRemove(o)), newDrill(o),
		newArchiveCreate(o), newArchiveList(o), newArchiveVerify(o), newArchiveForget(o), newSetPrune(o))
}

func newTargetAdd(o *options) *cobra.Command {
	var name, address, ca, fingerprint string
	var secret, wait, takeOver bool
	var rate int64
	cmd := &cobra.Command{
		Use:   "add --name N --url URL",
		Short: "Test a backup target and copy all changes to it from now on",
		Long: `Test a backup target and copy all changes to it from now on, sealed. The directory
of a file: URL should lie on another disk. An S3 target takes ACCESS:SECRET, an SFTP
target a password or a private key, from standard input. The key of an SFTP server is
shown first; add the target with its fingerprint once you have compared it.`,
		Example: `  chatets backup target add --name Disk --url file:///mnt/backup/chatets
  pass show s3 | chatets backup target add --name Vault --url "s3://backup/chatets?endpoint=https://s3.clinic.example" --ca ca.pem --secret-stdin
  chatets backup target add --name Box --url sftp://chatets@box.clinic.example/backup --host-key SHA256:… --secret-stdin <id_ed25519`,
		Args: exactly(0, "no argument; use --name and --url"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || address == "" {
				return wrongUse("chatets backup target add --help", "chatets backup target add needs --name and --url")
			}
			in := map[string]any{"name": name, "url": address, "rate": rate, "takeOver": takeOver}
			if cmd.Flags().Changed("wait") {
				in["wait"] = wait
			}
			if ca != "" {
				pem, err := certificates(ca)
				if err != nil {
					return err
				}
				in["ca"] = pem
			}
			if secret {
				text, err := io.ReadAll(io.LimitReader(o.in, maxSecret+1))
				if err != nil {
					return fmt.Errorf("read the secret: %w", err)
				}
				if in["secret"] = string(text); len(text) > maxSecret {
					return wrongUse("give the secret alone", "standard input is too long for a secret")
				}
			}
			return o.withNew(cmd, func(s *service) error {
				if strings.HasPrefix(address, "sftp:") {
					line, err := hostKey(cmd, s, address, fingerprint)
					if err != nil {
						return err
					}
					in["hostKey"] = line
				}
				var got struct {
					backupTarget
					Test backupTrial `json:"test"`
				}
				if err := s.Call(cmd.Context(), "POST", "/api/backup/targets", in, &got); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(got)
				}
				o.say("All changes are copied to %s from now on.", got.Name)
				o.sayTrial(got.Name, got.Test)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "`name` of the target")
	f.StringVar(&address, "url", "", "its `URL`: file:///path, s3://bucket/folder?endpoint=https://host&region=…, sftp://user@host:port/folder")
	f.StringVar(&ca, "ca", "", "`file` with the certificate of an S3 server's authority, PEM")
	f.StringVar(&fingerprint, "host-key", "", "`fingerprint` of an SFTP server's key, SHA256:…, as its administrator says it")
	f.BoolVar(&secret, "secret-stdin", false, "read its key or password from standard input")
	f.BoolVar(&wait, "wait", false, "acknowledge a document only once the target has it (default for a directory)")
	f.Int64Var(&rate, "rate", 0, "`bytes` a second in each direction (default no limit)")
	f.BoolVar(&takeOver, "take-over", false, "it holds backups of this installation, and no other machine is its master")
	return cmd
}

// hostKey asks an SFTP server for its key and holds it against the fingerprint.
func hostKey(cmd *cobra.Command, s *service, address, fingerprint string) (string, error) {
	var got struct {
		HostKey     string `json:"hostKey"`
		Fingerprint string `json:"fingerprint"`
	}
	if err := s.Call(cmd.Context(), "POST", "/api/backup/targets/host-key", map[string]any{"url": address}, &got); err != nil {
		return "", err
	}
	return got.HostKey, compareHostKey(got.Fingerprint, fingerprint)
}

// compareHostKey holds the key that a server shows against the one its
// administrator says.
func compareHostKey(shown, given string) error {
	switch given {
	case shown:
		return nil
	case "":
		return fault.New(fault.Conflict, "The server shows the key %s.", shown).Code("target-host-key").
			Cure("Compare it with what its administrator says, then run the command again with --host-key %s", shown)
	}
	return fault.New(fault.Conflict, "The server shows the key %s and not the one that was given.", shown).Code("target-host-key").
		Cure("Ask its administrator for the fingerprint; if it is another one, somebody is between")
}

// sayTrial tells what one should know of a target.
func (o *options) sayTrial(name string, t backupTrial) {
	if t.SameDisk {
		o.say("Note: it lies on the disk of the data directory and is lost with it.")
	}
	if !t.Conditional {
		o.say("Note: it cannot tell two masters apart; never let two machines copy to it.")
	}
	if !t.Deletes {
		o.say("Note: it lets nothing be deleted, so a stolen server cannot destroy its backups; let it drop by its own rule what is older than you keep.")
	}
}

func targetsOf(cmd *cobra.Command, s *service) ([]backupTarget, error) {
	var got struct {
		Items []backupTarget `json:"items"`
	}
	err := s.Call(cmd.Context(), "GET", "/api/backup/targets", nil, &got)
	return got.Items, err
}

func targetNamed(cmd *cobra.Command, s *service, name string) (backupTarget, error) {
	list, err := targetsOf(cmd, s)
	if err != nil {
		return backupTarget{}, err
	}
	for _, t := range list {
		if strings.EqualFold(t.Name, name) || t.ID == name {
			return t, nil
		}
	}
	return backupTarget{}, fault.New(fault.NotFound, "There is no backup target %q.", name).Cure("chatets backup target list shows all")
}

func newTargetList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the backup targets and how far each is", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				list, err := targetsOf(cmd, s)
				if err != nil {
					return err
				}
				return o.rows([]string{"name", "kind", "url", "state", "behind", "waiting", "bytes", "oldest", "why", "id"}, func(row func(...any) error) error {
					for _, t := range list {
						oldest := ""
						if t.OldestAt != nil {
							oldest = t.OldestAt.Local().Format(time.DateTime)
						}
						behind := (time.Duration(t.BehindMs) * time.Millisecond).Round(100 * time.Millisecond).String()
						if err := row(t.Name, t.Kind, t.URL, t.State, behind, t.FilesWaiting, t.Bytes, oldest, t.Why, t.ID); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func newTargetTest(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "Try everything that copying to a backup target needs", Args: exactly(1, "the name of a target"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				t, err := targetNamed(cmd, s, args[0])
				if err != nil {
					return err
				}
				var got backupTrial
				if err := s.Call(cmd.Context(), "POST", "/api/backup/targets/"+url.PathEscape(t.ID)+"/test", nil, &got); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(got)
				}
				o.say("%s can be written, read and listed (%d ms).", t.Name, got.TookMs)
				o.sayTrial(t.Name, got)
				return nil
			})
		},
	}
}

func newTargetRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Copy to a backup target no more; what it holds stays there", Args: exactly(1, "the name of a target"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				t, err := targetNamed(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "DELETE", "/api/backup/targets/"+url.PathEscape(t.ID), nil, nil); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(t)
				}
				o.say("Nothing more is copied to %s. What it holds stays there.", t.Name)
				return nil
			})
		},
	}
}
