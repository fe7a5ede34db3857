package main

import (
	"github.com/spf13/cobra"
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
