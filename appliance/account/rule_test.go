package account_test

import (
	"strings"
	"sync"
	"testing"

	"chatets/appliance/actor"
)

// TestWhoMayChangeWhom is the table of the rules: nobody raises anybody above
// oneself; an owner or an admin is changed only by an owner or by itself; the
// last owner stays.
func TestWhoMayChangeWhom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		who, whom, change string
		want              int
		code              string
	}{
		// Owners.
		{"owner", "second owner", `{"disabled":true}`, 200, ""},
		{"owner", "second owner", `{"role":"admin"}`, 200, ""},
		{"owner", "admin", `{"role":"owner"}`, 200, ""},
		{"owner", "member", `{"role":"auditor"}`, 200, ""},
		{"owner", "owner", `{"role":"admin"}`, 200, ""},
		{"owner", "owner", `{"name":"Olga Renamed"}`, 200, ""},
		// Admins.
		{"admin", "owner", `{"disabled":true}`, 403, "owner-only"},
		{"admin", "owner", `{"role":""}`, 403, "owner-only"},
		{"admin", "owner", `{"name":"Renamed"}`, 403, "owner-only"},
		{"admin", "owner", `{"workspaceRole":"guest"}`, 403, "owner-only"},
		{"admin", "second admin", `{"disabled":true}`, 403, "owner-only"},
		{"admin", "second admin", `{"role":""}`, 403, "owner-only"},
		{"admin", "second admin", `{"workspaceRole":"guest"}`, 403, "owner-only"},
		{"admin", "admin", `{"role":"owner"}`, 403, "role-too-high"},
		{"admin", "admin", `{"role":""}`, 200, ""},
		{"admin", "admin", `{"disabled":true}`, 200, ""},
		{"admin", "member", `{"role":"owner"}`, 403, "role-too-high"},
		{"admin", "member", `{"role":"admin"}`, 200, ""},
		{"admin", "member", `{"role":"auditor","workspaceRole":"editor","name":"Mary Renamed","disabled":true}`, 200, ""},
		{"admin", "auditor", `{"role":""}`, 200, ""},
		{"admin", "warden", `{"workspaceRole":"member"}`, 200, ""},
		// One forbidden part forbids the whole.
		{"admin", "member", `{"name":"Mary Renamed","role":"owner"}`, 403, "role-too-high"},
		// Everybody else.
		{"auditor", "auditor", `{"role":"admin"}`, 403, ""},
		{"auditor", "member", `{"disabled":true}`, 403, ""},
		{"auditor", "auditor", `{"name":"Andy Renamed"}`, 200, ""},
		{"warden", "member", `{"workspaceRole":"editor"}`, 200, ""},
		{"warden", "member", `{"workspaceRole":"admin"}`, 200, ""},
		{"warden", "member", `{"name":"Renamed"}`, 403, ""},
		{"warden", "member", `{"disabled":true}`, 403, ""},
		{"warden", "member", `{"role":"auditor"}`, 403, ""},
		{"warden", "admin", `{"workspaceRole":"guest"}`, 403, "owner-only"},
		{"warden", "warden", `{"role":"admin"}`, 403, ""},
		{"warden", "stranger", `{"workspaceRole":"guest"}`, 404, ""},
		{"member", "member", `{"name":"Mary Renamed"}`, 200, ""},
		{"member", "member", `{"workspaceRole":"admin"}`, 403, ""},
		{"member", "member", `{"role":"owner"}`, 403, ""},
		{"member", "member", `{"disabled":true}`, 403, ""},
		{"member", "guest", `{"name":"Renamed"}`, 403, ""},
		{"member", "stranger", `{"name":"Renamed"}`, 404, ""},
		{"member", "nobody", `{"name":"Renamed"}`, 404, ""},
		{"stranger", "member", `{"name":"Renamed"}`, 404, ""},
		{"", "member", `{"name":"Renamed"}`, 401, ""},
		// The machine's operator.
		{"operator", "owner", `{"disabled":true}`, 200, ""},
		{"operator", "member", `{"role":"owner"}`, 200, ""},
		// What is no change at all needs no right.
		{"member", "member", `{"disabled":false,"role":"","workspaceRole":"member"}`, 200, ""},
		// What is not readable.
		{"owner", "member", `{"role":"king"}`, 422, ""},
		{"owner", "member", `{"workspaceRole":"owner"}`, 422, ""},
		{"owner", "member", `{"workspaceRole":""}`, 422, ""},
		{"owner", "member", `{"email":"new@house.test"}`, 422, ""},
		{"owner", "member", `{"name":""}`, 422, ""},
	} {
		t.Run(tt.who+" "+tt.whom+" "+tt.change, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			two := h.workspace(t, "Two")
			id := map[string]string{
				"owner": h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin), "second owner": h.person(t, h.main, "Otto Owner", actor.Owner, actor.Admin),
				"admin": h.person(t, h.main, "Adam Admin", actor.Admin, actor.Admin), "second admin": h.person(t, h.main, "Ada Admin", actor.Admin, actor.Admin),
				"auditor": h.person(t, h.main, "Andy Auditor", actor.Auditor, actor.Member), "warden": h.person(t, h.main, "Wanda Warden", actor.None, actor.Admin),
				"member": h.person(t, h.main, "Mary Member", actor.None, actor.Member), "guest": h.person(t, h.main, "Gus Guest", actor.None, actor.Guest),
				"stranger": h.person(t, two, "Sten Stranger", actor.None, actor.Admin), "nobody": "019326b5-0000-7000-8000-000000000000", "operator": "operator",
			}
			before := h.must(t, id["second owner"], "GET /api/people?everyone=true", "", 200).body
			got := h.must(t, id[tt.who], "PATCH /api/people/"+id[tt.whom], tt.change, tt.want)
			if tt.code != "" && !strings.Contains(got.body, `"code":"`+tt.code+`"`) {
				t.Errorf("the answer misses the code %s: %s", tt.code, got.body)
			}
			if tt.want != 200 {
				if after := h.must(t, id["second owner"], "GET /api/people?everyone=true", "", 200).body; after != before {
					t.Errorf("something was changed\nbefore %s\n after %s", before, after)
				}
			}
			refused := tt.want == 403
			if rows := strings.Join(h.record(t, id[tt.whom]), "; "); strings.Contains(rows, "person.change refused") != refused {
				t.Errorf("recorded: %s", rows)
			}
		})
	}
}

