package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// directorySettings are what the API takes and gives.
type directorySettings struct {
	Preset       string   `json:"preset"`
	URLs         []string `json:"urls"`
	CA           string   `json:"ca,omitempty"`
	Pin          string   `json:"pin,omitempty"`
	ClearText    bool     `json:"clearText,omitempty"`
	BindDN       string   `json:"bindDn,omitempty"`
	Base         string   `json:"base"`
	GroupBase    string   `json:"groupBase,omitempty"`
	PersonFilter string   `json:"personFilter,omitempty"`
	GroupFilter  string   `json:"groupFilter,omitempty"`
	Login        string   `json:"login,omitempty"`
	Only         string   `json:"only,omitempty"`
	Role         string   `json:"role,omitempty"`
	Groups       bool     `json:"groups"`
	Rules        []any    `json:"rules,omitempty"`
	EveryMinutes int      `json:"everyMinutes"`
	GraceDays    int      `json:"graceDays"`
	BrakePercent int      `json:"brakePercent"`
}

// ldapDirectory is what the API says of a directory.
type ldapDirectory struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Enabled   bool              `json:"enabled"`
	Settings  directorySettings `json:"settings"`
	DownSince string            `json:"downSince,omitempty"`
	SyncedAt  string            `json:"syncedAt,omitempty"`
	Result    *syncResult       `json:"result,omitempty"`
}

// syncResult is what a synchronisation came to.
type syncResult struct {
	People   int  `json:"people"`
	Added    int  `json:"added"`
	Changed  int  `json:"changed"`
	Disabled int  `json:"disabled"`
	Enabled  int  `json:"enabled"`
	Missing  int  `json:"missing"`
	Skipped  int  `json:"skipped"`
	Groups   int  `json:"groups"`
	DryRun   bool `json:"dryRun"`
	Full     bool `json:"full"`
	Problems []struct {
		DN  string `json:"dn"`
		Why string `json:"why"`
	} `json:"problems"`
	Changes []struct {
		Act  string   `json:"act"`
		DN   string   `json:"dn"`
		Name string   `json:"name"`
		What []string `json:"what,omitempty"`
	} `json:"changes,omitempty"`
	Error string `json:"error,omitempty"`
	Cure  string `json:"cure,omitempty"`
}

func newLDAP(o *options) *cobra.Command {
	return group("ldap", "Directories whose people sign in here: LDAP and Active Directory",
		newLDAPAdd(o), newLDAPList(o), newLDAPRemove(o), newLDAPTest(o), newLDAPDiff(o), newLDAPSync(o))
}

