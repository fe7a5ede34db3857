package appliance_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// provisioner is an identity system that talks SCIM.
type provisioner struct {
	house *house
	token string
}

func (p provisioner) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.house.base+"/scim/v2"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{status: res.StatusCode, body: string(text), header: res.Header}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &got.fields); err != nil {
			t.Fatalf("%s %s: the answer is no JSON: %s", method, path, text)
		}
		if kind := res.Header.Get("Content-Type"); kind != "application/scim+json" {
			t.Errorf("%s %s: the answer is %s", method, path, kind)
		}
	}
	return got
}

func (p provisioner) must(t *testing.T, method, path, body string, status int, holds ...string) answer {
	t.Helper()
	got := p.ask(t, method, path, body)
	if got.status != status {
		t.Fatalf("%s %s: got %d, want %d: %s", method, path, got.status, status, got.body)
	}
	for _, text := range holds {
		if !strings.Contains(got.body, text) {
			t.Errorf("%s %s: the answer does not hold %s: %s", method, path, text, got.body)
		}
	}
	return got
}

func (v *visitor) provisioner(t *testing.T, name string) provisioner {
	t.Helper()
	return provisioner{v.house, v.must(t, "POST", "/api/scim", `{"name":"`+name+`"}`, 201).get("token")}
}

