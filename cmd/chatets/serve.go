package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"chatets/appliance"
	"chatets/appliance/config"
)

func newServe(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: `Run the service until it gets SIGINT or SIGTERM; a second one ends it at once.
The data directory and its key are made on first use. While there is no owner it prints
a one-time link that makes the first administrator.`,
		Example: "  chatets serve --listen 127.0.0.1:8080 --data ./data",
		Args:    exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			if cfg.Listen == "" {
				return wrongUse("give an address, for example 127.0.0.1:8080", "the service needs an address to listen on")
			}
			if err := o.unlocking(cmd.Context(), &cfg); err != nil {
				return err
			}
			if err := becomeOwner(cfg.Data); err != nil {
				return err
			}
			moreProcessors()
			return o.serve(cmd.Context(), cfg)
		},
	}
	for _, f := range []struct{ name, help string }{
		{"listen", "`address` and port to serve (default 127.0.0.1:8080); plain HTTP is for loopback only"},
		{"base-url", "`URL` under which people reach the service (default the address)"},
		{"log-format", "`format` of the log: auto, json or text (auto is text on a terminal)"},
		{"trusted-proxies", "`addresses` or networks whose X-Forwarded-For is believed"},
		{"models", "`folder` that model files (GGUF) are imported from"},
	} {
		o.flags[f.name] = cmd.Flags().String(f.name, "", f.help)
	}
	return cmd
}

// moreProcessors lets Go run two threads more than there are processors. Its own
// scheduler knows no priorities: with as many threads as processors a request
// waits until those that read and index documents are interrupted, some ten
// milliseconds. The kernel lets it go first at once.
func moreProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
}

func (o *options) serve(ctx context.Context, cfg config.Config) error {
	log := o.logger(cfg)
	var watch sync.Once // data that was restored serves anew
	defer context.AfterFunc(ctx, func() {
		log.Info("stopping; a second signal ends it at once")
		notify(log, daemon.SdNotifyStopping)
	})()
	return ended(appliance.Serve(ctx, cfg, assets(), log, version, func(a *appliance.Appliance) {
		o.welcome(a.Addr(), a.SetupLink())
		notify(log, daemon.SdNotifyReady)
		watch.Do(func() { go watched(ctx, cfg, log) })
	}))
}

// ended is how a run ended: by its context is as it should be.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// notify tells systemd; where nobody asked to be told it does nothing.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd was not told", "state", state, "error", err)
	}
}

// welcome tells a person where to go. It is printed on standard output; the log
// goes to standard error.
func (o *options) welcome(addr, link string) {
	fmt.Fprintf(o.out, "ChatETS %s serves http://%s\n", version, addr)
	if link != "" {
		fmt.Fprintf(o.out, "Open this link once to make the first administrator:\n  %s\n", link)
	}
}

// logger writes JSON for machines and text for a person at a terminal.
func (o *options) logger(cfg config.Config) *slog.Logger {
	_, person := columns(o.err)
	return appliance.NewLogger(o.err, cfg.LogFormat == "text" || cfg.LogFormat == "auto" && person, cfg.LogLevel)
}

// newSetUpLink asks the running service: the link lives in its memory alone.
func newSetUpLink(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "setup-link",
		Short: "Print the one-time link that makes the first administrator",
		Long:  "Print the one-time link that makes the first administrator, while there is none.\nOnly the running service knows it; it is another one after each start.",
		Args:  exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config(cmd)
			if err != nil {
				return err
			}
			s, err := o.running(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			var answer struct {
				Link string `json:"link"`
			}
			if err := s.Call(cmd.Context(), "POST", "/api/operator/setup-link", nil, &answer); err != nil {
				return errors.Join(err, s.close())
			}
			if o.json {
				return errors.Join(o.printJSON(answer), s.close())
			}
			o.say("%s", answer.Link)
			return s.close()
		},
	}
}
