package library_test

import (
	"slices"
	"strings"
	"testing"

	"chatets/appliance/actor"
)

const flanges = "# Flanges\n\nThe zirconium flange torque is 84 newton metres.\n"

// TestWhoSeesWhat walks everybody past one knowledge base, with every way of
// sharing it.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.second(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	bob := h.person(t, "Bob", h.main, actor.Member)
	carol := h.person(t, "Carol", h.main, actor.Editor)
	guest := h.person(t, "Gus", h.main, actor.Guest)
	boss := h.person(t, "Wanda", h.main, actor.Admin)
	admin := h.person(t, "Ivan", h.main, actor.Member, actor.Admin)
	auditor := h.person(t, "Audra", h.main, actor.Member, actor.Auditor)
	far := h.person(t, "Fara", two, actor.Admin)
	h.operator = alice.id
	operator := &visitor{house: h, id: alice.id, token: "operator"}
	group := h.group(t, "Surgery", bob, guest)

	k := alice.knowledge(t, "Turbine hall")
	d := alice.document(t, k, "flange.md", flanges)

	const (
		nothing = "nothing" // it does not exist
		manages = "none"    // sees that it exists
		reads   = "read"
		edits   = "edit"
	)
	entry := func(kind, id, right string) string {
		return `{"entries":[` + object(kind, id, "right", right) + `]}`
	}
	everybody := map[string]*visitor{"alice": alice, "bob": bob, "carol": carol, "guest": guest, "boss": boss, "admin": admin, "auditor": auditor, "far": far, "operator": operator}
	private := map[string]string{"alice": edits, "bob": nothing, "carol": nothing, "guest": nothing, "boss": manages, "admin": manages, "auditor": nothing, "far": nothing, "operator": edits}
	with := func(changes ...string) map[string]string {
		m := map[string]string{}
		for name, right := range private {
			m[name] = right
		}
		for i := 0; i < len(changes); i += 2 {
			m[changes[i]] = changes[i+1]
		}
		return m
	}
	for _, tt := range []struct {
		name, access string
		want         map[string]string
	}{
		{"as it was made", `{"entries":[]}`, private},
		{"a person may read", entry("person", bob.id, "read"), with("bob", reads)},
		{"a person may edit", entry("person", bob.id, "edit"), with("bob", edits)},
		{"a group may edit; its guest reads", entry("group", group, "edit"), with("bob", edits, "guest", reads)},
		{"the workspace may read", entry("workspace", h.main.ID, "read"), with("bob", reads, "carol", reads, "guest", reads, "boss", reads, "admin", reads, "auditor", reads)},
		{"the better of two rights counts", `{"entries":[` + object("workspace", h.main.ID, "right", "read") + `,` + object("person", bob.id, "right", "edit") + `]}`,
			with("bob", edits, "carol", reads, "guest", reads, "boss", reads, "admin", reads, "auditor", reads)},
		{"taken away from all", `{"entries":[]}`, private},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alice.must(t, "PUT /api/knowledge/"+k+"/access", tt.access, 200)
			for name, who := range everybody {
				want := tt.want[name]
				status := map[string]map[string]int{
					"GET /api/knowledge/" + k:                               {nothing: 404, manages: 200, reads: 200, edits: 200},
					"GET /api/documents?knowledge=" + k:                     {nothing: 404, manages: 403, reads: 200, edits: 200},
					"GET /api/documents/" + d:                               {nothing: 404, manages: 403, reads: 200, edits: 200},
					"GET /api/documents/" + d + "/content":                  {nothing: 404, manages: 403, reads: 200, edits: 200},
					"GET /api/documents/" + d + "/chunks":                   {nothing: 404, manages: 403, reads: 200, edits: 200},
					"GET /api/documents/" + d + "/file":                     {nothing: 404, manages: 403, reads: 200, edits: 200},
					"POST /api/documents/" + d + "/retry":                   {nothing: 404, manages: 403, reads: 403, edits: 409},
					"POST /api/documents/" + d + "/cancel":                  {nothing: 404, manages: 403, reads: 403, edits: 409},
					"POST /api/documents?name=x.exe&knowledge=" + k + "#up": {nothing: 404, manages: 403, reads: 403, edits: 415},
				}
				for route, statuses := range status {
					body := ""
					if path, found := strings.CutSuffix(route, "#up"); found {
						route, body = path, "text"
					}
					got := who.ask(t, route, body)
					if got.status != statuses[want] {
						t.Errorf("%s, who sees %s: %s: got %d, want %d: %.300s", name, want, route, got.status, statuses[want], got.body)
					}
					if seen := strings.Contains(got.body, "zirconium"); seen && want != reads && want != edits {
						t.Errorf("%s reads the text by %s: %s", name, route, got.body)
					}
					if want == nothing && (strings.Contains(got.body, "Turbine") || strings.Contains(got.body, "flange")) {
						t.Errorf("%s learns of it by %s: %s", name, route, got.body)
					}
				}
				if got := who.ask(t, "GET /api/knowledge/"+k, ""); want != nothing && got.get("right") != want {
					t.Errorf("%s has the right %q, want %q", name, got.get("right"), want)
				}
				found := who.search(t, "zirconium flange torque")
				if may := want == reads || want == edits; slices.Contains(found, d) != may {
					t.Errorf("%s, who sees %s, finds %v", name, want, found)
				}
				narrowed := who.ask(t, "POST /api/search", `{"question":"zirconium","knowledge":["`+k+`"]}`)
				if may := want == reads || want == edits; may != (narrowed.status == 200) || !may && narrowed.status != 404 {
					t.Errorf("%s, who sees %s, searches it alone: got %d: %s", name, want, narrowed.status, narrowed.body)
				}
				listed := strings.Contains(who.must(t, "GET /api/knowledge", "", 200).body, k)
				if may := want == reads || want == edits; listed != may {
					t.Errorf("%s, who sees %s: in the list: %v", name, want, listed)
				}
				managed := strings.Contains(who.must(t, "GET /api/knowledge?managed=true", "", 200).body, k)
				if may := slices.Contains([]string{"alice", "boss", "admin", "operator"}, name); managed != may {
					t.Errorf("%s: in the list of what one manages: %v, want %v", name, managed, may)
				}
			}
		})
	}
	if refused := h.recorded(t, "document.open"); !slices.Contains(refused, carol.id+" refused "+d) || !slices.Contains(refused, far.id+" refused "+d) {
		t.Errorf("who tried to open the document is not recorded: %v", refused)
	}
	if refused := h.recorded(t, "knowledge.search"); !slices.Contains(refused, carol.id+" refused "+k) {
		t.Errorf("who tried to search is not recorded: %v", refused)
	}
}

