package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/config"
)

// options are the flags every command knows.
type options struct {
	*terminal
	flags map[string]*string // configuration flags by name
	json  bool
	owner string

	passphraseStdin bool // the passphrase of the keys is the first line of standard input
	recoveryStdin   bool // so is the recovery key
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, t *terminal, args []string) int {
	o := &options{terminal: t, flags: map[string]*string{}}
	root := newRoot(o)
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(t.err, sentence(err))
	}
	return exitCode(err)
}

func newRoot(o *options) *cobra.Command {
	root := group("chatets", "Answers from your own documents, without the internet")
	root.Long = `ChatETS answers questions from an organisation's own documents, on one server
without the internet. "chatets serve" runs the service; every other command talks
to it over its Unix socket, and works without it where that makes sense.`
	root.Version = version
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetVersionTemplate("ChatETS {{.Version}}\n")
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}\n\n{{end}}{{.UsageString}}" + exitCodes)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return wrongUse(cmd.CommandPath()+" --help", "%s", err)
	})
	flags := root.PersistentFlags()
	for _, f := range []struct{ name, help string }{
		{"config", "configuration `file` (default " + config.DefaultFile + " where it exists)"},
		{"data", "data `directory` (default ./data)"},
		{"key", "master key `file` (default beside the data directory, with .key)"},
		{"socket", "Unix socket `path` of the service (default chatets.sock in the data directory)"},
		{"log-level", "`level` of the log: debug, info, warn or error"},
	} {
		o.flags[f.name] = flags.String(f.name, "", f.help)
	}
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.BoolVar(&o.passphraseStdin, "passphrase-stdin", false, "with the service stopped: read the passphrase of the keys from the first line of standard input")
	flags.StringVar(&o.owner, "owner", "", "`e-mail` of the person new rows belong to (default the first owner)")
	root.AddCommand(newServe(o), newSetUpLink(o), newUser(o), newLDAP(o), newSCIM(o), newOIDC(o), newSAML(o), newKnowledge(o), newDocument(o), newModel(o), newScan(o), newBackup(o), newRestore(o), newAsk(o), newFeedback(o), newAudit(o), newKey(o),
		newDoctor(o), newConfig(o), newVersion(o), newLicenses(o), newOpenAPI(o), newMan(o))
	root.SetHelpCommand(newHelp())
	return root
}

// newHelp is help on a command by its name; a name that is none is wrong use.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show what a command does",
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(cmd.Root(), strings.Join(args, " "))
			}
			return of.Help()
		},
	}
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
		return wrongUse(cmd.CommandPath()+" --help", "%s takes %s", cmd.CommandPath(), what)
	}
}

// group is a command that only holds others.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: name, Short: short, Args: cobra.ArbitraryArgs, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	g.AddCommand(commands...)
	return g
}

// noCommand refuses a word that is no command and offers the nearest one.
func noCommand(of *cobra.Command, word string) error {
	cure := of.CommandPath() + " --help lists the commands"
	if near := of.SuggestionsFor(word); len(near) > 0 {
		cure = "did you mean " + of.CommandPath() + " " + near[0] + "?"
	}
	return wrongUse(cure, "there is no command %q", strings.TrimSpace(strings.TrimPrefix(of.CommandPath(), "chatets")+" "+word))
}