func newLDAPAdd(o *options) *cobra.Command {
	in := directorySettings{}
	var name, ca string
	var stdin bool
	var rules []string
	cmd := &cobra.Command{
		Use:   "add --name N --preset openldap|ad --url URL --base DN",
		Short: "Add a directory",
		Long: `Add a directory. Its people sign in with its password, and "chatets ldap sync" takes them over with their groups.
ldap:// is encrypted with StartTLS; a directory that cannot do either is refused unless --clear-text is given.`,
		Example: `  pass show ldap | chatets ldap add --name clinic --preset ad --url ldaps://dc1.clinic.example --url ldaps://dc2.clinic.example \
    --ca ca.pem --base dc=clinic,dc=example --bind-dn svc-chatets@clinic.example --password-stdin
  chatets ldap add --name plant --preset openldap --url ldap://10.1.2.3 --ca ca.pem --base dc=plant,dc=example --only chatets-users --admins chatets-admins`,
		Args: exactly(0, "no argument; use --name, --preset, --url and --base"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || in.Preset == "" || len(in.URLs) == 0 || in.Base == "" {
				return wrongUse("chatets ldap add --help", "chatets ldap add needs --name, --preset, --url and --base")
			}
			if ca != "" {
				pem, err := certificates(ca)
				if err != nil {
					return err
				}
				in.CA = pem
			}
			for _, g := range rules {
				in.Rules = append(in.Rules, map[string]any{"group": g, "installation": "admin", "role": "admin"})
			}
			body := map[string]any{"name": name, "settings": in}
			if stdin {
				password, err := io.ReadAll(io.LimitReader(o.in, maxToken))
				if err != nil {
					return fmt.Errorf("read the password: %w", err)
				}
				body["password"] = strings.TrimRight(string(password), "\r\n")
			}
			return o.withNew(cmd, func(s *service) error {
				var added ldapDirectory
				if err := s.Call(cmd.Context(), "POST", "/api/directories", body, &added); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(added)
				}
				o.say("Added %s. Test it with: chatets ldap test %s", added.Name, added.Name)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "short `name`; the accounts of its people carry it")
	f.StringVar(&in.Preset, "preset", "", "what it `is`: openldap or ad")
	f.StringArrayVar(&in.URLs, "url", nil, "`URL` of a server; give it again for others that are asked when it is away")
	f.StringVar(&ca, "ca", "", "`file` with the certificate of its authority, PEM")
	f.StringVar(&in.Pin, "pin", "", "SHA-256 `fingerprint` of its certificate; no other is accepted then")
	f.StringVar(&in.Base, "base", "", "`DN` below which its people are")
	f.StringVar(&in.GroupBase, "group-base", "", "`DN` below which its groups are (default: the base)")
	f.StringVar(&in.BindDN, "bind-dn", "", "`DN` of the service account that searches")
	f.BoolVar(&stdin, "password-stdin", false, "read the password of the service account from standard input")
	f.StringVar(&in.PersonFilter, "person-filter", "", "`filter` of people (default: the preset's)")
	f.StringVar(&in.GroupFilter, "group-filter", "", "`filter` of groups (default: the preset's)")
	f.StringVar(&in.Login, "login", "", "`attribute` people sign in with (default: the preset's)")
	f.StringVar(&in.Only, "only", "", "`group` whose members are let in, nested ones too (default: everybody)")
	f.StringVar(&in.Role, "role", "", "`role` in the workspace: admin, editor, member or guest (default member)")
	f.StringArrayVar(&rules, "admins", nil, "`group` whose members administer ChatETS")
	f.BoolVar(&in.Groups, "groups", true, "groups of the directory become groups of the workspace")
	f.IntVar(&in.EveryMinutes, "every", 60, "`minutes` between two synchronisations; 0 = only by hand")
	f.IntVar(&in.GraceDays, "grace", 0, "`days` until somebody who is gone is disabled")
	f.IntVar(&in.BrakePercent, "brake", 20, "when more `percent` are gone at once, nobody is disabled; 0 = no brake")
	f.BoolVar(&in.ClearText, "clear-text", false, "let passwords cross the network readable for everybody")
	return cmd
}

func directories(cmd *cobra.Command, s *service) ([]ldapDirectory, error) {
	var got struct {
		Items []ldapDirectory `json:"items"`
	}
	err := s.Call(cmd.Context(), "GET", "/api/directories", nil, &got)
	return got.Items, err
}

// directoryNamed is the directory of a name; without one the only directory.
func directoryNamed(cmd *cobra.Command, s *service, args []string) (ldapDirectory, error) {
	list, err := directories(cmd, s)
	if err != nil {
		return ldapDirectory{}, err
	}
	if len(args) == 0 {
		switch len(list) {
		case 0:
			return ldapDirectory{}, fault.New(fault.NotFound, "There is no directory.").Cure("chatets ldap add adds one")
		case 1:
			return list[0], nil
		}
		return ldapDirectory{}, wrongUse("chatets ldap list", "there are %d directories; name one", len(list))
	}
	for _, d := range list {
		if d.Name == args[0] {
			return d, nil
		}
	}
	return ldapDirectory{}, fault.New(fault.NotFound, "There is no directory %q.", args[0]).Cure("chatets ldap list lists them")
}

func newLDAPList(o *options) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the directories", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				list, err := directories(cmd, s)
				if err != nil {
					return err
				}
				return o.rows([]string{"name", "preset", "servers", "base", "state", "synced", "people", "id"}, func(row func(...any) error) error {
					for _, d := range list {
						state, people := "ok", 0
						switch {
						case !d.Enabled:
							state = "off"
						case d.DownSince != "":
							state = "down"
						}
						if d.Result != nil {
							people = d.Result.People
						}
						if err := row(d.Name, d.Settings.Preset, strings.Join(d.Settings.URLs, " "), d.Settings.Base, state, d.SyncedAt, people, d.ID); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func newLDAPRemove(o *options) *cobra.Command {
	return &cobra.Command{Use: "remove NAME", Short: "Remove a directory; its people stay, disabled", Args: exactly(1, "the name of a directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				d, err := directoryNamed(cmd, s, args)
				if err != nil {
					return err
				}
				var out struct {
					People int `json:"people"`
				}
				if err := s.Call(cmd.Context(), "DELETE", "/api/directories/"+url.PathEscape(d.ID), nil, &out); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(out)
				}
				o.say("Removed %s; %d people are disabled, because nobody vouches for them any more.", d.Name, out.People)
				return nil
			})
		},
	}
}

func newLDAPTest(o *options) *cobra.Command {
	var person string
	var stdin bool
	cmd := &cobra.Command{Use: "test [NAME]", Short: "Test a directory step by step", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{"person": person}
			if stdin {
				password, err := io.ReadAll(io.LimitReader(o.in, maxToken))
				if err != nil {
					return fmt.Errorf("read the password: %w", err)
				}
				body["password"] = strings.TrimRight(string(password), "\r\n")
			}
			return o.with(cmd, func(s *service) error {
				d, err := directoryNamed(cmd, s, args)
				if err != nil {
					return err
				}
				var out steppedTest
				if err := s.Call(cmd.Context(), "POST", "/api/directories/"+url.PathEscape(d.ID)+"/test", body, &out); err != nil {
					return err
				}
				return o.sayStepped(out)
			})
		},
	}
	cmd.Flags().StringVar(&person, "person", "", "`name` to look for, as somebody would type it")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "try to sign in as the person with the password from standard input")
	return cmd
}

