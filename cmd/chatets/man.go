package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"chatets/appliance/fault"
)

// newMan writes the manual pages; the packages call it when they are made.
func newMan(*options) *cobra.Command {
	var made int64
	cmd := &cobra.Command{
		Use: "man FOLDER", Short: "Write the manual pages into a folder", Hidden: true, Args: exactly(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fault.New(fault.Invalid, "The folder %s cannot be made.", args[0]).Cure("Name one that you may write in.").Because(err)
			}
			date := time.Unix(made, 0).UTC()
			cmd.Root().DisableAutoGenTag = true
			return doc.GenManTree(cmd.Root(), &doc.GenManHeader{Section: "1", Source: "ChatETS " + version, Manual: "ChatETS", Date: &date}, args[0])
		},
	}
	cmd.Flags().Int64Var(&made, "time", 0, "Unix `seconds` of the date on the pages")
	return cmd
}
