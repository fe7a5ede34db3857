package main

import (
	"os"

	"github.com/spf13/cobra"

	"chatets/appliance"
)

// newExtractChild is the process that reads one document for the service. It is
// no command for people: what it takes and gives is the service's own.
func newExtractChild() *cobra.Command {
	return &cobra.Command{
		Use: appliance.ExtractChild, Short: "Read one document for the service, inside a fence", Hidden: true,
		DisableFlagParsing: true,
		Run:                func(_ *cobra.Command, args []string) { os.Exit(appliance.RunExtractChild(os.Stdin, os.Stdout, args)) },
	}
}
