package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// workspace makes another workspace.
func (h *house) workspace(t *testing.T, name string) string {
	t.Helper()
	return h.must(t, "operator", "POST /api/workspaces", `{"name":"`+name+`"}`, 201).get("id")
}

// TestSeeing says who sees what of the people: somebody who may only share sees
// no more than that takes.
func TestSeeing(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.workspace(t, "Two")
	olga := h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin)
	andy := h.person(t, h.main, "Andy Auditor", actor.Auditor, actor.Member)
	wanda := h.person(t, h.main, "Wanda Warden", actor.None, actor.Admin)
	mary := h.person(t, h.main, "Mary Member", actor.None, actor.Member)
	gus := h.person(t, h.main, "Gus Guest", actor.None, actor.Guest)
	gone := h.person(t, h.main, "Gina Gone", actor.None, actor.Member)
	sten := h.person(t, two, "Sten Stranger", actor.None, actor.Admin)
	lone := h.person(t, "", "Lena Lone", actor.None, actor.None)
	h.must(t, olga, "PATCH /api/people/"+gone, `{"disabled":true}`, 200)
	main := []string{"Andy Auditor", "Gina Gone", "Gus Guest", "Mary Member", "Olga Owner", "Wanda Warden"}
	enabled := []string{"Andy Auditor", "Gus Guest", "Mary Member", "Olga Owner", "Wanda Warden"}
	everyone := []string{"Andy Auditor", "Gina Gone", "Gus Guest", "Lena Lone", "Mary Member", "Olga Owner", "Sten Stranger", "Wanda Warden"}
	for _, tt := range []struct {
		name, who, query string
		status           int
		want             []string
		roles            bool
	}{
		{"an owner", olga, "", 200, main, true},
		{"an owner, everyone", olga, "?everyone=true", 200, everyone, true},
		{"the operator", "operator", "", 200, everyone, true},
		{"an auditor", andy, "", 200, main, true},
		{"a workspace admin", wanda, "", 200, main, true},
		{"a workspace admin, everyone", wanda, "?everyone=true", 200, main, true},
		{"a member", mary, "", 200, enabled, false},
		{"a member, everyone", mary, "?everyone=true", 200, enabled, false},
		{"a guest", gus, "", 403, nil, false},
		{"a stranger", sten, "?everyone=true", 200, []string{"Sten Stranger"}, true},
		{"a person of no workspace", lone, "", 403, nil, false},
		{"a disabled person", gone, "", 401, nil, false},
		{"nobody", "", "", 401, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := h.must(t, tt.who, "GET /api/people"+tt.query, "", tt.status)
			equal(t, "people", got.names(), tt.want)
			for _, word := range []string{`"role":"owner"`, `"workspaceRole":"admin"`, `"createdAt"`, `"source"`} {
				if shown := strings.Contains(got.body, word); shown && !tt.roles {
					t.Errorf("the answer shows %s: %s", word, got.body)
				} else if !shown && tt.roles && tt.name != "a stranger" {
					t.Errorf("the answer misses %s: %s", word, got.body)
				}
			}
		})
	}
}