// TestRevokedMidWay takes rights away between two requests of the same person.
func TestRevokedMidWay(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice, bob := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Bob", h.main, actor.Member)
	group := h.group(t, "Surgery", bob)
	k := alice.knowledge(t, "Shared")
	d := alice.document(t, k, "flange.md", flanges)
	for _, tt := range []struct {
		name       string
		give, take func()
	}{
		{"the entry", func() { alice.share(t, k, "person", bob.id, "edit") }, func() { alice.must(t, "PUT /api/knowledge/"+k+"/access", `{"entries":[]}`, 200) }},
		{"the membership of the group", func() { alice.share(t, k, "group", group, "edit") }, func() { check(t, h.accounts.SetGroup(h.system(), group, nil)) }},
		{"the role in the workspace", func() {
			alice.share(t, k, "workspace", h.main.ID, "edit")
		}, func() { check(t, h.accounts.SetMember(h.system(), h.main.ID, bob.id, actor.Guest)) }},
	} {
		tt.give()
		if !slices.Contains(bob.search(t, "zirconium"), d) {
			t.Fatalf("%s: Bob finds nothing before", tt.name)
		}
		bob.must(t, upload(k, "note.txt"), "A note about zirconium, "+tt.name+".", 202)
		tt.take()
		got := bob.ask(t, upload(k, "late.txt"), "A late note.")
		want := 404
		if tt.name == "the role in the workspace" {
			want = 403 // a guest still reads
		}
		if got.status != want {
			t.Errorf("%s: Bob's upload after it: got %d, want %d: %s", tt.name, got.status, want, got.body)
		}
		if want == 404 && len(bob.search(t, "zirconium")) > 0 {
			t.Errorf("%s: Bob still finds something", tt.name)
		}
	}
}

