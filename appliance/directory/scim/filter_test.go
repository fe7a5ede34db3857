package scim

import (
	"encoding/json"
	"testing"
)

// FuzzFilter: no text makes the parser or the search fail in another way than by
// an error that names what is wrong.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`userName eq "a"`, `emails[type eq "work" and value co "@x"].value`, `not (a pr) or b.c gt 1.5 and d eq null`,
		`urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "x"`, `members[value eq "1"]`, `((((`, `a eq "\u0000"`, `a eq {}`,
	} {
		f.Add(seed)
	}
	const text = `{"userName":"a","emails":[{"type":"work","value":"a@x","primary":true},{"type":"home","value":"b@x"}],"name":{"familyName":"x"},"active":true,"b":{"c":2}}`
	f.Fuzz(func(t *testing.T, in string) {
		doc := map[string]any{}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if got, err := parseFilter(in); err == nil {
			got.holds(doc)
		}
		for _, op := range []string{"add", "replace", "remove"} {
			// Some are refused; none may end the process or leave what is no JSON.
			_ = apply(doc, Operation{Op: op, Path: in, Value: map[string]any{"value": in}})
		}
		if _, err := json.Marshal(doc); err != nil {
			t.Fatalf("%q leaves no JSON: %v", in, err)
		}
	})
}
