package library_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/encoder"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/vector"
)

// concepts is how many things the documents of the world are about. Each has two
// words, which have the same meaning and nothing else in common.
const concepts = 14

func conceptWord(concept, which int) string {
	return string("bdfgklmnprstvz"[concept]) + [2]string{"orvat", "ublim"}[which] + string("bdfgklmnprstvz"[(concept*5+3)%concepts])
}

// meaning is the small encoder of the world: one axis a concept.
type meaning struct{}

func (meaning) Embed(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		out[i] = make([]float32, encoder.Dimension)
		for c := range concepts {
			if strings.Contains(text, conceptWord(c, 0)) || strings.Contains(text, conceptWord(c, 1)) {
				out[i][c] = 1
			}
		}
	}
	return out, nil
}

// plainReader takes a file for one paragraph.
type plainReader struct{}

func (plainReader) Read(_ context.Context, _ extract.Request, body io.Reader) (extract.Document, error) {
	text, err := io.ReadAll(body)
	return extract.Document{Title: "Page", Blocks: []extract.Block{{Kind: extract.Paragraph, Text: string(text), End: len(text)}}}, err
}

func (plainReader) Render(context.Context, extract.Request, io.Reader, int, int) ([]byte, error) {
	return nil, fault.New(fault.Unsupported, "No pictures.")
}

// The world as the model sees it, in maps and loops and nothing of the product's.
type (
	worldPerson struct {
		actor.Actor
	}
	worldEntry struct {
		kind, id, right string
	}
	worldBase struct {
		id, workspace, owner string
		entries              []worldEntry
	}
	worldDocument struct {
		id, owner  string
		base       *worldBase
		words      []string // its surfaces
		folder     string
		tags       []string
		media      string
		created    time.Time
		restricted bool
		entries    []worldEntry
	}
)

type world struct {
	library   *library.Library
	people    []worldPerson
	groups    map[string][]string // of a workspace
	bases     []*worldBase
	documents []*worldDocument
}

// Names implements library.Accounts.
func (w *world) Names(context.Context, []string) (map[string]string, error) {
	return map[string]string{}, nil
}

// Share implements library.Accounts: everybody of the world is somebody.
func (w *world) Share(context.Context, string, []string, []string) error { return nil }

// First implements library.Accounts.
func (w *world) First(context.Context) (account.Workspace, error) {
	return account.Workspace{ID: "w0"}, nil
}

// Member implements library.Accounts.
func (w *world) Member(_ context.Context, workspace, person string) (account.Member, error) {
	for _, p := range w.people {
		if p.ID == person && p.Workspace == workspace {
			return account.Member{Person: account.Person{ID: p.ID, Role: p.Role, WorkspaceRole: p.WorkspaceRole}, Groups: p.Groups}, nil
		}
	}
	return account.Member{}, fault.New(fault.NotFound, "There is no such person.")
}

func (w *world) operator(workspace string) (context.Context, library.Reach) {
	a := actor.Actor{Kind: actor.Operator, ID: "op", Workspace: workspace}
	return actor.With(context.Background(), a), library.ReachOf(a)
}

