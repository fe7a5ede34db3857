package model

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/web"
)

const serverTag = "Model servers"

func (m *Models) serverRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/servers", ID: "listServers", Tag: serverTag, Access: web.Administrator, Scope: web.Operate,
		Summary: "List the model servers, by name"}, m.getServers)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/servers", ID: "addServer", Tag: serverTag, Access: web.Administrator, Status: http.StatusCreated,
		Summary: "Connect a model server", Errors: []int{409, 422}}, m.postServer)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/servers/detected", ID: "detectServers", Tag: serverTag, Access: web.Administrator,
		Summary: "Look for model servers on this machine; nothing is sent to them but the question what they are"}, m.getDetected)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/servers/test", ID: "testNewServer", Tag: serverTag, Access: web.Administrator,
		Summary: "Test a model server before it is connected", Errors: []int{404, 409, 422, 503}}, m.postTestNew)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/servers/test/{key}", ID: "stopTest", Tag: serverTag, Access: web.Administrator,
		Summary: "Stop a test that was begun with a key", Errors: []int{404}}, m.deleteTest)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/servers/{id}", ID: "getServer", Tag: serverTag, Access: web.Administrator, Scope: web.Operate,
		Summary: "Show a model server", Errors: []int{404}}, m.getServer)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/servers/{id}", ID: "changeServer", Tag: serverTag, Access: web.Administrator,
		Summary: "Change a model server", Errors: []int{404, 409, 422}}, m.patchServer)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/servers/{id}", ID: "removeServer", Tag: serverTag, Access: web.Administrator,
		Summary: "Remove a model server; its models stay where they are", Errors: []int{404}}, m.deleteServer)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/servers/{id}/test", ID: "testServer", Tag: serverTag, Access: web.Administrator,
		Summary: "Test a model server: connect, list, answer, make vectors", Errors: []int{404, 409}}, m.postTest)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/servers/{id}/health", ID: "serverHealth", Tag: serverTag, Access: web.Administrator, Scope: web.Operate,
		Summary: "List how the server was, the newest change first", Errors: []int{404}}, m.getHealth)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/servers/{id}/refresh", ID: "refreshServer", Tag: serverTag, Access: web.Administrator, Scope: web.Operate,
		Summary: "Look at the server now: how it is and which models it has", Errors: []int{404, 409, 503}}, m.postRefresh)
}

// server is a model server on the wire.
type server struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Kind      string     `json:"kind" enum:"ollama,openai,anthropic"`
	Flavour   string     `json:"flavour" doc:"What it says it is: ollama, lmstudio, llamacpp, vllm; empty while it is not known."`
	Version   string     `json:"version"`
	URL       string     `json:"url"`
	HasToken  bool       `json:"hasToken" doc:"A token is kept, sealed."`
	HasCA     bool       `json:"hasCa" doc:"Own certificates are trusted for it."`
	Slots     int        `json:"slots" doc:"Answers it writes at the same time."`
	SlotsSet  int        `json:"slotsSet" doc:"The same as somebody set it; 0 where it was found out."`
	Enabled   bool       `json:"enabled"`
	State     string     `json:"state" enum:"ok,busy,down,unknown"`
	Why       string     `json:"why,omitempty" doc:"What is wrong with it."`
	Cure      string     `json:"cure,omitempty" doc:"What to do about it."`
	LatencyMs int64      `json:"latencyMs"`
	Since     *time.Time `json:"since,omitempty" doc:"It is in this state since then."`
	Models    int        `json:"models" doc:"Models it has."`
	Working   int        `json:"working" doc:"Answers that are being written."`
	Waiting   int        `json:"waiting" doc:"Answers that wait for it."`
	Warnings  []string   `json:"warnings" doc:"What one should know of it."`
	CreatedAt time.Time  `json:"createdAt"`
}

func (m *Models) showServer(s Server, list []Model) server {
	here := on(s.ID, list)
	out := server{ID: s.ID, Name: s.Name, Kind: string(s.Kind), Flavour: s.Flavour, Version: s.Version, URL: s.URL, HasToken: s.HasToken, HasCA: s.CA != "",
		SlotsSet: s.Slots, Slots: slotsOf(s, 0), Enabled: s.Enabled, State: stateUnknown, Models: len(here), Warnings: warnings(s, here), CreatedAt: s.Created}
	m.mu.Lock()
	if l := m.links[s.ID]; l != nil {
		h := l.health
		out.State, out.Why, out.Cure, out.LatencyMs = h.State, h.Why, h.Cure, h.Latency.Milliseconds()
		if h.State == stateOK && l.unlisted != (Problem{}) {
			out.Why, out.Cure = l.unlisted.Why, l.unlisted.Cure
		}
		if !h.Since.IsZero() {
			out.Since = &h.Since
		}
		if l.slots > 0 {
			out.Slots = l.slots
		}
	}
	m.mu.Unlock()
	out.Working, out.Waiting = m.queue.Load(s.ID)
	return out
}

