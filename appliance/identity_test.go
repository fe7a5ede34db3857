//go:build identity

package appliance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// These tests run against a real OpenLDAP: make test-identity.

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// directory adds a directory with the settings, beside those every one has.
func (v *visitor) directory(t *testing.T, s *slapd, name string, more map[string]any) string {
	t.Helper()
	return v.must(t, "POST", "/api/directories", directoryBody(s, name, more), 201).id()
}

func directoryBody(s *slapd, name string, more map[string]any) string {
	settings := map[string]any{"preset": "openldap", "urls": []string{s.url}, "ca": s.ca, "base": slapdBase,
		"bindDn": "cn=sync,ou=svc," + slapdBase, "groups": true, "brakePercent": 20}
	for k, x := range more {
		settings[k] = x
	}
	body, err := json.Marshal(map[string]any{"name": name, "password": "sync-pw", "settings": settings})
	if err != nil {
		panic(err)
	}
	return string(body)
}

type syncFigures struct {
	People, Added, Changed, Disabled, Enabled, Missing, Skipped, Groups int
	DryRun                                                              bool
	Error                                                               string
	Problems                                                            []struct{ DN, Why string }
	Changes                                                             []struct{ Act, DN string }
}

// sync synchronises and returns what it came to.
func (v *visitor) sync(t *testing.T, id, options string) syncFigures {
	t.Helper()
	job := v.must(t, "POST", "/api/directories/"+id+"/sync", options, 202).get("job")
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		state := v.must(t, "GET", "/api/jobs/"+job, "", 200).get("state")
		if state == "done" || state == "failed" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the synchronisation does not end")
		}
	}
	var got struct{ Result syncFigures }
	if err := json.Unmarshal([]byte(v.must(t, "GET", "/api/directories/"+id, "", 200).body), &got); err != nil {
		t.Fatal(err)
	}
	return got.Result
}

