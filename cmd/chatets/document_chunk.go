package main

import (
	"net/url"
	"strconv"
	"strings"

	ids "github.com/google/uuid"
	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// chunk is what the API says of a passage of a document.
type chunk struct {
	Number     int64  `json:"number"`
	Page       int    `json:"page"`
	Heading    string `json:"heading"`
	Start      int    `json:"start"`
	End        int    `json:"end"`
	Text       string `json:"text"`
	Characters int    `json:"characters"`
	Tokens     int    `json:"tokens"`
	Language   string `json:"language,omitempty"`
	Disabled   bool   `json:"disabled"`
}

func newDocumentChunks(o *options) *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use: "chunks DOCUMENT", Short: "List the passages a document was cut into", Args: exactly(1, "the id or the name of a document, as chatets document list shows it"),
		Long: `List the passages a document was cut into, in the order of its text: what is searched and
what is given to a model. One that is switched off is not found.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				id, err := documentID(cmd, s, args[0])
				if err != nil {
					return err
				}
				route := "/api/documents/" + url.PathEscape(id) + "/chunks"
				if off {
					route += "?disabled=true"
				}
				return o.rows([]string{"number", "page", "characters", "tokens", "language", "disabled", "heading", "text"}, func(row func(...any) error) error {
					return each(cmd.Context(), s, route, func(c chunk) error {
						heading, text := strings.ReplaceAll(c.Heading, "\n", " > "), c.Text
						if !o.json {
							text = beginning(text, 80)
						}
						return row(c.Number, c.Page, c.Characters, c.Tokens, c.Language, c.Disabled, heading, text)
					})
				})
			})
		},
	}
	cmd.Flags().BoolVar(&off, "disabled", false, "only those that are switched off")
	return cmd
}

func newDocumentChunk(o *options) *cobra.Command {
	var disable, enable bool
	cmd := &cobra.Command{
		Use: "chunk DOCUMENT NUMBER", Short: "Switch a passage of a document off or on again", Args: exactly(2, "the id or the name of a document and the number of a passage, as chatets document chunks shows it"),
		Long: `Switch a passage of a document off, so that it is neither found nor given to a model, or on
again. Passages of the document with the same text go with it, and it stays as it is when the
document is read again. This is recorded.`,
		Example: `  chatets document chunk handbook.pdf 812 --disable`,
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := strconv.ParseInt(args[1], 10, 64)
			switch {
			case err != nil || number < 1:
				return wrongUse("chatets document chunks shows the numbers", "%q is no number of a passage", args[1])
			case disable == enable:
				return wrongUse("give one of --disable and --enable", "it is not said what to do with the passage")
			}
			return o.with(cmd, func(s *service) error {
				id, err := documentID(cmd, s, args[0])
				if err != nil {
					return err
				}
				var c chunk
				route := "/api/documents/" + url.PathEscape(id) + "/chunks/" + strconv.FormatInt(number, 10)
				if err := s.Call(cmd.Context(), "PATCH", route, map[string]any{"disabled": disable}, &c); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(c)
				}
				state := "is found again"
				if c.Disabled {
					state = "is not found any more"
				}
				o.say("Passage %d %s: %s", c.Number, state, beginning(c.Text, 80))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&disable, "disable", false, "switch it off")
	cmd.Flags().BoolVar(&enable, "enable", false, "switch it on again")
	return cmd
}

// beginning is a text's first n characters in one line.
func beginning(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	for i := range text {
		if n == 0 {
			return text[:i] + "…"
		}
		n--
	}
	return text
}

// documentID finds a document by its id or its name; a name that is not unique
// is refused rather than guessed.
func documentID(cmd *cobra.Command, s *service, name string) (string, error) {
	if ids.Validate(name) == nil {
		return name, nil
	}
	bases, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
	if err != nil {
		return "", err
	}
	var found []string
	for _, k := range bases {
		route := "/api/documents?knowledge=" + url.QueryEscape(k.ID) + "&q=" + url.QueryEscape(name)
		err := each(cmd.Context(), s, route, func(d document) error {
			if d.Name == name {
				found = append(found, d.ID)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fault.New(fault.NotFound, "There is no document %q.", name).Cure("chatets document list shows all")
	}
	return "", fault.New(fault.Conflict, "There are %d documents named %q.", len(found), name).Cure("Give the id that chatets document list shows")
}
