package sso

import (
	"slices"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// maxGroups is how many groups of one person are read; more is a mistake of the
// provider, or somebody's attempt to fill the tables.
const maxGroups = 1000

// wanted is what a person of a provider should be here.
type wanted struct {
	installation actor.Role
	places       map[string]actor.Role // workspace -> role
	groups       []string
}

// want decides what becomes of a person; what does not let it in is the error.
func (p Provider) want(id Identity) (wanted, error) {
	if len(id.Groups) > maxGroups {
		return wanted{}, fault.New(fault.Forbidden, "The provider names %d groups of one person; at most 1000 are read.", len(id.Groups)).Code("sso-groups").
			Cure("Let the provider send only the groups that matter here.")
	}
	if p.Settings.Only != "" && !slices.ContainsFunc(id.Groups, same(p.Settings.Only)) {
		return wanted{}, fault.New(fault.Forbidden, "The person is not in the group %s.", shown(p.Settings.Only)).Code("sso-group").
			Cure("Put the person into the group at the provider, check that the provider sends groups, or let everybody in.")
	}
	w := wanted{places: map[string]actor.Role{}}
	if p.Settings.Role != actor.None {
		w.places[p.Workspace] = p.Settings.Role
	}
	for _, r := range p.Settings.Rules {
		if !slices.ContainsFunc(id.Groups, same(r.Group)) {
			continue
		}
		place := r.Workspace
		if place == "" {
			place = p.Workspace
		}
		if higher(r.Role, w.places[place]) {
			w.places[place] = r.Role
		}
		if higher(r.Installation, w.installation) {
			w.installation = r.Installation
		}
	}
	if p.Settings.Groups {
		for _, g := range id.Groups {
			if name := trimName(g); name != "" {
				w.groups = append(w.groups, name)
			}
		}
		slices.Sort(w.groups)
		w.groups = slices.Compact(w.groups)
	}
	return w, nil
}

// same compares names of groups without case, as directories do.
func same(name string) func(string) bool {
	return func(other string) bool { return strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(other)) }
}

// higher reports whether a is a role above b, of the same scope.
func higher(a, b actor.Role) bool {
	order := []actor.Role{actor.None, actor.Guest, actor.Member, actor.Editor, actor.Auditor, actor.Admin}
	return slices.Index(order, a) > slices.Index(order, b)
}

// trimName makes a name of a group that can be one here.
func trimName(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	if r := []rune(name); len(r) > 200 {
		name = string(r[:200])
	}
	return name
}

// shown is text from outside as it may stand in a sentence.
func shown(text string) string {
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// givesInstallationRoles reports whether the provider decides who administers.
func (p Provider) givesInstallationRoles() bool {
	return slices.ContainsFunc(p.Settings.Rules, func(r SignOnRule) bool { return r.Installation != "" })
}