func TestChangingAccess(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.second(t)
	alice, bob, eve := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Bob", h.main, actor.Member), h.person(t, "Eve", h.main, actor.Member)
	boss, far := h.person(t, "Wanda", h.main, actor.Admin), h.person(t, "Fara", two, actor.Member)
	group := h.group(t, "Surgery", bob)
	k := alice.knowledge(t, "Shared")
	route := "PUT /api/knowledge/" + k + "/access"
	for _, tt := range []struct {
		name, body string
		status     int
		holds      string
	}{
		{"all three kinds", `{"entries":[` + object("person", bob.id, "right", "edit") + `,` + object("group", group, "right", "read") + `,` + object("workspace", h.main.ID, "right", "read") + `]}`, 200, "Bob Tester"},
		{"the same again, with names", `{"entries":[` + object("person", bob.id, "right", "edit", "name", "Bob Tester") + `]}`, 200, "Bob Tester"},
		{"nobody", `{"entries":[]}`, 200, `"entries":[]`},
		{"a person of another workspace", `{"entries":[` + object("person", far.id, "right", "read") + `]}`, 422, "no such person"},
		{"a person who does not exist", `{"entries":[` + object("person", "nobody", "right", "read") + `]}`, 422, "no such person"},
		{"a group that does not exist", `{"entries":[` + object("group", "nothing", "right", "read") + `]}`, 422, "no such group"},
		{"another workspace", `{"entries":[` + object("workspace", two.ID, "right", "read") + `]}`, 422, "own workspace"},
		{"two subjects in one entry", `{"entries":[` + object("person", bob.id, "group", group, "right", "read") + `]}`, 422, "exactly one"},
		{"no subject", `{"entries":[{"right":"read"}]}`, 422, "exactly one"},
		{"an unknown right", `{"entries":[` + object("person", bob.id, "right", "own") + `]}`, 422, "right"},
		{"somebody twice", `{"entries":[` + object("person", bob.id, "right", "read") + `,` + object("person", bob.id, "right", "edit") + `]}`, 422, "twice"},
		{"an unknown field", `{"entries":[],"owner":"x"}`, 422, "owner"},
		{"no list", `{}`, 422, "entries"},
		{"too many", `{"entries":[` + strings.Repeat(object("person", bob.id, "right", "read")+",", 600) + object("person", bob.id, "right", "read") + `]}`, 422, "500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alice.must(t, route, tt.body, tt.status, tt.holds)
		})
	}
	alice.share(t, k, "person", bob.id, "edit")
	bob.must(t, "GET /api/knowledge/"+k+"/access", "", 200, bob.id)
	bob.must(t, route, `{"entries":[]}`, 403, "Ask the owner")
	bob.must(t, "DELETE /api/knowledge/"+k, "", 403)
	eve.must(t, route, `{"entries":[]}`, 404)
	// The administrator may read after giving herself the right, and that is recorded.
	d := alice.document(t, k, "flange.md", flanges)
	boss.must(t, "GET /api/documents/"+d+"/content", "", 403, "Give yourself access")
	boss.must(t, route, `{"entries":[`+object("person", boss.id, "right", "read")+`]}`, 200)
	boss.must(t, "GET /api/documents/"+d+"/content", "", 200, "zirconium")
	rows := h.recorded(t, "knowledge.access")
	if last := rows[len(rows)-1]; last != boss.id+" ok "+k {
		t.Errorf("the last change of access is recorded as %s", last)
	}
	bob.must(t, "GET /api/knowledge/"+k, "", 404)
	// Somebody who has left stays in the list without stopping a change of it.
	alice.share(t, k, "person", bob.id, "read")
	check(t, h.accounts.RemoveMember(h.system(), h.main.ID, bob.id))
	alice.must(t, route, `{"entries":[`+object("person", bob.id, "right", "read")+`,`+object("person", eve.id, "right", "read")+`]}`, 200, eve.id)
}

// TestOneWorkspaceAtATime is a person who is a member of two: what belongs to
// the one does not exist in the other, not even what the person owns.
func TestOneWorkspaceAtATime(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.second(t)
	alice, bob := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Bob", h.main, actor.Member)
	for _, who := range []*visitor{alice, bob} {
		check(t, h.accounts.SetMember(h.system(), two.ID, who.id, actor.Admin))
	}
	k := alice.knowledge(t, "In the first")
	d := alice.document(t, k, "flange.md", flanges)
	alice.share(t, k, "person", bob.id, "edit")
	for _, who := range []*visitor{alice, bob} {
		if found := who.search(t, "zirconium"); !slices.Contains(found, d) {
			t.Errorf("in its own workspace it is not found: %v", found)
		}
		there := who.in(two)
		for _, route := range []string{"GET /api/knowledge/" + k, "GET /api/documents/" + d, "GET /api/documents/" + d + "/file", "GET /api/documents?knowledge=" + k, "GET /api/knowledge/" + k + "/access", "DELETE /api/knowledge/" + k, "DELETE /api/documents/" + d} {
			there.must(t, route, "", 404)
		}
		there.must(t, upload(k, "x.md"), "text", 404)
		if found := there.search(t, "zirconium"); len(found) != 0 {
			t.Errorf("in the other workspace it is found: %v", found)
		}
		for _, list := range []string{"GET /api/knowledge", "GET /api/knowledge?managed=true"} {
			if got := there.must(t, list, "", 200); strings.Contains(got.body, k) {
				t.Errorf("the other workspace lists it: %s", got.body)
			}
		}
	}
}
