package appliance_test

import (
	"os"
	"strings"
	"testing"
)

// TestPasswordsOfFiles gives locked files their passwords: wrong ones say so, the
// right one reads the file and shows its pages, and none is told to anybody.
func TestPasswordsOfFiles(t *testing.T) {
	t.Parallel()
	h := startReading(t)
	olga := h.setUp(t)
	rita := h.person(t, olga, "rita@house.test", "Rita Reader")
	base := olga.must(t, "POST", "/api/knowledge", `{"name":"Locked"}`, 201).id()
	olga.must(t, "PUT", "/api/knowledge/"+base+"/access", `{"entries":[{"person":"`+rita.id+`","right":"read"}]}`, 200)
	for _, tt := range []struct{ name, path, password, holds string }{
		{"locked.pdf", "extract/pdf/testdata/locked.pdf", "secret", `"page":1`},
		{"standard.xlsx", "extract/office/testdata/locked/standard.xlsx", "password", "SECRET"},
		{"agile.xlsx", "extract/office/testdata/locked/agile.xlsx", "password", "SECRET"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := os.ReadFile(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			id := olga.put(t, base, tt.name, data)
			route := "/api/documents/" + id
			if got := olga.settles(t, id); got.get("code") != "file-locked" || !strings.Contains(got.get("cure"), "Give its password") {
				t.Fatalf("got %s", got.body)
			}
			olga.must(t, "PUT", route+"/password", `{"password":""}`, 422)
			rita.must(t, "PUT", route+"/password", `{"password":"`+tt.password+`"}`, 403)
			for _, wrong := range []string{"opensesame-77", strings.Repeat("x", 255)} {
				olga.must(t, "PUT", route+"/password", `{"password":"`+wrong+`"}`, 202)
				if got := olga.settles(t, id); got.get("code") != "file-locked" || !strings.Contains(got.get("reason"), "does not open") || strings.Contains(got.body, wrong) {
					t.Errorf("a wrong one: %s", got.body)
				}
			}
			told := olga.must(t, "PUT", route+"/password", `{"password":"`+tt.password+`"}`, 202)
			if strings.Contains(told.body, `"`+tt.password+`"`) {
				t.Errorf("the password is told: %s", told.body)
			}
			if got := olga.settles(t, id); got.get("state") != "ready" || got.get("code") != "" {
				t.Fatalf("got %s", got.body)
			}
			if got := rita.must(t, "GET", route+"/content", "", 200); !strings.Contains(got.body, tt.holds) {
				t.Errorf("the text lacks %s: %.300s", tt.holds, got.body)
			}
			if strings.HasSuffix(tt.name, ".pdf") {
				if got := rita.ask(t, "GET", route+"/pages/1?width=300", "", ""); got.status != 200 || !strings.HasPrefix(got.body, "\xff\xd8\xff") {
					t.Errorf("the picture of a page: %d %.200s", got.status, got.body)
				}
			}
			olga.must(t, "PUT", route+"/password", `{"password":"again"}`, 409)
		})
	}
	record := olga.must(t, "GET", "/api/audit?limit=200", "", 200)
	if !strings.Contains(record.body, "document.unlock") || strings.Contains(record.body, "opensesame") {
		t.Errorf("the record: %.500s", record.body)
	}
}
