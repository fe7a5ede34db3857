package login

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSetUp(t *testing.T) {
	t.Parallel()
	h := start(t)
	token, needed, err := h.logins.SetupToken(t.Context())
	if err != nil || !needed || len(token) != 43 {
		t.Fatalf("token %q, needed %v, error %v", token, needed, err)
	}
	h.visitor().must(t, "GET /api/setup", "", 200, `{"needed":true}`)
	fields := func(token, email, name, password string) string {
		return object("token", token, "email", email, "name", name, "password", password)
	}
	for _, tt := range []struct {
		name, body string
		status     int
		holds      []string
	}{
		{"a wrong token", fields("x", "olga@house.test", "Olga", good), 403, []string{"setup-link-wrong"}},
		{"no token", fields("", "olga@house.test", "Olga", good), 403, nil},
		{"a token cut short", fields(token[:42], "olga@house.test", "Olga", good), 403, nil},
		{"a huge token", fields(strings.Repeat("x", 10_000), "olga@house.test", "Olga", good), 422, nil},
		{"everything wrong", fields(token, "olga", " ", "short"), 422, []string{"body.email", "body.name", "body.password"}},
		{"an empty password", fields(token, "olga@house.test", "Olga", ""), 422, []string{"Enter a password."}},
		{"a role", `{"token":"x","email":"e@x.test","name":"E","password":"` + good + `","role":"owner"}`, 422, []string{"role"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := h.visitor().must(t, "POST /api/setup", tt.body, tt.status, tt.holds...)
			if strings.Contains(got.body, token) || got.header.Get("Set-Cookie") != "" {
				t.Errorf("the answer gives away too much: %s %v", got.body, got.header)
			}
		})
	}
	attacker := h.visitor().from("203.0.113.66")
	for range 10 {
		attacker.must(t, "POST /api/setup", fields("x", "thief@house.test", "Thief", good), 403)
	}
	recorded := len(h.record(t, "setup.finish"))
	for range 20 {
		attacker.must(t, "POST /api/setup", fields("x", "thief@house.test", "Thief", good), 429, "Wait 20 seconds")
	}
	if got := len(h.record(t, "setup.finish")); got != recorded+1 {
		t.Errorf("%d rows about 20 throttled attempts, want 1", got-recorded)
	}
	got := h.visitor().must(t, "POST /api/setup", fields(token, " Olga@House.test", "  Olga   Owner ", good), 200,
		`"email":"olga@house.test"`, `"name":"Olga Owner"`, `"role":"owner"`, `"workspaceRole":"admin"`)
	if got.get("token") != "" {
		t.Error("the page does not need the token")
	}
	browser := &visitor{house: h, cookie: cookie(t, got), csrf: got.get("csrf")}
	browser.must(t, "GET /api/session", "", 200, `"name":"Main"`, `"role":"owner"`)
	browser.must(t, "POST /api/workspaces", object("name", "Two"), 201)
	h.visitor().must(t, "GET /api/setup", "", 200, `{"needed":false}`)
	for name, body := range map[string]string{
		"the same link again": fields(token, "thief@house.test", "Thief", good),
		"a wrong link":        fields("x", "thief@house.test", "Thief", good),
		"another password":    fields(token, "olga@house.test", "Olga Owner", "another horse battery"),
	} {
		if got := h.visitor().must(t, "POST /api/setup", body, 409, "setup-done", "Sign in instead."); got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: somebody was signed in", name)
		}
	}
	if token, needed, err := h.logins.SetupToken(t.Context()); token != "" || needed || err != nil {
		t.Errorf("afterwards: token %q, needed %v, error %v", token, needed, err)
	}
	rows := h.record(t, "setup.finish")
	done := slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return !strings.Contains(row, " ok ") })
	if len(done) != 1 || !strings.HasPrefix(done[0], got.get("person", "id")) || len(rows) < 6 {
		t.Errorf("recorded: %v", rows)
	}
}

// TestSetUpOnce wants one owner of ten who use the link at the same moment.
func TestSetUpOnce(t *testing.T) {
	t.Parallel()
	h := start(t)
	token, _, err := h.logins.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	statuses := make([]int, 10)
	for i := range statuses {
		wait.Go(func() {
			email := string(rune('a'+i)) + "@house.test"
			statuses[i] = h.visitor().ask(t, "POST /api/setup", object("token", token, "email", email, "name", "Somebody", "password", good)).status
		})
	}
	wait.Wait()
	slices.Sort(statuses)
	if statuses[0] != 200 || statuses[1] != 409 || statuses[9] != 409 {
		t.Errorf("got %v, want one 200 and nine 409", statuses)
	}
	var people, members, passwords int
	const count = `SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM membership), (SELECT count(*) FROM password)`
	if err := h.db.Read().QueryRowContext(t.Context(), count).Scan(&people, &members, &passwords); err != nil || people != 1 || members != 1 || passwords != 1 {
		t.Errorf("%d people, %d memberships, %d passwords, error %v", people, members, passwords, err)
	}
}

