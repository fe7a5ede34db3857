package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance"
	"chatets/appliance/client"
	"chatets/appliance/config"
	"chatets/appliance/fault"
	"chatets/embed"
)

// A service is what a command talks to: the running one, or an appliance of its own.
type service struct {
	*client.Client
	own  *appliance.Appliance // nil = the running one
	stop context.CancelFunc
	done chan error
}

// with runs a command's work against the service and ends what it started. The
// data directory must be there.
func (o *options) with(cmd *cobra.Command, work func(s *service) error) error {
	return o.serviceFor(cmd, false, work)
}

// withNew is with for what may come first on a new machine: the data directory
// is made where it is not there.
func (o *options) withNew(cmd *cobra.Command, work func(s *service) error) error {
	return o.serviceFor(cmd, true, work)
}

func (o *options) serviceFor(cmd *cobra.Command, mayMake bool, work func(s *service) error) error {
	cfg, err := o.config(cmd)
	if err != nil {
		return err
	}
	s, err := o.connect(cmd.Context(), cfg, mayMake)
	if err != nil {
		return err
	}
	return errors.Join(work(s), s.close())
}

// connect reaches the running service, and where none runs starts the appliance
// in this process under the lock, with the socket as its only door.
func (o *options) connect(ctx context.Context, cfg config.Config, mayMake bool) (*service, error) {
	s, err := o.running(ctx, cfg)
	if err == nil || fault.Of(err).Code != client.Absent {
		return s, err
	}
	s = &service{Client: client.New(cfg.Socket, o.owner)}
	if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) && !mayMake {
		return nil, fault.New(fault.NotFound, "There is no data directory %s.", cfg.Data).
			Cure("Name it with --data, or make it: chatets serve").Because(err)
	}
	if err := o.unlocking(ctx, &cfg); err != nil {
		return nil, err
	}
	if err := becomeOwner(cfg.Data); err != nil {
		return nil, err
	}
	cfg.Listen = "" // the socket is its only door
	if s.own, err = newAppliance(ctx, cfg, o.quietLog(cfg)); err != nil {
		return nil, err
	}
	// A command that is stopped still ends its appliance in order.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.done = stop, make(chan error, 1)
	go func() { s.done <- s.own.Run(run) }()
	select {
	case <-s.own.Ready():
		return s, nil
	case err := <-s.done:
		stop()
		return nil, errors.Join(err, s.own.Close())
	}
}

// running is the service that runs already; where none does the fault's code is
// client.Absent.
func (o *options) running(ctx context.Context, cfg config.Config) (*service, error) {
	s := &service{Client: client.New(cfg.Socket, o.owner)}
	if err := s.Probe(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// close stops what connect started.
func (s *service) close() error {
	s.Client.Close()
	if s.own == nil {
		return nil
	}
	s.stop()
	err := <-s.done
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, s.own.Close())
}

func newAppliance(ctx context.Context, cfg config.Config, log *slog.Logger) (*appliance.Appliance, error) {
	return appliance.New(ctx, cfg, assets(), log, version)
}

// assets are what is compiled in.
func assets() appliance.Assets {
	weights, _ := embed.Weights() // without them passages are found by their words
	return appliance.Assets{UI: embed.UI(), Samples: embed.Samples(), Weights: weights}
}

// quietLog is the log of an appliance that lives for one command: only what
// fails, unless a level was asked for.
func (o *options) quietLog(cfg config.Config) *slog.Logger {
	if cfg.Origin("log-level") == "default" {
		cfg.LogLevel = "error"
	}
	cfg.LogFormat = "text"
	return o.logger(cfg)
}

// list is one page of the API.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// each follows the pages of a list to its end.
func each[T any](ctx context.Context, s *service, path string, do func(T) error) error {
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	for next := ""; ; {
		at := path + join + "limit=100"
		if next != "" {
			at += "&cursor=" + url.QueryEscape(next)
		}
		var page list[T]
		if err := s.Call(ctx, "GET", at, nil, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := do(item); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		next = page.Next
	}
}

// all collects a list.
func all[T any](ctx context.Context, s *service, path string) ([]T, error) {
	var items []T
	err := each(ctx, s, path, func(item T) error {
		items = append(items, item)
		return nil
	})
	return items, err
}
