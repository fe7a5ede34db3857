package scim

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A filter is the grammar of RFC 7644, section 3.4.2.2, read by a recursive
// descent: or binds weaker than and, not stands before a bracket.

// Limits of a filter, so that no client makes the parser or the search costly.
const (
	maxFilter = 4000 // bytes
	maxDepth  = 20
)

// filter is one node of a parsed filter.
type filter interface{ holds(doc map[string]any) bool }

type (
	and     struct{ left, right filter }
	or      struct{ left, right filter }
	not     struct{ inner filter }
	compare struct {
		path  path
		op    string // eq ne co sw ew gt ge lt le pr
		value any    // string, bool, float64 or nil
	}
	// within asks whether one value of a multi-valued attribute fits: emails[type eq "work"].
	within struct {
		path  path
		inner filter
	}
)

// syntaxError is a filter or path that cannot be read; it becomes scimType
// invalidFilter or invalidPath.
type syntaxError struct{ text string }

func (e syntaxError) Error() string { return e.text }

type parser struct {
	text  string
	at    int
	depth int
}

func parseFilter(text string) (filter, error) {
	if len(text) > maxFilter {
		return nil, syntaxError{"the filter is longer than 4000 bytes"}
	}
	if !utf8.ValidString(text) {
		return nil, syntaxError{"the filter is not valid UTF-8"}
	}
	p := &parser{text: text}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.wrong("an operator")
	}
	return f, nil
}

func (p *parser) wrong(what string) error {
	rest := p.text[p.at:]
	if len(rest) > 40 {
		rest = strings.ToValidUTF8(rest[:40], "") + "…"
	}
	if rest == "" {
		return syntaxError{fmt.Sprintf("the filter ends where %s is expected", what)}
	}
	return syntaxError{fmt.Sprintf("%s is expected before %q", what, rest)}
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// word takes a keyword that stands here alone, in any case.
func (p *parser) word(keyword string) bool {
	p.space()
	end := p.at + len(keyword)
	if end > len(p.text) || !strings.EqualFold(p.text[p.at:end], keyword) {
		return false
	}
	if end < len(p.text) && nameByte(p.text[end]) {
		return false
	}
	p.at = end
	return true
}

func (p *parser) sign(b byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == b {
		p.at++
		return true
	}
	return false
}

func (p *parser) or() (filter, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, syntaxError{"the filter is nested too deep"}
	}
	defer func() { p.depth-- }()
	left, err := p.and()
	for err == nil && p.word("or") {
		var right filter
		right, err = p.and()
		left = or{left, right}
	}
	return left, err
}

func (p *parser) and() (filter, error) {
	left, err := p.factor()
	for err == nil && p.word("and") {
		var right filter
		right, err = p.factor()
		left = and{left, right}
	}
	return left, err
}

func (p *parser) factor() (filter, error) {
	p.space()
	if p.sign('(') {
		return p.bracket()
	}
	start := p.at
	if p.word("not") {
		if p.sign('(') {
			inner, err := p.bracket()
			return not{inner}, err
		}
		p.at = start // an attribute may be called so
	}
	name, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.sign('[') {
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.sign(']') {
			return nil, p.wrong("]")
		}
		return within{name, inner}, nil
	}
	if p.word("pr") {
		return compare{path: name, op: "pr"}, nil
	}
	for _, op := range []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"} {
		if p.word(op) {
			value, err := p.value()
			if err != nil {
				return nil, err
			}
			return compare{name, op, value}, nil
		}
	}
	return nil, p.wrong("an operator such as eq")
}

func (p *parser) bracket() (filter, error) {
	inner, err := p.or()
	if err == nil && !p.sign(')') {
		err = p.wrong(")")
	}
	return inner, err
}

// value is a JSON text, number, true, false or null.
func (p *parser) value() (any, error) {
	p.space()
	d := json.NewDecoder(strings.NewReader(p.text[p.at:]))
	token, err := d.Token()
	if _, structure := token.(json.Delim); err != nil || structure {
		// Some clients write True and FALSE.
		for word, value := range map[string]any{"true": true, "false": false, "null": nil} {
			if p.word(word) {
				return value, nil
			}
		}
		return nil, p.wrong(`a value such as "text"`)
	}
	p.at += int(d.InputOffset())
	return token, nil
}

// path is the name of an attribute: [schema:]name[.sub].
type path struct{ schema, name, sub string }

func nameByte(b byte) bool {
	return b == '_' || b == '-' || b == '$' || b < utf8.RuneSelf && (unicode.IsLetter(rune(b)) || unicode.IsDigit(rune(b)))
}

// path reads a name. A schema is a URN, in which the dots belong to it.
func (p *parser) path() (path, error) {
	p.space()
	start := p.at
	for p.at < len(p.text) && (nameByte(p.text[p.at]) || p.text[p.at] == '.' || p.text[p.at] == ':') {
		p.at++
	}
	text := p.text[start:p.at]
	if text == "" {
		return path{}, p.wrong("the name of an attribute")
	}
	got, err := pathOf(text)
	if err != nil {
		p.at = start
		return path{}, p.wrong("the name of an attribute")
	}
	return got, nil
}

// pathOf takes a name apart. A URN ends at its last colon, unless it is the name
// of a schema alone, as patches write whole extensions.
func pathOf(text string) (path, error) {
	var p path
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		if !strings.HasPrefix(strings.ToLower(text), "urn:") {
			return p, syntaxError{"a schema begins with urn:"}
		}
		for _, known := range schemaNames() {
			if strings.EqualFold(text, known) {
				return path{schema: known}, nil
			}
		}
		p.schema, text = text[:i], text[i+1:]
	}
	p.name, p.sub, _ = strings.Cut(text, ".")
	if p.name == "" || strings.Contains(p.sub, ".") || strings.HasSuffix(text, ".") || !unicode.IsLetter(rune(p.name[0])) && p.name[0] != '$' && p.name[0] != '_' {
		return p, syntaxError{fmt.Sprintf("%q is no name of an attribute", text)}
	}
	return p, nil
}
