package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"chatets/appliance"
	"chatets/appliance/client"
	"chatets/appliance/config"
	"chatets/appliance/fault"
	"chatets/appliance/table"
	"chatets/embed"
)

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// A service is what a command talks to: the running one, or an appliance of its own.
type service struct {
	*client.Client
	own  *appliance.Appliance
	stop context.CancelFunc
	done chan error
}

// connect reaches the running service, and where none runs starts the appliance
// in this process under the lock, with the socket as its only door.
func (o *options) connect(cmd *cobra.Command) (*service, error) {
	cfg, err := o.config(cmd)
	if err != nil {
		return nil, err
	}
	ctx := cmd.Context()
	s := &service{Client: client.New(cfg.Socket, o.owner)}
	if s.Reachable(ctx) {
		return s, nil
	}
	if err := becomeOwner(cfg.Data); err != nil {
		return nil, err
	}
	if s.own, err = open(ctx, cfg, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	var run context.Context
	run, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.done = make(chan error, 1)
	go func() { s.done <- s.own.RunOffline(run) }()
	select {
	case <-s.own.Ready():
		return s, nil
	case err := <-s.done:
		s.stop()
		return nil, errors.Join(err, s.own.Close())
	}
}

// settle waits until the work this command added is done, where nobody else
// would do it.
func (s *service) settle(ctx context.Context) error {
	if s.own == nil {
		return nil
	}
	return s.own.Idle(ctx)
}

// close stops what connect started.
func (s *service) close() error {
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

func open(ctx context.Context, cfg config.Config, log *slog.Logger) (*appliance.Appliance, error) {
	return appliance.New(ctx, cfg, appliance.Assets{UI: embed.UI(), Samples: embed.Samples()}, log, version)
}

// with runs a command's work against the service and closes it.
func (o *options) with(cmd *cobra.Command, work func(s *service) error) error {
	s, err := o.connect(cmd)
	if err != nil {
		return err
	}
	return errors.Join(work(s), s.close())
}

// becomeOwner drops root for the owner of the data directory, so that a command
// run as root leaves no file that the service cannot open.
func becomeOwner(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil // a directory that is not there yet has no owner; New says what is wrong with it
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups([]int{int(owner.Gid)}) },
		func() error { return syscall.Setgid(int(owner.Gid)) },
		func() error { return syscall.Setuid(int(owner.Uid)) },
	} {
		if err := step(); err != nil {
			return fault.New(fault.Forbidden, "The command cannot work as the owner of the data directory.").
				Cure("Run it as user %d.", owner.Uid).Because(err)
		}
	}
	return nil
}

// printJSON writes a value the way --json promises.
func (o *options) printJSON(value any) error {
	e := json.NewEncoder(o.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// list is one page of the API.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// all follows the pages of a list to its end.
func all[T any](ctx context.Context, s *service, path string) ([]T, error) {
	var items []T
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	for next := ""; ; {
		var page list[T]
		at := path + join + "limit=100"
		if next != "" {
			at += "&cursor=" + next
		}
		if err := s.Call(ctx, "GET", at, nil, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if next = page.Next; next == "" {
			return items, nil
		}
	}
}

// rows prints a list as a table, or as JSON with --json.
func (o *options) rows(columns []string, each func(row func(cells ...any) error) error) error {
	format := table.Text
	if o.json {
		format = table.JSON
	}
	w, err := table.New(o.out, format, columns...)
	if err != nil {
		return err
	}
	return errors.Join(each(w.Row), w.Close())
}

// say prints a line with foreign text made harmless.
func (o *options) say(format string, args ...any) {
	fmt.Fprintln(o.out, table.Clean(fmt.Sprintf(format, args...)))
}