func TestPeoplePagesAndSearch(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin)
	want := []string{"Olga Owner"}
	for i := range 25 {
		name := fmt.Sprintf("Person %02d", i)
		h.person(t, h.main, name, actor.None, actor.Member)
		want = append(want, name)
	}
	for _, name := range []string{"Jörg Müller", "jane MULLER", "Émile Zola", "100% Sure_", "Āris"} {
		var p account.Person
		err := h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) (err error) {
			if p, err = account.InsertPerson(ctx, tx, account.NewPerson{Email: fmt.Sprintf("x%d@special.test", len(want)), Name: name}); err != nil {
				return err
			}
			return account.InsertMember(ctx, tx, h.main, p.ID, actor.Member)
		})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	var got []string
	for cursor := ""; ; {
		page := h.must(t, olga, "GET /api/people?limit=4&cursor="+cursor, "", 200)
		got = append(got, page.names()...)
		if cursor = page.get("next"); cursor == "" {
			break
		}
	}
	if len(got) != len(want) || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(want) {
		t.Errorf("the pages hold %d people, want each of %d once: %v", len(got), len(want), got)
	}
	equal(t, "the first by name", got[:4], []string{"100% Sure_", "Āris", "Émile Zola", "jane MULLER"})
	for query, want := range map[string][]string{
		"muller": {"jane MULLER", "Jörg Müller"}, "M%C3%9CLLER": {"jane MULLER", "Jörg Müller"}, "emile": {"Émile Zola"}, "100%25": {"100% Sure_"}, "e_": {"100% Sure_"},
		"person%200": {"Person 00", "Person 01", "Person 02", "Person 03", "Person 04", "Person 05", "Person 06", "Person 07", "Person 08", "Person 09"},
		"person.07@": {"Person 07"}, "nothing": nil, "%25%25": nil, "'": nil,
	} {
		equal(t, query, h.must(t, olga, "GET /api/people?q="+query, "", 200).names(), want)
	}
	for _, cursor := range []string{"x", "W10", "WyJhIl0", "eyJhIjoxfQ", "%20"} {
		h.must(t, olga, "GET /api/people?cursor="+cursor, "", 422, "query.cursor")
	}
	h.must(t, olga, "GET /api/people?limit=0", "", 422)
	h.must(t, olga, "GET /api/people?limit=1000", "", 422)
	h.must(t, olga, "GET /api/people?q="+strings.Repeat("x", 300), "", 422)
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin)
	wanda := h.person(t, h.main, "Wanda Warden", actor.None, actor.Admin)
	mary := h.person(t, h.main, "Mary Member", actor.None, actor.Member)
	two := h.must(t, olga, "POST /api/workspaces", `{"name":" Nuclear  Medicine "}`, 201, `"name":"Nuclear Medicine"`).get("id")
	for _, tt := range []struct {
		name, who, body string
		status          int
		holds           string
	}{
		{"taken", olga, `{"name":"nuclear MEDICINE"}`, 409, "name-taken"},
		{"empty", olga, `{"name":" "}`, 422, "body.name"},
		{"too long", olga, `{"name":"` + strings.Repeat("x", 201) + `"}`, 422, "too long"},
		{"a line break", olga, `{"name":"a\nb"}`, 422, "Control characters"},
		{"a workspace admin", wanda, `{"name":"Three"}`, 403, ""},
		{"a member", mary, `{"name":"Three"}`, 403, ""},
	} {
		h.must(t, tt.who, "POST /api/workspaces", tt.body, tt.status, tt.holds)
	}
	equal(t, "the owner's", h.must(t, olga, "GET /api/workspaces", "", 200).names(), []string{"Main", "Nuclear Medicine"})
	equal(t, "the operator's", h.must(t, "operator", "GET /api/workspaces", "", 200).names(), []string{"Main", "Nuclear Medicine"})
	equal(t, "the member's", h.must(t, mary, "GET /api/workspaces", "", 200).names(), []string{"Main"})
	if m, err := h.accounts.Member(t.Context(), two, olga); err != nil || m.Person.WorkspaceRole != actor.Admin {
		t.Errorf("the maker is %+v, error %v", m, err)
	}
	page := h.must(t, olga, "GET /api/workspaces?limit=1", "", 200)
	equal(t, "the second page", h.must(t, olga, "GET /api/workspaces?limit=1&cursor="+page.get("next"), "", 200).names(), []string{"Nuclear Medicine"})
}

