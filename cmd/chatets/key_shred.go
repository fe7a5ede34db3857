package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
	"chatets/appliance/table"
)

// shred is one thing that is made unreadable, as the API tells it.
type shred struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	Subject string     `json:"subject"`
	Asked   time.Time  `json:"asked"`
	Removed *time.Time `json:"removed,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	Carried []carried  `json:"carried"`
}

// carried is an archive that still holds what is shredded.
type carried struct {
	ID   string    `json:"id"`
	Kind string    `json:"kind"`
	Name string    `json:"name"`
	Made time.Time `json:"made"`
	By   string    `json:"by"`
	Key  uint32    `json:"key"`
}

// mostCarried is how many of them are named to a person.
const mostCarried = 20

// sayCarried names the archives that a shredding cannot reach.
func (o *options) sayCarried(list []carried) {
	for i, c := range list {
		if i == mostCarried {
			o.say("  and %d older ones: chatets backup list", len(list)-i)
			return
		}
		where := c.Name
		switch {
		case c.Kind == "set":
			where = "a set in the target " + c.Name
		case c.Name == "-":
			where = "an archive that was sent without a name"
		}
		o.say("  %s, made %s, opens with keys up to %d (%s)", where, day(c.Made), c.Key, c.ID)
	}
}

func (sh shred) line() string {
	what := table.Clean(fmt.Sprintf("Shredding of %s %s, asked %s: ", sh.Kind, sh.Subject, day(sh.Asked)))
	switch {
	case sh.Ended != nil:
		return what + "ended " + day(*sh.Ended) + "; unreadable on this machine since then."
	case sh.Removed != nil && sh.Until != nil:
		return what + "rows and files are gone since " + day(*sh.Removed) + "; the key of old pages is destroyed after " + day(*sh.Until) + "."
	case sh.Removed != nil:
		return what + "rows and files are gone since " + day(*sh.Removed) + "; pages are being sealed anew."
	}
	return what + "rows and files are being removed."
}

func newKeyShred(o *options) *cobra.Command {
	var confirmed string
	cmd := &cobra.Command{
		Use: "shred WORKSPACE|PERSON", Short: "Make a workspace or a person unreadable, for ever", Args: exactly(1, "the name of a workspace or a person's e-mail address"),
		Long: `Make a workspace, by name or id, or a person, by e-mail address, unreadable; it cannot be undone.
Their rows are deleted and the keys of their files destroyed at once; the pages that held the
rows are sealed anew in the background, and when the old key is destroyed nothing of them can
be read from this data directory (chatets key status shows the date). Of a person go the
account, the conversations and the knowledge bases that nobody else may read; what was shared
stays. Backup targets follow when the last old key expires in them. Portable archives that were
made before cannot be reached: destroy them, or the recovery key of their time.`,
		Example: "  chatets key shred 'Cardiology' --confirm 'Cardiology'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if confirmed != args[0] {
				return wrongUse(fmt.Sprintf("chatets key shred '%s' --confirm '%s'", args[0], args[0]), "this cannot be undone: say what goes a second time")
			}
			return o.with(cmd, func(s *service) error {
				kind, id, err := shredSubject(cmd.Context(), s, args[0])
				if err != nil {
					return err
				}
				var sh shred
				if err := s.Call(cmd.Context(), "POST", "/api/operator/keys/shred", map[string]string{"kind": kind, "subject": id}, &sh); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(sh)
				}
				o.say("The %s %s is being shredded; chatets key status says when it has ended.", kind, args[0])
				if len(sh.Carried) == 0 {
					o.say("No archive is known that still holds it.")
					return nil
				}
				o.say("These archives still hold it and cannot be reached: destroy them, or the recovery key of their time, then chatets backup forget ID.")
				o.sayCarried(sh.Carried)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&confirmed, "confirm", "", "the same `name` again")
	return cmd
}

// shredSubject finds what is meant: an e-mail address is a person.
func shredSubject(ctx context.Context, s *service, name string) (kind, id string, err error) {
	if strings.Contains(name, "@") {
		people, err := all[person](ctx, s, "/api/people?everyone=true&q="+url.QueryEscape(name))
		for _, p := range people {
			if strings.EqualFold(p.Email, name) {
				return "person", p.ID, nil
			}
		}
		if err == nil {
			err = fault.New(fault.NotFound, "There is no person with the e-mail address %s.", name)
		}
		return "", "", err
	}
	type workspace struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	workspaces, err := all[workspace](ctx, s, "/api/workspaces")
	for _, w := range workspaces {
		if w.ID == name || w.Name == name {
			return "workspace", w.ID, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "There is no workspace %q.", name)
	}
	return "", "", err
}
