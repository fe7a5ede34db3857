package main

import (
	"context"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// backupDrill is what the API says of a drill.
type backupDrill struct {
	ID         string     `json:"id"`
	Target     string     `json:"target"`
	TargetName string     `json:"targetName"`
	Nightly    bool       `json:"nightly"`
	State      string     `json:"state"`
	StartedAt  time.Time  `json:"startedAt"`
	EndedAt    *time.Time `json:"endedAt,omitempty"`
	TookMs     int64      `json:"tookMs"`
	PointAt    *time.Time `json:"pointAt,omitempty"`
	LostMs     int64      `json:"lostMs"`
	Bytes      int64      `json:"bytes"`
	Files      int64      `json:"files"`
	FileBytes  int64      `json:"fileBytes"`
	People     int64      `json:"people"`
	Searched   bool       `json:"searched"`
	Why        string     `json:"why,omitempty"`
	Cure       string     `json:"cure,omitempty"`
	Step       string     `json:"step,omitempty"`
	Done       int64      `json:"done,omitempty"`
	Total      int64      `json:"total,omitempty"`
}

func (d backupDrill) over() bool { return d.State != "waiting" && d.State != "running" }

// drillPoll is how often a drill is asked how far it is.
const drillPoll = 200 * time.Millisecond

func newDrill(o *options) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "drill", Short: "Restore from the backup targets beside the data, to see whether it can be done",
		Long: `Restore from a backup target, or from all in turn, into a scratch folder beside the
data, read all of it, open it, read the sign-ins, search, and take it away again. One
thirtieth of the files is read, another one each time. It happens every night too
(setting backup.drillHour). It needs free space of twice the size of the database.
Interrupting the command cancels the drill.`,
		Example: "  chatets backup drill --target Disk\n  chatets backup drill list",
		Args:    exactly(0, "no argument; name a target with --target"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				in := map[string]any{}
				if name != "" {
					t, err := targetNamed(cmd, s, name)
					if err != nil {
						return err
					}
					in["target"] = t.ID
				}
				var begun struct {
					Items []backupDrill `json:"items"`
				}
				if err := s.Call(cmd.Context(), "POST", "/api/backup/drills", in, &begun); err != nil {
					return err
				}
				var ended []backupDrill
				for _, d := range begun.Items {
					d, err := o.followDrill(cmd.Context(), s, d)
					if err != nil {
						return err
					}
					ended = append(ended, d)
				}
				return o.sayDrills(ended)
			})
		},
	}
	cmd.Flags().StringVar(&name, "target", "", "`name` of the target (default all of them)")
	cmd.AddCommand(newDrillList(o))
	return cmd
}

func drillsOf(ctx context.Context, s *service) ([]backupDrill, error) {
	var got struct {
		Items []backupDrill `json:"items"`
	}
	err := s.Call(ctx, "GET", "/api/backup/drills?limit=200", nil, &got)
	return got.Items, err
}

// followDrill waits for the end of a drill. Who is interrupted cancels it.
func (o *options) followDrill(ctx context.Context, s *service, d backupDrill) (backupDrill, error) {
	bar := o.bar(d.TargetName)
	defer bar.end()
	cancelled := false
	for !d.over() {
		select {
		case <-ctx.Done():
			if !cancelled {
				cancelled = true
				err := s.Call(context.WithoutCancel(ctx), "POST", "/api/backup/drills/"+url.PathEscape(d.ID)+"/cancel", nil, nil)
				if err != nil && fault.Of(err).Code != "drill-over" {
					return d, err
				}
			}
		case <-time.After(drillPoll):
		}
		list, err := drillsOf(context.WithoutCancel(ctx), s)
		if err != nil {
			return d, err
		}
		for _, now := range list {
			if now.ID == d.ID {
				d = now
			}
		}
		step := d.Step
		if step == "" {
			step = d.State
		}
		bar.show(step, d.Done, d.Total)
	}
	return d, nil
}

// sayDrills tells how drills ended; one that failed is the command's failure.
func (o *options) sayDrills(list []backupDrill) error {
	var failed error
	for _, d := range list {
		took := (time.Duration(d.TookMs) * time.Millisecond).Round(100 * time.Millisecond)
		switch d.State {
		case "passed":
			lost := "nothing would have been lost"
			if d.LostMs > 0 {
				lost = (time.Duration(d.LostMs) * time.Millisecond).Round(100*time.Millisecond).String() + " of changes would have been lost"
			}
			if !o.json {
				o.say("%s gives the data back: %s of database and %d files (%s) in %s; %s.", d.TargetName, size(d.Bytes), d.Files, size(d.FileBytes), took, lost)
			}
		case "cancelled":
			failed = fault.New(fault.Cancelled, "The drill of %s was cancelled.", d.TargetName)
		default:
			failed = fault.New(fault.Conflict, "The drill of %s failed. %s", d.TargetName, d.Why).Code("drill-failed").Cure("%s", d.Cure)
			if !o.json && len(list) > 1 {
				o.say("%s does not give the data back: %s", d.TargetName, d.Why)
			}
		}
	}
	if o.json {
		if err := o.printJSON(map[string]any{"items": list}); err != nil {
			return err
		}
	}
	return failed
}

func newDrillList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the drills, the newest first", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				list, err := drillsOf(cmd.Context(), s)
				if err != nil {
					return err
				}
				return o.rows([]string{"started", "target", "state", "took", "database", "files", "lost", "why", "id"}, func(row func(...any) error) error {
					for _, d := range list {
						took := (time.Duration(d.TookMs) * time.Millisecond).Round(100 * time.Millisecond).String()
						lost := (time.Duration(d.LostMs) * time.Millisecond).Round(100 * time.Millisecond).String()
						if err := row(d.StartedAt.Local().Format(time.DateTime), d.TargetName, d.State, took, d.Bytes, d.Files, lost, d.Why, d.ID); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}