// TestMembers goes through who may place whom in which workspace.
func TestMembers(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.workspace(t, "Two")
	olga := h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin)
	adam := h.person(t, h.main, "Adam Admin", actor.Admin, actor.Admin)
	wanda := h.person(t, h.main, "Wanda Warden", actor.None, actor.Admin)
	mary := h.person(t, h.main, "Mary Member", actor.None, actor.Member)
	sten := h.person(t, two, "Sten Stranger", actor.None, actor.Admin)
	for _, tt := range []struct {
		name, who, route, body string
		status                 int
	}{
		{"an admin takes somebody into another workspace", adam, "PUT " + two + " " + mary, `{"role":"guest"}`, 204},
		{"and gives another role", adam, "PUT " + two + " " + mary, `{"role":"editor"}`, 204},
		{"the same again", adam, "PUT " + two + " " + mary, `{"role":"editor"}`, 204},
		{"the workspace's admin as well", sten, "PUT " + two + " " + mary, `{"role":"member"}`, 204},
		{"but only people it knows", sten, "PUT " + two + " " + wanda, `{"role":"member"}`, 404},
		{"and not in another workspace", sten, "PUT " + h.main + " " + mary, `{"role":"admin"}`, 404},
		{"nor itself", sten, "PUT " + h.main + " " + sten, `{"role":"admin"}`, 404},
		{"a member places nobody", mary, "PUT " + h.main + " " + mary, `{"role":"admin"}`, 403},
		{"a member removes nobody", mary, "DELETE " + h.main + " " + wanda, "", 403},
		{"a warden does not touch an admin", wanda, "PUT " + h.main + " " + adam, `{"role":"guest"}`, 403},
		{"nor remove one", wanda, "DELETE " + h.main + " " + adam, "", 403},
		{"an admin not another owner", adam, "DELETE " + h.main + " " + olga, "", 403},
		{"but itself", adam, "PUT " + two + " " + adam, `{"role":"member"}`, 204},
		{"a role that does not exist", adam, "PUT " + two + " " + mary, `{"role":"owner"}`, 422},
		{"no role", adam, "PUT " + two + " " + mary, `{}`, 422},
		{"an unknown workspace", adam, "PUT nothing " + mary, `{"role":"member"}`, 404},
		{"an unknown person", adam, "PUT " + two + " nothing", `{"role":"member"}`, 404},
		{"an unknown membership", adam, "DELETE " + two + " " + wanda, "", 404},
		{"out again", sten, "DELETE " + two + " " + mary, "", 204},
		{"twice", sten, "DELETE " + two + " " + mary, "", 404},
		{"nobody", "", "DELETE " + two + " " + mary, "", 401},
	} {
		parts := strings.Fields(tt.route)
		got := h.ask(t, tt.who, fmt.Sprintf("%s /api/workspaces/%s/members/%s", parts[0], parts[1], parts[2]), tt.body)
		if got.status != tt.status {
			t.Errorf("%s: got %d, want %d: %s", tt.name, got.status, tt.status, got.body)
		}
		if tt.status == 404 && (strings.Contains(got.body, "Main") || strings.Contains(got.body, "Two") || strings.Contains(got.body, "Mary")) {
			t.Errorf("%s: the answer tells a name: %s", tt.name, got.body)
		}
	}
	equal(t, "recorded of Mary", h.record(t, mary), []string{
		`membership.set ok {"from":"","to":"guest"}`, `membership.set ok {"from":"guest","to":"editor"}`, `membership.set ok {"from":"editor","to":"member"}`,
		`membership.set refused {"to":"admin"}`, `membership.remove ok {"from":"member","to":""}`,
	})
	_, renewed := h.sessions.take()
	equal(t, "renewed", renewed, []string{mary})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.workspace(t, "Two")
	wanda := h.person(t, h.main, "Wanda Warden", actor.None, actor.Admin)
	mary := h.person(t, h.main, "Mary Member", actor.None, actor.Member)
	paul := h.person(t, h.main, "Paul Porter", actor.None, actor.Member)
	gus := h.person(t, h.main, "Gus Guest", actor.None, actor.Guest)
	sten := h.person(t, two, "Sten Stranger", actor.None, actor.Admin)
	surgery := h.must(t, wanda, "POST /api/groups", `{"name":"Surgery"}`, 201, `"members":0`).get("id")
	h.must(t, wanda, "POST /api/groups", `{"name":"SURGERY"}`, 409, "name-taken")
	h.must(t, wanda, "POST /api/groups", `{"name":""}`, 422, "body.name")
	h.must(t, mary, "POST /api/groups", `{"name":"Mine"}`, 403)
	theirs := h.must(t, sten, "POST /api/groups", `{"name":"Surgery"}`, 201).get("id") // another workspace, another name space
	set := func(who, group string, status int, people ...string) answer {
		t.Helper()
		return h.must(t, who, "PUT /api/groups/"+group+"/members", `{"people":["`+strings.Join(people, `","`)+`"]}`, status)
	}
	set(wanda, surgery, 204, mary, gus, mary)
	set(wanda, surgery, 204, mary, gus)
	if got := set(wanda, surgery, 422, mary, sten); !strings.Contains(got.body, "body.people[") || strings.Contains(got.body, "Sten") {
		t.Errorf("a stranger: %s", got.body)
	}
	set(wanda, surgery, 422, "nobody")
	set(wanda, theirs, 404, mary)
	set(sten, surgery, 404, sten)
	set(mary, surgery, 403, mary)
	h.must(t, mary, "GET /api/groups", "", 200, `"members":2`)
	equal(t, "a member sees the groups of the workspace", h.must(t, mary, "GET /api/groups", "", 200).names(), []string{"Surgery"})
	h.must(t, gus, "GET /api/groups", "", 403)
	equal(t, "in the group", h.must(t, wanda, "GET /api/people?group="+surgery, "", 200).names(), []string{"Gus Guest", "Mary Member"})
	equal(t, "in a group of others", h.must(t, sten, "GET /api/people?group="+surgery, "", 200).names(), nil)
	for who, want := range map[string][]string{mary: {surgery}, paul: nil, sten: nil} {
		m, err := h.accounts.Place(t.Context(), who, "")
		if err != nil || !slices.Equal(m.Groups, want) {
			t.Errorf("groups of %s: got %v, want %v, error %v", m.Person.Name, m.Groups, want, err)
		}
	}
	// The end of a membership is the end of its groups, and only of its own.
	h.must(t, "operator", "PUT /api/workspaces/"+two+"/members/"+mary, `{"role":"member"}`, 204)
	set(sten, theirs, 204, mary, sten)
	h.sessions.take()
	h.must(t, wanda, "DELETE /api/workspaces/"+h.main+"/members/"+mary, "", 204)
	h.must(t, wanda, "GET /api/groups", "", 200, `"members":1`)
	h.must(t, sten, "GET /api/groups", "", 200, `"members":2`)
	set(wanda, surgery, 204, paul)
	_, renewed := h.sessions.take()
	equal(t, "renewed", renewed, []string{mary})
	h.must(t, sten, "DELETE /api/groups/"+surgery, "", 404)
	h.must(t, paul, "DELETE /api/groups/"+surgery, "", 403)
	h.must(t, wanda, "DELETE /api/groups/"+surgery, "", 204)
	h.must(t, wanda, "DELETE /api/groups/"+surgery, "", 404)
	h.must(t, wanda, "GET /api/groups", "", 200, `"items":[]`)
	equal(t, "recorded", h.record(t, surgery), []string{"group.add ok {}", `group.members ok {"members":2}`, `group.members refused {"members":1}`,
		`group.members ok {"members":1}`, "group.remove refused {}", "group.remove ok {}"})
}

