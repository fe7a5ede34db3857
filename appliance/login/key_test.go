package login

import (
	"strings"
	"testing"
	"time"
)

// key makes a key of v and returns a visitor that holds it, and the key's id.
func (v *visitor) key(t *testing.T, scopes string) (*visitor, string) {
	t.Helper()
	got := v.must(t, "POST /api/api-keys", `{"name":"nightly","days":30,"scopes":[`+scopes+`]}`, 201, `"key":"chatets_`)
	return &visitor{house: v.house, id: v.id, email: v.email, token: got.get("key")}, got.get("id")
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	paul := h.person(t, olga, "paul@house.test", "Paul", "")
	for _, tt := range []struct {
		name, body string
		holds      []string
	}{
		{"no name", `{"name":" ","days":30,"scopes":["chat"]}`, []string{"body.name"}},
		{"a long name", `{"name":"` + strings.Repeat("x", 101) + `","days":30,"scopes":["chat"]}`, []string{"body.name", "too long"}},
		{"no scope", `{"name":"x","days":30,"scopes":[]}`, []string{"body.scopes", "at least one"}},
		{"a scope that is none", `{"name":"x","days":30,"scopes":["everything"]}`, []string{"body.scopes", "no scope everything"}},
		{"a scope twice", `{"name":"x","days":30,"scopes":["chat","chat"]}`, []string{"body.scopes", "twice"}},
		{"no end", `{"name":"x","days":0,"scopes":["chat"]}`, []string{"body.days", "between 1 and 365"}},
		{"too long", `{"name":"x","days":366,"scopes":["chat"]}`, []string{"body.days"}},
	} {
		t.Run(tt.name, func(t *testing.T) { mary.must(t, "POST /api/api-keys", tt.body, 422, tt.holds...) })
	}
	h.clock.forward(freshFor + time.Minute)
	mary.must(t, "POST /api/api-keys", `{"name":"x","days":30,"scopes":["chat"]}`, 403, "prove-again")
	mary.signIn(t)
	reader, id := mary.key(t, `"people.read"`)

	// Only what the scope says, and never what no route gives to keys.
	reader.must(t, "GET /api/people", "", 200, "mary@house.test")
	for _, tt := range []struct{ name, route, body string }{
		{"another scope", "PATCH /api/people/" + mary.id, `{"name":"Changed"}`},
		{"sessions", "GET /api/sessions", ""},
		{"who is here", "GET /api/session", ""},
		{"ending sessions", "DELETE /api/sessions", ""},
		{"keys", "GET /api/api-keys", ""},
		{"more keys", "POST /api/api-keys", `{"name":"x","days":30,"scopes":["chat"]}`},
		{"itself", "DELETE /api/api-keys/" + id, ""},
		{"the password", "PUT /api/password", object("current", good, "password", good+"!")},
		{"a second step", "POST /api/factors/totp", ""},
		{"a proof", "POST /api/auth/prove", object("password", good)},
		{"another workspace", "POST /api/session/workspace", `{"id":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) { reader.must(t, tt.route, tt.body, 403, "key-scope") })
	}
	until(t, "last use", func() bool {
		return strings.Contains(mary.must(t, "GET /api/api-keys", "", 200).body, `"address":"192.0.2.1"`)
	})
	if list := mary.must(t, "GET /api/api-keys", "", 200, `"lastUsed"`, `"address":"192.0.2.1"`, `"expired":false`); strings.Contains(list.body, "chatets_") {
		t.Errorf("the list tells the key: %s", list.body)
	}
	// A key is no session of a browser, and a public route does not mind it.
	(&visitor{house: h, cookie: reader.token}).must(t, "GET /api/people", "", 401)
	reader.must(t, "GET /api/setup", "", 200)
	reader.must(t, "POST /api/auth/logout", "", 204)
	reader.must(t, "GET /api/people", "", 200)

	// It has what its person has, at the moment.
	audits, _ := mary.key(t, `"audit.read"`)
	audits.must(t, "GET /api/audit", "", 403)
	olga.signIn(t)
	olga.must(t, "PATCH /api/people/"+mary.id, `{"role":"auditor"}`, 200)
	audits.must(t, "GET /api/audit", "", 200, "key.add")
	olga.must(t, "PATCH /api/people/"+mary.id, `{"role":""}`, 200)
	audits.must(t, "GET /api/audit", "", 403)

	// Even an owner's key makes no administrators, and changes none.
	writer, wid := olga.key(t, `"people.write"`)
	writer.must(t, "POST /api/people", `{"email":"a@house.test","name":"A","password":"`+good+`","admin":true}`, 403)
	writer.must(t, "PATCH /api/people/"+paul.id, `{"role":"admin"}`, 403, "role-too-high")
	writer.must(t, "PATCH /api/people/"+paul.id, `{"disabled":true}`, 200)
	paul.must(t, "GET /api/session", "", 401)
	if rows := h.record(t, "person.disable"); len(rows) != 1 || !strings.Contains(rows[0], `"key":"`+wid+`"`) {
		t.Errorf("what a key did is not told from what its person did: %v", rows)
	}
	// Others see and end it only if they look after its person.
	mary.must(t, "GET /api/people/"+olga.id+"/api-keys", "", 403)
	mary.must(t, "DELETE /api/api-keys/"+wid, "", 404)
	mary.must(t, "DELETE /api/people/"+olga.id+"/api-keys/"+wid, "", 403)
	mary.must(t, "POST /api/operator/people/"+mary.id+"/api-keys", `{"name":"x","days":1,"scopes":["chat"]}`, 404)
	olga.must(t, "GET /api/people/"+mary.id+"/api-keys", "", 200, "nightly")

	// Disabled, its person's keys are cut at once, with what they have open.
	h.revoked.clear()
	olga.must(t, "PATCH /api/people/"+mary.id, `{"disabled":true}`, 200)
	reader.must(t, "GET /api/people", "", 401, "key-over")
	if !h.revoked.has(keySession(id)) {
		t.Error("what the key had open goes on")
	}
	olga.must(t, "PATCH /api/people/"+mary.id, `{"disabled":false}`, 200)
	reader.must(t, "GET /api/people", "", 200)

	// A day ends it, and so do its person, an administrator and the operator.
	mary.signIn(t)
	h.revoked.clear()
	mary.must(t, "DELETE /api/api-keys/"+id, "", 204)
	mary.must(t, "DELETE /api/api-keys/"+id, "", 404)
	reader.must(t, "GET /api/people", "", 401, "key-over")
	if !h.revoked.has(keySession(id)) || len(h.record(t, "key.revoke")) == 0 {
		t.Error("the end is not told")
	}
	_, id = mary.key(t, `"people.read"`)
	olga.must(t, "DELETE /api/people/"+mary.id+"/api-keys/"+id, "", 204)
	made := h.operator().must(t, "POST /api/operator/people/"+mary.id+"/api-keys", `{"name":"by hand","days":7,"scopes":["people.read"]}`, 201)
	by := &visitor{house: h, token: made.get("key")}
	by.must(t, "GET /api/people", "", 200)
	h.clock.forward(7*24*time.Hour + time.Second)
	by.must(t, "GET /api/people", "", 401, "key-over")
	mary.signIn(t)
	mary.must(t, "GET /api/api-keys", "", 200, `"expired":true`)
	for range maxKeys {
		h.operator().ask(t, "POST /api/operator/people/"+mary.id+"/api-keys", `{"name":"x","days":7,"scopes":["chat"]}`)
	}
	h.operator().must(t, "POST /api/operator/people/"+mary.id+"/api-keys", `{"name":"x","days":7,"scopes":["chat"]}`, 409, "too-many-keys")
}

// A key belongs to one workspace and does not follow its person into another.
func TestAPIKeyStaysInItsWorkspace(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	main := olga.must(t, "GET /api/session", "", 200).get("workspace", "id")
	two := olga.must(t, "POST /api/workspaces", `{"name":"Two"}`, 201).get("id")
	olga.must(t, "PUT /api/workspaces/"+two+"/members/"+mary.id, `{"role":"admin"}`, 204)
	key, _ := mary.key(t, `"people.read"`)
	key.must(t, "GET /api/people", "", 200, "olga@house.test")
	olga.must(t, "DELETE /api/workspaces/"+main+"/members/"+mary.id, "", 204)
	key.must(t, "GET /api/people", "", 401, "key-over")
	mary.must(t, "GET /api/session", "", 200)
}
