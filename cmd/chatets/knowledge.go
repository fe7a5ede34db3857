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
	Owner     string `json:"owner"`
	OwnerName string `json:"ownerName"`
	Documents int    `json:"documents"`
	Size      int64  `json:"size"`
	Working   int    `json:"working"`
}

// systemID is the owner of what no person made: the sample knowledge base.
const systemID = "system"

func newKnowledge(o *options) *cobra.Command {
	add := &cobra.Command{
		Use: "add NAME", Short: "Make a knowledge base", Example: `  chatets knowledge add "Ward handbook" --owner ana@clinic.example`,
		Long: "Make a knowledge base. It is seen by its owner alone until it is shared.",
		Args: exactly(1, "one name, in quotes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withNew(cmd, func(s *service) error {
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
				return o.rows([]string{"name", "owner", "documents", "working", "size", "id"}, func(row func(...any) error) error {
					return each(cmd.Context(), s, "/api/knowledge", func(k knowledge) error {
						return row(k.Name, k.OwnerName, k.Documents, k.Working, o.bytes(k.Size), k.ID)
					})
				})
			})
		},
	}
	return group("knowledge", "Knowledge bases", add, list, newKnowledgeAccess(o), newKnowledgeIndex(o), newKnowledgeEmbed(o), newKnowledgeReindex(o), newKnowledgeExplain(o))
}

// byName finds a knowledge base by its id or its name; a name that is not
// unique is refused rather than guessed.
func byName(cmd *cobra.Command, s *service, name string) (knowledge, error) {
	bases, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
	if err != nil {
		return knowledge{}, err
	}
	var same, alike []knowledge
	for _, k := range bases {
		switch {
		case k.ID == name:
			return k, nil
		case k.Name == name:
			same = append(same, k)
		case strings.EqualFold(k.Name, name):
			alike = append(alike, k)
		}
	}
	if len(same) == 0 {
		same = alike
	}
	switch len(same) {
	case 1:
		return same[0], nil
	case 0:
		return knowledge{}, fault.New(fault.NotFound, "There is no knowledge base %q.", name).
			Cure("chatets knowledge list shows all; chatets knowledge add makes one")
	}
	return knowledge{}, fault.New(fault.Conflict, "There are %d knowledge bases named %q.", len(same), name).Cure("Give the id that chatets knowledge list shows")
}
