package model

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// maxModels is how many models of one server are taken.
const maxModels = 1000

// discover lists the models of a server and keeps them.
func (m *Models) discover(ctx context.Context, l *link, client inference.Client) error {
	asking, stop := context.WithTimeout(ctx, discoverTimeout)
	defer stop()
	list, err := client.Models(asking)
	var loaded []inference.Loaded
	known := false
	if err == nil {
		loaded, known, err = client.Loaded(asking)
	}
	m.mu.Lock()
	current := m.links[l.id] == l
	id, kind := l.id, l.server.Kind
	was := l.unlisted
	l.unlisted = Problem{}
	if err != nil {
		l.unlisted = problemOf(err)
	}
	l.discoverAt = m.now().Add(m.pace.discover)
	if err != nil {
		l.discoverAt = m.now().Add(m.pace.probe)
	}
	told := was != l.unlisted
	m.mu.Unlock()
	switch {
	case !current:
		return noServer(id)
	case err != nil:
		if told && ctx.Err() == nil {
			m.tell("servers")
		}
		return err
	}
	found := foundModels(kind, list)
	if known {
		remember(found, loaded)
	}
	changed, err := m.store.discovered(ctx, id, found, m.newModels.Get(ctx) == forEveryone)
	if err != nil {
		return err
	}
	slots, err := m.store.slots(ctx)
	if err != nil {
		return err
	}
	m.serve(id, slots[id])
	if changed || told {
		m.tell("servers", "models")
	}
	return nil
}

// found is a model that a server lists, with the name ChatETS gives it.
type found struct {
	name string
	inference.Model
	loadedContext int
}

// foundModels are the models of a list that can be used: a name that cannot be
// shown or asked for is left out, and of two with one name the first stays.
func foundModels(kind inference.Kind, list []inference.Model) []found {
	var all []found
	seen := map[string]bool{}
	for _, one := range list {
		name := one.Name
		if kind == inference.Ollama {
			name = plainName(name)
		}
		if !nameOK(name) || name == Extractive || seen[name] || len(all) >= maxModels {
			continue
		}
		seen[name] = true
		all = append(all, found{name: name, Model: one})
	}
	return all
}

func nameOK(name string) bool {
	return name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxName && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// remember marks the models that are in memory.
func remember(all []found, loaded []inference.Loaded) {
	for i := range all {
		at := slices.IndexFunc(loaded, func(l inference.Loaded) bool { return plainName(l.Model) == plainName(all[i].Model.Name) })
		all[i].Loaded = at >= 0
		if at >= 0 {
			all[i].loadedContext = loaded[at].Context
		}
	}
}

// Refresh looks at a server now: how it is and which models it has.
func (m *Models) Refresh(ctx context.Context, id string) error {
	if _, err := administers(ctx); err != nil {
		return err
	}
	if _, err := m.store.server(ctx, id); err != nil {
		return err
	}
	l, client := m.linked(id)
	if client == nil {
		return switchedOff(l)
	}
	m.probe(ctx, l, client)
	if m.doubtful(l) {
		m.probe(ctx, l, client)
	}
	if err := m.discover(ctx, l, client); err != nil {
		return outside(err)
	}
	return nil
}

// doubtful reports whether the last look went wrong and another has to confirm it.
func (m *Models) doubtful(l *link) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return l.failed == 1 && l.health.State != stateDown
}

func switchedOff(l *link) error {
	if l != nil {
		return fault.New(fault.Conflict, "%s", l.health.Why).Cure("%s", l.health.Cure)
	}
	return fault.New(fault.Conflict, "This model server is switched off.").Code("server-off").Cure("Switch it on first.")
}

// outside is the failure of a server as an answer to an administrator. What
// nobody classed is the server's fault, not a mistake of ChatETS.
func outside(err error) error {
	if err == nil || fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Unavailable, "The model server did not do what it was asked.").Code(inference.CodeBroken).
		Cure("Look into its log.").Because(err)
}