func TestChangeIsRecorded(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin)
	mary := h.person(t, h.main, "Mary Member", actor.None, actor.Member)
	got := h.must(t, owner, "PATCH /api/people/"+mary, `{"role":"auditor","workspaceRole":"editor","name":" Mary  Märtens ","disabled":true}`, 200,
		`"name":"Mary Märtens"`, `"role":"auditor"`, `"workspaceRole":"editor"`, `"disabled":true`)
	if strings.Contains(got.body, "external") {
		t.Errorf("the answer tells an id of a directory: %s", got.body)
	}
	h.must(t, owner, "PATCH /api/people/"+mary, `{"disabled":true}`, 200) // nothing changes
	equal(t, "recorded", h.record(t, mary), []string{"person.rename ok {}", `person.role ok {"from":"","to":"auditor"}`,
		`membership.set ok {"from":"member","to":"editor"}`, "person.disable ok {}"})
	ended, renewed := h.sessions.take()
	equal(t, "signed out", ended, []string{mary})
	equal(t, "renewed", renewed, nil)
	h.must(t, owner, "PATCH /api/people/"+mary, `{"disabled":false}`, 200)
	h.must(t, owner, "PATCH /api/people/"+mary, `{"role":""}`, 200)
	h.must(t, mary, "PATCH /api/people/"+mary, `{"name":"Mary"}`, 200)
	ended, renewed = h.sessions.take()
	equal(t, "signed out", ended, nil)
	equal(t, "renewed", renewed, nil)
}

// TestLastOwner wants an owner to be left whatever happens, also when two owners
// turn on each other at the same moment.
func TestLastOwner(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.person(t, h.main, "Olga Owner", actor.Owner, actor.Admin)
	otto := h.person(t, h.main, "Otto Owner", actor.Owner, actor.Admin)
	h.must(t, "operator", "PATCH /api/people/"+otto, `{"disabled":true}`, 200)
	for _, who := range []string{olga, "operator"} {
		for _, change := range []string{`{"disabled":true}`, `{"role":"admin"}`, `{"role":""}`} {
			h.must(t, who, "PATCH /api/people/"+olga, change, 409, `"code":"last-owner"`, "Make somebody else an owner first.")
		}
	}
	h.must(t, olga, "PATCH /api/people/"+otto, `{"disabled":false}`, 200)
	for range 20 {
		var wait sync.WaitGroup
		statuses := make([]int, 2)
		for i, pair := range [][2]string{{olga, otto}, {otto, olga}} {
			wait.Go(func() { statuses[i] = h.ask(t, pair[0], "PATCH /api/people/"+pair[1], `{"role":"admin"}`).status })
		}
		wait.Wait()
		var owners int
		if err := h.db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM person WHERE role = 'owner' AND disabled = 0`).Scan(&owners); err != nil || owners < 1 {
			t.Fatalf("%d owners are left, statuses %v, error %v", owners, statuses, err)
		}
		for _, id := range []string{olga, otto} {
			h.must(t, "operator", "PATCH /api/people/"+id, `{"role":"owner"}`, 200)
		}
	}
}