func scimUser(name string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"userName":"%[1]s@corp.test","externalId":"ext-%[1]s","name":{"givenName":"%[1]s","familyName":"Person"},"displayName":"%[1]s Person","active":true,"password":"never kept",
		"emails":[{"value":"%[1]s@corp.test","type":"work","primary":true}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Ward %[1]s","employeeNumber":"7"}}`, name)
}

// TestScimAsEntraAndOkta is a sequence written from RFC 7644 and from what the
// two document.
func TestScimAsEntraAndOkta(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	p := owner.provisioner(t, "entra")

	// Entra asks first whether somebody is there.
	p.must(t, "GET", `/Users?filter=userName+eq+%22anna@corp.test%22`, "", 200, `"totalResults":0`)
	made := p.must(t, "POST", "/Users", scimUser("anna"), 201, `"Ward anna"`, `"resourceType":"User"`)
	anna := made.id()
	if strings.Contains(made.body, "never kept") {
		t.Error("the password is given back")
	}
	if made.header.Get("Location") != "/scim/v2/Users/"+anna || made.header.Get("ETag") == "" {
		t.Errorf("headers: %v", made.header)
	}
	p.must(t, "POST", "/Users", scimUser("anna"), 409, `"scimType":"uniqueness"`)
	for _, name := range []string{"ben", "carla", "dora"} {
		p.must(t, "POST", "/Users", scimUser(name), 201)
	}

	for _, c := range []struct {
		filter string
		total  int
	}{
		{`USERNAME eq "ANNA@corp.test"`, 1},
		{`externalId eq "ext-anna"`, 1},
		{`externalId eq "EXT-anna"`, 0},
		{`userName sw "a" or userName ew "a@corp.test"`, 3},
		{`not (userName co "anna") and active eq true`, 3},
		{`emails[type eq "work" and value co "@corp.test"]`, 4},
		{`emails.value eq "ben@corp.test"`, 1},
		{`emails eq "ben@corp.test"`, 1},
		{`name.familyName eq "person"`, 4},
		{`title pr`, 0},
		{`displayName pr and (userName eq "x" or userName eq "dora@corp.test")`, 1},
		{`meta.lastModified gt "2020-01-01T00:00:00Z"`, 4},
		{`meta.lastModified lt "2020-01-01T00:00:00Z"`, 0},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "ward ben"`, 1},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ben@corp.test"`, 1},
		{`active eq "True"`, 4},
		{`active eq False`, 0},
		{`userName ne "anna@corp.test"`, 3},
		{`id eq "` + anna + `"`, 1},
	} {
		got := p.must(t, "GET", "/Users?filter="+strings.NewReplacer(" ", "%20", `"`, "%22", "+", "%2B").Replace(c.filter), "", 200)
		if n := got.fields.(map[string]any)["totalResults"]; n != float64(c.total) {
			t.Errorf("%s: got %v, want %d", c.filter, n, c.total)
		}
	}
	for _, bad := range []string{`userName eq`, `userName xx "a"`, `(userName eq "a"`, `userName eq "a" and`, `emails[type eq "work"`, `eq "a"`, `userName eq a`, `userName eq "a" "b"`, strings.Repeat("(", 60) + `a pr` + strings.Repeat(")", 60)} {
		p.must(t, "GET", "/Users?filter="+strings.NewReplacer(" ", "%20", `"`, "%22").Replace(bad), "", 400, `"scimType":"invalidFilter"`, `"status":"400"`)
	}

	// Pages, order and parts.
	page := p.must(t, "GET", "/Users?startIndex=2&count=2&sortBy=userName&sortOrder=descending", "", 200, `"totalResults":4`, `"itemsPerPage":2`, `"startIndex":2`)
	if !(strings.Index(page.body, "carla@") < strings.Index(page.body, "ben@")) || strings.Contains(page.body, "dora@") {
		t.Errorf("the page is not in order: %s", page.body)
	}
	p.must(t, "GET", "/Users?count=0", "", 200, `"totalResults":4`, `"Resources":[]`)
	if got := p.must(t, "GET", "/Users/"+anna+"?attributes=userName,emails.value", "", 200, `"userName"`, `"value"`); strings.Contains(got.body, "displayName") || strings.Contains(got.body, `"primary"`) {
		t.Errorf("more than was asked for: %s", got.body)
	}
	if got := p.must(t, "GET", "/Users/"+anna+"?excludedAttributes=emails,name.givenName", "", 200, `"familyName"`); strings.Contains(got.body, `"emails"`) || strings.Contains(got.body, "givenName") {
		t.Errorf("what was excluded is there: %s", got.body)
	}
	p.must(t, "POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName eq \"ben@corp.test\"","attributes":["userName"]}`, 200, `"totalResults":1`)

	patch := func(ops string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":` + ops + `}`
	}
	// As Entra sends it.
	p.must(t, "PATCH", "/Users/"+anna, patch(`[{"op":"Replace","path":"displayName","value":"Anna Neu"},{"op":"Add","path":"emails[type eq \"home\"].value","value":"anna@home.test"},
		{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Ward 9"}]`), 200, "Anna Neu", "anna@home.test", "Ward 9")
	p.must(t, "PATCH", "/Users/"+anna, patch(`[{"op":"replace","value":{"name.familyName":"Neu","emails[type eq \"work\"].value":"anna.neu@corp.test","active":"True"}}]`), 200, `"Neu"`, "anna.neu@corp.test", `"active":true`)
	owner.must(t, "GET", "/api/people?q=anna.neu", "", 200)
	if !strings.Contains(owner.must(t, "GET", "/api/people?q=anna.neu", "", 200).body, "Anna Neu") {
		t.Error("the person did not follow")
	}
	// As Okta sends it.
	p.must(t, "PATCH", "/Users/"+anna, patch(`[{"op":"replace","value":{"active":false}}]`), 200, `"active":false`)
	if !strings.Contains(owner.must(t, "GET", "/api/people?q=anna.neu", "", 200).body, `"disabled":true`) {
		t.Error("the person is not disabled")
	}
	p.must(t, "PATCH", "/Users/"+anna, patch(`[{"op":"replace","path":"active","value":"True"}]`), 200, `"active":true`)
	p.must(t, "PATCH", "/Users/"+anna, patch(`[{"op":"remove","path":"emails[type eq \"home\"]"}]`), 200)
	for why, c := range map[string]struct{ ops, kind string }{
		"unknown op":   {`[{"op":"move","path":"title","value":"x"}]`, "invalidSyntax"},
		"no path":      {`[{"op":"remove"}]`, "noTarget"},
		"read only":    {`[{"op":"replace","path":"id","value":"x"}]`, "mutability"},
		"bad path":     {`[{"op":"replace","path":"emails[","value":"x"}]`, "invalidFilter"},
		"bad value":    {`[{"op":"replace","path":"active","value":"perhaps"}]`, "invalidValue"},
		"no user name": {`[{"op":"remove","path":"userName"}]`, "invalidValue"},
	} {
		if got := p.ask(t, "PATCH", "/Users/"+anna, patch(c.ops)); got.status != 400 || !strings.Contains(got.body, c.kind) {
			t.Errorf("%s: got %d %s", why, got.status, got.body)
		}
	}

	// Versions.
	now := p.ask(t, "GET", "/Users/"+anna, "")
	tag := now.header.Get("ETag")
	if got := p.ask(t, "GET", "/Users/"+anna, "", "If-None-Match", tag); got.status != 304 {
		t.Errorf("If-None-Match: got %d", got.status)
	}
	if got := p.ask(t, "PUT", "/Users/"+anna, scimUser("anna"), "If-Match", `W/"1"`); got.status != 412 {
		t.Errorf("an old If-Match: got %d", got.status)
	}
	if got := p.ask(t, "PUT", "/Users/"+anna, scimUser("anna"), "If-Match", tag); got.status != 200 || strings.Contains(got.body, "Ward 9") {
		t.Errorf("PUT: got %d %s", got.status, got.body)
	}

	// Groups.
	ben := idOf(p.must(t, "GET", `/Users?filter=userName+eq+%22ben@corp.test%22`, "", 200))
	g := p.must(t, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Nurses","externalId":"g1","members":[{"value":"`+anna+`"}]}`, 201, `"displayName":"Nurses"`, anna).id()
	p.must(t, "PATCH", "/Groups/"+g, patch(`[{"op":"Add","path":"members","value":[{"value":"`+ben+`"},{"value":"`+anna+`"}]}]`), 200, ben)
	p.must(t, "GET", `/Groups?filter=members.value+eq+%22`+ben+`%22`, "", 200, `"totalResults":1`)
	p.must(t, "GET", `/Groups?filter=displayName+eq+%22nurses%22&excludedAttributes=members`, "", 200, `"totalResults":1`)
	p.must(t, "GET", "/Users/"+ben, "", 200, `"display":"Nurses"`)
	if !strings.Contains(owner.must(t, "GET", "/api/groups", "", 200).body, `"members":2`) {
		t.Error("the group does not have two members here")
	}
	p.must(t, "PATCH", "/Groups/"+g, patch(`[{"op":"Remove","path":"members","value":[{"value":"`+anna+`"}]}]`), 200)
	if got := p.must(t, "PATCH", "/Groups/"+g, patch(`[{"op":"remove","path":"members[value eq \"`+ben+`\"]"}]`), 200); strings.Contains(got.body, ben) {
		t.Errorf("the member stays: %s", got.body)
	}
	p.must(t, "PATCH", "/Groups/"+g, patch(`[{"op":"replace","value":{"id":"`+g+`","displayName":"Night nurses"}}]`), 400, "mutability")
	p.must(t, "PATCH", "/Groups/"+g, patch(`[{"op":"replace","value":{"displayName":"Night nurses"}}]`), 200, "Night nurses")
	p.must(t, "POST", "/Groups", `{"displayName":"X","members":[{"value":"nobody"}]}`, 400, "invalidValue")

	// Bulk, where a later operation names what an earlier one made.
	bulk := p.must(t, "POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[
		{"method":"POST","path":"/Users","bulkId":"e","data":`+scimUser("emil")+`},
		{"method":"POST","path":"/Groups","bulkId":"f","data":{"displayName":"Bulk","members":[{"value":"bulkId:e"}]}},
		{"method":"PATCH","path":"/Users/bulkId:e","data":{"Operations":[{"op":"replace","path":"title","value":"Dr."}]}},
		{"method":"POST","path":"/Users","data":{"userName":"x"}},{"method":"DELETE","path":"/Groups/bulkId:f"}]}`, 200, `"status":"201"`, `"invalidValue"`)
	if strings.Contains(bulk.body, "DELETE") {
		t.Errorf("the bulk request did not end at its first error: %s", bulk.body)
	}

	// Removed and provisioned again, the same person comes back.
	p.must(t, "DELETE", "/Users/"+ben, "", 204)
	p.must(t, "GET", "/Users/"+ben, "", 404, `"status":"404"`)
	if back := p.must(t, "POST", "/Users", scimUser("ben"), 201).id(); back != ben {
		t.Errorf("another person came back: %s, not %s", back, ben)
	}
	p.must(t, "DELETE", "/Groups/"+g, "", 204)

	for _, at := range []string{"/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "/ResourceTypes/Group"} {
		p.must(t, "GET", at, "", 200, `"schemas"`)
	}
}

func idOf(list answer) string {
	return list.fields.(map[string]any)["Resources"].([]any)[0].(map[string]any)["id"].(string)
}

func TestScimRights(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	local := h.person(t, owner, "anna@corp.test", "Local Anna")
	p, other := owner.provisioner(t, "okta"), owner.provisioner(t, "entra")
	// Neither a local account nor another client's can be taken over or seen.
	p.must(t, "POST", "/Users", scimUser("anna"), 409, "uniqueness")
	ben := p.must(t, "POST", "/Users", scimUser("ben"), 201).id()
	other.must(t, "GET", "/Users/"+ben, "", 404)
	other.must(t, "POST", "/Users", scimUser("ben"), 409)
	other.must(t, "DELETE", "/Users/"+ben, "", 404)
	other.must(t, "GET", "/Users", "", 200, `"totalResults":0`)
	p.must(t, "GET", "/Users/"+local.id, "", 404)
	local.must(t, "GET", "/api/scim", "", 403)
	local.must(t, "POST", "/api/scim", `{"name":"mine"}`, 403)
	for _, token := range []string{"", "scim_wrong", owner.token} {
		(provisioner{h, token}).must(t, "GET", "/Users", "", 401, `"status":"401"`)
	}
	// A client's token opens nothing else.
	(&visitor{house: h, token: p.token}).must(t, "GET", "/api/people", "", 401)
	// Removing the client disables its people, at once.
	clients := owner.must(t, "GET", "/api/scim", "", 200)
	for _, c := range clients.fields.(map[string]any)["items"].([]any) {
		one := c.(map[string]any)
		if one["name"] == "okta" {
			owner.must(t, "DELETE", "/api/scim/"+one["id"].(string), "", 200)
		}
	}
	p.must(t, "GET", "/Users", "", 401)
	if !strings.Contains(owner.must(t, "GET", "/api/people?q=ben@", "", 200).body, `"disabled":true`) {
		t.Error("the client's people are not disabled")
	}
}