// login tries to sign in and returns the status, the token and the problem's code.
func (h *house) login(t *testing.T, name, password string) (int, string, string) {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"email": name, "password": password})
	got := h.visitor().ask(t, "POST", "/api/auth/login", string(body), "")
	if got.status == 200 {
		return got.status, got.get("token"), ""
	}
	return got.status, "", got.get("code")
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestIdentitySynchronisation(t *testing.T) {
	t.Parallel()
	const people = 400
	s := startSlapd(t, people)
	h := start(t)
	owner := h.setUp(t)
	local := h.person(t, owner, "u0006@example.org", "Local Six") // has the address of an entry
	rules := []map[string]any{{"group": "chatets-admins", "installation": "admin", "role": "admin"}, {"group": groupDN("dept-1"), "role": "editor"}}
	id := owner.directory(t, s, "corp", map[string]any{"rules": rules})

	dry := owner.sync(t, id, `{"dryRun":true,"full":true}`)
	want(t, "people of the dry run", dry.People, people)
	want(t, "added of the dry run", dry.Added, people-1)
	want(t, "left out of the dry run", dry.Skipped, 1)
	if n := strings.Count(owner.must(t, "GET", "/api/people?limit=200", "", 200).body, `"id"`); n != 2 {
		t.Errorf("the dry run wrote people: %d are there", n)
	}

	first := owner.sync(t, id, `{"full":true}`)
	want(t, "people", first.People, people)
	want(t, "added", first.Added, people-1)
	want(t, "groups", first.Groups, 9)
	if len(first.Problems) != 1 || !strings.Contains(first.Problems[0].DN, "u0006") || !strings.Contains(first.Problems[0].Why, "not joined") {
		t.Errorf("the entry with a local address is not named: %+v", first.Problems)
	}
	again := owner.sync(t, id, `{"full":true}`)
	want(t, "the second time", []int{again.Added, again.Changed, again.Disabled, again.Enabled}, []int{0, 0, 0, 0})

	// Roles by nested groups, and groups of a person, through the door.
	for name, roles := range map[string][2]string{"u0001": {"admin", "admin"}, "u0005": {"", "editor"}, "u0002": {"", "member"}} {
		status, token, _ := h.login(t, name, "pw-"+name[1:])
		want(t, "sign in as "+name, status, 200)
		session := (&visitor{house: h, token: token}).must(t, "GET", "/api/session", "", 200)
		want(t, "roles of "+name, [2]string{session.get("person", "role"), session.get("person", "workspaceRole")}, roles)
	}
	groups := owner.must(t, "GET", "/api/groups?limit=200", "", 200)
	counts := map[string]float64{}
	for _, g := range groups.fields.(map[string]any)["items"].([]any) {
		counts[g.(map[string]any)["name"].(string)] = g.(map[string]any)["members"].(float64)
	}
	want(t, "members of everyone, by nesting", counts["everyone"], people-1)
	want(t, "members of a cycle", []float64{counts["loop-a"], counts["loop-b"]}, []float64{2, 2})

	// A renamed and moved entry keeps its account.
	c := s.admin(t)
	_, token, _ := h.login(t, "u0002", "pw-0002")
	before := (&visitor{house: h, token: token}).must(t, "GET", "/api/session", "", 200).get("person", "id")
	if err := c.ModifyDN(ldap.NewModifyDNRequest(uid(2), "uid=two", true, "")); err != nil {
		t.Fatal(err)
	}
	m := ldap.NewModifyRequest("uid=two,ou=people,"+slapdBase, nil)
	m.Replace("cn", []string{"Two Married"})
	m.Replace("mail", []string{"two@example.org"})
	if err := c.Modify(m); err != nil {
		t.Fatal(err)
	}
	renamed := owner.sync(t, id, `{"full":true}`)
	want(t, "after a rename", []int{renamed.Added, renamed.Changed, renamed.Disabled}, []int{0, 1, 0})
	_, token, _ = h.login(t, "two", "pw-0002")
	session := (&visitor{house: h, token: token}).must(t, "GET", "/api/session", "", 200)
	want(t, "the renamed person", []string{session.get("person", "id"), session.get("person", "name"), session.get("person", "email")}, []string{before, "Two Married", "two@example.org"})

	// A leaver is signed out at once, and comes back with all.
	three := &visitor{house: h}
	_, three.token, _ = h.login(t, "u0003", "pw-0003")
	lock := ldap.NewModifyRequest(uid(3), nil)
	lock.Add("pwdAccountLockedTime", []string{"000001010000Z"})
	if err := c.Modify(lock); err != nil {
		t.Fatal(err)
	}
	left := owner.sync(t, id, `{}`)
	want(t, "after one was locked", []int{left.Disabled, left.Changed}, []int{1, 0})
	three.must(t, "GET", "/api/session", "", 401)
	unlock := ldap.NewModifyRequest(uid(3), nil)
	unlock.Delete("pwdAccountLockedTime", nil)
	if err := c.Modify(unlock); err != nil {
		t.Fatal(err)
	}
	want(t, "after the lock was opened", owner.sync(t, id, `{}`).Enabled, 1)
	if err := c.Del(ldap.NewDelRequest(uid(9), nil)); err != nil {
		t.Fatal(err)
	}
	nine := &visitor{house: h}
	want(t, "after one was deleted", owner.sync(t, id, `{"full":true}`).Disabled, 1)
	status, _, code := h.login(t, "u0009", "pw-0009")
	want(t, "who was deleted", []any{status, code}, []any{401, "wrong-credentials"})
	_ = nine

	// The brake: half a directory gone is a mistake, not so many leavers.
	for n := 100; n < 300; n++ {
		if err := c.Del(ldap.NewDelRequest(uid(n), nil)); err != nil {
			t.Fatal(err)
		}
	}
	braked := owner.sync(t, id, `{"full":true}`)
	if braked.Disabled != 0 || !strings.Contains(braked.Error, "Nobody was disabled") {
		t.Errorf("the brake did not hold: %+v", braked)
	}

	// Nobody is joined to a local account, by neither password.
	status, _, _ = h.login(t, "u0006@example.org", "pw-0006")
	want(t, "the directory's password of a local address", status, 401)
	local.signIn(t)

	// Removing the directory closes its accounts and leaves the local ones.
	var out struct{ People int }
	if err := json.Unmarshal([]byte(owner.must(t, "DELETE", "/api/directories/"+id, "", 200).body), &out); err != nil {
		t.Fatal(err)
	}
	want(t, "people of the removed directory", out.People, people-1)
	status, _, _ = h.login(t, "u0001", "pw-0001")
	want(t, "sign in without the directory", status, 401)
	local.signIn(t)
}

