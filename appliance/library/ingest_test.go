package library_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/job"
	"chatets/appliance/library"
	"chatets/appliance/sqlite"
)

// TestStepAgain runs the reading of a document a second time at every point at
// which a process may have died, and wants the same document each time.
func TestStepAgain(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	source.WriteString("# Kangaroos\n\n")
	for i := range 1500 {
		fmt.Fprintf(&source, "Kangaroo number %d hops over the fence of the paddock and eats the grass that grows behind it until the evening comes.\n\n", i)
	}
	for _, tt := range []struct {
		name string
		// died changes what a process that was killed had written by then.
		died string
	}{
		{"before it began", `UPDATE document SET state = 'waiting'`},
		{"after the first chunks", `UPDATE document SET state = 'extracting', hidden = 1, done = 200`},
		{"after the last chunks but before their job ended", `UPDATE document SET title = title`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := startIn(t, t.TempDir(), false)
			alice := h.person(t, "Alice", h.main, actor.Member)
			k := alice.knowledge(t, "Files")
			d := alice.must(t, upload(k, "k.md"), source.String(), 202).get("id")
			h.work()
			if got := alice.settled(t, d); got.get("state") != "ready" {
				t.Fatalf("got %s", got.body)
			}
			h.idle(t)
			h.stopJobs()
			count := func() string {
				return fmt.Sprint(h.count(t, `SELECT count(*) FROM chunk`), h.count(t, `SELECT count(*) FROM lexical_entry`), h.count(t, `SELECT count(*) FROM lexical_word`),
					h.count(t, `SELECT sum(passages) FROM lexical_term`), h.count(t, `SELECT passages * 1000000 + words FROM lexical_base`), h.files(t))
			}
			want := count()
			check(t, h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
				if _, err := tx.Exec(ctx, tt.died); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, `UPDATE job SET state = 'running', attempt = 1, ended = NULL`)
				return err
			}))
			h.work()
			h.idle(t)
			if got := alice.settled(t, d); got.get("state") != "ready" || got.get("title") != "Kangaroos" {
				t.Fatalf("after the second run: %s", got.body)
			}
			if got := count(); got != want {
				t.Errorf("chunks, entries, words, terms, base and files are %s, want %s", got, want)
			}
			if found := alice.search(t, "kangaroo 1234"); len(found) != 1 {
				t.Errorf("found %v", found)
			}
		})
	}
}

// TestRecover settles a document whose job ended without a word.
func TestRecover(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startIn(t, dir, false)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	lost := alice.must(t, upload(k, "lost.md"), flanges, 202).get("id")
	waits := alice.must(t, upload(k, "waits.md"), "# B\n\nA wombat.\n", 202).get("id")
	check(t, h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job SET state = 'failed' WHERE id = (SELECT job FROM document WHERE id = ?)`, lost)
		return err
	}))
	check(t, h.library.Recover(t.Context()))
	alice.must(t, "GET /api/documents/"+lost, "", 200, `"state":"failed"`, "interrupted")
	alice.must(t, "GET /api/documents/"+waits, "", 200, `"state":"waiting"`)
	alice.must(t, "POST /api/documents/"+lost+"/retry", "", 202)
	h.work()
	if got := alice.settled(t, lost); got.get("state") != "ready" {
		t.Errorf("got %s", got.body)
	}
	if found := alice.search(t, "zirconium"); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	// What is not ready is not found, even if nothing else hides it.
	check(t, h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE document SET state = 'failed', hidden = 0 WHERE id = ?`, lost)
		return err
	}))
	if found := alice.search(t, "zirconium"); len(found) != 0 {
		t.Errorf("a failed document is found: %v", found)
	}
}

