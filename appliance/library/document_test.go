package library_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"chatets/appliance/actor"
	"chatets/appliance/sqlite"
)

func TestBadFiles(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	long := strings.Repeat("a", 300)
	for _, tt := range []struct {
		name, route, body string
		status            int
		holds             []string
	}{
		{"an empty file", upload(k, "a.txt"), "", 422, []string{"empty"}},
		{"a path", upload(k, "../../etc/passwd.txt"), "x", 422, []string{"query.name", "folder"}},
		{"a Windows path", upload(k, `C:\temp\a.txt`), "x", 422, []string{"query.name", "folder"}},
		{"a line feed in the name", upload(k, "a\nb.txt"), "x", 422, []string{"query.name"}},
		{"a NUL in the name", upload(k, "a\x00.txt"), "x", 400, []string{"query.name"}},
		{"a turned name", upload(k, "a\u202etxt.md"), "x", 422, []string{"query.name", "nvisible"}},
		{"broken UTF-8 in the name", "POST /api/documents?knowledge=" + k + "&name=a%ff.txt", "x", 400, []string{"name"}},
		{"no name", upload(k, ""), "x", 422, []string{"query.name"}},
		{"no name at all", "POST /api/documents?knowledge=" + k, "x", 422, []string{"name"}},
		{"dots only", upload(k, ".."), "x", 422, []string{"query.name"}},
		{"spaces only", upload(k, "   "), "x", 422, []string{"query.name"}},
		{"a name too long", upload(k, long+".txt"), "x", 422, []string{"query.name", "long"}},
		{"a picture", upload(k, "a.gif"), "x", 415, []string{".gif", "Markdown"}},
		{"no picture", upload(k, "a.png"), "x", 415, []string{"no PNG file"}},
		{"a program", upload(k, "a.exe"), "MZ\x90\x00", 415, []string{".exe", "PDF"}},
		{"a text named Word document", upload(k, "a.docx"), "text", 415, []string{"no DOCX file"}},
		{"a PDF that says it is text", upload(k, "a.txt"), "%PDF-1.7", 415, []string{"PDF", "Markdown"}},
		{"a ZIP archive that says it is Markdown", upload(k, "a.md"), "PK\x03\x04...", 415, []string{"ZIP"}},
		{"no knowledge base", "POST /api/documents?name=a.txt", "x", 422, []string{"knowledge"}},
		{"an unknown knowledge base", upload("019326b5-0000-7000-8000-000000000000", "a.txt"), "x", 404, []string{"no knowledge base"}},
		{"an unknown parameter", upload(k, "a.txt") + "&owner=me", "x", 422, []string{"owner"}},
		{"a huge id", upload(strings.Repeat("k", 500), "a.txt"), "x", 422, []string{"knowledge"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := alice.must(t, tt.route, tt.body, tt.status, tt.holds...)
			if strings.Contains(got.body, "/tmp") || strings.Contains(got.body, "sql") {
				t.Errorf("the answer shows internals: %s", got.body)
			}
		})
	}
	nobody := &visitor{house: h}
	nobody.must(t, upload(k, "a.txt"), "x", 401)
	if n := h.files(t); n != 0 {
		t.Errorf("%d files were left behind", n)
	}
	if n := h.count(t, `SELECT count(*) FROM document`); n != 0 {
		t.Errorf("%d documents were left behind", n)
	}
}