// TestNowhere is an administrator who is a member of no workspace: everything
// about the installation works, nothing about a workspace.
func TestNowhere(t *testing.T) {
	t.Parallel()
	h := start(t)
	lone := h.person(t, "", "Lena Lone", actor.Owner, actor.None)
	mary := h.person(t, h.main, "Mary Member", actor.None, actor.Member)
	equal(t, "people", h.must(t, lone, "GET /api/people", "", 200).names(), nil)
	equal(t, "everyone", h.must(t, lone, "GET /api/people?everyone=true", "", 200).names(), []string{"Lena Lone", "Mary Member"})
	h.must(t, lone, "GET /api/groups", "", 200, `"items":[]`)
	h.must(t, lone, "POST /api/groups", `{"name":"Surgery"}`, 409, "no-workspace")
	h.must(t, lone, "PATCH /api/people/"+mary, `{"workspaceRole":"editor"}`, 409, "no-workspace")
	h.must(t, lone, "PATCH /api/people/"+mary, `{"role":"auditor"}`, 200, `"workspaceRole":""`)
	h.must(t, lone, "PUT /api/workspaces/"+h.main+"/members/"+lone, `{"role":"admin"}`, 204)
	h.must(t, lone, "POST /api/groups", `{"name":"Surgery"}`, 201)
}

