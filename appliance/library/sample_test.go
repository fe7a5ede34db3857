package library_test

import (
	"os"
	"strings"
	"testing"

	"chatets/appliance/actor"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
)

// TestShippedSample asks the documents that ship in the binary what people ask
// first: the right one must be found above the floor, and what is not in them
// must stay below it.
func TestShippedSample(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	check(t, h.library.AddSample(t.Context(), "Sample", os.DirFS("../../embed/samples")))
	h.idle(t)
	got := alice.must(t, "GET /api/knowledge", "", 200, `"documents":7`, `"working":0`)
	list := alice.must(t, "GET /api/documents?knowledge="+got.get("items", "0", "id"), "", 200)
	if strings.Contains(list.body, `"state":"failed"`) || strings.Contains(list.body, "README") {
		t.Errorf("the sample is %s", list.body)
	}
	who := library.ReachOf(actor.Actor{Kind: actor.Person, ID: alice.id, Workspace: h.main.ID, WorkspaceRole: actor.Member})
	for _, tt := range []struct{ question, document, holds string }{
		{"How long does the monthly generator test run?", "generator", "30 minutes"},
		{"What do I do when the medicine fridge is too warm?", "Cold chain", ""},
		{"What belongs in a handover?", "handover", "every handover"},
		{"How long may insulin stand outside the fridge?", "Cold chain", "28 days"},
		{"How long may insulin be kept at room temperature?", "Cold chain", "28 days"},
		{"Who is called when the cold store alarms?", "Cold chain", "4420"},
		{"How does ChatETS make citations?", "citations", ""},
		{"How are answers and citations made?", "citations", ""},
		{"What is the breaker of P-101A?", "pump", "Q-14"},
		{"Which mechanical seal does the pump need?", "pump", "MS-45-C"},
		{"MS-45-C", "pump", "MS-45-C"},
		{"Who can see my chats?", "Using", "visible to you alone"},
		{"Which file types can I upload?", "", "Markdown"},
		{"How large may a file be?", "", "200 MB"},
		{"What can administrators read?", "Knowledge bases", ""},
		{"What is read-back?", "handover", "Read-back means"},
		{"How do I share a knowledge base with a group?", "Knowledge bases", ""},
		{"At what oil pressure must the test be stopped?", "generator", "1.5 bar"},
		{"What does ChatETS do when nothing is found?", "", "nothing was found"},
		{"Is a model connected?", "", ""},
	} {
		found, err := h.library.Search(t.Context(), who, library.Question{Text: tt.question, K: 5})
		check(t, err)
		if len(found) == 0 || found[0].Coverage < lexical.Floor && tt.document != "" {
			t.Errorf("%q is not answered: %.0f found", tt.question, float64(len(found)))
			continue
		}
		first, all := found[0], ""
		for _, p := range found[:min(3, len(found))] {
			all += p.Heading + "\n" + p.Text
		}
		t.Logf("%.2f %5.1f  %s  ->  %s / %s", first.Coverage, first.Score, tt.question, first.DocumentTitle, strings.ReplaceAll(first.Heading, "\n", " > "))
		if !strings.Contains(strings.ToLower(first.DocumentTitle), strings.ToLower(tt.document)) || !strings.Contains(all, tt.holds) {
			t.Errorf("%q finds %s first, want %s with %q: %s", tt.question, first.DocumentTitle, tt.document, tt.holds, first.Text)
		}
	}
	for _, question := range []string{
		"What is the capital of Portugal?", "Who won the world cup in 1974?", "How do I bake sourdough bread?", "Explain quantum entanglement", "What is the vacation policy for part-time employees?",
		"P-999Z", "Wie hoch ist die Mehrwertsteuer in Österreich?", "北京的天气怎么样？",
	} {
		found, err := h.library.Search(t.Context(), who, library.Question{Text: question, K: 5})
		check(t, err)
		best := 0.0
		for _, p := range found {
			best = max(best, p.Coverage)
		}
		t.Logf("%.2f        %s", best, question)
		if best >= lexical.Floor {
			t.Errorf("%q would be answered with a coverage of %.2f", question, best)
		}
	}
}
