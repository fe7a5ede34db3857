package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"

	"chatets/appliance/actor"
)

// pages serves the built pages: files as they are, everything else is the one
// page that finds its way by itself.
type pages struct {
	files fs.FS

	mu     sync.Mutex
	loaded map[string]*asset
}

// asset is a file with its compressed siblings, read at its first use.
type asset struct {
	media     string
	etag      string
	immutable bool
	plain     []byte
	br, gz    []byte // nil where the build made none
}

func newPages(files fs.FS) *pages { return &pages{files: files, loaded: map[string]*asset{}} }

// hashed is a name that changes with its content, as the build makes them.
var hashed = regexp.MustCompile(`-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

// asset is the file of that name; nil when there is none. The compressed
// siblings have no name of their own.
func (p *pages) asset(name string) (*asset, error) {
	if p.files == nil || !fs.ValidPath(name) || !readable(name) || name == "." || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, ok := p.loaded[name]; ok {
		return a, nil
	}
	plain, err := read(p.files, name)
	if plain == nil {
		return nil, err // not kept: strangers could fill the memory with names
	}
	sum := sha256.Sum256(plain)
	a := &asset{
		media: mediaOf(name), etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		immutable: strings.HasPrefix(name, "assets/") && hashed.MatchString(name), plain: plain,
	}
	if a.br, err = read(p.files, name+".br"); err != nil {
		return nil, err
	}
	if a.gz, err = read(p.files, name+".gz"); err != nil {
		return nil, err
	}
	p.loaded[name] = a
	return a, nil
}

// read is the content of a regular file, nil when there is none.
func read(files fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(files, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("page file: %w", err)
	}
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("page file: %w", err)
	}
	return data, nil
}

// mediaOf does not ask the machine's own tables: they differ between hosts.
func mediaOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".webp":
		return "image/webp"
	case ".woff2":
		return "font/woff2"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	}
	if m := mime.TypeByExtension(path.Ext(name)); m != "" {
		return m
	}
	return "application/octet-stream"
}

// page is the last stop of the router: files, pages, and otherwise the error
// that says whether another method would have done.
func (s *Server) page(c *fiber.Ctx) error {
	where := string(c.Context().Path())
	if m := c.Method(); m != "GET" && m != "HEAD" || where == "/api" || strings.HasPrefix(where, "/api/") {
		return c.Next()
	}
	sc := c.Locals(scopeLocal).(*scope)
	if where == "/docs" || strings.HasPrefix(where, "/docs/") {
		return s.docsPage(c, sc, where)
	}
	name := strings.TrimPrefix(where, "/")
	a, err := s.pages.asset(name)
	switch {
	case err != nil:
		return err
	case a != nil && name != "index.html":
		sc.route = "asset"
		if name == boardPage {
			return a.board(c)
		}
		return a.send(c)
	case path.Ext(where) != "" && name != "index.html":
		return c.Next()
	}
	sc.route = "page"
	return s.index(c, sc)
}

// boardPage is the file that draws diagrams inside a frame of our pages.
const boardPage = "diagram.html"

// board answers with the drawing board, which only our own pages may frame.
func (a *asset) board(c *fiber.Ctx) error {
	err := a.send(c)
	h := &c.Response().Header
	h.Set("Content-Security-Policy", boardPolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	return err
}

// send answers with the asset in the best form the client takes.
func (a *asset) send(c *fiber.Ctx) error {
	h := &c.Response().Header
	h.SetContentType(a.media)
	h.Set("ETag", a.etag)
	h.Set("Content-Security-Policy", policy)
	if a.immutable {
		// The drawing board has no origin, so the scripts that it shares with the
		// other pages must be for everybody; they are the same for everybody.
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if a.br != nil || a.gz != nil {
		h.Set("Vary", "Accept-Encoding")
	}
	if sameETag(c.Get("If-None-Match"), a.etag) {
		c.Status(fiber.StatusNotModified)
		return nil
	}
	body := a.plain
	switch encoding := encodingOf(c.Get("Accept-Encoding"), a.br != nil, a.gz != nil); encoding {
	case "br":
		h.Set("Content-Encoding", encoding)
		body = a.br
	case "gzip":
		h.Set("Content-Encoding", encoding)
		body = a.gz
	}
	c.Response().SetBodyRaw(body)
	return nil
}

func sameETag(header, etag string) bool {
	for _, part := range strings.Split(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == etag || part == "*" {
			return true
		}
	}
	return false
}

// bootstrapForm is where the page has room for its data; without it the data
// goes to the end of the head.
var bootstrapForm = regexp.MustCompile(`<script type="application/json" id="bootstrap">[^<]*</script>`)

// index answers with the page and what it needs to know at once.
func (s *Server) index(c *fiber.Ctx, sc *scope) error {
	a, err := s.pages.asset("index.html")
	if err != nil {
		return err
	}
	h := &c.Response().Header
	h.SetContentType("text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	if a == nil {
		c.Status(fiber.StatusServiceUnavailable)
		return c.SendString("<!doctype html><html lang=\"en\"><title>ChatETS</title><h1>ChatETS</h1>" +
			"<p>This binary was built without its pages. Build it with <code>make build</code>. The API works: see <a href=\"/docs\">/docs</a>.</p></html>")
	}
	var data any = struct{}{}
	if s.bootstrap != nil {
		ctx := withScope(s.base, sc)
		who, err := s.identify(ctx, c, sc, Public)
		if err != nil {
			return err
		}
		data = s.bootstrap(actor.With(ctx, who))
	}
	page, err := withBootstrap(a.plain, data)
	if err != nil {
		return err
	}
	c.Response().SetBodyRaw(page)
	return nil
}

// withBootstrap puts data into the page as JSON. json.Marshal writes <, >, &,
// U+2028 and U+2029 as escapes, so no text in it can end the element.
func withBootstrap(page []byte, data any) ([]byte, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("bootstrap data: %w", err)
	}
	element := []byte(`<script type="application/json" id="bootstrap">` + string(raw) + `</script>`)
	if at := bootstrapForm.FindIndex(page); at != nil {
		return bytes.Join([][]byte{page[:at[0]], element, page[at[1]:]}, nil), nil
	}
	if i := bytes.Index(page, []byte("</head>")); i >= 0 {
		return bytes.Join([][]byte{page[:i], element, page[i:]}, nil), nil
	}
	return append(append([]byte(nil), page...), element...), nil
}
