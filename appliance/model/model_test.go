package model_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/model"
)

// TestTwoServersOneModel makes one model of equal names, and keeps it as long as
// one of its servers has it.
func TestTwoServersOneModel(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	one, two := inferencetest.New(t, "fake:say=plain,ctx=16384", "only:say=plain"), inferencetest.New(t, "fake:say=plain,ctx=16384")
	first := ada.server(t, "One", "ollama", one.URL)
	second := ada.server(t, "Two", "ollama", two.URL)
	got := ada.must(t, "GET /api/models?all=true", "", 200)
	if got.names() != "fake:say=plain,ctx=16384 only:say=plain" {
		t.Fatalf("models: %s", got.names())
	}
	both := got.model("fake:say=plain,ctx=16384")
	if both.get("manage", "servers", "0", "id") != first || both.get("manage", "servers", "1", "id") != second {
		t.Errorf("places: %v", both.fields)
	}
	if both.get("context") != "8192" {
		t.Errorf("context: got %s, want 8192, which Ollama is asked for", both.get("context"))
	}
	id := both.get("id")
	one.Remove("fake:say=plain,ctx=16384")
	ada.must(t, "POST /api/servers/"+first+"/refresh", "", 200)
	both = ada.must(t, "GET /api/models?all=true", "", 200).model("fake:say=plain,ctx=16384")
	if both.get("available") != "true" || both.get("manage", "servers", "0", "gone") != "true" || both.get("manage", "servers", "1", "gone") != "false" {
		t.Errorf("one has it no more: %v", both.fields)
	}
	two.Remove("fake:say=plain,ctx=16384")
	two.Add(t, "other:say=plain")
	ada.must(t, "POST /api/servers/"+second+"/refresh", "", 200)
	both = ada.must(t, "GET /api/models", "", 200).model("fake:say=plain,ctx=16384")
	if both.get("available") != "false" || !strings.Contains(both.get("why"), "does not have it any more") {
		t.Errorf("neither has it: %v", both.fields)
	}
	if _, err := h.models.Choose(t.Context(), ada.actor(t), "fake:say=plain,ctx=16384"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("chosen: %v", err)
	}
	two.Add(t, "fake:say=plain,ctx=16384")
	ada.must(t, "POST /api/servers/"+second+"/refresh", "", 200)
	if both = ada.must(t, "GET /api/models", "", 200).model("fake:say=plain,ctx=16384"); both.get("available") != "true" || both.get("id") != id {
		t.Errorf("it is back: %v", both.fields)
	}
}

// TestWhoMayUse holds access rules in the list and in the choice: what somebody
// may not use does not exist for them, under none of its names.
func TestWhoMayUse(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "a:say=plain", "b:say=plain", "c:say=plain", "d:say=plain", "v:embed=8")
	ada.server(t, "Ward", "ollama", fake.URL)
	mia, gus, noah := h.person(t, "Mia", actor.Member), h.person(t, "Gus", actor.Guest), h.person(t, "Noah", actor.Editor)
	other, err := h.accounts.AddWorkspace(h.system(), "Two")
	check(t, err)
	olga := h.personIn(t, "Olga", other, actor.Member)
	group := h.group(t, "Nurses", noah)
	all := ada.must(t, "GET /api/models?all=true", "", 200)
	patch := func(name, body string) answer {
		t.Helper()
		return ada.must(t, "PATCH /api/models/"+all.model(name).get("id"), body, 200)
	}
	got := patch("b:say=plain", `{"everyone":false,"aliases":["private"],"access":[{"kind":"person","id":"`+mia.id+`"}]}`)
	if got.get("manage", "access", "0", "name") != "Mia Tester" {
		t.Errorf("the name of whom access was given to: %s", got.body)
	}
	patch("c:say=plain", `{"everyone":false,"access":[{"kind":"group","id":"`+group+`"},{"kind":"group","id":"`+group+`"}]}`)
	patch("d:say=plain", `{"everyone":false,"access":[{"kind":"workspace","id":"`+other.ID+`"}]}`)
	for _, tt := range []struct {
		who  *visitor
		list string
	}{
		{mia, "a:say=plain b:say=plain v:embed=8"},
		{gus, "a:say=plain v:embed=8"},
		{noah, "a:say=plain c:say=plain v:embed=8"},
		{olga, "a:say=plain d:say=plain v:embed=8"},
		{ada, "a:say=plain v:embed=8"}, // managing is not using
	} {
		list := tt.who.must(t, "GET /api/models", "", 200)
		if list.names() != tt.list {
			t.Errorf("got %q, want %q", list.names(), tt.list)
		}
		if strings.Contains(list.body, "access") || strings.Contains(list.body, "manage") || strings.Contains(list.body, fake.URL) {
			t.Errorf("the list says more than it may: %s", list.body)
		}
		for _, name := range []string{"a:say=plain", "b:say=plain", "c:say=plain", "d:say=plain"} {
			c, err := h.models.Choose(t.Context(), tt.who.actor(t), name)
			if strings.Contains(tt.list, name) {
				if err != nil || c.Name != name {
					t.Errorf("%s for %v: %+v, %v", name, tt.list, c, err)
				}
			} else if r := fault.Of(err); r.Kind != fault.NotFound || r.Code != "no-model" || !strings.Contains(r.Sentence, name) {
				t.Errorf("%s for %v: %+v, %v", name, tt.list, c, err)
			}
		}
	}
	if c, err := h.models.Choose(t.Context(), mia.actor(t), "private"); err != nil || c.Name != "b:say=plain" {
		t.Errorf("by its alias: %+v, %v", c, err)
	}
	if _, err := h.models.Choose(t.Context(), gus.actor(t), "private"); !fault.Is(err, fault.NotFound) {
		t.Errorf("by the alias of what one may not use: %v", err)
	}
	if _, err := h.models.Choose(t.Context(), actor.Actor{}, "a:say=plain"); !fault.Is(err, fault.NotFound) {
		t.Errorf("for nobody: %v", err)
	}
	if _, err := h.models.Choose(t.Context(), mia.actor(t), "v:embed=8"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a model for vectors chats: %v", err)
	}
	if list := h.recorded(t, "model.change"); len(list) != 3 || !strings.Contains(list[0], "person:"+mia.id) {
		t.Errorf("recorded: %v", list)
	}
	// A model that is off is there for those who manage only.
	patch("a:say=plain", `{"enabled":false}`)
	if list := mia.must(t, "GET /api/models", "", 200); list.names() != "b:say=plain v:embed=8" {
		t.Errorf("with one switched off: %s", list.names())
	}
	if list := ada.must(t, "GET /api/models?all=true", "", 200); list.model("a:say=plain").get("why") == "" {
		t.Errorf("a model that is off: %s", list.body)
	}
}

