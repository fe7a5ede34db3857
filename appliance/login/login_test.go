package login

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"chatets/appliance/sqlite/sqlitetest"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	mary := h.person(t, owner, "Mary.Miller@House.Test", "Mary Miller", "")
	got := h.visitor().must(t, "POST /api/auth/login", object("email", " mary.miller@house.test ", "password", good), 200,
		`"email":"mary.miller@house.test"`, `"name":"Mary Miller"`, `"workspaceRole":"member"`, `"disabled":false`)
	if len(got.get("token")) != 43 || got.header.Get("Set-Cookie") != "" || got.get("csrf") != "" {
		t.Errorf("a program gets the token and no cookie: %s %v", got.body, got.header)
	}
	expires, err := time.Parse(time.RFC3339, got.get("expiresAt"))
	if err != nil || expires.Sub(h.clock.Now()).Round(time.Minute) != 12*time.Hour {
		t.Errorf("the session ends at %s, want in 12 hours", got.get("expiresAt"))
	}
	browser := mary.browse(t)
	session := browser.must(t, "GET /api/session", "", 200, `"workspace":{"id":"`, `"name":"Main"`, `"csrf":"`+browser.csrf)
	if session.get("workspaces", "0", "id") != session.get("workspace", "id") || session.get("person", "id") != mary.id {
		t.Errorf("the session is not Mary's: %s", session.body)
	}
	if strings.Contains(session.body, browser.cookie) {
		t.Error("the session shows its token")
	}
	for _, row := range h.record(t, "login.signin") {
		if !strings.Contains(row, " ok ") {
			t.Errorf("recorded: %s", row)
		}
	}
}

// TestRefusedAlike wants the same answer after the same work whatever the
// reason, and only the record to know it.
func TestRefusedAlike(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	mary := h.person(t, owner, "mary@house.test", "Mary Miller", "")
	gone := h.person(t, owner, "gone@house.test", "Gone Already", "")
	owner.must(t, "PATCH /api/people/"+gone.id, `{"disabled":true}`, 200)
	var first string
	for i, tt := range []struct{ name, email, password, why string }{
		{"wrong password", "mary@house.test", "wrong horse battery staple", "password"},
		{"unknown address", "nobody@house.test", good, "unknown"},
		{"no address at all", "mary", good, "unknown"},
		{"a disabled person", "gone@house.test", good, "disabled"},
		{"a disabled person with a wrong password", "gone@house.test", "wrong", "password"},
		{"an SQL text", "' OR 1=1 --", "' OR 1=1 --", "unknown"},
		{"a very long address", strings.Repeat("m", 4000) + "@house.test", good, "unknown"},
		{"a password over the limit", "mary@house.test", strings.Repeat("x", 9000), "password"},
		{"a password of another person's hash", "mary@house.test", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "password"},
	} {
		before := h.logins.Verified()
		got := h.visitor().from(fmt.Sprintf("198.51.100.%d", i)).ask(t, "POST /api/auth/login", object("email", tt.email, "password", tt.password))
		var problem map[string]any
		if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
			t.Fatal(err)
		}
		delete(problem, "request")
		delete(problem, "instance")
		text, err := json.Marshal(problem)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = fmt.Sprint(got.status, string(text))
		}
		if now := fmt.Sprint(got.status, string(text)); now != first || got.status != 401 {
			t.Errorf("%s: got %s, the first was %s", tt.name, now, first)
		}
		if work := h.logins.Verified() - before; work != 1 {
			t.Errorf("%s: %d hashes were computed, want 1", tt.name, work)
		}
		rows := h.record(t, "login.signin")
		if last := rows[len(rows)-1]; !strings.Contains(last, ` refused {"why":"`+tt.why+`"}`) {
			t.Errorf("%s: recorded %s, want the reason %s", tt.name, last, tt.why)
		}
		if strings.Contains(strings.Join(rows, " "), "@") {
			t.Errorf("%s: the record holds an address: %s", tt.name, rows[len(rows)-1])
		}
	}
	mary.must(t, "GET /api/session", "", 200)
	gone.must(t, "GET /api/session", "", 401)
}

