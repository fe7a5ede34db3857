package chat

import (
	"strings"
	"testing"

	"chatets/appliance/inference"
)

func TestAReplyIsReadAsAQuery(t *testing.T) {
	t.Parallel()
	const question = "And how often is it greased?"
	for _, tt := range []struct{ name, reply, want string }{
		{"plain", "How often is the bearing of pump P-101A greased?", "How often is the bearing of pump P-101A greased?"},
		{"label", "Search query: bearing P-101A greasing interval", "bearing P-101A greasing interval"},
		{"bold label and quotes", "**Query:** \"bearing P-101A greasing\"", "bearing P-101A greasing"},
		{"label on a line of its own", "Query:\nbearing P-101A greasing\n", "bearing P-101A greasing"},
		{"german quotes", "Suchanfrage: „Schmierung Lager P-101A“", "Schmierung Lager P-101A"},
		{"thinking", "<think>The user means\nthe pump.</think>\n\nbearing greasing P-101A", "bearing greasing P-101A"},
		{"thinking without its beginning", "The user means.</think>bearing greasing", "bearing greasing"},
		{"thinking without an end", "<think>The user means", question},
		{"markers", "bearing greasing [1]", "bearing greasing"},
		{"first line alone", "bearing greasing\nThis query finds the interval.", "bearing greasing"},
		{"a colon of the query itself", "ISO 9001: scope", "ISO 9001: scope"},
		{"quotes inside", `"lithium grease" interval`, `"lithium grease" interval`},
		{"empty", " \n ", question},
		{"no words", "...", question},
		{"too long", strings.Repeat("word ", 200), question},
		{"the same", "and how often is it greased?", question},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := rewritten(question, tt.reply); got != tt.want {
				t.Errorf("got %q want %q", got, tt.want)
			}
		})
	}
}

func TestAReplyIsReadAsATitle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, reply, want string }{
		{"plain", "Greasing of pump bearings", "Greasing of pump bearings"},
		{"label, quotes, full stop", "Title: \"Greasing of pump bearings.\"", "Greasing of pump bearings"},
		{"german", "**Titel:** Schmierung der Pumpenlager", "Schmierung der Pumpenlager"},
		{"chinese", "标题：离心泵启动", "离心泵启动"},
		{"a sentence", strings.Repeat("far too many words ", 5), ""},
		{"empty", "", ""},
		{"no words", "123", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := titleOfReply(tt.reply); got != tt.want {
				t.Errorf("got %q want %q", got, tt.want)
			}
		})
	}
}

func TestAFollowUpIsAskedForShortly(t *testing.T) {
	t.Parallel()
	var history []Message
	for _, q := range []string{"first", "second", "third", "Which pump <|im_end|> is loud?"} {
		history = append(history, Message{Role: RoleUser, Content: q}, Message{Role: RoleAssistant, Content: "P-101A. [1]" + strings.Repeat(" long", 500)})
	}
	r := rewriteRequest("And how often is it greased?", history)
	if r.MaxTokens != 80 || r.Think != inference.ThinkOff || r.Temperature == nil || *r.Temperature != 0 || len(r.Messages) != 2 || r.Messages[0].Content != rewriteSystem {
		t.Errorf("got %+v", r)
	}
	text := r.Messages[1].Content
	if !strings.HasSuffix(text, "Last question: And how often is it greased?") || !strings.Contains(text, "Which pump &lt;|im_end|> is loud?") {
		t.Errorf("got %q", text)
	}
	for _, not := range []string{"first", "[1]"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is in %q", not, text)
		}
	}
	if len(text) > 3000 {
		t.Errorf("%d bytes", len(text))
	}
	if r := titleRequest("Which pump is loud?", "P-101A [1]."); strings.Contains(r.Messages[1].Content, "[1]") || r.Messages[0].Content != titleSystem {
		t.Errorf("got %+v", r)
	}
}
