package appliance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A stranger is what one route must answer to somebody who may not know that
// the row exists: one of the statuses, and none of its owner's words.
type stranger struct {
	query string
	body  string // sent as JSON; {knowledge} and the like are filled in, here and in the query
	raw   string // sent as it is, with text/plain
	want  []int
}

var (
	hidden  = []int{http.StatusNotFound}
	refused = []int{http.StatusForbidden}
	listed  = []int{http.StatusOK} // a list of one's own: it answers, without the other's rows
)

// strangers has a row for every route of the API. A new route without a row
// fails the test, so that nobody forgets to think about it.
var strangers = map[string]stranger{
	"POST /api/auth/login":                         {body: `{"email":"alice@one.test","password":"not her password"}`, want: []int{401}},
	"POST /api/auth/logout":                        {want: []int{204}},
	"GET /api/setup":                               {want: listed},
	"GET /api/page-notices":                        {want: listed},
	"GET /api/auth/sso":                            {want: listed},
	"POST /api/auth/sso":                           {body: `{"code":"x","state":"y"}`, want: []int{401}},
	"POST /api/auth/sso/{name}":                    {body: `{}`, want: hidden},
	"POST /api/auth/oidc/{name}/logout":            {raw: "logout_token=x", want: hidden},
	"POST /api/auth/saml/{name}/acs":               {raw: "SAMLResponse=x", want: listed},
	"POST /api/auth/saml/{name}/slo":               {raw: "SAMLRequest=x", want: listed},
	"GET /api/sso":                                 {want: refused},
	"POST /api/sso":                                {body: `{"kind":"oidc","name":"x","settings":{}}`, want: refused},
	"GET /api/sso/{id}":                            {want: refused},
	"GET /api/sso/{id}/metadata":                   {want: refused},
	"PATCH /api/sso/{id}":                          {body: `{}`, want: refused},
	"DELETE /api/sso/{id}":                         {want: refused},
	"POST /api/sso/{id}/test":                      {want: refused},
	"POST /api/setup":                              {body: `{"token":"x","email":"e@x.test","name":"E","password":"correct horse battery"}`, want: []int{403, 404, 409, 422}},
	"GET /api/session":                             {want: listed},
	"POST /api/session/workspace":                  {body: `{"id":"{workspace}"}`, want: hidden},
	"GET /api/sessions":                            {want: listed},
	"DELETE /api/sessions":                         {want: []int{204}},
	"DELETE /api/sessions/{id}":                    {want: hidden},
	"PUT /api/password":                            {body: `{"current":"wrong wrong wrong","password":"correct horse battery"}`, want: []int{401, 403, 422}},
	"GET /api/people":                              {want: listed},
	"POST /api/people":                             {body: `{"email":"new@x.test","name":"New","password":"correct horse battery"}`, want: refused},
	"PATCH /api/people/{id}":                       {body: `{"name":"Changed"}`, want: []int{403, 404}},
	"GET /api/workspaces":                          {want: []int{200, 403}},
	"POST /api/workspaces":                         {body: `{"name":"Third"}`, want: refused},
	"PUT /api/workspaces/{id}/members/{person}":    {body: `{"role":"member"}`, want: []int{403, 404}},
	"DELETE /api/workspaces/{id}/members/{person}": {want: []int{403, 404}},
	"GET /api/groups":                              {want: []int{200, 403}},
	"POST /api/groups":                             {body: `{"name":"Surgery"}`, want: refused},
	"PUT /api/groups/{id}/members":                 {body: `{"people":[]}`, want: []int{403, 404}},
	"DELETE /api/groups/{id}":                      {want: []int{403, 404}},
	"GET /api/knowledge":                           {want: listed},
	"POST /api/knowledge":                          {body: `{"name":"Own"}`, want: []int{201}},
	"GET /api/knowledge/{id}":                      {want: hidden},
	"PATCH /api/knowledge/{id}":                    {body: `{"name":"Taken"}`, want: hidden},
	"DELETE /api/knowledge/{id}":                   {want: hidden},
	"GET /api/knowledge/{id}/access":               {want: hidden},
	"PUT /api/knowledge/{id}/access":               {body: `{"entries":[]}`, want: hidden},
	"POST /api/documents":                          {query: "?name=x.md&knowledge={knowledge}", raw: "some text", want: hidden},
	"GET /api/documents":                           {query: "?knowledge={knowledge}", want: hidden},
	"GET /api/openapi.json":                        {want: listed},
	"GET /api/documents/{id}":                      {want: hidden},
	"DELETE /api/documents/{id}":                   {want: hidden},
	"POST /api/documents/{id}/retry":               {want: hidden},
	"POST /api/documents/{id}/cancel":              {want: hidden},
	"PATCH /api/documents/{id}":                    {body: `{"folder":"Taken"}`, want: hidden},
	"GET /api/documents/{id}/access":               {want: hidden},
	"PUT /api/documents/{id}/access":               {body: `{"restricted":true,"entries":[]}`, want: hidden},
	"GET /api/documents/{id}/access/{person}":      {want: hidden},
	"GET /api/knowledge/{id}/outline":              {want: hidden},
	"GET /api/documents/{id}/file":                 {want: hidden},
	"GET /api/documents/{id}/content":              {want: hidden},
	"POST /api/backup/archive":                     {body: `{}`, want: refused},
	"GET /api/backup/targets/{id}/sets":            {want: refused},
	"POST /api/backup/targets/{id}/sets":           {want: refused},
	"POST /api/backup/targets/{id}/sets/verify":    {body: `{}`, want: refused},
	"POST /api/backup/targets/{id}/sets/prune":     {body: `{"keepDays":1}`, want: refused},
	"GET /api/backup/archives":                     {want: refused},
	"GET /api/backup/archives/{id}":                {want: []int{403, 404}},
	"DELETE /api/backup/archives/{id}":             {want: []int{403, 404}},
	"GET /api/documents/{id}/pages/{page}":         {want: hidden},
	"POST /api/search":                             {body: `{"question":"zirconium flange torque"}`, want: listed},
	"POST /api/conversations":                      {body: `{"message":"Which zirconium flange torque is right?","knowledge":["{knowledge}"]}`, want: hidden},
	"GET /api/conversations":                       {want: listed},
	"GET /api/conversations/{id}":                  {want: hidden},
	"PATCH /api/conversations/{id}":                {body: `{"title":"Taken"}`, want: hidden},
	"DELETE /api/conversations/{id}":               {want: hidden},
	"POST /api/conversations/{id}/messages":        {body: `{"message":"And then?"}`, want: hidden},
	"GET /api/runs/{id}/events":                    {want: hidden},
	"POST /api/runs/{id}/stop":                     {want: hidden},
	"GET /api/jobs":                                {want: refused},
	"GET /api/jobs/{id}":                           {want: refused},
	"PUT /api/conversations/{id}/leaf":             {body: `{"message":"{messages}"}`, want: hidden},
	"POST /api/messages/{id}/regenerate":           {body: `{}`, want: hidden},
	"POST /api/messages/{id}/continue":             {body: `{}`, want: hidden},
	"POST /api/messages/{id}/edit":                 {body: `{"message":"Which zirconium flange torque is wrong?"}`, want: hidden},
	"GET /api/messages/{id}/receipt":               {want: hidden},
	"GET /api/context":                             {query: "?conversation={conversations}", want: hidden},
	"GET /api/models":                              {want: listed},
	"PATCH /api/models/{id}":                       {body: `{"label":"Mine"}`, want: refused},
	"GET /api/models/files":                        {want: refused},
	"PUT /api/models/files/{name}":                 {raw: "GGUF", want: refused},
	"DELETE /api/models/files/{name}":              {want: refused},
	"GET /api/servers":                             {want: refused},
	"POST /api/servers":                            {body: `{"name":"x","kind":"ollama","url":"http://127.0.0.1:1"}`, want: refused},
	"GET /api/servers/detected":                    {want: refused},
	"POST /api/servers/test":                       {body: `{"kind":"ollama","url":"http://127.0.0.1:1"}`, want: refused},
	"DELETE /api/servers/test/{key}":               {want: refused},
	"GET /api/servers/{id}":                        {want: refused},
	"PATCH /api/servers/{id}":                      {body: `{"name":"Mine"}`, want: refused},
	"DELETE /api/servers/{id}":                     {want: refused},
	"POST /api/servers/{id}/test":                  {body: `{}`, want: refused},
	"GET /api/servers/{id}/health":                 {want: refused},
	"POST /api/servers/{id}/refresh":               {want: refused},
	"POST /api/servers/{id}/load":                  {body: `{"model":"x"}`, want: refused},
	"POST /api/servers/{id}/unload":                {body: `{"model":"x"}`, want: refused},
	"DELETE /api/servers/{id}/models":              {query: "?name=x", want: refused},
	"POST /api/servers/{id}/import":                {body: `{"file":"x.gguf","name":"x"}`, want: refused},
	"GET /api/backup/targets":                      {want: refused},
	"POST /api/backup/targets":                     {body: `{"name":"x","url":"file:///tmp/x"}`, want: refused},
	"POST /api/backup/targets/host-key":            {body: `{"url":"sftp://me@127.0.0.1:1/x"}`, want: refused},
	"DELETE /api/backup/targets/{id}":              {want: refused},
	"POST /api/backup/targets/{id}/test":           {want: refused},
	"GET /api/alerts":                              {want: refused},
	"GET /api/backup/drills":                       {want: refused},
	"POST /api/backup/drills":                      {body: `{}`, want: refused},
	"POST /api/backup/drills/{id}/cancel":          {want: refused},
	"GET /api/backup/points":                       {want: refused},
	"GET /api/backup/restore":                      {want: refused},
	"POST /api/backup/restore":                     {body: `{"target":"x","confirm":"x"}`, want: refused},
	"DELETE /api/backup/restore":                   {want: refused},
	"POST /api/jobs/{id}/cancel":                   {want: refused},
	"POST /api/jobs/{id}/retry":                    {want: refused},
	"GET /api/audit":                               {want: refused},
	"POST /api/audit/verify":                       {want: refused},
	"DELETE /api/documents/{id}/reindex":           {want: hidden},
	"POST /api/documents/{id}/reindex":             {want: hidden},
	"GET /api/documents/{id}/chunks":               {want: hidden},
	"PATCH /api/documents/{id}/chunks/{number}":    {body: `{"disabled":true}`, want: hidden},
	"PUT /api/documents/{id}/password":             {body: `{"password":"x"}`, want: hidden},
	"GET /api/knowledge/{id}/index":                {want: hidden},
	"POST /api/knowledge/{id}/reindex":             {want: hidden},
	"DELETE /api/knowledge/{id}/reindex":           {want: hidden},
	"PUT /api/knowledge/{id}/embedding":            {body: `{"model":""}`, want: []int{404, 422}},
	"POST /api/explain":                            {body: `{"question":"zirconium flange torque","knowledge":["{knowledge}"]}`, want: []int{403, 404, 422}},
	"GET /api/quarantine":                          {want: []int{200, 403}},
	"POST /api/quarantine/{id}/release":            {body: `{"reason":"false-alarm"}`, want: []int{403, 404, 422}},
	"DELETE /api/quarantine/{id}":                  {want: []int{403, 404, 422}},
	"GET /api/scanner":                             {want: refused},
	"POST /api/scanner/test":                       {raw: "EICAR", want: []int{403, 422}},
	"GET /api/keys":                                {want: refused},
	"POST /api/keys/recovery":                      {want: refused},
	"POST /api/keys/recovery/test":                 {body: `{"key":"x"}`, want: []int{403, 422}},
	"GET /api/directories":                         {want: refused},
	"POST /api/directories":                        {body: `{"name":"x","settings":{"preset":"openldap","urls":["ldap://127.0.0.1"],"base":"dc=x"}}`, want: refused},
	"GET /api/directories/{id}":                    {want: refused},
	"PATCH /api/directories/{id}":                  {body: `{"enabled":false}`, want: refused},
	"DELETE /api/directories/{id}":                 {want: refused},
	"POST /api/directories/{id}/test":              {body: `{}`, want: refused},
	"POST /api/directories/{id}/sync":              {body: `{}`, want: refused},
	"GET /api/scim":                                {want: refused},
	"POST /api/scim":                               {body: `{"name":"x"}`, want: refused},
	"POST /api/scim/{id}/token":                    {want: refused},
	"DELETE /api/scim/{id}":                        {want: refused},
	"POST /api/people/import":                      {raw: "email\nnew@x.test\n", want: refused},
	"POST /api/people/{id}/password-link":          {want: []int{403, 404}},
	"DELETE /api/people/{id}/factors":              {want: []int{403, 404}},
	"GET /api/people/factors":                      {query: "?people={people}", want: refused},
	"GET /api/factors":                             {want: listed},
	"POST /api/factors/totp":                       {want: []int{200}},
	"POST /api/factors/totp/confirm":               {body: `{"code":"000000"}`, want: []int{422}},
	"DELETE /api/factors/totp":                     {want: []int{204}},
	"POST /api/factors/recovery":                   {want: []int{409}},
	"DELETE /api/factors/devices":                  {want: []int{204}},
	"POST /api/auth/second":                        {body: `{"ticket":"x","code":"000000"}`, want: []int{401}},
	"POST /api/auth/password":                      {body: `{"token":"x","password":"correct horse battery"}`, want: []int{403}},
	"POST /api/auth/prove":                         {body: `{"password":"wrong wrong wrong"}`, want: []int{401, 403}},
	"POST /api/auth/passkey":                       {body: `{}`, want: []int{409}},
	"POST /api/auth/passkey/finish":                {body: `{"ticket":"x","credential":{}}`, want: []int{401}},
	"POST /api/auth/prove/passkey":                 {want: []int{409}},
	"POST /api/factors/passkeys":                   {want: []int{409}},
	"POST /api/factors/passkeys/confirm":           {body: `{"ticket":"x","name":"x","credential":{}}`, want: []int{409}},
	"PATCH /api/factors/passkeys/{id}":             {body: `{"name":"Mine"}`, want: hidden},
	"DELETE /api/factors/passkeys/{id}":            {want: hidden},
	"GET /api/api-keys":                            {want: listed},
	"POST /api/api-keys":                           {body: `{"name":"x","days":1,"scopes":["chat"]}`, want: []int{201}},
	"DELETE /api/api-keys/{id}":                    {want: hidden},
	"GET /api/people/{id}/api-keys":                {want: []int{403, 404}},
	"DELETE /api/people/{id}/api-keys/{key}":       {want: []int{403, 404}},
	"POST /api/messages/{id}/fork":                 {want: hidden},
	"DELETE /api/messages/{id}":                    {want: hidden},
	"PUT /api/messages/{id}/feedback":              {body: `{"rating":"down","reasons":["wrong"]}`, want: hidden},
	"DELETE /api/messages/{id}/feedback":           {want: hidden},
	"POST /api/search/conversations":               {body: `{"query":"zirconium flange torque"}`, want: listed},
	"GET /api/chat/folders":                        {want: listed},
	"POST /api/chat/folders":                       {body: `{"name":"Own"}`, want: []int{201, 409}},
	"PATCH /api/chat/folders/{id}":                 {body: `{"name":"Taken"}`, want: hidden},
	"DELETE /api/chat/folders/{id}":                {want: hidden},
	"GET /api/chat/tags":                           {want: listed},
	"GET /api/drafts/{chat}":                       {want: hidden},
	"PUT /api/drafts/{chat}":                       {body: `{"text":"Taken","version":0}`, want: hidden},
	"GET /api/feedback":                            {want: refused},
	"POST /api/conversations/{id}/share":           {want: hidden},
	"DELETE /api/conversations/{id}/share":         {want: hidden},
	"GET /api/shares":                              {want: listed},
	"GET /api/shares/{id}":                         {want: []int{200, 404}}, // members of the workspace may: see TestShareInsideTheWorkspace
	"GET /api/conversations/{id}/export":           {want: hidden},
	"GET /api/settings":                            {want: refused},
	"PUT /api/settings/{key}":                      {body: `{"value":1}`, want: refused},
	"GET /api/settings/{key}/history":              {want: refused},
}