func newLDAPDiff(o *options) *cobra.Command {
	return &cobra.Command{Use: "diff [NAME]", Short: "Show what a synchronisation would do; nothing is written", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.syncDirectory(cmd, args, true, true) },
	}
}

func newLDAPSync(o *options) *cobra.Command {
	var dry, changed bool
	cmd := &cobra.Command{Use: "sync [NAME]", Short: "Bring people and groups in step with a directory", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.syncDirectory(cmd, args, dry, !changed) },
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would be done")
	cmd.Flags().BoolVar(&changed, "changed", false, "read only entries that changed since the last time")
	return cmd
}

func (o *options) syncDirectory(cmd *cobra.Command, args []string, dry, full bool) error {
	return o.with(cmd, func(s *service) error {
		d, err := directoryNamed(cmd, s, args)
		if err != nil {
			return err
		}
		at := "/api/directories/" + url.PathEscape(d.ID)
		var begun struct {
			Job string `json:"job"`
		}
		if err := s.Call(cmd.Context(), "POST", at+"/sync", map[string]any{"dryRun": dry, "full": full}, &begun); err != nil {
			return err
		}
		if _, err := o.watchJob(cmd.Context(), s, begun.Job, d.Name, "synchronisation"); err != nil {
			return err
		}
		var after ldapDirectory
		if err := s.Call(cmd.Context(), "GET", at, nil, &after); err != nil {
			return err
		}
		if after.Result == nil {
			return fault.New(fault.Internal, "The synchronisation left no result.")
		}
		if o.json {
			return o.printJSON(after.Result)
		}
		o.sayResult(d.Name, *after.Result)
		return nil
	})
}

func (o *options) sayResult(name string, r syncResult) {
	would := ""
	if r.DryRun {
		would = "would be "
	}
	o.say("%s: %d people and %d groups read; %d %sadded, %d %schanged, %d %sdisabled, %d %senabled again; %d gone and in their grace, %d left out.",
		name, r.People, r.Groups, r.Added, would, r.Changed, would, r.Disabled, would, r.Enabled, would, r.Missing, r.Skipped)
	for _, c := range r.Changes {
		o.say("  %-8s %s  %s %s", c.Act, c.Name, c.DN, strings.Join(c.What, ", "))
	}
	for _, p := range r.Problems {
		o.say("  left out: %s: %s", p.DN, p.Why)
	}
}
