package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"chatets/appliance/config"
)

func newServe(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: `Run the service until it gets SIGINT or SIGTERM; a second one ends it at once.
The data directory and its key are made on first use. While no owner exists it prints
a one-time link that makes the first administrator.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			if err := becomeOwner(cfg.Data); err != nil {
				return err
			}
			return o.serve(cmd.Context(), cfg)
		},
	}
	for _, f := range []struct{ name, help string }{
		{"listen", "address and port to serve (default 127.0.0.1:8080); plain HTTP is for loopback only"},
		{"base-url", "how people reach the service (default the address)"},
		{"log-format", "auto, json or text"},
		{"trusted-proxies", "addresses or networks whose X-Forwarded-For is believed"},
	} {
		o.flags[f.name] = cmd.Flags().String(f.name, "", f.help)
	}
	return cmd
}

func (o *options) serve(ctx context.Context, cfg config.Config) (err error) {
	a, err := open(ctx, cfg, o.logger(cfg))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- a.Run(run) }()
	select {
	case <-a.Ready():
		o.welcome(a.Addr(), a.SetupLink())
		// Outside systemd there is nobody to notify, and that is no error.
		if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
			fmt.Fprintln(o.err, sentence(err))
		}
		err = <-done
	case err = <-done:
	}
	if _, notifyErr := daemon.SdNotify(false, daemon.SdNotifyStopping); notifyErr != nil {
		fmt.Fprintln(o.err, sentence(notifyErr))
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// welcome tells a person where to go; it is printed on standard output, the log
// goes to standard error.
func (o *options) welcome(addr, link string) {
	fmt.Fprintf(o.out, "ChatETS %s serves http://%s\n", version, addr)
	if link != "" {
		fmt.Fprintf(o.out, "Open this link once to make the first administrator:\n  %s\n", link)
	}
}

// logger writes JSON for machines and text for a person at a terminal.
func (o *options) logger(cfg config.Config) *slog.Logger {
	var level slog.Level
	// config.Load has checked the word.
	_ = level.UnmarshalText([]byte(cfg.LogLevel))
	options := &slog.HandlerOptions{Level: level}
	asText := cfg.LogFormat == "text" || cfg.LogFormat == "auto" && o.interactive()
	if asText {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}
