package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// backupSet is a set that a target holds, as the API tells it.
type backupSet struct {
	ID       string    `json:"id"`
	Made     time.Time `json:"made"`
	Database int64     `json:"database"`
}

// setTarget is the backup target that a name means where an archive could be meant
// too: a name with a slash or a dot is a file.
func setTarget(cmd *cobra.Command, s *service, name string) (t backupTarget, found bool, err error) {
	if strings.ContainsAny(name, "/.") || name == "-" {
		return t, false, nil
	}
	t, err = targetNamed(cmd, s, name)
	if fault.Is(err, fault.NotFound) {
		return t, false, nil
	}
	return t, err == nil, err
}

func setsPath(t backupTarget) string {
	return "/api/backup/targets/" + url.PathEscape(t.ID) + "/sets"
}

func (o *options) createSet(cmd *cobra.Command, s *service, t backupTarget) error {
	var begun struct {
		ID string `json:"id"`
	}
	if err := s.Call(cmd.Context(), "POST", setsPath(t), nil, &begun); err != nil {
		return err
	}
	bar := o.bar(t.Name)
	defer bar.end()
	made, err := waitSet(cmd.Context(), s, begun.ID, func() { bar.show("writing the set", 0, 0) })
	bar.end()
	switch {
	case err != nil:
		return err
	case made.State != "whole":
		return fault.New(fault.Unavailable, "%s", made.Why).Code("archive-broken").Cure("%s What is in the target already is not written again.", made.Cure)
	}
	if o.json {
		if err := o.printJSON(made); err != nil {
			return err
		}
		return lacking(made.Damaged)
	}
	o.say("%s holds a set of %s: %s, %s written.", t.Name, day(made.Made), count(made.Files, "file"), size(made.Bytes))
	o.say("Check it: chatets backup verify %s", t.Name)
	return lacking(made.Damaged)
}

// waitSet waits for the end of a set. Whoever stops waiting does not stop it.
func waitSet(ctx context.Context, s *service, id string, told func()) (made archiveMade, err error) {
	for {
		told()
		if err := s.Call(ctx, "GET", "/api/backup/archives/"+url.PathEscape(id), nil, &made); err != nil || made.State != "begun" {
			return made, err
		}
		select {
		case <-ctx.Done():
			return made, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (o *options) listSets(cmd *cobra.Command, s *service, t backupTarget) error {
	var got struct {
		Items []backupSet `json:"items"`
	}
	if err := s.Call(cmd.Context(), "GET", setsPath(t), nil, &got); err != nil {
		return err
	}
	return o.rows([]string{"made", "database", "id"}, func(row func(...any) error) error {
		for _, set := range got.Items {
			if err := row(day(set.Made), o.bytes(set.Database), set.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// verifySet lets the service read a set to its end.
func (o *options) verifySet(cmd *cobra.Command, s *service, t backupTarget, set, recovery string) error {
	var got struct {
		ID       string    `json:"id"`
		Made     time.Time `json:"made"`
		Database int64     `json:"database"`
		Files    int       `json:"files"`
		Damaged  int       `json:"damaged"`
	}
	if err := s.Call(cmd.Context(), "POST", setsPath(t)+"/verify", map[string]string{"set": set, "recovery": recovery}, &got); err != nil {
		return err
	}
	if o.json {
		if err := o.printJSON(got); err != nil {
			return err
		}
		return lacking(got.Damaged)
	}
	o.say("The set %s in %s is whole: made %s, a database of %s, %s.", got.ID, t.Name, day(got.Made), size(got.Database), count(got.Files, "file"))
	return lacking(got.Damaged)
}

func newSetPrune(o *options) *cobra.Command {
	var days int
	cmd := &cobra.Command{
		Use: "prune TARGET --keep-days N", Short: "Delete old sets from a backup target", Args: exactly(1, "the name of a target"),
		Long: "Delete the sets of a backup target that are older than some days, but never the newest, and then\nthe files that no kept set needs. What is copied continuously has its own times and is not touched.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if days < 1 {
				return wrongUse("chatets backup prune TARGET --keep-days 90", "say for how many days sets are kept")
			}
			return o.with(cmd, func(s *service) error {
				t, err := targetNamed(cmd, s, args[0])
				if err != nil {
					return err
				}
				var got struct {
					Sets  int `json:"sets"`
					Files int `json:"files"`
					Kept  int `json:"kept"`
				}
				if err := s.Call(cmd.Context(), "POST", setsPath(t)+"/prune", map[string]int{"keepDays": days}, &got); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(got)
				}
				o.say("%s deleted from %s, and %s that none needs any more; %s kept.", count(got.Sets, "set"), t.Name, count(got.Files, "file"), count(got.Kept, "set"))
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&days, "keep-days", 0, "`days` that sets are kept")
	return cmd
}