func TestSignInFields(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, tt := range []struct {
		name, body string
		status     int
		holds      []string
	}{
		{"an empty password", `{"email":"a@b.test","password":""}`, 422, []string{"body.password", "Enter your password."}},
		{"an empty address", `{"email":"","password":"x"}`, 422, []string{"body.email"}},
		{"both empty", `{"email":"","password":""}`, 422, []string{"body.email", "body.password"}},
		{"no password", `{"email":"a@b.test"}`, 422, []string{"password"}},
		{"a password that is a number", `{"email":"a@b.test","password":1}`, 422, []string{"password"}},
		{"an address with a NUL", `{"email":"a\u0000@b.test","password":"x"}`, 422, []string{"email"}},
		{"an unknown field", `{"email":"a@b.test","password":"x","admin":true}`, 422, []string{"admin"}},
		{"no JSON", `email=a`, 400, nil},
		{"nothing", ``, 0, nil},
		{"a huge body", `{"email":"` + strings.Repeat("a", 1<<20) + `"}`, 413, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := h.visitor().ask(t, "POST /api/auth/login", tt.body)
			if tt.status != 0 && got.status != tt.status || got.status < 400 || got.status > 499 {
				t.Errorf("got %d, want %d: %.300s", got.status, tt.status, got.body)
			}
			for _, want := range tt.holds {
				if !strings.Contains(got.body, want) {
					t.Errorf("the answer misses %q: %s", want, got.body)
				}
			}
		})
	}
	if got := h.logins.Verified(); got != 0 {
		t.Errorf("%d hashes were computed for requests that could not be read", got)
	}
}

// TestRehash wants a password whose hash was made at another cost to be hashed
// anew at the next sign-in, and to go on working.
func TestRehash(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	read := func() string {
		t.Helper()
		var hash string
		if err := h.db.Read().QueryRowContext(t.Context(), `SELECT hash FROM password WHERE person = ?`, owner.id).Scan(&hash); err != nil {
			t.Fatal(err)
		}
		return hash
	}
	before := read()
	owner.signIn(t)
	if read() != before {
		t.Error("the hash was made anew for nothing")
	}
	h.logins.hashes.cost = Cost{Memory: 128, Time: 2, Threads: 1}
	if got := h.visitor().ask(t, "POST /api/auth/login", object("email", owner.email, "password", "wrong wrong wrong")); got.status != 401 {
		t.Errorf("got %d", got.status)
	}
	if read() != before {
		t.Error("a wrong password changed the hash")
	}
	owner.signIn(t)
	if after := read(); !strings.HasPrefix(after, "$argon2id$v=19$m=128,t=2,p=1$") {
		t.Errorf("the hash is still %s", after)
	}
	owner.signIn(t)
}

func TestHash(t *testing.T) {
	t.Parallel()
	hash, err := newHasher(Cost{}).hash(t.Context(), good)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=1$") {
		t.Fatalf("got %s, error %v", hash, err)
	}
	h := newHasher(Cost{Memory: 64, Time: 1, Threads: 1})
	composed, decomposed := "Bücherregal im Flur", "Bu\u0308cherregal im Flur"
	if hash, err = h.hash(t.Context(), composed); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, stored, password string
		ok                     bool
	}{
		{"the same", hash, composed, true},
		{"typed on another keyboard", hash, decomposed, true},
		{"another", hash, good, false},
		{"no hash", "", good, false},
		{"no hash and no password", "", "", false},
	} {
		ok, stale, err := h.verify(t.Context(), tt.stored, tt.password)
		if ok != tt.ok || stale || err != nil {
			t.Errorf("%s: got %v, stale %v, error %v", tt.name, ok, stale, err)
		}
	}
}

func TestForgedHash(t *testing.T) {
	t.Parallel()
	h := newHasher(Cost{Memory: 64, Time: 1, Threads: 1})
	for _, stored := range []string{
		"x", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=18$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4000000000,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$", "$argon2id$v=19$m=64,t=1,p=1$!$!",
	} {
		if ok, _, err := h.verify(t.Context(), stored, ""); ok || err == nil {
			t.Errorf("%s: got %v, error %v", stored, ok, err)
		}
	}
}

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, Migrations)
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
	if err := db.Down(t.Context(), 0, Migrations); err != nil {
		t.Fatal(err)
	}
	if got := schema(); got != "" {
		t.Errorf("down leaves %s", got)
	}
	if err := db.Migrate(t.Context(), Migrations); err != nil {
		t.Fatal(err)
	}
	if after := schema(); before != after || before == "" {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}
