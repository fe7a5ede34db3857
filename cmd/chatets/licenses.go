package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
	"chatets/appliance/table"
	"chatets/embed"
)

// notice is one thing of somebody else's that is compiled in, with its licence.
type notice struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence"`
	Kind    string `json:"kind"` // "go", "npm", "wasm" or "model"
	Text    string `json:"text,omitempty"`
}

func newLicenses(o *options) *cobra.Command {
	var texts bool
	cmd := &cobra.Command{
		Use: "licenses [NAME]", Short: "What of others is compiled in, and under which licence",
		Long: `List what of others is compiled into this program: Go modules, packages of the web
interface, fonts and the model, each with its licence. With a name it prints the
text of that one's licence, with --texts those of all.`,
		Example: "  chatets licenses\n  chatets licenses github.com/spf13/cobra",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := notices()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if list, err = named(list, args[0]); err != nil {
					return err
				}
				texts = true
			}
			if !texts {
				for i := range list {
					list[i].Text = ""
				}
			}
			switch {
			case o.json:
				return o.printJSON(list)
			case texts:
				for _, n := range list {
					if _, err := fmt.Fprintf(o.out, "%s %s (%s)\n\n%s\n", table.Clean(n.Name), table.Clean(n.Version), n.Licence, table.Lines(n.Text)); err != nil {
						return err
					}
				}
				return nil
			}
			return o.rows([]string{"name", "version", "licence", "kind"}, func(row func(cells ...any) error) error {
				for _, n := range list {
					if err := row(n.Name, n.Version, n.Licence, n.Kind); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&texts, "texts", false, "print the text of every licence")
	return cmd
}

func notices() ([]notice, error) {
	packed, made := embed.Notices()
	if !made {
		return nil, fault.New(fault.NotFound, "This program was built without its list of licences.").Cure(`Build it with "make build".`)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("list of licences: %w", err)
	}
	var list []notice
	if err := json.NewDecoder(unpacked).Decode(&list); err != nil {
		return nil, fmt.Errorf("list of licences: %w", err)
	}
	return list, nil
}

// named are those whose name is the one given, or ends in it.
func named(list []notice, name string) ([]notice, error) {
	var found []notice
	for _, n := range list {
		if n.Name == name || strings.HasSuffix(n.Name, "/"+name) {
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "Nothing named %q is compiled in.", name).Cure("See chatets licenses for the names.")
	}
	return found, nil
}