// The words that only Alice may read, wherever they could come out.
var secretWords = []string{"zirconium", "Alice", "alice@one.test", "Turbine hall", "flange-torque"}

// TestNobodySeesAnother asks every route of the API as a person of another
// workspace and as a colleague without access.
func TestNobodySeesAnother(t *testing.T) {
	t.Parallel()
	house := start(t)
	owner := house.setUp(t)
	workspace := owner.must(t, "POST", "/api/workspaces", `{"name":"Two"}`, 201).id()
	alice := house.person(t, owner, "alice@one.test", "Alice Quill")
	carol := house.person(t, owner, "carol@one.test", "Carol Colleague")
	bob := house.person(t, owner, "bob@two.test", "Bob Stranger")
	session := owner.must(t, "GET", "/api/session", "", 200)
	main := session.get("workspace", "id")
	owner.must(t, "PUT", "/api/workspaces/"+workspace+"/members/"+bob.id, `{"role":"member"}`, 204)
	owner.must(t, "DELETE", "/api/workspaces/"+main+"/members/"+bob.id, "", 204)
	bob.signIn(t)

	knowledge := alice.must(t, "POST", "/api/knowledge", `{"name":"Turbine hall"}`, 201).id()
	document := alice.upload(t, knowledge, "flange-torque.md", "# Flanges\n\nThe zirconium flange torque is 84 newton metres.\n")
	exchange := alice.must(t, "POST", "/api/conversations", `{"message":"Which zirconium flange torque is right?"}`, 200)
	if !strings.Contains(exchange.body, "84 newton metres") {
		t.Fatalf("Alice's own answer has no source: %s", exchange.body)
	}
	sessions := alice.must(t, "GET", "/api/sessions", "", 200)
	key := alice.must(t, "POST", "/api/api-keys", `{"name":"Turbine hall","days":1,"scopes":["chat"]}`, 201).id()
	chatFolder := alice.must(t, "POST", "/api/chat/folders", `{"name":"Turbine hall"}`, 201).id()
	alice.must(t, "PATCH", "/api/conversations/"+exchange.get("conversation", "id"), `{"tags":["zirconium"],"folder":"`+chatFolder+`"}`, 200)
	alice.must(t, "PUT", "/api/drafts/"+exchange.get("conversation", "id"), `{"text":"And the zirconium bolts?","version":0}`, 200)
	group := owner.must(t, "POST", "/api/groups", `{"name":"Turbine hall crew"}`, 201).id()
	ids := map[string]string{
		"knowledge": knowledge, "documents": document, "conversations": exchange.get("conversation", "id"), "runs": exchange.get("answer", "run"),
		"messages": exchange.get("answer", "id"), "models": "019326b5-0000-7000-8000-000000000000", "servers": "019326b5-0000-7000-8000-000000000000",
		"folders": chatFolder, "chat": exchange.get("conversation", "id"), "shares": "019326b5-0000-7000-8000-000000000000",
		"files": "x.gguf", "test": "key", "page": "1",
		"people": alice.id, "person": alice.id, "api-keys": key, "groups": group, "workspaces": workspace, "workspace": workspace,
		"sessions": sessions.get("items", "0", "id"), "settings": "login.sessionHours", "jobs": "019326b5-0000-7000-8000-000000000000", "targets": "019326b5-0000-7000-8000-000000000000",
		"directories": "019326b5-0000-7000-8000-000000000000", "scim": "019326b5-0000-7000-8000-000000000000", "quarantine": document, "number": "1",
		"sso": "019326b5-0000-7000-8000-000000000000", "name": "nobody",
	}
	for _, who := range []struct {
		name   string
		person *visitor
		other  string // a workspace the person is no member of
	}{
		{"a person of another workspace", bob, main},
		{"a colleague without access", carol, workspace},
	} {
		ids := mapsWith(ids, "workspace", who.other)
		for _, route := range house.routes(t) {
			row, known := strangers[route]
			if !known {
				t.Errorf("%s has no row in the table: what may a stranger see of it?", route)
				continue
			}
			t.Run(who.name+" "+route, func(t *testing.T) {
				if who.person.ask(t, "GET", "/api/session", "", "").status != http.StatusOK {
					who.person.signIn(t)
				}
				method, path, _ := strings.Cut(route, " ")
				got := who.person.ask(t, method, fill(path+row.query, ids), fill(row.body, ids), row.raw)
				if !slices.Contains(row.want, got.status) {
					t.Errorf("got %d, want one of %v: %s", got.status, row.want, got.body)
				}
				for _, word := range secretWords {
					// Colleagues see each other's names and the groups of their workspace, to share with them.
					colleague := who.person == carol && (path == "/api/people" || path == "/api/groups")
					if !colleague && strings.Contains(strings.ToLower(got.body), strings.ToLower(word)) {
						t.Errorf("the answer holds %q: %s", word, got.body)
					}
				}
			})
		}
	}
	alice.signIn(t)
	for _, still := range []string{"/api/knowledge/" + knowledge, "/api/documents/" + document, "/api/conversations/" + ids["conversations"]} {
		alice.must(t, "GET", still, "", 200)
	}
}

// routes lists the API as its own description does, "METHOD /path".
func (h *house) routes(t *testing.T) []string {
	t.Helper()
	got := h.visitor().must(t, "GET", "/api/openapi.json", "", 200)
	var description struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(got.body), &description); err != nil {
		t.Fatal(err)
	}
	var routes []string
	for path, methods := range description.Paths {
		for method := range methods {
			if strings.HasPrefix(path, "/api/") && slices.Contains([]string{"get", "put", "post", "patch", "delete"}, method) {
				routes = append(routes, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(routes)
	if len(routes) < 40 {
		t.Fatalf("the description lists only %d routes", len(routes))
	}
	return routes
}

// fill puts ids into a path or a body: {id} means the noun before it.
func fill(text string, ids map[string]string) string {
	for noun, id := range ids {
		text = strings.ReplaceAll(text, "/"+noun+"/{id}", "/"+noun+"/"+id)
		text = strings.ReplaceAll(text, "/"+noun+"/{key}", "/"+noun+"/"+id)
		text = strings.ReplaceAll(text, "{"+noun+"}", id)
	}
	return text
}
