package directory

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// wanted is what a person of a directory should be here.
type wanted struct {
	key, dn      string
	email, name  string
	logins       []string
	why          string                // why disabled, "" = not
	installation actor.Role            // the role in the installation, where a rule gives one
	places       map[string]actor.Role // workspace -> role
	groups       []string              // keys of groups of the directory, sorted
}

// digest is the same for two that need no writing.
func (w wanted) digest() []byte {
	text, err := json.Marshal([]any{w.dn, w.email, w.name, w.logins, w.why, w.installation, w.places, w.groups})
	if err != nil { // texts have a form
		panic("directory: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return sum[:16]
}

// want decides what becomes of an entry; false where the settings let it not in.
func (d Directory) want(p entry, g *graph) (wanted, bool) {
	w := wanted{key: p.key, dn: p.dn, email: p.email, name: p.name, logins: p.logins, why: p.why, places: map[string]actor.Role{}}
	in := g.of(p)
	if d.Settings.Only != "" && !g.names(in, d.Settings.Only) {
		return w, false
	}
	if d.Settings.Role != actor.None {
		w.places[d.Workspace] = d.Settings.Role
	}
	for _, r := range d.Settings.Rules {
		if !g.names(in, r.Group) {
			continue
		}
		place := r.Workspace
		if place == "" {
			place = d.Workspace
		}
		if higher(r.Role, w.places[place]) {
			w.places[place] = r.Role
		}
		if higher(r.Installation, w.installation) {
			w.installation = r.Installation
		}
	}
	if d.Settings.Groups {
		for _, n := range in {
			if key := g.groups[n].key; key != "" && g.groups[n].name != "" {
				w.groups = append(w.groups, key)
			}
		}
		slices.Sort(w.groups)
	}
	return w, true
}

// higher reports whether a is a role above b, of the same scope.
func higher(a, b actor.Role) bool {
	order := []actor.Role{actor.None, actor.Guest, actor.Member, actor.Editor, actor.Auditor, actor.Admin}
	return slices.Index(order, a) > slices.Index(order, b)
}

// brake stops a synchronisation that would disable too many: more likely a wrong
// filter, or half a directory, than as many leavers at once.
func (d Directory) brake(gone, had int) error {
	percent := d.Settings.BrakePercent
	if percent <= 0 || percent >= 100 || gone <= 5 || had == 0 || gone*100 <= had*percent {
		return nil
	}
	return fault.New(fault.Conflict, "%d of %d people are gone from the directory, more than %d percent. Nobody was disabled.", gone, had, percent).Code("directory-brake").
		Cure("Check base and filter. If it is right, raise the limit for this directory and synchronise again.")
}

func tooManyGroups() error {
	return fault.New(fault.Conflict, "The directory has more than %d groups.", maxGroups).Code("directory-groups").
		Cure("Narrow the base or the filter of groups to those that matter here.")
}

// problems collects what cannot be taken over, so many that a person reads them.
func (r *SyncResult) problem(dn, why string) {
	r.Skipped++
	if len(r.Problems) < 100 {
		r.Problems = append(r.Problems, LeftOut{DN: dn, Why: why})
	}
}

func (r *SyncResult) planned(act, dn, name string, what ...string) {
	if r.DryRun && len(r.Changes) < 1000 {
		r.Changes = append(r.Changes, SyncChange{Act: act, DN: dn, Name: name, What: what})
	}
}

// validGroup reports whether a group's name can be one here.
func trimName(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	if r := []rune(name); len(r) > 200 {
		name = string(r[:200])
	}
	return name
}
