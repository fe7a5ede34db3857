package library_test

import (
	"slices"
	"strings"
	"testing"

	"chatets/appliance/actor"
)

// rule is an entry of a list, as JSON.
func rule(kind, id, right string) string { return object(kind, id, "right", right) }

// TestRulesOfADocument walks everybody past one document of a shared knowledge
// base, with every kind of rule.
func TestRulesOfADocument(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.second(t)
	alice := h.person(t, "Alice", h.main, actor.Member) // owns the base
	erin := h.person(t, "Erin", h.main, actor.Member)   // edits, and added the document
	ed := h.person(t, "Edgar", h.main, actor.Member)    // edits
	bob := h.person(t, "Bob", h.main, actor.Member)     // reads
	guest := h.person(t, "Gus", h.main, actor.Guest)    // reads through the group
	out := h.person(t, "Olga", h.main, actor.Member)    // has no right to the base
	boss := h.person(t, "Wanda", h.main, actor.Admin)   // manages only
	far := h.person(t, "Fara", two, actor.Admin)
	h.operator = alice.id
	operator := &visitor{house: h, id: alice.id, token: "operator"}
	group := h.group(t, "Surgery", guest, bob)
	k := alice.knowledge(t, "Turbine hall")
	grant := `{"entries":[` + strings.Join([]string{rule("person", erin.id, "edit"), rule("person", ed.id, "edit"), rule("person", bob.id, "read"), rule("group", group, "read")}, ",") + `]}`
	alice.must(t, "PUT /api/knowledge/"+k+"/access", grant, 200)
	other := alice.document(t, k, "other.md", "# Seals\n\nEvery seal is changed in May.\n")
	d := erin.document(t, k, "flange.md", flanges)
	everybody := map[string]*visitor{"alice": alice, "erin": erin, "ed": ed, "bob": bob, "guest": guest, "out": out, "boss": boss, "far": far, "operator": operator}

	const nothing, manages, reads, edits = "nothing", "none", "read", "edit"
	plain := map[string]string{"alice": edits, "erin": edits, "ed": edits, "bob": reads, "guest": reads, "out": nothing, "boss": manages, "far": nothing, "operator": edits}
	with := func(changes ...string) map[string]string {
		m := map[string]string{}
		for name, right := range plain {
			m[name] = right
		}
		for i := 0; i < len(changes); i += 2 {
			m[changes[i]] = changes[i+1]
		}
		return m
	}
	rules := func(restricted string, entries ...string) string {
		return `{"restricted":` + restricted + `,"entries":[` + strings.Join(entries, ",") + `]}`
	}
	for _, tt := range []struct {
		name, base, rules string
		want              map[string]string
	}{
		{"no rules", grant, rules("false"), plain},
		{"a person is denied", grant, rules("false", rule("person", bob.id, "deny")), with("bob", nothing)},
		{"a group is denied, whatever else its people have", grant, rules("false", rule("group", group, "deny")), with("bob", nothing, "guest", nothing)},
		{"the owner of the base is denied and manages", grant, rules("false", rule("person", alice.id, "deny")), with("alice", manages)},
		{"who added it is denied and manages", grant, rules("false", rule("person", erin.id, "deny")), with("erin", manages)},
		{"another editor is denied", grant, rules("false", rule("person", ed.id, "deny")), with("ed", nothing)},
		{"restricted to one reader", grant, rules("true", rule("person", bob.id, "allow")), with("alice", manages, "erin", manages, "ed", nothing, "guest", nothing)},
		{"restricted to a group", grant, rules("true", rule("group", group, "allow")), with("alice", manages, "erin", manages, "ed", nothing)},
		{"restricted to a group but one of it", grant, rules("true", rule("group", group, "allow"), rule("person", bob.id, "deny")), with("alice", manages, "erin", manages, "ed", nothing, "bob", nothing)},
		{"restricted to nobody", grant, rules("true"), with("alice", manages, "erin", manages, "ed", nothing, "bob", nothing, "guest", nothing)},
		{"an allow gives no right to the base", grant, rules("true", rule("person", out.id, "allow"), rule("person", boss.id, "allow"), rule("person", ed.id, "allow")), with("alice", manages, "erin", manages, "bob", nothing, "guest", nothing)},
		{"the base denies a person", strings.Replace(grant, rule("person", bob.id, "read"), rule("person", bob.id, "deny"), 1), rules("false"), with("bob", nothing)},
		{"the base denies its owner, who manages", strings.Replace(grant, `{"entries":[`, `{"entries":[`+rule("person", alice.id, "deny")+",", 1), rules("false"), with("alice", manages)},
		{"the base denies a group", strings.Replace(grant, rule("group", group, "read"), rule("group", group, "deny"), 1), rules("true", rule("group", group, "allow"), rule("person", ed.id, "allow")), with("alice", manages, "erin", manages, "bob", nothing, "guest", nothing)},
		{"all is taken back", grant, rules("false"), plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alice.must(t, "PUT /api/knowledge/"+k+"/access", tt.base, 200)
			boss.must(t, "PUT /api/documents/"+d+"/access", tt.rules, 200)
			for name, who := range everybody {
				want := tt.want[name]
				for route, statuses := range map[string]map[string]int{
					"GET /api/documents/" + d:                                                {nothing: 404, manages: 403, reads: 200, edits: 200},
					"GET /api/documents/" + d + "/content":                                   {nothing: 404, manages: 403, reads: 200, edits: 200},
					"GET /api/documents/" + d + "/file":                                      {nothing: 404, manages: 403, reads: 200, edits: 200},
					"GET /api/documents/" + d + "/pages/1":                                   {nothing: 404, manages: 403, reads: 404, edits: 404},
					"GET /api/documents/" + d + "/access":                                    {nothing: 404, manages: 200, reads: 403, edits: 200},
					"GET /api/documents/" + d + "/access/" + bob.id:                          {nothing: 404, manages: 200, reads: 403, edits: 200},
					"POST /api/documents/" + d + "/retry":                                    {nothing: 404, manages: 403, reads: 403, edits: 409},
					"POST /api/documents/" + d + "/cancel":                                   {nothing: 404, manages: 403, reads: 403, edits: 409},
					"PATCH /api/documents/" + d + `#{"folder":"Hall"}`:                       {nothing: 404, manages: 403, reads: 403, edits: 200},
					`POST /api/search#{"question":"x","filter":{"documents":["` + d + `"]}}`: {nothing: 404, manages: 404, reads: 200, edits: 200},
				} {
					route, body, _ := strings.Cut(route, "#")
					got := who.ask(t, route, body)
					if got.status != statuses[want] {
						t.Errorf("%s, for whom it is %s: %s: got %d, want %d: %.300s", name, want, route, got.status, statuses[want], got.body)
					}
					if strings.Contains(got.body, "zirconium") && want != reads && want != edits {
						t.Errorf("%s reads the text by %s: %s", name, route, got.body)
					}
					if want == nothing && strings.Contains(got.body, "flange") {
						t.Errorf("%s learns of it by %s: %s", name, route, got.body)
					}
					if want == nothing && got.status == 404 {
						unknown := who.ask(t, strings.Replace(route, d, "no-such", 1), strings.Replace(body, d, "no-such", 1))
						if strings.Replace(got.get("title")+got.get("detail")+got.get("cure"), d, "no-such", 1) != unknown.get("title")+unknown.get("detail")+unknown.get("cure") || unknown.status != 404 {
							t.Errorf("%s: %s is told apart from what does not exist: %s / %s", name, route, got.body, unknown.body)
						}
					}
				}
				may := want == reads || want == edits
				found := who.search(t, "zirconium flange torque")
				if slices.Contains(found, d) != may {
					t.Errorf("%s, for whom it is %s, finds %v", name, want, found)
				}
				inBase := who.ask(t, "GET /api/documents?knowledge="+k, "")
				if strings.Contains(inBase.body, d) != may {
					t.Errorf("%s, for whom it is %s: the list: %s", name, want, inBase.body)
				}
				if inBase.status != 200 {
					continue
				}
				managed := who.must(t, "GET /api/documents?managed=true&knowledge="+k, "", 200)
				if knows := want != nothing; strings.Contains(managed.body, d) != knows {
					t.Errorf("%s, for whom it is %s: the managed list: %s", name, want, managed.body)
				}
				count := "1"
				if want != nothing {
					count = "2"
				}
				if got := who.must(t, "GET /api/knowledge/"+k, "", 200); got.get("documents") != count {
					t.Errorf("%s, for whom it is %s, counts %s documents", name, want, got.get("documents"))
				}
				if got := who.must(t, "GET /api/knowledge/"+k+"/outline", "", 200); strings.Contains(got.body, "Hall") != may && tt.name != "no rules" {
					t.Errorf("%s, for whom it is %s: the outline: %s", name, want, got.body)
				}
			}
			for name, who := range everybody {
				if who == operator || who == far {
					continue
				}
				want := map[string]string{nothing: "none", manages: "none", reads: "read", edits: "edit"}[tt.want[name]]
				got := boss.must(t, "GET /api/documents/"+d+"/access/"+who.id, "", 200)
				if got.get("right") != want {
					t.Errorf("what is said of %s: %s", name, got.body)
				}
				if by := got.get("by"); want == "none" != slices.Contains([]string{"nothing", "deny", "restricted"}, by) {
					t.Errorf("%s may %s, and that is decided by %s", name, want, got.body)
				}
			}
		})
	}
	_ = other
	if rows := h.recorded(t, "document.access"); !slices.Contains(rows, boss.id+" ok "+d) || !slices.Contains(rows, out.id+" refused "+d) {
		t.Errorf("changes of the rules and attempts at them are not recorded: %v", rows)
	}
	if rows := h.recorded(t, "document.search"); !slices.Contains(rows, out.id+" refused "+d) {
		t.Errorf("who tried to search it is not recorded: %v", rows)
	}
	alice.must(t, "DELETE /api/documents/"+d, "", 204)
}

