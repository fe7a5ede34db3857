package main

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// person is what the API says of a person.
type person struct {
	ID            string `json:"id"`
	Email         string `json:"email"`
	Name          string `json:"name"`
	Source        string `json:"source"`
	Role          string `json:"role"`
	WorkspaceRole string `json:"workspaceRole"`
	Disabled      bool   `json:"disabled"`
}

func newUser(o *options) *cobra.Command {
	return group("user", "People who may sign in", newUserAdd(o), newUserList(o),
		newUserSwitch(o, "disable", "Disable a person and end their sessions", true),
		newUserSwitch(o, "enable", "Let a disabled person sign in again", false),
		newUserPassword(o), newUserLink(o), newUserReset(o), newUserKey(o), newUserImport(o))
}

func newUserAdd(o *options) *cobra.Command {
	var email, name string
	var admin, stdin bool
	cmd := &cobra.Command{
		Use:   "add --email E --name N",
		Short: "Add a person to the first workspace",
		Long:  "Add a person to the first workspace. The first administrator owns the installation.\nThe password is asked for on the terminal, twice, or read with --password-stdin.",
		Example: `  chatets user add --email ana@clinic.example --name "Ana Ruiz" --admin
  pass show chatets | chatets user add --email ben@clinic.example --name "Ben Osei" --password-stdin`,
		Args: exactly(0, "no argument; use --email and --name"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if email == "" || name == "" {
				return wrongUse("chatets user add --help", "chatets user add needs --email and --name")
			}
			password, err := o.password(cmd.Context(), stdin, "Password for "+email)
			if err != nil {
				return err
			}
			return o.withNew(cmd, func(s *service) error {
				var p person
				in := map[string]any{"email": email, "name": name, "password": password, "admin": admin}
				if err := s.Call(cmd.Context(), "POST", "/api/people", in, &p); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(p)
				}
				what := p.Role
				if what == "" {
					what = p.WorkspaceRole
				}
				o.say("Added %s <%s> as %s.", p.Name, p.Email, what)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "`e-mail` address, used to sign in")
	cmd.Flags().StringVar(&name, "name", "", "`name` as others see it")
	cmd.Flags().BoolVar(&admin, "admin", false, "may administer the installation")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the first line of standard input")
	return cmd
}

func newUserList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List people", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				return o.rows([]string{"email", "name", "role", "workspaceRole", "source", "disabled", "id"}, func(row func(...any) error) error {
					return each(cmd.Context(), s, "/api/people", func(p person) error {
						return row(p.Email, p.Name, p.Role, p.WorkspaceRole, p.Source, p.Disabled, p.ID)
					})
				})
			})
		},
	}
}

func newUserSwitch(o *options, name, short string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " EMAIL", Short: short, Args: exactly(1, "the e-mail address of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, err := byEmail(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "PATCH", "/api/people/"+url.PathEscape(p.ID), map[string]any{"disabled": disabled}, &p); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(p)
				}
				o.say("%s <%s> is %sd.", p.Name, p.Email, name)
				return nil
			})
		},
	}
}

func newUserPassword(o *options) *cobra.Command {
	var stdin, must bool
	cmd := &cobra.Command{
		Use: "password EMAIL", Short: "Set a person's password and end their sessions", Args: exactly(1, "the e-mail address of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := o.password(cmd.Context(), stdin, "New password for "+args[0])
			if err != nil {
				return err
			}
			return o.with(cmd, func(s *service) error {
				p, err := byEmail(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "PUT", "/api/operator/people/"+url.PathEscape(p.ID)+"/password", map[string]any{"password": password, "mustChange": must}, nil); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(p)
				}
				o.say("The password of %s <%s> is set; all their sessions have ended.", p.Name, p.Email)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the first line of standard input")
	cmd.Flags().BoolVar(&must, "must-change", false, "the person has to set another one before anything else")
	return cmd
}

func newUserReset(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "mfa-reset EMAIL", Short: "Take a person's second steps of sign-in away and end their sessions", Args: exactly(1, "the e-mail address of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, err := byEmail(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "DELETE", "/api/people/"+url.PathEscape(p.ID)+"/factors", nil, nil); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(p)
				}
				o.say("%s <%s> signs in with the password alone until a second step is set up again; all their sessions have ended.", p.Name, p.Email)
				return nil
			})
		},
	}
}

// byEmail finds a person by the whole address.
func byEmail(cmd *cobra.Command, s *service, email string) (person, error) {
	people, err := all[person](cmd.Context(), s, "/api/people?q="+url.QueryEscape(email))
	if err != nil {
		return person{}, err
	}
	for _, p := range people {
		if strings.EqualFold(p.Email, strings.TrimSpace(email)) {
			return p, nil
		}
	}
	return person{}, fault.New(fault.NotFound, "There is no person with the e-mail address %s.", email).Cure("chatets user list shows all")
}
