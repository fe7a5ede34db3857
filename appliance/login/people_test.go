package login

import (
	"fmt"
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
			err := checkPassword("body.password", tt.password, "mary.miller@house.test", "Mary Jane Miller")
			switch {
			case tt.holds == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.holds != "" && (err == nil || !strings.Contains(err.Error(), tt.holds)):
				t.Errorf("got %v, want %q", err, tt.holds)
			}
		})
	}
}

// TestGivePassword tries who may set whose password: whoever can, can sign in as
// that person.
func TestGivePassword(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	people := map[string]*visitor{"owner": olga}
	for _, who := range []string{"second owner", "admin", "other admin", "auditor", "warden", "member"} {
		more := ""
		if strings.Contains(who, "admin") {
			more = `,"admin":true`
		}
		if who == "warden" {
			more = `,"workspaceRole":"admin"`
		}
		people[who] = h.person(t, olga, strings.ReplaceAll(who, " ", ".")+"@house.test", "The "+who, more)
	}
	olga.must(t, "PATCH /api/people/"+people["second owner"].id, `{"role":"owner"}`, 200)
	olga.must(t, "PATCH /api/people/"+people["auditor"].id, `{"role":"auditor"}`, 200)
	for _, tt := range []struct {
		who, whose string
		want       int
	}{
		{"owner", "second owner", 204}, {"owner", "admin", 204}, {"owner", "member", 204}, {"owner", "owner", 409},
		{"admin", "member", 204}, {"admin", "auditor", 204}, {"admin", "warden", 204}, {"admin", "admin", 409},
		{"admin", "owner", 403}, {"admin", "other admin", 403},
		{"auditor", "member", 403}, {"warden", "member", 403}, {"member", "warden", 403}, {"member", "member", 403},
	} {
		t.Run(tt.who+" for "+tt.whose, func(t *testing.T) {
			who, whose := people[tt.who], people[tt.whose]
			who.signIn(t)
			whose.signIn(t)
			before := len(h.record(t, "person.password"))
			who.must(t, "PUT /api/people/"+whose.id+"/password", object("password", "another horse battery"), tt.want)
			status := 200
			if tt.want == 204 {
				status = 401
			}
			whose.must(t, "GET /api/session", "", status)
			login := whose.ask(t, "POST /api/auth/login", object("email", whose.email, "password", "another horse battery"))
			if (login.status == 200) != (tt.want == 204) {
				t.Errorf("signing in with it: got %d", login.status)
			}
			if tt.want == 204 {
				h.operator().must(t, "PUT /api/people/"+whose.id+"/password", object("password", good), 204)
			}
			rows := h.record(t, "person.password")
			if administers := tt.who == "owner" || tt.who == "admin"; administers && tt.want != 409 && len(rows) == before {
				t.Error("nothing was recorded")
			}
		})
	}
	olga.signIn(t)
	olga.must(t, "PUT /api/people/nobody/password", object("password", good), 404, "There is no such person.")
	olga.must(t, fmt.Sprintf("PUT /api/people/%s/password", people["member"].id), object("password", "short"), 422, "body.password")
	olga.must(t, fmt.Sprintf("PUT /api/people/%s/password", people["member"].id), object("password", "The member 123"), 422, "must not be the name")
}