// TestMissingFile fails a document whose stored file is gone or changed, with a
// sentence that helps.
func TestMissingFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		damage func(path string) error
		reason string
	}{
		{"gone", os.Remove, "missing"},
		{"cut", func(path string) error { return os.Truncate(path, 40) }, "damaged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := startIn(t, t.TempDir(), false)
			alice := h.person(t, "Alice", h.main, actor.Member)
			k := alice.knowledge(t, "Files")
			d := alice.must(t, upload(k, "a.md"), flanges, 202).get("id")
			names, err := h.blobs.List(t.Context(), h.main.ID)
			check(t, err)
			check(t, tt.damage(h.blobDir+"/"+h.main.ID+"/"+names[0][:2]+"/"+names[0]))
			h.work()
			got := alice.settled(t, d)
			if got.get("state") != "failed" || !strings.Contains(got.get("reason"), tt.reason) || !strings.Contains(got.get("cure"), "backup") {
				t.Errorf("got %s", got.body)
			}
			for _, internal := range []string{h.blobDir, names[0], "zstd", "no such file"} {
				if strings.Contains(got.body, internal) {
					t.Errorf("the answer holds %q: %s", internal, got.body)
				}
			}
		})
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.second(t)
	alice, guest, far := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Gus", h.main, actor.Guest), h.person(t, "Fara", two, actor.Member)
	boss := h.person(t, "Wanda", h.main, actor.Admin)
	h.operator = alice.id
	files := fstest.MapFS{
		"hello.md":  {Data: []byte("# Hello\n\nThe sample says hello to every wombat.\n")},
		"more.md":   {Data: []byte("# More\n\nA second wombat document.\n")},
		"README.md": {Data: []byte("# For developers\n\nNo wombat may read this.\n")},
		"logo.gif":  {Data: []byte("GIF89a")},
	}
	var together sync.WaitGroup
	for range 4 {
		together.Go(func() {
			if err := h.library.AddSample(context.Background(), "Sample", files); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	h.idle(t)
	for _, who := range []*visitor{alice, guest} {
		got := who.must(t, "GET /api/knowledge", "", 200, `"name":"Sample"`, `"right":"read"`, `"ownerName":"ChatETS"`, `"documents":2`, `"manages":false`)
		if strings.Count(got.body, `"name":"Sample"`) != 1 {
			t.Errorf("the sample was made more than once: %s", got.body)
		}
		if found := who.search(t, "wombat"); len(found) != 2 {
			t.Errorf("found %v, want the two documents", found)
		}
	}
	if got := far.must(t, "GET /api/knowledge", "", 200); strings.Contains(got.body, "Sample") {
		t.Errorf("another workspace sees the sample: %s", got.body)
	}
	id := alice.must(t, "GET /api/knowledge", "", 200).get("items", "0", "id")
	alice.must(t, upload(id, "x.md"), "x", 403)
	alice.must(t, "DELETE /api/knowledge/"+id, "", 403)
	boss.must(t, "DELETE /api/knowledge/"+id, "", 204)
	h.idle(t)
	check(t, h.library.AddSample(t.Context(), "Sample", files))
	if got := alice.must(t, "GET /api/knowledge", "", 200); strings.Contains(got.body, "Sample") {
		t.Errorf("a deleted sample came back: %s", got.body)
	}
	if n := h.files(t); n != 0 {
		t.Errorf("%d files of the deleted sample are left", n)
	}
}

// TestOperator is the command line: it reaches everything, and what it makes
// belongs to a person.
func TestOperator(t *testing.T) {
	t.Parallel()
	h := start(t)
	two := h.second(t)
	alice, far := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Fara", two, actor.Member)
	h.operator = alice.id
	operator := &visitor{house: h, id: alice.id, token: "operator"}
	theirs := far.knowledge(t, "Far away")
	d := far.document(t, theirs, "flange.md", flanges)
	if found := operator.search(t, "zirconium"); !slices.Contains(found, d) {
		t.Errorf("the operator finds %v", found)
	}
	added := operator.must(t, upload(theirs, "more.md"), "# More\n\nMore zirconium.\n", 202, `"owner":"`+alice.id+`"`).get("id")
	if got := operator.settled(t, added); got.get("state") != "ready" {
		t.Errorf("got %s", got.body)
	}
	// The document lives where its base does.
	if got := far.must(t, "GET /api/documents?knowledge="+theirs, "", 200, added); strings.Count(got.body, `"id"`) != 2 {
		t.Errorf("the owner of the base sees %s", got.body)
	}
	if found := far.search(t, "zirconium"); len(found) != 2 {
		t.Errorf("the owner of the base finds %v", found)
	}
	own := operator.knowledge(t, "By command")
	alice.must(t, "GET /api/knowledge/"+own, "", 200, `"right":"edit"`)
	far.must(t, "GET /api/knowledge/"+own, "", 404)
}

// TestZeroReach finds and opens nothing, whatever is asked for.
func TestZeroReach(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	d := alice.document(t, k, "flange.md", flanges)
	for name, who := range map[string]library.Reach{
		"the zero value":                {},
		"nobody":                        library.ReachOf(actor.Actor{}),
		"nobody in the workspace":       library.ReachOf(actor.Actor{Workspace: h.main.ID}),
		"a person without a workspace":  library.ReachOf(actor.Actor{Kind: actor.Person, ID: alice.id}),
		"a person without an id":        library.ReachOf(actor.Actor{Kind: actor.Person, Workspace: h.main.ID}),
		"an administrator of all":       library.ReachOf(actor.Actor{Kind: actor.Person, ID: "x", Workspace: h.main.ID, Role: actor.Owner}),
		"the system":                    library.ReachOf(actor.Actor{Kind: actor.System, ID: actor.SystemID, Workspace: h.main.ID}),
		"the owner's id as an operator": library.ReachOf(actor.Actor{Kind: actor.Kind("other"), ID: alice.id, Workspace: h.main.ID}),
	} {
		found, err := h.library.Search(t.Context(), who, library.Question{Text: "zirconium", K: 10})
		if err != nil || len(found) != 0 {
			t.Errorf("%s finds %v, error %v", name, found, err)
		}
		if err := h.library.Readable(t.Context(), who, []string{k}); err == nil {
			t.Errorf("%s may read the base", name)
		}
		may, err := h.library.ReadableDocuments(t.Context(), who, []string{d})
		if err != nil || may[d] {
			t.Errorf("%s may open the document, error %v", name, err)
		}
	}
	may, err := h.library.ReadableDocuments(t.Context(), library.ReachOf(actor.Actor{Kind: actor.Person, ID: alice.id, Workspace: h.main.ID}), []string{d, "nothing"})
	if err != nil || !may[d] || may["nothing"] {
		t.Errorf("the owner may open %v, error %v", may, err)
	}
}

// TestManyAtOnce lets people add, ask and delete at the same time.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	var people sync.WaitGroup
	for n := range 4 {
		people.Go(func() {
			for i := range 5 {
				text := fmt.Sprintf("# Storm\n\nThe word of this page is storm%dx%d. Everybody also writes the same.\n", n, i)
				id := alice.document(t, k, fmt.Sprintf("s%dx%d.md", n, i), text)
				if found := alice.search(t, fmt.Sprintf("storm%dx%d", n, i)); !slices.Contains(found, id) {
					t.Errorf("the word of %s finds %v", id, found)
				}
				// Everybody adds and deletes the same content, so that blobs come and go.
				same := alice.ask(t, upload(k, fmt.Sprintf("same%d.md", n)), flanges)
				if same.status != 202 && same.status != 503 {
					t.Errorf("the same file: got %d: %s", same.status, same.body)
				}
				if id := same.get("id"); same.status == 202 {
					alice.must(t, "DELETE /api/documents/"+id, "", 204)
				}
			}
		})
	}
	people.Wait()
	h.idle(t)
	if n := h.count(t, `SELECT count(*) FROM document`); n != 20 {
		t.Errorf("%d documents are there, want 20", n)
	}
	if n := h.files(t); n != 40 {
		t.Errorf("%d files are there, want 20 with their texts", n)
	}
	if found := alice.search(t, "zirconium"); len(found) != 0 {
		t.Errorf("what was deleted is found: %v", found)
	}
}

// BenchmarkIngest is one page of Markdown from its bytes to being found.
func BenchmarkIngest(b *testing.B) {
	h := start(b)
	alice := h.person(b, "Alice", h.main, actor.Member)
	k := alice.knowledge(b, "Files")
	i := 0
	for b.Loop() {
		i++
		alice.document(b, k, fmt.Sprintf("d%d.md", i), fmt.Sprintf("# Page %d\n\n%s", i, strings.Repeat("The generator is tested every month under load by two people. ", 40)))
	}
}

// BenchmarkSearch is a question over 2,000 passages, with rights and texts.
func BenchmarkSearch(b *testing.B) {
	h := start(b)
	alice := h.person(b, "Alice", h.main, actor.Member)
	k := alice.knowledge(b, "Files")
	var text strings.Builder
	for i := range 24_000 {
		fmt.Fprintf(&text, "Pump P-%d is tested in month %d by person %d under load. ", i, i%12, i%97)
	}
	alice.document(b, k, "pumps.txt", text.String())
	who := library.ReachOf(actor.Actor{Kind: actor.Person, ID: alice.id, Workspace: h.main.ID, WorkspaceRole: actor.Member})
	for b.Loop() {
		if found, err := h.library.Search(b.Context(), who, library.Question{Text: "Who tests pump P-4711 under load?", K: 10}); err != nil || len(found) == 0 {
			b.Fatalf("found %d, error %v", len(found), err)
		}
	}
}

// TestEnd is told by the queue when a job is given up.
func TestEnd(t *testing.T) {
	t.Parallel()
	h := startIn(t, t.TempDir(), false)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	d := alice.must(t, upload(k, "a.md"), flanges, 202).get("id")
	// Another queue takes the job with a handler that always fails.
	failing := &job.Queue{DB: h.db, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	h.library.Jobs(failing)
	failing.Handle("library.ingest", job.Options{Attempts: 1}, func(_ context.Context, j *job.Running) error {
		var p map[string]string
		if err := json.Unmarshal(j.Payload, &p); err != nil || p["document"] != d {
			t.Errorf("the job carries %s", j.Payload)
		}
		return job.Permanent(errors.New("open /var/lib/secret: no such file"))
	})
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	done := make(chan struct{})
	go func() { defer close(done); _ = failing.Run(ctx) }()
	got := alice.settled(t, d)
	stop()
	<-done
	if got.get("state") != "failed" || got.get("reason") == "" || got.get("cure") == "" || strings.Contains(got.body, "/var/lib") {
		t.Errorf("got %s", got.body)
	}
}
