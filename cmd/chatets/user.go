package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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
		newUserPassword(o))
}

func newUserAdd(o *options) *cobra.Command {
	var email, name string
	var admin, stdin bool
	cmd := &cobra.Command{
		Use:     "add --email E --name N",
		Short:   "Add a person to the first workspace",
		Example: `  chatets user add --email ana@clinic.example --name "Ana Ruiz" --admin`,
		Args:    exactly(0, "no argument; use --email and --name"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if email == "" || name == "" {
				return usage{fault.New(fault.Invalid, "chatets user add needs --email and --name.").Cure("chatets user add --help")}
			}
			password, err := o.password(stdin, "Password for "+email)
			if err != nil {
				return err
			}
			return o.with(cmd, func(s *service) error {
				var p person
				in := map[string]any{"email": email, "name": name, "password": password, "admin": admin}
				if err := s.Call(cmd.Context(), "POST", "/api/people", in, &p); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(p)
				}
				what := "member"
				if p.Role != "" {
					what = p.Role
				}
				o.say("Added %s <%s> as %s.", p.Name, p.Email, what)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "e-mail address, used to sign in")
	cmd.Flags().StringVar(&name, "name", "", "name as others see it")
	cmd.Flags().BoolVar(&admin, "admin", false, "may administer the installation")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the first line of standard input")
	return cmd
}

func newUserList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List people", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				people, err := all[person](cmd.Context(), s, "/api/people")
				if err != nil {
					return err
				}
				return o.rows([]string{"email", "name", "role", "workspaceRole", "source", "disabled"}, func(row func(...any) error) error {
					for _, p := range people {
						if err := row(p.Email, p.Name, p.Role, p.WorkspaceRole, p.Source, p.Disabled); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func newUserSwitch(o *options, name, short string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " EMAIL", Short: short, Args: exactly(1, "the e-mail of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				p, err := byEmail(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "PATCH", "/api/people/"+p.ID, map[string]any{"disabled": disabled}, &p); err != nil {
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
	var stdin bool
	cmd := &cobra.Command{
		Use: "password EMAIL", Short: "Set a person's password and end their sessions", Args: exactly(1, "the e-mail of a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := o.password(stdin, "New password for "+args[0])
			if err != nil {
				return err
			}
			return o.with(cmd, func(s *service) error {
				p, err := byEmail(cmd, s, args[0])
				if err != nil {
					return err
				}
				if err := s.Call(cmd.Context(), "PUT", "/api/people/"+p.ID+"/password", map[string]any{"password": password}, nil); err != nil {
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
	return cmd
}

func byEmail(cmd *cobra.Command, s *service, email string) (person, error) {
	people, err := all[person](cmd.Context(), s, "/api/people")
	if err != nil {
		return person{}, err
	}
	for _, p := range people {
		if strings.EqualFold(p.Email, email) {
			return p, nil
		}
	}
	return person{}, fault.New(fault.NotFound, "There is no person with the e-mail %s.", email).Cure("chatets user list shows all.")
}

// password reads a password: from standard input where asked to, otherwise
// twice from the terminal without showing it. It is never an argument, because
// arguments can be read by every user of the machine.
func (o *options) password(stdin bool, prompt string) (string, error) {
	if stdin {
		line, err := bufio.NewReader(io.LimitReader(o.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	if !term.IsTerminal(int(o.in.Fd())) {
		return "", usage{fault.New(fault.Invalid, "There is no terminal to ask for the password.").Cure("Give it with --password-stdin.")}
	}
	first, err := o.secret(prompt)
	if err != nil {
		return "", err
	}
	second, err := o.secret("Once more")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", fault.New(fault.Invalid, "The two passwords differ.").Cure("Try again.")
	}
	return first, nil
}

func (o *options) secret(prompt string) (string, error) {
	fmt.Fprint(o.err, prompt+": ")
	text, err := term.ReadPassword(int(o.in.Fd()))
	fmt.Fprintln(o.err)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(text), nil
}
