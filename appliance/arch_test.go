package appliance_test

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module   = "chatets"
	maxLines = 500
)

// law is the table of docs/architecture.md: what each room may import, and the
// floor it stands on.
type law struct {
	may   map[string]map[string]bool
	floor map[string]string
}

var quoted = regexp.MustCompile("`([^`]+)`")

// readLaw reads the drawing, so that page and test cannot drift apart.
func readLaw(t *testing.T, page string) law {
	t.Helper()
	file, err := os.Open(page)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	type row struct {
		floor, may string
		rooms      []string
	}
	var rows []row
	for lines := bufio.NewScanner(file); lines.Scan(); {
		cells := strings.Split(strings.Trim(lines.Text(), "| "), "|")
		if len(cells) != 3 {
			continue
		}
		floor := strings.TrimSpace(cells[0])
		if !slices.Contains([]string{"words", "machines", "spine", "capabilities", "top"}, floor) {
			continue
		}
		r := row{floor: floor, may: cells[2]}
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			r.rooms = append(r.rooms, m[1])
		}
		rows = append(rows, r)
	}
	l := law{may: map[string]map[string]bool{}, floor: map[string]string{}}
	for _, r := range rows {
		for _, room := range r.rooms {
			l.floor[room] = r.floor
		}
	}
	for _, r := range rows {
		for _, room := range r.rooms {
			allowed := map[string]bool{}
			for _, m := range quoted.FindAllStringSubmatch(r.may, -1) {
				allowed[m[1]] = true
			}
			bare := strings.Fields(quoted.ReplaceAllString(r.may, ""))
			for other, floor := range l.floor {
				if slices.Contains(bare, floor) {
					allowed[other] = true
				}
			}
			l.may[room] = allowed
		}
	}
	if len(l.may) < 30 {
		t.Fatalf("the drawing of %s was not read: %d rooms", page, len(l.may))
	}
	return l
}

// roomOf names the room of a folder, for example "web" for appliance/web and
// for its sub-packages; "" where the folder is no room.
func roomOf(dir string) string {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "embed":
		return "embed"
	case dir == "appliance":
		return "appliance"
	case parts[0] == "appliance" && len(parts) > 1:
		return parts[1]
	case parts[0] == "cmd" && len(parts) > 1:
		return "cmd/" + parts[1]
	}
	return ""
}

// check walks a tree and returns every breach of the law, one sentence each.
func check(root string, l law) ([]string, error) {
	var breaches []string
	comments := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		dir := path.Dir(rel)
		if !strings.HasSuffix(rel, ".go") || roomOf(dir) == "" {
			return nil
		}
		found, comment, err := checkFile(name, rel, l)
		if err != nil {
			return err
		}
		if !strings.HasSuffix(rel, "_test.go") {
			comments[dir] = comments[dir] || comment
		}
		breaches = append(breaches, found...)
		return nil
	})
	for dir, has := range comments {
		if !has {
			breaches = append(breaches, dir+": the package has no comment")
		}
	}
	slices.Sort(breaches)
	return breaches, err
}

func checkFile(name, rel string, l law) (breaches []string, comment bool, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
	if err != nil {
		return nil, false, err
	}
	dir, base := path.Dir(rel), path.Base(rel)
	room := roomOf(dir)
	say := func(format string, args ...any) {
		breaches = append(breaches, rel+": "+fmt.Sprintf(format, args...))
	}
	if lines := files.Position(file.FileEnd).Line; lines > maxLines && !strings.HasSuffix(base, "_test.go") {
		say("%d lines; a file has one subject and stays under %d", lines, maxLines)
	}
	if l.may[room] == nil {
		say("the room %q is not in the drawing", room)
		return breaches, file.Doc != nil, nil
	}
	if strings.HasSuffix(base, "_test.go") {
		return breaches, file.Doc != nil, nil
	}
	names := map[string]string{} // local name -> import path
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(imported)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		names[local] = imported
		checkImport(room, base, imported, l, say)
	}
	if room != "egress" && room != "client" {
		checkDialling(file, names, say)
	}
	return breaches, file.Doc != nil, nil
}

func checkImport(room, base, imported string, l law, say func(string, ...any)) {
	layered := l.floor[room] == "capabilities" || l.floor[room] == "spine"
	switch {
	case strings.HasPrefix(imported, "github.com/gofiber/"), strings.HasPrefix(imported, "github.com/valyala/fasthttp"):
		if room != "web" {
			say("imports %s; only web does", imported)
		}
	case imported == "database/sql" && layered && !strings.HasPrefix(base, "store"):
		say("imports database/sql; only store*.go does")
	}
	ours, found := strings.CutPrefix(imported, module+"/")
	if !found {
		return
	}
	other := roomOf(ours)
	switch {
	case other == room || other == "":
		if strings.HasSuffix(ours, "test") {
			say("imports %s outside a test", ours)
		}
	case !l.may[room][other]:
		say("%s may not import %s", room, other)
	case strings.HasSuffix(ours, "test"):
		say("imports %s outside a test", ours)
	case other == "web" && layered && !strings.HasPrefix(base, "http"):
		say("imports web; only http*.go does")
	case other == "sqlite" && layered && !strings.HasPrefix(base, "store"):
		say("imports sqlite; only store*.go does")
	}
}