// TestTexts adds texts that are odd but readable, and one that only shows at
// reading that it is none.
func TestTexts(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	wide := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for _, tt := range []struct{ name, file, body, word, state, note string }{
		{"Markdown", "plan.md", "# Plan\n\nThe quokka is fed.\n", "quokka", "ready", ""},
		{"Windows line ends and a byte order mark", "a.txt", "\ufeffFirst\r\n\r\nThe wombat sleeps.\r\n", "wombat", "ready", ""},
		{"UTF-16", "b.txt", wide("The numbat eats termites.\r\n"), "numbat", "ready", ""},
		{"Windows-1252", "c.txt", "Der K\xe4nguru h\xfcpft \xfcber den Weg.", "Känguru", "ready", "Windows-1252"},
		{"broken UTF-8", "d.txt", "Die Kängurus hüpfen, f\xc3r immer, über den bilby.", "bilby", "ready", "damaged"},
		{"2 MB in one line", "e.txt", strings.Repeat("the potoroo hops ", 2<<20/17), "potoroo", "ready", ""},
		{"2 MB without a space", "f.txt", "dibbler " + strings.Repeat("Q29weQ", 2<<20/6), "dibbler", "ready", ""},
		{"hostile Markdown", "g.md", strings.Repeat("[", 50_000) + "\n\n" + strings.Repeat("> ", 20_000) + "kowari\n", "kowari", "ready", ""},
		{"HTML in Markdown", "h.md", "<script>fetch('/evil')</script>\n\nThe <b onclick=steal()>mulgara</b> digs.\n", "mulgara", "ready", ""},
		{"binary after a text", "i.txt", strings.Repeat("text ", 200) + "\x00\x01\x02", "", "failed", "binary"},
		{"white space", "j.txt", " \n\t\n", "", "failed", "no text"},
		{"no ending", "README", "The antechinus is small.", "antechinus", "ready", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := alice.must(t, upload(k, tt.file), tt.body, 202, `"state":"waiting"`).get("id")
			got := alice.settled(t, id)
			if got.get("state") != tt.state {
				t.Fatalf("got %s", got.body)
			}
			if tt.state == "failed" {
				if !strings.Contains(got.get("reason"), tt.note) || got.get("cure") == "" {
					t.Errorf("got the reason %q with the cure %q", got.get("reason"), got.get("cure"))
				}
				alice.must(t, "GET /api/documents/"+id+"/content", "", 409, tt.note)
				return
			}
			if note := got.get("note"); (tt.note == "") != (note == "") || !strings.Contains(note, tt.note) {
				t.Errorf("got the note %q, want %q", note, tt.note)
			}
			if found := alice.search(t, tt.word); len(found) != 1 || found[0] != id {
				t.Errorf("the word %s finds %v, want %s", tt.word, found, id)
			}
			content := alice.must(t, "GET /api/documents/"+id+"/content", "", 200)
			for _, evil := range []string{"<script", "evil", "onclick", "steal"} {
				if strings.Contains(content.body, evil) {
					t.Errorf("the text holds %q: %.400s", evil, content.body)
				}
			}
			if file := alice.must(t, "GET /api/documents/"+id+"/file", "", 200); file.body != tt.body {
				t.Errorf("the file came back with %d bytes, want %d", len(file.body), len(tt.body))
			}
		})
	}
}

func TestUploadLimit(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice, admin := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Ivan", h.main, actor.Member, actor.Admin)
	k := alice.knowledge(t, "Files")
	admin.must(t, "PUT /api/settings/upload.maxMegabytes", `{"value":1}`, 200)
	over, under := strings.Repeat("word ", 200_001), strings.Repeat("word ", 199_999)
	alice.must(t, upload(k, "over.txt"), over, 413, "1 MB", "administrator")
	alice.must(t, upload(k, "under.txt"), under, 202)
	// Chunked, so that no length was announced.
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.base, "http://"))
	check(t, err)
	defer conn.Close()
	_, path, _ := strings.Cut(upload(k, "chunked.txt"), " ")
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n", path, alice.token)
	w := bufio.NewWriter(conn)
	for i := 0; i < len(over); i += 10_000 {
		part := over[i:min(len(over), i+10_000)]
		fmt.Fprintf(w, "%x\r\n%s\r\n", len(part), part)
	}
	fmt.Fprint(w, "0\r\n\r\n")
	if err := w.Flush(); err != nil {
		t.Logf("the server ended the upload early: %v", err)
	}
	check(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	status, err := bufio.NewReader(conn).ReadString('\n')
	check(t, err)
	if !strings.Contains(status, " 413 ") {
		t.Errorf("a chunked file over the limit: got %q", status)
	}
	// A text has a limit of its own, whatever the setting says.
	admin.must(t, "PUT /api/settings/upload.maxMegabytes", `{"value":100}`, 200)
	alice.must(t, upload(k, "big.txt"), strings.Repeat("word ", 6_400_001), 413, "32 MB")
	h.idle(t)
	if n := h.files(t); n != 2 {
		t.Errorf("%d files are kept, want the one file and its text", n)
	}
}

