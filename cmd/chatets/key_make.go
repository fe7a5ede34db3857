package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"chatets/appliance"
)

// newKeyMake is what the unit runs as root before the first start: the service's
// user may read the folder of the key and not write it.
func newKeyMake(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "make", Short: "Make the key file of a new installation, as root for the service's group", Args: exactly(0, "no argument"),
		Long: `Make the key file (the configured one) that the first start seals the keys with. Run as root it
belongs to the group of the data directory's owner, who may read it. It does nothing where the
data directory holds keys already, or where systemd gives a credential; the unit runs it before
each start.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			if appliance.HasKeys(cfg.Data) || cfg.Credentials != "" && hasCredential(cfg.Credentials) {
				return nil
			}
			made, err := makeForOwner(cfg.Key, cfg.Data)
			if err == nil && made {
				o.say("Made %s. Keep a copy apart from this machine and from its backups.", cfg.Key)
			}
			return err
		},
	}
}

// hasCredential reports whether systemd's folder of credentials holds the key's.
func hasCredential(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, appliance.KeyCredential))
	return err == nil
}
