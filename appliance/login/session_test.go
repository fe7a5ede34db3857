package login

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// TestStolenCookie wants whatever was copied from a browser to be worth nothing
// after the sign-out there.
func TestStolenCookie(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "").browse(t)
	thief := *mary
	thief.must(t, "GET /api/session", "", 200)
	got := mary.must(t, "POST /api/auth/logout", "", 204)
	if clear := got.header.Get("Clear-Site-Data"); !strings.Contains(clear, `"storage"`) || !strings.Contains(clear, `"cache"`) {
		t.Errorf("Clear-Site-Data: %s", clear)
	}
	if value := cookie(t, got); value != "" || !strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the cookie stays: %s", got.header.Get("Set-Cookie"))
	}
	thief.must(t, "GET /api/session", "", 401)
	thief.must(t, "PUT /api/password", object("current", good, "password", "another horse battery"), 401)
	(&visitor{house: h, token: thief.cookie}).must(t, "GET /api/session", "", 401)
	mary.must(t, "POST /api/auth/logout", "", 204) // a page that does not know yet
	h.visitor().must(t, "POST /api/auth/logout", "", 204)
	if rows := h.record(t, "login.signout"); len(rows) != 1 || !strings.HasPrefix(rows[0], mary.id+" ") {
		t.Errorf("recorded: %v", rows)
	}
}

// TestCrossSite wants the cookie alone not to be enough to change anything.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	h := start(t)
	mary := h.person(t, h.setUp(t), "mary@house.test", "Mary Miller", "").browse(t)
	forged := *mary
	forged.csrf = ""
	other := h.person(t, again(t, h), "paul@house.test", "Paul", "").browse(t)
	borrowed := *mary
	borrowed.csrf = other.csrf
	for name, v := range map[string]*visitor{"without a token": &forged, "with the token of another session": &borrowed} {
		for _, route := range []string{"POST /api/auth/logout", "DELETE /api/sessions", "PUT /api/password"} {
			body := ""
			if strings.HasPrefix(route, "PUT") {
				body = object("current", good, "password", "another horse battery")
			}
			if got := v.ask(t, route, body); got.status != 403 {
				t.Errorf("%s %s: got %d: %s", route, name, got.status, got.body)
			}
		}
	}
	mary.must(t, "GET /api/session", "", 200)
}

// again is the owner of a house, signed in once more.
func again(t *testing.T, h *house) *visitor {
	t.Helper()
	v := &visitor{house: h, email: "olga@house.test"}
	v.signIn(t)
	return v
}

func TestSessions(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	paul := h.person(t, olga, "paul@house.test", "Paul Porter", "")
	second := mary.from("203.0.113.9").browse(t)
	list := second.must(t, "GET /api/sessions", "", 200, `"address":"203.0.113.9"`, `"address":"192.0.2.1"`, `"agent":"Go-http-client`)
	if list.get("items", "0", "current") != "true" || list.get("items", "1", "current") != "false" || list.get("items", "2", "id") != "" {
		t.Fatalf("got %s", list.body)
	}
	for _, secret := range []string{mary.token, second.cookie, second.csrf} {
		if strings.Contains(list.body, secret) {
			t.Errorf("the list shows a token: %s", list.body)
		}
	}
	first := list.get("items", "1", "id")
	paul.must(t, "DELETE /api/sessions/"+first, "", 404, "There is no such session.")
	olga.must(t, "DELETE /api/sessions/"+first, "", 404)
	mary.must(t, "GET /api/session", "", 200)
	second.must(t, "DELETE /api/sessions/"+first, "", 204)
	mary.must(t, "GET /api/session", "", 401)
	second.must(t, "DELETE /api/sessions/"+first, "", 404)
	if !h.revoked.has(first) {
		t.Error("the open streams of the session were not ended")
	}
	mary.signIn(t)
	third := mary.browse(t)
	second.must(t, "DELETE /api/sessions", "", 204)
	mary.must(t, "GET /api/session", "", 401)
	third.must(t, "GET /api/session", "", 401)
	second.must(t, "GET /api/session", "", 200)
	paul.must(t, "GET /api/session", "", 200)
	second.must(t, "DELETE /api/sessions", "", 204)
	if rows := h.record(t, "session.end-others"); len(rows) != 1 || !strings.HasSuffix(rows[0], `ok {"sessions":2}`) {
		t.Errorf("recorded: %v", rows)
	}
	// Pages.
	for range 5 {
		mary.signIn(t)
	}
	page := second.must(t, "GET /api/sessions?limit=4", "", 200)
	rest := second.must(t, "GET /api/sessions?limit=4&cursor="+page.get("next"), "", 200)
	if page.get("items", "3", "id") == "" || rest.get("items", "1", "id") == "" || rest.get("items", "2", "id") != "" || rest.get("next") != "" {
		t.Errorf("pages: %s then %s", page.body, rest.body)
	}
	h.operator().must(t, "GET /api/sessions", "", 403)
	h.operator().must(t, "GET /api/session", "", 404)
}