// TestSameFileTwice is one document, whatever happened to the first answer.
func TestSameFileTwice(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k, other := alice.knowledge(t, "One"), alice.knowledge(t, "Other")
	first := alice.document(t, k, "a.md", flanges)
	if again := alice.must(t, upload(k, "a.md"), flanges, 202).get("id"); again != first {
		t.Errorf("the same file is a second document")
	}
	renamed := alice.document(t, k, "b.md", flanges)
	elsewhere := alice.document(t, other, "a.md", flanges)
	if renamed == first || elsewhere == first {
		t.Error("another name or another base is another document")
	}
	if n := h.files(t); n != 2 {
		t.Errorf("%d files for one content and its text, want 2", n)
	}
	alice.must(t, "DELETE /api/documents/"+first, "", 204)
	h.idle(t)
	if n := h.files(t); n != 2 {
		t.Errorf("%d files are left while two documents use them, want 2", n)
	}
	alice.must(t, "GET /api/documents/"+renamed+"/file", "", 200, "zirconium")
	alice.must(t, "GET /api/documents/"+renamed+"/content", "", 200, "zirconium")
	alice.must(t, "DELETE /api/documents/"+renamed, "", 204)
	alice.must(t, "DELETE /api/knowledge/"+other, "", 204)
	h.idle(t)
	if n := h.files(t); n != 0 {
		t.Errorf("%d files are left of deleted documents", n)
	}
	for _, table := range []string{"document", "chunk", "lexical_entry", "lexical_word", "lexical_term", "lexical_base"} {
		if n := h.count(t, `SELECT count(*) FROM `+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if n := h.count(t, `SELECT count(*) FROM knowledge`); n != 1 {
		t.Errorf("%d knowledge bases are left, want 1", n)
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	var source strings.Builder
	source.WriteString("# Gerät 🚑\n\n")
	for i := range 500 {
		fmt.Fprintf(&source, "Absatz %d über die Prüfung 🔧 des Geräts.\n\n", i)
	}
	d := alice.document(t, k, "g.md", source.String())
	var text []rune
	pages := 0
	for from := "0"; from != ""; pages++ {
		got := alice.must(t, "GET /api/documents/"+d+"/content?from="+from, "", 200)
		for i := 0; got.get("blocks", strconv.Itoa(i), "text") != ""; i++ {
			at := func(name string) string { return got.get("blocks", strconv.Itoa(i), name) }
			if len(text) > 0 {
				text = append(text, '\n')
			}
			if start := strconv.Itoa(len(text)); at("start") != start {
				t.Fatalf("a block starts at %s, want %s", at("start"), start)
			}
			text = append(text, []rune(at("text"))...)
			if end := strconv.Itoa(len(text)); at("end") != end {
				t.Fatalf("a block ends at %s, want %s", at("end"), end)
			}
		}
		from = got.get("next")
	}
	if pages < 3 {
		t.Errorf("%d blocks came in %d pages", 501, pages)
	}
	// A passage stands where it says, in characters.
	got := alice.must(t, "POST /api/search", `{"question":"Absatz 377"}`, 200)
	from, err := strconv.Atoi(got.get("items", "0", "start"))
	check(t, err)
	to, err := strconv.Atoi(got.get("items", "0", "end"))
	check(t, err)
	if string(text[from:to]) != got.get("items", "0", "text") || !strings.Contains(string(text[from:to]), "Absatz 377 ") {
		t.Errorf("the passage does not stand at %d-%d", from, to)
	}
	if heading := got.get("items", "0", "heading"); heading != "Gerät 🚑" {
		t.Errorf("got the heading %q", heading)
	}
	page := alice.must(t, "GET /api/documents/"+d+"/content?from="+strconv.Itoa(from+1), "", 200)
	start, _ := strconv.Atoi(page.get("blocks", "0", "start"))
	end, _ := strconv.Atoi(page.get("blocks", "0", "end"))
	if start > from+1 || end < from+1 {
		t.Errorf("from %d answers a block at %d-%d", from+1, start, end)
	}
	for _, wrong := range []string{"-1", "99999999", "x", "1.5"} {
		alice.must(t, "GET /api/documents/"+d+"/content?from="+wrong, "", 422, "from")
	}
	// Turning pages is one opening; a download is recorded each time.
	alice.must(t, "GET /api/documents/"+d+"/file", "", 200)
	alice.must(t, "GET /api/documents/"+d+"/file", "", 200)
	if rows := h.recorded(t, "document.open"); len(rows) != 1 || rows[0] != alice.id+" ok "+d {
		t.Errorf("the openings are recorded as %v", rows)
	}
	if rows := h.recorded(t, "document.download"); len(rows) != 2 {
		t.Errorf("the downloads are recorded as %v", rows)
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	const evil = "# x\n\n<script>alert(1)</script> text\n"
	d := alice.document(t, k, `a "quoted" näme; x.md`, evil)
	got := alice.must(t, "GET /api/documents/"+d+"/file", "", 200)
	for name, want := range map[string]string{
		"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox", "Content-Type": "text/markdown", "Content-Length": strconv.Itoa(len(evil)),
	} {
		if value := got.header.Get(name); !strings.Contains(value, want) {
			t.Errorf("%s is %q, want %q in it", name, value, want)
		}
	}
}

// TestRetryAndCancel walks a document through stopping and starting.
func TestRetryAndCancel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startIn(t, dir, false) // nobody works, so everything waits
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	d := alice.must(t, upload(k, "a.md"), flanges, 202).get("id")
	alice.must(t, "GET /api/knowledge/"+k, "", 200, `"working":1`, `"documents":1`)
	alice.must(t, "GET /api/documents/"+d+"/content", "", 409, "still being read")
	alice.must(t, "POST /api/documents/"+d+"/retry", "", 409, "failed")
	alice.must(t, "POST /api/documents/"+d+"/cancel", "", 202, `"state":"failed"`, "stopped")
	alice.must(t, "POST /api/documents/"+d+"/cancel", "", 409)
	alice.must(t, "POST /api/documents/"+d+"/retry", "", 202, `"state":"waiting"`)
	second := alice.must(t, upload(k, "b.md"), "# B\n\nAnother zirconium text.\n", 202).get("id")
	alice.must(t, "DELETE /api/documents/"+second, "", 204)
	alice.must(t, "GET /api/documents/"+second, "", 404)
	// Added once more, a file that failed is read once more.
	alice.must(t, "POST /api/documents/"+d+"/cancel", "", 202, `"state":"failed"`)
	alice.must(t, upload(k, "a.md"), flanges, 202, d, `"state":"waiting"`)
	h.work()
	if got := alice.settled(t, d); got.get("state") != "ready" {
		t.Fatalf("got %s", got.body)
	}
	h.idle(t)
	if found := alice.search(t, "zirconium"); len(found) != 1 || found[0] != d {
		t.Errorf("found %v, want %s", found, d)
	}
	if n := h.files(t); n != 2 {
		t.Errorf("%d files are kept, want 2", n)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	var k string
	for _, name := range []string{"Zebra", "älter", "Beta", "alpha", "Zebra"} {
		k = alice.knowledge(t, name)
	}
	var names []string
	for cursor := "?limit=2"; cursor != ""; {
		got := alice.must(t, "GET /api/knowledge"+cursor, "", 200)
		for i := 0; got.get("items", strconv.Itoa(i), "name") != ""; i++ {
			names = append(names, got.get("items", strconv.Itoa(i), "name"))
		}
		if cursor = got.get("next"); cursor != "" {
			cursor = "?limit=2&cursor=" + cursor
		}
	}
	if got := strings.Join(names, " "); got != "alpha älter Beta Zebra Zebra" {
		t.Errorf("the list is %s", got)
	}
	var ids []string
	for i := range 5 {
		ids = append(ids, alice.document(t, k, fmt.Sprintf("Prüfung %d.md", i), fmt.Sprintf("# Titel %d\n\nText.\n", i)))
	}
	first := alice.must(t, "GET /api/documents?limit=3&knowledge="+k, "", 200)
	second := alice.must(t, "GET /api/documents?limit=3&knowledge="+k+"&cursor="+first.get("next"), "", 200)
	if first.get("items", "0", "id") != ids[4] || second.get("items", "1", "id") != ids[0] || second.get("next") != "" || first.get("items", "0", "ownerName") != "Alice Tester" {
		t.Errorf("the pages are %s and %s", first.body, second.body)
	}
	alice.must(t, "GET /api/documents?q=prufung+3&knowledge="+k, "", 200, ids[3])
	if got := alice.must(t, "GET /api/documents?q=TITEL+2&knowledge="+k, "", 200, ids[2]); strings.Contains(got.body, ids[1]) {
		t.Errorf("the search in the list answers %s", got.body)
	}
	alice.must(t, "GET /api/documents?q=%25&knowledge="+k, "", 200, `"items":[]`)
	alice.must(t, "GET /api/knowledge?cursor=nonsense", "", 422, "cursor")
	alice.must(t, "GET /api/knowledge?limit=0", "", 422)
	alice.must(t, "GET /api/knowledge?limit=201", "", 422)
}

func TestKnowledge(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice, guest := h.person(t, "Alice", h.main, actor.Member), h.person(t, "Gus", h.main, actor.Guest)
	for _, tt := range []struct {
		name, body string
		status     int
		holds      string
	}{
		{"a name", `{"name":"  Ward   handbook "}`, 201, `"name":"Ward handbook"`},
		{"the same name again", `{"name":"Ward handbook"}`, 201, `"right":"edit"`},
		{"no name", `{"name":""}`, 422, "body.name"},
		{"spaces", `{"name":"   "}`, 422, "body.name"},
		{"a control character", `{"name":"a\u0007b"}`, 422, "body.name"},
		{"too long", `{"name":"` + strings.Repeat("x", 201) + `"}`, 422, "body.name"},
		{"an unknown field", `{"name":"a","owner":"b"}`, 422, "owner"},
		{"a number", `{"name":1}`, 422, "name"},
		{"no JSON", `{"name":`, 400, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { alice.must(t, "POST /api/knowledge", tt.body, tt.status, tt.holds) })
	}
	guest.must(t, "POST /api/knowledge", `{"name":"Mine"}`, 403)
	(&visitor{house: h}).must(t, "POST /api/knowledge", `{"name":"Mine"}`, 401)
	k := alice.knowledge(t, "Old")
	alice.must(t, "PATCH /api/knowledge/"+k, `{"name":"New"}`, 200, `"name":"New"`)
	alice.must(t, "PATCH /api/knowledge/"+k, `{"name":" "}`, 422, "body.name")
	d := alice.document(t, k, "flange.md", flanges)
	alice.must(t, "GET /api/knowledge/"+k, "", 200, `"documents":1`, `"working":0`, `"size":`+strconv.Itoa(len(flanges)), `"ownerName":"Alice Tester"`, `"manages":true`)
	alice.must(t, "DELETE /api/knowledge/"+k, "", 204)
	for _, gone := range []string{"GET /api/knowledge/" + k, "GET /api/documents/" + d, "GET /api/documents/" + d + "/file", "GET /api/documents?knowledge=" + k, "DELETE /api/knowledge/" + k} {
		alice.must(t, gone, "", 404)
	}
	if found := alice.search(t, "zirconium"); len(found) != 0 {
		t.Errorf("a deleted base is searched: %v", found)
	}
	alice.must(t, "POST /api/search", `{"question":"zirconium","knowledge":["`+k+`"]}`, 404)
	h.idle(t)
	if n := h.files(t); n != 0 {
		t.Errorf("%d files are left", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.notices {
		parts := strings.Split(n, "/")
		if parts[0] != h.main.ID || parts[1] != "" || parts[3] != "" || parts[2] != "knowledge" && parts[2] != "document" {
			t.Errorf("the notice %s says more than that something changed", n)
		}
	}
	if len(h.notices) == 0 {
		t.Error("no page was told")
	}
}

func TestSearchInput(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	d := alice.document(t, k, "flange.md", flanges)
	for _, tt := range []struct {
		name, body string
		status     int
		holds      string
	}{
		{"a question", `{"question":"Which flange torque?"}`, 200, d},
		{"nothing", `{"question":""}`, 200, `"items":[]`},
		{"syntax of a search engine", `{"question":"\" OR base : * NEAR(a b) -x AND ("}`, 200, `"items":[]`},
		{"a NUL", `{"question":"zirconium\u0000 flange"}`, 422, "NUL"},
		{"10,000 characters", `{"question":"zirconium ` + strings.Repeat("different words ", 620) + `"}`, 200, d},
		{"far too many", `{"question":"` + strings.Repeat("x", 20_001) + `"}`, 422, "question"},
		{"no question", `{}`, 422, "question"},
		{"an unknown field", `{"question":"x","everything":true}`, 422, "everything"},
		{"a base that is not there", `{"question":"x","knowledge":["nope"]}`, 404, "nope"},
		{"an injected base", `{"question":"x","knowledge":["\" OR base : *"]}`, 404, "of this id"},
		{"a limit", `{"question":"zirconium","limit":51}`, 422, "limit"},
	} {
		t.Run(tt.name, func(t *testing.T) { alice.must(t, "POST /api/search", tt.body, tt.status, tt.holds) })
	}
}

// TestCancelWhileReading stops a long document in the middle; nothing of it is
// to be found then or later.
func TestCancelWhileReading(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	d := alice.must(t, upload(k, "long.txt"), strings.Repeat("The potoroo hops over the fence. ", 60_000), 202).get("id")
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	for h.count(t, `SELECT hidden FROM document WHERE id = ?`, d) == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if found := alice.search(t, "potoroo"); len(found) != 0 {
		t.Errorf("half a document is found: %v", found)
	}
	alice.must(t, "POST /api/documents/"+d+"/cancel", "", 202)
	if got := alice.settled(t, d); got.get("state") != "failed" || !strings.Contains(got.get("reason"), "stopped") {
		t.Fatalf("got %s", got.body)
	}
	if found := alice.search(t, "potoroo"); len(found) != 0 {
		t.Errorf("a cancelled document is found: %v", found)
	}
	alice.must(t, "DELETE /api/documents/"+d, "", 204)
	h.idle(t)
	for _, table := range []string{"document", "chunk", "lexical_entry"} {
		if n := h.count(t, `SELECT count(*) FROM `+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if n := h.files(t); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// TestDeletedWhileReading deletes a long document in the middle without telling
// the job; it has to notice by itself.
func TestDeletedWhileReading(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.person(t, "Alice", h.main, actor.Member)
	k := alice.knowledge(t, "Files")
	d := alice.must(t, upload(k, "long.txt"), strings.Repeat("The potoroo hops over the fence. ", 60_000), 202).get("id")
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	for h.count(t, `SELECT hidden FROM document WHERE id = ?`, d) == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	check(t, h.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE document SET deleted = 1 WHERE id = ?`, d)
		return err
	}))
	h.idle(t)
	staged := h.count(t, `SELECT count(*) FROM chunk`)
	if all := 60_000 * 6 / 180; staged == 0 || staged >= all {
		t.Errorf("%d chunks were written, want some but not all of about %d", staged, all)
	}
	if n := h.files(t); n != 1 {
		t.Errorf("%d files are kept, want the one that its deletion will remove", n)
	}
	if n := h.count(t, `SELECT count(*) FROM document WHERE state = 'ready'`); n != 0 {
		t.Error("a deleted document became ready")
	}
}
