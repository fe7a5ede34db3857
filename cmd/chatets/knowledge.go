package main

import (
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// knowledge is what the API says of a knowledge base.
type knowledge struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	OwnerName string `json:"ownerName"`
	Documents int    `json:"documents"`
	Size      int64  `json:"size"`
	Working   int    `json:"working"`
}

func newKnowledge(o *options) *cobra.Command {
	add := &cobra.Command{
		Use: "add NAME", Short: "Make a knowledge base", Args: exactly(1, "a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				var k knowledge
				if err := s.Call(cmd.Context(), "POST", "/api/knowledge", map[string]any{"name": args[0]}, &k); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(k)
				}
				o.say("Made the knowledge base %s (%s).", k.Name, k.ID)
				return nil
			})
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List knowledge bases", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				bases, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
				if err != nil {
					return err
				}
				return o.rows([]string{"id", "name", "owner", "documents", "working", "size"}, func(row func(...any) error) error {
					for _, k := range bases {
						if err := row(k.ID, k.Name, k.OwnerName, k.Documents, k.Working, k.Size); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
	return group("knowledge", "Knowledge bases", add, list)
}

// byName finds a knowledge base by its id or its name; a name that is not
// unique is refused rather than guessed.
func byName(cmd *cobra.Command, s *service, name string) (knowledge, error) {
	bases, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
	if err != nil {
		return knowledge{}, err
	}
	var found []knowledge
	for _, k := range bases {
		if k.ID == name {
			return k, nil
		}
		if strings.EqualFold(k.Name, name) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return knowledge{}, fault.New(fault.NotFound, "There is no knowledge base %q.", name).Cure("chatets knowledge list shows all.")
	}
	return knowledge{}, fault.New(fault.Conflict, "There are %d knowledge bases named %q.", len(found), name).Cure("Give the id that chatets knowledge list shows.")
}
