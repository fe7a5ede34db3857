package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/client"
	"chatets/appliance/config"
	"chatets/appliance/fault"
	"chatets/appliance/table"
)

// A state is the result of one check.
type state string

const (
	good state = "ok"
	warn state = "warn"
	bad  state = "fail"
)

// finding is one line of the doctor.
type finding struct {
	Check  string `json:"check"`
	State  state  `json:"state"`
	Detail string `json:"detail"`
	Cure   string `json:"cure,omitempty"`
}

// examination is one visit of the doctor.
type examination struct {
	o        *options
	cfg      config.Config
	findings []finding
	damaged  error // what makes the exit code 6
	fresh    bool  // there is no data yet
}

func newDoctor(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, key, disk, database, scanner and audit record",
		Long: `Check what an operator would look at first, with a cure under each finding. While the
service runs it is asked; while it is stopped its data is opened as a start would open it.
The exit code is 1 when a check failed and 6 when data is damaged.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			x := examination{o: o}
			var err error
			if x.cfg, err = o.config(cmd); err != nil {
				return err
			}
			if err := x.examine(cmd.Context()); err != nil {
				return err
			}
			if err := x.show(); err != nil {
				return err
			}
			return x.verdict()
		},
	}
}

func (x *examination) note(check string, s state, cure, format string, args ...any) {
	x.findings = append(x.findings, finding{Check: check, State: s, Detail: fmt.Sprintf(format, args...), Cure: cure})
}

// failed notes an error as a finding; what is damaged counts more than a failure.
func (x *examination) failed(check string, err error) {
	r := fault.Of(err)
	x.note(check, bad, r.Cure, "%s", r.Sentence)
	if exitCode(err) == exitIntegrity {
		x.damaged = errors.Join(x.damaged, err)
	}
}

// examine runs the checks in the order in which a start would fail. Its error
// is that of a command that was stopped.
func (x *examination) examine(ctx context.Context) error {
	x.configuration()
	x.data()
	x.key()
	x.disk()
	s, err := x.o.running(ctx, x.cfg)
	switch absent := fault.Of(err).Code == client.Absent; {
	case err == nil:
		x.service(ctx, s)
		x.inside(ctx, s)
		return errors.Join(ctx.Err(), s.close())
	case !absent:
		x.failed("service", err)
		return ctx.Err()
	}
	x.note("service", warn, "start it: chatets serve", "does not run")
	x.address(ctx)
	if x.fresh || !x.lock() {
		return ctx.Err()
	}
	s, err = x.o.connect(ctx, x.cfg, false)
	if err != nil {
		x.failed("database", err)
		return ctx.Err()
	}
	x.inside(ctx, s)
	return errors.Join(ctx.Err(), s.close())
}

// service asks the running service what it says of itself.
func (x *examination) service(ctx context.Context, s *service) {
	var health struct {
		Version string `json:"version"`
	}
	if err := s.Call(ctx, "GET", "/health", nil, &health); err != nil {
		x.failed("service", err)
		return
	}
	if health.Version != version {
		x.note("service", warn, "restart it, so that service and command are the same", "runs version %s, this command is %s", health.Version, version)
	} else {
		x.note("service", good, "", "runs and answers on %s", x.cfg.Socket)
	}
	var ready struct {
		Checks []struct {
			Name   string `json:"name"`
			OK     bool   `json:"ok"`
			Detail string `json:"detail"`
		} `json:"checks"`
	}
	if err := s.Call(ctx, "GET", "/ready", nil, &ready); err != nil {
		x.failed("readiness", err)
		return
	}
	x.alerts(ctx, s)
	for _, c := range ready.Checks {
		if !c.OK {
			x.note("readiness", bad, "look into the log of the service", "%s: %s", c.Name, c.Detail)
		}
	}
}

// alerts are what the running service has noticed.
func (x *examination) alerts(ctx context.Context, s *service) {
	var got struct {
		Items []struct {
			Name   string `json:"name"`
			Object string `json:"object"`
			Grave  bool   `json:"grave"`
			Why    string `json:"why"`
			Cure   string `json:"cure"`
		} `json:"items"`
	}
	if err := s.Call(ctx, "GET", "/api/alerts", nil, &got); err != nil {
		x.failed("alerts", err)
		return
	}
	for _, a := range got.Items {
		if a.Name == "disk-low" {
			continue // the disk has a line of its own
		}
		state := warn
		if a.Grave {
			state = bad
		}
		x.note("alert", state, strings.TrimSuffix(a.Cure, "."), "%s", a.Why)
	}
}

// inside checks what only an opened data directory can tell.
func (x *examination) inside(ctx context.Context, s *service) {
	var checked struct {
		Schema int64 `json:"schema"`
	}
	if err := s.Call(ctx, "POST", "/api/operator/check", nil, &checked); err != nil {
		x.failed("database", err)
	} else {
		x.note("database", good, "", "opens with this key, schema %d, every page is sound", checked.Schema)
	}
	x.scanner(ctx, s)
	report, err := verifyAudit(ctx, s)
	if err == nil {
		err = report.err()
	}
	if err != nil {
		x.failed("audit", err)
		return
	}
	x.note("audit", good, "", "the record is whole, %d rows", report.Rows)
}

func (x *examination) show() error {
	if x.o.json {
		return x.o.printJSON(x.findings)
	}
	for _, f := range x.findings {
		x.o.say("%-4s  %-13s  %s", f.State, f.Check, f.Detail)
		if f.Cure != "" {
			for i, line := range table.Wrap(f.Cure, readable-25) {
				x.o.say("%23s%s%s", "", []string{"-> ", "   "}[min(i, 1)], line)
			}
		}
	}
	return nil
}

func (x *examination) verdict() error {
	if x.damaged != nil {
		return integrity{x.damaged}
	}
	var names []string
	for _, f := range x.findings {
		if f.State == bad {
			names = append(names, f.Check)
		}
	}
	if len(names) > 0 {
		return fault.New(fault.Conflict, "%d of %d checks failed: %s.", len(names), len(x.findings), strings.Join(names, ", ")).
			Cure("What to do stands under each")
	}
	return nil
}
