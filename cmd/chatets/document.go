package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// document is what the API says of a document.
type document struct {
	ID       string `json:"id,omitempty"`
	Title    string `json:"title,omitempty"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Cure     string `json:"cure,omitempty"`
	Size     int64  `json:"size"`
	Chunks   int    `json:"chunks"`
	Progress *struct {
		Done  int64  `json:"done"`
		Total int64  `json:"total"`
		Note  string `json:"note"`
	} `json:"progress,omitempty"`
}

func newDocument(o *options) *cobra.Command {
	return group("document", "Documents of the knowledge bases", newDocumentAdd(o), newDocumentList(o), newDocumentChunks(o), newDocumentChunk(o))
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
	cmd.Flags().BoolVar(&a.recursive, "recursive", false, "add all files of the folders that are given, but hidden ones")
	return cmd
}

func newDocumentList(o *options) *cobra.Command {
	var base string
	cmd := &cobra.Command{
		Use: "list", Short: "List documents with their states", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error { return o.listDocuments(cmd, s, base) })
		},
	}
	cmd.Flags().StringVar(&base, "knowledge", "", "`name` or id of one knowledge base (default all)")
	return cmd
}

func (o *options) listDocuments(cmd *cobra.Command, s *service, base string) error {
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
	return o.rows([]string{"name", "knowledge", "state", "chunks", "size", "reason", "id"}, func(row func(...any) error) error {
		for _, k := range bases {
			err := each(cmd.Context(), s, "/api/documents?knowledge="+url.QueryEscape(k.ID), func(d document) error {
				return row(d.Name, k.Name, d.State, d.Chunks, o.bytes(d.Size), d.Reason, d.ID)
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
