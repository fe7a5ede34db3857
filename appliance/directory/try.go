package directory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// DirectoryStep is one step of a test: the question as it was put, and what came back.
type DirectoryStep struct {
	Name   string `json:"name" enum:"connect,tls,bind,search,person,password,groups,account"`
	OK     bool   `json:"ok"`
	Query  string `json:"query" doc:"The literal question."`
	Answer string `json:"answer"`
	Error  string `json:"error,omitempty"`
	Cure   string `json:"cure,omitempty"`
	Millis int64  `json:"millis"`
}

// Test asks a directory all that a sign-in and a synchronisation ask, and stops
// at the first step that goes wrong. Nothing is taken over.
func (d *Directories) Test(ctx context.Context, id, person, password string) ([]DirectoryStep, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	dir, err := d.store.one(ctx, id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	begun := d.now()
	list := []DirectoryStep{}
	note := steps(func(name, query, answer string, err error) {
		step := DirectoryStep{Name: name, OK: err == nil, Query: query, Answer: answer, Millis: d.now().Sub(begun).Milliseconds()}
		if err != nil {
			step.Error, step.Cure = fault.Of(err).Sentence, fault.Of(err).Cure
		}
		list, begun = append(list, step), d.now()
	})
	if !dir.Enabled {
		return nil, fault.New(fault.Conflict, "The directory is switched off.").Cure("Switch it on first.")
	}
	d.look(ctx, dir, person, password, note)
	ok := len(list) > 0 && list[len(list)-1].OK
	e := audit.Entry{Act: "directory.test", ObjectKind: "directory", Object: dir.ID, Detail: map[string]any{"steps": len(list), "ok": ok}}
	return list, d.store.acted(ctx, e)
}

// look goes the steps; each is noted where it happens.
func (d *Directories) look(ctx context.Context, dir Directory, typed, password string, note steps) {
	t, err := d.open(ctx, dir, note)
	d.answered(dir, err)
	if err != nil {
		return
	}
	defer t.Close()
	got, err := t.search(t.scheme.base, ldap.ScopeWholeSubtree, 5, t.scheme.personFilter, t.scheme.personAttributes())
	query := fmt.Sprintf("%s below %s, at most 5", t.scheme.personFilter, t.scheme.base)
	if err == nil && len(got.Entries) == 0 {
		err = fault.New(fault.NotFound, "No person was found.").Code("directory-empty").Cure("Check the base and the filter, and that the service account may read there.")
	}
	if err != nil {
		note("search", query, "", err)
		return
	}
	var names []string
	for _, e := range got.Entries {
		names = append(names, e.DN)
	}
	note("search", query, strings.Join(names, "\n"), nil)
	found := got.Entries[0]
	if typed != "" {
		query = t.scheme.find(withoutDomain(typed, dir))
		if found, err = t.find(withoutDomain(typed, dir)); err == nil && found == nil {
			err = fault.New(fault.NotFound, "Nobody, or more than one, is called so.").Cure("Check the attribute people sign in with.")
		}
		if err != nil {
			note("person", query, "", err)
			return
		}
	} else {
		query = "the first of them, because no person was named"
	}
	p, why := t.scheme.read(found, d.now())
	if why != "" {
		note("person", query, found.DN, fault.New(fault.Invalid, "%s", why).Cure("Choose other attributes, or leave the entry out with the filter."))
		return
	}
	state := "may sign in"
	if p.why != "" {
		state = "may not sign in: " + p.why
	}
	note("person", query, fmt.Sprintf("%s\nname: %s\ne-mail: %s\nsigns in with: %s\nkey: %s\n%s", p.dn, p.name, p.email, strings.Join(p.logins, ", "), p.key, state), nil)
	if password != "" {
		refused, err := d.prove(ctx, dir, found.DN, password)
		if err == nil && refused != "" {
			err = fault.New(fault.Conflict, "The directory refused the password: %s.", refused).Cure("Type it again; a locked or expired account is mended in the directory.")
		}
		note("password", "bind as "+found.DN, "accepted", err)
		if err != nil {
			return
		}
	}
	g, err := t.walk(p, note)
	if err != nil {
		return
	}
	w, in := dir.want(p, g)
	if !in {
		note("account", "what would become of the person", "", fault.New(fault.Forbidden, "The person is not in the group %s.", shown(dir.Settings.Only)).
			Cure("Put the person into the group, or let everybody in."))
		return
	}
	var places []string
	for _, role := range w.places {
		places = append(places, string(role))
	}
	answer := "workspace role: " + strings.Join(places, ", ")
	if w.installation != "" {
		answer += "\nrole in the installation: " + string(w.installation)
	}
	note("account", "what would become of the person", answer, nil)
}