// newWorld makes two workspaces with people, groups, knowledge bases and documents
// whose words and vectors are there.
func newWorld(t *testing.T, random *rand.Rand) *world {
	t.Helper()
	w := &world{groups: map[string][]string{}}
	dir := t.TempDir()
	db := sqlitetest.Open(t, audit.Migrations, setting.Migrations, job.Migrations, account.Migrations, lexical.Migrations, vector.Migrations, library.Migrations)
	keys, err := secret.New(bytes.Repeat([]byte{7}, secret.Size))
	check(t, err)
	log, err := audit.New(db, keys, time.Now)
	check(t, err)
	settings, err := setting.New(t.Context(), db, log, time.Now)
	check(t, err)
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), keys)
	check(t, err)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	queue := &job.Queue{DB: db, Log: quiet}
	w.library = library.New(library.Config{DB: db, Audit: log, Blobs: blobs, Settings: settings, Accounts: w, Reader: plainReader{},
		Vectors: vector.New(vector.Config{DB: db, Log: quiet}), Encoder: meaning{}, Log: quiet})
	w.library.Jobs(queue)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{}, 2)
	go func() { _ = queue.Run(ctx); ended <- struct{}{} }()
	go func() { _ = w.library.Run(ctx); ended <- struct{}{} }()
	t.Cleanup(func() { stop(); <-ended; <-ended })

	for i := range 2 {
		workspace := fmt.Sprint("w", i)
		w.groups[workspace] = []string{"g0" + workspace, "g1" + workspace, "g2" + workspace}
		for j := range 6 {
			role := []actor.Role{actor.Member, actor.Member, actor.Editor, actor.Guest, actor.Admin, actor.Member}[j]
			p := worldPerson{actor.Actor{Kind: actor.Person, ID: fmt.Sprint("p", j), Workspace: workspace, WorkspaceRole: role}} // the same people in both
			w.people = append(w.people, p)
		}
		operator, _ := w.operator(workspace)
		for range 3 {
			owner := w.people[len(w.people)-1-random.IntN(6)]
			k, err := w.library.AddKnowledge(operator, as(workspace, owner.ID), "Base")
			check(t, err)
			base := &worldBase{id: k.ID, workspace: workspace, owner: owner.ID}
			w.bases = append(w.bases, base)
			for n := range 9 {
				d := w.newDocument(random, base, n)
				body := "the " + strings.Join(d.words, " of the ") + " is in the house"
				added, err := w.library.Add(operator, as(workspace, d.owner), library.Upload{Knowledge: k.ID, Name: fmt.Sprintf("page-%d.%s", n, map[string]string{"text/plain": "txt", "text/markdown": "md"}[d.media]),
					Folder: d.folder, Tags: d.tags, Size: -1, Body: strings.NewReader(body)})
				check(t, err)
				d.id = added.ID
				w.documents = append(w.documents, d)
			}
		}
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var left int
		check(t, db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM document WHERE state <> 'ready' OR meaning = 0`).Scan(&left))
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d documents are not ready", left)
		}
	}
	check(t, db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		for _, d := range w.documents {
			if _, err := tx.Exec(ctx, `UPDATE document SET created = ? WHERE id = ?`, d.created.UnixMilli(), d.id); err != nil {
				return err
			}
		}
		return nil
	}))
	return w
}

// as is the operator's reach with a person as the owner of what is added.
func as(workspace, owner string) library.Reach {
	return library.ReachOf(actor.Actor{Kind: actor.Operator, ID: owner, Workspace: workspace})
}

func (w *world) newDocument(random *rand.Rand, base *worldBase, n int) *worldDocument {
	d := &worldDocument{base: base, owner: fmt.Sprint("p", random.IntN(6)), media: []string{"text/plain", "text/markdown"}[random.IntN(2)],
		folder:  []string{"", "Ward", "Ward/Night", "ward 2", "Öl/Süd"}[random.IntN(5)],
		created: time.Date(2026, 1, 1+random.IntN(20), random.IntN(24), 0, 0, 0, time.UTC)}
	for _, tag := range []string{"urgent", "Entwürfe", "2026"} {
		if random.IntN(3) == 0 {
			d.tags = append(d.tags, tag)
		}
	}
	for _, c := range random.Perm(concepts)[:2+random.IntN(5)] {
		d.words = append(d.words, conceptWord(c, random.IntN(2)))
	}
	return d
}

// shuffle gives everybody other groups and everything other grants.
func (w *world) shuffle(t *testing.T, random *rand.Rand) {
	t.Helper()
	for i := range w.people {
		p := &w.people[i]
		p.Groups = nil
		for _, g := range w.groups[p.Workspace] {
			if random.IntN(3) == 0 {
				p.Groups = append(p.Groups, g)
			}
		}
	}
	entries := func(workspace string, rights ...string) []worldEntry {
		var list []worldEntry
		for i := range 6 {
			if random.IntN(4) == 0 {
				list = append(list, worldEntry{"person", fmt.Sprint("p", i), rights[random.IntN(len(rights))]})
			}
		}
		for _, g := range w.groups[workspace] {
			if random.IntN(3) == 0 {
				list = append(list, worldEntry{"group", g, rights[random.IntN(len(rights))]})
			}
		}
		return list
	}
	access := func(list []worldEntry) (out []library.Access) {
		for _, e := range list {
			a := library.Access{Right: e.right}
			switch e.kind {
			case "person":
				a.Person = e.id
			case "group":
				a.Group = e.id
			default:
				a.Workspace = e.id
			}
			out = append(out, a)
		}
		return out
	}
	for _, b := range w.bases {
		b.entries = entries(b.workspace, library.Read, library.Read, library.Edit, library.Edit, library.Deny)
		if random.IntN(3) == 0 {
			b.entries = append(b.entries, worldEntry{"workspace", b.workspace, library.Read})
		}
		ctx, reach := w.operator(b.workspace)
		_, err := w.library.SetAccess(ctx, reach, b.id, access(b.entries))
		check(t, err)
	}
	for _, d := range w.documents {
		kind := random.IntN(6)
		if !d.restricted && len(d.entries) == 0 && kind > 2 {
			continue // it had no rules and gets none
		}
		d.restricted, d.entries = false, nil
		switch kind {
		case 0:
			d.entries = entries(d.base.workspace, library.Deny)
		case 1, 2:
			d.restricted, d.entries = true, entries(d.base.workspace, library.Allow, library.Allow, library.Deny)
		}
		ctx, reach := w.operator(d.base.workspace)
		_, _, err := w.library.SetRules(ctx, reach, d.id, library.Rules{Restricted: d.restricted, Entries: access(d.entries)})
		check(t, err)
	}
}

func (p worldPerson) meets(e worldEntry) bool {
	switch e.kind {
	case "person":
		return e.id == p.ID
	case "group":
		return slices.Contains(p.Groups, e.id)
	}
	return e.id == p.Workspace
}

// rightTo is the right of a person to a knowledge base: none, read or edit.
func (p worldPerson) rightTo(b *worldBase) string {
	right := "none"
	if p.Workspace != b.workspace {
		return right
	}
	for _, e := range b.entries {
		switch {
		case !p.meets(e):
		case e.right == "deny":
			return "none"
		case right != "edit":
			right = e.right
		}
	}
	if b.owner == p.ID {
		right = "edit"
	}
	if right == "edit" && p.WorkspaceRole == actor.Guest {
		return "read"
	}
	return right
}

func (p worldPerson) rightToDocument(d *worldDocument) string {
	allowed := !d.restricted
	for _, e := range d.entries {
		if p.meets(e) && e.right == "deny" {
			return "none"
		}
		allowed = allowed || p.meets(e)
	}
	if !allowed {
		return "none"
	}
	return p.rightTo(d.base)
}

func (p worldPerson) managesBase(b *worldBase) bool {
	return p.Workspace == b.workspace && (p.WorkspaceRole == actor.Admin || b.owner == p.ID && p.WorkspaceRole != actor.Guest)
}

func (p worldPerson) managesDocument(d *worldDocument) bool {
	return p.managesBase(d.base) || d.owner == p.ID && p.rightTo(d.base) == "edit"
}

// near is the cosine of a question and a document by the concepts they hold.
func near(asked, words []string) float64 {
	in := func(list []string, c int) bool {
		return slices.Contains(list, conceptWord(c, 0)) || slices.Contains(list, conceptWord(c, 1))
	}
	both, a, b := 0.0, 0.0, 0.0
	for c := range concepts {
		if in(asked, c) {
			a++
		}
		if in(words, c) {
			b++
		}
		if in(asked, c) && in(words, c) {
			both++
		}
	}
	return both / math.Sqrt(a*b)
}
