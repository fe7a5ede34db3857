package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chatets/appliance/fault"
)

// document is what the API says of a document.
type document struct {
	ID      string `json:"id,omitempty"`
	Title   string `json:"title,omitempty"`
	Name    string `json:"name"`
	State   string `json:"state"`
	Code    string `json:"code,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Cure    string `json:"cure,omitempty"`
	Size    int64  `json:"size"`
	Chunks  int    `json:"chunks"`
	Verdict string `json:"verdict,omitempty"`
	Finding string `json:"finding,omitempty"`
	Note    string `json:"note,omitempty"`

	Folder     string   `json:"folder,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Restricted bool     `json:"restricted,omitempty"`

	Progress *struct {
		Done  int64  `json:"done"`
		Total int64  `json:"total"`
		Note  string `json:"note"`
	} `json:"progress,omitempty"`
}

func newDocument(o *options) *cobra.Command {
	return group("document", "Documents of the knowledge bases", newDocumentAdd(o), newDocumentList(o), newDocumentAccess(o), newDocumentMove(o), newDocumentChunks(o), newDocumentChunk(o), newDocumentPassword(o), newDocumentReindex(o))
}

func newDocumentAdd(o *options) *cobra.Command {
	a := adding{o: o}
	cmd := &cobra.Command{
		Use:   "add FILE…",
		Short: "Add documents and wait until they can be cited",
		Long: `Add documents to a knowledge base and wait until each can be cited, or failed with its
reason. The exit code is 1 when any of them failed; the others are added all the same.`,
		Example: `  chatets document add handbook/*.md --knowledge "Ward handbook"
  chatets document add handbook --recursive --knowledge "Ward handbook"
  cat notes.md | chatets document add - --name notes.md --knowledge Notes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.collect(args); err != nil {
				return err
			}
			return o.with(cmd, func(s *service) error { return a.run(cmd, s) })
		},
	}
	cmd.Flags().StringVar(&a.base, "knowledge", "", "`name` or id of the knowledge base (default the only one besides the sample)")
	cmd.Flags().StringVar(&a.name, "name", "", "`name` of the document; needed for standard input (-)")
	cmd.Flags().BoolVar(&a.recursive, "recursive", false, "add all files of the folders that are given, but hidden ones; folders inside them are kept")
	cmd.Flags().StringVar(&a.folder, "folder", "", "`path` of the folder to put them in, names with / between them")
	cmd.Flags().StringArrayVar(&a.tags, "tag", nil, "`tag` to put on them; may be repeated")
	return cmd
}

func newDocumentList(o *options) *cobra.Command {
	var base, state string
	var in placing
	cmd := &cobra.Command{
		Use: "list", Short: "List documents with their states", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error { return o.listDocuments(cmd, s, base, state, in) })
		},
	}
	cmd.Flags().StringVar(&base, "knowledge", "", "`name` or id of one knowledge base (default all)")
	cmd.Flags().StringVar(&state, "state", "", "only documents in this `state`, for example failed or quarantined")
	in.filterFlags(cmd)
	return cmd
}

func (o *options) listDocuments(cmd *cobra.Command, s *service, base, state string, in placing) error {
	var bases []knowledge
	if base != "" {
		k, err := byName(cmd, s, base)
		if err != nil {
			return err
		}
		bases = []knowledge{k}
	} else {
		found, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
		if err != nil {
			return err
		}
		bases = found
	}
	only := in.query()
	if state != "" {
		only += "&state=" + url.QueryEscape(state)
	}
	return o.rows([]string{"name", "knowledge", "state", "chunks", "size", "reason", "folder", "tags", "id"}, func(row func(...any) error) error {
		for _, k := range bases {
			err := each(cmd.Context(), s, "/api/documents?knowledge="+url.QueryEscape(k.ID)+only, func(d document) error {
				return row(d.Name, k.Name, d.State, d.Chunks, o.bytes(d.Size), d.Reason, d.Folder, strings.Join(d.Tags, ", "), d.ID)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// target is the knowledge base to add to: the named one, or the only one there
// is besides the sample.
func target(cmd *cobra.Command, s *service, base string) (knowledge, error) {
	if base != "" {
		return byName(cmd, s, base)
	}
	bases, err := all[knowledge](cmd.Context(), s, "/api/knowledge")
	if err != nil {
		return knowledge{}, err
	}
	var own []knowledge
	for _, k := range bases {
		if k.Owner != systemID {
			own = append(own, k)
		}
	}
	switch len(own) {
	case 1:
		return own[0], nil
	case 0:
		return knowledge{}, fault.New(fault.NotFound, "There is no knowledge base to add to.").Cure("Make one: chatets knowledge add NAME")
	}
	return knowledge{}, wrongUse("give its name with --knowledge", "there are %d knowledge bases, and none was named", len(own))
}

func newDocumentPassword(o *options) *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use:   "password ID",
		Short: "Give the password of a locked file and wait until it is read",
		Long: `Give the password of a locked file and wait until it is read. It is asked for on the terminal,
or read from the first line of standard input, and kept sealed with the document.`,
		Example: `  pass show scans/2024 | chatets document password 0199f3c2-… --password-stdin`,
		Args:    exactly(1, "the id of a document"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := o.filePassword(cmd.Context(), stdin)
			if err != nil {
				return err
			}
			return o.with(cmd, func(s *service) error {
				var d document
				if err := s.Call(cmd.Context(), "PUT", "/api/documents/"+url.PathEscape(args[0])+"/password", map[string]any{"password": password}, &d); err != nil {
					return err
				}
				a := adding{o: o, files: []string{d.Name}, pending: []sent{{d.Name, d}}}
				if err := a.settle(cmd.Context(), s); err != nil {
					return err
				}
				if o.json {
					if err := o.printJSON(a.results[0].document); err != nil {
						return err
					}
				}
				if a.failed > 0 {
					return fault.New(fault.Conflict, "The document could not be read.").Cure("The reason stands above")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the first line of standard input")
	return cmd
}

// filePassword asks once: a wrong one does no harm.
func (o *options) filePassword(ctx context.Context, stdin bool) (string, error) {
	if stdin {
		return firstLine(o.in)
	}
	if !term.IsTerminal(int(o.in.Fd())) {
		return "", wrongUse("give it with --password-stdin", "there is no terminal to ask for the password")
	}
	return o.hidden(ctx, "Password of the file")
}
