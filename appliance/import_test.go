package appliance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

type imported struct {
	Lines, Added, Existing, Failed int
	Problems                       []struct {
		Line            int
		Field, Sentence string
	}
	Invitations []struct{ Email, Link string }
}

func (v *visitor) importPeople(t *testing.T, query, file string, status int) imported {
	t.Helper()
	got := v.ask(t, "POST", "/api/people/import"+query, "", file)
	if got.status != status {
		t.Fatalf("import: got %d, want %d: %s", got.status, status, got.body)
	}
	var r imported
	if err := json.Unmarshal([]byte(got.body), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func figures(r imported) [4]int { return [4]int{r.Lines, r.Added, r.Existing, r.Failed} }

func TestImportPeople(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	h.person(t, owner, "here@house.test", "Here Already")
	bad := "email,name,groups,role\nanna@house.test,Anna,\"Nurses;Ward 3\",editor\nno address,Nobody,,\nanna@house.test,Twice,,\nhere@house.test,X,Nurses,\nbert@house.test,,,boss\n"

	for _, query := range []string{"?dryRun=true", ""} {
		r := owner.importPeople(t, query, bad, 200)
		if r.Failed != 3 || len(r.Problems) != 3 || r.Problems[0].Line != 3 || r.Problems[0].Field != "email" || r.Problems[1].Line != 4 || r.Problems[2].Line != 6 {
			t.Errorf("%s: %+v", query, r)
		}
		if n := strings.Count(owner.must(t, "GET", "/api/people?limit=200", "", 200).body, `"id"`); n != 2 {
			t.Fatalf("%s wrote people: %d are there", query, n)
		}
	}
	if r := owner.importPeople(t, "?lines=true&invite=true", bad, 200); figures(r) != [4]int{5, 1, 1, 3} || len(r.Invitations) != 1 {
		t.Fatalf("line by line: %+v", r)
	}
	if groups := owner.must(t, "GET", "/api/groups", "", 200).body; !strings.Contains(groups, `"Ward 3"`) || !strings.Contains(groups, `"name":"Nurses","members":2`) {
		t.Errorf("groups: %s", groups)
	}

	// The other ways in: separators, names of columns, JSON in two forms.
	for i, c := range []struct{ query, file string }{
		{"", "\xef\xbb\xbfE-Mail;Vorname;Nachname;Gruppe\r\nc%d@house.test;Cä;Zett;Nurses\r\n"},
		{"", "Mail\tDisplay Name\nc%d@house.test\t\"Cara, Dr.\"\n"},
		{"?map=email=Post&map=groups=Ward", "Ward,Post\nNurses,c%d@house.test\n"},
		{"", `[{"email":"c%d@house.test","name":"Cara","groups":["Nurses"]}]`},
		{"?format=json", `{"email":"c%d@house.test","name":"Cara","groups":"Nurses|Night"}`},
		{"", "email\n\nc%d@house.test\n\n"},
	} {
		if r := owner.importPeople(t, c.query, fmt.Sprintf(c.file, i), 200); figures(r) != [4]int{1, 1, 0, 0} {
			t.Errorf("%d: %+v", i, r)
		}
	}
	for why, c := range map[string]struct{ query, file string }{
		"empty": {"", " "}, "no column": {"", "a,b\n1,2\n"}, "spreadsheet": {"", "PK\x03\x04xxxx"}, "utf-16": {"", "\xff\xfee\x00m\x00"},
		"cut JSON": {"", `[{"email":"x@house.test"`}, "a mapping to nothing": {"?map=email=None", "email\nx@house.test\n"}, "no mapping": {"?map=shoe=5", "email\nx@house.test\n"},
	} {
		if got := owner.ask(t, "POST", "/api/people/import"+c.query, "", c.file); got.status != 422 || got.get("cure") == "" {
			t.Errorf("%s: got %d %s", why, got.status, got.body)
		}
	}
	member := h.person(t, owner, "m@house.test", "Mia")
	if got := member.ask(t, "POST", "/api/people/import", "", "email\nx@house.test\n"); got.status != 403 {
		t.Errorf("a member imports: %d", got.status)
	}
}

func TestPasswordLink(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	r := owner.importPeople(t, "?invite=true", "email,name\nnew@house.test,New Person\n", 200)
	link := r.Invitations[0].Link
	if !strings.HasPrefix(link, h.base+"/set-password#") {
		t.Fatalf("the link is %s", link)
	}
	_, token, _ := strings.Cut(link, "#")
	set := func(token, password string, status int) answer {
		t.Helper()
		body, _ := json.Marshal(map[string]string{"token": token, "password": password})
		return h.visitor().must(t, "POST", "/api/auth/password", string(body), status)
	}
	set("made up", "another good sentence", 403)
	set(token, "short", 422)
	set(token, password, 204)
	set(token, "another good sentence", 403) // once
	fresh := &visitor{house: h, email: "new@house.test"}
	fresh.signIn(t)
	// A second link ends the first; using it ends sessions.
	id := fresh.must(t, "GET", "/api/session", "", 200).get("person", "id")
	_, one, _ := strings.Cut(owner.must(t, "POST", "/api/people/"+id+"/password-link", "", 201).get("link"), "#")
	_, two, _ := strings.Cut(owner.must(t, "POST", "/api/people/"+id+"/password-link", "", 201).get("link"), "#")
	set(one, "another good sentence", 403)
	fresh.must(t, "GET", "/api/session", "", 200)
	set(two, "another good sentence", 204)
	fresh.must(t, "GET", "/api/session", "", 401)
	fresh.must(t, "POST", "/api/people/"+id+"/password-link", "", 401)
}

func TestImportLarge(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	var b strings.Builder
	b.WriteString("email,name,groups\n")
	const n = 3000
	for i := range n {
		fmt.Fprintf(&b, "p%05d@house.test,Person %d,Group %d\n", i, i, i%7)
	}
	if r := owner.importPeople(t, "", b.String(), 200); figures(r) != [4]int{n, n, 0, 0} {
		t.Errorf("%+v", figures(r))
	}
	if r := owner.importPeople(t, "", b.String(), 200); figures(r) != [4]int{n, 0, n, 0} {
		t.Errorf("again: %+v", figures(r))
	}
}
