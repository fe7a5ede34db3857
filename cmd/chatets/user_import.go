package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// importResult is what the API says a file of people came to.
type importResult struct {
	Lines    int  `json:"lines"`
	Added    int  `json:"added"`
	Existing int  `json:"existing"`
	Failed   int  `json:"failed"`
	DryRun   bool `json:"dryRun"`
	Problems []struct {
		Line     int    `json:"line"`
		Field    string `json:"field,omitempty"`
		Sentence string `json:"sentence"`
	} `json:"problems"`
	Invitations []struct {
		Email string `json:"email"`
		Link  string `json:"link"`
	} `json:"invitations,omitempty"`
}

func newUserImport(o *options) *cobra.Command {
	var dry, lines, invite bool
	var columns []string
	cmd := &cobra.Command{
		Use:   "import FILE.csv|FILE.json",
		Short: "Add people from a file",
		Long: `Add people from a CSV or JSON file. The first line of a CSV file names its columns: email, name (or first and last name), groups,
workspace, role and admin; columns of other names are told with --map. Groups are made where they are not there; people who are here already
are only put into the workspace and the groups. A file with a wrong line is not taken in at all, unless --lines is given.`,
		Example: `  chatets user import staff.csv --dry-run
  chatets user import staff.csv --map email="Mail address" --map groups=Ward --invite > links.txt`,
		Args: exactly(1, "the name of a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return fault.New(fault.NotFound, "The file %s cannot be read.", args[0]).Cure("Check the path and its permissions").Because(err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return err
			}
			if !info.Mode().IsRegular() {
				return fault.New(fault.Invalid, "%s is no file.", args[0]).Cure("Name a CSV or JSON file")
			}
			query := url.Values{"map": columns, "dryRun": {strconv.FormatBool(dry)}, "lines": {strconv.FormatBool(lines)}, "invite": {strconv.FormatBool(invite)}}
			if kind := strings.TrimPrefix(strings.ToLower(filepath.Ext(args[0])), "."); kind == "csv" || kind == "json" {
				query.Set("format", kind)
			}
			return o.with(cmd, func(s *service) error {
				bar := o.bar(filepath.Base(args[0]))
				var r importResult
				err := s.Upload(cmd.Context(), "/api/people/import?"+query.Encode(), f, info.Size(), func(n int64) { bar.show("reading", n, info.Size()) }, &r)
				bar.end()
				if err != nil {
					return err
				}
				return o.sayImport(r, lines)
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	cmd.Flags().BoolVar(&lines, "lines", false, "take each line for itself; wrong ones are left out")
	cmd.Flags().BoolVar(&invite, "invite", false, "print a link for each new person to set a password with")
	cmd.Flags().StringArrayVar(&columns, "map", nil, "`field=column` where the file calls a column otherwise")
	return cmd
}

func (o *options) sayImport(r importResult, lines bool) error {
	if o.json {
		if err := o.printJSON(r); err != nil {
			return err
		}
	} else {
		for _, i := range r.Invitations {
			o.say("%s %s", i.Email, i.Link)
		}
		for _, p := range r.Problems {
			field := ""
			if p.Field != "" {
				field = " (" + p.Field + ")"
			}
			fmt.Fprintf(o.err, "line %d%s: %s\n", p.Line, field, p.Sentence)
		}
		would := ""
		if r.DryRun {
			would = "would be "
		}
		fmt.Fprintf(o.err, "%d people read: %d %sadded, %d here already, %d wrong.\n", r.Lines, r.Added, would, r.Existing, r.Failed)
	}
	switch {
	case r.Failed == 0:
		return nil
	case lines:
		return fault.New(fault.Invalid, "%d lines were not taken in.", r.Failed).Cure("Mend them in the file and import it again; the others are here")
	case r.DryRun:
		return fault.New(fault.Invalid, "%d lines are wrong.", r.Failed).Cure("Mend them, or import with --lines, which leaves them out")
	}
	return fault.New(fault.Invalid, "%d lines are wrong, so nothing was taken in.", r.Failed).Cure("Mend them, or import with --lines, which leaves them out")
}

func newUserLink(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "password-link EMAIL", Short: "Print a link with which a person sets a password, alone on the last line", Args: exactly(1, "the e-mail address of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, err := byEmail(cmd, s, args[0])
				if err != nil {
					return err
				}
				var out struct {
					Link      string `json:"link"`
					ExpiresAt string `json:"expiresAt"`
				}
				if err := s.Call(cmd.Context(), "POST", "/api/people/"+url.PathEscape(p.ID)+"/password-link", nil, &out); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(out)
				}
				o.say("For %s <%s> alone, good once, until %s:", p.Name, p.Email, out.ExpiresAt)
				o.say("%s", out.Link)
				return nil
			})
		},
	}
}
