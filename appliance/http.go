package appliance

import (
	"context"
	"net/http"

	"chatets/appliance/fault"
	"chatets/appliance/web"
)

// ownRoutes are what only the whole house can answer, for the operator.
func (a *Appliance) ownRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/operator/check", ID: "checkDatabase", Tag: "Operator", Access: web.Socket,
		Summary: "Read every page of the database"}, a.check)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/operator/setup-link", ID: "makeSetupLink", Tag: "Operator", Access: web.Socket,
		Summary: "Make a new one-time link for the first administrator"}, a.newSetupLink)
}

// DatabaseCheck is what reading the whole database says.
type DatabaseCheck struct {
	Schema int64 `json:"schema" doc:"Number of the newest migration in force"`
}

type checkOut struct{ Body DatabaseCheck }

func (a *Appliance) check(ctx context.Context, _ *struct{}) (*checkOut, error) {
	if err := a.db.Check(ctx); err != nil {
		return nil, err
	}
	schema, err := a.db.Schema(ctx)
	return &checkOut{Body: DatabaseCheck{Schema: schema}}, err
}

// SetupLink is the one-time link that makes the first administrator.
type SetupLink struct {
	Link string `json:"link"`
}

type setupLinkOut struct{ Body SetupLink }

func (a *Appliance) newSetupLink(ctx context.Context, _ *struct{}) (*setupLinkOut, error) {
	link, err := a.setupLink(ctx)
	if err == nil && link == "" {
		err = fault.New(fault.Conflict, "There is an owner already.").Cure("Add people with: chatets user add")
	}
	if err == nil && a.Addr() == "" {
		err = fault.New(fault.Conflict, "The service does not run, so a link would lead nowhere.").Cure("Start it: chatets serve")
	}
	return &setupLinkOut{Body: SetupLink{Link: link}}, err
}
