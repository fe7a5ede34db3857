package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"chatets/appliance/actor"
)

// exportMost is how many messages an export holds.
const exportMost = 100_000

// ExportedChat is a conversation as a file holds it.
type ExportedChat struct {
	Conversation Conversation `json:"conversation"`
	Messages     []Message    `json:"messages"`
	ExportedAt   time.Time    `json:"exportedAt"`
}

// export is a conversation of the actor as it is shown, all of it.
func (c *Chat) export(ctx context.Context, id string) (ExportedChat, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return ExportedChat{}, err
	}
	conversation, err := c.Store.conversation(ctx, id)
	if err != nil {
		return ExportedChat{}, c.refuse(ctx, err, "conversation.export", "conversation", id)
	}
	messages := []Message{}
	for cursor := ""; len(messages) < exportMost; {
		some, err := c.Store.shown(ctx, id, cursor, 500)
		if err != nil {
			return ExportedChat{}, err
		}
		messages = append(messages, some...)
		if len(some) < 500 {
			break
		}
		cursor = some[len(some)-1].ID
	}
	if err := c.withholdFrom(ctx, messages); err != nil {
		return ExportedChat{}, err
	}
	slices.Reverse(messages)
	return ExportedChat{Conversation: conversation, Messages: messages, ExportedAt: c.now().UTC().Truncate(time.Second)},
		c.noted(ctx, c.Store.exported(ctx, id), "conversation.export", id)
}

// exportWords are the few words of our own in a Markdown file.
type exportWords struct{ you, answer, sources, page string }

func wordsFor(language string) exportWords {
	switch language {
	case "de":
		return exportWords{"Frage", "Antwort", "Quellen", "S."}
	case "fr":
		return exportWords{"Question", "Réponse", "Sources", "p."}
	}
	return exportWords{"Question", "Answer", "Sources", "p."}
}

// markdown writes a conversation as people read it.
func (e ExportedChat) markdown(language string) string {
	w := wordsFor(language)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", oneLine(e.Conversation.Title))
	for _, m := range e.Messages {
		head := w.you
		if m.Role == RoleAssistant {
			head = w.answer
			if m.Model != "" {
				head += " · " + oneLine(m.Model)
			}
		}
		fmt.Fprintf(&b, "\n## %s\n\n*%s*\n\n%s\n", head, m.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"), strings.TrimSpace(m.Content))
		if len(m.Citations) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n**%s**\n\n", w.sources)
		for _, c := range m.Citations {
			fmt.Fprintf(&b, "- [%d] %s", c.Number, oneLine(c.Document.Title))
			if c.Page > 0 {
				fmt.Fprintf(&b, ", %s %d", w.page, c.Page)
			}
			if c.Text != "" {
				fmt.Fprintf(&b, ": “%s”", oneLine(c.Text))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// fileName makes a title one that every file system takes.
func fileName(title string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`\/:*?"<>|`, r) || r < ' ' {
			return ' '
		}
		return r
	}, title)
	runes := []rune(strings.Trim(oneLine(name), ". "))
	name = string(runes[:min(len(runes), 80)])
	if name == "" {
		return "chat"
	}
	return name
}
