package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// baseIndex is what the API says of how a knowledge base is indexed.
type baseIndex struct {
	Model     string     `json:"model"`
	Dimension int        `json:"dimension"`
	Passages  int64      `json:"passages"`
	Vectors   int        `json:"vectors"`
	English   bool       `json:"english"`
	Foreign   int64      `json:"foreign"`
	Away      *indexNote `json:"away,omitempty"`
	Build     *struct {
		Model  string `json:"model"`
		State  string `json:"state"`
		Done   int64  `json:"done"`
		Total  int64  `json:"total"`
		Reason string `json:"reason,omitempty"`
		Cure   string `json:"cure,omitempty"`
	} `json:"build,omitempty"`
	Renewals struct {
		Done   int64 `json:"done"`
		Total  int64 `json:"total"`
		Failed int64 `json:"failed"`
	} `json:"renewals"`
	Choices []struct {
		Model string `json:"model"`
		Label string `json:"label,omitempty"`
	} `json:"choices"`
}

type indexNote struct {
	Knowledge []string `json:"knowledge"`
	Reason    string   `json:"reason"`
	Cure      string   `json:"cure,omitempty"`
}

// working reports an index that something is being done to; what waits for a
// server or failed is not waited for.
func (x baseIndex) working() bool {
	return x.Renewals.Total > 0 || x.Build != nil && x.Build.State == "building" && x.Build.Reason == ""
}

func (o *options) sayIndex(name string, x baseIndex) {
	o.say("%s is compared by %s: %d of %d passages can be found by meaning.", name, x.Model, x.Vectors, x.Passages)
	if x.Foreign > 0 {
		o.say("%d passages are not in English and are found by their words alone (choose a multilingual embedding model)", x.Foreign)
	}
	if x.Away != nil {
		o.say("Questions are compared by words alone now: %s (%s)", x.Away.Reason, x.Away.Cure)
	}
	if b := x.Build; b != nil {
		o.say("An index with %s is %s: %d of %d passages.", b.Model, map[string]string{"building": "being built", "failed": "not built"}[b.State], b.Done, b.Total)
		if b.Reason != "" {
			o.say("  %s (%s)", b.Reason, b.Cure)
		}
	}
	if x.Renewals.Total > 0 {
		o.say("Documents are read again: %d of %d.", x.Renewals.Done, x.Renewals.Total)
	}
	if x.Renewals.Failed > 0 {
		o.say("%d documents could not be read again; their old passages answer.", x.Renewals.Failed)
	}
}

// onIndex sends a request about the index of a base and shows what comes back.
func (o *options) onIndex(cmd *cobra.Command, base, method, path string, body any, wait bool) error {
	return o.with(cmd, func(s *service) error {
		k, err := byName(cmd, s, base)
		if err != nil {
			return err
		}
		at := "/api/knowledge/" + url.PathEscape(k.ID)
		var x baseIndex
		if err := s.Call(cmd.Context(), method, at+path, body, &x); err != nil {
			return err
		}
		for wait && x.working() {
			select {
			case <-cmd.Context().Done():
				return cmd.Context().Err()
			case <-time.After(300 * time.Millisecond):
			}
			x = baseIndex{} // what is not told any more must not stay
			if err := s.Call(cmd.Context(), "GET", at+"/index", nil, &x); err != nil {
				return err
			}
		}
		if o.json {
			return o.printJSON(x)
		}
		o.sayIndex(k.Name, x)
		return nil
	})
}

func newKnowledgeIndex(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "index BASE", Short: "Show how a knowledge base is indexed", Args: exactly(1, "the id or the name of a knowledge base"),
		Long: "Show by which embedding model a knowledge base is compared, and what is being built anew.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.onIndex(cmd, args[0], "GET", "/index", nil, false)
		},
	}
}

func newKnowledgeEmbed(o *options) *cobra.Command {
	var model string
	var wait bool
	cmd := &cobra.Command{
		Use: "embed BASE --model MODEL", Short: "Choose the embedding model of a knowledge base", Args: exactly(1, "the id or the name of a knowledge base"),
		Long: `Choose the embedding model of a knowledge base: built-in, or one of a connected server.
Its index is built in the background, when no person waits for the server; the old one answers
until then. Passages go to the server of the model.`,
		Example: `  chatets knowledge embed "Ward handbook" --model nomic-embed-text
  chatets knowledge embed "Ward handbook" --model built-in`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if model == "" {
				return wrongUse("chatets knowledge index shows what can be chosen with --json", "it is not said which model")
			}
			return o.onIndex(cmd, args[0], "PUT", "/embedding", map[string]any{"model": model}, wait)
		},
	}
	cmd.Flags().StringVar(&model, "model", "", "name of an embedding model, or built-in")
	cmd.Flags().BoolVar(&wait, "wait", false, "until it is done")
	return cmd
}

