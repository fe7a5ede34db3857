package web

import (
	"context"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

type colour string

type bindIn struct {
	ID    string    `path:"id" format:"uuid"`
	Limit int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Kind  colour    `query:"kind" enum:"red,green"`
	Ids   []string  `query:"ids" maxItems:"3"`
	Nums  []int     `query:"nums"`
	On    *bool     `query:"on"`
	Since time.Time `query:"since"`
	Trace string    `header:"X-Trace" maxLength:"5"`
	paged
	Body bindBody
}

type paged struct {
	Cursor string `query:"cursor" maxLength:"10"`
}

type bindBody struct {
	Name    string            `json:"name" minLength:"1" maxLength:"8"`
	Email   string            `json:"email,omitempty" format:"email"`
	Age     int               `json:"age,omitempty" minimum:"0"`
	Small   int8              `json:"small,omitempty"`
	Ratio   float64           `json:"ratio,omitempty" maximum:"1"`
	Tags    []string          `json:"tags,omitempty" maxItems:"2" uniqueItems:"true"`
	Access  []access          `json:"access,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Code    string            `json:"code,omitempty" pattern:"^[A-Z]{2}$" patternDescription:"two capital letters"`
	Mode    string            `json:"mode,omitempty" enum:"fast,slow" default:"fast"`
	Pointer *int              `json:"pointer,omitempty"`
	When    *time.Time        `json:"when,omitempty"`
}

type access struct {
	Person string `json:"person" minLength:"1"`
	Right  string `json:"right" enum:"read,edit"`
}

const anID = "0190a6f2-7c5e-7d3a-9c1e-2f4b6a8d0e1f"

func TestBinding(t *testing.T) {
	t.Parallel()
	var got bindIn
	r := start(t, func(s *Server) {
		Handle(s.API, Route{Method: "POST", Path: "/api/things/{id}", ID: "bindThing", Summary: "Binds.", Access: Public},
			func(_ context.Context, in *bindIn) (*empty, error) { got = *in; return nil, nil })
	})
	t.Run("everything", func(t *testing.T) {
		a := r.call("POST", "/api/things/"+anID+"?limit=7&kind=red&ids=a,b&ids=c&nums=1,2&on=false&since=2026-01-02T03:04:05Z&cursor=xyz",
			`{"name":"Ada","email":"ada@example.org","age":36,"ratio":0.5,"tags":["a"],"access":[{"person":"p","right":"read"}],"labels":{"a":"b"},"code":"AB","pointer":3,"when":"2026-01-02T03:04:05Z"}`,
			"X-Trace: t1")
		if a.StatusCode != 204 {
			t.Fatalf("got %d %s", a.StatusCode, a.text)
		}
		off := false
		three := 3
		when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		want := bindIn{ID: anID, Limit: 7, Kind: "red", Ids: []string{"a", "b", "c"}, Nums: []int{1, 2}, On: &off, Since: when, Trace: "t1", paged: paged{"xyz"},
			Body: bindBody{Name: "Ada", Email: "ada@example.org", Age: 36, Ratio: 0.5, Tags: []string{"a"}, Access: []access{{"p", "read"}},
				Labels: map[string]string{"a": "b"}, Code: "AB", Mode: "fast", Pointer: &three, When: &when}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
	t.Run("as little as possible", func(t *testing.T) {
		if a := r.call("POST", "/api/things/"+anID, `{"name":"Ada","email":null,"tags":null}`); a.StatusCode != 204 {
			t.Fatalf("got %d %s", a.StatusCode, a.text)
		}
		if want := (bindIn{ID: anID, Limit: 50, Body: bindBody{Name: "Ada", Mode: "fast"}}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v", got)
		}
	})
	ok := "/api/things/" + anID
	for _, tt := range []struct{ name, path, body, field, sentence string }{
		{"id of another form", "/api/things/7", `{"name":"a"}`, "path.id", `"id" must be an id like`},
		{"id with NUL", "/api/things/%00", `{"name":"a"}`, "path.id", "UTF-8"},
		{"limit too small", ok + "?limit=0", `{"name":"a"}`, "query.limit", `"limit" must be at least 1.`},
		{"limit too large", ok + "?limit=201", `{"name":"a"}`, "query.limit", `"limit" must be at most 200.`},
		{"limit no number", ok + "?limit=ten", `{"name":"a"}`, "query.limit", `"limit" must be a whole number.`},
		{"limit too large for any number", ok + "?limit=99999999999999999999", `{"name":"a"}`, "query.limit", `"limit" must be a whole number.`},
		{"limit twice", ok + "?limit=1&limit=2", `{"name":"a"}`, "query.limit", `"limit" is given more than once.`},
		{"unknown parameter", ok + "?colour=red", `{"name":"a"}`, "query.colour", `There is no parameter "colour" here.`},
		{"value out of the list", ok + "?kind=blue", `{"name":"a"}`, "query.kind", `"kind" must be one of: red, green.`},
		{"too many in a list", ok + "?ids=a,b,c,d", `{"name":"a"}`, "query.ids", `"ids" must have at most 3 entries.`},
		{"list of no numbers", ok + "?nums=1,x", `{"name":"a"}`, "query.nums", `"nums" must be a whole number.`},
		{"no boolean", ok + "?on=maybe", `{"name":"a"}`, "query.on", `"on" must be true or false.`},
		{"no time", ok + "?since=yesterday", `{"name":"a"}`, "query.since", `"since" must be a time like`},
		{"embedded parameter", ok + "?cursor=aaaaaaaaaaaaaaaa", `{"name":"a"}`, "query.cursor", `"cursor" must have at most 10 characters, but has 16.`},
		{"empty name", ok, `{"name":""}`, "body.name", `"name" must not be empty.`},
		{"long name", ok, `{"name":"aaaaaaaaa"}`, "body.name", `"name" must have at most 8 characters, but has 9.`},
		{"characters, not bytes", ok, `{"name":"äöüäöüäöü"}`, "body.name", `"name" must have at most 8 characters, but has 9.`},
		{"missing name", ok, `{}`, "body.name", `"name" is missing.`},
		{"e-mail", ok, `{"name":"a","email":"ada"}`, "body.email", `"email" must be an e-mail address.`},
		{"e-mail with a name", ok, `{"name":"a","email":"Ada <ada@example.org>"}`, "body.email", `"email" must be an e-mail address.`},
		{"negative", ok, `{"name":"a","age":-1}`, "body.age", `"age" must be at least 0.`},
		{"fraction", ok, `{"name":"a","age":1.5}`, "body.age", `"age" must be a whole number.`},
		{"exponent", ok, `{"name":"a","age":1e3}`, "body.age", `"age" must be a whole number.`},
		{"too large a number", ok, `{"name":"a","ratio":1e999}`, "body.ratio", `"ratio" is too large a number.`},
		{"does not fit its type", ok, `{"name":"a","small":1000}`, "body.small", `"small" has a value that does not fit.`},
		{"list too long", ok, `{"name":"a","tags":["a","b","c"]}`, "body.tags", `"tags" must have at most 2 entries.`},
		{"twice in a list", ok, `{"name":"a","tags":["a","a"]}`, "body.tags[1]", `is in the list twice.`},
		{"deep in a list", ok, `{"name":"a","access":[{"person":"p","right":"own"}]}`, "body.access[0].right", `"right" must be one of: read, edit.`},
		{"unknown deep in a list", ok, `{"name":"a","access":[{"person":"p","right":"read","who":1}]}`, "body.access[0].who", `There is no field "who" here.`},
		{"missing deep in a list", ok, `{"name":"a","access":[{"right":"read"}]}`, "body.access[0].person", `"person" is missing.`},
		{"wrong in a map", ok, `{"name":"a","labels":{"x":1}}`, "body.labels.x", `"x" must be text.`},
		{"pattern", ok, `{"name":"a","code":"abc"}`, "body.code", `"code" must be two capital letters.`},
		{"time", ok, `{"name":"a","when":"now"}`, "body.when", `"when" must be a time like`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.call("POST", tt.path, tt.body)
			p := a.problem(t)
			if a.StatusCode != 422 && !(a.StatusCode == 400 && p.Code == "not-utf8") || len(p.Errors) == 0 {
				t.Fatalf("got %d %s", a.StatusCode, a.text)
			}
			if p.Errors[0].Field != tt.field || !strings.Contains(p.Errors[0].Sentence, tt.sentence) || !strings.Contains(p.Detail, tt.sentence) {
				t.Errorf("got %+v", p)
			}
		})
	}
	t.Run("header too long", func(t *testing.T) {
		if p := r.call("POST", ok, `{"name":"a"}`, "X-Trace: 123456").problem(t); p.Errors[0].Field != "header.X-Trace" {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("all at once", func(t *testing.T) {
		p := r.call("POST", ok+"?limit=0", `{"name":"","age":-1}`).problem(t)
		if len(p.Errors) != 3 || p.Detail != `"limit" must be at least 1. There are 2 more.` {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("not a thousand errors", func(t *testing.T) {
		p := r.call("POST", ok, `{"name":"a","access":[`+strings.Repeat(`{},`, 999)+`{}]}`).problem(t)
		if len(p.Errors) != maxErrors {
			t.Errorf("got %d", len(p.Errors))
		}
	})
}

func TestRegistrationRefusesWhatNobodyChecks(t *testing.T) {
	t.Parallel()
	post := Route{Method: "POST", Path: "/api/x", ID: "x", Summary: "X.", Access: Public}
	for name, register := range map[string]func(a *API){
		"unknown format": func(a *API) {
			Handle(a, post, func(context.Context, *struct {
				Body struct {
					Host string `json:"host" format:"hostname"`
				}
			}) (*empty, error) {
				return nil, nil
			})
		},
		"raw body not announced": func(a *API) {
			Handle(a, post, func(context.Context, *struct{ RawBody []byte }) (*empty, error) { return nil, nil })
		},
		"answer with an untagged field": func(a *API) {
			Handle(a, post, func(context.Context, *empty) (*struct{ Location string }, error) { return nil, nil })
		},
		"parameter of a struct type": func(a *API) {
			Handle(a, post, func(context.Context, *struct {
				X struct{ Y int } `query:"x"`
			}) (*empty, error) {
				return nil, nil
			})
		},
		"upload with a body in its input": func(a *API) {
			HandleUpload(a, post, func(context.Context, *struct{ Body textIn }, io.Reader) (*empty, error) { return nil, nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{})
			defer func() {
				if recover() == nil {
					t.Error("it registers")
				}
			}()
			register(s.API)
		})
	}
}

func TestFixedWordsComeBeforeParameters(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *Server) {
		type in struct {
			ID string `path:"id"`
		}
		Handle(s.API, Route{Method: "GET", Path: "/api/things/{id}", ID: "readThing", Summary: "One.", Access: Public},
			func(_ context.Context, in *in) (*said[string], error) { return &said[string]{"id " + in.ID}, nil })
		Handle(s.API, Route{Method: "GET", Path: "/api/things/newest", ID: "readNewest", Summary: "Newest.", Access: Public},
			func(context.Context, *empty) (*said[string], error) { return &said[string]{"newest"}, nil })
		Handle(s.API, Route{Method: "GET", Path: "/api/things/{id}/parts", ID: "readParts", Summary: "Parts.", Access: Public},
			func(_ context.Context, in *in) (*said[string], error) { return &said[string]{"parts " + in.ID}, nil })
	})
	for path, want := range map[string]string{
		"/api/things/newest": "newest", "/api/things/7": "id 7", "/api/things/7/parts": "parts 7",
		"/api/things/a%2Fb": "id a/b", "/api/things/%C3%A4": "id ä",
	} {
		if got := readJSON[string](t, r.call("GET", path, "").text); got != want {
			t.Errorf("%s: got %q", path, got)
		}
	}
}

type listOut struct {
	Body Page[item]
}

type item struct {
	Name  string         `json:"name"`
	Parts []item         `json:"parts"`
	Notes []string       `json:"notes,omitempty"`
	Deep  []inner        `json:"deep,omitempty"`
	Extra map[string]int `json:"extra"`
	One   *inner         `json:"one"`
	Raw   []byte         `json:"raw"`
}

type inner struct {
	Words []string `json:"words"`
}

func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *Server) {
		Handle(s.API, Route{Method: "GET", Path: "/api/list", ID: "list", Summary: "A list.", Access: Public},
			func(_ context.Context, in *struct {
				Some bool `query:"some"`
			}) (*listOut, error) {
				out := &listOut{}
				if in.Some {
					out.Body.Items = []item{{Name: "a", One: &inner{}, Parts: []item{{Deep: []inner{{}}}}}}
				}
				return out, nil
			})
	})
	if got := r.call("GET", "/api/list", "").text; got != `{"items":[],"next":""}`+"\n" {
		t.Errorf("got %s", got)
	}
	if got := r.call("GET", "/api/list?some=true", "").text; got != `{"items":[{"name":"a","parts":[{"name":"","parts":[],"deep":[{"words":[]}],"extra":{},"one":null,"raw":""}],"extra":{},"one":{"words":[]},"raw":""}],"next":""}`+"\n" {
		t.Errorf("got %s", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2,{"b":null}]}`, `[[[[`, `"\u0000"`, "\xff", `{"a":1,"a":2}`, `1 2`, `{"a" 1}`, `[1 2]`, `{"a":1,}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, wrong, err := decode(data)
		if err != nil {
			if v != nil || wrong != nil {
				t.Fatal("a value beside an error")
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is read and is no JSON: %v", data, v)
		}
	})
}