// TestSetUpTokenOfAProcess wants a restart to make the old link worthless.
func TestSetUpTokenOfAProcess(t *testing.T) {
	t.Parallel()
	h := start(t)
	old, _, err := h.logins.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.open(t)
	h.visitor().must(t, "POST /api/setup", object("token", old, "email", "olga@house.test", "name", "Olga", "password", good), 403, "setup-link-wrong")
	h.setUp(t)
}

func TestOperator(t *testing.T) {
	t.Parallel()
	h := start(t)
	operator := h.operator()
	operator.must(t, "GET /api/people", "", 200, `"items":[]`)
	operator.must(t, "GET /api/audit?act=person", "", 200)
	mary := operator.must(t, "POST /api/people", `{"email":"mary@house.test","name":"Mary Miller","password":"`+good+`"}`, 201, `"role":""`, `"workspaceRole":"member"`)
	h.visitor().must(t, "GET /api/setup", "", 200, `{"needed":true}`)
	token, _, err := h.logins.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owner := operator.must(t, "POST /api/people", `{"email":"olga@house.test","name":"Olga Owner","password":"`+good+`","admin":true}`, 201, `"role":"owner"`, `"workspaceRole":"admin"`)
	h.visitor().must(t, "POST /api/setup", object("token", token, "email", "thief@house.test", "name", "Thief", "password", good), 409)
	adam := operator.must(t, "POST /api/people", `{"email":"adam@house.test","name":"Adam Admin","password":"`+good+`","admin":true}`, 201, `"role":"admin"`)
	for _, row := range h.record(t, "person.add")[2:] {
		if !strings.HasPrefix(row, owner.get("id")+" ") {
			t.Errorf("recorded: %s, want the first owner as the actor", row)
		}
	}
	if rows := h.record(t, "person.add"); !strings.HasPrefix(rows[0], "system "+mary.get("id")) {
		t.Errorf("recorded: %s, want the system as the actor before there is an owner", rows[0])
	}
	var kinds string
	const read = `SELECT group_concat(DISTINCT actor_kind || (uid >= 0)) FROM audit WHERE act = 'person.add'`
	if err := h.db.Read().QueryRowContext(t.Context(), read).Scan(&kinds); err != nil || kinds != "operator1" {
		t.Errorf("recorded as %s, error %v", kinds, err)
	}
	// In the name of somebody else.
	as := func(email string) *visitor { return &visitor{house: h, socket: true, owner: email} }
	as("ADAM@house.test").must(t, "POST /api/groups", object("name", "Surgery"), 201)
	if rows := h.record(t, "group.add"); !strings.HasPrefix(rows[0], adam.get("id")+" ") {
		t.Errorf("recorded: %s, want Adam", rows[0])
	}
	as("nobody@house.test").must(t, "GET /api/people", "", 422, "no person with the e-mail address")
	// What belongs to somebody goes where that person can find it.
	two := operator.must(t, "POST /api/workspaces", object("name", "Two"), 201).get("id")
	operator.must(t, "PUT /api/workspaces/"+two+"/members/"+mary.get("id"), `{"role":"member"}`, 204)
	main := operator.must(t, "GET /api/workspaces", "", 200).get("items", "0", "id")
	operator.must(t, "DELETE /api/workspaces/"+main+"/members/"+mary.get("id"), "", 204)
	a, err := h.logins.Operator(t.Context(), 0, "mary@house.test")
	if err != nil || a.Workspace != two || a.ID != mary.get("id") || !a.Administers() || a.Converses() {
		t.Errorf("got %+v, error %v", a, err)
	}
	// The last owner is safe even from the operator.
	operator.must(t, "PATCH /api/people/"+owner.get("id"), `{"disabled":true}`, 409, "last-owner")
	operator.must(t, "PATCH /api/people/"+adam.get("id"), `{"role":"owner"}`, 200)
	operator.must(t, "PATCH /api/people/"+owner.get("id"), `{"disabled":true}`, 200)
	operator.must(t, "PUT /api/operator/people/"+adam.get("id")+"/password", object("password", "another horse battery"), 204)
	h.visitor().must(t, "POST /api/auth/login", object("email", "adam@house.test", "password", "another horse battery"), 200)
	if list := operator.must(t, "GET /api/people", "", 200); strings.Count(list.body, `"id"`) != 3 {
		t.Errorf("the operator does not see everybody: %s", list.body)
	}
}