func TestIdentitySignIn(t *testing.T) {
	t.Parallel()
	s := startSlapd(t, 20)
	h := start(t)
	owner := h.setUp(t)
	id := owner.directory(t, s, "corp", map[string]any{"only": "everyone"})
	odd := s.admin(t)
	outside := ldap.NewAddRequest("uid=guest,ou=people,"+slapdBase, nil)
	outside.Attribute("objectClass", []string{"inetOrgPerson"})
	outside.Attribute("cn", []string{"Guest"})
	outside.Attribute("sn", []string{"G"})
	outside.Attribute("userPassword", []string{"pw-guest"})
	if err := odd.Add(outside); err != nil {
		t.Fatal(err)
	}
	// Nobody was synchronised: the account is made at the first sign-in, once.
	for _, name := range []string{"u0007", "U0007", "u0007@example.org", " u0007 "} {
		status, token, _ := h.login(t, name, "pw-0007")
		want(t, "sign in as "+name, status, 200)
		session := (&visitor{house: h, token: token}).must(t, "GET", "/api/session", "", 200)
		want(t, "name of "+name, session.get("person", "name"), `Doe (Ops), Jane *7 \ "x"`)
	}
	for _, c := range []struct{ why, name, password string }{
		{"wrong password", "u0007", "pw-0008"},
		{"unknown", "nobody", "pw-0007"},
		{"a star", "*", "pw-0007"},
		{"a star behind", "u000*", "pw-0007"},
		{"a filter", "u0007)(uid=*", "pw-0007"},
		{"a filter that is true", "*)(|(uid=*", "pw-0007"},
		{"a DN", uid(7), "pw-0007"},
		{"the service account", "sync", "sync-pw"},
		{"not in the group", "guest", "pw-guest"},
		{"a password of spaces", "u0007", " "},
	} {
		status, _, code := h.login(t, c.name, c.password)
		want(t, c.why, []any{status, code}, []any{401, "wrong-credentials"})
	}

	// The directory is away: sessions go on, local people come in, others hear why.
	seven := &visitor{house: h}
	_, seven.token, _ = h.login(t, "u0007", "pw-0007")
	s.stop()
	seven.must(t, "GET", "/api/session", "", 200)
	status, _, code := h.login(t, "u0007", "pw-0007")
	want(t, "sign in while it is away", []any{status, code}, []any{401, "directory-down"})
	status, _, code = h.login(t, "owner@house.test", "not the password at all")
	want(t, "a local refusal says the same", []any{status, code}, []any{401, "directory-down"})
	owner.signIn(t)
	if steps := owner.must(t, "POST", "/api/directories/"+id+"/test", `{}`, 200).body; !strings.Contains(steps, `"name":"connect","ok":false`) {
		t.Errorf("the test does not name the step: %s", steps)
	}
}

