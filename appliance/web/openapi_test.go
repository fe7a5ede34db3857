package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

type (
	knowledge struct {
		ID   string   `json:"id" format:"uuid" doc:"Id."`
		Tags []string `json:"tags"`
		Size *int     `json:"size,omitempty"`
		Next *int     `json:"next"`
	}
	onlySocket struct {
		Secret string `json:"secret"`
	}
	knowledgeOut struct {
		Body Page[knowledge]
	}
)

func documented(s *Server) {
	Handle(s.API, Route{Method: "GET", Path: "/api/knowledge", ID: "listKnowledge", Summary: "Lists.", Tag: "Knowledge", Access: SignedIn},
		func(context.Context, *struct {
			Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many."`
			Accept string `header:"Accept"`
		}) (*knowledgeOut, error) {
			return &knowledgeOut{}, nil
		})
	Handle(s.API, Route{Method: "POST", Path: "/api/knowledge", ID: "createKnowledge", Summary: "Makes.", Tag: "Knowledge", Access: SignedIn, Status: 201, Errors: []int{409}},
		func(context.Context, *struct {
			Body struct {
				Name string `json:"name" minLength:"1" maxLength:"120"`
			}
		}) (*said[knowledge], error) {
			return nil, nil
		})
	Handle(s.API, Route{Method: "DELETE", Path: "/api/knowledge/{id}", ID: "deleteKnowledge", Summary: "Deletes.", Tag: "Knowledge", Access: Administrator},
		func(context.Context, *struct {
			ID string `path:"id"`
		}) (*empty, error) {
			return nil, nil
		})
	Handle(s.API, Route{Method: "POST", Path: "/api/operator/secret", ID: "operatorSecret", Summary: "Secret.", Access: Socket},
		func(context.Context, *empty) (*said[onlySocket], error) { return nil, nil })
	HandleUpload(s.API, Route{Method: "POST", Path: "/api/documents", ID: "addDocument", Summary: "Adds.", Access: SignedIn, Status: 202, BodyLimit: 100 << 20},
		func(context.Context, *uploadIn, io.Reader) (*said[taken], error) { return nil, nil })
	HandleDownload(s.API, Route{Method: "GET", Path: "/api/documents/{id}/file", ID: "readFile", Summary: "File.", Access: SignedIn},
		func(context.Context, *struct {
			ID string `path:"id"`
		}) (File, error) {
			return File{}, nil
		})
	HandleStream(s.API, Route{Method: "POST", Path: "/api/conversations", ID: "ask", Summary: "Asks.", Access: SignedIn, Also: map[int]any{202: accepted{}}},
		func(context.Context, *struct {
			Prefer string `header:"Prefer"`
			Body   textIn
		}) (Result[exchange], error) {
			return Result[exchange]{}, nil
		})
	HandleStream(s.API, Route{Method: "GET", Path: "/api/runs/{id}/events", ID: "readEvents", Summary: "Events.", Access: SignedIn},
		func(context.Context, *struct {
			ID string `path:"id"`
		}) (Result[struct{}], error) {
			return Result[struct{}]{}, nil
		})
	s.API.MountHandler("GET", "/metrics", Public, http.NotFoundHandler())
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	r := start(t, documented)
	a := r.call("GET", "/api/openapi.json", "")
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	doc := readJSON[map[string]any](t, a.text)
	at := func(path ...string) any {
		var v any = doc
		for _, p := range path {
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[p]
		}
		return v
	}
	for _, tt := range []struct {
		want string
		path []string
	}{
		{`"3.1.0"`, []string{"openapi"}},
		{`"1.2.3"`, []string{"info", "version"}},
		{`"listKnowledge"`, []string{"paths", "/api/knowledge", "get", "operationId"}},
		{`["Knowledge"]`, []string{"paths", "/api/knowledge", "get", "tags"}},
		{`[{"bearer":[]},{"cookie":[]}]`, []string{"paths", "/api/knowledge", "get", "security"}},
		{`[]`, []string{"paths", "/api/openapi.json", "get", "security"}},
		{`{"$ref":"#/components/schemas/PageKnowledge"}`, []string{"paths", "/api/knowledge", "get", "responses", "200", "content", "application/json", "schema"}},
		{`[{"description":"How many.","in":"query","name":"limit","schema":{"default":50,"description":"How many.","format":"int64","maximum":200,"minimum":1,"type":"integer"}}]`,
			[]string{"paths", "/api/knowledge", "get", "parameters"}},
		{`{"$ref":"#/components/schemas/CreateKnowledgeRequest"}`, []string{"paths", "/api/knowledge", "post", "requestBody", "content", "application/json", "schema"}},
		{`{"$ref":"#/components/schemas/Knowledge"}`, []string{"paths", "/api/knowledge", "post", "responses", "201", "content", "application/json", "schema"}},
		{`{"$ref":"#/components/schemas/Problem"}`, []string{"paths", "/api/knowledge", "post", "responses", "409", "content", "application/problem+json", "schema"}},
		{`{"$ref":"#/components/schemas/Problem"}`, []string{"paths", "/api/knowledge", "post", "responses", "default", "content", "application/problem+json", "schema"}},
		{`{"description":"No Content"}`, []string{"paths", "/api/knowledge/{id}", "delete", "responses", "204"}},
		{`{"contentMediaType":"application/octet-stream","format":"binary","type":"string"}`, []string{"paths", "/api/documents", "post", "requestBody", "content", "application/octet-stream", "schema"}},
		{`"The file itself, at most 100 MB."`, []string{"paths", "/api/documents", "post", "requestBody", "description"}},
		{`{"contentMediaType":"application/octet-stream","format":"binary","type":"string"}`, []string{"paths", "/api/documents/{id}/file", "get", "responses", "200", "content", "application/octet-stream", "schema"}},
		{`{"description":"Server-sent events.","type":"string"}`, []string{"paths", "/api/conversations", "post", "responses", "200", "content", "text/event-stream", "schema"}},
		{`{"text/event-stream":{"schema":{"description":"Server-sent events.","type":"string"}}}`, []string{"paths", "/api/runs/{id}/events", "get", "responses", "200", "content"}},
		{`{"$ref":"#/components/schemas/Accepted"}`, []string{"paths", "/api/conversations", "post", "responses", "202", "content", "application/json", "schema"}},
		{`{"items":{"type":"string"},"type":"array"}`, []string{"components", "schemas", "Knowledge", "properties", "tags"}},
		{`["id","tags","next"]`, []string{"components", "schemas", "Knowledge", "required"}},
		{`{"format":"int64","type":["integer","null"]}`, []string{"components", "schemas", "Knowledge", "properties", "next"}},
		{`"apiKey"`, []string{"components", "securitySchemes", "cookie", "type"}},
		{`"bearer"`, []string{"components", "securitySchemes", "bearer", "scheme"}},
		{`null`, []string{"components", "schemas", "OnlySocket"}},
		{`null`, []string{"paths", "/api/operator/secret"}},
		{`null`, []string{"paths", "/metrics"}},
	} {
		got, _ := json.Marshal(at(tt.path...))
		if string(got) != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", strings.Join(tt.path, " "), got, tt.want)
		}
	}
	for _, word := range []string{"operator", "onlySocket", "Secret"} {
		if strings.Contains(a.text, word) {
			t.Errorf("the document tells of %s", word)
		}
	}
	t.Run("the same bytes from another server", func(t *testing.T) {
		for range 5 {
			s := New(Config{Version: "1.2.3"})
			documented(s)
			got, err := s.OpenAPI()
			if err != nil || !bytes.Equal(got, []byte(a.text)) {
				t.Fatalf("it differs: %v", err)
			}
		}
	})
	t.Run("every reference leads somewhere", func(t *testing.T) {
		schemas := at("components", "schemas").(map[string]any)
		var names []string
		for name := range schemas {
			names = append(names, name)
		}
		for _, part := range strings.Split(a.text, `"$ref": "`+schemaPrefix)[1:] {
			if name, _, _ := strings.Cut(part, `"`); !slices.Contains(names, name) {
				t.Errorf("%s is missing", name)
			}
		}
	})
}

func TestMountedHandler(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *Server) {
		HandleStream(s.API, Route{Method: "GET", Path: "/api/runs/{id}/events", ID: "readEvents", Summary: "Events.", Access: SignedIn},
			func(context.Context, *struct {
				ID string `path:"id"`
			}) (Result[struct{}], error) {
				return Result[struct{}]{}, nil
			})
		s.API.MountHandler("GET", "/metrics", Administrator, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			w.Header().Set("X-Query", req.URL.RawQuery)
			w.WriteHeader(201)
			_, _ = io.WriteString(w, "metric 1\n"+req.Header.Get("Accept"))
		}))
	})
	if a := r.call("GET", "/metrics", "", asBob); a.StatusCode != 403 {
		t.Errorf("bob gets %d", a.StatusCode)
	}
	a := r.call("GET", "/metrics?a=b", "", asAda, "Accept: text/x")
	if a.StatusCode != 201 || a.text != "metric 1\ntext/x" || a.Header.Get("Content-Type") != "text/plain; version=0.0.4" || a.Header.Get("X-Query") != "a=b" {
		t.Errorf("got %d %q %v", a.StatusCode, a.text, a.Header)
	}
}
