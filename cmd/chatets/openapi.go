package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"chatets/appliance/config"
)

// newOpenAPI prints the API's description from the handlers; the build holds
// the committed copy and the pages' types against it. It needs no data of its
// own, so it makes some and throws it away.
func newOpenAPI(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI description of the HTTP API", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			dir, err := os.MkdirTemp("", "chatets-openapi-*")
			if err != nil {
				return fmt.Errorf("make a temporary folder: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "config": os.DevNull}, nil)
			if err != nil {
				return err
			}
			a, err := newAppliance(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			text, err := a.OpenAPI()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.out, "%s\n", text)
			return err
		},
	}
}