// TestAccessOutlivesServer removes a server and adds it again: whoever was kept
// from a model still is.
func TestAccessOutlivesServer(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	mia := h.person(t, "Mia", actor.Member)
	fake := inferencetest.New(t, "a:say=plain", "b:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	all := ada.must(t, "GET /api/models?all=true", "", 200)
	ada.must(t, "PATCH /api/models/"+all.model("a:say=plain").get("id"), `{"everyone":false}`, 200)
	ada.must(t, "DELETE /api/servers/"+id, "", 204)
	if got := ada.must(t, "GET /api/models?all=true", "", 200); got.names() != "a:say=plain" || got.get("generation") != "none" {
		t.Errorf("without a server: %s", got.body)
	}
	if c, err := h.models.Choose(t.Context(), mia.actor(t), ""); err != nil || c.Name != "" {
		t.Errorf("with no server: %+v, %v", c, err)
	}
	ada.server(t, "Ward", "ollama", fake.URL)
	if got := mia.must(t, "GET /api/models", "", 200); got.names() != "b:say=plain" {
		t.Errorf("after the server came back: %s", got.names())
	}
}

// TestNewModels gives new models to nobody where the setting says so.
func TestNewModels(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	ada.must(t, "PUT /api/settings/model.newModels", `{"value":"nobody","version":0}`, 200)
	ada.must(t, "PUT /api/settings/model.newModels", `{"value":"some","version":1}`, 422)
	fake := inferencetest.New(t, "a:say=plain")
	ada.server(t, "Ward", "ollama", fake.URL)
	if got := ada.must(t, "GET /api/models", "", 200); got.names() != "" {
		t.Errorf("somebody may use %s", got.names())
	}
	if got := ada.must(t, "GET /api/models?all=true", "", 200); got.names() != "a:say=plain" {
		t.Errorf("managed: %s", got.names())
	}
}

// TestDefaultModel answers where nobody chose: the default where it can be used,
// the first by name otherwise, and nothing where nothing can.
func TestDefaultModel(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	mia := h.person(t, "Mia", actor.Member)
	choose := func(name string) model.Choice {
		t.Helper()
		c, err := h.models.Choose(t.Context(), mia.actor(t), name)
		check(t, err)
		return c
	}
	if c := choose(""); c.Name != "" {
		t.Errorf("without any: %+v", c)
	}
	one, two := inferencetest.New(t, "a:embed=8", "b:say=plain,vision,tools"), inferencetest.New(t, "c:say=plain,think=3")
	ada.server(t, "One", "ollama", one.URL)
	second := ada.server(t, "Two", "ollama", two.URL)
	if c := choose(""); c.Name != "b:say=plain,vision,tools" || !c.Vision || !c.Tools || c.Thinking || c.Context != 8192 {
		t.Errorf("the first that chats: %+v", c)
	}
	if c := choose(model.Extractive); c.Name != "" {
		t.Errorf("no model was wanted: %+v", c)
	}
	all := ada.must(t, "GET /api/models?all=true", "", 200)
	id := all.model("c:say=plain,think=3").get("id")
	ada.must(t, "PATCH /api/models/"+all.model("a:embed=8").get("id"), `{"default":true}`, 422)
	got := ada.must(t, "PATCH /api/models/"+id, `{"default":true}`, 200)
	if got.get("default") != "true" {
		t.Errorf("the default: %s", got.body)
	}
	if c := choose(""); c.Name != "c:say=plain,think=3" || !c.Thinking {
		t.Errorf("the default: %+v", c)
	}
	if got := mia.must(t, "GET /api/models", "", 200); got.model("c:say=plain,think=3").get("default") != "true" || got.model("b:say=plain,vision,tools").get("default") != "false" {
		t.Errorf("the list: %s", got.body)
	}
	two.Down()
	ada.must(t, "POST /api/servers/"+second+"/refresh", "", 503)
	ada.until(t, "GET /api/servers/"+second, func(a answer) bool { return a.get("state") == "down" })
	if c := choose(""); c.Name != "b:say=plain,vision,tools" {
		t.Errorf("the default is away: %+v", c)
	}
	ada.must(t, "PATCH /api/models/"+id, `{"everyone":false}`, 200)
	if c := choose(""); c.Name != "b:say=plain,vision,tools" {
		t.Errorf("the default is not for her: %+v", c)
	}
	ada.must(t, "PATCH /api/models/"+id, `{"default":false}`, 200)
}

// TestModelValues refuses what a model cannot be.
func TestModelValues(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	ada.server(t, "Ward", "ollama", inferencetest.New(t, "a:say=plain,ctx=2048", "b:say=plain").URL)
	all := ada.must(t, "GET /api/models?all=true", "", 200)
	id := all.model("a:say=plain,ctx=2048").get("id")
	if got := all.model("a:say=plain,ctx=2048").get("context"); got != "2048" {
		t.Errorf("the context of a small model: %s", got)
	}
	for _, tt := range []struct {
		name, body string
		status     int
		holds      string
	}{
		{"a context that is too small", `{"context":100}`, 422, "body.context"},
		{"a context that the model cannot take", `{"context":4096}`, 422, "2048"},
		{"nobody", `{"access":[{"kind":"person","id":"nobody"}]}`, 422, "body.access"},
		{"the system", `{"access":[{"kind":"person","id":"system"}]}`, 422, "body.access"},
		{"another kind", `{"access":[{"kind":"dog","id":"x"}]}`, 422, "kind"},
		{"an alias that is the name", `{"aliases":["a:say=plain,ctx=2048"]}`, 422, "body.aliases"},
		{"an alias that is another's name", `{"aliases":["b:say=plain"]}`, 409, "name-taken"},
		{"an alias that means no model", `{"aliases":["extractive"]}`, 422, "body.aliases"},
		{"an empty alias", `{"aliases":[" "]}`, 422, "body.aliases"},
		{"a label with a line break", `{"label":"a\nb"}`, 422, "body.label"},
		{"an unknown field", `{"name":"z"}`, 422, "name"},
	} {
		t.Run(tt.name, func(t *testing.T) { ada.must(t, "PATCH /api/models/"+id, tt.body, tt.status, tt.holds) })
	}
	ada.must(t, "PATCH /api/models/nothing", `{"label":"x"}`, 404, "no-model")
	if list := h.recorded(t, "model.change"); len(list) != 0 {
		t.Errorf("recorded: %v", list)
	}
	got := ada.must(t, "PATCH /api/models/"+id, `{"label":"  Ward   model ","aliases":["y","x:latest","y"],"context":1024,"temperature":0.2}`, 200)
	if got.get("label") != "Ward model" || got.get("aliases", "0") != "x" || got.get("aliases", "1") != "y" || got.get("context") != "1024" || got.get("manage", "temperature") != "0.2" {
		t.Errorf("changed: %s", got.body)
	}
	ada.must(t, "PATCH /api/models/"+all.model("b:say=plain").get("id"), `{"aliases":["x"]}`, 409)
	ada.must(t, "PATCH /api/models/"+id, `{"label":"Ward model","context":1024}`, 200)
	if list := h.recorded(t, "model.change"); len(list) != 1 {
		t.Errorf("what changes nothing was recorded: %v", list)
	}
	got = ada.must(t, "PATCH /api/models/"+id, `{"label":"","aliases":[],"context":0,"temperature":-1}`, 200)
	if got.get("label") != "a:say=plain,ctx=2048" || got.get("context") != "2048" || got.get("manage", "temperature") != "" || got.at("aliases", "0") != nil {
		t.Errorf("taken back: %s", got.body)
	}
}

// TestLMStudioWarns of a chat and an embedding model that put each other out.
func TestLMStudioWarns(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.NewFlavour(t, inferencetest.LMStudio, "a:say=plain,load=1ms", "v:embed=8,load=1ms")
	id := ada.server(t, "Studio", "openai", fake.URL)
	got := ada.must(t, "GET /api/servers/"+id, "", 200, "put each other out")
	if got.get("flavour") != "lmstudio" || got.get("models") != "2" {
		t.Errorf("the server: %s", got.body)
	}
	ada.must(t, "POST /api/servers/"+id+"/load", object("model", "a:say=plain,load=1ms"), 204)
	ada.must(t, "POST /api/servers/"+id+"/load", object("model", "v:embed=8,load=1ms"), 204)
	if loaded := strings.Join(fake.Loaded(), " "); loaded != "a:say=plain,load=1ms v:embed=8,load=1ms" {
		t.Errorf("in memory: %s", loaded)
	}
	if got := ada.must(t, "GET /api/models", "", 200); got.model("a:say=plain,load=1ms").get("loaded") != "true" {
		t.Errorf("the list: %s", got.body)
	}
	ada.must(t, "POST /api/servers/"+id+"/unload", object("model", "a:say=plain,load=1ms"), 204)
	if loaded := strings.Join(fake.Loaded(), " "); loaded != "v:embed=8,load=1ms" {
		t.Errorf("in memory: %s", loaded)
	}
	ada.must(t, "POST /api/servers/"+id+"/load", object("model", "nothing"), 404, "no-model")
	ada.must(t, "DELETE /api/servers/"+id+"/models?name=a:say=plain,load=1ms", "", 409, "no-shelf")
	if list := h.recorded(t, "server.load"); len(list) != 2 || !strings.Contains(list[0], " ok "+id) {
		t.Errorf("recorded: %v", list)
	}
}

// TestOllamaWarns of a model that is in memory with another context than it is
// used with, and of an address that is not encrypted.
func TestOllamaWarns(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "a:say=plain,load=1ms")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	ada.must(t, "POST /api/servers/"+id+"/load", `{"model":"a:say=plain,load=1ms","context":1024}`, 204)
	ada.must(t, "GET /api/servers/"+id, "", 200, "loads it again", "1024", "8192")
	ada.must(t, "POST /api/servers/"+id+"/load", `{"model":"a:say=plain,load=1ms"}`, 204)
	if got := ada.must(t, "GET /api/servers/"+id, "", 200); got.at("warnings", "0") != nil {
		t.Errorf("nothing is to be warned of: %s", got.body)
	}
	ada.must(t, "DELETE /api/servers/"+id+"/models?name=a:say=plain,load=1ms", "", 204)
	if got := ada.must(t, "GET /api/models?all=true", "", 200).model("a:say=plain,load=1ms"); got.get("manage", "servers", "0", "gone") != "true" {
		t.Errorf("after the deletion: %v", got.fields)
	}
	if got := ada.must(t, "POST /api/servers", object("name", "Far", "kind", "ollama", "url", "http://192.0.2.1:11434"), 201); !strings.Contains(got.body, "unencrypted") {
		t.Errorf("no warning of a network: %s", got.body)
	}
}

// TestTwoChangeAtOnce keeps what each of two administrators changed.
func TestTwoChangeAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada, bob := h.admin(t), h.person(t, "Bob", actor.Member, actor.Admin)
	ada.server(t, "Ward", "ollama", inferencetest.New(t, "a:say=plain").URL)
	route := "PATCH /api/models/" + ada.must(t, "GET /api/models?all=true", "", 200).get("items", "0", "id")
	for round := range 20 {
		word := "w" + strconv.Itoa(round)
		var both sync.WaitGroup
		for who, body := range map[*visitor]string{ada: `{"label":"` + word + `"}`, bob: `{"aliases":["` + word + `"]}`} {
			both.Go(func() {
				if got, err := who.try(t.Context(), route, body); err != nil || got.status != 200 {
					t.Errorf("%s: %v %s", body, err, got.body)
				}
			})
		}
		both.Wait()
		if got := ada.must(t, "GET /api/models", "", 200); got.get("items", "0", "label") != word || got.get("items", "0", "aliases", "0") != word {
			t.Fatalf("round %d: %s", round, got.body)
		}
	}
}
