// Command chatets is ChatETS: the service and everything an operator does, in
// one binary.
//
// What a newcomer gets wrong: commands do not open the data directory. They talk
// to the running service over its Unix socket, and only where none runs do they
// start the same appliance for themselves, with the socket as its only door.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"chatets/appliance"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	// The process that reads one document for the service is no command for people.
	if len(os.Args) > 1 && os.Args[1] == appliance.ExtractChild {
		return appliance.RunExtractChild(os.Stdin, os.Stdout, os.Args[2:])
	}
	if err := keepPrivate(); err != nil {
		fmt.Fprintln(os.Stderr, sentence(err))
		return exitFailed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends gracefully; after it the second one ends at once.
	context.AfterFunc(ctx, stop)
	t := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	return execute(ctx, t, os.Args[1:])
}
