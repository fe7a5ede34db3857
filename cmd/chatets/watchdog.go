package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"chatets/appliance/client"
	"chatets/appliance/config"
	"chatets/appliance/fault"
)

// watched tells systemd's watchdog that the service answers, as long as it does:
// through its own socket, as a command would ask. A service that hangs is told
// nothing of and is started again. Where nobody watches it returns at once.
func watched(ctx context.Context, cfg config.Config, log *slog.Logger) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every <= 0 {
		return
	}
	c := client.New(cfg.Socket, "")
	defer c.Close()
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, every/3)
		err := c.Probe(asked)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case fault.Of(err).Code == client.Absent: // between two lives: restored data takes the place of the old
			notify(log, daemon.SdNotifyWatchdog)
		case err != nil:
			log.Warn("the service does not answer itself; the watchdog is not told that it lives", "error", err)
		default:
			notify(log, daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
