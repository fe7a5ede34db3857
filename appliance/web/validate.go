package web

import (
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"chatets/appliance/fault"
)

// checker holds a value against its schema and names what is wrong in words.
// The schemas are huma's, and so is the document made of them; huma's own
// check is not used because it takes field names in any case, which encoding/
// json then lets overwrite what was checked, and because its messages are not
// for people.
type checker struct {
	registry huma.Registry
	patterns *patterns
	wrong    []fault.Detail
}

// patterns keeps compiled expressions of schemas.
type patterns struct{ m sync.Map }

func (p *patterns) match(expr, text string) bool {
	re, ok := p.m.Load(expr)
	if !ok {
		re, _ = p.m.LoadOrStore(expr, regexp.MustCompile(expr)) // registration has tried it
	}
	return re.(*regexp.Regexp).MatchString(text)
}

func detail(path, format string, args ...any) fault.Detail {
	return fault.Detail{Field: path, Sentence: fmt.Sprintf(format, args...)}
}

// label is how a sentence names the value at path.
func label(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return strconv.Quote(path[i+1:])
	}
	return "The body"
}

func (c *checker) add(path, format string, args ...any) {
	if len(c.wrong) < maxErrors {
		c.wrong = append(c.wrong, detail(path, format, args...))
	}
}

func (c *checker) resolve(s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = c.registry.SchemaFromRef(s.Ref)
	}
	return s
}

// value checks v, which decode has read or bind has parsed, against s.
func (c *checker) value(path string, s *huma.Schema, v any) {
	if s = c.resolve(s); s == nil {
		return
	}
	if v == nil {
		if !s.Nullable && s.Type != "" {
			c.add(path, "%s must not be null.", label(path))
		}
		return
	}
	switch s.Type {
	case huma.TypeObject:
		c.object(path, s, v)
	case huma.TypeArray:
		c.array(path, s, v)
	case huma.TypeString:
		c.text(path, s, v)
	case huma.TypeInteger, huma.TypeNumber:
		c.number(path, s, v)
	case huma.TypeBoolean:
		if _, ok := v.(bool); !ok {
			c.add(path, "%s must be true or false.", label(path))
		}
	}
}

func (c *checker) object(path string, s *huma.Schema, v any) {
	o, ok := v.(object)
	if !ok {
		c.add(path, "%s must be an object.", label(path))
		return
	}
	for _, name := range s.Required {
		if _, ok := o.values[name]; !ok {
			c.add(path+"."+name, "%q is missing.", name)
		}
	}
	extra, _ := s.AdditionalProperties.(*huma.Schema)
	closed := s.AdditionalProperties == false
	for _, name := range o.names {
		at := path + "." + shown(name, 100)
		p := s.Properties[name]
		switch {
		case p != nil && o.values[name] == nil && !c.needs(s, name):
			// null stands for leaving it out
		case p != nil:
			c.value(at, p, o.values[name])
		case extra != nil:
			c.value(at, extra, o.values[name])
		case closed:
			c.add(at, "There is no field %q here.", shown(name, 100))
		}
	}
	if s.MaxProperties != nil && len(o.names) > *s.MaxProperties {
		c.add(path, "%s must have at most %s.", label(path), plural(*s.MaxProperties, "field"))
	}
}

func (c *checker) needs(s *huma.Schema, name string) bool {
	for _, r := range s.Required {
		if r == name {
			return true
		}
	}
	return false
}

func (c *checker) array(path string, s *huma.Schema, v any) {
	list, ok := v.([]any)
	if !ok {
		c.add(path, "%s must be a list.", label(path))
		return
	}
	if s.MinItems != nil && len(list) < *s.MinItems {
		c.add(path, "%s must have at least %s.", label(path), plural(*s.MinItems, "entry"))
	}
	if s.MaxItems != nil && len(list) > *s.MaxItems {
		c.add(path, "%s must have at most %s.", label(path), plural(*s.MaxItems, "entry"))
		return
	}
	seen := map[any]bool{}
	for i, item := range list {
		at := path + "[" + strconv.Itoa(i) + "]"
		if text, ok := item.(string); ok && s.UniqueItems {
			if seen[text] {
				c.add(at, "%s is in the list twice.", label(at))
			}
			seen[text] = true
		}
		c.value(at, s.Items, item)
	}
}

