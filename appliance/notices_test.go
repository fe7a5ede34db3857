package appliance_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestNotices proves that what an administrator sets is in the page that anybody
// is given, before anybody has asked for anything, and cannot break out of it.
func TestNotices(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	page := func() string {
		t.Helper()
		got, err := http.Get(h.base + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		text, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if kept := got.Header.Get("Cache-Control"); kept != "no-store" {
			t.Errorf("the page may be kept: %q", kept)
		}
		return string(text)
	}
	holds := func(text string, wanted ...string) {
		t.Helper()
		for _, want := range wanted {
			if !strings.Contains(text, want) {
				t.Errorf("the page lacks %s: %s", want, text)
			}
		}
	}
	holds(page(), `"notices":{`, `"showAnswers":true`, `"lockMinutes":0`, `"setup":false`)
	for key, value := range map[string]string{
		"notice.signIn": `"Only for staff. </script><b>x</b>"`, "notice.classification": `"Internal"`, "notice.classificationLevel": `"high"`, "login.lockMinutes": `5`,
	} {
		owner.must(t, "PUT", "/api/settings/"+key, `{"value":`+value+`}`, 200)
	}
	for key, value := range map[string]string{"notice.classificationLevel": `"purple"`, "login.lockMinutes": `481`, "notice.classification": `"` + strings.Repeat("x", 81) + `"`} {
		owner.must(t, "PUT", "/api/settings/"+key, `{"value":`+value+`}`, 422)
	}
	text := page()
	holds(text, `Only for staff.`, `"text":"Internal","level":"high"`, `"lockMinutes":5`)
	if strings.Contains(text, "</script><b>") {
		t.Error("a notice ends the element it stands in")
	}
	if got := h.visitor().must(t, "GET", "/api/page-notices", "", 200); got.get("signIn") != "Only for staff. </script><b>x</b>" {
		t.Errorf("anybody is told %s", got.body)
	}
}