func newKnowledgeReindex(o *options) *cobra.Command {
	var stop, wait bool
	cmd := &cobra.Command{
		Use: "reindex BASE", Short: "Read the documents of a knowledge base again", Args: exactly(1, "the id or the name of a knowledge base"),
		Long: `Read all documents of a knowledge base again in the background, and go on with an index that
failed. The old passages of each document answer until the new ones are whole. It goes on after a
restart.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			method := "POST"
			if stop {
				method = "DELETE"
			}
			return o.onIndex(cmd, args[0], method, "/reindex", nil, wait)
		},
	}
	cmd.Flags().BoolVar(&stop, "stop", false, "give up what is being built; the index that answers stays")
	cmd.Flags().BoolVar(&wait, "wait", false, "until it is done")
	return cmd
}

func newDocumentReindex(o *options) *cobra.Command {
	var stop bool
	cmd := &cobra.Command{
		Use: "reindex DOCUMENT", Short: "Read a document again", Args: exactly(1, "the id or the name of a document, as chatets document list shows it"),
		Long: "Read a document again in the background; its passages answer until the new ones are whole.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				id, err := documentID(cmd, s, args[0])
				if err != nil {
					return err
				}
				method, done := "POST", "%s is read again."
				if stop {
					method, done = "DELETE", "%s is not read again; its passages stay."
				}
				var d struct {
					ID    string `json:"id"`
					Title string `json:"title"`
					State string `json:"state"`
				}
				if err := s.Call(cmd.Context(), method, "/api/documents/"+url.PathEscape(id)+"/reindex", nil, &d); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(d)
				}
				o.say(done, d.Title)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&stop, "stop", false, "do not")
	return cmd
}

// explained is what the API says of why a search finds what it finds.
type explained struct {
	Language string              `json:"language"`
	Words    []string            `json:"words"`
	Floor    float64             `json:"floor"`
	Bases    []map[string]any    `json:"bases"`
	Notes    []indexNote         `json:"notes"`
	Passages []explainedPassage  `json:"passages"`
	Expected *explainedDocuments `json:"expected,omitempty"`
}

type explainedPassage struct {
	Chunk    int64 `json:"chunk"`
	Document struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	} `json:"document"`
	Page      int      `json:"page"`
	Start     int      `json:"start"`
	End       int      `json:"end"`
	Text      string   `json:"text"`
	Score     float64  `json:"score"`
	Coverage  float64  `json:"coverage"`
	Rank      int      `json:"rank"`
	WordRank  int      `json:"wordRank"`
	WordScore float64  `json:"wordScore"`
	NearRank  int      `json:"nearRank"`
	Cosine    float64  `json:"cosine"`
	Matched   []string `json:"matched"`
	Missing   []string `json:"missing"`
	Disabled  bool     `json:"disabled"`
	Answers   bool     `json:"answers"`
}

type explainedDocuments struct {
	Document struct {
		ID    string `json:"id"`
		Title string `json:"title"`
		State string `json:"state"`
	} `json:"document"`
	Reasons []struct {
		Code     string `json:"code"`
		Sentence string `json:"sentence"`
		Cure     string `json:"cure,omitempty"`
	} `json:"reasons"`
	Passages []explainedPassage `json:"passages"`
}

func newKnowledgeExplain(o *options) *cobra.Command {
	var document, phrase string
	var limit int
	cmd := &cobra.Command{
		Use: "explain BASE QUESTION", Short: "Say why a search finds what it finds", Args: exactly(2, "the id or the name of a knowledge base, and a question in quotes"),
		Long: `Search a knowledge base and show both ranks of each passage, by words and by meaning, with the
words it holds. With --document, say why that document is not found, or where it is.`,
		Example: `  chatets knowledge explain "Ward handbook" "Who calls the pharmacist?" --document handbook.pdf`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				k, err := byName(cmd, s, args[0])
				if err != nil {
					return err
				}
				body := map[string]any{"question": args[1], "knowledge": []string{k.ID}, "limit": limit}
				if document != "" {
					if body["document"], err = documentID(cmd, s, document); err != nil {
						return err
					}
				}
				if phrase != "" {
					body["phrase"] = phrase
				}
				var x explained
				if err := s.Call(cmd.Context(), "POST", "/api/explain", body, &x); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(x)
				}
				return o.sayExplained(x)
			})
		},
	}
	cmd.Flags().StringVar(&document, "document", "", "a document that was expected: its id or name")
	cmd.Flags().StringVar(&phrase, "phrase", "", "words of the passage that was expected in it")
	cmd.Flags().IntVar(&limit, "limit", 10, "how many passages")
	return cmd
}

func (o *options) sayExplained(x explained) error {
	for _, n := range x.Notes {
		o.say("By words alone: %s (%s)", n.Reason, n.Cure)
	}
	if x.Expected != nil {
		o.say("%s:", x.Expected.Document.Title)
		for _, r := range x.Expected.Reasons {
			line := "  " + r.Sentence
			if r.Cure != "" {
				line += " " + r.Cure
			}
			o.say("%s", line)
		}
	}
	shown := func(n int) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	list := x.Passages
	if x.Expected != nil {
		list = append(list, x.Expected.Passages...)
	}
	return o.rows([]string{"rank", "words", "meaning", "coverage", "cosine", "document", "holds", "text"}, func(row func(...any) error) error {
		for _, p := range list {
			if err := row(shown(p.Rank), shown(p.WordRank), shown(p.NearRank), fmt.Sprintf("%.0f %%", 100*p.Coverage), fmt.Sprintf("%.2f", p.Cosine),
				p.Document.Title, strings.Join(p.Matched, " "), beginning(p.Text, 60)); err != nil {
				return err
			}
		}
		return nil
	})
}
