package appliance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/renderer/html"
)

// internals are what no sentence for a person may hold.
var internals = []string{"goroutine", ".go:", "sqlite", "SQL", "/tmp/", "fiber", "fasthttp", "huma", "json:", "strconv", "runtime error", "zstd"}

// raw writes bytes as they are, ends the sending side and reads the answers.
func (h *house) raw(t *testing.T, text string) answer {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan struct{})
	go func() { // the service may answer, and hang up, before it has read everything
		defer close(wrote)
		if _, err := io.WriteString(c, text); err == nil {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	data, _ := io.ReadAll(c)
	<-wrote
	head, body, _ := strings.Cut(string(data), "\r\n\r\n")
	got := answer{body: body}
	if _, err := fmt.Sscanf(head, "HTTP/1.1 %d", &got.status); err != nil {
		t.Fatalf("this is no answer: %q", data)
	}
	_ = json.Unmarshal([]byte(body), &got.fields)
	return got
}

// sound checks a refusal: one problem document that says what is wrong and what
// to do, in sentences, and nothing of the inside.
func sound(t *testing.T, got answer, status int, words ...string) {
	t.Helper()
	if got.status != status {
		t.Fatalf("got %d, want %d: %s", got.status, status, got.body)
	}
	detail, cure := got.get("detail"), got.get("cure")+got.get("errors", "0", "sentence")
	if !strings.HasSuffix(detail, ".") || got.get("code") == "" || got.get("request") == "" || cure == "" {
		t.Errorf("no clear sentence and cure: %s", got.body)
	}
	for _, word := range words {
		if !strings.Contains(got.body, word) {
			t.Errorf("lacks %q: %s", word, got.body)
		}
	}
	for _, word := range internals {
		if strings.Contains(got.body, word) {
			t.Errorf("tells %q: %s", word, got.body)
		}
	}
	if strings.ContainsAny(detail+cure, "\x00\x1b\u202e") || !utf8.ValidString(got.body) {
		t.Errorf("repeats signs that cannot be shown: %q", got.body)
	}
}

// holds is all that the house holds of one person, to see that it did not change.
func holds(t *testing.T, v *visitor, knowledge string) string {
	t.Helper()
	// The welcome document of a new house is read in the background, and changes its base until that is done.
	until(t, "every document is read", func() bool {
		return !strings.Contains(strings.ReplaceAll(v.must(t, "GET", "/api/knowledge", "", 200).body, `"working":0`, ""), `"working"`)
	})
	var all strings.Builder
	for _, path := range []string{"/api/knowledge", "/api/documents?knowledge=" + knowledge, "/api/conversations", "/api/people", "/api/groups"} {
		got := v.must(t, "GET", path, "", 200)
		var page struct{ Items []map[string]any }
		if err := json.Unmarshal([]byte(got.body), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			delete(item, "lastActive")
			text, _ := json.Marshal(item)
			all.Write(append(text, '\n'))
		}
	}
	return all.String()
}

// TestBadInput sends what a careless or hostile client sends. Each gets a clear
// sentence with its cure, and nothing changes.
func TestBadInput(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Target"}`, 201).id()
	owner.upload(t, base, "kept.md", "# Kept\n\nThis document stays as it is.\n")
	owner.must(t, "PUT", "/api/settings/upload.maxMegabytes", `{"value":1}`, 200)
	before := holds(t, owner, base)

	host := "Host: " + strings.TrimPrefix(h.base, "http://") + "\r\n"
	bearer := "Authorization: Bearer " + owner.token + "\r\n"
	jsonType := "Content-Type: application/json\r\n"
	add := "POST /api/knowledge HTTP/1.1\r\n" + host + bearer + jsonType
	upload := "POST /api/documents?knowledge=" + base + "&name=bad.md HTTP/1.1\r\n" + host + bearer + "Content-Type: text/markdown\r\n"
	raw := func(text string) func(t *testing.T) answer {
		return func(t *testing.T) answer { return h.raw(t, text) }
	}
	post := func(path, body string, headers ...string) func(t *testing.T) answer {
		return func(t *testing.T) answer { return owner.with(t, "POST", path, body, headers...) }
	}
	named := func(name string) func(t *testing.T) answer {
		return post("/api/documents?knowledge="+base+"&name="+url.QueryEscape(name), "some text", "Content-Type: text/plain")
	}
	chunked := func(n int) string {
		piece := strings.Repeat("x", 1<<16)
		return "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece), n) + "0\r\n\r\n"
	}
	for _, tt := range []struct {
		name   string
		send   func(t *testing.T) answer
		status int
		words  []string
	}{
		{"sign in, no password", post("/api/auth/login", `{"email":"owner@house.test","password":""}`), 422, []string{"body.password", "Enter your password."}},
		{"sign in, nothing", post("/api/auth/login", `{"email":"","password":""}`), 422, []string{"body.email", "body.password"}},
		{"a person without a password", post("/api/people", `{"email":"new@house.test","name":"New","password":""}`), 422, []string{"body.password"}},
		{"a new password that is empty", func(t *testing.T) answer {
			return owner.ask(t, "PUT", "/api/password", `{"current":"`+password+`","password":""}`, "")
		}, 422, []string{"body.password"}},

		{"JSON announced too large", raw(add + "Content-Length: 99999999999\r\n\r\n{"), 413, []string{"larger than"}},
		{"JSON chunked too large", raw(add + chunked(20)), 413, []string{"larger than 1 MB"}},
		{"sign-in too large", post("/api/auth/login", `{"email":"a@b.c","password":"`+strings.Repeat("x", 20<<10)+`"}`), 413, []string{"larger than 16 KB"}},
		{"file announced too large", raw(upload + "Content-Length: 2000000\r\n\r\nx"), 413, []string{"larger than 1 MB", "Split it"}},
		{"file announced far too large", raw(upload + "Content-Length: 99999999999\r\n\r\nx"), 413, []string{"larger than"}},
		{"file chunked too large", raw(upload + chunked(20)), 413, []string{"larger than 1 MB", "Split it"}},

		{"JSON cut off", raw(add + "Content-Length: 100\r\n\r\n" + `{"name":"Torn"}`), 400, []string{`"truncated"`, "of 100 bytes"}},
		{"JSON whose end is missing", post("/api/knowledge", `{"name":"Torn"`), 400, []string{`"truncated"`}},
		{"file cut off", raw(upload + "Content-Length: 1000\r\n\r\nonly this"), 400, []string{`"truncated"`, "9 of 1000 bytes"}},
		{"chunked file cut off", raw(upload + "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"), 400, []string{`"truncated"`}},
		{"an empty file", raw(upload + "Content-Length: 0\r\n\r\n"), 422, []string{"empty"}},

		{"JSON that says it is text", post("/api/knowledge", `{"name":"Plain"}`, "Content-Type: text/plain"), 415, []string{"text/plain", "application/json"}},
		{"a form", post("/api/knowledge", `name=Form`, "Content-Type: application/x-www-form-urlencoded"), 415, []string{"application/json"}},
		{"a file in a form", post("/api/documents?knowledge="+base+"&name=f.md", "--x", "Content-Type: multipart/form-data; boundary=x"), 415, []string{"not a form"}},
		{"a compressed file", post("/api/documents?knowledge="+base+"&name=f.md", "\x1f\x8b", "Content-Encoding: gzip"), 415, []string{"Content-Encoding"}},
		{"a picture called Markdown", post("/api/documents?knowledge="+base+"&name=f.md", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "Content-Type: text/markdown"), 415, nil},
		{"a program", named("setup.exe"), 415, nil},

		{"NUL in a name", post("/api/knowledge", `{"name":"a\u0000b"}`), 422, []string{"NUL"}},
		{"NUL in a question", post("/api/conversations", `{"message":"pump\u0000"}`), 422, []string{"NUL"}},
		{"NUL in a password", post("/api/auth/login", `{"email":"owner@house.test","password":"\u0000"}`), 422, []string{"NUL"}},
		{"a raw NUL in JSON", post("/api/knowledge", "{\"name\":\"a\x00b\"}"), 400, []string{"byte"}},
		{"NUL in the address", raw("GET /api/documents/%00 HTTP/1.1\r\n" + host + bearer + "Connection: close\r\n\r\n"), 400, nil},

		{"broken UTF-8 in JSON", post("/api/knowledge", "{\"name\":\"a\xff\xfeb\"}"), 400, []string{"UTF-8"}},
		{"broken UTF-8 in a question", post("/api/conversations", "{\"message\":\"\xc3\x28\"}"), 400, []string{"UTF-8"}},
		{"broken UTF-8 in the address", raw("POST /api/documents?knowledge=" + base + "&name=a%ff.md HTTP/1.1\r\n" + host + bearer + "Content-Length: 1\r\n\r\nx"), 400, []string{"name"}},

		{"a path", named("../../etc/passwd.md"), 422, []string{"folder"}},
		{"an absolute path", named("/etc/passwd.md"), 422, []string{"folder"}},
		{"a path of Windows", named(`..\..\boot.md`), 422, []string{"folder"}},
		{"dots", named(".."), 422, []string{"name"}},
		{"a line feed in a name", named("a\r\nSet-Cookie: x.md"), 422, []string{"query.name"}},
		{"an escape sequence in a name", named("\x1b[31mred.md"), 422, []string{"query.name"}},
		{"a turned name", named("invoice\u202edm.exe.md"), 422, []string{"query.name"}},
		{"a name too long", named(strings.Repeat("long", 100) + ".md"), 422, []string{"query.name", "too long"}},
		{"a control character in the name of a knowledge base", post("/api/knowledge", `{"name":"a\u001b[2Jb"}`), 422, []string{"body.name"}},

		{"a field that is not known", post("/api/conversations", `{"message":"pump","temperature":1}`), 422, []string{"body.temperature"}},
		{"a field given twice", post("/api/knowledge", `{"name":"One","name":"Two"}`), 422, []string{"twice"}},
		{"nested too deep", post("/api/knowledge", strings.Repeat(`{"name":`, 200)+"1"+strings.Repeat("}", 200)), 400, []string{"nested"}},
		{"an empty question", post("/api/conversations", `{"message":"  \n "}`), 422, []string{"Write a question."}},
		{"a question too long", post("/api/conversations", `{"message":"`+strings.Repeat("x", 32_001)+`"}`), 422, []string{"32,000"}},
		{"a model that is not there", post("/api/conversations", `{"message":"pump","model":"gpt\u001b[0m"}`), 404, []string{"no model"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sound(t, tt.send(t), tt.status, tt.words...)
			if after := holds(t, owner, base); after != before {
				t.Errorf("something changed:\n%s\nwas\n%s", after, before)
			}
		})
	}
}

// TestNothingIsSmuggled sends requests that a web server in front could read
// differently, each with another hidden inside that would make a knowledge base.
func TestNothingIsSmuggled(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Target"}`, 201).id()
	before := holds(t, owner, base)
	host := "Host: localhost\r\nAuthorization: Bearer " + owner.token + "\r\n"
	body := `{"name":"Smuggled"}`
	inner := fmt.Sprintf("POST /api/knowledge HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body)
	open := "POST /api/documents?knowledge=" + base + "&name=x.exe HTTP/1.1\r\n" + host
	for name, text := range map[string]string{
		"length and chunked":        open + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", len(inner)+5) + inner,
		"two lengths":               open + fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n\r\n", len(inner)) + inner,
		"length in an odd form":     open + "Content-Length: +0\r\n\r\n" + inner,
		"odd encoding":              open + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
		"bare line feeds":           strings.ReplaceAll(open, "\r\n", "\n") + "Content-Length: 0\n\n" + inner,
		"the body of a refused one": open + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"the body of a GET":         "GET /health HTTP/1.1\r\n" + host + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"a chunk size with a sign":  open + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + inner,
		"a folded header":           open + "X-A: b\r\n Content-Length: 0\r\n\r\n" + inner,
	} {
		t.Run(name, func(t *testing.T) {
			got := h.raw(t, text)
			if after := holds(t, owner, base); after != before {
				t.Fatalf("the hidden request was served, answered %d: %s", got.status, after)
			}
		})
	}
	if got := h.raw(t, inner); got.status != http.StatusCreated {
		t.Errorf("the same request in the open: %d %s", got.status, got.body)
	}
}

// TestCookieAlone tries what a page of another site, and a thief, can do with a
// cookie.
func TestCookieAlone(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Target"}`, 201).id()
	nobody := h.visitor()
	login := nobody.must(t, "POST", "/api/auth/login", `{"email":"owner@house.test","password":"`+password+`","cookie":true}`, 200)
	cookie, _, _ := strings.Cut(login.header.Get("Set-Cookie"), ";")
	csrf := login.get("csrf")
	if cookie == "" || csrf == "" || strings.Contains(login.body, `"token"`) {
		t.Fatalf("no cookie session: %s %s", cookie, login.body)
	}
	cookie, csrf = "Cookie: "+cookie, "X-CSRF-Token: "+csrf
	before := holds(t, owner, base)
	for _, tt := range []struct {
		name    string
		headers []string
		code    string
	}{
		{"no page token", []string{cookie}, "csrf"},
		{"a page token of nothing", []string{cookie, "X-CSRF-Token: x"}, "csrf"},
		{"a page of another site", []string{cookie, csrf, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, "cross-site"},
		{"another origin, old browser", []string{cookie, csrf, "Origin: https://evil.example"}, "cross-site"},
		{"another port of this machine", []string{cookie, csrf, "Origin: http://127.0.0.1:1", "Sec-Fetch-Site: same-site"}, "cross-site"},
		{"a sandboxed page", []string{cookie, csrf, "Origin: null"}, "cross-site"},
		{"a form of another site", []string{cookie, "Origin: https://evil.example", "Content-Type: text/plain"}, "cross-site"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for path, body := range map[string]string{
				"/api/knowledge": `{"name":"Forged"}`, "/api/conversations": `{"message":"forged"}`,
				"/api/documents?knowledge=" + base + "&name=forged.md": "forged", "/api/people": `{"email":"f@x.test","name":"F","password":"` + password + `"}`,
			} {
				sound(t, nobody.with(t, "POST", path, body, tt.headers...), 403, `"`+tt.code+`"`)
			}
			if after := holds(t, owner, base); after != before {
				t.Errorf("something changed: %s", after)
			}
		})
	}
	if got := nobody.with(t, "GET", "/api/session", "", cookie); got.status != 200 {
		t.Fatalf("the own session is not served: %s", got.body)
	}
	out := nobody.with(t, "POST", "/api/auth/logout", "", cookie, csrf)
	if out.status != 204 || !strings.Contains(out.header.Get("Clear-Site-Data"), "storage") || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Fatalf("sign-out: %d %v", out.status, out.header)
	}
	token := "Authorization: Bearer " + strings.TrimPrefix(cookie, "Cookie: chatets=")
	for name, headers := range map[string][]string{"stolen cookie": {cookie, csrf}, "stolen token": {token}} {
		sound(t, nobody.with(t, "GET", "/api/session", "", headers...), 401, "unauthenticated")
		sound(t, nobody.with(t, "POST", "/api/knowledge", `{"name":"Stolen"}`, headers...), 401, "unauthenticated")
		if page := nobody.with(t, "GET", "/", "", headers...); strings.Contains(page.body, "Olga") {
			t.Errorf("%s: the page still knows who it was: %s", name, page.body)
		}
	}
	if after := holds(t, owner, base); after != before {
		t.Errorf("something changed: %s", after)
	}
}

// TestHostileText adds documents that want to be more than text. They become
// ready, are cited at their exact place, and no answer or page holds markup of
// theirs.
func TestHostileText(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Odd"}`, 201).id()
	line := strings.Repeat("The quarterly report of the warehouse lists one more pallet. ", 17_000) + "The zircon lever is at gate nineteen. " + strings.Repeat("Nothing follows here. ", 45_000)
	for _, tt := range []struct{ name, file, text, question, must string }{
		{"2 MB in one line", "line.txt", line, "Where is the zircon lever?", "The zircon lever is at gate nineteen."},
		{"2 MB without a space", "dense.txt", strings.Repeat("a", 1_000_000) + " The opal lever is at gate twenty. " + strings.Repeat("b", 1_000_000), "Where is the opal lever?", "The opal lever is at gate twenty."},
		{"script", "script.md", "# Jade <script>alert(1)</script>\n\nThe jade lever <img src=x onerror=alert(2)> is at gate <b>one</b>.\n\n<script>alert(3)</script>\n", "Where is the jade lever?", "is at gate"},
		{"markup that says it is text", "pre.md", "The onyx lever is at `<script>alert(1)</script>` gate two, see &lt;iframe src=\"//evil.example\"&gt;.\n", "Where is the onyx lever?", "<script>alert(1)</script>"},
		{"links", "links.md", "The ruby lever is at [gate three](javascript:alert(1)) ![x](https://evil.example/p.png) <https://evil.example/a>.\n", "Where is the ruby lever?", "gate three"},
		{"Markdown of an answer", "md.txt", "The topaz lever is at **gate four** [1] [2](javascript:alert(1)) ![p](//evil.example/p.png) <svg onload=alert(1)> | a | [9].\n", "Where is the topaz lever?", "**gate four** [1] [2](javascript:alert(1))"},
		{"broken UTF-8", "latin.txt", "The pearl lever is at gate f\xfcnf \x80 in the M\xfcnchen hall.\n", "Where is the pearl lever?", "fünf € in the München hall."},
		{"signs that cannot be shown", "signs.txt", "The agate lever\u202e is at gate\u200b six\u2028 now.\n", "Where is the agate lever?", "gate"},
		{"characters beyond 16 bits", "emoji.md", "👩‍⚕️👩‍⚕️ 𝔊ood. The coral lever 🛠️ is at gate e\u0301ight.\n", "Where is the coral lever?", "éight."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := owner.upload(t, base, tt.file, tt.text)
			got := owner.must(t, "POST", "/api/conversations", question(tt.question, base), 200)
			m := saidIn(t, got.field("answer"))
			honest(t, owner, m)
			plain := escaped.ReplaceAllString(m.Content, "$1")
			if len(m.Citations) == 0 || m.Citations[0].Document.ID != id || !strings.Contains(plain, tt.must) {
				t.Fatalf("lacks %q: %.2000s", tt.must, m.Content)
			}
			if len(m.Content) > 20_000 || !utf8.ValidString(got.body) {
				t.Errorf("the answer has %d bytes", len(m.Content))
			}
			if strings.ContainsAny(m.Content, "\x00\x07\x1b\u2028") {
				t.Errorf("holds signs that cannot be shown: %.300q", m.Content)
			}
			inert(t, m.Content)
			file := owner.must(t, "GET", "/api/documents/"+id+"/file", "", 200)
			if file.body != tt.text || file.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(file.header.Get("Content-Security-Policy"), "sandbox") ||
				!strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
				t.Errorf("the file does not come back as it was, and harmless: %v", file.header)
			}
			for _, path := range []string{"", "/content"} {
				if got := owner.must(t, "GET", "/api/documents/"+id+path, "", 200); !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") || got.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("a browser could take this for a page: %s: %.500s", got.header.Get("Content-Type"), got.body)
				}
			}
		})
	}
}

// inert shows an answer as the most careless page would, raw HTML and all: what
// comes out may be a paragraph and a list of words, nothing else.
func inert(t *testing.T, markdown string) {
	t.Helper()
	var page bytes.Buffer
	if err := goldmark.New(goldmark.WithRendererOptions(html.WithUnsafe())).Convert([]byte(markdown), &page); err != nil {
		t.Fatal(err)
	}
	left := strings.NewReplacer("<p>", "", "</p>", "", "<ul>", "", "</ul>", "", "<li>", "", "</li>", "").Replace(page.String())
	if strings.ContainsAny(left, "<>") {
		t.Errorf("the answer has markup of its document: %.1000s", left)
	}
}
