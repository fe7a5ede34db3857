package appliance_test

import (
	"strings"
	"testing"
)

// TestNarrowedQuestions asks about some documents only, and asks again after the
// right to one of them is gone: what was answered from it does not show it.
func TestNarrowedQuestions(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.setUp(t)
	bob := h.person(t, alice, "bob@one.test", "Bob Reader")
	base := alice.must(t, "POST", "/api/knowledge", `{"name":"Turbine hall"}`, 201).id()
	alice.must(t, "PUT", "/api/knowledge/"+base+"/access", `{"entries":[{"person":"`+bob.id+`","right":"read"}]}`, 200)
	put := func(query, text string) string {
		id := alice.ask(t, "POST", "/api/documents?knowledge="+base+"&"+query, "", text).id()
		alice.ready(t, id)
		return id
	}
	steel := put("name=steel.md&folder=Hall/North&tag=urgent", "# Flanges\n\nThe torque of the steel flange is 84 newton metres.\n")
	put("name=brass.md&folder=Hall&tag=draft", "# Flanges\n\nThe torque of the brass flange is 51 newton metres.\n")
	ask := func(body string) string {
		got := bob.must(t, "POST", "/api/conversations", body, 200)
		return got.body
	}
	const question = `"message":"What is the torque of the flange?","model":"extractive"`
	for name, tt := range map[string]struct{ filter, holds, lacks string }{
		"all":               {`{}`, "51 newton", "nothing"},
		"a document":        {`{"documents":["` + steel + `"]}`, "84 newton", "51 newton"},
		"a folder":          {`{"folders":["hall/north"]}`, "84 newton", "51 newton"},
		"a tag":             {`{"tags":["Draft"]}`, "51 newton", "84 newton"},
		"a type":            {`{"types":["pdf"]}`, "Nothing about this", "newton"},
		"a day":             {`{"to":"2020-01-01"}`, "Nothing about this", "newton"},
		"both must hold":    {`{"tags":["draft"],"folders":["hall/north"]}`, "Nothing about this", "newton"},
		"the folder above":  {`{"folders":["Hall"]}`, "84 newton", "nothing"},
		"one of two values": {`{"tags":["draft","urgent"]}`, "84 newton", "nothing"},
	} {
		if got := ask(`{` + question + `,"filter":` + tt.filter + `}`); !strings.Contains(got, tt.holds) || strings.Contains(got, tt.lacks) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for body, status := range map[string]int{
		`{"filter":{"documents":["no-such"]},` + question + `}`: 404,
		`{"filter":{"from":"yesterday"},` + question + `}`:      422,
		`{"filter":{"types":["exe"]},` + question + `}`:         422,
		`{"filter":{"folders":["a/../b"]},` + question + `}`:    422,
	} {
		bob.must(t, "POST", "/api/conversations", body, status)
	}
	// The filter stays with the conversation until another one is given.
	first := bob.must(t, "POST", "/api/conversations", `{`+question+`,"filter":{"documents":["`+steel+`"]}}`, 200)
	conversation := first.get("conversation", "id")
	again := bob.must(t, "POST", "/api/conversations/"+conversation+"/messages", `{`+question+`}`, 200).body
	if !strings.Contains(again, "84 newton") || strings.Contains(again, "51 newton") || !strings.Contains(again, `"filter":{"documents":["`+steel+`"]}`) {
		t.Errorf("the next question is not narrowed as the first: %s", again)
	}
	// The document is kept from Bob: old answers do not show it, new ones do not find it.
	alice.must(t, "PUT", "/api/documents/"+steel+"/access", `{"restricted":false,"entries":[{"person":"`+bob.id+`","right":"deny"}]}`, 200)
	old := bob.must(t, "GET", "/api/conversations/"+conversation, "", 200).body
	if strings.Contains(old, "84 newton") || !strings.Contains(old, `"withheld":true`) {
		t.Errorf("an old answer shows what may no longer be read: %s", old)
	}
	bob.must(t, "GET", "/api/documents/"+steel+"/content", "", 404)
	if later := bob.must(t, "POST", "/api/conversations/"+conversation+"/messages", `{`+question+`}`, 200).get("answer", "content"); !strings.Contains(later, "Nothing about this") {
		t.Errorf("a question narrowed to a document that was lost: %s", later)
	}
	if all := bob.must(t, "POST", "/api/conversations/"+conversation+"/messages", `{`+question+`,"filter":{}}`, 200).get("answer", "content"); !strings.Contains(all, "51 newton") || strings.Contains(all, "84 newton") {
		t.Errorf("the filter is taken away: %s", all)
	}
	bob.must(t, "POST", "/api/conversations", `{`+question+`,"filter":{"documents":["`+steel+`"]}}`, 404)
}
