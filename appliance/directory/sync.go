package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// batch is how many people are written in one transaction.
const batch = 100

// completeEvery is how old a pass through everything may get: in between only
// entries are read that changed.
const completeEvery = 24 * time.Hour

// mode is what a synchronisation does.
type mode struct {
	dryRun bool
	full   bool
}

// sync goes through a directory and brings the people here in step. Whatever
// goes wrong on the way leaves what was written until then, and disables nobody.
func (d *Directories) sync(ctx context.Context, dir Directory, m mode, told func(done, total int, note string) error) (SyncResult, error) {
	d.taking.Lock()
	defer d.taking.Unlock()
	r := SyncResult{DryRun: m.dryRun, Full: m.full, Problems: []LeftOut{}}
	links, err := d.store.links(ctx, dir.ID)
	if err != nil {
		return r, err
	}
	t, err := d.open(ctx, dir, nil)
	d.answered(dir, err)
	if err != nil {
		return r, err
	}
	defer t.Close()
	g, err := t.graphOf(ctx)
	if err != nil {
		return r, err
	}
	r.Groups = len(g.groups)
	run := &pass{d: d, dir: dir, graph: g, links: links, mode: m, result: &r, seen: make(map[string]bool, len(links))}
	if !m.dryRun && dir.Settings.Groups {
		if run.groups, err = d.store.takeGroups(ctx, d.accounts, dir, g.groups); err != nil {
			return r, err
		}
	}
	if err := run.through(ctx, t, told); err != nil {
		return r, err
	}
	if m.full {
		if err := run.vanished(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

// link is the bond between an entry and a person.
type link struct {
	person, dn, name string
	digest           string
	missing          time.Time // zero = it is there
	disabled         bool      // by this directory
	off              bool      // the person is disabled, by whomever
}

// pass is one way through a directory.
type pass struct {
	d      *Directories
	dir    Directory
	graph  *graph
	groups map[string]string // key of a group of the directory -> id here
	links  map[string]link
	mode   mode
	result *SyncResult
	seen   map[string]bool
	wait   []wanted
}

// through reads the people and writes what differs.
func (p *pass) through(ctx context.Context, t *talk, told func(done, total int, note string) error) error {
	filter := t.scheme.personFilter
	if !p.mode.full {
		// A minute back, because clocks differ and entries change while they are read.
		since := p.dir.Synced.Add(-time.Minute).UTC()
		filter = fmt.Sprintf("(&%s(%s>=%s))", filter, t.scheme.changed, since.Format("20060102150405")+suffix(t.scheme))
	}
	err := t.each(ctx, t.scheme.base, filter, t.scheme.personAttributes(), func(e *ldap.Entry) error {
		one, why := t.scheme.read(e, p.d.now())
		p.result.People++
		if why != "" {
			p.result.problem(e.DN, why)
			return nil
		}
		w, in := p.dir.want(one, p.graph)
		if !in {
			p.result.People--
			return nil
		}
		if p.seen[w.key] {
			return nil
		}
		p.seen[w.key] = true
		p.wait = append(p.wait, w)
		if p.result.People%pageSize == 0 {
			if err := told(p.result.People, len(p.links), "reading people"); err != nil {
				return err
			}
		}
		return p.write(ctx, batch)
	})
	if err != nil {
		return err
	}
	return p.write(ctx, 1)
}

// suffix ends a moment as the directory writes it.
func suffix(c scheme) string {
	if c.preset == ActiveDirectory {
		return ".0Z"
	}
	return "Z"
}

// write takes over what waits, once it is at least so many.
func (p *pass) write(ctx context.Context, least int) error {
	if len(p.wait) < least {
		return nil
	}
	var fresh []wanted
	for _, w := range p.wait {
		had, known := p.links[w.key]
		switch {
		case !known && w.why != "": // was never here and may not come in
		case known && had.digest == string(w.digest()) && had.missing.IsZero():
		default:
			fresh = append(fresh, w)
		}
	}
	p.wait = p.wait[:0]
	if len(fresh) == 0 {
		return nil
	}
	if p.mode.dryRun {
		return p.preview(ctx, fresh)
	}
	took, err := p.d.store.take(ctx, p.d.accounts, p.dir, p.groups, p.links, fresh)
	if err != nil {
		return err
	}
	p.result.add(took)
	return nil
}

func (r *SyncResult) add(took SyncResult) {
	r.Added += took.Added
	r.Changed += took.Changed
	r.Disabled += took.Disabled
	r.Enabled += took.Enabled
	for _, problem := range took.Problems {
		r.problem(problem.DN, problem.Why)
	}
}

// preview counts what write would do.
func (p *pass) preview(ctx context.Context, fresh []wanted) error {
	for _, w := range fresh {
		had, known := p.links[w.key]
		if !known {
			_, err := p.d.accounts.ByEmail(ctx, w.email)
			switch {
			case err == nil:
				p.result.problem(w.dn, taken)
			case !fault.Is(err, fault.NotFound):
				return err
			default:
				p.result.Added++
				p.result.planned("add", w.dn, w.name)
			}
			continue
		}
		switch {
		case w.why != "" && !had.off:
			p.result.Disabled++
			p.result.planned("disable", w.dn, w.name, w.why)
			continue
		case w.why == "" && had.disabled:
			p.result.Enabled++
			p.result.planned("enable", w.dn, w.name)
			continue
		}
		var what []string
		person, err := p.d.accounts.ByID(ctx, had.person)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if person.Name != w.name {
			what = append(what, "name")
		}
		if person.Email != w.email {
			what = append(what, "email")
		}
		if had.dn != w.dn {
			what = append(what, "place")
		}
		if len(what) == 0 {
			what = []string{"groups, roles or names to sign in with"}
		}
		p.result.Changed++
		p.result.planned("change", w.dn, w.name, what...)
	}
	return nil
}

// taken is why an entry is left out whose address somebody else has here.
const taken = "Somebody with this e-mail address is here already; accounts are not joined by themselves."

// vanished disables who is gone, after the grace and within the brake.
func (p *pass) vanished(ctx context.Context) error {
	var gone []string
	had := 0
	for key, l := range p.links {
		if l.off {
			continue
		}
		had++
		if !p.seen[key] {
			gone = append(gone, key)
		}
	}
	if err := p.dir.brake(len(gone), had); err != nil {
		return err
	}
	now := p.d.now()
	grace := time.Duration(p.dir.Settings.GraceDays) * 24 * time.Hour
	var over, begins []string
	for _, key := range gone {
		l := p.links[key]
		switch {
		case grace == 0, !l.missing.IsZero() && now.Sub(l.missing) >= grace:
			over = append(over, key)
			p.result.planned("disable", l.dn, l.name, "gone")
		default:
			p.result.Missing++
			if l.missing.IsZero() {
				begins = append(begins, key)
			}
			p.result.planned("miss", l.dn, l.name)
		}
	}
	if p.mode.dryRun {
		p.result.Disabled += len(over)
		return nil
	}
	n, err := p.d.store.leave(ctx, p.d.accounts, p.dir, p.links, over, begins)
	p.result.Disabled += n
	return err
}

// system acts for ChatETS itself.
func system(ctx context.Context, workspace string) context.Context {
	return actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID, Workspace: workspace})
}