func TestIdentityBadDirectories(t *testing.T) {
	t.Parallel()
	s := startSlapd(t, 5)
	h := start(t)
	owner := h.setUp(t)
	other := startSlapd(t, 1) // with an authority of its own
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	web := h.base[len("http://"):]
	for i, c := range []struct {
		why          string
		settings     map[string]any
		step, holds  string
		person, pass string
	}{
		{why: "right", step: "account", settings: map[string]any{}, person: "u0001", pass: "pw-0001"},
		{why: "ldaps", step: "account", settings: map[string]any{"urls": []string{s.ldaps}}},
		{why: "first server away", step: "account", settings: map[string]any{"urls": []string{"ldap://127.0.0.1:1", s.ldaps}}},
		{why: "pinned", step: "account", settings: map[string]any{"pin": s.pin, "ca": ""}},
		{why: "another pin", step: "tls", holds: "pinned", settings: map[string]any{"pin": strings.Repeat("ab", 32)}},
		{why: "another authority", step: "tls", holds: "not trusted", settings: map[string]any{"ca": other.ca}},
		{why: "clear text is refused by it", step: "bind", holds: "not encrypted", settings: map[string]any{"clearText": true}},
		{why: "wrong account", step: "bind", holds: "refused the service account", settings: map[string]any{"bindDn": "cn=nobody," + slapdBase}},
		{why: "wrong base", step: "search", holds: "has no", settings: map[string]any{"base": "dc=elsewhere,dc=org"}},
		{why: "nobody fits", step: "search", holds: "No person", settings: map[string]any{"personFilter": "(uid=none)"}},
		{why: "unknown person", step: "person", holds: "Nobody", settings: map[string]any{}, person: "nobody"},
		{why: "wrong password", step: "password", holds: "refused the password", settings: map[string]any{}, person: "u0001", pass: "x"},
		{why: "a web server", step: "tls", holds: "", settings: map[string]any{"urls": []string{"ldap://" + web}}},
		{why: "nothing there", step: "connect", holds: "", settings: map[string]any{"urls": []string{"ldap://127.0.0.1:1"}}},
		{why: "it is silent", step: "tls", holds: "", settings: map[string]any{"urls": []string{"ldap://" + silent.Addr().String()}}},
		{why: "it is silent, from the first byte", step: "tls", holds: "", settings: map[string]any{"urls": []string{"ldaps://" + silent.Addr().String()}}},
	} {
		id := owner.directory(t, s, fmt.Sprintf("d%d", i), c.settings)
		body, _ := json.Marshal(map[string]string{"person": c.person, "password": c.pass})
		begun := time.Now()
		var got struct {
			OK    bool
			Steps []struct{ Name, Query, Error, Cure string }
		}
		if err := json.Unmarshal([]byte(owner.must(t, "POST", "/api/directories/"+id+"/test", string(body), 200).body), &got); err != nil {
			t.Fatal(err)
		}
		last := got.Steps[len(got.Steps)-1]
		if last.Name != c.step || got.OK != (c.step == "account") || !strings.Contains(last.Error, c.holds) || !got.OK && last.Cure == "" || last.Query == "" {
			t.Errorf("%s: got %+v", c.why, last)
		}
		if taken := time.Since(begun); taken > 20*time.Second {
			t.Errorf("%s: took %s", c.why, taken)
		}
		owner.must(t, "DELETE", "/api/directories/"+id, "", 200)
	}
	for why, c := range map[string]struct{ field, body string }{
		"no address":      {"body.settings.urls", directoryBody(s, "x", map[string]any{"urls": []string{"dc1"}})},
		"a web address":   {"body.settings.urls", directoryBody(s, "x", map[string]any{"urls": []string{"http://dc1"}})},
		"a bad filter":    {"body.settings.personFilter", directoryBody(s, "x", map[string]any{"personFilter": "(uid=*"})},
		"a bad base":      {"body.settings.base", directoryBody(s, "x", map[string]any{"base": "nowhere"})},
		"a bad authority": {"body.settings.ca", directoryBody(s, "x", map[string]any{"ca": "x"})},
		"a bad pin":       {"body.settings.pin", directoryBody(s, "x", map[string]any{"pin": "12"})},
		"a bad name":      {"body.name", directoryBody(s, "Corp HQ", nil)},
		"an owner":        {"body.settings.rules", directoryBody(s, "x", map[string]any{"rules": []map[string]any{{"group": "g", "installation": "owner"}}})},
	} {
		if got := owner.must(t, "POST", "/api/directories", c.body, 422); !strings.Contains(got.body, c.field) {
			t.Errorf("%s: %s is not named: %s", why, c.field, got.body)
		}
	}
	member := h.person(t, owner, "m@house.test", "Mia Member")
	member.must(t, "GET", "/api/directories", "", 403)
	// The password of the service account goes to no other server than it was entered for.
	id := owner.directory(t, s, "moved", nil)
	moved := directoryBody(s, "moved", map[string]any{"urls": []string{"ldap://evil.example"}})
	var body map[string]any
	if err := json.Unmarshal([]byte(moved), &body); err != nil {
		t.Fatal(err)
	}
	delete(body, "name")
	delete(body, "password")
	change, _ := json.Marshal(body)
	if got := owner.must(t, "PATCH", "/api/directories/"+id, string(change), 422); !strings.Contains(got.body, "entered again") {
		t.Errorf("the password would go elsewhere: %s", got.body)
	}
	if list := owner.must(t, "GET", "/api/directories", "", 200).body; strings.Contains(list, "sync-pw") {
		t.Error("the list holds the password")
	}
}
