package model

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
)

// Model is a model as an administrator sees it.
type Model struct {
	ID, Name, Label  string
	Embedding        bool // makes vectors, does not chat
	Enabled          bool
	Everyone         bool // may use it; otherwise only Access
	Context          int  // tokens somebody set; 0 = found out
	Temperature      *float64
	Aliases          []string
	Access           []Access
	Places           []Place
	Created, Changed time.Time // Changed is zero while nobody changed what discovery made
}

// Access lets a person, a group or a workspace use a model.
type Access struct {
	Kind string `json:"kind"` // "person", "group" or "workspace"
	ID   string `json:"id"`
}

// Place is a model on a server.
type Place struct {
	Server, ServerName string // id and name
	Kind               inference.Kind
	Flavour            string
	Enabled            bool // the server is in use
	inference.Model         // as it is there
	LoadedContext      int  // tokens; 0 unknown
	Seen, Gone         time.Time
	TokensPerSecond    float64 // as measured; 0 unknown
}

// live reports whether the place can be asked, as far as rows know.
func (p Place) live() bool { return p.Enabled && p.Gone.IsZero() }

// Lengths of context in tokens where nobody says one. A model that is loaded
// with all it could take needs memory that most machines lack.
const (
	ownContext     = 8192    // of servers that load as they are told
	carefulContext = 4096    // of a server that does not say what it gives
	largeContext   = 100_000 // of a service that does not say what it gives
)

// tokens is the context of the model in this place; wanted is what somebody set.
func (p Place) tokens(wanted int) int {
	told := p.Kind == inference.Ollama || p.Flavour == "lmstudio"
	n := wanted
	switch {
	case n > 0:
	case p.Kind == inference.Ollama:
		n = ownContext
	case p.Model.Context > 0:
		n = p.Model.Context
	case told:
		n = ownContext
	case p.MaxContext > 0:
		n = p.MaxContext
	case p.Kind == inference.Anthropic:
		n = largeContext
	default:
		n = carefulContext
	}
	if p.MaxContext > 0 {
		n = min(n, p.MaxContext)
	}
	// What is in memory stays as it is, except where each request says it.
	if p.Kind != inference.Ollama && p.Model.Context > 0 && (p.Loaded || !told) {
		n = min(n, p.Model.Context)
	}
	return n
}

// tokens is the context of the model: one number wherever it is, since another
// makes a server load it again.
func (m Model) tokens() int {
	n := 0
	for _, p := range m.Places {
		if !p.live() {
			continue
		}
		if here := p.tokens(m.Context); n == 0 || here < n {
			n = here
		}
	}
	return n
}

func (m Model) label() string { return cmp.Or(m.Label, m.Name) }

// choose is the rule behind Choose.
func (m *Models) choose(ctx context.Context, who actor.Actor, name string) (Choice, error) {
	if name == Extractive {
		return Choice{}, nil
	}
	if name != "" {
		found, ok, err := m.byName(ctx, who, name)
		switch {
		case err != nil:
			return Choice{}, err
		case !ok:
			return Choice{}, noModel(name)
		case found.Embedding:
			return Choice{}, fault.New(fault.Invalid, "The model %s makes vectors for searching and cannot chat.", shown(name)).
				Code(inference.CodeCannot).Cure("Choose another model.")
		}
		c := m.choiceOf(found)
		if len(c.places) == 0 {
			return Choice{}, fault.New(fault.Unavailable, "%s", m.why(found)).Code("model-unavailable").
				Cure("Choose another model, or ask an administrator to look at the page Models.")
		}
		return c, nil
	}
	list, err := m.store.models(ctx, reachOf(who), "")
	if err != nil {
		return Choice{}, err
	}
	if i := m.first(list); i >= 0 {
		return m.choiceOf(list[i]), nil
	}
	return Choice{}, nil
}

// byName finds a model that who may use by its name or an alias. "x:latest" and
// "x" are one name, as Ollama has it.
func (m *Models) byName(ctx context.Context, who actor.Actor, name string) (Model, bool, error) {
	if !utf8.ValidString(name) || len(name) > 4*maxName {
		return Model{}, false, nil
	}
	list, err := m.store.models(ctx, reachOf(who), plainName(name))
	if err != nil || len(list) == 0 {
		return Model{}, false, err
	}
	for _, found := range list { // an exact name wins over an alias
		if found.Name == plainName(name) {
			return found, true, nil
		}
	}
	return list[0], true, nil
}

