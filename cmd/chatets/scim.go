package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// scimClient is what the API says of an identity system.
type scimClient struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	LastUsed string `json:"lastUsed,omitempty"`
	URL      string `json:"url"`
	Token    string `json:"token,omitempty"`
}

func newSCIM(o *options) *cobra.Command {
	return group("scim", "Identity systems that provision people and groups", newSCIMAdd(o), newSCIMList(o), newSCIMToken(o), newSCIMRemove(o))
}

func newSCIMAdd(o *options) *cobra.Command {
	var name, role string
	cmd := &cobra.Command{Use: "add --name N", Short: "Let an identity system provision; prints its token once, alone on the last line",
		Args: exactly(0, "no argument; use --name"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" {
				return wrongUse("chatets scim add --help", "chatets scim add needs --name")
			}
			return o.withNew(cmd, func(s *service) error {
				var c scimClient
				if err := s.Call(cmd.Context(), "POST", "/api/scim", map[string]any{"name": name, "role": role}, &c); err != nil {
					return err
				}
				return o.sayToken(c)
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "short `name`; the accounts of its people carry it")
	cmd.Flags().StringVar(&role, "role", "member", "`role` of its people in the workspace: admin, editor, member or guest")
	return cmd
}

func (o *options) sayToken(c scimClient) error {
	if o.json {
		return o.printJSON(c)
	}
	o.say("Enter in %s the address of this server followed by %s, and this token. It is not shown again.", c.Name, c.URL)
	o.say("%s", c.Token)
	return nil
}

func scimClients(cmd *cobra.Command, s *service) ([]scimClient, error) {
	var got struct {
		Items []scimClient `json:"items"`
	}
	err := s.Call(cmd.Context(), "GET", "/api/scim", nil, &got)
	return got.Items, err
}

func scimClientNamed(cmd *cobra.Command, s *service, name string) (scimClient, error) {
	list, err := scimClients(cmd, s)
	if err != nil {
		return scimClient{}, err
	}
	for _, c := range list {
		if c.Name == name {
			return c, nil
		}
	}
	return scimClient{}, fault.New(fault.NotFound, "There is no SCIM client %q.", name).Cure("chatets scim list lists them")
}

func newSCIMList(o *options) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the identity systems", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				list, err := scimClients(cmd, s)
				if err != nil {
					return err
				}
				return o.rows([]string{"name", "role", "lastUsed", "id"}, func(row func(...any) error) error {
					for _, c := range list {
						if err := row(c.Name, c.Role, c.LastUsed, c.ID); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func newSCIMToken(o *options) *cobra.Command {
	return &cobra.Command{Use: "token NAME", Short: "Give an identity system another token; the old one ends", Args: exactly(1, "the name of a client"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				c, err := scimClientNamed(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "POST", "/api/scim/"+url.PathEscape(c.ID)+"/token", nil, &c); err != nil {
					return err
				}
				return o.sayToken(c)
			})
		},
	}
}

func newSCIMRemove(o *options) *cobra.Command {
	return &cobra.Command{Use: "remove NAME", Short: "Remove an identity system; its people stay, disabled", Args: exactly(1, "the name of a client"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				c, err := scimClientNamed(cmd, s, args[0])
				if err != nil {
					return err
				}
				var out struct {
					People int `json:"people"`
				}
				if err := s.Call(cmd.Context(), "DELETE", "/api/scim/"+url.PathEscape(c.ID), nil, &out); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(out)
				}
				o.say("Removed %s; %d people are disabled.", c.Name, out.People)
				return nil
			})
		},
	}
}
