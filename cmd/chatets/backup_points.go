package main

import (
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance"
)

// backupPoint is a state that can be restored, as the API tells it.
type backupPoint struct {
	At          time.Time `json:"at"`
	Line        uint64    `json:"line"`
	Transaction uint64    `json:"transaction"`
}

type backupPoints struct {
	Items []backupPoint `json:"items"`
	More  bool          `json:"more"`
}

func newBackupPoints(o *options) *cobra.Command {
	var r restoreFlags
	var name, since, until, step string
	var limit int
	cmd := &cobra.Command{
		Use: "points", Short: "List the points that a backup target can give back, the newest first", Args: exactly(0, "no argument"),
		Long: `List the points that a backup target can give back, the newest first: of each hour the newest,
or of each second, minute or day (--step). With --from a target is asked that no service copies to,
as after the loss of a machine; that takes no key.`,
		Example: `  chatets backup points
  chatets backup points --step second --since "2026-03-01 11:50" --until "2026-03-01 12:00"
  chatets backup points --from file:///mnt/backup/chatets`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := restoreTime(since)
			if err != nil {
				return err
			}
			to, err := restoreTime(until)
			if err != nil {
				return err
			}
			if limit < 1 || limit > 1000 {
				return wrongUse("give a number from 1 to 1000", "%d is no limit", limit)
			}
			if r.from != "" {
				return o.pointsFrom(cmd, r, from, to, step, limit)
			}
			return o.with(cmd, func(s *service) error {
				q := url.Values{"step": {step}, "limit": {strconv.Itoa(limit)}}
				if name != "" {
					t, err := targetNamed(cmd, s, name)
					if err != nil {
						return err
					}
					q.Set("target", t.ID)
				}
				for key, at := range map[string]time.Time{"from": from, "to": to} {
					if !at.IsZero() {
						q.Set(key, at.UTC().Format(time.RFC3339Nano))
					}
				}
				var got backupPoints
				if err := s.Call(cmd.Context(), "GET", "/api/backup/points?"+q.Encode(), nil, &got); err != nil {
					return err
				}
				return o.showPoints(got)
			})
		},
	}
	r.addTarget(cmd)
	f := cmd.Flags()
	f.StringVar(&name, "target", "", "`name` of the target, where there are several")
	f.StringVar(&since, "since", "", "not older than this `time`")
	f.StringVar(&until, "until", "", "not newer than this `time`")
	f.StringVar(&step, "step", "hour", "of each `stretch` the newest point: second, minute, hour or day")
	f.IntVar(&limit, "limit", 200, "at most this `number`")
	return cmd
}

// pointsFrom asks a target without any service.
func (o *options) pointsFrom(cmd *cobra.Command, r restoreFlags, from, to time.Time, step string, limit int) error {
	access, err := o.access(cmd.Context(), r)
	if err != nil {
		return err
	}
	list, more, err := appliance.PointsAt(cmd.Context(), access, from, to, step, limit)
	if err != nil {
		return err
	}
	got := backupPoints{Items: []backupPoint{}, More: more}
	for _, p := range list {
		got.Items = append(got.Items, backupPoint{At: p.Time, Line: p.Line, Transaction: p.Transaction})
	}
	return o.showPoints(got)
}

func (o *options) showPoints(got backupPoints) error {
	if o.json {
		return o.printJSON(got)
	}
	err := o.rows([]string{"at", "line", "transaction"}, func(row func(...any) error) error {
		for _, p := range got.Items {
			if err := row(p.At.Local().Format("2006-01-02 15:04:05.000"), p.Line, p.Transaction); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && got.More {
		o.say("There are older ones: --limit, --until or --step day shows them.")
	}
	return err
}