var dialling = map[string][]string{
	"net":      {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer", "DefaultResolver", "LookupHost", "LookupIP", "LookupAddr"},
	"net/http": {"DefaultClient", "DefaultTransport", "Transport", "Get", "Post", "PostForm", "Head", "Client"},
}

// checkDialling refuses every way out that is not egress.
func checkDialling(file *ast.File, names map[string]string, say func(string, ...any)) {
	ast.Inspect(file, func(n ast.Node) bool {
		// A client that egress made may be handed on; only making one is a way out.
		if star, ok := n.(*ast.StarExpr); ok {
			if sel, ok := star.X.(*ast.SelectorExpr); ok && sel.Sel.Name == "Client" {
				return false
			}
		}
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil {
			if slices.Contains(dialling[names[x.Name]], sel.Sel.Name) {
				say("uses %s.%s; every way out goes through egress", x.Name, sel.Sel.Name)
			}
		}
		return true
	})
}

// TestArchHolds checks the tree as it stands.
func TestArchHolds(t *testing.T) {
	t.Parallel()
	breaches, err := check("..", readLaw(t, "../docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Error(b)
	}
}

// TestArchCanFail plants each kind of breach in an empty tree and wants it named.
func TestArchCanFail(t *testing.T) {
	t.Parallel()
	l := readLaw(t, "../docs/architecture.md")
	const doc = "// Package p is planted.\n"
	for _, tt := range []struct{ name, file, source, want string }{
		{"a word imports a machine", "appliance/fault/x.go", doc + `package fault; import _ "chatets/appliance/sqlite"`, "fault may not import sqlite"},
		{"a capability imports a later one", "appliance/library/x.go", doc + `package library; import _ "chatets/appliance/chat"`, "library may not import chat"},
		{"a machine imports the spine", "appliance/web/x.go", doc + `package web; import _ "chatets/appliance/audit"`, "web may not import audit"},
		{"sql in a rule file", "appliance/chat/ask.go", doc + `package chat; import _ "database/sql"`, "only store*.go"},
		{"the writer in a rule file", "appliance/chat/ask.go", doc + `package chat; import _ "chatets/appliance/sqlite"`, "only store*.go"},
		{"web in a rule file", "appliance/chat/ask.go", doc + `package chat; import _ "chatets/appliance/web"`, "only http*.go"},
		{"fiber outside web", "appliance/chat/http.go", doc + `package chat; import _ "github.com/gofiber/fiber/v2"`, "only web does"},
		{"a dial outside egress", "appliance/chat/ask.go", doc + `package chat; import "net"; var c, e = net.Dial("tcp", "x")`, "through egress"},
		{"a client of one's own", "appliance/web/x.go", doc + `package web; import "net/http"; var c *http.Client = &http.Client{}`, "through egress"},
		{"the default client under another name", "appliance/web/x.go", doc + `package web; import h "net/http"; var c = h.DefaultClient`, "through egress"},
		{"an own transport", "appliance/web/x.go", doc + `package web; import "net/http"; var c = &http.Transport{}`, "through egress"},
		{"an unknown room", "appliance/util/x.go", doc + `package util`, "not in the drawing"},
		{"a helper for tests in the product", "appliance/chat/store.go", doc + `package chat; import _ "chatets/appliance/sqlite/sqlitetest"`, "outside a test"},
		{"no package comment", "appliance/chat/x.go", `package chat`, "no comment"},
		{"a file too long", "appliance/chat/x.go", doc + "package chat" + strings.Repeat("\n", maxLines+1), "one subject"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			name := filepath.Join(root, filepath.FromSlash(tt.file))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(tt.source), 0o644); err != nil {
				t.Fatal(err)
			}
			breaches, err := check(root, l)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(breaches, "\n"), tt.want) {
				t.Errorf("got %q, want a breach that says %q", breaches, tt.want)
			}
		})
	}
}

// TestArchMigrationNumbers keeps the one sequence of the whole database.
func TestArchMigrationNumbers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d migrations, error %v", len(files), err)
	}
	seen := map[string]string{}
	for _, f := range files {
		number, _, found := strings.Cut(filepath.Base(f), "_")
		if _, err := strconv.Atoi(number); !found || err != nil || len(number) != 5 {
			t.Errorf("%s: a migration is named NNNNN_what.sql", f)
		}
		if other, twice := seen[number]; twice {
			t.Errorf("%s and %s have the same number", other, f)
		}
		seen[number] = f
	}
}
