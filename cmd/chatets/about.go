package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"chatets/appliance/config"
)

func newConfig(o *options) *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Show every configuration value and where it comes from", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			return o.rows([]string{"name", "value", "origin"}, func(row func(...any) error) error {
				for _, v := range cfg.Values() {
					if err := row(v.Name, v.Value, v.Origin); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	return group("config", "The configuration", show)
}

func newVersion(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version", Args: exactly(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			goVersion := runtime.Version()
			if info, ok := debug.ReadBuildInfo(); ok {
				goVersion = info.GoVersion
			}
			if o.json {
				return o.printJSON(map[string]string{"version": version, "go": goVersion, "system": runtime.GOOS + "/" + runtime.GOARCH})
			}
			o.say("ChatETS %s (%s, %s/%s)", version, goVersion, runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

// newOpenAPI prints the API's description from the handlers; the build holds
// the committed copy and the pages' types against it.
func newOpenAPI(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI description of the HTTP API", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "chatets-openapi-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data")}, nil)
			if err != nil {
				return err
			}
			a, err := open(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer a.Close()
			text, err := a.OpenAPI()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.out, "%s\n", text)
			return err
		},
	}
}