// first is the index of the model that answers where nobody chose one, -1 when
// none can: the default where it can be used, otherwise the first by name.
func (m *Models) first(list []Model) int {
	standard := plainName(m.standard.Get(context.Background()))
	if i := slices.IndexFunc(list, func(found Model) bool { return found.goesBy(standard) && m.usable(found) }); i >= 0 {
		return i
	}
	return slices.IndexFunc(list, m.usable)
}

// goesBy reports whether the model has the name.
func (m Model) goesBy(name string) bool { return m.Name == name || slices.Contains(m.Aliases, name) }

// usable reports whether the model can chat and a server that is not known to be
// down has it.
func (m *Models) usable(found Model) bool {
	return found.Enabled && !found.Embedding && slices.ContainsFunc(found.Places, func(p Place) bool { return p.live() && m.state(p.Server) != stateDown })
}

// choiceOf is a model as a turn needs it, with its places, the best first.
func (m *Models) choiceOf(found Model) Choice {
	c := Choice{Name: found.Name, Label: found.label(), Context: found.tokens(), Temperature: found.Temperature}
	type ranked struct {
		place
		state int
		speed float64
		name  string
	}
	var list []ranked
	for _, p := range found.Places {
		if !p.live() {
			continue
		}
		state := m.state(p.Server)
		list = append(list, ranked{place: place{server: p.Server, name: p.Name, loaded: p.Loaded, context: c.Context,
			vision: p.Vision, thinking: p.Thinking, tools: p.Tools},
			state: slices.Index([]string{stateOK, stateUnknown, stateBusy, stateDown}, state), speed: p.TokensPerSecond, name: p.ServerName})
		c.Vision, c.Thinking, c.Tools = c.Vision || p.Vision, c.Thinking || p.Thinking, c.Tools || p.Tools
		c.Loaded = c.Loaded || p.Loaded && state != stateDown
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.state, b.state), yesFirst(a.loaded, b.loaded), cmp.Compare(b.speed, a.speed), strings.Compare(a.name, b.name))
	})
	for i, r := range list {
		c.places = append(c.places, r.place)
		if i == 0 {
			c.TokensPerSecond = r.speed
		}
	}
	for _, p := range found.Places {
		if len(list) > 0 && p.Server == list[0].server {
			c.Digest = p.Digest
		}
	}
	return c
}

func yesFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// why says why a model cannot be used now; "" when it can.
func (m *Models) why(found Model) string {
	if !found.Enabled {
		return "It is switched off."
	}
	var gone, off, down string
	for _, p := range found.Places {
		switch {
		case !p.Enabled:
			off = p.ServerName
		case !p.Gone.IsZero():
			gone = p.ServerName
		case m.state(p.Server) == stateDown:
			down = p.ServerName
		default:
			return ""
		}
	}
	switch {
	case down != "":
		return "The server " + down + " does not answer."
	case gone != "":
		return "The server " + gone + " does not have it any more."
	case off != "":
		return "The server " + off + " is switched off."
	}
	return "No server has it."
}

// generation is the rule behind Generation.
func (m *Models) generation(ctx context.Context) string {
	list, err := m.store.models(ctx, reach{everything: true}, "")
	if err != nil {
		m.log.Error("the models cannot be read", "error", err)
		return "down"
	}
	return m.generationOf(list)
}

func (m *Models) generationOf(list []Model) string {
	answer := "none"
	for _, found := range list {
		switch {
		case m.usable(found):
			return "ready"
		case found.Enabled && !found.Embedding && slices.ContainsFunc(found.Places, Place.live):
			answer = "down"
		}
	}
	return answer
}

// plainName is the name of a model as ChatETS has it.
func plainName(name string) string { return strings.TrimSuffix(name, ":latest") }

func noModel(name string) error {
	return fault.New(fault.NotFound, "There is no model %s.", shown(name)).Code("no-model").
		Cure("Choose one of the models that are listed for you.")
}

// shown is a name of a request as it may stand in a sentence.
func shown(name string) string {
	if name == "" || utf8.RuneCountInString(name) > 80 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "of this name"
	}
	return name
}