type serversOut struct {
	Body struct {
		Items []server `json:"items"`
	}
}

func (m *Models) getServers(ctx context.Context, _ *struct{}) (*serversOut, error) {
	servers, err := m.store.servers(ctx)
	if err != nil {
		return nil, err
	}
	list, err := m.store.models(ctx, reach{manages: true}, "")
	if err != nil {
		return nil, err
	}
	out := &serversOut{}
	out.Body.Items = make([]server, len(servers))
	for i, s := range servers {
		out.Body.Items[i] = m.showServer(s, list)
	}
	return out, nil
}

type serverOut struct{ Body server }

func (m *Models) answerServer(ctx context.Context, s Server, err error) (*serverOut, error) {
	if err != nil {
		return nil, err
	}
	list, err := m.store.models(ctx, reach{manages: true}, "")
	return &serverOut{Body: m.showServer(s, list)}, err
}

type serverIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (m *Models) getServer(ctx context.Context, in *serverIn) (*serverOut, error) {
	s, err := m.store.server(ctx, in.ID)
	return m.answerServer(ctx, s, err)
}

type postServerIn struct {
	Body struct {
		Kind  string `json:"kind" enum:"ollama,openai,anthropic"`
		URL   string `json:"url" maxLength:"500"`
		Token string `json:"token,omitempty" maxLength:"8000" doc:"Kept sealed, never given back."`
		CA    string `json:"ca,omitempty" maxLength:"65536" doc:"Certificates of its authority as PEM, where the system does not trust it."`
		Name  string `json:"name" maxLength:"400"`
		Slots int    `json:"slots,omitempty" doc:"Answers it writes at the same time; 0 lets ChatETS find it out."`
	}
}

func (m *Models) postServer(ctx context.Context, in *postServerIn) (*serverOut, error) {
	b := in.Body
	s, err := m.AddServer(ctx, NewServer{Name: b.Name, Kind: inference.Kind(b.Kind), URL: b.URL, Token: b.Token, CA: b.CA, Slots: b.Slots})
	return m.answerServer(ctx, s, err)
}

type patchServerIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Name    *string `json:"name,omitempty" maxLength:"400"`
		URL     *string `json:"url,omitempty" maxLength:"500"`
		Token   *string `json:"token,omitempty" maxLength:"8000" doc:"Empty forgets the one that is kept."`
		CA      *string `json:"ca,omitempty" maxLength:"65536" doc:"Empty forgets those that are kept."`
		Slots   *int    `json:"slots,omitempty"`
		Enabled *bool   `json:"enabled,omitempty"`
	}
}

func (m *Models) patchServer(ctx context.Context, in *patchServerIn) (*serverOut, error) {
	b := in.Body
	s, err := m.ChangeServer(ctx, in.ID, ServerChange{Name: b.Name, URL: b.URL, Token: b.Token, CA: b.CA, Slots: b.Slots, Enabled: b.Enabled})
	return m.answerServer(ctx, s, err)
}

func (m *Models) deleteServer(ctx context.Context, in *serverIn) (*none, error) {
	if err := m.RemoveServer(ctx, in.ID); err != nil {
		return nil, err
	}
	return &none{}, nil
}

func (m *Models) postRefresh(ctx context.Context, in *serverIn) (*serverOut, error) {
	if err := m.Refresh(ctx, in.ID); err != nil {
		return nil, err
	}
	return m.getServer(ctx, in)
}

// detected is a model server that was found on this machine.
type detected struct {
	Kind    string   `json:"kind" enum:"ollama,openai,anthropic"`
	Flavour string   `json:"flavour"`
	Version string   `json:"version"`
	URL     string   `json:"url"`
	Models  []string `json:"models"`
}

type detectedOut struct {
	Body struct {
		Items []detected `json:"items"`
	}
}

