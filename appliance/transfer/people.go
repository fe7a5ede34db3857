// Package transfer brings in what comes as a file from elsewhere: people from
// CSV or JSON.
//
// What a newcomer gets wrong: a file is checked to its end before a line of it
// is written, unless the administrator wants each line for itself. Every
// problem is told with the number of its line, so that the file can be mended.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Limits of one file.
const (
	maxLines    = 200_000
	maxProblems = 1000
	maxLinks    = 10_000
	batch       = 200 // people written in one transaction
)

// Line is one person of a file.
type Line struct {
	Number    int // in the file, from 1; of JSON the number of the person
	Email     string
	Name      string
	Workspace string // name; "" = the administrator's
	Role      actor.Role
	Admin     bool // of the installation
	Groups    []string
}

// Options say how a file is taken in.
type Options struct {
	Format string // csv or json
	DryRun bool
	Lines  bool              // each line for itself; otherwise all or nothing
	Invite bool              // makes a link for each new person to set a password with
	Map    map[string]string // field -> column, where the header does not say it
}

// LineProblem is a line that cannot be taken in.
type LineProblem struct {
	Line     int    `json:"line"`
	Field    string `json:"field,omitempty"`
	Sentence string `json:"sentence"`
}

// Invitation is a link for one new person.
type Invitation struct {
	Email string `json:"email"`
	Link  string `json:"link"`
}

// ImportResult is what a file came to.
type ImportResult struct {
	Lines       int           `json:"lines" doc:"People that the file holds."`
	Added       int           `json:"added"`
	Existing    int           `json:"existing" doc:"People who were here already; only workspace and groups were added to them."`
	Failed      int           `json:"failed" doc:"Lines that were not taken in."`
	DryRun      bool          `json:"dryRun"`
	Problems    []LineProblem `json:"problems" doc:"At most 1000."`
	Invitations []Invitation  `json:"invitations,omitempty" doc:"Links to set a password with, each good once."`
}

func (r *ImportResult) problem(line int, err error) {
	r.Failed++
	if len(r.Problems) >= maxProblems {
		return
	}
	told := fault.Of(err)
	p := LineProblem{Line: line, Sentence: strings.TrimSpace(told.Sentence)}
	if len(told.Details) > 0 {
		p.Field = strings.TrimPrefix(told.Details[0].Field, "body.")
	}
	r.Problems = append(r.Problems, p)
}

// Transfers takes files in. Make it with New.
type Transfers struct {
	store    store
	accounts *account.Accounts
	notify   func(workspace, person, noun, id string)
	log      *slog.Logger
}

// People takes people in from a file.
func (t *Transfers) People(ctx context.Context, body io.Reader, o Options) (ImportResult, error) {
	who := actor.From(ctx)
	if err := who.Need(who.Administers()); err != nil {
		return ImportResult{}, err
	}
	place := who.Workspace
	if place == "" { // the operator is in none
		first, err := t.accounts.First(ctx)
		if err != nil {
			return ImportResult{}, err
		}
		place = first.ID
	}
	r := ImportResult{DryRun: o.DryRun, Problems: []LineProblem{}}
	taken := map[string]int{} // e-mail address -> line
	var wait []Line
	var ids []string // of the people this file added
	write := func(least int) error {
		if len(wait) < least || len(wait) == 0 {
			return nil
		}
		lines := wait
		wait = nil
		if o.DryRun {
			return t.store.preview(ctx, place, lines, &r)
		}
		added, err := t.store.take(ctx, t.accounts, place, lines, o, &r)
		ids = append(ids, added...)
		return err
	}
	err := read(body, o, func(line Line, wrong error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.Lines++; r.Lines > maxLines {
			return fault.New(fault.TooLarge, "The file holds more than %d people.", maxLines).Cure("Cut it into parts.")
		}
		if wrong == nil {
			line, wrong = checked(line)
		}
		if wrong == nil && taken[line.Email] > 0 {
			wrong = fault.New(fault.Invalid, "The e-mail address stands in line %d already.", taken[line.Email]).With(fault.Detail{Field: "email"})
		}
		if wrong == nil && line.Admin {
			wrong = account.MayGive(who, actor.Admin)
		}
		if wrong != nil {
			r.problem(line.Number, wrong)
			return nil
		}
		taken[line.Email] = line.Number
		wait = append(wait, line)
		if !o.Lines {
			return nil // nothing is written before the last line was read
		}
		return write(batch)
	})
	if err != nil {
		return r, err
	}
	if !o.Lines {
		if err := t.whole(ctx, place, wait, o, &r, &ids); err != nil {
			return r, err
		}
	} else if err := write(1); err != nil {
		return r, err
	}
	if !o.DryRun && t.notify != nil && r.Added+r.Existing > 0 {
		t.notify(place, "", "person", "")
		t.notify(place, "", "group", "")
	}
	return r, nil
}

// whole takes all lines in, or none: they are checked against what is here
// first, and if something goes wrong while they are written, what was written
// is taken back.
func (t *Transfers) whole(ctx context.Context, place string, lines []Line, o Options, r *ImportResult, ids *[]string) error {
	check := ImportResult{DryRun: true}
	for part := range slices.Chunk(lines, batch) {
		if err := t.store.preview(ctx, place, part, &check); err != nil {
			return err
		}
	}
	r.Failed += check.Failed
	r.Problems = append(r.Problems, check.Problems...)
	if len(r.Problems) > maxProblems {
		r.Problems = r.Problems[:maxProblems]
	}
	if o.DryRun || r.Failed > 0 {
		r.Added, r.Existing = check.Added, check.Existing
		if !o.DryRun {
			r.Added, r.Existing = 0, 0
		}
		return nil
	}
	for part := range slices.Chunk(lines, batch) {
		added, err := t.store.take(ctx, t.accounts, place, part, o, r)
		*ids = append(*ids, added...)
		if err == nil && r.Failed == 0 {
			continue
		}
		// Somebody else added one of them at this moment, or the disk is full.
		undone := t.store.undo(context.WithoutCancel(ctx), *ids)
		r.Added, r.Existing, r.Invitations = 0, 0, nil
		return errors.Join(err, undone)
	}
	return nil
}

// checked is a line in its one form.
func checked(l Line) (Line, error) {
	var err error
	if l.Email, err = account.Email("email", l.Email); err != nil {
		return l, err
	}
	if strings.TrimSpace(l.Name) == "" {
		l.Name, _, _ = strings.Cut(l.Email, "@")
	}
	if l.Name, err = account.Name("name", l.Name); err != nil {
		return l, err
	}
	if l.Role == actor.None {
		l.Role = actor.Member
	}
	if !slices.Contains([]actor.Role{actor.Admin, actor.Editor, actor.Member, actor.Guest}, l.Role) {
		return l, fault.New(fault.Invalid, "%q is no role of a workspace: admin, editor, member or guest.", string(l.Role)).With(fault.Detail{Field: "role"})
	}
	for i, g := range l.Groups {
		if l.Groups[i], err = account.Name("groups", g); err != nil {
			return l, err
		}
	}
	return l, nil
}

func unreadable(format string, args ...any) error {
	return fault.New(fault.Invalid, "%s", fmt.Sprintf(format, args...)).Code("file-unreadable").
		Cure("The first line of a CSV file names its columns: email, name, groups, workspace, role. JSON is a list of objects with these names.")
}