func TestChangingRules(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.second(t)
	alice, bob, far := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Bob", h.main, actor.Member), h.person(t, "Fara", two, actor.Member)
	ed := h.person(t, "Edgar", h.main, actor.Member)
	group := h.group(t, "Surgery", bob)
	k := alice.knowledge(t, "Shared")
	alice.must(t, "PUT /api/knowledge/"+k+"/access", `{"entries":[`+rule("person", bob.id, "read")+`,`+rule("person", ed.id, "edit")+`]}`, 200)
	d := alice.document(t, k, "flange.md", flanges)
	route := "PUT /api/documents/" + d + "/access"
	for _, tt := range []struct {
		name, body string
		status     int
		holds      string
	}{
		{"both kinds, with names", `{"restricted":true,"entries":[` + object("person", bob.id, "right", "allow", "name", "x") + `,` + rule("group", group, "deny") + `]}`, 200, "Bob Tester"},
		{"what it narrows is shown", `{"restricted":false,"entries":[]}`, 200, "Alice Tester"},
		{"an allow without a restriction", `{"restricted":false,"entries":[` + rule("person", bob.id, "allow") + `]}`, 422, "not restricted"},
		{"a right of a base", `{"restricted":true,"entries":[` + rule("person", bob.id, "read") + `]}`, 422, "right"},
		{"the workspace", `{"restricted":true,"entries":[` + rule("workspace", h.main.ID, "deny") + `]}`, 422, "workspace"},
		{"nobody", `{"restricted":true,"entries":[{"right":"deny"}]}`, 422, "exactly one"},
		{"two in one", `{"restricted":true,"entries":[` + object("person", bob.id, "group", group, "right", "deny") + `]}`, 422, "exactly one"},
		{"somebody twice", `{"restricted":true,"entries":[` + rule("person", bob.id, "allow") + `,` + rule("person", bob.id, "deny") + `]}`, 422, "twice"},
		{"a person of another workspace", `{"restricted":true,"entries":[` + rule("person", far.id, "allow") + `]}`, 422, "no such person"},
		{"no restricted", `{"entries":[]}`, 422, "restricted"},
	} {
		t.Run(tt.name, func(t *testing.T) { alice.must(t, route, tt.body, tt.status, tt.holds) })
	}
	alice.must(t, "PUT /api/knowledge/"+k+"/access", `{"entries":[`+rule("workspace", h.main.ID, "deny")+`]}`, 422, "whole workspace")
	ed.must(t, route, `{"restricted":false,"entries":[]}`, 403, "Ask the owner")
	bob.must(t, route, `{"restricted":false,"entries":[]}`, 403)
	far.must(t, route, `{"restricted":false,"entries":[]}`, 404)
	// Somebody who was kept out gives themselves access, which is recorded.
	alice.must(t, route, `{"restricted":false,"entries":[`+rule("person", alice.id, "deny")+`]}`, 200, `"right":"none"`)
	alice.must(t, "GET /api/documents/"+d+"/content", "", 403, "Give yourself access", "no-access")
	alice.must(t, route, `{"restricted":false,"entries":[]}`, 200)
	alice.must(t, "GET /api/documents/"+d+"/content", "", 200, "zirconium")
	// The same file by somebody who may not read the one that is there is another document.
	alice.must(t, route, `{"restricted":false,"entries":[`+rule("person", ed.id, "deny")+`]}`, 200)
	if again := ed.document(t, k, "flange.md", flanges); again == d {
		t.Error("who may not read a document is given it by adding it again")
	}
	if again := alice.must(t, upload(k, "flange.md"), flanges, 202).get("id"); again != d {
		t.Error("who may read a document adds it twice")
	}
}
