package library_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

// pumps is a document of six sections, of which the last repeats the first.
func pumps() string {
	var b strings.Builder
	for i, name := range []string{"Zirconium", "Hafnium", "Niobium", "Tantalum", "Rhenium", "Zirconium"} {
		fmt.Fprintf(&b, "# Part %d\n\n%s seals are changed by two people, who first close the valve in front of the pump and hang a notice on it, because a pump that starts by itself has hurt people before.\n\n", i+1, name)
	}
	return b.String()
}

// TestSwitchedOffPassages switches passages off and on, by everybody who may and
// may not.
func TestSwitchedOffPassages(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	bob := h.person(t, "Bob", h.main, actor.Member)
	carol := h.person(t, "Carol", h.main, actor.Member)
	k := alice.knowledge(t, "Pumps")
	alice.must(t, "PUT /api/knowledge/"+k+"/access", `{"entries":[`+object("person", bob.id, "right", "read")+`]}`, 200)
	d := alice.document(t, k, "pumps.md", pumps())
	route := "/api/documents/" + d + "/chunks"

	list := alice.must(t, "GET "+route, "", 200)
	if n := len(list.items()); n != 6 || list.get("total") != "6" || list.get("disabled") != "0" || list.get("next") != "" {
		t.Fatalf("the passages: %s", list.body)
	}
	for _, want := range []string{`"heading":"Part 1"`, `"language":"en"`, `"characters":`, `"disabled":false`} {
		if !strings.Contains(list.body, want) {
			t.Errorf("the list lacks %s: %s", want, list.body)
		}
	}
	numbers := func(a answer) (out []string) {
		for _, item := range a.items() {
			out = append(out, fmt.Sprint(item["number"]))
		}
		return out
	}
	all := numbers(list)

	// Pages of the list, in both directions and from a character.
	first := alice.must(t, "GET "+route+"?limit=4", "", 200)
	second := alice.must(t, "GET "+route+"?limit=4&cursor="+first.get("next"), "", 200)
	if got := append(numbers(first), numbers(second)...); fmt.Sprint(got) != fmt.Sprint(all) || second.get("next") != "" || first.get("previous") != "" {
		t.Errorf("two pages hold %v, want %v", got, all)
	}
	back := alice.must(t, "GET "+route+"?limit=3&before="+second.get("previous"), "", 200)
	if got := numbers(back); fmt.Sprint(got) != fmt.Sprint(all[1:4]) || back.get("next") != all[3] || back.get("previous") != all[1] {
		t.Errorf("before %s stand %v: %s", second.get("previous"), got, back.body)
	}
	middle := list.items()[3]
	from := alice.must(t, "GET "+route+fmt.Sprintf("?from=%v", middle["start"]), "", 200)
	if got := numbers(from); fmt.Sprint(got) != fmt.Sprint(all[3:]) || from.get("previous") != all[3] {
		t.Errorf("from character %v on stand %v", middle["start"], got)
	}
	alice.must(t, "GET "+route+"?cursor=x", "", 422)

	search := func(v *visitor, word string) int {
		return strings.Count(v.must(t, "POST /api/search", `{"question":"`+word+` seals"}`, 200).body, word+" seals")
	}
	one := route + "/" + all[0]
	for _, who := range []struct {
		v      *visitor
		status int
	}{{bob, 403}, {carol, 404}} {
		who.v.must(t, "PATCH "+one, `{"disabled":true}`, who.status)
	}
	carol.must(t, "GET "+route, "", 404)
	if len(bob.must(t, "GET "+route, "", 200).items()) != 6 {
		t.Error("who may read does not see the passages")
	}
	if search(bob, "Zirconium") != 2 {
		t.Fatal("both passages are to be found before")
	}
	off := alice.must(t, "PATCH "+one, `{"disabled":true}`, 200)
	if off.get("disabled") != "true" || off.get("number") != all[0] {
		t.Errorf("switched off: %s", off.body)
	}
	alice.must(t, "PATCH "+one, `{"disabled":false,"start":3}`, 404) // another passage than the one meant
	alice.must(t, "PATCH "+one, `{"disabled":true,"start":7}`, 200)  // once more changes nothing
	alice.must(t, "PATCH "+route+"/999999", `{"disabled":true}`, 404)
	// Where one text stands twice, switching it off is about both.
	if search(alice, "Zirconium") != 0 || search(bob, "Zirconium") != 0 || search(bob, "Hafnium") != 1 {
		t.Error("a passage that is off is found, or another one is not")
	}
	only := alice.must(t, "GET "+route+"?disabled=true", "", 200)
	if fmt.Sprint(numbers(only)) != fmt.Sprint([]string{all[0], all[5]}) || only.get("disabled") != "2" || alice.must(t, "GET /api/documents/"+d, "", 200).get("disabled") != "2" {
		t.Errorf("what is off: %s", only.body)
	}
	if got := h.recorded(t, "passage.disable"); len(got) != 3 || !strings.Contains(strings.Join(got, "\n"), alice.id+" ok "+d) {
		t.Errorf("recorded: %q", got)
	}

	// Read again, the passages are made anew, and the text stays off.
	alice.reread(t, d)
	again := alice.must(t, "GET "+route, "", 200)
	if again.get("disabled") != "2" || search(bob, "Zirconium") != 0 || search(bob, "Niobium") != 1 {
		t.Errorf("read again: %s", again.body)
	}
	alice.must(t, "PATCH "+route+"/"+numbers(again)[5], `{"disabled":false}`, 200)
	if search(bob, "Zirconium") != 2 {
		t.Error("switched on again, it is not found")
	}
	alice.reread(t, d)
	if got := alice.must(t, "GET "+route, "", 200); got.get("disabled") != "0" {
		t.Errorf("switched on and read again: %s", got.body)
	}
	alice.must(t, "DELETE /api/documents/"+d, "", 204)
	h.idle(t)
	if n := h.count(t, `SELECT count(*) FROM chunk_off`); n != 0 {
		t.Errorf("%d rows are left of a document that is gone", n)
	}
}

// reread has a document read once more, as after a failure.
func (v *visitor) reread(t testing.TB, document string) {
	t.Helper()
	check(t, v.house.db.Update(v.house.system(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE document SET state = 'failed' WHERE id = ?`, document)
		return err
	}))
	v.must(t, "POST /api/documents/"+document+"/retry", "", 202)
	v.house.idle(t)
}

// items are the entries of a list.
func (a answer) items() []map[string]any {
	body, _ := a.fields.(map[string]any)
	list, _ := body["items"].([]any)
	var out []map[string]any
	for _, item := range list {
		if fields, ok := item.(map[string]any); ok {
			out = append(out, fields)
		}
	}
	return out
}
