package scim

import (
	"context"
	"net/http"

	"chatets/appliance/actor"
	"chatets/appliance/web"
)

// clientRoutes administer the clients.
func (s *Service) clientRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/scim", ID: "listScimClients", Tag: tag, Access: web.Administrator,
		Summary: "List the identity systems that may provision"}, s.getClients)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/scim", ID: "addScimClient", Tag: tag, Access: web.Administrator, Status: http.StatusCreated,
		Summary: "Let an identity system provision; its token is told once", Errors: []int{409, 422}}, s.postClient)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/scim/{id}/token", ID: "renewScimToken", Tag: tag, Access: web.Administrator,
		Summary: "Give an identity system another token; the old one ends", Errors: []int{404}}, s.postToken)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/scim/{id}", ID: "removeScimClient", Tag: tag, Access: web.Administrator,
		Summary: "Remove an identity system; its people stay, disabled", Errors: []int{404}}, s.deleteClient)
}

type clientsOut struct {
	Body struct {
		Items []scimClient `json:"items"`
	}
}

func (s *Service) getClients(ctx context.Context, _ *struct{}) (*clientsOut, error) {
	list, err := s.Clients(ctx)
	if err != nil {
		return nil, err
	}
	out := &clientsOut{}
	for _, c := range list {
		out.Body.Items = append(out.Body.Items, showClient(c, ""))
	}
	return out, nil
}

type postClientIn struct {
	Body struct {
		Name string     `json:"name" maxLength:"64" doc:"Small letters, digits, dots and dashes; it stays."`
		Role actor.Role `json:"role,omitempty" enum:"admin,editor,member,guest" doc:"Of its people in the workspace; member when absent."`
	}
}

type clientOut struct{ Body scimClient }

func (s *Service) postClient(ctx context.Context, in *postClientIn) (*clientOut, error) {
	c, token, err := s.AddClient(ctx, in.Body.Name, in.Body.Role)
	if err != nil {
		return nil, err
	}
	return &clientOut{Body: showClient(c, token)}, nil
}

func (s *Service) postToken(ctx context.Context, in *idIn) (*clientOut, error) {
	c, token, err := s.RenewToken(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &clientOut{Body: showClient(c, token)}, nil
}

type deleteClientOut struct {
	Body struct {
		People int `json:"people" doc:"People who were disabled."`
	}
}

func (s *Service) deleteClient(ctx context.Context, in *idIn) (*deleteClientOut, error) {
	n, err := s.RemoveClient(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &deleteClientOut{}
	out.Body.People = n
	return out, nil
}