// TestNamesAndShare is what other rooms ask of accounts.
func TestNamesAndShare(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.workspace(t, "Two")
	olga := h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin)
	mary := h.person(t, h.main, "Mary Member", actor.None, actor.Member)
	gone := h.person(t, h.main, "Gina Gone", actor.None, actor.Member)
	sten := h.person(t, two, "Sten Stranger", actor.None, actor.Member)
	group := h.must(t, olga, "POST /api/groups", `{"name":"Surgery"}`, 201).get("id")
	h.must(t, olga, "PATCH /api/people/"+gone, `{"disabled":true}`, 200)
	many := []string{olga, group, two, "nothing", "", actor.SystemID}
	for i := range 1200 {
		many = append(many, fmt.Sprint("id", i))
	}
	many = append(many, sten)
	names, err := h.accounts.Names(t.Context(), many)
	if want := map[string]string{olga: "Olga Owner", group: "Surgery", two: "Two", sten: "Sten Stranger", actor.SystemID: "ChatETS"}; err != nil || fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v, error %v", names, want, err)
	}
	if names, err := h.accounts.Names(t.Context(), nil); err != nil || len(names) != 0 {
		t.Errorf("no ids: got %v, error %v", names, err)
	}
	for _, tt := range []struct {
		name, workspace string
		people, groups  []string
		ok              bool
	}{
		{"members and groups", h.main, []string{olga, mary}, []string{group}, true},
		{"nothing", h.main, nil, nil, true},
		{"a stranger", h.main, []string{mary, sten}, nil, false},
		{"a disabled person", h.main, []string{gone}, nil, false},
		{"a group of others", two, []string{sten}, []string{group}, false},
		{"a person for a group", h.main, nil, []string{mary}, false},
		{"an empty id", h.main, []string{""}, nil, false},
	} {
		if err := h.accounts.Share(t.Context(), tt.workspace, tt.people, tt.groups); (err == nil) != tt.ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	first, err := h.accounts.First(t.Context())
	if err != nil || first.Name != "Main" {
		t.Errorf("first workspace: %+v, error %v", first, err)
	}
	if err := h.accounts.EnsureFirst(t.Context()); err != nil {
		t.Error(err)
	}
	if list := h.must(t, olga, "GET /api/workspaces", "", 200).names(); len(list) != 2 {
		t.Errorf("a second start made another workspace: %v", list)
	}
	if p, owned, err := h.accounts.Owner(t.Context()); err != nil || !owned || p.ID != olga {
		t.Errorf("owner: %+v, %v, error %v", p, owned, err)
	}
	if p, err := h.accounts.ByEmail(t.Context(), " OLGA.Owner@house.test"); err != nil || p.ID != olga {
		t.Errorf("by e-mail: %+v, error %v", p, err)
	}
	for name, err := range map[string]error{
		"a stranger as a member": second(h.accounts.Member(t.Context(), h.main, sten)), "no workspace": second(h.accounts.Member(t.Context(), "", olga)),
		"an unknown person": second(h.accounts.ByID(t.Context(), "nothing")), "an unknown e-mail": second(h.accounts.ByEmail(t.Context(), "x@y.test")),
		"a place of nobody": second(h.accounts.Place(t.Context(), "nothing", h.main)),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: got %v, want not found", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, account.Migrations)
	schema := func() string {
		t.Helper()
		var text string
		const read = `SELECT coalesce(group_concat(sql, char(10)), '') FROM (SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY name)`
		if err := db.Read().QueryRowContext(t.Context(), read).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := schema()
	if err := db.Down(t.Context(), 0, account.Migrations); err != nil {
		t.Fatal(err)
	}
	if got := schema(); got != "" {
		t.Errorf("down leaves %s", got)
	}
	if err := db.Migrate(t.Context(), account.Migrations); err != nil {
		t.Fatal(err)
	}
	if after := schema(); before != after || before == "" {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}