func (m *Models) getDetected(ctx context.Context, _ *struct{}) (*detectedOut, error) {
	list, err := m.Detect(ctx)
	if err != nil {
		return nil, err
	}
	out := &detectedOut{}
	out.Body.Items = make([]detected, len(list))
	for i, d := range list {
		out.Body.Items[i] = detected{Kind: string(d.Kind), Flavour: d.Flavour, Version: d.Version, URL: d.URL, Models: append([]string{}, d.Models...)}
	}
	return out, nil
}

// report is what a test found out.
type report struct {
	Steps           []step  `json:"steps"`
	TokensPerSecond float64 `json:"tokensPerSecond" doc:"0 where it was not measured."`
	FirstTokenMs    int64   `json:"firstTokenMs"`
}

type step struct {
	Name   string `json:"name" enum:"connect,list,answer,embed"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Cure   string `json:"cure,omitempty"`
	Ms     int64  `json:"ms"`
}

type reportOut struct{ Body report }

func answerReport(r Report, err error) (*reportOut, error) {
	if err != nil {
		return nil, err
	}
	out := &reportOut{Body: report{Steps: make([]step, len(r.Steps)), TokensPerSecond: r.TokensPerSecond, FirstTokenMs: r.FirstToken.Milliseconds()}}
	for i, s := range r.Steps {
		out.Body.Steps[i] = step{Name: s.Name, OK: s.OK, Detail: s.Detail, Cure: s.Cure, Ms: s.Took.Milliseconds()}
	}
	return out, nil
}

type testIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Model string `json:"model,omitempty" maxLength:"400" doc:"Empty lets ChatETS choose one."`
		Key   string `json:"key,omitempty" maxLength:"64" doc:"By which the test can be stopped."`
	}
}

func (m *Models) postTest(ctx context.Context, in *testIn) (*reportOut, error) {
	return answerReport(m.Test(ctx, in.ID, in.Body.Model, in.Body.Key))
}

type testNewIn struct {
	Body struct {
		Kind   string `json:"kind" enum:"ollama,openai,anthropic"`
		URL    string `json:"url" maxLength:"500"`
		Token  string `json:"token,omitempty" maxLength:"8000" doc:"Kept sealed, never given back."`
		CA     string `json:"ca,omitempty" maxLength:"65536" doc:"Certificates of its authority as PEM, where the system does not trust it."`
		Server string `json:"server,omitempty" maxLength:"64" doc:"A server that was connected: its token and certificates stand in for those not given."`
		Model  string `json:"model,omitempty" maxLength:"400" doc:"Empty lets ChatETS choose one."`
		Key    string `json:"key,omitempty" maxLength:"64" doc:"By which the test can be stopped."`
	}
}

func (m *Models) postTestNew(ctx context.Context, in *testNewIn) (*reportOut, error) {
	b := in.Body
	return answerReport(m.TestNew(ctx, NewServer{Kind: inference.Kind(b.Kind), URL: b.URL, Token: b.Token, CA: b.CA}, b.Server, b.Model, b.Key))
}

type testKeyIn struct {
	Key string `path:"key" maxLength:"64"`
}

func (m *Models) deleteTest(ctx context.Context, in *testKeyIn) (*none, error) {
	if err := m.StopTest(ctx, in.Key); err != nil {
		return nil, err
	}
	return &none{}, nil
}

type healthIn struct {
	ID     string `path:"id" maxLength:"64"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"20"`
}

// healthChange is a change of a server's state.
type healthChange struct {
	At        time.Time `json:"at"`
	State     string    `json:"state" enum:"ok,busy,down"`
	LatencyMs int64     `json:"latencyMs"`
	Why       string    `json:"why,omitempty"`
	Cure      string    `json:"cure,omitempty"`
}

type healthOut struct{ Body web.Page[healthChange] }

func (m *Models) getHealth(ctx context.Context, in *healthIn) (*healthOut, error) {
	if _, err := m.store.server(ctx, in.ID); err != nil {
		return nil, err
	}
	before := int64(0)
	if in.Cursor != "" {
		n, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || n < 1 {
			return nil, fault.New(fault.Invalid, "The place in the list is not known.").Cure("Start again from the first page.").
				With(fault.Detail{Field: "query.cursor", Sentence: "This is no cursor of this list."})
		}
		before = n
	}
	list, err := m.store.history(ctx, in.ID, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &healthOut{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = strconv.FormatInt(list[in.Limit-1].ID, 10)
	}
	out.Body.Items = make([]healthChange, len(list))
	for i, t := range list {
		out.Body.Items[i] = healthChange{At: t.At, State: t.State, LatencyMs: t.Latency.Milliseconds(), Why: t.Why, Cure: t.Cure}
	}
	return out, nil
}