func (c *checker) text(path string, s *huma.Schema, v any) {
	text, ok := v.(string)
	if !ok {
		c.add(path, "%s must be text.", label(path))
		return
	}
	n := utf8.RuneCountInString(text)
	switch {
	case s.MinLength != nil && n < *s.MinLength && n == 0:
		c.add(path, "%s must not be empty.", label(path))
	case s.MinLength != nil && n < *s.MinLength:
		c.add(path, "%s must have at least %s.", label(path), plural(*s.MinLength, "character"))
	case s.MaxLength != nil && n > *s.MaxLength:
		c.add(path, "%s must have at most %s, but has %d.", label(path), plural(*s.MaxLength, "character"), n)
	case s.Pattern != "" && !c.patterns.match(s.Pattern, text):
		if s.PatternDescription != "" {
			c.add(path, "%s must be %s.", label(path), s.PatternDescription)
		} else {
			c.add(path, "%s does not have the right form.", label(path))
		}
	case len(s.Enum) > 0 && !oneOf(s.Enum, text):
		c.add(path, "%s must be one of: %s.", label(path), choices(s.Enum))
	default:
		if form, ok := formats[s.Format]; ok && text != "" && !form.ok(text) {
			c.add(path, "%s must be %s.", label(path), form.words)
		}
	}
}

func (c *checker) number(path string, s *huma.Schema, v any) {
	var f float64
	switch v := v.(type) {
	case json.Number:
		var err error
		if f, err = v.Float64(); err != nil {
			c.add(path, "%s is too large a number.", label(path))
			return
		}
	case int64:
		f = float64(v)
	case uint64:
		f = float64(v)
	case float64:
		f = v
	default:
		c.add(path, "%s must be a number.", label(path))
		return
	}
	whole := s.Type == huma.TypeInteger
	switch {
	case whole && !isWhole(v):
		c.add(path, "%s must be a whole number.", label(path))
	case s.Minimum != nil && f < *s.Minimum:
		c.add(path, "%s must be at least %s.", label(path), plain(*s.Minimum))
	case s.Maximum != nil && f > *s.Maximum:
		c.add(path, "%s must be at most %s.", label(path), plain(*s.Maximum))
	case s.ExclusiveMinimum != nil && f <= *s.ExclusiveMinimum:
		c.add(path, "%s must be more than %s.", label(path), plain(*s.ExclusiveMinimum))
	case s.ExclusiveMaximum != nil && f >= *s.ExclusiveMaximum:
		c.add(path, "%s must be less than %s.", label(path), plain(*s.ExclusiveMaximum))
	case s.MultipleOf != nil && math.Mod(f, *s.MultipleOf) != 0:
		c.add(path, "%s must be a multiple of %s.", label(path), plain(*s.MultipleOf))
	case len(s.Enum) > 0 && !oneOf(s.Enum, f):
		c.add(path, "%s must be one of: %s.", label(path), choices(s.Enum))
	}
}

// isWhole reports whether v is a number that fits into 64 bits, written without
// fraction and exponent.
func isWhole(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return true // bind has parsed it as one
	}
	_, err := strconv.ParseInt(n.String(), 10, 64)
	return err == nil
}

// form is a format of text that is checked.
type form struct {
	ok    func(string) bool
	words string
}

// formats are the values of the format tag that a request may use; registration
// refuses others, since a promise in the document that nobody checks is a lie.
var formats = map[string]form{
	"date-time": {func(t string) bool { _, err := time.Parse(time.RFC3339, t); return err == nil }, "a time like 2006-01-02T15:04:05Z"},
	"date":      {func(t string) bool { _, err := time.Parse(time.DateOnly, t); return err == nil }, "a date like 2006-01-02"},
	"uuid":      {func(t string) bool { return len(t) == 36 && uuid.Validate(t) == nil }, "an id like 0190a6f2-7c5e-7d3a-9c1e-2f4b6a8d0e1f"},
	"email":     {isEmail, "an e-mail address"},
	"uri":       {func(t string) bool { u, err := url.Parse(t); return err == nil && u.Scheme != "" && u.Host != "" }, "an address with scheme and host"},
}

func isEmail(t string) bool {
	a, err := mail.ParseAddress(t)
	return err == nil && a.Address == t && a.Name == ""
}

func oneOf(enum []any, v any) bool {
	for _, e := range enum {
		if e == v || fmt.Sprint(e) == fmt.Sprint(v) {
			return true
		}
	}
	return false
}

func choices(enum []any) string {
	words := make([]string, len(enum))
	for i, e := range enum {
		if words[i] = fmt.Sprint(e); words[i] == "" {
			words[i] = "empty"
		}
	}
	return strings.Join(words, ", ")
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return strconv.Itoa(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
