// Command chrononaut installs and reads the history of tables. See
// "chrononaut --help" and docs/command.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // for systems that have no time zones of their own

	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second Ctrl-C ends the program at once.
	os.Exit(cli.Run(ctx, cli.System(), os.Args[1:]))
}
