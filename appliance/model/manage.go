package model

import (
	"context"
	"slices"
	"strings"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// Limits of what is said of a model.
const (
	maxAliases = 20
	maxAccess  = 500
	leastTo    = 512        // tokens of context; less takes no question
	mostTo     = 10_000_000 // tokens of context; more has no model
)

// Change is what changes of a model; nil fields stay.
type Change struct {
	Label             *string
	Enabled, Everyone *bool
	Access            *[]Access
	Aliases           *[]string
	Context           *int     // 0 = found out
	Temperature       *float64 // below 0 = the model's own
	Default           *bool
}

// List lists the models that who may use, by name; with all, those an
// administrator manages: every one.
func (m *Models) List(ctx context.Context, who actor.Actor, all bool) ([]Model, error) {
	r := reachOf(who)
	if all {
		if err := who.Need(who.Administers()); err != nil {
			return nil, err
		}
		r.manages = true
	}
	return m.store.models(ctx, r, "")
}

// Model is one model for an administrator.
func (m *Models) Model(ctx context.Context, id string) (Model, error) {
	if _, err := administers(ctx); err != nil {
		return Model{}, err
	}
	return m.store.model(ctx, id)
}

// Change changes a model for everybody.
func (m *Models) Change(ctx context.Context, id string, c Change) (Model, error) {
	if _, err := administers(ctx); err != nil {
		return Model{}, err
	}
	// Of two who change a model at once, neither takes back what the other did.
	m.change.Lock()
	defer m.change.Unlock()
	before, err := m.store.model(ctx, id)
	if err != nil {
		return Model{}, err
	}
	after, changed, err := m.changedModel(ctx, before, c)
	if err != nil {
		return Model{}, err
	}
	if len(changed) > 0 {
		if err := m.store.changeModel(ctx, after, modelEntry(after, changed)); err != nil {
			return Model{}, err
		}
	}
	if c.Default != nil {
		if err := m.setDefault(ctx, after, *c.Default); err != nil {
			return Model{}, err
		}
	}
	m.tell("models")
	return m.store.model(ctx, id)
}

// changedModel is a model with a change applied and checked, and the names of
// what is different.
func (m *Models) changedModel(ctx context.Context, before Model, c Change) (after Model, changed []string, err error) {
	after = before
	note := func(what string, different bool) {
		if different {
			changed = append(changed, what)
		}
	}
	if c.Label != nil {
		if after.Label, err = label(*c.Label); err != nil {
			return after, nil, err
		}
		if after.Label == before.Name {
			after.Label = ""
		}
		note("label", after.Label != before.Label)
	}
	if c.Enabled != nil {
		after.Enabled = *c.Enabled
		note("enabled", after.Enabled != before.Enabled)
	}
	if c.Everyone != nil {
		after.Everyone = *c.Everyone
		note("everyone", after.Everyone != before.Everyone)
	}
	if c.Access != nil {
		if after.Access, err = m.accessList(ctx, before.Access, *c.Access); err != nil {
			return after, nil, err
		}
		note("access", !slices.Equal(after.Access, before.Access))
	}
	if c.Aliases != nil {
		if after.Aliases, err = aliases(before.Name, *c.Aliases); err != nil {
			return after, nil, err
		}
		note("aliases", !slices.Equal(after.Aliases, before.Aliases))
	}
	if c.Context != nil {
		if after.Context, err = contextWanted(before, *c.Context); err != nil {
			return after, nil, err
		}
		note("context", after.Context != before.Context)
	}
	if c.Temperature != nil {
		if after.Temperature = c.Temperature; *c.Temperature < 0 {
			after.Temperature = nil
		}
		note("temperature", (after.Temperature == nil) != (before.Temperature == nil) || after.Temperature != nil && *after.Temperature != *before.Temperature)
	}
	return after, changed, nil
}

func label(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	return account.Name("body.label", text)
}

// contextWanted is a length of context that the model can have.
func contextWanted(of Model, n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	if n < leastTo || n > mostTo {
		return 0, wrong("body.context", "Give a number of tokens from 512 on; 0 lets ChatETS find it out.")
	}
	for _, p := range of.Places {
		if p.live() && p.MaxContext > 0 && n > p.MaxContext {
			return 0, fault.New(fault.Invalid, "The model takes at most %d tokens on the server %s.", p.MaxContext, p.ServerName).
				With(fault.Detail{Field: "body.context", Sentence: "This is more than the model can take."})
		}
	}
	return n, nil
}

// aliases are other names of a model, each once and in order.
func aliases(name string, list []string) ([]string, error) {
	all := []string{}
	for _, alias := range list {
		alias = plainName(strings.TrimSpace(alias))
		switch {
		case !nameOK(alias), alias == Extractive:
			return nil, wrong("body.aliases", "An alias is a name of at most 200 characters without line breaks.")
		case alias == name:
			return nil, wrong("body.aliases", "An alias is another name than the model's own.")
		}
		all = append(all, alias)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) > maxAliases {
		return nil, wrong("body.aliases", "A model has at most 20 aliases.")
	}
	return all, nil
}

// accessList is a list of who may use a model, each once and in order. Whoever
// is new in it must exist; who is gone since may stay.
func (m *Models) accessList(ctx context.Context, before, list []Access) ([]Access, error) {
	all := []Access{}
	var fresh []string
	for _, a := range list {
		if a.Kind != "person" && a.Kind != "group" && a.Kind != "workspace" || a.ID == "" {
			return nil, wrong("body.access", "Access is given to a person, a group or a workspace by its id.")
		}
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
		if !slices.Contains(before, a) {
			fresh = append(fresh, a.ID)
		}
	}
	if len(all) > maxAccess {
		return nil, wrong("body.access", "At most 500 entries: give access to a group instead.")
	}
	names, err := m.accounts.Names(ctx, fresh)
	if err != nil {
		return nil, err
	}
	for _, id := range fresh {
		if _, known := names[id]; !known || id == actor.SystemID {
			return nil, wrong("body.access", "There is no person, group or workspace of an id in the list.")
		}
	}
	slices.SortFunc(all, func(a, b Access) int { return strings.Compare(a.Kind+" "+a.ID, b.Kind+" "+b.ID) })
	return all, nil
}

// setDefault makes a model the one that answers where nobody chose, or ends that.
func (m *Models) setDefault(ctx context.Context, of Model, is bool) error {
	was := of.goesBy(plainName(m.standard.Get(ctx)))
	switch {
	case is == was:
		return nil
	case !is:
		return m.standard.Set(ctx, "")
	case of.Embedding:
		return fault.New(fault.Invalid, "The model %s makes vectors for searching and cannot chat.", shown(of.Name)).Code(inference.CodeCannot).Cure("Choose another model.")
	case !of.Enabled:
		return fault.New(fault.Conflict, "The model %s is switched off.", shown(of.Name)).Cure("Switch it on first.")
	}
	return m.standard.Set(ctx, of.Name)
}

// modelEntry is the record of a change of a model: what changed, and who may
// use it now.
func modelEntry(after Model, changed []string) audit.Entry {
	detail := map[string]any{"model": after.Name, "changed": changed, "enabled": after.Enabled, "everyone": after.Everyone}
	if slices.Contains(changed, "access") {
		list := []string{}
		for _, a := range after.Access {
			list = append(list, a.Kind+":"+a.ID)
		}
		detail["access"] = list
	}
	if slices.Contains(changed, "context") {
		detail["context"] = after.Context
	}
	return audit.Entry{Act: "model.change", ObjectKind: "model", Object: after.ID, Detail: detail}
}
