package monitor

import (
	"context"
	"net/http"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/web"
)

func (m *Monitor) alertRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/alerts", ID: "listAlerts", Tag: "Monitor", Access: web.Administrator,
		Summary: "List what should be done something about now, the grave first"}, m.listAlerts)
}

// AlertOut is an alert on the wire.
type AlertOut struct {
	Name   string    `json:"name" doc:"A fixed word, for example backup-behind."`
	Object string    `json:"object,omitempty" doc:"Name of what it is about."`
	Grave  bool      `json:"grave" doc:"Data is or may soon be lost."`
	Why    string    `json:"why"`
	Cure   string    `json:"cure,omitempty"`
	Since  time.Time `json:"since"`
}

type alertsOut struct {
	Body struct {
		Items []AlertOut `json:"items"`
	}
}

func (m *Monitor) listAlerts(ctx context.Context, _ *struct{}) (*alertsOut, error) {
	out := &alertsOut{}
	out.Body.Items = []AlertOut{}
	for _, r := range m.look(ctx) {
		f := fault.Of(r.Err)
		out.Body.Items = append(out.Body.Items, AlertOut{Name: r.Name, Object: r.Object, Grave: r.Grave, Why: f.Sentence, Cure: f.Cure, Since: r.since})
	}
	return out, nil
}
