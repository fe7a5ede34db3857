package main

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// entry is one line of an access list, as the API has it.
type entry struct {
	Person    string `json:"person,omitempty"`
	Group     string `json:"group,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	Right     string `json:"right"`
	Name      string `json:"name,omitempty"`
}

func (e entry) same(other entry) bool {
	return e.Person == other.Person && e.Group == other.Group && e.Workspace == other.Workspace
}

func (e entry) kind() string {
	switch {
	case e.Person != "":
		return "person"
	case e.Group != "":
		return "group"
	}
	return "workspace"
}

// accessList is who has access to a knowledge base.
type accessList struct {
	Entries []entry `json:"entries"`
}

// ruleList are the rules of a document, and the list they narrow.
type ruleList struct {
	Restricted bool    `json:"restricted"`
	Entries    []entry `json:"entries"`
	Owner      string  `json:"owner"`
	OwnerName  string  `json:"ownerName"`
	Knowledge  []entry `json:"knowledge"`
}

// whoHelp says how people and groups are named on the command line.
const whoHelp = `WHO is the e-mail address of a person, or group:NAME.`

// changes are what the flags of an access command say, by right.
type changes struct {
	rights []string
	given  map[string]*[]string // by right; "remove" takes entries away
}

func newChanges(cmd *cobra.Command, rights ...string) changes {
	c := changes{rights: append(rights, "remove"), given: map[string]*[]string{}}
	help := map[string]string{"read": "let `WHO` read", "edit": "let `WHO` read and edit", "allow": "let `WHO` read, and restrict the document to whom is allowed",
		"deny": "keep `WHO` out, whatever else gives them a right", "remove": "take the entry of `WHO` away"}
	for _, right := range c.rights {
		c.given[right] = cmd.Flags().StringArray(right, nil, help[right]+"; may be repeated")
	}
	return c
}

func (c changes) any() bool {
	return slices.ContainsFunc(c.rights, func(right string) bool { return len(*c.given[right]) > 0 })
}

// apply changes a list; whom it names twice is wrong use.
func (c changes) apply(cmd *cobra.Command, s *service, workspace string, list []entry) ([]entry, error) {
	seen := []entry{}
	for _, right := range c.rights {
		for _, who := range *c.given[right] {
			e, err := subject(cmd, s, workspace, who)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(seen, e.same) {
				return nil, wrongUse("name everybody once", "%s is named twice", who)
			}
			seen = append(seen, e)
			e.Right = right
			at := slices.IndexFunc(list, e.same)
			switch {
			case right == "remove" && at < 0:
				return nil, fault.New(fault.NotFound, "There is no entry of %s.", who).Cure("Without flags the command shows the list")
			case right == "remove":
				list = slices.Delete(slices.Clone(list), at, at+1)
			case at >= 0:
				list = slices.Clone(list)
				list[at] = e
			default:
				list = append(list, e)
			}
		}
	}
	return list, nil
}

// subject finds whom an argument names.
func subject(cmd *cobra.Command, s *service, workspace, who string) (entry, error) {
	if who == "workspace" && workspace != "" {
		return entry{Workspace: workspace}, nil
	}
	name, group := strings.CutPrefix(who, "group:")
	if !group {
		p, err := byEmail(cmd, s, who)
		return entry{Person: p.ID}, err
	}
	type named struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	groups, err := all[named](cmd.Context(), s, "/api/groups")
	if err != nil {
		return entry{}, err
	}
	for _, g := range groups {
		if strings.EqualFold(g.Name, strings.TrimSpace(name)) || g.ID == name {
			return entry{Group: g.ID}, nil
		}
	}
	return entry{}, fault.New(fault.NotFound, "There is no group %q.", name).Cure("The groups are listed in the web interface, under People")
}

func newKnowledgeAccess(o *options) *cobra.Command {
	var c changes
	cmd := &cobra.Command{
		Use: "access NAME", Short: "Show or change who has access to a knowledge base",
		Long: `Show who has access to a knowledge base, or change it. ` + whoHelp + `
"workspace" is everybody in the workspace. A deny wins over all that gives a right.`,
		Example: `  chatets knowledge access "Ward handbook"
  chatets knowledge access "Ward handbook" --read group:Surgery --edit ana@clinic.example --deny ben@clinic.example`,
		Args: exactly(1, "the name or id of a knowledge base"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				k, err := byName(cmd, s, args[0])
				if err != nil {
					return err
				}
				path := "/api/knowledge/" + url.PathEscape(k.ID) + "/access"
				var list accessList
				if err := s.Call(cmd.Context(), "GET", path, nil, &list); err != nil {
					return err
				}
				if c.any() {
					var of struct {
						Workspace string `json:"workspace"`
					}
					if err := s.Call(cmd.Context(), "GET", "/api/knowledge/"+url.PathEscape(k.ID), nil, &of); err != nil {
						return err
					}
					if list.Entries, err = c.apply(cmd, s, of.Workspace, list.Entries); err != nil {
						return err
					}
					in := list
					list = accessList{}
					if err := s.Call(cmd.Context(), "PUT", path, in, &list); err != nil {
						return err
					}
				}
				if o.json {
					return o.printJSON(list)
				}
				return o.rows([]string{"name", "kind", "right", "why"}, func(row func(...any) error) error {
					if err := row(k.OwnerName, "person", "edit", "owns it"); err != nil {
						return err
					}
					return entryRows(row, list.Entries, "")
				})
			})
		},
	}
	c = newChanges(cmd, "read", "edit", "deny")
	return cmd
}

// entryRows prints entries.
func entryRows(row func(...any) error, entries []entry, why string) error {
	for _, e := range entries {
		name := e.Name
		if name == "" {
			name = "somebody who is gone"
		}
		if err := row(name, e.kind(), e.Right, why); err != nil {
			return err
		}
	}
	return nil
}

func newDocumentAccess(o *options) *cobra.Command {
	var c changes
	var restricted bool
	var why string
	cmd := &cobra.Command{
		Use: "access DOCUMENT", Short: "Show or change who may read a document",
		Long: `Show the rules of a document, or change them. ` + whoHelp + `
Rules narrow what the knowledge base gives: who is denied does not read the document,
and of a restricted document only who is allowed does. DOCUMENT is a
name or an id, as chatets document list shows them.`,
		Example: `  chatets document access "Duty plan.pdf" --deny ben@clinic.example
  chatets document access "Duty plan.pdf" --allow group:Board
  chatets document access "Duty plan.pdf" --restricted=false
  chatets document access "Duty plan.pdf" --why ben@clinic.example`,
		Args: exactly(1, "the name or id of a document"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				id, err := documentID(cmd, s, args[0])
				if err != nil {
					return err
				}
				path := "/api/documents/" + url.PathEscape(id) + "/access"
				if why != "" {
					return o.explain(cmd, s, path, why)
				}
				var list ruleList
				if err := s.Call(cmd.Context(), "GET", path, nil, &list); err != nil {
					return err
				}
				if c.any() || cmd.Flags().Changed("restricted") {
					if err := c.rule(cmd, s, &list, restricted); err != nil {
						return err
					}
					in := map[string]any{"restricted": list.Restricted, "entries": orNone(list.Entries)}
					list = ruleList{}
					if err := s.Call(cmd.Context(), "PUT", path, in, &list); err != nil {
						return err
					}
				}
				if o.json {
					return o.printJSON(list)
				}
				return o.showRules(list)
			})
		},
	}
	c = newChanges(cmd, "allow", "deny")
	cmd.Flags().BoolVar(&restricted, "restricted", true, "only who is allowed may read it; --restricted=false lifts that and takes the allowed away")
	cmd.Flags().StringVar(&why, "why", "", "tell what the person of this `e-mail` may do with it, and why")
	return cmd
}

func orNone(list []entry) []entry {
	if list == nil {
		return []entry{}
	}
	return list
}

// rule changes the rules of a document as the flags say.
func (c changes) rule(cmd *cobra.Command, s *service, list *ruleList, restricted bool) error {
	entries, err := c.apply(cmd, s, "", list.Entries)
	if err != nil {
		return err
	}
	allowed := func(e entry) bool { return e.Right == "allow" }
	switch {
	case !cmd.Flags().Changed("restricted"):
		list.Restricted = list.Restricted || slices.ContainsFunc(entries, allowed)
	case !restricted && len(*c.given["allow"]) > 0:
		return wrongUse("leave one of them out", "--allow restricts a document, and --restricted=false lifts that")
	default:
		if list.Restricted = restricted; !restricted {
			entries = slices.DeleteFunc(entries, allowed)
		}
	}
	list.Entries = entries
	return nil
}

func (o *options) showRules(list ruleList) error {
	return o.rows([]string{"name", "kind", "right", "why"}, func(row func(...any) error) error {
		why, base := "rule of the document", "knowledge base"
		if list.Restricted {
			base = "knowledge base, but the document is restricted"
			if err := row("everybody else", "", "none", "the document is restricted"); err != nil {
				return err
			}
		}
		if err := entryRows(row, list.Entries, why); err != nil {
			return err
		}
		if err := row(list.OwnerName, "person", "edit", "owns the "+base); err != nil {
			return err
		}
		return entryRows(row, list.Knowledge, base)
	})
}

// explain tells what a person may do with a document.
func (o *options) explain(cmd *cobra.Command, s *service, path, email string) error {
	p, err := byEmail(cmd, s, email)
	if err != nil {
		return err
	}
	var found struct {
		Right     string `json:"right"`
		By        string `json:"by"`
		Document  bool   `json:"document"`
		Group     string `json:"group,omitempty"`
		GroupName string `json:"groupName,omitempty"`
		Sentence  string `json:"sentence"`
	}
	if err := s.Call(cmd.Context(), "GET", path+"/"+url.PathEscape(p.ID), nil, &found); err != nil {
		return err
	}
	if o.json {
		return o.printJSON(found)
	}
	o.say("%s: %s", p.Name, found.Sentence)
	return nil
}

// placing are the flags that say where documents belong, or which are meant.
type placing struct {
	folders  []string
	tags     []string
	types    []string
	from, to string
}

// filterFlags are the flags that narrow a list or a question.
func (p *placing) filterFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&p.folders, "folder", nil, "only documents of this `folder` and those inside it; may be repeated")
	cmd.Flags().StringArrayVar(&p.tags, "tag", nil, "only documents with this `tag`; may be repeated")
	cmd.Flags().StringArrayVar(&p.types, "type", nil, "only documents of this `type`: a file ending or a media type; may be repeated")
	cmd.Flags().StringVar(&p.from, "from", "", "only documents added since this `day`, as 2026-01-31")
	cmd.Flags().StringVar(&p.to, "to", "", "only documents added until the end of this `day`")
}

// query is the filter as a list's query.
func (p placing) query() string {
	q := url.Values{}
	for name, values := range map[string][]string{"folder": p.folders, "tag": p.tags, "type": p.types} {
		for _, v := range values {
			q.Add(name, v)
		}
	}
	for name, v := range map[string]string{"from": p.from, "to": p.to} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "&" + q.Encode()
}

// body is the filter as a question's; nil when there is none.
func (p placing) body() map[string]any {
	b := map[string]any{}
	for name, values := range map[string][]string{"folders": p.folders, "tags": p.tags, "types": p.types} {
		if len(values) > 0 {
			b[name] = values
		}
	}
	for name, v := range map[string]string{"from": p.from, "to": p.to} {
		if v != "" {
			b[name] = v
		}
	}
	return b
}

func newDocumentMove(o *options) *cobra.Command {
	var folder string
	var tags, untag []string
	cmd := &cobra.Command{
		Use: "move DOCUMENT…", Short: "Put documents into a folder, and give or take tags",
		Long: "Put documents into a folder of their knowledge base, and give them tags or take some away.\nDOCUMENT is a name or an id, as chatets document list shows them.",
		Example: `  chatets document move "Duty plan.pdf" --folder "Ward/Night shift" --tag urgent
  chatets document move "Duty plan.pdf" --folder "" --untag draft`,
		RunE: func(cmd *cobra.Command, args []string) error {
			moved := cmd.Flags().Changed("folder")
			if len(args) == 0 || !moved && len(tags)+len(untag) == 0 {
				return wrongUse("chatets document move --help", "chatets document move takes documents, and --folder, --tag or --untag")
			}
			return o.with(cmd, func(s *service) error {
				var done []document
				for _, name := range args {
					id, err := documentID(cmd, s, name)
					if err != nil {
						return err
					}
					d, err := move(cmd.Context(), s, id, folder, moved, tags, untag)
					if err != nil {
						return err
					}
					if done = append(done, d); !o.json {
						o.say("%s: folder %q, tags %q.", d.Name, d.Folder, strings.Join(d.Tags, ", "))
					}
				}
				if o.json {
					return o.printJSON(done)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&folder, "folder", "", "`path` of the folder, names with / between them; empty for none")
	cmd.Flags().StringArrayVar(&tags, "tag", nil, "`tag` to give; may be repeated")
	cmd.Flags().StringArrayVar(&untag, "untag", nil, "`tag` to take away; may be repeated")
	return cmd
}

func move(ctx context.Context, s *service, id, folder string, moved bool, tags, untag []string) (document, error) {
	path := "/api/documents/" + url.PathEscape(id)
	var d document
	if err := s.Call(ctx, "GET", path, nil, &d); err != nil {
		return document{}, err
	}
	in := map[string]any{}
	if moved {
		in["folder"] = folder
	}
	if len(tags)+len(untag) > 0 {
		kept := slices.DeleteFunc(slices.Clone(d.Tags), func(t string) bool {
			return slices.ContainsFunc(untag, func(u string) bool { return strings.EqualFold(u, t) })
		})
		in["tags"] = append(append([]string{}, kept...), tags...)
	}
	d = document{}
	return d, s.Call(ctx, "PATCH", path, in, &d)
}
