package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chatets/appliance/config"
	"chatets/appliance/fault"
	"chatets/appliance/table"
)

// The exit codes never change; every help text lists them.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitNotFound  = 3
	exitRefused   = 4
	exitBusy      = 5
	exitIntegrity = 6
)

const exitCodes = `
Exit codes:
  0  done
  1  failed
  2  wrong use of the command
  3  what was named does not exist
  4  refused: no right to do this, or a value is not accepted
  5  the service cannot be reached, or the data directory is in use
  6  the data or the audit record is damaged
`

// terminal is where a command reads and writes, so that tests can stand in for one.
type terminal struct {
	in       *os.File
	out, err io.Writer
	environ  []string
}

// interactive reports whether a person sits at both ends.
func (t *terminal) interactive() bool {
	out, ok := t.out.(*os.File)
	return ok && term.IsTerminal(int(t.in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// options are the flags every command knows.
type options struct {
	*terminal
	flags map[string]*string // configuration flags by name
	json  bool
	owner string
	root  *cobra.Command
}

// integrity marks an error that means damaged data.
type integrity struct{ error }

func (i integrity) Unwrap() error { return i.error }

// usage marks an error of the command line itself.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func execute(ctx context.Context, t *terminal, args []string) int {
	o := &options{terminal: t, flags: map[string]*string{}}
	root := newRoot(o)
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(t.err, sentence(err))
	return exitCode(err)
}

// sentence is what a person reads: what happened, and in brackets what to do.
func sentence(err error) string {
	r := fault.Of(err)
	text, cure := r.Sentence, r.Cure
	var known *fault.Error
	if !asError(err, &known) {
		text, cure = err.Error(), ""
	}
	var b strings.Builder
	b.WriteString("chatets: " + table.Clean(lower(text)))
	for _, d := range r.Details {
		b.WriteString("\n  " + table.Clean(strings.TrimPrefix(d.Field, "body.")+": "+d.Sentence))
	}
	if cure != "" {
		b.WriteString(" (" + table.Clean(lower(strings.TrimSuffix(cure, "."))) + ")")
	}
	return b.String()
}

// lower turns a sentence into the form of a command's message: no capital, no
// full stop; names in capitals stay.
func lower(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' && !strings.HasPrefix(s, "ChatETS") {
		s = strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

func exitCode(err error) int {
	var i integrity
	var u usage
	switch {
	case asError(err, &i):
		return exitIntegrity
	case asError(err, &u):
		return exitUsage
	}
	r := fault.Of(err)
	switch r.Code {
	case "in-use":
		return exitBusy
	case "database-damaged", "file-damaged", "key-wrong", "key-damaged":
		return exitIntegrity
	}
	switch r.Kind {
	case fault.NotFound:
		return exitNotFound
	case fault.Forbidden, fault.Unauthenticated, fault.Invalid, fault.Malformed, fault.TooLarge, fault.Unsupported:
		return exitRefused
	case fault.Unavailable:
		return exitBusy
	}
	return exitFailed
}

func newRoot(o *options) *cobra.Command {
	root := &cobra.Command{
		Use:   "chatets",
		Short: "Answers from your own documents, without the internet",
		Long: `ChatETS answers questions from an organisation's own documents, on one server
without the internet. "chatets serve" runs the service; every other command talks
to it over its Unix socket, and works without it where that makes sense.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage{fault.New(fault.Invalid, "There is no command %q.", args[0]).Cure("chatets help lists the commands.")}
			}
			return cmd.Help()
		},
	}
	o.root = root
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}\n\n{{end}}{{.UsageString}}" + exitCodes)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage{fault.New(fault.Invalid, "%s.", err).Cure("%s --help", cmd.CommandPath())}
	})
	flags := root.PersistentFlags()
	for _, f := range []struct{ name, help string }{
		{"config", "configuration file (default " + config.DefaultFile + " where it exists)"},
		{"data", "data directory (default ./data)"},
		{"key", "master key file (default beside the data directory, with .key)"},
		{"socket", "Unix socket of the service (default chatets.sock in the data directory)"},
		{"log-level", "debug, info, warn or error"},
	} {
		o.flags[f.name] = flags.String(f.name, "", f.help)
	}
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.StringVar(&o.owner, "owner", "", "e-mail of the person new rows belong to (default the first owner)")
	root.AddCommand(newServe(o), newUser(o), newKnowledge(o), newDocument(o), newAsk(o), newAudit(o), newDoctor(o), newConfig(o), newVersion(o), newOpenAPI(o))
	return root
}

// config loads the configuration with the flags that were given.
func (o *options) config(cmd *cobra.Command) (config.Config, error) {
	given := map[string]string{}
	for name, value := range o.flags {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			given[name] = *value
		}
	}
	return config.Load(given, o.environ)
}

// exactly wants n arguments and says which.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return usage{fault.New(fault.Invalid, "%s needs %s.", cmd.CommandPath(), what).Cure("%s --help", cmd.CommandPath())}
	}
}

// group is a command that only holds others.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: name, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage{fault.New(fault.Invalid, "There is no command %q of chatets %s.", args[0], name).Cure("chatets %s --help", name)}
		}
		return cmd.Help()
	}, Args: cobra.ArbitraryArgs}
	g.AddCommand(commands...)
	return g
}
