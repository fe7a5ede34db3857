package monitor

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/web"
)

// Routes adds health, readiness, metrics and jobs.
func (m *Monitor) Routes(api *web.API) {
	m.open()
	m.alertRoutes(api)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/health", ID: "health", Tag: "Monitor", Access: web.Public,
		Summary: "Say that the process answers"}, m.health)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/ready", ID: "ready", Tag: "Monitor", Access: web.Public,
		Summary: "Say whether requests can be served, and if not, why", Errors: []int{503}}, m.ready)
	api.MountHandler(http.MethodGet, "/metrics", web.Public, m.guarded(m.handler()))
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/jobs", ID: "listJobs", Tag: "Monitor", Access: web.Administrator, Scope: web.Operate,
		Summary: "List the jobs, the newest first"}, m.listJobs)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/jobs/{id}", ID: "getJob", Tag: "Monitor", Access: web.Administrator, Scope: web.Operate,
		Summary: "Show a job and how far it is", Errors: []int{404}}, m.getJob)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/jobs/{id}/cancel", ID: "cancelJob", Tag: "Monitor", Access: web.Administrator, Scope: web.Operate,
		Summary: "Cancel a job that waits or runs", Errors: []int{404, 409}}, m.cancelJob)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/jobs/{id}/retry", ID: "retryJob", Tag: "Monitor", Access: web.Administrator, Scope: web.Operate,
		Summary: "Try a failed or cancelled job again", Errors: []int{404, 409}}, m.retryJob)
}

// Health is the answer of a process that answers.
type Health struct {
	Status     string `json:"status" enum:"ok"`
	Version    string `json:"version"`
	Generation string `json:"generation" doc:"Which kind of language model answers; none is a state, not an error"`
}

type healthOut struct{ Body Health }

func (m *Monitor) health(context.Context, *struct{}) (*healthOut, error) {
	h := Health{Status: "ok", Version: m.Version, Generation: "none"}
	if m.Generation != nil {
		h.Generation = m.Generation()
	}
	return &healthOut{Body: h}, nil
}

// Readiness says whether requests can be served.
type Readiness struct {
	Ready  bool    `json:"ready"`
	Checks []Check `json:"checks"`
}

// Check is one part of the appliance. Why it is not ready stands there for
// those who run the appliance; a passer-by sees only that it is not.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

type readyOut struct {
	Status int
	Body   Readiness
}

func (m *Monitor) ready(ctx context.Context, _ *struct{}) (*readyOut, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out := &readyOut{Status: http.StatusOK, Body: Readiness{Ready: true, Checks: make([]Check, len(m.Reporters))}}
	var reports sync.WaitGroup
	for i, r := range m.Reporters {
		reports.Go(func() {
			c := &out.Body.Checks[i]
			c.Name, c.OK, c.Detail = r.Report(ctx)
		})
	}
	reports.Wait()
	for _, c := range out.Body.Checks {
		if !c.OK {
			out.Body.Ready, out.Status = false, http.StatusServiceUnavailable
		}
	}
	return out, nil
}

// guarded lets those read the metrics who run the machine or the installation:
// a scraper on this machine that is no proxy, the socket, an administrator.
func (m *Monitor) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !actor.From(r.Context()).Administers() && !local(r) {
			http.Error(w, "Metrics are for this machine and for administrators.", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// local reports whether the request comes from this machine itself and not
// through a proxy that stands on it.
func local(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Job is a job on the wire.
type Job struct {
	ID        string      `json:"id"`
	Kind      string      `json:"kind"`
	Workspace string      `json:"workspace"`
	Owner     string      `json:"owner"`
	State     string      `json:"state" enum:"waiting,running,done,failed,cancelled"`
	Progress  JobProgress `json:"progress"`
	Attempt   int         `json:"attempt"`
	Attempts  int         `json:"attempts"`
	Error     string      `json:"error,omitempty" doc:"Why the last attempt failed"`
	RunAt     time.Time   `json:"runAt" doc:"Not before this time"`
	CreatedAt time.Time   `json:"createdAt"`
	EndedAt   *time.Time  `json:"endedAt,omitempty"`
}

// JobProgress says how far a job is; a total of 0 is not known.
type JobProgress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Note  string `json:"note"`
}

func jobOf(j job.Job) Job {
	w := Job{ID: j.ID, Kind: j.Kind, Workspace: j.Workspace, Owner: j.Owner, State: string(j.State),
		Progress: JobProgress{Done: j.Done, Total: j.Total, Note: j.Note}, Attempt: j.Attempt, Attempts: j.Attempts, Error: j.Error,
		RunAt: j.RunAt, CreatedAt: j.Created}
	if !j.Ended.IsZero() {
		w.EndedAt = &j.Ended
	}
	return w
}

type jobsIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"64"`
	State  string `query:"state" enum:"waiting,running,done,failed,cancelled"`
	Kind   string `query:"kind" maxLength:"64"`
}

type jobsOut struct{ Body web.Page[Job] }

func (m *Monitor) listJobs(ctx context.Context, in *jobsIn) (*jobsOut, error) {
	found, err := m.Jobs.List(ctx, job.Filter{State: job.State(in.State), Kind: in.Kind, Before: in.Cursor, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	var out jobsOut
	if len(found) > in.Limit {
		found = found[:in.Limit]
		out.Body.Next = found[in.Limit-1].ID
	}
	for _, j := range found {
		out.Body.Items = append(out.Body.Items, jobOf(j))
	}
	return &out, nil
}

type jobIn struct {
	ID string `path:"id" maxLength:"64"`
}

type jobOut struct{ Body Job }

func (m *Monitor) getJob(ctx context.Context, in *jobIn) (*jobOut, error) {
	j, err := m.Jobs.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &jobOut{Body: jobOf(j)}, nil
}

func (m *Monitor) cancelJob(ctx context.Context, in *jobIn) (*jobOut, error) {
	return m.act(ctx, "job.cancel", in.ID, m.Jobs.Cancel)
}

func (m *Monitor) retryJob(ctx context.Context, in *jobIn) (*jobOut, error) {
	return m.act(ctx, "job.retry", in.ID, m.Jobs.Retry)
}

func (m *Monitor) act(ctx context.Context, name, id string, do func(context.Context, string) error) (*jobOut, error) {
	j, err := m.Jobs.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := m.acted(ctx, name, j, do(ctx, id)); err != nil {
		return nil, err
	}
	if j, err = m.Jobs.Get(ctx, id); err != nil {
		return nil, err
	}
	return &jobOut{Body: jobOf(j)}, nil
}

// sentence is what an operator is told of a failure.
func sentence(err error) string {
	r := fault.Of(err)
	if r.Kind == fault.Internal {
		return "It fails; the log says why."
	}
	return r.Sentence
}
