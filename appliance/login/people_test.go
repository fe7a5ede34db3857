package login

import (
	"strings"
	"testing"
)

func TestAddPerson(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	adam := h.person(t, olga, "adam@house.test", "Adam Admin", `,"admin":true`)
	andy := h.person(t, olga, "andy@house.test", "Andy Auditor", "")
	olga.must(t, "PATCH /api/people/"+andy.id, `{"role":"auditor"}`, 200)
	wanda := h.person(t, olga, "wanda@house.test", "Wanda Warden", `,"workspaceRole":"admin"`)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	for _, tt := range []struct {
		name   string
		who    *visitor
		body   string
		status int
		holds  []string
	}{
		{"an admin adds an admin", adam, object("email", "a1@house.test", "name", "A One", "password", good)[:1] + `"admin":true,` + object("email", "a1@house.test", "name", "A One", "password", good)[1:], 201, []string{`"role":"admin"`}},
		{"a guest", adam, `{"email":"a2@house.test","name":"A Two","password":"` + good + `","workspaceRole":"guest"}`, 201, []string{`"workspaceRole":"guest"`, `"role":""`}},
		{"a role that does not exist", adam, `{"email":"a3@house.test","name":"A","password":"` + good + `","workspaceRole":"owner"}`, 422, []string{"workspaceRole"}},
		{"an installation role by name", adam, `{"email":"a3@house.test","name":"A","password":"` + good + `","role":"owner"}`, 422, []string{"role"}},
		{"taken", adam, object("email", "MARY@house.test", "name", "Mary Again", "password", good), 409, []string{"email-taken", "body.email"}},
		{"taken in another form", adam, object("email", "  mary@house.TEST ", "name", "Mary Again", "password", good), 409, []string{"email-taken"}},
		{"no address", adam, object("email", "mary", "name", "M", "password", good), 422, []string{"body.email", "no e-mail address"}},
		{"an empty address", adam, object("email", " ", "name", "M", "password", good), 422, []string{"body.email", "Enter an e-mail address."}},
		{"two addresses", adam, object("email", "a@b.test,c@d.test", "name", "M", "password", good), 422, []string{"body.email"}},
		{"an address with a name", adam, object("email", "M <m@b.test>", "name", "M", "password", good), 422, []string{"body.email"}},
		{"an address too long", adam, object("email", strings.Repeat("m", 300)+"@b.test", "name", "M", "password", good), 422, []string{"body.email", "too long"}},
		{"an address with a line break", adam, object("email", "m@b.test\nBcc: x@y.test", "name", "M", "password", good), 422, []string{"body.email"}},
		{"no name", adam, object("email", "m@b.test", "name", "\t ", "password", good), 422, []string{"body.name", "Enter a name."}},
		{"a name too long", adam, object("email", "m@b.test", "name", strings.Repeat("é", 201), "password", good), 422, []string{"body.name", "too long"}},
		{"a name with a control character", adam, object("email", "m@b.test", "name", "M\u0007", "password", good), 422, []string{"body.name", "Control characters"}},
		{"a name that turns round", adam, object("email", "m@b.test", "name", "M\u202exe.nimda", "password", good), 422, []string{"body.name", "Invisible"}},
		{"a NUL in the name", adam, object("email", "m@b.test", "name", "M\x00", "password", good), 422, []string{"name", "NUL"}},
		{"no password", adam, object("email", "m@b.test", "name", "M", "password", ""), 422, []string{"body.password", "Enter a password."}},
		{"an invitation", adam, `{"email":"inv@house.test","name":"In Vited","invite":true}`, 201, []string{"/set-password#", "linkExpiresAt"}},
		{"an invitation without a name", adam, `{"email":"inv2@house.test","name":"","invite":true}`, 422, []string{"body.name"}},
		{"all three", adam, object("email", "", "name", "", "password", ""), 422, []string{"body.email", "body.name", "body.password"}},
		{"a workspace admin", wanda, object("email", "m@b.test", "name", "M", "password", good), 403, nil},
		{"an auditor", andy, object("email", "m@b.test", "name", "M", "password", good), 403, nil},
		{"a member", mary, object("email", "m@b.test", "name", "M", "password", good), 403, nil},
		{"nobody", h.visitor(), object("email", "m@b.test", "name", "M", "password", good), 401, nil},
		{"umlauts in any form", adam, object("email", "u@house.test", "name", "Jo\u0308rg  Mu\u0308ller", "password", good), 201, []string{`"name":"Jörg Müller"`}},
		{"an apostrophe", adam, object("email", "o'brien@house.test", "name", "O'Brien", "password", good), 201, []string{`"email":"o'brien@house.test"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.who.must(t, "POST /api/people", tt.body, tt.status, tt.holds...)
			if strings.Contains(got.body, good) {
				t.Errorf("the answer repeats the password: %s", got.body)
			}
		})
	}
}

func TestPasswordRule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, password, holds string }{
		{"empty", "", "Enter a password."},
		{"eleven characters", "kestrel-vow", "at least 12 characters"},
		{"twelve", "kestrel-vows", ""},
		{"twelve of more bytes", "Füchse üben!", ""},
		{"six of twelve bytes", "éééééé", "at least 12 characters"},
		{"1024 bytes", strings.Repeat("kestrel ", 128), ""},
		{"1025 bytes", strings.Repeat("kestrel ", 128) + "k", "too long"},
		{"a control character", "kestrel\avows are", "control characters"},
		{"not UTF-8", "kestrel\xffvows are", "UTF-8"},
		{"the address", "mary.miller@house.test", "must not be the name"},
		{"the address in capitals", "Mary.Miller@House.Test", "must not be the name"},
		{"the name", "Mary Jane Miller", "must not be the name"},
		{"the name with figures", "maryjanemiller1987!", "must not be the name"},
		{"password", "password1234", "anybody would try"},
		{"password with figures in it", "P4ssw0rd!2024", "anybody would try"},
		{"welcome", "welcome2024!!", "anybody would try"},
		{"hospital", "Hospital2025", "anybody would try"},
		{"keys in a row", "qwertyuiop12", "anybody would try"},
		{"keys in columns", "1qaz2wsx3edc", "anybody would try"},
		{"the product", "chatets-chatets", "anybody would try"},
		{"one letter", "aaaaaaaaaaaaaa", "anybody would try"},
		{"a repeated part", "abababababab", "anybody would try"},
		{"a repeated word of four", "rootrootroot", "anybody would try"},
		{"figures upwards", "123456789012", "anybody would try"},
		{"figures downwards", "987654321098", "anybody would try"},
		{"the alphabet", "abcdefghijklm", "anybody would try"},
		{"only figures, none in order", "804126597313", ""},
		{"words", good, ""},
		{"another alphabet", "синяя птица летит", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := checkPassword("body.password", tt.password, "mary.miller@house.test", "Mary Jane Miller", minPassword)
			switch {
			case tt.holds == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.holds != "" && (err == nil || !strings.Contains(err.Error(), tt.holds)):
				t.Errorf("got %v, want %q", err, tt.holds)
			}
		})
	}
}

// TestGivePassword: the operator at the machine alone sets a password; an
// administrator makes a link, for whom the rules let him change.
func TestGivePassword(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	adam := h.person(t, olga, "adam@house.test", "Adam Admin", `,"admin":true`)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	route := "PUT /api/operator/people/" + mary.id + "/password"
	for _, who := range []*visitor{olga, adam, mary, h.visitor()} {
		who.must(t, route, object("password", "another horse battery"), 404)
	}
	adam.must(t, "POST /api/people/"+olga.id+"/password-link", "", 403, "owner-only")
	mary.must(t, "POST /api/people/"+mary.id+"/password-link", "", 403)
	operator := h.operator()
	operator.must(t, "PUT /api/operator/people/nobody/password", object("password", good), 404, "There is no such person.")
	operator.must(t, route, object("password", "short"), 422, "body.password")
	operator.must(t, route, object("password", "Mary Miller 123"), 422, "must not be the name")
	operator.must(t, route, `{"password":"another horse battery","mustChange":true}`, 204)
	mary.must(t, "GET /api/session", "", 401)
	if rows := h.record(t, "person.password"); len(rows) != 1 || !strings.Contains(rows[0], mary.id) {
		t.Errorf("recorded: %v", rows)
	}

	// Somebody else knows it: nothing goes before another one is set, and the old ones do not come back.
	mary.token = h.visitor().must(t, "POST /api/auth/login", object("email", mary.email, "password", "another horse battery"), 200).get("token")
	mary.must(t, "GET /api/session", "", 200, `"mustChange":true`)
	mary.must(t, "GET /api/people", "", 403, "password-change-required")
	mary.must(t, "PUT /api/password", object("current", "another horse battery", "password", good), 422, "used before")
	mary.must(t, "PUT /api/password", object("current", "another horse battery", "password", "a third horse entirely"), 204)
	mary.must(t, "GET /api/people", "", 200)
	if got := mary.must(t, "GET /api/session", "", 200); strings.Contains(got.body, "mustChange") {
		t.Errorf("it is still wanted: %s", got.body)
	}
	olga.must(t, "PUT /api/settings/login.passwordHistory", `{"value":0}`, 200)
	mary.must(t, "PUT /api/password", object("current", "a third horse entirely", "password", good), 204)

	olga.must(t, "PUT /api/settings/login.passwordLength", `{"value":20}`, 200)
	mary.must(t, "PUT /api/password", object("current", good, "password", "nineteen characters"), 422, "at least 20 characters")
	olga.must(t, "PUT /api/settings/login.passwordLength", `{"value":7}`, 422)
	olga.must(t, "PUT /api/settings/login.passwordLength", `{"value":8}`, 200)
	for _, listed := range []string{"sunshine", "Liverpool1!", "p4ssw0rd", "trustno1"} {
		mary.must(t, "PUT /api/password", object("current", good, "password", listed), 422, "anybody would try")
	}
	mary.must(t, "PUT /api/password", object("current", good, "password", "kestrel-vow"), 204)
}

// A session that is bound to where it began ends when it is used elsewhere.
func TestSessionPlace(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	mary.from("203.0.113.9").must(t, "GET /api/session", "", 200)
	olga.must(t, "PUT /api/settings/login.sessionPlace", `{"value":"moon"}`, 422, "anywhere, range or network")
	olga.must(t, "PUT /api/settings/login.sessionPlace", `{"value":"range"}`, 200)
	mary.must(t, "GET /api/session", "", 200)
	mary.from("192.0.2.77").must(t, "GET /api/session", "", 200)
	mary.from("203.0.113.9").must(t, "GET /api/session", "", 401, "session-elsewhere")
	mary.must(t, "GET /api/session", "", 401) // whoever has the token has it no more
	if rows := h.record(t, "session.elsewhere"); len(rows) != 1 || !strings.Contains(rows[0], "192.0.2.1") {
		t.Errorf("recorded: %v", rows)
	}
	olga.must(t, "PUT /api/settings/login.sessionPlace", `{"value":"network"}`, 200)
	mary.signIn(t)
	mary.from("192.0.2.77").must(t, "GET /api/session", "", 401, "session-elsewhere")
}
