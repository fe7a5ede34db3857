package web

import (
	"embed"
	"io/fs"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// docsFiles is the page that shows /api/openapi.json readably and needs nobody
// else's server for it.
//
//go:embed docs
var docsFiles embed.FS

func newDocs() *pages {
	files, err := fs.Sub(docsFiles, "docs")
	if err != nil {
		panic("web: " + err.Error()) // the folder is compiled in
	}
	return newPages(files)
}

// docsPage serves /docs and the files beside it.
func (s *Server) docsPage(c *fiber.Ctx, sc *scope, where string) error {
	name := strings.TrimPrefix(strings.TrimPrefix(where, "/docs"), "/")
	if name == "" {
		name = "index.html"
	}
	a, err := s.docs.asset(name)
	if err != nil {
		return err
	}
	if a == nil {
		return c.Next()
	}
	sc.route = "docs"
	return a.send(c)
}