// TestEnds moves the clock past the ends a session has.
func TestEnds(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	use := func(v *visitor, every time.Duration, times, want int) {
		t.Helper()
		for i := range times {
			h.clock.forward(every)
			if got := v.ask(t, "GET /api/session", ""); got.status != want {
				t.Fatalf("use %d: got %d, want %d", i, got.status, want)
			}
		}
	}
	use(mary, 100*time.Minute, 7, 200) // 11 h 40 min, in use
	use(mary, 21*time.Minute, 1, 401)  // 12 h 1 min
	mary.signIn(t)
	use(mary, 119*time.Minute, 2, 200)
	use(mary, 121*time.Minute, 1, 401) // nobody was there
	mary.signIn(t)
	olga.signIn(t)
	olga.must(t, "PUT /api/settings/login.sessionHours", `{"value":1}`, 200)
	use(mary, 59*time.Minute, 1, 200)
	use(mary, 2*time.Minute, 1, 401) // a shorter setting ends old sessions too
	olga.signIn(t)
	mary.signIn(t)
	olga.must(t, "PUT /api/settings/login.sessionHours", `{"value":24}`, 200)
	use(mary, 59*time.Minute, 1, 200)
	use(mary, 2*time.Minute, 1, 401) // a longer one does not prolong them
	olga.signIn(t)
	mary.signIn(t)
	olga.must(t, "PUT /api/settings/login.idleMinutes", `{"value":5}`, 200)
	use(mary, 6*time.Minute, 1, 401)
	h.clock.forward(48 * time.Hour)
	mary.signIn(t)
	var left int
	if err := h.db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM session`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d sessions are left in the table, want 1; error %v", left, err)
	}
}

// TestLastSeen wants the last use exact to a minute without a commit each.
func TestLastSeen(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	commits := func() int64 { return h.db.Stats().Commits }
	began := h.clock.Now()
	before := commits()
	for range 20 {
		h.clock.forward(2 * time.Second)
		olga.must(t, "GET /api/session", "", 200)
	}
	if got := commits() - before; got != 0 {
		t.Errorf("%d commits in the first minute", got)
	}
	h.clock.forward(time.Minute)
	for range 20 {
		olga.must(t, "GET /api/session", "", 200)
	}
	until(t, "a commit", func() bool { return commits() > before })
	for range 20 {
		olga.must(t, "GET /api/session", "", 200)
	}
	if got := commits() - before; got != 1 {
		t.Errorf("%d commits after it, want 1", got)
	}
	got := olga.must(t, "GET /api/sessions", "", 200)
	seen, err := time.Parse(time.RFC3339, got.get("items", "0", "lastSeen"))
	if err != nil || h.clock.Now().Sub(seen) > time.Second || !seen.After(began) {
		t.Errorf("last seen %s, now %s", seen, h.clock.Now())
	}
	people := olga.must(t, "GET /api/people", "", 200)
	if active, err := time.Parse(time.RFC3339, people.get("items", "0", "lastActive")); err != nil || h.clock.Now().Sub(active) > time.Minute {
		t.Errorf("last active %s, error %v", people.body, err)
	}
}

// until waits for what happens beside a request.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within a minute", what)
		}
	}
}

// TestLeftOpen wants a page that was left open, whose streams ask about the
// session again and again, not to keep it alive.
func TestLeftOpen(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	for range 4 {
		h.clock.forward(29 * time.Minute)
		if _, err := h.logins.Authenticate(t.Context(), olga.token, "192.0.2.1"); err != nil {
			t.Fatalf("the session is over too early: %v", err)
		}
	}
	h.clock.forward(5 * time.Minute)
	if _, err := h.logins.Authenticate(t.Context(), olga.token, "192.0.2.1"); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after two hours without a request: got %v", err)
	}
	olga.must(t, "GET /api/session", "", 401)
}

// TestDisabledMidSession wants a person who is disabled to be out with the next
// request, and not back in when enabled again.
func TestDisabledMidSession(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	browser := mary.browse(t)
	id := browser.must(t, "GET /api/sessions", "", 200).get("items", "0", "id")
	olga.must(t, "PATCH /api/people/"+mary.id, `{"disabled":true}`, 200, `"disabled":true`)
	mary.must(t, "GET /api/session", "", 401)
	browser.must(t, "GET /api/session", "", 401)
	if !h.revoked.has(id) {
		t.Error("the open streams were not ended")
	}
	mary.must(t, "POST /api/auth/login", object("email", mary.email, "password", good), 401)
	olga.must(t, "PATCH /api/people/"+mary.id, `{"disabled":false}`, 200)
	mary.must(t, "GET /api/session", "", 401)
	browser.must(t, "GET /api/session", "", 401)
	mary.signIn(t)
	if rows := slices.Concat(h.record(t, "person.disable"), h.record(t, "person.enable")); len(rows) != 2 {
		t.Errorf("recorded: %v", rows)
	}
}

// TestDisabledWhileSigningIn disables a person between the check of the password
// and the new session.
func TestDisabledWhileSigningIn(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	derive := h.logins.hashes.derive
	h.logins.hashes.derive = func(password, salt []byte, c Cost, length uint32) []byte {
		err := h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE person SET disabled = 1 WHERE id = ?`, mary.id)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return derive(password, salt, c, length)
	}
	mary.must(t, "POST /api/auth/login", object("email", mary.email, "password", good), 401)
	mary.must(t, "GET /api/session", "", 401)
	var sessions int
	if err := h.db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM session WHERE owner = ?`, mary.id).Scan(&sessions); err != nil || sessions != 1 {
		t.Errorf("%d sessions, want only the one from before; error %v", sessions, err)
	}
}

func TestRoleMidSession(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	adam := h.person(t, olga, "adam@house.test", "Adam Admin", `,"admin":true`)
	adam.must(t, "GET /api/audit", "", 200)
	olga.must(t, "PATCH /api/people/"+adam.id, `{"role":""}`, 200)
	adam.must(t, "GET /api/audit", "", 403)
	adam.must(t, "GET /api/session", "", 200, `"role":""`)
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	browser, other := mary.browse(t), mary.browse(t)
	const next = "a meadow full of clover"
	for _, tt := range []struct{ name, current, password, holds string }{
		{"the present one is wrong", "wrong wrong wrong", next, `"field":"body.current"`},
		{"the same again", good, good, "is the present one"},
		{"too short", good, "clover", "at least 12 characters"},
		{"empty", good, "", "Enter a password."},
		{"her name", good, "Mary  Miller 1", "must not be the name"},
		{"too long", good, strings.Repeat("clover", 200), "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			browser.must(t, "PUT /api/password", object("current", tt.current, "password", tt.password), 422, tt.holds)
		})
	}
	browser.must(t, "PUT /api/password", object("current", good, "password", next), 204)
	browser.must(t, "GET /api/session", "", 200)
	other.must(t, "GET /api/session", "", 401)
	mary.must(t, "GET /api/session", "", 401)
	olga.must(t, "GET /api/session", "", 200)
	mary.must(t, "POST /api/auth/login", object("email", mary.email, "password", good), 401)
	h.visitor().must(t, "POST /api/auth/login", object("email", mary.email, "password", next), 200)
	if rows := h.record(t, "login.password"); len(rows) != 2 || !strings.HasSuffix(rows[0], `refused {"why":"password"}`) || !strings.HasSuffix(rows[1], `ok {"sessions":2}`) {
		t.Errorf("recorded: %v", rows)
	}
	h.operator().must(t, "PUT /api/password", object("current", good, "password", next), 403)
}

func TestSwitchWorkspace(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	main := mary.must(t, "GET /api/session", "", 200).get("workspace", "id")
	two := olga.must(t, "POST /api/workspaces", object("name", "Two"), 201).get("id")
	mary.must(t, "POST /api/session/workspace", object("id", two), 404, "There is no such workspace.")
	mary.must(t, "POST /api/session/workspace", object("id", "nothing"), 404, "There is no such workspace.")
	mary.must(t, "POST /api/session/workspace", object("id", ""), 404)
	olga.must(t, fmt.Sprintf("PUT /api/workspaces/%s/members/%s", two, mary.id), `{"role":"guest"}`, 204)
	got := mary.must(t, "POST /api/session/workspace", object("id", two), 200, `"name":"Two"`, `"workspaceRole":"guest"`)
	if got.get("workspaces", "0", "id") != main || got.get("workspaces", "1", "id") != two {
		t.Errorf("workspaces: %s", got.body)
	}
	mary.must(t, "GET /api/session", "", 200, `"workspaceRole":"guest"`)
	mary.must(t, "GET /api/people", "", 403)
	id := mary.must(t, "GET /api/sessions", "", 200).get("items", "0", "id")
	h.revoked.clear()
	olga.must(t, fmt.Sprintf("DELETE /api/workspaces/%s/members/%s", two, mary.id), "", 204)
	if !h.revoked.has(id) {
		t.Error("the open streams of the workspace stay open")
	}
	back := mary.must(t, "GET /api/session", "", 200, `"workspaceRole":"member"`)
	if back.get("workspace", "id") != main || strings.Contains(back.body, two) {
		t.Errorf("after the end of the membership: %s", back.body)
	}
	olga.must(t, fmt.Sprintf("DELETE /api/workspaces/%s/members/%s", main, mary.id), "", 204)
	mary.must(t, "GET /api/session", "", 200, `"workspace":{"id":"","name":""}`, `"workspaces":[]`)
	mary.must(t, "GET /api/people", "", 403)
	mary.signIn(t)
}

// TestManySessions wants a script that signs in for every call to be bounded.
func TestManySessions(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	first := *olga
	for range maxSessions {
		olga.signIn(t)
	}
	first.must(t, "GET /api/session", "", 401)
	olga.must(t, "GET /api/session", "", 200)
	var sessions int
	if err := h.db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM session`).Scan(&sessions); err != nil || sessions != maxSessions {
		t.Errorf("%d sessions, want %d; error %v", sessions, maxSessions, err)
	}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	h := start(t)
	page := func(v *visitor) string {
		t.Helper()
		body := v.must(t, "GET /", "", 200).body
		_, rest, _ := strings.Cut(body, `id="bootstrap">`)
		json, _, _ := strings.Cut(rest, "</script>")
		return json
	}
	if got := page(h.visitor()); got != `{"setup":true}` {
		t.Errorf("before set-up: %s", got)
	}
	olga := h.setUp(t).browse(t)
	if got := page(h.visitor()); got != `{"setup":false}` {
		t.Errorf("after set-up: %s", got)
	}
	if got := page(olga); !strings.Contains(got, `"email":"olga@house.test"`) || !strings.Contains(got, olga.csrf) || strings.Contains(got, olga.cookie) {
		t.Errorf("signed in: %s", got)
	}
}
